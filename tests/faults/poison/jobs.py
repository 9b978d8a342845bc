"""Flows and sweeps for the fault tests. What ran is written to the table `fault_ran`, which the test makes."""

import os
import signal
from datetime import datetime

from django.db import connection

from crm.jobs import every, wakeable

HERE = "tests.faults.poison.jobs"


def ran(what: str, subject: int = 0) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO fault_ran (what, subject, pid) VALUES (%s, %s, %s)", [what, subject, os.getpid()])


@wakeable
def note(subject: int) -> None:
    ran("note", subject)


@wakeable
def dies(subject: int) -> None:
    """As a worker does that the kernel kills for its memory."""
    ran("dies", subject)
    os.kill(os.getpid(), signal.SIGKILL)


@wakeable
def never_ends(subject: int) -> None:
    ran("never_ends", subject)
    while True:
        pass


@wakeable
def fails(subject: int) -> None:
    ran("fails", subject)
    raise ValueError("ana.torres@example.org is the secret canary")


@wakeable
def eats_memory(subject: int) -> None:
    ran("eats_memory", subject)
    eaten = [b"x" * (64 << 20) for _ in range(1000)]
    raise AssertionError(f"no limit: {len(eaten)}")


@wakeable
def returns_much(subject: int) -> bytes:
    ran("returns_much", subject)
    return b"x" * (subject << 20)


@every(0.2, name="bad")
def a_bad_sweep(now: datetime) -> int:
    ran("bad")
    raise RuntimeError("this sweep never works")


@every(0.2, name="good 1")
def a_good_sweep(now: datetime) -> int:
    ran("good 1")
    return 0


@every(0.2, name="good 2")
def another_good_sweep(now: datetime) -> int:
    ran("good 2")
    return 0


@every(30, name="patient")
def a_patient_sweep(now: datetime) -> int:
    ran("patient")
    return 0
