"""Times as scripts and files give them."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers


class Moment(serializers.DateTimeField):
    """A time with its zone. Where the form's context has a list `unzoned`, one without is taken as UTC and told there."""

    def enforce_timezone(self, value: datetime) -> datetime:
        if timezone.is_naive(value):
            context: dict[str, Any] = self.context  # type: ignore[assignment]
            if "unzoned" not in context:
                raise serializers.ValidationError(_("Say the zone too, as 2026-03-01T09:00:00Z or …+01:00."))
            context["unzoned"].append(self.field_name)
        return super().enforce_timezone(value)


class Past(Moment):
    """A time that is not in the future."""

    def to_internal_value(self, value: Any) -> datetime:
        at: datetime = super().to_internal_value(value)
        if at > timezone.now():
            raise serializers.ValidationError(_("This time is in the future."))
        return sensible(at)


class Ahead(Moment):
    """A time we can promise something for."""

    def to_internal_value(self, value: Any) -> datetime:
        return sensible(super().to_internal_value(value))


def sensible(at: datetime) -> datetime:
    """Neither before there were computers nor so late that nobody could show it in their time zone."""
    if not 1970 <= at.year < timezone.now().year + 20:
        raise serializers.ValidationError(_("This year cannot be meant."))
    return at
