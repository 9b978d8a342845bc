"""Processes under kills: any one heals (L18), connections stay few (L54), two `serve` on one database (K9)."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.db import DatabaseError, connection, transaction

from crm import jobs
from tests import processes
from tests.faults.client import Crowd
from tests.faults.desk import open_desk
from tests.faults.figures import tell
from tests.faults.ledger import BAD, EVERY_KIND, QUICK, ask, kept, kinds, ran, sung, whole
from tests.faults.poison.jobs import HERE
from tests.processes import Running, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def ledger(transactional_db: None) -> Iterator[None]:
    with kept():
        yield


def test_a_worker_group_ends_quickly_when_told_and_leaves_nobody_behind() -> None:
    with processes.workers(**QUICK) as group:
        wait_until(sung, 60, "the first canary")
        below = group.descendants()
        assert len(below) >= 4, below
        group.stop(30)
        wait_until(lambda: not any(map(processes.running, below)), 10, "its processes to be gone")


# --- L18


def healed(server: Running, gone: list[int], subject: int, since: float) -> bool:
    """Nobody is missing, none of the killed is left, and a task asked after the kill went all the way through."""
    passed = time.monotonic() - since
    if not set(EVERY_KIND) <= set(there := kinds(server)) or {pid for pids in there.values() for pid in pids} & {*gone}:
        return False
    return subject in ran("note") and server.ready() and sung(passed) and sung(passed, "keeper:")


def heals_from(server: Running, kind: str, number: int, subject: int) -> float:
    """Seconds from the signal to health; a failure after 90, the promise."""
    gone = kinds(server)[kind]
    began = time.monotonic()
    for pid in gone:
        os.kill(pid, number)
    jobs.wake(f"{HERE}.note", subject)
    wait_until(lambda: healed(server, gone, subject, began), 90, f"{kind} to heal: {server.output()[-2000:]}")
    return time.monotonic() - began


def hurt(kind_list: list[str], number: int, *, full: bool) -> None:
    """The full size uses the product's own intervals."""
    with processes.serve("--no-demo", seconds=90, **BAD, **({} if full else QUICK)) as server:
        for subject, kind in enumerate(kind_list, 1):
            wait_until(lambda: whole(server), 60, f"everything to be there: {server.output()[-2000:]}")
            took = heals_from(server, kind, number, subject)
            tell(f"{kind}, {signal.Signals(number).name}: healed after {took:.1f} s", full=full)


def test_killing_any_one_process_heals_without_a_human(full: bool) -> None:
    """L18: each kind of process five times at full size."""
    hurt((5 if full else 1) * EVERY_KIND, signal.SIGKILL, full=full)


def test_a_hung_process_is_killed_and_replaced(full: bool) -> None:
    """Stopped in the middle, it is neither dead nor alive; pulse, canary and the sentinel's rounds tell."""
    # One stopped worker alone harms nobody: the other does its work.
    can_hang = [kind for kind in EVERY_KIND if kind != "idle worker"]
    hurt(can_hang if full else ["web", "sentinel"], signal.SIGSTOP, full=full)


def test_the_children_of_a_killed_serve_follow_it() -> None:
    with processes.serve("--no-demo", seconds=90, **BAD, **QUICK) as server:
        wait_until(lambda: whole(server), 60, "everything to be there")
        below = server.descendants()
        server.kill()
        wait_until(lambda: not any(map(processes.running, below)), 30, "its children to be gone")


# --- L54, K9


def test_connections_stay_few_under_serve_with_sockets_and_requests(full: bool) -> None:
    """L54: fewer than 40 connections with 200 sockets and 50 requests at once; none left over afterwards."""
    desk = open_desk()
    with processes.serve("--no-demo", seconds=90, **QUICK) as server:
        wait_until(sung, 60, "the workers")
        resting = len(connections_of("forefront"))
        crowd = Crowd(desk.clients(200 if full else 40, lambda: server.port))
        seen = []
        with crowd, ThreadPoolExecutor(50 if full else 20) as pool, httpx.Client(timeout=60) as client:
            wait_until(crowd.all_live, 60, "all sockets")
            asked = [pool.submit(client.get, f"{server.url}/health/ready") for _ in range(500 if full else 60)]
            while not all(one.done() for one in asked):
                seen.append(len(connections_of("forefront")))
                time.sleep(0.1)
        assert {one.result().status_code for one in asked} == {200}
        tell(f"{len(crowd.clients)} sockets, {len(asked)} requests: {max(seen)} connections at most", full=full)
        assert max(seen) < 40, f"as many as {max(seen)} connections"
        wait_until(lambda: len(connections_of("forefront")) <= resting + 11, 20, "only the pool to be left")


def connections_of(name: str) -> list[int]:
    sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND starts_with(application_name, %s)"
    return ask(sql, name)


def test_two_serve_on_one_database_and_one_may_die() -> None:
    """K9: both are ready; when one is killed the other goes on, and what was asked meanwhile is done."""
    with (
        processes.serve("--no-demo", seconds=90, **BAD, **QUICK) as first,
        processes.serve("--no-demo", seconds=90, **BAD, **QUICK) as second,
    ):
        wait_until(lambda: first.ready() and second.ready(), 60, "both to be ready at once")
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
        wait_until(lambda: set(ran("note")) >= meant, 90, "everything asked to be done")
        assert set(ran("note")) == meant
        wait_until(second.ready, 60, "the other to go on")


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
