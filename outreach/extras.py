"""What an offer gives beside its price, as a supervisor writes it: a line each, `data GB: 20`."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget


def extras_field() -> forms.CharField:
    return forms.CharField(
        label=_("What else it gives"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "placeholder": "data GB: 20"}),
        help_text=_(
            "A line each, with how much of it; more is better. A twin gives existing customers as much of each."
        ),
    )


def extras_text(extras: Mapping[str, Any]) -> str:
    return "\n".join(f"{name}: {much:g}" for name, much in sorted(extras.items()))


def extras_read(text: str) -> dict[str, float]:
    """Raises ValidationError with the line that is none."""
    found = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, _colon, much = line.rpartition(":")
        try:
            found[name.strip()] = float(much.replace(",", "."))
        except ValueError:
            name = ""
        if not name.strip():
            raise ValidationError(
                _("“%(line)s” needs a name, a colon and a number, like “data GB: 20”."), params={"line": line[:80]}
            )
    return found
