"""What ran, and what was meant to: two tables the tasks of tests.faults.poison write to. And whom to ask about it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from crm.models import Heartbeat
from tests import processes
from tests.processes import Running

BAD = {"DJANGO_SETTINGS_MODULE": "tests.faults.settings"}
# A hung process is noticed after 5 s, not 20, and canaries sing more often: a machine under load still keeps up.
QUICK = {"CANARY_SECONDS": "0.5", "WATCHDOG_SECONDS": "15"}
SIGNS = {"web": "uvicorn", "keeper": "manage.py keeper", "head": "manage.py work"}
WORDS = {"both idle workers": "ready for work at", "monitor": "monitoring at", "pusher": "pushing tasks at"}
EVERY_KIND = ["web", "keeper", "head", "sentinel", "idle worker", "both idle workers", "monitor", "pusher"]


@contextmanager
def kept() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS fault_ran, fault_meant")  # of a test that was killed
        cursor.execute(
            "CREATE TABLE fault_ran (what text, subject bigint, pid int, at timestamptz DEFAULT clock_timestamp())"
        )
        cursor.execute("CREATE TABLE fault_meant (subject bigint)")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE fault_ran, fault_meant")


def ran(what: str) -> list[int]:
    return ask("SELECT subject FROM fault_ran WHERE what = %s", what)


def ask(sql: str, *values: object) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [row[0] for row in cursor.fetchall()]


def sung(within: float = 12, name: str = "worker:") -> bool:
    """Whether a canary sang, or a keeper spoke, within the last so many seconds."""
    return min(Heartbeat.ages(name).values(), default=99) < within


def kinds(server: Running) -> dict[str, list[int]]:
    """Each kind of process under a `serve`, by its pids."""
    heads = processes.children(server.pid)
    found = {kind: [pid] for pid, line in heads.items() for kind, sign in SIGNS.items() if sign in line}
    return found | (below(found["head"][0], server.output()) if "head" in found else {})


def below(head: int, said: str) -> dict[str, list[int]]:
    """The processes of a worker group; which is which, each has said when it began."""
    sentinels = list(processes.children(head))
    pids = processes.children(sentinels[0]) if sentinels else {}
    found = {kind: [pid for pid in pids if f"{words} {pid}\n" in said] for kind, words in WORDS.items()}
    found |= {"sentinel": sentinels, "idle worker": found["both idle workers"][:1]}
    return {kind: pids for kind, pids in found.items() if len(pids) == (2 if kind.startswith("both") else 1)}


def whole(server: Running) -> bool:
    """Nobody is missing, and a task goes through."""
    return set(EVERY_KIND) <= set(kinds(server)) and sung()
