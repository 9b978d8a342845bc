"""The sweeps over running clocks, and how a clock is shown. What starts and stops clocks is `cases.models.clock`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import wraps

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from cases.attention import refresh
from cases.models import Case, Clock, ClockAction
from cases.models.clock import ClockQuerySet
from cases.models.following import report_breach

BATCH = 100
AMBER = Decimal("0.25")  # of the target left
CALM = Decimal("0.5")


def database_now() -> datetime:
    """The one clock all hosts share."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def by_the_database(sweep: Callable[[datetime], int]) -> Callable[[datetime], int]:
    """The same sweep at the database's time: a host whose clock jumps must neither breach what has time left nor let pass
    what has none."""

    @wraps(sweep)
    def at_its_time(_of_the_host: datetime) -> int:
        return sweep(database_now())

    return at_its_time


def warn_due(now: datetime) -> int:
    """Warn of clocks with a quarter of their target left: one `sla_warned` each; returns how many."""
    due = Clock.objects.running().filter(warn_at__lte=now, warned_at=None, breached_at=None, due_at__gte=now)
    return _take(due, "warn_at", _warned, now)


def breach_due(now: datetime) -> int:
    """Breach clocks whose time has passed: one `sla_breached` each; returns how many."""
    due = Clock.objects.running().filter(due_at__lt=now, breached_at=None)
    return _take(due, "due_at", _breached, now)


@transaction.atomic
def _take(due: ClockQuerySet, order: str, step: Callable[[Clock, Case, datetime], None], now: datetime) -> int:
    """A batch, its cases' locks first, as every verb takes them; a case somebody works on right now is left to the next
    turn. The update decides: a clock that met, stopped or was taken by another sweep meanwhile is not in its answer."""
    found = list(due.order_by(order).values_list("pk", "case_id")[:BATCH])
    held = Case.objects.filter(pk__in={case for _pk, case in found})
    cases = {c.pk: c for c in held.select_for_update(skip_locked=True, no_key=True, of=("self",))}
    mine = due.filter(pk__in=[pk for pk, case in found if case in cases])
    mine = mine.select_related("policy_version").select_for_update(no_key=True, of=("self",))
    clocks = list(mine.order_by(order, "pk"))
    for clock in clocks:
        step(clock, cases[clock.case_id], now)
    return len(clocks)


def _warned(clock: Clock, case: Case, now: datetime) -> None:
    if Clock.objects.filter(pk=clock.pk, warned_at=None).update(warned_at=now):
        case.record("sla_warned", by=None, via="clock", at=now, clock=clock.pk, target=clock.kind)
        ClockAction.objects.plan(clock, "warn", now)


def _breached(clock: Clock, case: Case, now: datetime) -> None:
    if Clock.objects.filter(pk=clock.pk, breached_at=None).update(breached_at=F("due_at"), warn_at=None):
        clock.breached_at = clock.due_at
        report_breach(clock, case)
        refresh(case)


# --- how a clock is shown


@dataclass(frozen=True)
class Chip:
    """A clock in words and a colour. `state`: calm (more than half is left), soon, amber (less than a quarter), red
    (overdue), paused, met, missed (met or stopped after its time). `at` is the moment it speaks of, if any."""

    label: str
    state: str
    at: datetime | None


def display(clock: Clock, at: datetime) -> Chip:
    """The chip of one clock as it stands at `at`."""
    label = str(clock.get_kind_display())
    if clock.is_finished:
        return Chip(label, "missed" if clock.breached_at else "met", clock.met_at or clock.cancelled_at)
    if not clock.is_running:
        return Chip(label, "red" if clock.breached_at else "paused", clock.paused_at)
    return Chip(label, _urgency(clock, at), clock.due_at)


def _urgency(clock: Clock, at: datetime) -> str:
    left = clock.remaining(at)
    if clock.breached_at or left < 0:
        return "red"
    share = left / clock.target_seconds if clock.target_seconds else Decimal(0)
    return "calm" if share > CALM else "soon" if share >= AMBER else "amber"


WORDS = {
    "calm": _("in good time"),
    "soon": _("soon due"),
    "amber": _("nearly due"),
    "red": _("overdue"),
    "paused": _("paused"),
    "met": _("met"),
    "missed": _("met late"),
}
