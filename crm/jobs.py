"""Background work: sweeps the keeper repeats, and wake-ups that commit with the change that asked for them.

The work itself lives in domain tables with state, lease and unique keys. A sweep finds what is due; a wake-up only says
that looking now is worthwhile, so losing, repeating or delaying one harms nothing. docs/jobs.md tells the whole story.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Value
from django.db.models.functions import Now
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from crm import activity
from crm.models import Heartbeat, Wake

P = ParamSpec("P")
R = TypeVar("R")
SweepFunction = Callable[[datetime], int]
CHANNEL = "forefront_work"
MAX_ROUNDS = 50  # how often a sweep that still finds work is called again before the others get their turn
LOST_SECONDS = 10.0  # a task that left the queue so long ago without being begun died with its worker
MAX_QUEUED = 500  # with that many tasks waiting, putting more in front of dead workers helps nobody
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sweep:
    """A function the keeper calls every `seconds`, and again at once while it reports rows done."""

    name: str
    seconds: float
    function: SweepFunction
    limit: float  # seconds after which one call counts as stuck and the keeper is started anew


LoopFunction = Callable[[threading.Event, Callable[[], None]], None]


@dataclass(frozen=True)
class Loop:
    """A function that runs in the keeper from beginning to end: `f(stop, alive)`."""

    name: str
    function: LoopFunction
    limit: float  # seconds without a call of `alive` after which it counts as stuck


_sweeps: dict[str, Sweep] = {}
_loops: dict[str, Loop] = {}
_flows: dict[str, Callable[..., object]] = {}


def every(seconds: float, *, name: str = "", limit: float = 300) -> Callable[[SweepFunction], SweepFunction]:
    """Register `f(now) -> rows done` to run in the keeper every `seconds`. It must be safe to run twice at once."""

    def register(function: SweepFunction) -> SweepFunction:
        path = _path(function)
        _sweeps[name or path] = Sweep(name or path, seconds, function, limit)
        _flows[path] = lambda: exhaust(function)
        return function

    return register


def loop(*, name: str, limit: float = 60) -> Callable[[LoopFunction], LoopFunction]:
    """Register what waits for something outside, and so is no sweep: `f(stop, alive)` runs in a thread of the keeper of
    its own, returns within seconds of `stop`, calls `alive` while it is well, and is begun anew when it raises."""

    def register(function: LoopFunction) -> LoopFunction:
        _loops[name] = Loop(name, function, limit)
        return function

    return register


def loops() -> list[Loop]:
    """Every registered loop, in the order of its name."""
    return [_loops[name] for name in sorted(_loops)]


def wakeable(function: Callable[P, R]) -> Callable[P, R]:
    """Allow `wake()` to name this function: `f()` or `f(pk)`, safe to run any number of times, its result ignored."""
    _flows[_path(function)] = function
    return function


def sweeps() -> list[Sweep]:
    """Every registered sweep, in the order of its name."""
    return [_sweeps[name] for name in sorted(_sweeps)]


@transaction.atomic
def wake(path: str, pk: int = 0) -> None:
    """Ask that the flow at `path` runs soon in a worker: `f()`, or `f(pk)`. Commits or rolls back with the caller.

    A task is enqueued only when none waits for the same flow and pk. Nobody waits for anybody's lock here, so a hung
    writer delays only itself; an ask that relied on another's task which then ran too early is found by `requeue`.
    """
    if path not in _flows:
        raise LookupError(f"{path} is not a registered flow: decorate it with @jobs.wakeable in its app's jobs.py")
    lately = Now() - Value(timedelta(seconds=LOST_SECONDS))
    waiting = Wake.objects.filter(path=path, subject=pk, state=Wake.WAITING, queued_at__gt=lately).exists()
    ask = Wake.objects.create(path=path, subject=pk)
    if not waiting:
        _enqueue(ask.pk)


def nudge(sweep: str = "") -> None:
    """After commit, tell keepers to run this sweep (or all) now instead of at its next turn. Polling is the fallback."""
    transaction.on_commit(lambda: _notify(sweep), robust=True)


def exhaust(function: SweepFunction, rounds: int = MAX_ROUNDS) -> int:
    """Call a sweep until it finds nothing more, at most `rounds` times; the rows done in all."""
    total = 0
    for _round in range(rounds):
        done = function(timezone.now())
        total += done
        if not done:
            break
    return total


def run(pk: int) -> None:
    """The one task django-q2 carries: do what wake-up `pk` asks, counted before the work so that crashes count too."""
    ask = Wake.objects.filter(pk=pk).first()
    if ask is None or not ask.claim(seconds=settings.TASK_SECONDS + 5):
        return
    if ask.path not in _flows:
        ask.park("unknown flow")
        return
    with activity.at(ask.pk, ask.attempts):
        _attempt(ask)
    _go_on(ask)


def _attempt(ask: Wake) -> None:
    try:
        _flows[ask.path](*([ask.subject] if ask.subject else []))
        ask.finish()
    except Exception as error:  # noqa: BLE001 - a task may fail in any way, and its message may hold personal data
        log.warning("%s(%s) failed, attempt %s: %s", ask.path, ask.subject, ask.attempts, type(error).__name__)
        if connection.errors_occurred and not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()  # it may be the reason, and must not keep us from saying so
        ask.put_back(type(error).__name__)


def _go_on(ask: Wake) -> None:
    """Asks made during the run whose own task was turned away, because one flow and subject never runs twice at once."""
    later = Wake.objects.filter(path=ask.path, subject=ask.subject, state=Wake.WAITING, due_at__lte=Now())
    if (pk := later.order_by("pk").values_list("pk", flat=True).first()) is not None:
        with transaction.atomic():
            _enqueue(pk)


def beat(group: str) -> None:
    """The canary's song: this worker group takes tasks, runs them and reports."""
    Heartbeat.beat(f"worker:{group}")


def send_canary(group: str) -> None:
    """Put one more canary task into this group's own queue."""
    async_task("crm.jobs.beat", group, cluster=canary_key(group), task_name=f"canary {group}"[:100], save=False)


def canaries_out(group: str) -> int:
    """Canaries not acknowledged yet. One that is gone went through every process of the group."""
    return int(OrmQ.objects.filter(key=canary_key(group)).count())


def clear_canaries(group: str) -> None:
    """Away with what a dead group left in this queue."""
    OrmQ.objects.filter(key=canary_key(group)).delete()


def canary_key(group: str) -> str:
    """The queue only this worker group reads."""
    return f"canary:{group}"[:100]


def _reclaim() -> None:
    lost = Wake.objects.filter(state=Wake.RUNNING, lease_until__lt=Now())
    lost.filter(attempts__gte=settings.TASK_ATTEMPTS).update(state=Wake.PARKED, error="worker died")
    lost.update(state=Wake.WAITING, queued_at=None, error="worker died")


# One row for each flow and subject that waits, is due, has no run under way and no live task. Tasks leave their queue
# in order, so one queued before the oldest that still waits there has been taken; seconds later, taken means lost.
_WITHOUT_TASK = """
WITH oldest AS (SELECT least(min(lock), clock_timestamp()) AS at
                  FROM django_q_ormq WHERE key = %(queue)s AND lock < clock_timestamp())
SELECT min(w.id) AS id FROM crm_wake w
 WHERE w.state = 'waiting' AND w.due_at <= clock_timestamp()
   AND w.asked_at < clock_timestamp() - make_interval(secs => %(patience)s)
   AND NOT EXISTS (SELECT FROM crm_wake r WHERE r.path = w.path AND r.subject = w.subject AND r.state = 'running')
   AND NOT EXISTS (SELECT FROM crm_wake q, oldest WHERE q.path = w.path AND q.subject = w.subject AND q.state = 'waiting'
                      AND q.queued_at > oldest.at - make_interval(secs => %(lost)s))
 GROUP BY w.path, w.subject ORDER BY 1 LIMIT %(limit)s
"""


def _enqueue(pk: int) -> None:
    async_task("crm.jobs.run", pk, task_name=f"wake {pk}", save=False)
    Wake.objects.filter(pk=pk).update(queued_at=Now())


def _notify(sweep: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, sweep])


def _path(function: Callable[..., object]) -> str:
    return f"{function.__module__}.{getattr(function, '__qualname__', '')}"


@every(2, name="crm.requeue")
def requeue(now: datetime, *, patience: float = 2, lost: float = LOST_SECONDS, limit: int = 100) -> int:
    """Enqueue what should run and has no live task: asks that relied on a task which ran too early (after `patience`
    seconds), put-back ones when their pause is over, and those whose worker died before or during the work."""
    _reclaim()
    if OrmQ.objects.count() >= MAX_QUEUED:
        return 0
    values = {"queue": settings.Q_CLUSTER["name"], "patience": patience, "lost": lost, "limit": limit}
    rows = Wake.objects.raw(_WITHOUT_TASK, values)
    for ask in rows:
        with transaction.atomic():
            _enqueue(ask.pk)
    return len(rows)
