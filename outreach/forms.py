"""What a person types about an offer."""

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from outreach.models import OfferResponse

# How long "not now" is, in a pick.
LATER = {7: _("in a week"), 30: _("in a month"), 90: _("in three months")}


class ResponseForm(forms.Form):
    """The customer's answer. `days`: until when of a "not now"; `answer`: to a question."""

    kind = forms.ChoiceField(choices=OfferResponse.Kind.choices)
    reason = forms.CharField(max_length=300, required=False)
    answer = forms.CharField(max_length=1000, required=False)
    days = forms.TypedChoiceField(coerce=int, choices=list(LATER.items()), required=False, empty_value=None)

    def until(self) -> datetime | None:
        days = self.cleaned_data["days"]
        is_later = self.cleaned_data["kind"] == OfferResponse.Kind.NOT_NOW
        return timezone.now() + timedelta(days=days) if days and is_later else None
