"""A desk under load for the fault runs: people, cases, writers through the real verbs, servers to hurt, and the verdict."""

import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from django.conf import settings
from django.db import Error, connection, connections, transaction
from django.test import Client as Browser

from cases import conversation
from cases.models import Case, Queue
from crm.live import position
from crm.models import Event, User
from tests import processes
from tests.builders import make_case, make_queue, make_user
from tests.faults.client import Client, Crowd
from tests.processes import Running, free_port, wait_until


@dataclass
class Desk:
    """A queue with its reps and cases, and where the log stood when it opened."""

    queue: Queue
    reps: list[User]
    cases: list[Case]
    since: str

    def cookie(self, rep: User) -> str:
        browser = Browser()
        browser.force_login(rep)
        return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"

    def clients(self, how_many: int, port: Callable[[], int], *, seed: int = 1) -> list[Client]:
        """Each watches the queue, what is its own, and two of the cases."""
        cookies = [self.cookie(rep) for rep in self.reps]
        made = []
        for n in range(how_many):
            chance = random.Random(seed * 1000 + n)
            mine = [f"case.{case.number}" for case in chance.sample(self.cases, 2)]
            topics = [f"queue.{self.queue.pk}", "me", *mine]
            made.append(Client(port, cookies[n % len(cookies)], topics, cursor=self.since, chance=chance))
        return made


def open_desk(*, reps: int = 3, cases: int = 6) -> Desk:
    people = [make_user(f"Rep{n} Number{n}", username=f"rep{n}") for n in range(reps)]
    queue = make_queue("Live", reps=people)
    return Desk(queue, people, [make_case(queue, f"Case {n}") for n in range(cases)], position())


class Undone(Exception):
    """Raised inside a transaction so that it rolls back."""


@dataclass
class Writers:
    """Threads that change cases at a fixed rate, 5 % of it rolled back. The database may vanish under them."""

    desk: Desk
    rate: float = 40.0
    threads: int = 2
    seed: int = 1
    size: int = 40
    done: threading.Event = field(default_factory=threading.Event)
    committed: dict[tuple[int, int], float] = field(default_factory=dict)  # case number, version → time of commit
    undone: int = 0

    @contextmanager
    def writing(self) -> Iterator["Writers"]:
        threads = [threading.Thread(target=self._write, args=[n]) for n in range(self.threads)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self.done.set()
            for thread in threads:
                thread.join(60)

    def _write(self, n: int) -> None:
        chance = random.Random(self.seed * 100 + n)
        due = time.monotonic()
        while not self.done.is_set():
            due += self.threads / self.rate
            self.done.wait(max(0, due - time.monotonic()))
            try:
                self._change(chance)
            except (Undone, conversation.Refusal):
                self.undone += 1
            except Error:  # the connection was killed; whether it committed, the log knows
                connection.close()
        connections.close_all()

    def _change(self, chance: random.Random) -> None:
        case = Case.objects.get(pk=chance.choice(self.desk.cases).pk)
        rep = chance.choice(self.desk.reps)
        with transaction.atomic():
            _verb(chance, case, rep, self.size)
            if chance.random() < 0.05:
                raise Undone
        self.committed[case.number, case.version] = time.monotonic()


def _verb(chance: random.Random, case: Case, rep: User, size: int) -> None:
    match chance.randrange(4):
        case 0 | 1:
            conversation.add_note(case, by=rep, text=f"{chance.random()} ".ljust(size, "x"))
        case 2:
            case.set_priority(chance.choice(["low", "normal", "high", "urgent"]), by=rep)
        case _:
            case.release(by=rep) if case.assignee_id else case.claim(by=rep)


@dataclass
class Fleet:
    """Web processes on fixed ports, and perhaps a keeper, to be killed and started again."""

    ports: list[int]
    app: str = "crm.asgi:application"
    servers: dict[int, Running] = field(default_factory=dict)
    _open: dict[int, AbstractContextManager[Running]] = field(default_factory=dict)

    def start(self, port: int) -> None:
        argv = [sys.executable, "-m", "uvicorn", self.app, "--port", str(port), *processes.UVICORN]
        self._open[port] = processes.started(argv, port=port, FOREFRONT_PROCESS="web", SECRET_KEY=settings.SECRET_KEY)
        self.servers[port] = self._open[port].__enter__()

    def ready(self) -> None:
        for server in self.servers.values():
            wait_until(lambda s=server: processes._answers(s) or not s.alive, 60, "a server to answer")
            assert server.alive, server.output()

    def restart(self, port: int) -> None:
        self._open.pop(port).__exit__(None, None, None)
        self.start(port)

    def stop(self) -> None:
        for opened in self._open.values():
            opened.__exit__(None, None, None)

    def pick(self, chance: random.Random) -> int:
        return chance.choice(self.ports)


@contextmanager
def fleet(how_many: int = 1, app: str = "crm.asgi:application") -> Iterator[Fleet]:
    made = Fleet([free_port() for _ in range(how_many)], app)
    try:
        for port in made.ports:
            made.start(port)
        made.ready()
        yield made
    finally:
        made.stop()


def settled(crowd: Crowd, seconds: float = 60) -> None:
    """Wait until everything committed is numbered and every client says it is there."""
    wait_until(lambda: not Event.objects.filter(pos=None).exists(), seconds, "every event's number")
    top = int(position().rpartition(":")[2])
    wait_until(lambda: crowd.all_at(top), seconds, f"all clients at {top}: {[c.pos for c in crowd.clients]}")


def verdict(desk: Desk, clients: Sequence[Client]) -> dict[str, int]:
    """Hold what each client applied against the log: nothing lost, nothing made up, in order, once."""
    log: dict[int, dict[int, tuple[str, int | None]]] = {case.number: {} for case in desk.cases}
    numbers = {case.pk: case.number for case in desk.cases}
    for pk, version, kind, data in Event.objects.filter(stream="case").values_list(
        "stream_id", "version", "kind", "data"
    ):
        log[numbers[pk]][version] = (kind, data.get("message"))
    deliveries = 0
    for client in clients:
        for topic in client.topics:
            if topic.startswith("case."):
                number = int(topic[5:])
                assert client.thread[number] == sorted(log[number]), f"{topic}: {client.counts}"
                deliveries += len(log[number])
        heard = client.kinds
        assert heard == {(n, v): log[n][v][0] for n, v in heard}, "a phantom: a kind the log does not know"
        known = {message for n in client.thread for _kind, message in log[n].values() if message}
        assert set(client.messages) == known, "a message lost or made up"
        for case in desk.cases:
            version = max(log[case.number], default=0)
            assert client.states.get((f"queue.{desk.queue.pk}", case.number, "row"), 0) == version
        assert client.reasons == [], "a resync where continuity could be proven"
    # Whoever was cut off is noticed to be away when it pleases the server: such an event may wait for its number.
    positions = list(Event.objects.exclude(pos=None).order_by("pos").values_list("pos", flat=True))
    assert positions == list(range(1, len(positions) + 1))
    return {"events": len(positions), "deliveries": deliveries}


def lags(writers: Writers, clients: Sequence[Client], since: float = 0.0) -> list[float]:
    """Seconds from commit to each client's applying it, of commits after `since`, sorted."""
    return sorted(
        client.arrived[key] - at
        for client in clients
        for key, at in list(writers.committed.items())  # they may be writing still
        if at >= since and key in client.arrived and key in client.kinds
    )


def percentile(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")
