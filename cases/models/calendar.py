from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class BusinessCalendar(models.Model):
    """When we are open. Its content lives in immutable versions; clocks point at the version they were set by."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    current = models.ForeignKey("CalendarVersion", models.PROTECT, null=True, related_name="+")

    def __str__(self) -> str:
        return self.name


class CalendarVersion(models.Model):
    """Opening hours as they stood from one save to the next.

    `hours`: {"mon": [["09:00", "17:00"], …], …}, wall-clock times of `tz`, "24:00" allowed; `holidays`: ISO dates."""

    calendar = models.ForeignKey(BusinessCalendar, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    tz = models.CharField(_("time zone"), max_length=64)
    hours = models.JSONField(default=dict)
    holidays = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["calendar", "number"], name="calendar_version_once")]

    def __str__(self) -> str:
        return f"{self.calendar} v{self.number}"
