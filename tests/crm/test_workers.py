"""The watchdog at the head of a worker group, without processes (those are in tests/faults)."""

import functools
import os
import subprocess
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.utils import timezone
from django_q.models import OrmQ

from crm import activity, jobs, workers
from crm.activity import Activity
from crm.models import Heartbeat, Wake

PATH = "tests.crm.test_workers.flow"


def watched(heard: float = 0.0) -> workers.Watch:
    """A watch whose sentinel has just made its round at second 0, by a clock of its own."""
    watch = workers.Watch("here", every=5, patience=20, activity=Activity(), heard=heard)
    watch.activity._guarded.value = heard
    return watch


def step(watch: workers.Watch, now: float) -> bool:
    """One step at second `now`, the sentinel alive."""
    watch.activity._guarded.value = now
    return watch.step(now)


@pytest.mark.django_db
def test_silence_after_a_canary_is_noticed_and_a_song_is_heard() -> None:
    watch = watched()
    assert step(watch, 0)
    assert step(watch, 19)
    assert not step(watch, 21), "the canary of second 0 has not come back"
    OrmQ.objects.order_by("id")[0].delete()
    assert step(watch, 22)


@pytest.mark.django_db
def test_a_canary_that_waits_behind_another_is_not_replaced() -> None:
    """Else a pipeline slower than the canaries' interval would never be heard."""
    watch = watched()
    for second in range(18):
        assert step(watch, second)
    first, *later = OrmQ.objects.order_by("id")
    assert len(later) == workers.CANARIES - 1
    first.delete()
    assert step(watch, 19)
    assert step(watch, 38)


@pytest.mark.django_db
def test_while_a_worker_is_at_a_task_silence_is_excused_but_not_for_ever() -> None:
    watch = watched()
    step(watch, 0)
    longest = settings.TASK_SECONDS + 5
    with watch.activity.at(1, 1):
        watch.activity._slots[os.getpid() % activity.SLOTS].since = 0.0
        assert step(watch, 30)
        assert Heartbeat.ages("worker:here")["worker:here"] < 5, "the health page is told that the group is only slow"
        assert step(watch, longest)
        assert not step(watch, longest + 1), "a task that should have been stopped by now excuses nothing"
        watch.activity._slots[os.getpid() % activity.SLOTS].since = 21 + 3 * longest
        assert not step(watch, 21 + 3 * longest)
    assert not step(watch, 30), "nobody is at anything"


@pytest.mark.django_db
def test_a_sentinel_that_makes_no_rounds_is_noticed_although_canaries_sing() -> None:
    watch = watched()
    assert watch.step(0)
    OrmQ.objects.all().delete()
    assert watch.step(19)
    OrmQ.objects.all().delete()
    assert not watch.step(21)


@pytest.mark.django_db
def test_what_a_dead_worker_was_at_is_put_back_after_a_short_pause() -> None:
    row = Wake.objects.create(path=PATH, subject=3)
    assert row.claim(seconds=60)
    watch = watched()
    slot = watch.activity._slots[gone_pid() % activity.SLOTS]
    slot.wake, slot.attempt, slot.since, slot.pid = row.pk, row.attempts, 0.0, gone_pid()
    step(watch, 1)
    row.refresh_from_db()
    assert timedelta(0) < (row.lease_until or timezone.now()) - timezone.now() <= timedelta(seconds=2)
    assert not watch.activity.runs()


@pytest.mark.django_db
def test_what_a_living_worker_is_at_keeps_its_lease() -> None:
    row = Wake.objects.create(path=PATH, subject=3)
    assert row.claim(seconds=60)
    watch = watched()
    with watch.activity.at(row.pk, row.attempts):
        step(watch, 1)
        assert watch.activity.runs()
    row.refresh_from_db()
    assert row.lease_until
    assert row.lease_until > timezone.now() + timedelta(seconds=50)


@functools.cache
def gone_pid() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.mark.django_db
def test_silence_is_excused_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = watched()
    step(watch, 0)
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "canaries_out", lambda group: (_ for _ in ()).throw(OperationalError("gone")))
        patch.setattr(connection, "close", lambda: None)
        assert step(watch, 500)
    assert step(watch, 519)
    assert not step(watch, 521)


@pytest.mark.django_db
def test_a_new_group_clears_the_canaries_a_dead_one_left() -> None:
    jobs.send_canary("here")
    jobs.send_canary("here")
    step(watched(), 0)
    assert jobs.canaries_out("here") == 1
    jobs.beat("here")
    assert Heartbeat.ages("worker:here")["worker:here"] < 5
