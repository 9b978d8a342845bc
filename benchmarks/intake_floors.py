"""What taking in is held against: the same bytes as bare INSERTs, the same mails read without a database."""

import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psycopg

from benchmarks import data
from benchmarks.letters import letter
from benchmarks.stage import spoken_to, spread
from tests import processes

TABLE = """
CREATE TABLE bench_raw (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE,
    raw bytea NOT NULL, at timestamptz NOT NULL DEFAULT now())
"""
INSERT = "INSERT INTO bench_raw (name, raw) VALUES (gen_random_uuid()::text, %s)"
WRITERS = 8
WRITES = 200  # a repeat, in each way
READS = 60


@dataclass
class Floors:
    """Open connections, and processes that own a nursery each."""

    lines: list["psycopg.Connection[Any]"]
    owners: list["subprocess.Popen[str]"]
    letters: list[bytes]

    def written(self, what: Sequence[bytes], writers: int) -> tuple[float, list[float]]:
        """INSERTs and commits a second, and the milliseconds of each."""

        def write(k: int) -> list[float]:
            return [_written(self.lines[k], what[n % len(what)]) for n in range(k, WRITES, writers)]

        began = time.perf_counter()
        with ThreadPoolExecutor(writers) as pool:
            took = [ms for share in pool.map(write, range(writers)) for ms in share]
        return WRITES / (time.perf_counter() - began), took

    def read(self) -> float:
        """Mails a second, read in this process."""
        from cases.mail import reading

        began = time.process_time()
        for n in range(READS):
            reading.read(self.letters[n % len(self.letters)])
        return READS / (time.process_time() - began)

    def read_in_children(self, owners: int, each: int = 2 * READS) -> float:
        """Mails a second of so many owners together."""
        began = time.perf_counter()
        for owner in self.owners[:owners]:
            _order(owner, each)
        for owner in self.owners[:owners]:
            assert owner.stdout
            assert owner.stdout.readline(), "An owner of children ended."
        return owners * each / (time.perf_counter() - began)


def opened(stack: ExitStack) -> Floors:
    data.sql(TABLE)
    url = processes.database_url()
    lines = [stack.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(WRITERS)]
    owners = [
        stack.enter_context(spoken_to("benchmarks.floor_children", DJANGO_SETTINGS_MODULE="crm.settings"))
        for _ in range(2)
    ]
    for owner in owners:
        stack.callback(owner.terminate)
    floors = Floors(lines, owners, [letter(n) for n in range(10**6, 10**6 + 20)])
    floors.read_in_children(2)
    return floors


def measured(floors: Floors, found: dict[str, list[Any]], owners: int, door: Sequence[str]) -> None:
    """One repeat of each; reading in children with as many owners as there are keepers."""
    found[f"children_{owners}"].append(floors.read_in_children(owners))
    found["write_1"].append(floors.written(floors.letters, 1)[0])
    if owners > 1:
        return
    found["write_8"].append(floors.written(floors.letters, WRITERS)[0])
    documents = [one.encode() for one in door]
    found["door_floor"].append(floors.written(documents, 1)[1])
    found["door_floor_rate"].append(floors.written(documents, WRITERS)[0])
    found["read"].append(floors.read())


def _order(owner: "subprocess.Popen[str]", many: int) -> None:
    assert owner.stdin
    owner.stdin.write(f"{many}\n")
    owner.stdin.flush()


def _written(line: "psycopg.Connection[Any]", what: bytes) -> float:
    began = time.perf_counter()
    line.execute(INSERT, [what])
    return (time.perf_counter() - began) * 1000


def figures(found: dict[str, list[Any]]) -> list[dict[str, Any]]:
    told = {
        "write_1": "INSERT and commit of a mail's bytes, 1 connection",
        "write_8": f"INSERT and commit of a mail's bytes, {WRITERS} connections",
        "read": "reading alone, in one process, by its CPU",
    }
    return [{"metric": what, "unit": "mails/s", "floor": spread(found[kind])} for kind, what in told.items()]
