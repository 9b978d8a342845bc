"""The shapes of what supervisors set: queues, members, calendars, SLA policies."""

from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cases.api.shapes import Person
from cases.days_off import LARGEST_FILE
from cases.models import BusinessCalendar, Case, Clock, Queue, QueueMembership, Recalculation, SLAPolicy
from cases.models.queue import LONGEST_APPROVAL, LONGEST_PATIENCE, LONGEST_SILENCE
from cases.models.sla_actions import LEADS, MOST_PEOPLE, OWNER, PRIORITIES
from cases.recalculating import Effect, Move
from customers.shapes import zone

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class QueueShape(serializers.Serializer[Queue]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    calendar = serializers.IntegerField(source="calendar_id", allow_null=True)
    acknowledges = serializers.BooleanField()
    reach = serializers.CharField()
    silence_days = serializers.IntegerField(allow_null=True)
    assignment = serializers.ChoiceField(choices=Queue.Assignment.choices)
    capacity = serializers.IntegerField(allow_null=True)
    return_minutes = serializers.IntegerField()
    skill_minutes = serializers.IntegerField()
    asks_disposition = serializers.ChoiceField(choices=Queue.Asks.choices)
    asks_cause = serializers.ChoiceField(choices=Queue.Asks.choices)
    asks_survey = serializers.BooleanField()
    approval_minutes = serializers.IntegerField()
    is_public = serializers.BooleanField()
    is_active = serializers.BooleanField()
    version = serializers.IntegerField()


class QueueData(serializers.Serializer[Any]):
    """A name suffices."""

    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=300, allow_blank=True, required=False)
    calendar = serializers.IntegerField(allow_null=True, required=False)
    acknowledges = serializers.BooleanField(required=False)
    reach = serializers.CharField(max_length=200, allow_blank=True, required=False)
    silence_days = serializers.IntegerField(min_value=1, max_value=LONGEST_SILENCE, allow_null=True, required=False)
    assignment = serializers.ChoiceField(choices=Queue.Assignment.choices, required=False)
    capacity = serializers.IntegerField(min_value=1, max_value=1000, allow_null=True, required=False)
    return_minutes = serializers.IntegerField(min_value=0, max_value=LONGEST_PATIENCE, required=False)
    skill_minutes = serializers.IntegerField(min_value=0, max_value=LONGEST_PATIENCE, required=False)
    asks_disposition = serializers.ChoiceField(choices=Queue.Asks.choices, required=False)
    asks_cause = serializers.ChoiceField(choices=Queue.Asks.choices, required=False)
    asks_survey = serializers.BooleanField(required=False)
    approval_minutes = serializers.IntegerField(min_value=1, max_value=LONGEST_APPROVAL, required=False)
    is_public = serializers.BooleanField(required=False)
    is_active = serializers.BooleanField(required=False)
    version = serializers.IntegerField(required=False)


class MemberShape(serializers.Serializer[QueueMembership]):
    user = serializers.IntegerField(source="user_id")
    username = serializers.CharField(source="user.username")
    name = serializers.CharField(source="user.name")
    role = serializers.ChoiceField(choices=QueueMembership.Role.choices)


class NewMember(serializers.Serializer[Any]):
    user = Person()
    role = serializers.ChoiceField(choices=QueueMembership.Role.choices, default=QueueMembership.Role.REP)


_PERIODS = {
    "type": "array",
    "items": {"type": "array", "items": {"type": "string", "example": "09:00"}, "minItems": 2, "maxItems": 2},
}


@extend_schema_field({"type": "object", "properties": dict.fromkeys(_DAYS, _PERIODS), "additionalProperties": False})
class HoursField(serializers.Field[Any, Any, Any, Any]):
    """{"mon": [["09:00", "12:00"], ["13:00", "17:00"]], …}: wall-clock times; 24:00 is the end of a day."""

    def to_internal_value(self, data: Any) -> dict[str, list[list[str]]]:
        days: dict[str, list[list[str]]] = data if isinstance(data, dict) else {"": []}
        for day, periods in days.items():
            if day not in _DAYS:
                raise serializers.ValidationError(_("Give opening hours by day: mon, tue, wed, thu, fri, sat, sun."))
            if not isinstance(periods, list) or not all(_is_period(p) for p in periods):
                wrong = _('%(day)s: give periods as pairs of times, [["09:00", "17:00"]].')
                raise serializers.ValidationError(wrong % {"day": day})
        return days

    def to_representation(self, value: Any) -> Any:
        return value


def _is_period(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(t, str) for t in value)


class CalendarShape(serializers.Serializer[BusinessCalendar]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    tz = serializers.CharField(source="current.tz", default="UTC")
    hours = HoursField(source="current.hours", default=dict)
    holidays = serializers.ListField(child=serializers.CharField(), source="current.holidays", default=list)
    country = serializers.CharField(source="current.country", default="")
    subdivision = serializers.CharField(source="current.subdivision", default="")
    observed = serializers.BooleanField(source="current.observed", default=True)
    public_holidays = serializers.DictField(child=serializers.CharField(), source="current.public", default=dict)
    version = serializers.IntegerField(source="current.number", default=0)
    recalculation = serializers.IntegerField(source="begun.pk", default=None, allow_null=True)


class CalendarData(serializers.Serializer[Any]):
    """Closed on `holidays`, and on the public holidays of `country` (and `subdivision`), with the days off in place of those
    on a weekend (`observed`). `change_running`: clocks under way follow too, in pieces; else only new ones do."""

    name = serializers.CharField(max_length=120)
    tz = serializers.CharField(max_length=64)
    hours = HoursField()
    holidays = serializers.ListField(child=serializers.CharField(max_length=10), default=list, max_length=5000)
    country = serializers.CharField(max_length=2, allow_blank=True, default="")
    subdivision = serializers.CharField(max_length=40, allow_blank=True, default="")
    observed = serializers.BooleanField(default=True)
    change_running = serializers.BooleanField(default=False)
    version = serializers.IntegerField(required=False)

    def validate_tz(self, value: str) -> str:
        return zone(value)

    def validate_holidays(self, value: list[str]) -> list[str]:
        for day in value:
            if not _is_day(day):
                raise serializers.ValidationError(_("“%(day)s” is no date: write it as 2026-12-25.") % {"day": day})
        return value


class HolidayFile(serializers.Serializer[Any]):
    """An iCalendar file's text: its whole-day entries are added to the holidays, or take their place (`replace`)."""

    icalendar = serializers.CharField(max_length=LARGEST_FILE, trim_whitespace=False)
    replace = serializers.BooleanField(default=False)
    change_running = serializers.BooleanField(default=False)


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text)) and len(text) == 10
    except ValueError:
        return False


class Target(serializers.Serializer[Any]):
    """`minutes` of open time: a fraction or 0 is allowed."""

    kind = serializers.ChoiceField(choices=Clock.Kind.choices)
    minutes = serializers.FloatField(min_value=0, max_value=60 * 24 * 366 * 5)


class ActionData(serializers.Serializer[Any]):
    """What is done at one moment of a clock; empty: nothing. A priority is the least it becomes, `higher` one step up."""

    kinds = serializers.ListField(child=serializers.ChoiceField(choices=Clock.Kind.choices), required=False)
    notify = serializers.ListField(child=serializers.ChoiceField(choices=[OWNER, LEADS]), required=False)
    people = serializers.ListField(child=serializers.IntegerField(), max_length=MOST_PEOPLE, required=False)
    queue = serializers.IntegerField(allow_null=True, required=False)
    priority = serializers.ChoiceField(choices=PRIORITIES, allow_blank=True, required=False)
    assignee = serializers.IntegerField(allow_null=True, required=False)
    release = serializers.BooleanField(required=False)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """What is done, and nothing of what is not."""
        return {key: value for key, value in super().to_representation(instance).items() if value}


class Actions(serializers.Serializer[Any]):
    """At the warning (a quarter of the time is left) and at the breach. Each is done once a clock."""

    warn = ActionData(required=False)
    breach = ActionData(required=False)


class PolicyShape(serializers.Serializer[SLAPolicy]):
    """Empty lists match everything. `calendar` empty: the case's queue's."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    is_active = serializers.BooleanField()
    position = serializers.IntegerField()
    calendar = serializers.IntegerField(source="current.calendar_id", allow_null=True, default=None)
    queues = serializers.SerializerMethodField()
    priorities = serializers.ListField(child=serializers.CharField(), source="current.priorities", default=list)
    channels = serializers.ListField(child=serializers.CharField(), source="current.channels", default=list)
    tiers = serializers.ListField(child=serializers.CharField(), source="current.tiers", default=list)
    pause_statuses = serializers.ListField(child=serializers.CharField(), source="current.pause_statuses", default=list)
    targets = Target(many=True, source="current.targets", default=list)
    actions = Actions(source="current.actions", default=dict)
    version = serializers.IntegerField(source="current.number", default=0)
    recalculation = serializers.IntegerField(source="begun.pk", default=None, allow_null=True)

    def get_queues(self, policy: SLAPolicy) -> list[int]:
        return sorted(q.pk for q in policy.queues.all())


class PolicyData(serializers.Serializer[Any]):
    """The first policy that matches a case applies; a new one is asked first unless `position` says otherwise."""

    name = serializers.CharField(max_length=120)
    calendar = serializers.IntegerField(allow_null=True, default=None)
    queues = serializers.ListField(child=serializers.IntegerField(), default=list, max_length=1000)
    priorities = serializers.ListField(child=serializers.ChoiceField(choices=Case.Priority.choices), default=list)
    channels = serializers.ListField(child=serializers.CharField(max_length=40), default=list, max_length=100)
    tiers = serializers.ListField(child=serializers.CharField(max_length=40), default=list, max_length=100)
    pause_statuses = serializers.ListField(child=serializers.ChoiceField(choices=Case.Status.choices), default=list)
    targets = Target(many=True, allow_empty=False)
    actions = Actions(default=dict)
    change_running = serializers.BooleanField(default=False)
    position = serializers.IntegerField(min_value=0, max_value=1_000_000, required=False)
    is_active = serializers.BooleanField(default=True)
    version = serializers.IntegerField(required=False)


# --- what a change does to clocks that run


class MoveShape(serializers.Serializer[Move]):
    """One clock before and after; no time: it stands still, or has ended."""

    case = serializers.IntegerField(source="case.number")
    kind = serializers.ChoiceField(choices=Clock.Kind.choices, source="clock.kind")
    was_due_at = serializers.DateTimeField(source="was.due_at", allow_null=True)
    due_at = serializers.DateTimeField(source="clock.due_at", allow_null=True)
    overdue = serializers.BooleanField(source="is_overdue")
    ends = serializers.BooleanField()


class EffectShape(serializers.Serializer[Effect]):
    """How many cases and clocks a change would move, and which (the first fifty you may see, those due soonest). Not
    `complete`: `looked_at` of `of` cases were counted, those due first."""

    cases = serializers.IntegerField()
    clocks = serializers.IntegerField()
    overdue_now = serializers.IntegerField(source="overdue")
    ending = serializers.IntegerField()
    standing = serializers.IntegerField()
    looked_at = serializers.IntegerField(source="looked")
    of = serializers.IntegerField(source="total")
    complete = serializers.BooleanField(source="is_complete")
    moves = MoveShape(many=True)


class RecalculationShape(serializers.Serializer[Recalculation]):
    """Clocks under way on their way to what a calendar or policy says now."""

    id = serializers.IntegerField()
    calendar = serializers.IntegerField(source="calendar_id", allow_null=True)
    policy = serializers.IntegerField(source="policy_id", allow_null=True)
    state = serializers.ChoiceField(choices=Recalculation.State.choices)
    total = serializers.IntegerField()
    looked = serializers.IntegerField()
    changed = serializers.IntegerField()
    asked_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class RecalculationData(serializers.Serializer[Any]):
    """Stop it where it is, or let it go on from there."""

    state = serializers.ChoiceField(choices=[Recalculation.State.GOING, Recalculation.State.STOPPED])
