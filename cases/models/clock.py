"""A target of a case as it runs (docs/clocks.md). What starts, stops and ends clocks is `following`."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.attention import refresh
from cases.business_hours import ROUND_THE_CLOCK, Hours, NeverOpen
from cases.models.calendar import CalendarVersion
from cases.models.sla import SLAPolicyVersion
from crm.database.prepared import Prepared, keys
from crm.models import Event

if TYPE_CHECKING:
    from cases.models.case import Case

ALWAYS = Hours("UTC", ROUND_THE_CLOCK)
WARN_AT = Decimal("0.75")  # of the target: a quarter is left
ZERO = Decimal(0)

CHANGING = (
    "policy_version_id", "calendar_version_id", "target_seconds", "resumed_at", "paused_at", "elapsed_seconds",
    "paused_seconds", "due_at", "warn_at", "warned_at", "breached_at", "met_at", "cancelled_at",
)  # fmt: skip
ANSWER_CLOCKS = ("first_response", "next_response")


class ClockQuerySet(models.QuerySet["Clock"]):
    def unfinished(self) -> "ClockQuerySet":
        """Neither met nor cancelled: running or paused."""
        return self.filter(met_at=None, cancelled_at=None)

    def running(self) -> "ClockQuerySet":
        return self.unfinished().filter(resumed_at__isnull=False)

    def shown(self, case: int) -> "list[Clock]":
        """Those the head of a case shows, what was met included, the newest of each kind first."""
        return _SHOWN(case)

    def shown_of(self, cases: Sequence[int]) -> "dict[int, list[Clock]]":
        """The same of each of these cases."""
        found: dict[int, list[Clock]] = defaultdict(list)
        for clock in _SHOWN_OF(cases):
            found[clock.case_id].append(clock)
        return found

    def follow(self, case: "Case", event: Event) -> None:
        """Start, pause, resume, meet or cancel the case's clocks after `event`, inside its transaction, under the
        case's lock and by the event's own time: what is brought in from the past comes out as it would have then."""
        from cases.models.following import FOLLOWED, Background, Follower

        if event.kind in FOLLOWED:
            clocks = self._kept(case, event)
            Follower(Background(case), event, clocks, timezone.now()).run()
            if clocks or event.version > 1:  # else it was just opened, and nothing is due
                refresh(case)

    def _kept(self, case: "Case", event: Event) -> list["Clock"]:
        """Those that an event may move; a case that was just opened has none. A finished answer clock never comes back;
        a resolution does when the case is reopened."""
        if event.kind == "opened" and event.version == 1:
            return []
        return _KEPT(case.pk)


class Clock(models.Model):
    """One target of one case, running or stopped. It keeps the versions it was set by: history never changes.

    While running, `due_at` is exact for the time left; while paused it is empty and `elapsed_seconds` stands still.
    `breached_at` is the moment it fell due, whenever that was noticed."""

    class Kind(models.TextChoices):
        FIRST_RESPONSE = "first_response", _("first answer")
        NEXT_RESPONSE = "next_response", _("next answer")
        UPDATE = "update", _("update")
        RESOLUTION = "resolution", _("resolution")

    case = models.ForeignKey("cases.Case", models.CASCADE, related_name="clocks")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    policy_version = models.ForeignKey(SLAPolicyVersion, models.PROTECT, related_name="+")
    # Empty: round the clock.
    calendar_version = models.ForeignKey(CalendarVersion, models.PROTECT, null=True, related_name="+")
    target_seconds = models.DecimalField(max_digits=18, decimal_places=6)
    started_at = models.DateTimeField()
    resumed_at = models.DateTimeField(null=True)  # since when it runs; empty: paused or stopped
    paused_at = models.DateTimeField(null=True)
    elapsed_seconds = models.DecimalField(max_digits=18, decimal_places=6, default=ZERO)  # open time up to resumed_at
    paused_seconds = models.DecimalField(max_digits=18, decimal_places=6, default=ZERO)  # open time spent paused
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
            # What was met and what ran out today (cases.figures).
            models.Index(fields=["met_at"], name="clock_met", condition=models.Q(met_at__isnull=False)),
            models.Index(fields=["breached_at"], name="clock_breached", condition=models.Q(breached_at__isnull=False)),
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
    def is_finished(self) -> bool:
        return self.met_at is not None or self.cancelled_at is not None

    @property
    def is_running(self) -> bool:
        return self.resumed_at is not None and not self.is_finished

    @property
    def hours(self) -> Hours:
        return self.calendar_version.open_hours if self.calendar_version else ALWAYS

    def elapsed(self, at: datetime) -> Decimal:
        """Open seconds it has run by `at`."""
        return self.elapsed_seconds + (self.hours.elapsed(self.resumed_at, at) if self.resumed_at else ZERO)

    def remaining(self, at: datetime) -> Decimal:
        """Open seconds left at `at`; negative when overdue."""
        return self.target_seconds - self.elapsed(at)

    def state(self) -> list[object]:
        """What may change; to tell whether it did."""
        return [getattr(self, name) for name in CHANGING]

    # --- steps of a Follower; none saves

    def run_from(self, at: datetime) -> None:
        """Run on from `at` with what has elapsed so far."""
        self.resumed_at, self.paused_at = at, None
        left = max(self.target_seconds - self.elapsed_seconds, ZERO)
        until_warning = max(self.target_seconds * WARN_AT - self.elapsed_seconds, ZERO)
        self.due_at = self.breached_at or self._reached(at, left)
        self.warn_at = None if self.breached_at or self.warned_at else self._reached(at, until_warning)

    def _reached(self, at: datetime, seconds: Decimal) -> datetime | None:
        """Empty where the hours never hold that much time: such a clock runs without ever falling due."""
        try:
            return self.hours.add(at, seconds)
        except NeverOpen:
            return None

    def stand_from(self, at: datetime) -> None:
        """Stop counting at `at`. A breach that this moment comes before never was; one it comes after was."""
        if self.resumed_at is not None:
            self.breached_at = self.due_at if self.due_at and self.due_at < at else None
            self.elapsed_seconds = self.elapsed(at)
        elif self.paused_at is not None:
            self.paused_seconds += self.hours.elapsed(self.paused_at, at)
        self.resumed_at, self.paused_at, self.due_at, self.warn_at = None, at, None, None

    def go_on_from(self, at: datetime) -> None:
        """Run again after standing still since it was paused, met or cancelled."""
        stood_since = self.paused_at or at
        self.paused_seconds += self.hours.elapsed(stood_since, at)
        self.met_at = self.cancelled_at = None
        self.run_from(at)


_IN_ORDER = ("kind", "-started_at")
_SHOWN = Prepared(lambda case: Clock.objects.filter(case=case, cancelled_at=None).order_by(*_IN_ORDER), int)
_SHOWN_OF = Prepared(lambda of: Clock.objects.filter(case__in=keys(of), cancelled_at=None).order_by(*_IN_ORDER), list)
_KEPT = Prepared(
    lambda case: (
        Clock.objects.filter(models.Q(met_at=None) | models.Q(kind=Clock.Kind.RESOLUTION), case=case)
        .select_related("policy_version", "calendar_version")
        .order_by("pk")
    ),
    int,
)
