from collections.abc import Collection
from functools import cached_property

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.business_hours import Hours, Periods, validate
from crm.models import User


class BusinessCalendar(models.Model):
    """When we are open. Its content lives in immutable versions; clocks point at the version they were set by."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    current = models.ForeignKey("CalendarVersion", models.PROTECT, null=True, related_name="+")

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def publish(
        self, *, tz: str, hours: Periods, holidays: Collection[str] = (), by: User | None = None
    ) -> "CalendarVersion":
        """Open at these hours from now on: a new version, or the current one if nothing changed.

        Running clocks keep the version they were set by. Raises ValidationError with a sentence for each fault.
        """
        if errors := validate(hours, tz, holidays):
            raise ValidationError(errors)
        BusinessCalendar.objects.select_for_update().get(pk=self.pk)
        self.refresh_from_db(fields=["current"])
        content = {
            "tz": tz,
            "hours": {day: [list(p) for p in periods] for day, periods in hours.items() if periods},
            "holidays": sorted(set(holidays)),
        }
        if self.current and all(getattr(self.current, name) == value for name, value in content.items()):
            return self.current
        number = (self.current.number if self.current else 0) + 1
        self.current = self.versions.create(number=number, created_by=by, **content)
        self.save(update_fields=["current"])
        return self.current


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

    @cached_property
    def open_hours(self) -> Hours:
        """The arithmetic of these hours."""
        return Hours(self.tz, self.hours, self.holidays)
