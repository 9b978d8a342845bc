"""How somebody wants to hear, as the page of it sends it."""

import zoneinfo
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.models import NotificationSettings
from cases.models.reasons import Reason, Way, ways
from crm.models import User


class WaysForm(forms.ModelForm):  # type: ignore[type-arg] # the stub's parameter is not Django's
    """One tick a reason and way, as `reason:way`; quiet hours; the digest."""

    ways = forms.MultipleChoiceField(
        required=False,
        choices=[(f"{reason}:{way}", f"{reason}:{way}") for reason in Reason for way in Way],
    )

    class Meta:
        model = NotificationSettings
        fields = ("quiet_from", "quiet_until", "tz", "heeds_presence", "shows_customer", "digest", "digest_at")
        widgets = {
            name: forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
            for name in ("quiet_from", "quiet_until", "digest_at")
        }

    def clean_tz(self) -> str:
        name = str(self.cleaned_data.get("tz") or "").strip()
        if name and name not in zoneinfo.available_timezones():
            raise forms.ValidationError(_("There is no such time zone. Write it like “Europe/Berlin”."))
        return name

    def clean_ways(self) -> dict[str, list[str]]:
        ticked = [tick.partition(":") for tick in self.cleaned_data["ways"]]
        return {reason: [way for r, _colon, way in ticked if r == reason] for reason in Reason.values}

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if bool(found.get("quiet_from")) != bool(found.get("quiet_until")):
            self.add_error("quiet_until", _("Quiet hours have a beginning and an end."))
        return found


def table(user: User, chosen: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """Each reason with its ways, ticked as they are now. Who hears nothing of it in the console hears nothing at all."""
    return [
        {
            "reason": reason,
            "label": reason.label,
            "ways": [{"way": way, "label": way.label, "on": way in ways(reason, chosen)} for way in Way],
        }
        for reason in Reason
    ]
