"""Times as scripts and files give them."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers


class Past(serializers.DateTimeField):
    """A time that is not in the future."""

    def to_internal_value(self, value: Any) -> datetime:
        at: datetime = super().to_internal_value(value)
        if at > timezone.now():
            raise serializers.ValidationError(_("This time is in the future."))
        return sensible(at)


class Ahead(serializers.DateTimeField):
    """A time we can promise something for."""

    def to_internal_value(self, value: Any) -> datetime:
        return sensible(super().to_internal_value(value))


def sensible(at: datetime) -> datetime:
    """Neither before there were computers nor so late that nobody could show it in their time zone."""
    if not 1970 <= at.year < timezone.now().year + 20:
        raise serializers.ValidationError(_("This year cannot be meant."))
    return at
