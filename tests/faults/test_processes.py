"""Processes and background work under kills: L14, L18, L19, L20, L54, and two `serve` on one database (K9)."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Success

from crm import jobs
from crm.models import Heartbeat, Wake
from tests import processes
from tests.faults.client import Crowd
from tests.faults.desk import open_desk
from tests.faults.poison.jobs import HERE
from tests.processes import Running, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
BAD = {"DJANGO_SETTINGS_MODULE": "tests.faults.settings"}
QUICK = {"CANARY_SECONDS": "0.5", "WATCHDOG_SECONDS": "5"}


@pytest.fixture(autouse=True)
def ledger(transactional_db: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE fault_ran (what text, subject bigint, pid int, at timestamptz DEFAULT clock_timestamp())"
        )
        cursor.execute("CREATE TABLE fault_meant (subject bigint)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE fault_ran, fault_meant")


def ran(what: str) -> list[int]:
    return ask("SELECT subject FROM fault_ran WHERE what = %s", what)


def ask(sql: str, *values: object) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [row[0] for row in cursor.fetchall()]


def sung(within: float = 1.5, name: str = "worker:") -> bool:
    """Whether a canary sang, or a keeper spoke, within the last so many seconds."""
    return min(Heartbeat.ages(name).values(), default=99) < within


# --- a real worker group


def test_two_hundred_tasks_go_through_a_real_worker_group(full: bool) -> None:
    with processes.workers(**BAD):
        for number in range(1, 201):
            jobs.wake(f"{HERE}.note", number)
        wait_until(lambda: len(set(ran("note"))) == 200, 60, "200 tasks to run")
        wait_until(lambda: not Wake.objects.exists(), 10, "every ask to be done with")
    assert sorted(ran("note")) == list(range(1, 201)), "each ran once"
    assert not Success.objects.exists(), "no arguments or results are kept"


def test_a_worker_group_ends_quickly_when_told_and_leaves_nobody_behind() -> None:
    with processes.workers(**QUICK) as group:
        wait_until(sung, 20, "the first canary")
        below = group.descendants()
        assert len(below) >= 4, below
        group.stop(8)
        wait_until(lambda: not any(map(processes.running, below)), 3, "its processes to be gone")


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


@pytest.mark.xfail(
    strict=False,
    reason="OPEN: twice not everything committed had run when the wait ended; the cause is not found yet",
)
def test_no_task_of_a_rolled_back_change_runs_and_none_of_a_committed_one_is_lost(full: bool) -> None:
    """L14: writers are killed at any point of their transactions while a busy worker is killed too."""
    chance = random.Random(14)
    env = processes.environment(**BAD)
    # Killed workers' leases end and their asks are found again within seconds.
    hasty = {**QUICK, "TASK_SECONDS": "1", "TASK_ATTEMPTS": "50"}
    with processes.workers(**BAD, **hasty) as group, processes.keeper(**BAD, **hasty):
        wait_until(sung, 20, "the first canary")
        for round_ in range(20 if full else 3):
            writer = subprocess.Popen(
                [sys.executable, "-c", WRITER, str(1 + round_ * 100_000)], env=env, cwd=processes.ROOT
            )
            until = time.monotonic() + 15
            while not ask("SELECT 1 FROM fault_meant WHERE subject > %s LIMIT 1", round_ * 100_000):
                assert time.monotonic() < until
            time.sleep(chance.uniform(0.05, 0.4))
            if busy := ask("SELECT pid FROM fault_ran ORDER BY at DESC LIMIT 1"):
                kill_below(group, busy[0])
            writer.kill()
            writer.wait()
        meant = set(ask("SELECT subject FROM fault_meant"))
        wait_until(lambda: set(ran("note")) >= meant, 60 if full else 30, "everything committed to run")
    assert len(meant) > 20
    assert set(ran("note")) == meant, "nothing rolled back ran"


def kill_below(group: Running, pid: int) -> None:
    if pid in group.descendants():
        os.kill(pid, signal.SIGKILL)


# --- L18


def kinds(server: Running) -> dict[str, int]:
    """Each kind of process under a `serve`, by its pid: web, keeper, head, sentinel, workers, pusher, monitor."""
    heads = processes.children(server.pid)
    found = {kind: pid for pid, line in heads.items() for kind, sign in SIGNS.items() if sign in line}
    if "head" in found:
        sentinels = list(processes.children(found["head"]))
        found |= {"sentinel": sentinels[0]} if sentinels else {}
        # django-q2 forks its workers first, then monitor and pusher.
        below = sorted(processes.children(sentinels[0])) if sentinels else []
        found |= dict(zip(["idle worker", "worker 2", "monitor", "pusher"], below, strict=False))
    return found


SIGNS = {"web": "uvicorn", "keeper": "manage.py keeper", "head": "manage.py work"}
EVERY_KIND = ["web", "keeper", "head", "sentinel", "idle worker", "monitor", "pusher"]


def healed(server: Running, kind: str, pid: int) -> bool:
    """A web process or keeper has a successor; for anything in the worker group a task must go all the way through."""
    if kind in {"web", "keeper"} and kinds(server).get(kind, pid) == pid:
        return False
    if processes.running(pid) and kind not in {"web", "keeper"}:
        return False
    return server.ready() and sung(20) and sung(6, "keeper:")


def heals_from(server: Running, kind: str, number: int, seconds: float) -> float:
    pid = kinds(server)[kind]
    began = time.monotonic()
    os.kill(pid, number)
    if number == signal.SIGKILL:
        wait_until(lambda: not processes.running(pid), 3, "it to die")
        Heartbeat.objects.filter(name__startswith=KIND_BEATS.get(kind, "worker:")).delete()
    else:
        wait_until(lambda: not processes.running(pid), seconds, f"the hung {kind} to be killed")
    wait_until(lambda: healed(server, kind, pid), seconds, f"{kind} to heal")
    return time.monotonic() - began


KIND_BEATS = {"keeper": "keeper:", "web": "none:"}


def test_killing_any_one_process_heals_without_a_human(full: bool) -> None:
    """L18. The full size uses the product's own intervals and kills each kind five times."""
    with processes.serve("--no-demo", **({} if full else QUICK)) as server:
        wait_until(lambda: set(EVERY_KIND) <= set(kinds(server)) and sung(16), 20, "everything to be there")
        for kind in 5 * EVERY_KIND if full else ["web", "keeper", "idle worker"]:
            took = heals_from(server, kind, signal.SIGKILL, 90 if full else 30)
            print(f"{kind} killed: healed after {took:.1f} s")


def test_a_hung_process_is_killed_and_replaced(full: bool) -> None:
    """Stopped in the middle, it is neither dead nor alive; the pulse tells."""
    with processes.serve("--no-demo", **({} if full else QUICK)) as server:
        wait_until(lambda: set(EVERY_KIND) <= set(kinds(server)), 20, "everything to be there")
        for kind in ["web", "keeper", "head"] if full else ["web"]:
            took = heals_from(server, kind, signal.SIGSTOP, 90 if full else 30)
            print(f"{kind} hung: healed after {took:.1f} s")


def test_the_children_of_a_killed_serve_follow_it(full: bool) -> None:
    with processes.serve("--no-demo", **QUICK) as server:
        wait_until(lambda: set(EVERY_KIND) <= set(kinds(server)), 20, "everything to be there")
        below = server.descendants()
        server.kill()
        wait_until(lambda: not any(map(processes.running, below)), 10, "its children to be gone")


# --- L19


def test_a_poison_task_is_parked_and_the_others_go_on(full: bool) -> None:
    """L19: tasks that kill their worker, never end, fail, eat all memory or return a gigabyte."""
    poison = ["dies", "never_ends", "fails", "eats_memory"]
    attempts = 3 if full else 2
    env = {**BAD, **QUICK, "TASK_SECONDS": "1", "TASK_ATTEMPTS": str(attempts), "TASK_MEMORY_MB": "1000"}
    with processes.workers(**env) as group, processes.keeper(**env):
        for name in poison:
            jobs.wake(f"{HERE}.{name}", 7)
        jobs.wake(f"{HERE}.returns_much", 1024 if full else 100)
        for number in range(1, 21):
            jobs.wake(f"{HERE}.note", number)
        wait_until(lambda: set(ran("note")) == set(range(1, 21)), 30, "the good tasks")
        wait_until(
            lambda: Wake.objects.filter(state=Wake.PARKED).count() == len(poison), 60, "the bad ones to be parked"
        )
        output = group.output()
    for name in poison:
        assert len(ran(name)) == attempts, f"{name} was tried exactly {attempts} times"
    assert len(ran("returns_much")) == 1
    errors = {ask.path.removeprefix(f"{HERE}."): ask.error for ask in Wake.objects.all()}
    assert errors.pop("eats_memory") in {"MemoryError", "worker died"}, "on a busy machine its time is up first"
    assert errors == {"dies": "worker died", "never_ends": "worker died", "fails": "ValueError"}
    assert "ana.torres" not in output, "what a task failed with may be about a person"
    assert "ana.torres" not in json.dumps(list(Success.objects.values_list("name", flat=True)))


# --- L20


def test_a_bad_schedule_harms_only_itself(tmp_path: Path) -> None:
    """L20: a sweep that always fails, and rows in django-q2's table that are malformed or dangerous."""
    past = timezone.now() - timezone.timedelta(days=1)
    Schedule.objects.create(func="os.mkdir", args="][ not python", schedule_type=Schedule.MINUTES, next_run=past)
    Schedule.objects.create(func="os.mkdir", args=f"'{tmp_path}/pwned'", schedule_type=Schedule.MINUTES, next_run=past)
    with processes.workers(**BAD, **QUICK), processes.keeper(**BAD, **QUICK):
        wait_until(lambda: len(ran("bad")) >= 2 and sung(), 20, "the bad sweep to fail twice")
        before = Counter({name: len(ran(name)) for name in ("good 1", "good 2")})
        time.sleep(2)
        for name, count in before.items():
            assert len(ran(name)) >= count + 3, f"{name} goes on"
        assert ran("patient"), "and so does the third"
        assert len(ran("bad")) < len(ran("good 1")) / 2, "it is given more and more time"
    assert not (tmp_path / "pwned").exists()
    assert not OrmQ.objects.exclude(key__startswith="canary").exists()


# --- L54, K9


def test_connections_stay_few_under_serve_with_sockets_and_requests(full: bool) -> None:
    """L54: fewer than 40 connections with 200 sockets and 50 requests at once; none left over afterwards."""
    desk = open_desk()
    with processes.serve("--no-demo", **QUICK) as server:
        wait_until(sung, 20, "the workers")
        resting = len(connections_of("forefront"))
        crowd = Crowd(desk.clients(200 if full else 40, lambda: server.port))
        seen = []
        with crowd, ThreadPoolExecutor(50 if full else 20) as pool, httpx.Client(timeout=30) as client:
            wait_until(crowd.all_live, 30, "all sockets")
            asked = [pool.submit(client.get, f"{server.url}/health/ready") for _ in range(500 if full else 60)]
            while not all(one.done() for one in asked):
                seen.append(len(connections_of("forefront")))
                time.sleep(0.1)
        assert {one.result().status_code for one in asked} == {200}
        assert max(seen) < 40, f"as many as {max(seen)} connections"
        wait_until(lambda: len(connections_of("forefront")) <= resting + 11, 20, "only the pool to be left")


def connections_of(name: str) -> list[int]:
    sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND starts_with(application_name, %s)"
    return ask(sql, name)


def test_every_process_gets_over_a_database_that_dropped_all_connections(full: bool) -> None:
    """As a restart or failover of PostgreSQL does: work asked before and after is done within seconds."""
    with processes.serve("--no-demo", **BAD, **QUICK) as server:
        wait_until(sung, 20, "the workers")
        before = server.descendants()
        for round_ in range(1, 6 if full else 3):
            jobs.wake(f"{HERE}.note", round_)
            ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid()")  # fmt: skip
            wait_until(lambda round_=round_: round_ in ran("note"), 20, "work asked before")
            wait_until(lambda: server.ready() and sung(), 10, "the house to be well again")
        survivors = set(kinds(server).values()) & set(before)
        assert {kinds(server)[kind] for kind in SIGNS} <= survivors, "nobody had to be started anew"


def test_two_serve_on_one_database_and_one_may_die() -> None:
    """K9: both are ready; when one is killed the other goes on, and what was asked meanwhile is done."""
    with (
        processes.serve("--no-demo", **BAD, **QUICK) as first,
        processes.serve("--no-demo", **BAD, **QUICK) as second,
    ):
        assert first.ready()
        assert second.ready()
        stop = threading.Event()
        asking = threading.Thread(target=ask_for_work, args=(stop,))
        asking.start()
        time.sleep(1)
        first.kill()
        time.sleep(1)
        stop.set()
        asking.join()
        meant = set(ask("SELECT subject FROM fault_meant"))
        assert meant
        wait_until(lambda: set(ran("note")) == meant, 25, "everything asked to be done")
        assert second.ready()


def ask_for_work(stop: threading.Event) -> None:
    subject = 0
    try:
        while not stop.wait(0.02):
            subject += 1
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    jobs.wake(f"{HERE}.note", subject)
                    cursor.execute("INSERT INTO fault_meant VALUES (%s)", [subject])
            except DatabaseError:
                connection.close()
    finally:
        connection.close()
