"""What learns from history: trained by `manage.py train` and each night, kept in versions, read by every process.

Apps bring the learners in their jobs.py (`learning.learner`). A learner says what it saw and how well it did on what was
held back, and whether that is good enough to be used; until then what ran before runs on."""

import logging
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django.utils.functional import Promise

from crm.hooks import Hook
from crm.jobs import loop
from crm.models import Learned

T = TypeVar("T")
Say = Callable[[str], None]
KEPT = 3  # trainings of a kind whose content is kept: to go back by one, and while processes still read the last
NIGHT = (1, 5)  # hours of the house's clock
STALE = timedelta(hours=20)
EVERY = 600.0  # seconds between two looks whether there is something to learn: until the first time that reads a lot
LOOK = 5.0  # seconds a process may run on the last version
_LOCK = 0x4C524E00
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lesson:
    """What came of one training. Without `content` nothing was learned, and `why` says why; with both it is kept, but not
    used. `figures` are numbers by name, in the order they are told."""

    seen: dict[str, int]
    figures: dict[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    why: str = ""
    after: Callable[[Learned], None] = lambda row: None  # called where the version is kept, in its transaction


@dataclass(frozen=True)
class Card:
    """What people are told of a learner beside its figures: its name, what it is for and what it learns from, what it cannot
    do; and the names of its counts and figures in their language."""

    title: str | Promise
    about: str | Promise
    limits: str | Promise
    names: Mapping[str, str | Promise] = field(default_factory=dict)


@dataclass(frozen=True)
class Learner:
    key: str
    learn: Callable[[Say], Lesson]
    due: Callable[[], bool]  # whether there is something new to learn from
    card: Card


_learners: dict[str, Learner] = {}


def learner(
    key: str, *, due: Callable[[], bool], card: Card | None = None
) -> Callable[[Callable[[Say], Lesson]], Callable[[Say], Lesson]]:
    """Register `learn(say) -> Lesson`. It only reads; `due` says cheaply whether it is worth its time."""

    def register(function: Callable[[Say], Lesson]) -> Callable[[Say], Lesson]:
        _learners[key] = Learner(key, function, due, card or Card(key, "", ""))
        return function

    return register


def card(key: str) -> Card:
    """What is told of a learner; of one that is no longer there, its key."""
    known = _learners.get(key)
    return known.card if known else Card(key, "", "")


def keys() -> list[str]:
    return sorted(_learners)


def train(key: str, say: Say = lambda _line: None) -> Learned | None:
    """Train this one now. None where another process is at it."""
    with _alone(key) as free:
        if not free:
            return None
        began = time.monotonic()
        lesson = _learners[key].learn(say)
        return _keep(key, lesson, time.monotonic() - began)


def _keep(key: str, lesson: Lesson, took: float) -> Learned:
    with transaction.atomic():
        row = Learned.objects.create(
            kind=key,
            took=round(took, 1),
            in_use=lesson.content is not None and not lesson.why,
            why=lesson.why[:300],
            seen=lesson.seen,
            figures=lesson.figures,
            content=lesson.content,
        )
        lesson.after(row)
        held = Learned.objects.filter(kind=key, content__isnull=False).order_by("-pk")
        keep = {*held.filter(in_use=True).values_list("pk", flat=True)[:KEPT], row.pk}
        held.exclude(pk__in=keep).update(content=None)
    return row


@contextmanager
def _alone(key: str) -> Iterator[bool]:
    """One process at a time trains a kind; its end, however it comes, ends the hold."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [_LOCK, key])
        free = bool(cursor.fetchone()[0])
        try:
            yield free
        finally:
            if free:
                cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [_LOCK, key])


# --- reading


class Reader(Generic[T]):
    """What is in use of a kind, made once in this process by `read` and looked after every LOOK seconds."""

    def __init__(self, kind: str, read: Callable[[bytes], T]) -> None:
        self.kind, self.read = kind, read
        self._lock = threading.Lock()
        self._held: tuple[int, T | None] | None = None
        self._looked = 0.0

    def current(self) -> tuple[int, T] | None:
        """(version, what was learned), or None where nothing is in use."""
        if time.monotonic() - self._looked >= LOOK:
            rows = Learned.objects.filter(kind=self.kind, in_use=True).order_by("-pk")
            found = self.of(rows.values_list("pk", flat=True).first() or 0)
            self._looked = time.monotonic()
            return found
        return self._readable()

    def of(self, version: int) -> tuple[int, T] | None:
        """The same of this version, by somebody who has asked for it: read once a process."""
        with self._lock:
            if not version:
                self._held = None
            elif self._held is None or self._held[0] != version:
                content = Learned.objects.values_list("content", flat=True).get(pk=version)
                self._held = (version, self._read(version, bytes(content or b"")))
            return self._readable()

    def _readable(self) -> tuple[int, T] | None:
        held = self._held  # another thread may put the next in its place meanwhile
        return None if held is None or held[1] is None else (held[0], held[1])

    def _read(self, version: int, content: bytes) -> T | None:
        """What another version of the house kept cannot be read: as if nothing had been learned, until it learns anew."""
        try:
            return self.read(content)
        except (ValueError, TypeError, KeyError):
            log.warning("%s %s was kept in another form; it is learned anew", self.kind, version)
            return None

    def forget(self) -> None:
        """Look anew at the next question."""
        self._held, self._looked = None, 0.0


# Reads what was learned before somebody waits for it; called where a server process begins, if anything is in use.
warmers: Hook[[], None] = Hook("warmers")


def warm() -> None:
    try:
        if Learned.objects.filter(in_use=True).exists():
            warmers.collect()
    except DatabaseError:
        log.info("what was learned is read when it is first asked for")
    finally:
        connection.close()


# --- by night


@loop(name="crm.learning", limit=60)
def learn_by_night(stop: threading.Event, alive: Callable[[], None]) -> None:
    """Runs `manage.py train --due` as a process of its own, at low priority, so that nobody waits for it."""
    looked = -math.inf
    while not stop.is_set():
        alive()
        if time.monotonic() - looked >= EVERY:
            looked = time.monotonic()
            if wanted():
                _run(stop, alive)
        stop.wait(30)


def wanted() -> list[str]:
    """The kinds that should be trained now: never yet and there is something to learn from, or at night once a day."""
    now = timezone.localtime()
    found = []
    for key, each in sorted(_learners.items()):
        last = Learned.objects.filter(kind=key).order_by("-pk").values_list("made_at", flat=True).first()
        is_time = last is None or (now - last > STALE and NIGHT[0] <= now.hour < NIGHT[1])
        if is_time and each.due():
            found.append(key)
    return found


def _run(stop: threading.Event, alive: Callable[[], None]) -> None:
    command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "train", "--due"]
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    try:
        while started.poll() is None and not stop.wait(1):
            alive()
    finally:
        if started.poll() is None:
            started.terminate()
            started.wait(10)
    if started.returncode:
        log.warning("training ended with %s", started.returncode)
