"""Whether the house is fit to serve, told truthfully: /health/ready, /metrics and `doctor` ask the same questions."""

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.functions import Now

from crm.hooks import Hook
from crm.models import Event, Heartbeat, Wake

KEEPER_SECONDS = 30.0  # it beats every 5
LAG_SECONDS = 1.0  # the sequencer numbers committed events within milliseconds
FREE_MB = 200

# What waits longer than it should, by app: name → how many. Filled in `<app>/house_hooks.py`.
stuck: Hook[[], dict[str, int]] = Hook("stuck")
# Other figures for /metrics, by app: name → value.
figures: Hook[[], dict[str, float]] = Hook("figures")


@dataclass(frozen=True)
class Check:
    """One answer: fit or not, and why in one sentence without personal data."""

    name: str
    ok: bool
    reason: str = ""
    figure: float | None = None


def readiness() -> list[Check]:
    """Every check; those that need the database are left out when it does not answer."""
    first = [database(), disk()]
    if not first[0].ok:
        return first
    return [*first, *(_safely(check) for check in (migrations, sequencer, worker, keeper))]


def as_json(checks: list[Check]) -> dict[str, Any]:
    return {"ready": all(check.ok for check in checks), "checks": [asdict(check) for check in checks]}


def database() -> Check:
    began = time.perf_counter()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        connection.close()
        return Check("database", ok=False, reason=f"the database does not answer ({type(error).__name__})")
    return Check("database", ok=True, figure=round(time.perf_counter() - began, 4))


def migrations() -> Check:
    missing = _on_disk() - set(MigrationRecorder(connection).applied_migrations())
    if missing:
        reason = f"{len(missing)} migrations are not applied: run manage.py migrate"
        return Check("migrations", ok=False, reason=reason, figure=len(missing))
    return Check("migrations", ok=True, figure=0)


def sequencer() -> Check:
    """Behind when the oldest committed event without a number is still without one a second later."""
    oldest = _oldest_unnumbered()
    deadline = time.monotonic() + LAG_SECONDS
    while oldest is not None and _oldest_unnumbered() == oldest:
        if time.monotonic() > deadline:
            waiting = Event.objects.filter(pos=None).count()
            reason = f"{waiting} events wait for their number: no sequencer is at work"
            return Check("sequencer", ok=False, reason=reason, figure=waiting)
        time.sleep(0.05)
    return Check("sequencer", ok=True, figure=0)


def worker() -> Check:
    """The canary of this instance's worker group; where this process belongs to no instance with one, anybody's."""
    return _alive("worker", f"worker:{settings.INSTANCE}", settings.WATCHDOG_SECONDS, "run manage.py serve, or work")


def keeper() -> Check:
    return _alive("keeper", f"keeper:{settings.INSTANCE}", KEEPER_SECONDS, "run manage.py serve, or keeper")


def disk() -> Check:
    settings.VAR.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.VAR).free / 1e6
    reason = "" if free >= FREE_MB else f"only {free:.0f} MB are free where the data folder is"
    return Check("disk", ok=not reason, reason=reason, figure=round(free))


def gauges() -> dict[str, float]:
    """Figures for /metrics, asked from the database at each scrape: any process answers for all."""
    told: dict[str, float] = {f"ready_{check.name}": float(check.ok) for check in readiness()}
    if not told["ready_database"]:
        return told
    told["events_unnumbered"] = Event.objects.filter(pos=None).count()
    told["wakes_waiting"] = Wake.objects.filter(state=Wake.WAITING, due_at__lte=Now()).count()
    told["wakes_parked"] = Wake.objects.filter(state=Wake.PARKED).count()
    told["database_connections"] = _connections()
    for found in stuck.collect():
        told |= {f"stuck_{name}": float(number) for name, number in found.items()}
    for more in figures.collect():
        told |= more
    return told


def _alive(name: str, beat: str, patience: float, advice: str) -> Check:
    ages = Heartbeat.ages(f"{name}:")
    age = ages.get(beat, min(ages.values(), default=None))
    if age is None:
        return Check(name, ok=False, reason=f"no {name} has reported yet: {advice}")
    ok = age <= patience
    reason = "" if ok else f"the {name} was last heard {age:.0f} s ago: {advice}"
    return Check(name, ok=ok, reason=reason, figure=round(age, 1))


def _safely(check: Callable[[], Check]) -> Check:
    try:
        return check()
    except DatabaseError as error:
        connection.close()
        return Check(check.__name__, ok=False, reason=f"could not be asked ({type(error).__name__})")


@cache
def _on_disk() -> set[tuple[str, str]]:
    return set(MigrationLoader(None).disk_migrations)


def _oldest_unnumbered() -> int | None:
    return Event.objects.filter(pos=None).order_by("id").values_list("id", flat=True).first()


def _connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
