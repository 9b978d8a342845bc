"""A database that comes back from the past (L5, K7): every client is told, and killed at any moment it is what it was or whole."""

import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, connections

from crm.backup import content
from crm.backup.making import make
from crm.backup.tools import parameters
from crm.files import save_bytes
from crm.models import Installation
from tests import processes
from tests.faults.client import Client, Crowd
from tests.faults.desk import Desk, Writers, fleet, open_desk, settled
from tests.faults.figures import tell
from tests.processes import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


class Returning(Client):
    """A console that fetches afresh when it is told to: what it knew of another past goes, and it follows from there."""

    async def _resync(self, socket: Any, resync: dict[str, Any], said: dict[str, Any]) -> None:
        await super()._resync(socket, resync, said)
        self.states.clear()
        self.thread.clear()

    def _apply(self, event: dict[str, Any], now: float) -> bool:
        self.states.setdefault((event["topic"], event["case"], event["part"]), event["version"] - 1)
        return super()._apply(event, now)


def managed(*arguments: str, seconds: float = 180) -> str:
    """Run a command to its end; what it said."""
    with processes.manage(*arguments) as command:
        wait_until(lambda: not command.alive, seconds, f"manage.py {arguments[0]} to end")
        assert command.process.returncode == 0, command.output()
        return command.output()


def consoles(desk: Desk, how_many: int, port: int) -> list[Client]:
    made = desk.clients(how_many, lambda: port)
    return [Returning(c.port, c.cookie, c.topics, cursor=c.cursor, chance=c.chance) for c in made]


def test_consoles_that_were_open_across_a_restore_are_told_and_go_on(full: bool, tmp_path: Path) -> None:
    """Again and again: back to the same past, each time as another life. Nobody is left looking at what never was."""
    desk, path = open_desk(), tmp_path / "a.backup"
    rounds, how_many, seconds = (5, 60, 5.0) if full else (1, 6, 0.5)
    told = 0
    with fleet() as running:
        crowd = Crowd(consoles(desk, how_many, running.ports[0]))
        with crowd:
            wait_until(crowd.all_live, 60, "all consoles live")
            managed("backup", str(path))  # while everybody works
            for nth in range(1, rounds + 1):
                written(desk, seconds)
                settled(crowd)
                epoch = Installation.objects.get().epoch
                running.stop()
                connections.close_all()
                managed("restore", "--replace", "--yes", str(path))
                assert Installation.objects.get().epoch != epoch
                running.start(running.ports[0])
                running.ready()
                wait_until(
                    lambda n=nth: all(c.reasons.count("epoch") >= n for c in crowd.clients), 60, "all to be told"
                )
                before = [client.counts["events"] for client in crowd.clients]
                written(desk, seconds)
                settled(crowd)
                assert all(c.counts["events"] > n for c, n in zip(crowd.clients, before, strict=True))
                told += how_many
    assert {reason for client in crowd.clients for reason in client.reasons} == {"epoch"}
    tell(f"restored {rounds} times under {how_many} consoles: {told} told to fetch afresh, 0 left behind", full=full)


def written(desk: Desk, seconds: float) -> None:
    """A while of ordinary work."""
    with Writers(desk, rate=20).writing() as writers:
        wait_until(lambda: len(writers.committed) > 3, 60, "some changes")
        time.sleep(seconds)


def test_a_database_restored_behind_a_server_s_back_is_noticed_too(full: bool, tmp_path: Path) -> None:
    """Whoever uses PostgreSQL's own tools need only renew the epoch."""
    desk = open_desk()
    with fleet() as running, Crowd(consoles(desk, 30 if full else 4, running.ports[0])) as crowd:
        wait_until(crowd.all_live, 60, "all consoles live")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE crm_installation SET epoch = gen_random_uuid()")
        wait_until(lambda: all("epoch" in c.reasons for c in crowd.clients), 60, "all to be told")
        written(desk, 0.5)
        settled(crowd)


def held() -> dict[str, list[Any]]:
    with psycopg.connect(**parameters()) as conn:
        return {name: sums for name, sums in content.measure(conn).items() if name != "crm_installation"}


def test_a_restore_killed_at_any_moment_leaves_what_was_or_brings_all(full: bool, tmp_path: Path) -> None:
    desk, chance = open_desk(), random.Random(7)
    for _n in range(20 if full else 4):
        save_bytes(chance.randbytes(1_000_000))
    past, path = held(), make(tmp_path / "a.backup").path
    written(desk, 0.2)
    save_bytes(b"of the present")
    wait_until(lambda: quiet(), 30, "the last connection to be given back")
    present = held()
    outcomes = {"was": 0, "all": 0}
    for nth in range(20 if full else 3):
        connections.close_all()
        killed(chance, path, part=nth / (20 if full else 3))
        wait_until(quiet, 60, "PostgreSQL to notice")
        found = held()
        assert found in (past, present)
        outcomes["all" if found == past else "was"] += 1
    tell(
        f"restore killed -9 {sum(outcomes.values())} times: {outcomes['was']} as it was, {outcomes['all']} whole",
        full=full,
    )
    assert outcomes["was"]


def killed(chance: random.Random, path: Path, *, part: float) -> None:
    """kill -9 of the command after a part of its work: from before psql begins to after it has committed."""
    argv = [sys.executable, "manage.py", "restore", "--replace", "--yes", str(path)]
    with processes.started(argv) as restore:
        wait_until(lambda: not restore.alive or "psql" in str(restore.descendants()), 120, "psql to begin")
        time.sleep(part * 2 + chance.random() * 0.2)
        if restore.alive:
            os.kill(restore.pid, signal.SIGKILL)
            restore.process.wait(10)


def quiet() -> bool:
    """Nobody but us is connected."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return cursor.fetchone()[0] == 0


def test_the_embedded_server_with_its_two_roles(tmp_path: Path) -> None:
    """As root or not: from one data folder into a fresh one, and over itself."""
    tmp_path.chmod(0o755)
    path, first, second = tmp_path / "a.backup", tmp_path / "first", tmp_path / "second"
    key = {"DATABASE_URL": "", "SECRET_KEY": "k" * 60, "DJANGO_SETTINGS_MODULE": "crm.settings"}
    ended("migrate", "--verbosity=0", VAR=first, **key)
    ended("shell", "-c", "from crm.models import User; User.objects.create_user('zoe', password='x')", VAR=first, **key)
    assert "read back and whole" in ended("backup", str(path), VAR=first, **key)
    assert "every table as it was saved" in ended("restore", str(path), VAR=second, **key)
    assert "not empty" in ended("restore", str(path), VAR=second, fails=True, **key)
    assert "every table as it was saved" in ended("restore", "--replace", "--yes", str(path), VAR=second, **key)
    asked = "from crm.models import *; print(User.objects.get().username, Installation.objects.count())"
    assert "zoe 1" in ended("shell", "-v0", "-c", asked, VAR=second, **key)
    rewrites = "from crm.models import Event; Event.objects.update(kind='x')"
    assert "permission denied" in ended("shell", "-v0", "-c", rewrites, VAR=second, fails=True, **key)


def ended(*arguments: str, VAR: Path, fails: bool = False, **env: str) -> str:
    with processes.manage(*arguments, VAR=str(VAR), **env) as command:
        wait_until(lambda: not command.alive, 300, f"manage.py {arguments[0]} to end")
        assert (command.process.returncode != 0) is fails, command.output()
        return command.output()
