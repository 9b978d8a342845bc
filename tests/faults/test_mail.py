"""Promise L29: no mail, however made, takes more than 10 s of processor time or 512 MB, or delays the next by more than
15 s.

Three threads hand in the worst we know, all the time: mails that spin, eat memory, sleep, crash or kill their reader,
and the largest of the corpus. A fourth hands in good ones, one after the other, and looks at the clock. Short: lower limits of
the children, some of the corpus. Full: the product's own limits, the corpus whole.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from cases.mail import child
from cases.mail.child import Unparsable
from cases.mail.nursery import CPU, MEMORY
from tests.faults import figures
from tests.mailcorpus import Case, every
from tests.mailcorpus.case import plain
from tests.mailcorpus.sound import wrongs

pytestmark = [pytest.mark.faults, pytest.mark.slow]
NEXT = 15.0  # seconds
ORDERS = (b"SPIN", b"EAT", b"SLEEP", b"ABORT", b"KILL", b"RECURSE", b"KILL PARENT", b"LONG")
REASONS = {"cpu", "memory", "slow", "crashed", "killed"}


@dataclass
class Seen:
    """What became of the hostile ones, and how long good ones took."""

    kept: Counter[str] = field(default_factory=Counter)
    read: int = 0
    cpu: float = 0.0
    rss: float = 0.0
    waits: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def hand_in(self, raw: bytes, name: str) -> None:
        try:
            parsed, cost = child.measured(raw)
        except Unparsable as failure:
            with self.lock:
                self.kept[failure.reason] += 1
                self.cpu, self.rss = max(self.cpu, failure.cost.cpu), max(self.rss, failure.cost.rss)
            return
        with self.lock:
            self.read += 1
            self.cpu, self.rss = max(self.cpu, cost.cpu), max(self.rss, cost.rss)
            self.wrong += [f"{name}: {wrong}" for wrong in wrongs(parsed)]


@pytest.fixture
def parent(full: bool, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module = "tests.mailcorpus.misbehaving_at_leisure" if full else "tests.mailcorpus.misbehaving"
    fresh = child._Parent(module)
    monkeypatch.setattr(child, "_parent", fresh)
    yield
    fresh.end()


def test_the_worst_mails_delay_no_other_for_long(parent: None, full: bool) -> None:
    seen, over = Seen(), threading.Event()
    lanes = _lanes([case for case in every() if case.large or full], rounds=3 if full else 1)
    threads = [threading.Thread(target=_drive, args=(seen, lane)) for lane in lanes]
    good = threading.Thread(target=_watch, args=(seen, over))
    for thread in (*threads, good):
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    good.join()
    figures.tell(
        f"{seen.read} hostile mails read, {sum(seen.kept.values())} kept ({dict(seen.kept)}), the dearest "
        f"{seen.cpu:.1f} s and {seen.rss:.0f} MB; {len(seen.waits)} good ones beside them, the slowest after {max(seen.waits):.1f} s",
        full=full,
    )
    assert seen.wrong == []
    assert set(seen.kept) <= REASONS
    assert sum(seen.kept.values()) >= len(ORDERS) - 1  # one of them leaves its mail readable
    assert seen.cpu <= CPU + 0.5
    assert seen.rss * 1024 * 1024 <= MEMORY * 1.1  # its own, and the parent's pages it shares
    assert max(seen.waits) < NEXT


def _lanes(cases: list[Case], rounds: int) -> list[list[tuple[str, Case | bytes]]]:
    """Three rows of hostile mails: orders between mails of the corpus, each order once a round and lane."""
    lanes: list[list[tuple[str, Case | bytes]]] = [[], [], []]
    for n, case in enumerate(cases):
        lanes[n % 3].append((case.name, case))
    for n, order in enumerate(ORDERS * rounds):
        lane = lanes[n % 3]
        lane.insert((n * 5) % (len(lane) + 1), (order.decode(), order))
    return lanes


def _drive(seen: Seen, lane: list[tuple[str, Case | bytes]]) -> None:
    for name, what in lane:
        seen.hand_in(what if isinstance(what, bytes) else what.build(), name)


def _watch(seen: Seen, over: threading.Event) -> None:
    """Good mails, one a moment; each is tried again until it is read, as intake does, and the clock runs on."""
    while not over.wait(0.2):
        began = time.monotonic()
        while True:
            try:
                assert child.parse(plain()).subject == "Hello"
                break
            except Unparsable:
                continue
        seen.waits.append(time.monotonic() - began)
