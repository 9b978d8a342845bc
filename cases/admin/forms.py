"""The forms of the two admins: one line a day, one field a target, and every fault in words beside its field."""

import re
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from cases import days_off, transitions
from cases.admin import clock_actions
from cases.business_hours import DAY_NAMES, DAYS, validate
from cases.models import Article, BusinessCalendar, Case, Channel, SLAPolicy
from cases.models.answer import LONGEST_BODY
from cases.models.channel import RESERVED
from cases.models.sla import KINDS, LONGEST_MINUTES
from cases.models.sla_actions import faults
from crm.models import User


class MemberForm(forms.ModelForm):  # type: ignore[type-arg]
    """One person in a queue. Who it is stands fixed once admitted; somebody else is another line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["user"].queryset = User.objects.filter(pk=self.instance.user_id)  # type: ignore[attr-defined]
            self.fields["user"].disabled = True


# --- calendars


class CalendarForm(forms.ModelForm):  # type: ignore[type-arg]
    """Opening hours as people write them: “09:00-12:30, 13:00-18:00”, and a date a line for holidays."""

    tz = forms.CharField(
        label=_("Time zone"), max_length=64, widget=UnfoldAdminTextInputWidget, help_text=_("Like Europe/Berlin.")
    )
    holidays = forms.CharField(
        label=_("Holidays"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text=_("One day a line, like 2027-12-25, with a name after it if you like."),
    )
    calendar_file = forms.FileField(
        label=_("Add the days of a calendar file"),
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text=_(
            "An iCalendar file (.ics) with the holidays as whole-day entries. They are added to the list above."
        ),
    )
    country = forms.ChoiceField(
        label=_("Public holidays of"),
        required=False,
        choices=lambda: [("", _("no country")), *days_off.countries()],
        widget=UnfoldAdminSelectWidget,
    )
    subdivision = forms.CharField(
        label=_("State or region"),
        required=False,
        max_length=40,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Its code, like BY for Bavaria. Empty: what holds everywhere in the country."),
    )
    observed = forms.BooleanField(
        label=_("Also the days off in place of holidays that fall on a weekend"),
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
    )

    class Meta:
        model = BusinessCalendar
        fields = ["name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version = self.instance.current
        if version is None:
            return
        self.initial.update(
            tz=version.tz, holidays=_day_lines({day: version.names.get(day, "") for day in version.holidays})
        )
        self.initial.update(country=version.country, subdivision=version.subdivision, observed=version.observed)
        self.initial.update({day: _line(version.hours.get(day, ())) for day in DAYS})

    def clean_tz(self) -> str:
        tz = str(self.cleaned_data["tz"])
        _refuse(validate({}, tz, may_be_empty=True))
        return tz

    def clean_holidays(self) -> dict[str, str]:
        days = dict(day for line in str(self.cleaned_data["holidays"]).splitlines() for day in _days(line))
        _refuse(validate({}, "UTC", list(days), may_be_empty=True))
        return days

    def clean_calendar_file(self) -> dict[str, str]:
        file = self.cleaned_data["calendar_file"]
        if not file:
            return {}
        try:
            return days_off.read(file.read(days_off.LARGEST_FILE + 1), days_off.span(timezone.now().year))
        except days_off.Unreadable as fault:
            raise ValidationError(str(fault)) from fault

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for day in DAYS:
            values[day] = periods = _periods(values.get(day) or "")
            for fault in validate({day: periods}, "UTC", may_be_empty=True):
                self.add_error(day, fault)
        for fault in days_off.faults(values.get("country"), values.get("subdivision")):
            self.add_error("subdivision" if values.get("country") else "country", fault)
        if not self.errors:
            _refuse(validate(self.hours(), values["tz"]))
            values["holidays"] = values["calendar_file"] | values["holidays"]
        return values

    def hours(self) -> dict[str, list[list[str]]]:
        """The periods of each day, once cleaned."""
        return {day: self.cleaned_data[day] for day in DAYS if self.cleaned_data.get(day)}

    def again(self, sent: QueryDict) -> QueryDict:
        """What was sent, to be sent once more: the days of a file stand in the list by now."""
        sent = sent.copy()
        sent["holidays"] = _day_lines(self.cleaned_data["holidays"])
        return sent

    def publish(self, calendar: BusinessCalendar, by: User) -> None:
        values = self.cleaned_data
        place = {name: values[name] for name in ("tz", "country", "subdivision", "observed")}
        calendar.publish(
            hours=self.hours(), holidays=list(values["holidays"]), names=values["holidays"], by=by, **place
        )


for _day in DAYS:
    CalendarForm.base_fields[_day] = CalendarForm.declared_fields[_day] = forms.CharField(
        label=DAY_NAMES[_day],
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "09:00-12:30, 13:00-18:00"}),
    )


def _days(line: str) -> list[tuple[str, str]]:
    """A day and its name; or days alone, as many as stand in the line."""
    words = line.split()
    if all(word[:1].isdigit() for word in words):
        return [(word, "") for word in words]
    return [(words[0], " ".join(words[1:])[: days_off.NAME])]


def _day_lines(days: dict[str, str]) -> str:
    return "\n".join(f"{day} {name}".rstrip() for day, name in sorted(days.items()))


def _periods(line: str) -> list[list[str]]:
    """Each period between commas as its two times; what has not two is left for validate() to tell."""
    return [[t.strip() for t in re.split("[-–—]", period)] for period in line.split(",") if period.strip()]


def _line(periods: Any) -> str:
    return ", ".join("-".join(period) for period in periods)


def _refuse(faults: list[str]) -> None:
    if faults:
        raise ValidationError(faults)


# --- service levels

_LABELS = {
    "first_response": _("First answer within (minutes)"),
    "next_response": _("Each further answer within (minutes)"),
    "update": _("News at least every (minutes)"),
    "resolution": _("Resolved within (minutes)"),
}


def _several(label: Any, *, help_text: Any = "", choices: Any = ()) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        required=False,
        choices=choices,
        help_text=help_text,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A policy with its targets, each in its own field; saving makes a version when something changed."""

    user: User  # who fills the form in
    calendar = forms.ModelChoiceField(
        BusinessCalendar.objects.order_by("name"),
        label=_("Calendar"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        empty_label=_("The queue’s own"),
    )
    priorities = _several(_("Priorities"), choices=Case.Priority.choices, help_text=_("None ticked: every one."))
    channels = _several(_("Channels"), help_text=_("None ticked: every one."))
    tiers = forms.CharField(
        label=_("Customer tiers"),
        required=False,
        max_length=400,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Separated by commas. Empty: every one."),
    )
    pause_statuses = _several(
        _("Clocks stand still while"),
        choices=[(s, label) for s, label in Case.Status.choices if s in transitions.ACTIVE],
    )

    class Meta:
        model = SLAPolicy
        fields = ["name", "is_active", "position", "queues"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version = self.instance.current
        if version is not None:
            self.initial.update(
                {
                    "calendar": version.calendar_id,
                    "priorities": version.priorities,
                    "channels": version.channels,
                    "tiers": ", ".join(version.tiers),
                    "pause_statuses": version.pause_statuses,
                    **{target["kind"]: target["minutes"] for target in version.targets},
                }
            )
        clock_actions.fill(self, version.actions if version else {}, self.user)
        self.fields["channels"].choices = self._channels()  # type: ignore[attr-defined]

    def _channels(self) -> list[tuple[str, str]]:
        """Our own ways in, those of their own queues, and what the policy names already."""
        own = Channel.objects.filter(queue__in=self._steered()).values_list("slug", "name")
        known = dict([*((way, way) for way in RESERVED), *own])
        return [*known.items(), *((slug, slug) for slug in self.initial.get("channels", ()) if slug not in known)]

    def _steered(self) -> Any:
        from cases.models import Queue

        return Queue.objects.steered_by(self.user)

    def clean_queues(self) -> Any:
        queues = self.cleaned_data["queues"]
        if not queues and not self.user.is_administrator:
            raise ValidationError(
                _("Name the queues this policy is for. One for every queue is set by administrators.")
            )
        return queues

    def clean_tiers(self) -> list[str]:
        tiers = [tier.strip() for tier in str(self.cleaned_data["tiers"]).split(",") if tier.strip()]
        if any(len(tier) > 40 for tier in tiers):
            raise ValidationError(_("A tier has at most 40 characters. Put commas between tiers."))
        return tiers

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not any(kind in self.errors for kind in KINDS) and not self.targets():
            self.add_error("first_response", _("Give at least one target, like a first answer within 60 minutes."))
        if not self.errors:
            _refuse(faults(clock_actions.read(values)))
        return values

    def targets(self) -> list[dict[str, Any]]:
        """The targets given, in the order of the clocks."""
        given = {kind: self.cleaned_data.get(kind) for kind in KINDS}
        return [{"kind": k, "minutes": int(m) if m == int(m) else m} for k, m in given.items() if m is not None]

    def again(self, sent: QueryDict) -> QueryDict:
        return sent

    def publish(self, policy: SLAPolicy, by: User) -> None:
        lists = {name: self.cleaned_data[name] for name in ("priorities", "channels", "tiers", "pause_statuses")}
        policy.publish(
            targets=self.targets(),
            calendar=self.cleaned_data["calendar"],
            actions=clock_actions.read(self.cleaned_data),
            by=by,
            **lists,
        )


for _kind in KINDS:
    PolicyForm.base_fields[_kind] = PolicyForm.declared_fields[_kind] = forms.FloatField(
        label=_LABELS[_kind],
        required=False,
        min_value=0,
        max_value=LONGEST_MINUTES,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text=_("Minutes of opening time. Empty: no such target."),
    )
clock_actions.declare(PolicyForm)


# --- answers


class ArticleForm(forms.ModelForm):  # type: ignore[type-arg]
    """An article with its text; saving makes a version when the text changed."""

    user: User  # who fills the form in
    title = forms.CharField(label=_("Title"), max_length=200, widget=UnfoldAdminTextInputWidget)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget)
    body = forms.CharField(
        label=_("Text"), max_length=LONGEST_BODY, widget=UnfoldAdminTextareaWidget(attrs={"rows": 16})
    )

    class Meta:
        model = Article
        fields = ["audience", "owner", "review_on", "queues", "is_active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if version := self.instance.current:
            self.initial.update(title=version.title, language=version.language, body=version.body)

    def clean_queues(self) -> Any:
        queues = self.cleaned_data["queues"]
        if not queues and not self.user.is_administrator:
            raise ValidationError(
                _("Name the queues this article is for. One for every queue is set by administrators.")
            )
        return queues

    def publish(self, article: Article, by: User) -> None:
        values = self.cleaned_data
        article.publish(title=values["title"], body=values["body"], language=values["language"], by=by)
