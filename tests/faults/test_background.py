"""Background work under kills: nothing lost, nothing made up (L14), poison tasks (L19), bad schedules (L20)."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Success

from crm import jobs
from crm.models import Wake
from tests import processes
from tests.faults.figures import tell
from tests.faults.ledger import BAD, QUICK, SIGNS, ask, kept, kinds, ran, sung, whole
from tests.faults.poison.jobs import HERE
from tests.processes import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def ledger(transactional_db: None) -> Iterator[None]:
    with kept():
        yield


def test_two_hundred_tasks_go_through_a_real_worker_group(full: bool) -> None:
    many = 2000 if full else 200
    with processes.workers(**BAD):
        wait_until(sung, 60, "the group to be there")
        began = time.monotonic()
        for number in range(1, many + 1):
            jobs.wake(f"{HERE}.note", number)
        wait_until(lambda: len(set(ran("note"))) == many, 120, f"{many} tasks to run")
        tell(f"{many} tasks: {many / (time.monotonic() - began):.0f} a second, asking for them included", full=full)
        wait_until(lambda: not Wake.objects.exists(), 30, "every ask to be done with")
    assert sorted(ran("note")) == list(range(1, many + 1)), "each ran once"
    assert not Success.objects.exists(), "no arguments or results are kept"


# --- L14


WRITER = """
import os, random, sys, django
django.setup()
from django.db import connection, transaction
from crm import jobs
import tests.faults.poison.jobs as poison
first, chance = int(sys.argv[1]), random.Random(int(sys.argv[1]))
class Undone(Exception): pass
for subject in range(first, first + 100_000):
    try:
        with transaction.atomic():
            jobs.wake(f"{poison.HERE}.note", subject)
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO fault_meant VALUES (%s)", [subject])
            if chance.random() < 0.4:
                raise Undone
    except Undone:
        pass
"""


def test_no_task_of_a_rolled_back_change_runs_and_none_of_a_committed_one_is_lost(full: bool) -> None:
    """L14: writers are killed at any point of their transactions, workers at work or idle too. Killing one that was
    just done with a task can hang django-q2 (it dies with the queue's lock): then the group must be started anew."""
    chance = random.Random(14)
    env = processes.environment()
    with processes.serve("--no-demo", seconds=90, **BAD, **QUICK, TASK_SECONDS="5", TASK_ATTEMPTS="50") as server:
        wait_until(lambda: whole(server), 60, "everything to be there")
        for round_ in range(20 if full else 4):
            write_and_die(1 + round_ * 100_000, env, chance.uniform(0.05, 0.4))
            kill_a_worker(set(kinds(server).get("both idle workers", [])), chance)
        meant = set(ask("SELECT subject FROM fault_meant"))
        began = time.monotonic()
        wait_until(lambda: set(ran("note")) >= meant, 120, f"all to run: {server.output()[-2000:]}")
        again = server.output().count("killing the worker group")
        took = time.monotonic() - began
    tell(f"{len(meant)} asks committed, all run {took:.1f} s after the last kill; hung {again} times", full=full)
    assert len(meant) > 20
    assert set(ran("note")) == meant, "nothing rolled back ran"


def write_and_die(first: int, env: dict[str, str], seconds: float) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(first)], env=env, cwd=processes.ROOT)
    try:
        wait_until(
            lambda: ask("SELECT 1 FROM fault_meant WHERE subject >= %s LIMIT 1", first), 60, "the writer to write"
        )
        time.sleep(seconds)
    finally:
        writer.kill()
        writer.wait()


def kill_a_worker(workers: set[int], chance: random.Random) -> None:
    """The one that noted last, which is busy or just done; now and then any."""
    last = ask("SELECT pid FROM fault_ran WHERE what = 'note' ORDER BY at DESC LIMIT 1")
    living = [pid for pid in last if pid in workers and chance.random() < 0.7] or sorted(workers)[:1]
    for pid in living:
        os.kill(pid, signal.SIGKILL)


# --- L19


def test_a_poison_task_is_parked_and_the_others_go_on(full: bool) -> None:
    """L19: tasks that kill their worker, never end, fail, eat all memory or return a gigabyte."""
    poison = ["dies", "never_ends", "fails", "eats_memory"]
    attempts = 3 if full else 2
    env = {**BAD, **QUICK, "TASK_SECONDS": "5" if full else "2", "TASK_ATTEMPTS": str(attempts)}
    with processes.serve("--no-demo", seconds=90, **env, TASK_MEMORY_MB="2500" if full else "1000") as server:
        began = time.monotonic()
        for name in poison:
            jobs.wake(f"{HERE}.{name}", 7)
        jobs.wake(f"{HERE}.returns_much", 1024 if full else 100)
        for number in range(1, 21):
            jobs.wake(f"{HERE}.note", number)
        wait_until(lambda: set(ran("note")) == set(range(1, 21)), 90, "the good tasks")
        good = time.monotonic() - began
        wait_until(lambda: not Wake.objects.exclude(state=Wake.PARKED).exists(), 120, "the bad ones to be parked")
        parked = time.monotonic() - began
        output = server.output()
    tell(f"20 good tasks among poison: {good:.1f} s; poison parked after {parked:.1f} s", full=full)
    errors = {ask.path.removeprefix(f"{HERE}."): ask.error for ask in Wake.objects.all()}
    assert errors.pop("eats_memory") in {"MemoryError", "worker died"}, "on a busy machine its time is up first"
    assert errors == {"dies": "worker died", "never_ends": "worker died", "fails": "ValueError"}
    assert {ask.attempts for ask in Wake.objects.all()} == {attempts}
    for name in poison:
        assert 1 <= len(ran(name)) <= attempts, f"{name} was tried {attempts} times and no more"
    assert len(ran("returns_much")) >= 1
    assert "ana.torres" not in output, "what a task failed with may be about a person"
    assert "ana.torres" not in json.dumps(list(Success.objects.values_list("name", flat=True)))


# --- L20


def test_a_bad_schedule_harms_only_itself(tmp_path: Path) -> None:
    """L20: a sweep that always fails, and rows in django-q2's table that are malformed or dangerous."""
    past = timezone.now() - timezone.timedelta(days=1)
    Schedule.objects.create(func="os.mkdir", args="][ not python", schedule_type=Schedule.MINUTES, next_run=past)
    Schedule.objects.create(func="os.mkdir", args=f"'{tmp_path}/pwned'", schedule_type=Schedule.MINUTES, next_run=past)
    with processes.workers(**BAD, **QUICK), processes.keeper(**BAD, **QUICK):
        wait_until(lambda: len(ran("bad")) >= 2 and sung(), 60, "the bad sweep to fail twice")
        before = Counter({name: len(ran(name)) for name in ("good 1", "good 2")})
        for name, count in before.items():
            wait_until(lambda name=name, count=count: len(ran(name)) >= count + 10, 60, f"{name} to go on")
        assert ran("patient"), "and so does the third"
        assert len(ran("bad")) < len(ran("good 1")) / 2, "it is given more and more time"
    assert not (tmp_path / "pwned").exists()
    assert not OrmQ.objects.exclude(key__startswith="canary").exists()


# --- a database that went away


def test_every_process_gets_over_a_database_that_dropped_all_connections(full: bool) -> None:
    """As a restart or failover of PostgreSQL does: work asked before and after is done within seconds."""
    with processes.serve("--no-demo", seconds=90, **BAD, **QUICK) as server:
        wait_until(lambda: whole(server), 60, "everything to be there")
        before = {kind: kinds(server)[kind] for kind in SIGNS}
        for round_ in range(1, 21 if full else 3):
            began = time.monotonic()
            jobs.wake(f"{HERE}.note", round_)
            ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid()")  # fmt: skip
            wait_until(lambda round_=round_: round_ in ran("note"), 60, "work asked before")
            wait_until(lambda: server.ready() and whole(server), 60, "the house to be well again")
            tell(f"all connections dropped: well again after {time.monotonic() - began:.1f} s", full=full)
        assert {kind: kinds(server)[kind] for kind in SIGNS} == before, "nobody had to be started anew"
