"""What people fill in about customers."""

import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import consent
from customers.addresses import Address, BadAddress, normalise
from customers.folding import clean
from customers.models import Consent, ContactPoint, Customer


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """Who somebody is. `version` is the one the form was filled in against."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = Customer
        fields = ["name", "pronunciation", "language", "tz", "city", "country", "tier", "cue"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(zoneinfo.available_timezones())
        self.fields["tz"] = forms.ChoiceField(label=_("Time zone"), choices=[(z, z) for z in zones])
        held = {self.instance.language} - dict(settings.LANGUAGES).keys()
        choices = [*settings.LANGUAGES, *((code, code) for code in sorted(held) if code)]
        self.fields["language"] = forms.ChoiceField(label=_("Language"), choices=choices)
        for name in ("name", "pronunciation", "city", "cue"):
            self.fields[name].widget.attrs["autocomplete"] = "off"

    def clean_country(self) -> str:
        country = str(self.cleaned_data["country"]).strip().upper()
        if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
            raise forms.ValidationError(_("Write the country as two letters, like GB or DE."))
        return country

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        return {name: clean(value) if isinstance(value, str) else value for name, value in values.items()}


class AddressForm(forms.Form):
    """One more way to reach somebody."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=ContactPoint.Kind.choices)
    value = forms.CharField(label=gettext_lazy("Address"), max_length=320)

    def __init__(self, *args: Any, region: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.region = region
        self.address: Address | None = None

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if "kind" in values and "value" in values:
            try:
                self.address = normalise(values["kind"], values["value"], region=self.region)
            except BadAddress as bad:
                self.add_error("value", bad.message)
        return values


class ConsentForm(forms.Form):
    """What a customer told a person they agree to, or not."""

    purpose = forms.ChoiceField(label=gettext_lazy("To"), choices=Consent.Purpose.choices)
    channel = forms.ChoiceField(
        label=gettext_lazy("How"), choices=[(consent.ANY, gettext_lazy("any way")), *consent.CHANNELS.items()]
    )
    granted = forms.TypedChoiceField(
        label=gettext_lazy("They said"),
        choices=[("yes", gettext_lazy("yes")), ("no", gettext_lazy("no"))],
        coerce=lambda value: value == "yes",
    )
    wording = forms.CharField(label=gettext_lazy("In their words"), max_length=500, required=False)
