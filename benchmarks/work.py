"""A desk of 50 at work on a long history: lists, cases, claims and replies over HTTP, with the keeper sending beside it.

Open loop at 12.5 requests a second (`performance.md`: a list or case each five seconds and a change each twenty, by each
of 50 people), timed from the intended start at the client, against one web process, on 100,000 and on a million cases with
four messages each. Beside it, interleaved, an INSERT and its commit through psycopg: what no write can do without.
"""

import itertools
import json
import logging
import time
import urllib.parse
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from django.conf import settings

from benchmarks import corpus, together
from benchmarks.corpus import Corpus
from benchmarks.open_loop import answered, at_their_moments
from benchmarks.queue import quiet, signed_in, web
from benchmarks.stage import cpu, percentile, spread

NAME = "work"
RATE = 12.5
# Repeats, seconds of each, and cases.
SIZES = {"small": (5, 8.0, [10_000]), "default": (5, 20.0, [100_000]), "full": (7, 40.0, [100_000, 1_000_000])}
TURNS = ("list", "case", "list", "case", "change")  # of each person, over and over
CHANGES = ("claim", "reply")
TARGET = {"claim": 50.0, "reply": 50.0}  # ms, p99
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
CSRF = "b" * 32
Times = dict[str, list[list[float]]]


def run(scale: str = "default") -> dict[str, Any]:
    """Figures in ms for each kind of request and each size."""
    repeats, seconds, sizes = SIZES.get(scale, SIZES["default"])
    found: dict[int, Times] = {}
    for cases in sizes:
        with corpus.opened(cases, NAME) as made, quiet(), ExitStack() as stack:
            desk = Desk(made, stack)
            found[cases] = _measured(desk, repeats, seconds)
            at_once = together.figures(desk, 5)
    figures = [f for cases in sizes for f in _figures(cases, found[cases], is_held=cases == sizes[-1])]
    figures += at_once
    if len(sizes) > 1:
        figures += _growth(found[sizes[0]], found[sizes[-1]], sizes)
    did = (
        f"{' then '.join(f'{n:,} cases ({corpus.ACTIVE:,} active), {4 * n:,} messages' for n in sizes)}; {repeats} repeats of "
        f"{seconds:.0f} s at {RATE}/s open loop by 50 people: lists, cases, claims, replies (each with a key and the version it "
        "was written against); then 1,000 cases tagged at once and given back, five times; one web process, the keeper sending to a server that throws mail away; DEBUG off"
    )
    return {"name": NAME, "did": did, "figures": figures}


class Desk:
    """The people with their sessions, what they work on, and the processes."""

    def __init__(self, made: Corpus, stack: ExitStack) -> None:
        from tests import processes

        self.made = made
        cookie = settings.SESSION_COOKIE_NAME
        sessions = [signed_in(pk).cookies[cookie].value for pk in made.people]
        self.cookies = [f"__Host-session={value}; __Host-csrf={CSRF}" for value in sessions]
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        sink = Controller(Sink(), hostname="127.0.0.1", port=processes.free_port())
        sink.start()
        stack.callback(sink.stop)
        self.port = stack.enter_context(web())
        self.token = CSRF
        self.keeper = stack.enter_context(
            processes.keeper(SECRET_KEY=settings.SECRET_KEY, SMTP_PORT=str(sink.port), LOG_LEVEL="ERROR")
        )
        self.bare = stack.enter_context(psycopg.connect(processes.database_url(), autocommit=True))
        self.bare.execute(
            "CREATE TABLE bench_floor (id bigserial PRIMARY KEY, text text, at timestamptz DEFAULT now())"
        )
        rows = self._rows("assignee_id IS NULL"), self._rows("assignee_id IS NOT NULL")
        self.free, self.taken = map(iter, rows)
        self.opened = itertools.cycle(number for number, _whose in rows[1])

    def _rows(self, condition: str) -> list[tuple[int, int]]:
        return self.bare.execute(
            f"SELECT number, assignee_id FROM cases_case WHERE status = 'open' AND {condition} ORDER BY id"
        ).fetchall()

    def requests(self, many: int) -> list[tuple[str, int, str, str, str]]:
        """(kind, whose session, method, path, body) of the next ones. What a reply was written against is read now: it
        was on the screen when it was typed."""
        changes, found = itertools.cycle(CHANGES), []
        for n in range(many):
            kind = TURNS[n % len(TURNS)]
            kind = next(changes) if kind == "change" else kind
            found.append((kind, *getattr(self, f"_{kind}")(n)))
        return found

    def _list(self, n: int) -> tuple[int, str, str, str]:
        return n % len(self.cookies), "GET", f"/queues/{self.made.queues[0]}/", ""

    def _case(self, n: int) -> tuple[int, str, str, str]:
        return n % len(self.cookies), "GET", f"/cases/{next(self.opened)}/", ""

    def _claim(self, n: int) -> tuple[int, str, str, str]:
        number, _nobody = next(self.free)
        return n % len(self.cookies), "POST", f"/cases/{number}/claim/", "x=1"

    def _reply(self, n: int) -> tuple[int, str, str, str]:
        number, whose = next(self.taken)
        (version,) = self.bare.execute("SELECT version FROM cases_case WHERE number = %s", [number]).fetchone() or (0,)
        words = {"kind": "reply", "text": f"It is on its way back to your account, reply {n}.", "against": version,
                 "is_answer": "on", "next_step": "The money is with you", "key": str(uuid.uuid4())}  # fmt: skip
        return self.made.people.index(whose), "POST", f"/cases/{number}/messages/", urllib.parse.urlencode(words)

    def send(self, who: int, method: str, path: str, body: str) -> None:
        """One of the requests, as that person."""
        headers = {"Cookie": self.cookies[who], "HX-Request": "true" if method == "POST" else ""}
        if method == "POST":
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": CSRF}
        answered(self.port, method, path, headers, body)


def _measured(desk: Desk, repeats: int, seconds: float) -> Times:
    found: Times = defaultdict(list)
    _calm(desk)
    _window(desk, 3.0)  # loads templates, opens connections
    for _ in range(repeats):
        for kind, took in _window(desk, seconds).items():
            found[kind].append(took)
        found["floor"].append(list(_floor(desk, 50)))
    return found


def _calm(desk: Desk) -> None:
    """Until the keeper has started: it loads all of the product, which takes some seconds of a core."""
    for _ in range(30):
        before = cpu(desk.keeper.pid)
        time.sleep(2)
        if cpu(desk.keeper.pid) - before < 0.2:
            return
    raise RuntimeError("the keeper has been busy for a minute without any work")


def _window(desk: Desk, seconds: float) -> dict[str, list[float]]:
    """Requests at their intended moments, whether or not the earlier ones are answered; ms from those moments."""
    asked = desk.requests(int(seconds * RATE))
    times = at_their_moments(len(asked), RATE, 50, lambda n: desk.send(*asked[n][1:]))
    took: dict[str, list[float]] = defaultdict(list)
    for (kind, *_what), ms in zip(asked, times, strict=True):
        took[kind].append(ms)
    return took


def _floor(desk: Desk, times: int) -> Iterator[float]:
    for _ in range(times):
        began = time.perf_counter()
        desk.bare.execute("INSERT INTO bench_floor (text) VALUES ('It is on its way back to your account.')")
        yield (time.perf_counter() - began) * 1000


def _figures(cases: int, found: Times, *, is_held: bool) -> list[dict[str, Any]]:
    figures = []
    for kind in ("list", "case", *CHANGES):
        for label, share in SHARES.items():
            figure = {
                "metric": f"{cases:,} cases, {kind}, {label}",
                "unit": "ms",
                "ours": spread([percentile(w, share) for w in found[kind]]),
                "floor": spread([percentile(w, share) for w in found["floor"]], 2) if kind in CHANGES else None,
                "peer": None,
            }
            if is_held and label == "p99" and kind in TARGET:
                every = percentile([ms for w in found[kind] for ms in w], share)
                figure |= {
                    "target": f"≤ {TARGET[kind]:g} ms (all repeats together: {every:.1f})",
                    "met": every <= TARGET[kind],
                }
            figures.append(figure)
    return figures


def _growth(few: Times, many: Times, sizes: list[int]) -> list[dict[str, Any]]:
    grown = {kind: _middle(many[kind]) / _middle(few[kind]) for kind in ("list", "case", *CHANGES)}
    return [
        {"metric": f"growth {sizes[0]:,} to {sizes[-1]:,} cases, {kind}, p50", "unit": "×", "ours": round(ratio, 2),
         "floor": None, "peer": None, "target": "≤ 1.2 ×", "met": ratio <= 1.2}
        for kind, ratio in grown.items()
    ]  # fmt: skip


def _middle(windows: list[list[float]]) -> float:
    return percentile([ms for window in windows for ms in window], 0.5)


if __name__ == "__main__":
    print(json.dumps(run("small"), indent=1))
