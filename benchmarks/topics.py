"""Workload 3: 1,000 reps at 5,000 open cases, each case open on one to five screens, 200 changes a second.

Every socket watches cases of its own, as open consoles do; each change goes through the verb, the log, the sequencer,
permission and rendering to the few who watch that case. Two processes write. Delay: from the commit to the last screen that
shows the case. Then the same writers as fast as they can, in turn with the live layer there (server, sequencer and all
sockets) and with nobody listening: what live costs whoever works.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.conf import settings

from benchmarks import data
from benchmarks.queue import quiet, signed_in
from benchmarks.stage import Stage, opened, percentile, spoken_to, spread

NAME = "topics"
RATE = 200.0
WRITERS = 2
REPS = 50  # accounts; a thousand consoles share them
# Repeats, seconds of each, sockets, open cases.
SIZES = {"small": (5, 3.0, 200, 1_000), "default": (5, 5.0, 1_000, 5_000), "full": (7, 10.0, 1_000, 5_000)}


def run(scale: str = "default") -> dict[str, Any]:
    """Figures in ms from commit to client, and in commits a second."""
    repeats, seconds, sockets, cases = SIZES.get(scale, SIZES["default"])
    with opened(NAME) as stage, quiet(), ExitStack() as stack:
        desk = Desk(stack, sockets, cases)
        delays = _delays(stage, desk, repeats, seconds)
        with_live, without = _pairs(stage, desk, repeats, seconds)
    did = (
        f"{cases:,} open cases, each on 1 to 5 of {sockets:,} consoles; {WRITERS} processes change them, {RATE:g} a second "
        f"in all, {repeats} repeats of {seconds:.0f} s; then as fast as they can, with the live layer (all consoles) and without "
        "it, in turn; one server process"
    )
    return {"name": NAME, "did": did, "figures": _figures(delays, with_live, without)}


class Desk:
    """The cases, who watches which, and the writers."""

    def __init__(self, stack: ExitStack, sockets: int, cases: int) -> None:
        from cases.models import Case
        from crm.models import User
        from tests.builders import make_queue

        people = data.reps(REPS)
        queue = make_queue("Bench", reps=list(User.objects.filter(pk__in=people))).pk
        data.customers(max(1_000, cases // 5))
        data.cases(queue, people, cases, max(1_000, cases // 5), cases)
        data.settled()
        self.cases = list(Case.objects.order_by("pk").values_list("pk", "number"))
        self.sockets = sockets
        self.cookies = [
            f"{settings.SESSION_COOKIE_NAME}={signed_in(pk).cookies[settings.SESSION_COOKIE_NAME].value}"
            for pk in people
        ]
        self.watched: list[list[str]] = [[] for _ in range(sockets)]
        self.viewers: dict[int, int] = {}
        place = 0
        for n, (_pk, number) in enumerate(self.cases):
            self.viewers[number] = 1 + n % 5
            for _ in range(self.viewers[number]):
                self.watched[place % sockets].append(f"case.{number}")
                place += 1
        self.writers = [stack.enter_context(spoken_to("benchmarks.writer", LOG_LEVEL="ERROR")) for _ in range(WRITERS)]

    def write(self, seconds: float, rate: float) -> list[tuple[str, float]]:
        """Everything the writers changed, with the moment of its commit."""
        start = time.monotonic() + 3.0  # until then they read their cases
        for n, writer in enumerate(self.writers):
            mine = [pk for pk, _number in self.cases[n::WRITERS]]
            command = {"cases": mine, "seconds": seconds, "rate": rate / WRITERS, "start": start}
            assert writer.stdin
            writer.stdin.write(json.dumps(command) + "\n")
            writer.stdin.flush()
        told: list[tuple[str, float]] = []
        for writer in self.writers:
            assert writer.stdout
            told += [(key, at) for key, at in json.loads(writer.stdout.readline())]
        return told

    def flat_out(self, seconds: float) -> float:
        """Commits a second, as fast as they can."""
        return len(self.write(seconds, 0)) / seconds


@contextmanager
def _live(stage: Stage, desk: Desk) -> Iterator[None]:
    """A web process and all consoles, while the `with` lasts."""
    from tests import processes

    with processes.web(SECRET_KEY=settings.SECRET_KEY, LOG_LEVEL="ERROR") as server:
        say = [json.dumps({"watch": topics}) for topics in desk.watched]
        where = {"port": server.port, "path": "/live/", "how_many": desk.sockets}
        stage.sockets.do("open", name="ours", cookies=desk.cookies, say=say, **where)
        time.sleep(1)
        yield
        stage.sockets.do("close", name="ours")


def _delays(stage: Stage, desk: Desk, repeats: int, seconds: float) -> list[tuple[list[float], int, float]]:
    """Of each repeat: ms from a commit to the last screen, how many changes came to fewer screens than show them, and
    how many a second were made."""
    found = []
    with _live(stage, desk):
        for turn in range(repeats + 1):
            stage.sockets.do("mark", name="ours")
            told = desk.write(seconds if turn else 1.0, RATE)
            wanted = sum(desk.viewers[int(key.partition(":")[0])] for key, _at in told)
            stage.sockets.do("wait", name="ours", deliveries=2 * wanted, seconds=20)
            times = stage.sockets.do("report", name="ours", times=True)["times"]
            if turn:  # the first one loads templates
                found.append(_heard(desk, told, times, seconds))
    return found


def _heard(
    desk: Desk, told: list[tuple[str, float]], times: dict[str, list[float]], seconds: float
) -> tuple[list[float], int, float]:
    delays, lost = [], 0
    for key, at in told:
        heard = times.get(key, [])
        lost += len(heard) < desk.viewers[int(key.partition(":")[0])]
        delays += [(max(heard) - at) * 1000] if heard else []
    return delays, lost, len(told) / seconds


def _pairs(stage: Stage, desk: Desk, repeats: int, seconds: float) -> tuple[list[float], list[float]]:
    """Commits a second with everything there, and with nobody: no server, no sequencer, no socket."""
    with_live, without = [], []
    for _ in range(repeats):
        with _live(stage, desk):
            with_live.append(desk.flat_out(seconds))
        without.append(desk.flat_out(seconds))
    return with_live, without


def _figures(
    delays: list[tuple[list[float], int, float]], with_live: list[float], without: list[float]
) -> list[dict[str, Any]]:
    target = {0.5: 40, 0.99: 150}
    figures: list[dict[str, Any]] = []
    for label, share in (("p50", 0.5), ("p99", 0.99)):
        ours = spread([percentile(ms or [float("nan")], share) for ms, _lost, _rate in delays])
        figures.append(
            {"metric": f"commit to the last screen, {label}", "unit": "ms", "ours": ours, "floor": None, "peer": None,
             "target": f"≤ {target[share]} ms", "met": ours["median"] <= target[share]}
        )  # fmt: skip
    lost = sum(lost for _ms, lost, _rate in delays)
    ratio = spread([a / b for a, b in zip(with_live, without, strict=True)], 2)
    return [
        *figures,
        {"metric": "changes made", "unit": "/s", "ours": spread([rate for *_, rate in delays]), "floor": None, "peer": None},
        {"metric": "changes that a screen missed", "unit": "changes", "ours": lost, "floor": None, "peer": None,
         "target": "0", "met": lost == 0},
        {"metric": "as fast as two processes can, all consoles there; floor: nobody", "unit": "commits/s",
         "ours": spread(with_live), "floor": spread(without), "peer": None, "ratio": ratio,
         "target": "≥ 0.85 ×", "met": ratio["median"] >= 0.85},
    ]  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(run("small"), indent=1))
