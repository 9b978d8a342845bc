"""The form of an offer at /admin/: its terms field by field, the condition in rows, tried while it is written."""

from typing import Any

from django import forms
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from crm.models import User
from customers.admin_segments import EDITOR_CSS, EDITOR_JS, condition_field, condition_json, condition_text
from outreach import asking, parity
from outreach.extras import extras_field, extras_read, extras_text
from outreach.hooks import Terms
from outreach.models import Offer
from outreach.terms import BadTerms, checked


def _text(label: Any, most: int, help_text: Any = "") -> forms.CharField:
    return forms.CharField(label=label, max_length=most, widget=UnfoldAdminTextInputWidget, help_text=help_text)


def _amount(label: Any, help_text: Any = "", *, required: bool = True, initial: Any = None) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=required,
        initial=initial,
        min_value=0,
        max_digits=14,
        decimal_places=4,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text=help_text,
    )


def _count(label: Any, help_text: Any = "", *, required: bool = False, initial: Any = None) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=required,
        initial=initial,
        min_value=0,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=help_text,
    )


def _moment(label: Any) -> forms.SplitDateTimeField:
    return forms.SplitDateTimeField(label=label, required=False, widget=UnfoldAdminSplitDateTimeWidget)


class OfferForm(forms.ModelForm):  # type: ignore[type-arg]
    """An offer with its terms; saving makes a version when something changed."""

    user: User  # who fills the form in
    what = _text(_("What it is, for the rep to say"), 300)
    why = _text(
        _("Why this customer"),
        400,
        _("{words} is what they said; {plan}, {device}, {tier} and other facts are theirs."),
    )
    benefit = _text(_("What it saves or gives them"), 300)
    price = _amount(_("Price for existing customers"), initial=0)
    public_price = _amount(_("Price for anybody else"), _("Never less than for existing customers."), required=False)
    currency = forms.CharField(
        label=_("Currency"), max_length=3, min_length=3, initial="GBP", widget=UnfoldAdminTextInputWidget
    )
    months = _count(_("Months of minimum term"), required=True, initial=1)
    gifts = _amount(_("Cash, vouchers and gifts"), _("At face value, in all."), initial=0)
    fees = _amount(_("Fees"), _("In all."), initial=0)
    extras = extras_field()
    value = _amount(_("Worth of a yes to us"), initial=0)
    gain = _amount(_("Worth of a yes to them"), _("More than nothing, or it is no offer."))
    minutes = _amount(_("Minutes of talk"), initial=2)
    need_tags = forms.CharField(
        label=_("What it answers"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=_("Words customers use or cases are tagged with, separated by commas."),
    )
    eligibility = condition_field(_("Who may have it"), reverse_lazy("admin:outreach_offer_preview"))
    valid_from = _moment(_("Valid from"))
    valid_until = _moment(_("Valid until"))
    question = forms.CharField(
        label=_("What is asked"),
        required=False,
        max_length=300,
        widget=UnfoldAdminTextInputWidget,
        help_text=_(
            "Word by word. Only for the purpose “question”: then the three lines tell what it is and what they get."
        ),
    )
    answer_kind = forms.ChoiceField(
        label=_("How it is answered"),
        required=False,
        choices=[("", "–"), *asking.KINDS.items()],
        widget=UnfoldAdminSelectWidget,
    )
    choices = forms.CharField(
        label=_("Answers to choose from"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("A line each, in the order they are read out."),
    )
    stock = _count(_("How many there are"), _("Empty: no limit."))
    cooloff_days = _count(_("Days of rest after a no"), required=True, initial=90)

    class Meta:
        model = Offer
        fields = ["name", "key", "purpose", "owner", "is_active"]

    class Media:
        js = EDITOR_JS
        css = EDITOR_CSS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if version := self.instance.current:
            told = {name: getattr(version, name) for name in Terms.__dataclass_fields__}
            told["need_tags"] = ", ".join(version.need_tags)
            told["choices"] = "\n".join(version.choices)
            told["extras"] = extras_text(version.extras)
            told["eligibility"] = condition_text(version.eligibility)
            self.initial.update(told)

    def clean_extras(self) -> dict[str, float]:
        return extras_read(self.cleaned_data["extras"])

    def clean_need_tags(self) -> tuple[str, ...]:
        return tuple(tag.strip() for tag in str(self.cleaned_data["need_tags"]).split(",") if tag.strip())

    def clean_choices(self) -> tuple[str, ...]:
        return asking.tidy(str(self.cleaned_data["choices"]).splitlines())

    def clean_eligibility(self) -> Any:
        return condition_json(self.cleaned_data["eligibility"])

    def clean(self) -> dict[str, Any]:
        """Every fault of the terms beside its field."""
        from django.utils import timezone

        values = super().clean() or {}
        if not self.errors:
            try:
                checked(self.terms(), at=timezone.now())
            except BadTerms as bad:
                for name, told in bad.faults:
                    field, _dot, path = name.partition(".")
                    self.add_error(field, f"{path}: {told}" if path else told)
        if not self.errors and (told := self.instance.turned(values["purpose"], asks=bool(self.terms().question))):
            self.add_error("question", told)
        if not self.errors and self.instance.pk:
            for told in parity.against(self.instance, self.terms(), is_active=bool(values["is_active"])):
                self.add_error("price", told)
        return values

    def terms(self) -> Terms:
        return Terms(**{name: self.cleaned_data[name] for name in Terms.__dataclass_fields__})

    def publish(self, offer: Offer, by: User) -> None:
        offer.publish(self.terms(), by=by)
