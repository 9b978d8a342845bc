"""Two people with one page of an admin open: whoever saves second is told what the first one changed, keeps what they typed,
and decides. Nothing of either is lost without a word.

The page carries a seal over what its fields showed. A save whose seal does not fit what stands now is refused once, in
words that name each field and what stands there; the page that says so carries the new seal.
"""

import hashlib
from typing import Any

from django import forms
from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _

SEAL = "seen"


def guarded(form: "type[forms.ModelForm[Any]]") -> "type[forms.ModelForm[Any]]":
    """The same form, which refuses to write over what its page did not show."""
    return type(form.__name__, (_Guarded, form), {SEAL: forms.CharField(required=False, widget=forms.HiddenInput)})


class _Guarded:
    """Mixed into a bound or unbound form of a row that exists; `initial` is what stands in the row now."""

    changed_meanwhile = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = seal(self.initial)  # type: ignore[attr-defined]
        self.initial[SEAL] = self.now  # type: ignore[attr-defined]

    def clean(self) -> Any:
        values = super().clean()  # type: ignore[misc]
        seen = self.data.get(self.add_prefix(SEAL), "")  # type: ignore[attr-defined]
        if seen and seen != self.now:
            self._refuse(seen)
        return values

    def _refuse(self, seen: str) -> None:
        self.changed_meanwhile = True
        self.data = self.data.copy()  # type: ignore[has-type]
        self.data[self.add_prefix(SEAL)] = self.now  # type: ignore[attr-defined]
        self.add_error(None, _REFUSED)  # type: ignore[attr-defined]
        theirs = dict(_marks(seen))
        for name, mark in _marks(self.now):
            if name in self.fields and theirs.get(name) != mark:  # type: ignore[attr-defined]
                stands = said(self.initial.get(name)) or "–"  # type: ignore[attr-defined]
                self.add_error(name, _("Somebody changed this meanwhile. It says now: %(now)s") % {"now": stands})  # type: ignore[attr-defined]

    @property
    def changed_data(self) -> list[str]:
        return [name for name in super().changed_data if name != SEAL]  # type: ignore[misc]


_REFUSED = _(
    "Somebody changed this while you had it open, and nothing was saved yet. What you typed is still here. Save again to put "
    "it in the place of theirs, or open the page anew to go on from theirs."
)


def seal(shown: dict[str, Any]) -> str:
    """Of each field a mark of what it showed: "name:mark name:mark"."""
    return " ".join(f"{name}:{_mark(value)}" for name, value in sorted(shown.items()) if name != SEAL)


def _mark(value: Any) -> str:
    return hashlib.sha256(said(value).encode()).hexdigest()[:12]


def _marks(told: str) -> list[tuple[str, str]]:
    pairs = [part.partition(":") for part in told.split(" ")]
    return [(name, mark) for name, _colon, mark in pairs]


def said(value: Any) -> str:
    """A value as words, the same however it came from the row."""
    if isinstance(value, (list, tuple, set, QuerySet)):
        return ", ".join(sorted(said(each) for each in value))
    if isinstance(value, Model):
        return str(value.pk)
    return "" if value is None else str(value)
