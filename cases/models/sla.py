from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.calendar import BusinessCalendar, CalendarVersion
from cases.models.queue import Queue
from crm.models import Event

if TYPE_CHECKING:
    from cases.models.case import Case


class SLAPolicy(models.Model):
    """How quickly we answer and resolve, for which cases. Its content lives in immutable versions."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    is_active = models.BooleanField(_("active"), default=True)
    position = models.PositiveIntegerField(_("order"), default=0)  # the first that matches applies
    queues = models.ManyToManyField(Queue, blank=True, related_name="sla_policies", verbose_name=_("queues"))
    current = models.ForeignKey("SLAPolicyVersion", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name


class SLAPolicyVersion(models.Model):
    """A policy as it stood from one save to the next. Empty lists match everything."""

    policy = models.ForeignKey(SLAPolicy, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    calendar = models.ForeignKey(BusinessCalendar, models.PROTECT, null=True, blank=True, related_name="+")
    priorities = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    channels = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    tiers = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    pause_statuses = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    targets = models.JSONField(default=list)  # [{kind, minutes}], minutes of open time, a fraction or 0 allowed
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="sla_policy_version_once")]

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"


class ClockQuerySet(models.QuerySet["Clock"]):
    def follow(self, case: "Case", event: Event) -> None:
        """Start, pause, resume, meet or cancel the case's clocks after `event`, inside its transaction."""


class Clock(models.Model):
    """One target of one case, running or stopped. It keeps the versions it was set by: history never changes.

    While running, `due_at` is exact for the time left; while paused it is empty and `elapsed_seconds` stands still."""

    class Kind(models.TextChoices):
        FIRST_RESPONSE = "first_response", _("first answer")
        NEXT_RESPONSE = "next_response", _("next answer")
        UPDATE = "update", _("update")
        RESOLUTION = "resolution", _("resolution")

    case = models.ForeignKey("cases.Case", models.CASCADE, related_name="clocks")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    policy_version = models.ForeignKey(SLAPolicyVersion, models.PROTECT, related_name="+")
    calendar_version = models.ForeignKey(CalendarVersion, models.PROTECT, related_name="+")
    target_seconds = models.DecimalField(max_digits=14, decimal_places=3)
    started_at = models.DateTimeField()
    resumed_at = models.DateTimeField(null=True)  # since when it runs; empty: paused or stopped
    paused_at = models.DateTimeField(null=True)
    elapsed_seconds = models.DecimalField(max_digits=14, decimal_places=3, default=0)  # open time up to resumed_at
    paused_seconds = models.DecimalField(max_digits=14, decimal_places=3, default=0)  # open time spent paused
    due_at = models.DateTimeField(null=True)
    warn_at = models.DateTimeField(null=True)
    warned_at = models.DateTimeField(null=True)
    breached_at = models.DateTimeField(null=True)
    met_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    objects = ClockQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "kind"],
                condition=models.Q(met_at=None, cancelled_at=None),
                name="clock_one_open_of_a_kind",
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="clock_due",
                condition=models.Q(met_at=None, cancelled_at=None, breached_at=None, due_at__isnull=False),
            ),
            models.Index(
                fields=["warn_at"],
                name="clock_warn",
                condition=models.Q(
                    met_at=None, cancelled_at=None, warned_at=None, breached_at=None, warn_at__isnull=False
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of case {self.case_id}"

    @property
    def is_running(self) -> bool:
        return self.resumed_at is not None and self.met_at is None and self.cancelled_at is None
