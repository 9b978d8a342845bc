"""What the benchmarks of the live layer share: a database of their own, servers, the process with the sockets, figures."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from websockets.sync.client import ClientConnection, connect

from tests import processes
from tests.processes import Running, free_port


@contextmanager
def database(name: str) -> Iterator[None]:
    """A fresh database on the configured server for the length of the `with`, dropped afterwards."""
    if not settings.configured:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    django.setup()
    from django.db import connection, connections

    if "EMBEDDED" in connection.settings_dict:  # the application's own role may not make databases
        connection.settings_dict |= {"USER": "postgres", "OWNER": {}}
    before = connection.settings_dict["NAME"]
    connection.settings_dict.setdefault("TEST", {})["NAME"] = f"bench_{name}"
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connections.close_all()
        time.sleep(1)  # the waker gives its connection back
        connection.creation.destroy_test_db(before, verbosity=0)


@contextmanager
def copied(template: str, name: str) -> Iterator[None]:
    """A copy of a database nobody is connected to, for the length of the `with`."""
    from django.db import connection, connections

    name, before = f"bench_{name}", connection.settings_dict["NAME"]
    connections.close_all()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connections.close_all()
        time.sleep(1)  # the waker gives its connection back
        connection.creation.destroy_test_db(before, verbosity=0)


def spoken_to(module: str, **env: str) -> "subprocess.Popen[str]":
    """A process of the benchmark's own that takes orders on stdin and answers on stdout, with this database."""
    return subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=processes.ROOT,
        env=processes.environment(**env),
    )


class Sockets:
    """The process that holds the sockets."""

    def __init__(self) -> None:
        argv = [sys.executable, "-m", "benchmarks.sockets"]
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=processes.ROOT
        )

    def do(self, what: str, **arguments: Any) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)


@dataclass
class Floor:
    """A server of benchmarks.floors and the line that orders events from it."""

    name: str
    running: Running
    control: ClientConnection

    def send(self, case: int, version: int, size: int, repeat: int = 1) -> float:
        """Order events; the moment it was said."""
        now = time.monotonic()
        self.control.send(json.dumps({"case": case, "version": version, "size": size, "repeat": repeat}))
        return now


@dataclass
class Stage:
    """Everything that runs."""

    sockets: Sockets
    stack: ExitStack
    floors: dict[str, Floor] = field(default_factory=dict)

    def floor(self, name: str) -> Floor:
        """Start one; its sockets go to `/`."""
        port = free_port()
        argv = [sys.executable, "-m", "benchmarks.floor_picows", str(port)]
        if name != "picows":
            app = [
                "uvicorn",
                f"benchmarks.floors:{name}",
                "--port",
                str(port),
                "--lifespan",
                "off",
                "--log-level",
                "error",
            ]
            argv = [sys.executable, "-m", *app, *_SAME]
        running = self.stack.enter_context(processes.started(argv, port=port))
        control = self.stack.enter_context(_control(port))
        self.floors[name] = Floor(name, running, control)
        return self.floors[name]

    def server(self) -> Running:
        """The product's web process."""
        return self.stack.enter_context(processes.web(SECRET_KEY=settings.SECRET_KEY, LOG_LEVEL="ERROR"))


_SAME = ["--ws", "websockets-sansio", "--ws-per-message-deflate", "false"]


def _control(port: int) -> ClientConnection:
    deadline = time.monotonic() + 15
    while True:
        try:
            return connect(f"ws://127.0.0.1:{port}/control", ping_interval=None)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@contextmanager
def opened(name: str) -> Iterator[Stage]:
    with database(name), ExitStack() as stack:
        sockets = Sockets()
        stack.callback(sockets.close)
        yield Stage(sockets, stack)


def resident(pid: int) -> int:
    """Bytes of memory a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def cpu(pid: int) -> float:
    """Seconds that a process has used."""
    with open(f"/proc/{pid}/stat") as stat:
        told = stat.read().rsplit(")", 1)[1].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def spread(values: Sequence[float], digits: int = 1) -> dict[str, float]:
    """Median, least and most of the repeats."""
    return {
        "median": round(statistics.median(values), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
    }


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
