"""Workload 6: contacts that come in, by the signed door of a channel and as raw mail with an attachment.

Durable both: the door answers when the message is committed; a mail is stored and committed first, then read in a limited
child, put where it belongs and committed as a message by the product's own keeper. When it counts as a message is told by
PostgreSQL itself at that commit (a trigger of the benchmark's database). Beside it, interleaved: the same bytes as bare
INSERTs, and the same mails read without a database.
"""

import json
import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from django.conf import settings
from django.utils import timezone

from benchmarks import data, door, intake_floors
from benchmarks.letters import SENDERS, letter
from benchmarks.queue import quiet
from benchmarks.stage import database, percentile, spread
from tests import processes
from tests.processes import Running, wait_until

NAME = "intake"
# Repeats; mails in one go, and mails one after the other; seconds through the door at its pace, and as fast as it goes.
SIZES = {"small": (5, 80, 30, 4.0, 2.0), "default": (5, 400, 60, 8.0, 4.0), "full": (7, 2_000, 300, 20.0, 10.0)}
PACE = 10.0  # mails a second, where it is asked how long one takes
JOINS = 4  # every so many-th mail answers in its sender's case, by the address we asked for answers at
KEEPERS = (1, 2)  # processes: `serve` starts one; a second machine brings another
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
TOLD = """
CREATE FUNCTION bench_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('bench', NEW.external_id); RETURN NULL; END $$;
CREATE TRIGGER bench_told AFTER UPDATE OF state ON cases_inbounditem FOR EACH ROW
WHEN (NEW.channel = 'mail' AND NEW.state <> 'stored') EXECUTE FUNCTION bench_told();
"""
Found = dict[str, list[Any]]


def run(scale: str = "default") -> dict[str, Any]:
    """Figures of the door in ms and requests a second, of mails in mails a second and ms."""
    repeats, many, paced, seconds, fast = SIZES.get(scale, SIZES["default"])
    with database(NAME), ExitStack() as stack, quiet():
        stage = Stage.opened(stack)
        found: list[Found] = []
        for keepers in KEEPERS:
            stack.enter_context(_keeper(stage))
            stage.warmed_up()
            found.append(defaultdict(list))
            for _ in range(repeats):
                if keepers == 1:
                    _door(stage, found[0], seconds, fast)
                _mail(stage, found[-1], many, paced)
                intake_floors.measured(stage.floors, found[-1], keepers, [stage.door.document(n) for n in range(50)])
        counted = _queries(stage)
        stage.checked()
    did = (
        f"{repeats} interleaved repeats. Door: /api/inbound/ of one web process, signed, answered after the commit, known "
        f"customers, each message a new case, acknowledged; {seconds:.0f} s of {door.RATE}/s (a desk of 50) open loop by "
        f"{door.CLIENTS} clients, then {fast:.0f} s as fast as the {door.CLIENTS} get answers. Mail: {many} of "
        f"{len(letter(0)):,} bytes, text, HTML and PDF, stored by {SENDERS} clients in one go, a "
        f"quarter of them into cases there were; then {paced} at {PACE:g}/s open loop; {stage.sent:,} mails in all, each exactly "
        "one message, none kept. Keeper, sequencer and mail out run beside it; DEBUG off"
    )
    figures = [*door.figures(found[0]), *_figures(found), *counted]
    return {"name": NAME, "did": did, "figures": figures}


@dataclass
class Stage:
    """The processes, who listens, and what was sent."""

    door: door.Door
    floors: intake_floors.Floors
    smtp: int
    told: dict[str, float] = field(default_factory=dict)  # when it was heard that a mail is committed, by its hash
    keepers: list[Running] = field(default_factory=list)
    sent: int = 0
    addresses: list[str] = field(default_factory=list)

    @classmethod
    def opened(cls, stack: ExitStack) -> "Stage":
        from tests.builders import make_queue

        queue = make_queue("Inbox")
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        sink = Controller(Sink(), hostname="127.0.0.1", port=processes.free_port())
        sink.start()
        stack.callback(sink.stop)
        stage = cls(door.opened(stack, queue), intake_floors.opened(stack), sink.port)
        data.sql(TOLD)
        stack.enter_context(_listening(stage.told))
        stage.cases_to_answer_in()
        data.settled()
        return stage

    def warmed_up(self) -> None:
        self.door.warm_up()
        self.in_one_go(80)

    def in_one_go(self, many: int) -> float:
        """Seconds from the first until the last of them is a message."""
        began, told = self._sent(many, lambda _n: 0.0)
        return max(told.values()) - began

    def one_after_the_other(self, many: int) -> list[float]:
        """Milliseconds of each from the moment it was meant to be stored until it is a message."""
        began, told = self._sent(many, lambda n: n / PACE)
        return [(told[n] - began - n / PACE) * 1000 for n in range(many)]

    def _sent(self, many: int, due: Callable[[int], float]) -> tuple[float, dict[int, float]]:
        """When it began, and when the n-th became a message. Eight clients, each with a connection of its own."""
        letters = self._letters(many)
        began = time.monotonic() + 0.1

        def client(k: int) -> list[str]:
            return _stored([(began + due(n), letters[n]) for n in range(k, many, SENDERS)])

        with ThreadPoolExecutor(SENDERS) as pool:
            shares = list(pool.map(client, range(SENDERS)))
        hashes = {k + SENDERS * n: one for k, share in enumerate(shares) for n, one in enumerate(share)}
        wait_until(lambda: self._are_told(hashes.values()), 60 + many, "every mail to be a message")
        return began, {n: self.told[one] for n, one in hashes.items()}

    def _are_told(self, hashes: Iterable[str]) -> bool:
        for keeper in self.keepers:
            assert keeper.alive, keeper.output()
        return self.told.keys() >= set(hashes)

    def _letters(self, many: int) -> list[bytes]:
        """Whole rounds of senders begin something, and each so many-th round answers in their cases."""
        first, self.sent = self.sent, self.sent + many
        return [self._letter(n) for n in range(first, first + many)]

    def _letter(self, n: int) -> bytes:
        is_answer = n // SENDERS % JOINS == 0 and self.addresses
        return letter(n, to=self.addresses[n % SENDERS]) if is_answer else letter(n, by=self._somebody(n))

    def _somebody(self, n: int) -> str:
        """Each time another customer, so that each is acknowledged; not those who write at the door meanwhile."""
        return door.address(self.door.customers[-1 - n % (len(self.door.customers) // 2)]) if self.addresses else ""

    def next(self) -> bytes:
        return self._letters(1)[0]

    def cases_to_answer_in(self) -> None:
        """One of each sender, known by the address we ask for answers at."""
        for raw in self._letters(SENDERS):
            self.addresses.append(_reply_address(_taken(raw).case.number))

    def checked(self) -> None:
        """Each is exactly one message with its file, in the case it belongs to, and nothing was kept or failed."""
        from cases.models import Attachment, Case, InboundItem, Message

        said = Message.objects.filter(source="mail")
        states = list(InboundItem.objects.filter(channel="mail").values_list("state", flat=True).distinct())
        counts = {
            "messages": said.count(),
            "of different mails": said.values("mail_id").distinct().count(),
            "with their file": Attachment.objects.filter(message__in=said).values("message").distinct().count(),
            "items": InboundItem.objects.filter(channel="mail", message__isnull=False).count(),
        }
        assert set(counts.values()) == {self.sent}, f"{self.sent} mails: {counts}"
        assert states == ["done"], f"mails ended as {states}"
        opened = Case.objects.filter(channel="mail").count()
        answers = sum(n // SENDERS % JOINS == 0 for n in range(SENDERS, self.sent))
        assert opened == self.sent - answers, f"{opened} cases of {self.sent} mails, {answers} of them answers"


# --- what happens


def _stored(letters: Sequence[tuple[float, bytes]]) -> list[str]:
    """Stored at their moments; their hashes."""
    from django.db import connections

    from cases.mail import arriving

    hashes = []
    try:
        for due, raw in letters:
            time.sleep(max(0.0, due - time.monotonic()))
            item, fresh = arriving.store(raw)
            assert fresh
            hashes.append(item.external_id)
    finally:
        connections.close_all()
    return hashes


def _taken(raw: bytes) -> Any:
    """Taken in by this process alone."""
    from cases import intake
    from cases.mail import arriving, child

    item, _fresh = arriving.store(raw, now=timezone.now() + timedelta(seconds=30))  # not due for any keeper
    received = intake.process(item.pk, mail=child.parse(raw))
    assert received, "A mail became no message: benchmarks/letters.py no longer knows how they look."
    return received


def _reply_address(number: int) -> str:
    from crm.secrets import seal

    return f"help+c{number}.{seal(f'c{number}', purpose='reply address')}@brightwave.example"


@contextmanager
def _listening(told: dict[str, float]) -> Iterator[None]:
    """Write down when each mail's commit is heard."""
    ended = threading.Event()

    def listen() -> None:
        while not ended.is_set():
            for notice in line.notifies(timeout=0.5):
                told[notice.payload] = time.monotonic()

    with psycopg.connect(processes.database_url(), autocommit=True) as line:
        line.execute("LISTEN bench")
        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


@contextmanager
def _keeper(stage: Stage) -> Iterator[None]:
    ties = {"SECRET_KEY": settings.SECRET_KEY, "SMTP_PORT": str(stage.smtp), "FOREFRONT_PROCESS": "keeper"}
    with processes.keeper(**door.PRODUCTION, **ties) as keeper:
        stage.keepers.append(keeper)
        yield


def _still() -> None:
    """Nothing is under way any more: acknowledgements have left, events have their place."""
    from cases.models import Dispatch
    from crm.models import Event

    under_way = Dispatch.objects.filter(state__in=[Dispatch.State.HELD, Dispatch.State.CLAIMED])
    wait_until(lambda: not under_way.exists() and not Event.objects.filter(pos=None).exists(), 120, "all to be still")


def _door(stage: Stage, found: Found, seconds: float, fast: float) -> None:
    _still()
    found["door"].append(stage.door.at_pace(seconds))
    found["door_rate"].append(stage.door.as_fast_as_it_goes(fast))


def _mail(stage: Stage, found: Found, many: int, paced: int) -> None:
    _still()
    before = [_work(keeper) for keeper in stage.keepers]
    found["rate"].append(many / stage.in_one_go(many))
    worked = [(now[0] - then[0], now[1] - then[1]) for then, now in zip(before, map(_work, stage.keepers), strict=True)]
    found["keeper"].append(sum(own for own, _below in worked) / many * 1000)
    found["children"].append(sum(below for _own, below in worked) / many * 1000)
    _still()
    found["paced"].append(stage.one_after_the_other(paced))


def _work(keeper: Running) -> tuple[float, float]:
    """Seconds of processor time so far: of the keeper itself, and of those who read for it."""
    below = [_seconds(pid, 13, 17) for pid in processes.children(keeper.pid)]
    return _seconds(keeper.pid, 13, 15), sum(below)


def _seconds(pid: int, first: int, end: int) -> float:
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(told[n - 2]) for n in range(first, end)) / os.sysconf("SC_CLK_TCK")


def _queries(stage: Stage) -> list[dict[str, Any]]:
    """Of one mail from store to commit, transactions and savepoints counted, the claim of a sweep not."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    figures = []
    for said, is_answer in (("beginning a case", False), ("answering in one", True)):
        while (stage.sent // SENDERS % JOINS == 0) is not is_answer:
            _taken(stage.next())
        with CaptureQueriesContext(connection) as asked:
            _taken(stage.next())
        figures.append({"metric": f"statements of a mail {said}", "unit": "", "ours": spread([len(asked)], 0)})
    return figures


# --- what is told


def _figures(found: list[Found]) -> list[dict[str, Any]]:
    figures = [f for keepers, one in zip(KEEPERS, found, strict=True) for f in _of_mails(keepers, one)]
    return [*figures, *intake_floors.figures(found[0])]


def _of_mails(keepers: int, found: Found) -> list[dict[str, Any]]:
    who = f"mail, {keepers} keeper{'s' if keepers > 1 else ''}"
    ours, floor = spread(found["rate"]), spread(found[f"children_{keepers}"])
    ratio = spread([one / other for one, other in zip(found["rate"], found[f"children_{keepers}"], strict=True)], 2)
    rate = {
        "metric": f"{who}, in one go (floor: read in children alone)",
        "unit": "mails/s",
        "ours": ours,
        "floor": floor,
        "ratio": ratio,
    }
    if keepers == KEEPERS[0]:
        rate |= {"target": "≥ 100/s", "met": ours["median"] >= 100}
    figures = [rate]
    for label, share in list(SHARES.items())[:2]:
        took = spread([percentile(window, share) for window in found["paced"]])
        metric = f"{who}, at {PACE:g}/s, stored to message, {label} (floor: INSERT)"
        figures.append(
            {"metric": metric, "unit": "ms", "ours": took, "floor": spread([1000 / one for one in found["write_1"]], 2)}
        )
    for kind, of in (("keeper", "the keeper itself"), ("children", "reading in children")):
        figures.append({"metric": f"{who}, CPU of {of}, a mail", "unit": "ms", "ours": spread(found[kind])})
    return figures


if __name__ == "__main__":
    print(json.dumps(run("small"), indent=1))
