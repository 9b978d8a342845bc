"""Cases that belong together, by a person's word: this one is a duplicate of, caused by, or follows another."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case, CaseLink
from cases.models.case import Refusal, lock_all
from cases.sight import Sight
from crm.models import User

# What a person may say, and how it reads from either end.
KINDS: dict[str, LazyText] = {
    "duplicate_of": gettext_lazy("duplicate of"),
    "caused_by": gettext_lazy("caused by"),
    "follows": gettext_lazy("follows"),
}
_FROM_THE_OTHER: dict[str, LazyText] = {
    "duplicate_of": gettext_lazy("has the duplicate"),
    "caused_by": gettext_lazy("is the cause of"),
    "follows": gettext_lazy("is followed by"),
}


@transaction.atomic
def link(case: Case, other: Case, kind: str, *, by: User, at: datetime | None = None, via: str = "person") -> CaseLink:
    """Say that `case` is `kind` (KINDS) of `other`; both tell of it. Again returns the link there is."""
    if kind not in KINDS:
        raise Refusal(_("A link is one of %(kinds)s.") % {"kinds": ", ".join(KINDS)})
    if case.pk == other.pk:
        raise Refusal(_("Choose another case: this is the same one."))
    lock_all(case, other)
    found, fresh = CaseLink.objects.get_or_create(case=case, other=other, kind=kind)
    if fresh:
        _tell("linked", case, other, kind, by, at, via)
    return found


@transaction.atomic
def unlink(found: CaseLink, *, by: User, at: datetime | None = None, via: str = "person") -> None:
    """They do not belong together after all. Quiet if that was said."""
    case, other = Case.objects.get(pk=found.case_id), Case.objects.get(pk=found.other_id)
    lock_all(case, other)
    if CaseLink.objects.filter(pk=found.pk).delete()[0]:
        _tell("unlinked", case, other, found.kind, by, at, via)


def _tell(kind: str, case: Case, other: Case, link_kind: str, by: User, at: datetime | None, via: str) -> None:
    case.record(kind, by=by, at=at, via=via, other=other.number, link=link_kind)
    other.record(kind, by=by, at=at, via=via, other=case.number, link=link_kind, back=True)


def of(case: Case, user: User) -> list[tuple[CaseLink, Case, str]]:
    """The links of a case in words, each with the case at its other end; only those whose other end `user` may see."""
    there = [(one, one.other, str(KINDS[one.kind])) for one in _THERE(user, case.pk)]
    return there + [(one, one.case, str(_FROM_THE_OTHER[one.kind])) for one in _BACK(user, case.pk)]


def _there(user: User, case: int) -> QuerySet[CaseLink]:
    seen = Case.objects.visible_to(user).order_by()
    return CaseLink.objects.filter(case=case, kind__in=KINDS, other__in=seen).select_related("other").order_by("pk")


def _back(user: User, case: int) -> QuerySet[CaseLink]:
    seen = Case.objects.visible_to(user).order_by()
    return CaseLink.objects.filter(other=case, kind__in=KINDS, case__in=seen).select_related("case").order_by("pk")


_THERE, _BACK = Sight(_there, int), Sight(_back, int)


def words(data: Mapping[str, Any]) -> str:
    """What the data of a `linked` or `unlinked` event says: "duplicate of #12"."""
    told = _FROM_THE_OTHER if data.get("back") else KINDS
    return f"{told.get(data.get('link', ''), '')} #{data.get('other', '')}"
