from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import days_off
from cases.business_hours import Hours, Periods, validate
from crm.models import User

KNOWN_AHEAD = 3  # years for which public holidays are always known


class BusinessCalendarQuerySet(models.QuerySet["BusinessCalendar"]):
    def running_out(self, now: datetime) -> "BusinessCalendarQuerySet":
        """Whose public holidays are not known for as long as clocks may run."""
        return self.filter(current__public_until__lt=now.year + KNOWN_AHEAD)


class BusinessCalendar(models.Model):
    """When we are open. Its content lives in immutable versions; clocks point at the version they were set by."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    current = models.ForeignKey("CalendarVersion", models.PROTECT, null=True, related_name="+")

    objects = BusinessCalendarQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def publish(
        self,
        *,
        tz: str,
        hours: Periods,
        holidays: Collection[str] = (),
        names: Mapping[str, str] | None = None,
        country: str = "",
        subdivision: str = "",
        observed: bool = True,
        by: User | None = None,
        at: datetime | None = None,
    ) -> "CalendarVersion":
        """Open at these hours from now on: a new version, or the current one if nothing changed.

        Closed on `holidays` (`names` has names for some) and on the public holidays of a country, which the version
        holds for the years around now. Running clocks keep the version they were set by. Raises ValidationError with a
        sentence for each fault.
        """
        if errors := [*validate(hours, tz, holidays), *days_off.faults(country, subdivision)]:
            raise ValidationError(errors)
        years = days_off.span((at or timezone.now()).year)
        BusinessCalendar.objects.select_for_update().get(pk=self.pk)
        self.refresh_from_db(fields=["current"])
        content = {
            "tz": tz,
            "hours": {day: [list(p) for p in periods] for day, periods in hours.items() if periods},
            "holidays": sorted(set(holidays)),
            "names": {day: name for day, name in sorted((names or {}).items()) if day in holidays and name},
            "country": country,
            "subdivision": subdivision if country else "",
            "observed": observed,
            "public": days_off.public(country, subdivision, years, observed=observed),
            "public_until": years[-1] if country else None,
        }
        if self.current and all(getattr(self.current, name) == value for name, value in content.items()):
            return self.current
        number = (self.current.number if self.current else 0) + 1
        self.current = self.versions.create(number=number, created_by=by, **content)
        self.save(update_fields=["current"])
        return self.current


class CalendarVersion(models.Model):
    """Opening hours as they stood from one save to the next.

    `hours`: {"mon": [["09:00", "17:00"], …], …}, wall-clock times of `tz`, "24:00" allowed; `holidays`: ISO dates. Closed on these
    and on `public`."""

    calendar = models.ForeignKey(BusinessCalendar, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    tz = models.CharField(_("time zone"), max_length=64)
    hours = models.JSONField(default=dict)
    holidays = models.JSONField(default=list)
    names = models.JSONField(default=dict)  # of the holidays that have one
    country = models.CharField(_("country"), max_length=2, blank=True, default="")
    subdivision = models.CharField(_("state or region"), max_length=40, blank=True, default="")
    observed = models.BooleanField(_("days off in place of a weekend"), default=True)
    public = models.JSONField(default=dict)  # the country's holidays as this version counts them: {date: name}
    public_until = models.PositiveSmallIntegerField(null=True)  # the last year they are known of
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["calendar", "number"], name="calendar_version_once")]

    def __str__(self) -> str:
        return f"{self.calendar} v{self.number}"

    @cached_property
    def open_hours(self) -> Hours:
        """The arithmetic of these hours."""
        return Hours(self.tz, self.hours, [*self.holidays, *self.public])

    def again(self) -> dict[str, Any]:
        """What `publish` was told, to be told once more."""
        same = ("tz", "hours", "holidays", "names", "country", "subdivision", "observed")
        return {name: getattr(self, name) for name in same}
