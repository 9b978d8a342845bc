"""Workload 4: the queue page and its counts, 50 people at once, at two sizes of the table.

A desk of 50 holds some 5,000 open cases, however long its history is (as in workload 3): that is measured at both sizes,
and gives the growth. Beside it the larger table with a tenth of everything open, which no desk of 50 would have.

Twice measured: over HTTP against the product's web process, open loop, from the intended start of each request; and
one page at a time inside this process (Django's test client: middleware, session, queries, template), which is the
server's own time. Both as in production: DEBUG off. Beside it, interleaved, the same list and counts as bare SQL.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from django.conf import settings

from benchmarks import data
from benchmarks.open_loop import answered, at_their_moments
from benchmarks.stage import database, percentile, spread

NAME = "queue"
RATE = 12.5  # 50 people: a list each five seconds, a change (after which counts are asked) each twenty
REPS = 50
# Repeats, seconds each over HTTP, and (cases, of these active): before, grown, and grown with a tenth active.
SIZES = {
    "small": (5, 3.0, [(1_000, 500), (10_000, 500), (10_000, 1_000)]),
    "default": (5, 4.0, [(10_000, 5_000), (100_000, 5_000), (100_000, 10_000)]),
    "full": (7, 20.0, [(100_000, 5_000), (1_000_000, 5_000), (1_000_000, 100_000)]),
}
PAGES = 40  # one at a time, a repeat
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
ACTIVE = "status IN ('new', 'open', 'waiting_customer', 'waiting_internal')"
AWAKE = "(snoozed_until IS NULL OR snoozed_until <= now())"
LIST = f"""
SELECT c.*, p.name, u.first_name FROM cases_case c LEFT JOIN customers_customer p ON p.id = c.customer_id
LEFT JOIN crm_user u ON u.id = c.assignee_id WHERE c.queue_id = %(queue)s AND {ACTIVE} AND {AWAKE}
AND c.assignee_id = %(user)s ORDER BY attention_at, waiting_since, c.id LIMIT 50
"""
COUNTS = f"""
SELECT count(*) FILTER (WHERE assignee_id = %(user)s), count(*) FILTER (WHERE assignee_id IS NULL), count(*)
FROM cases_case WHERE queue_id = %(queue)s AND {ACTIVE} AND {AWAKE}
"""


def run(scale: str = "default") -> dict[str, Any]:
    """Figures in ms for each table, and how much the larger one costs more."""
    repeats, seconds, tables = SIZES.get(scale, SIZES["default"])
    with database(NAME), ExitStack() as stack:
        desk = Desk()
        found = []
        for table in tables:
            desk.fill(*table)
            with web() as port:
                found.append(_measured(desk, port, stack, repeats, seconds))
    figures = [f for n, table in enumerate(tables) for f in _figures(table, found[n], is_held=n > 0)]
    did = (
        f"{' then '.join(f'{many:,} cases ({active:,} active)' for many, active in tables)} of one queue, with clocks and "
        f"promises; {repeats} interleaved repeats each: {seconds:.0f} s of {RATE}/s open loop over HTTP by {REPS} people "
        f"(4 pages to 1 counts), {PAGES} pages one at a time in process, {PAGES} times the same list and counts in bare "
        "SQL; DEBUG off"
    )
    return {"name": NAME, "did": did, "figures": [*figures, _growth(found[0], found[1], tables)]}


class Desk:
    """One queue, its 50 people with their sessions, and its cases."""

    def __init__(self) -> None:
        from crm.models import User
        from tests.builders import make_queue

        self.people = data.reps(REPS)
        self.queue = make_queue("Bench", reps=list(User.objects.filter(pk__in=self.people))).pk
        data.customers(5_000)
        self.clients = [signed_in(pk) for pk in self.people]
        self.cookies = [f"__Host-session={c.cookies[settings.SESSION_COOKIE_NAME].value}" for c in self.clients]

    def fill(self, many: int, active: int) -> None:
        data.cases(self.queue, self.people, many, 5_000, active)
        data.settled()


def signed_in(pk: int) -> Any:
    from django.test import Client

    from crm.models import User

    browser = Client(SERVER_NAME="localhost")
    browser.force_login(User.objects.get(pk=pk), backend="cases.signing_in.Staff")
    return browser


@contextmanager
def web() -> Iterator[int]:
    from tests import processes

    production = {
        "DJANGO_SETTINGS_MODULE": "crm.settings",
        "DEBUG": "0",
        "SSL_REDIRECT": "0",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "LOG_LEVEL": "ERROR",
    }
    with processes.web(SECRET_KEY=settings.SECRET_KEY, **production) as server:
        yield server.port


@contextmanager
def quiet() -> Iterator[None]:
    """As in production: Django keeps no list of its queries."""
    was, settings.DEBUG = settings.DEBUG, False
    try:
        yield
    finally:
        settings.DEBUG = was


def _measured(desk: Desk, port: int, stack: ExitStack, repeats: int, seconds: float) -> dict[str, list[list[float]]]:
    from tests.processes import database_url

    bare = stack.enter_context(psycopg.connect(database_url(), autocommit=True))
    found: dict[str, list[list[float]]] = {"http": [], "process": [], "cpu": [], "floor": []}
    _over_http(desk, port, 1.0)  # loads templates, opens connections
    with quiet():
        _in_process(desk)
        for _ in range(repeats):
            found["http"].append(_over_http(desk, port, seconds))
            took = _in_process(desk)
            found["process"].append([wall for wall, _cpu in took])
            found["cpu"].append([cpu for _wall, cpu in took])
            found["floor"].append(_bare(desk, bare))
    return found


def _over_http(desk: Desk, port: int, seconds: float) -> list[float]:
    """Requests at their intended moments, whether or not the earlier ones are answered; ms from those moments."""

    def ask(n: int) -> None:
        path = f"/queues/{desk.queue}/{'counts/' if n % 5 == 4 else ''}"
        answered(port, "GET", path, {"Cookie": desk.cookies[n % REPS]})

    return at_their_moments(int(seconds * RATE), RATE, REPS, ask)


def _in_process(desk: Desk, times: int = PAGES) -> list[tuple[float, float]]:
    """Milliseconds of each page: by the clock, and of this process's own work."""
    took = []
    for n in range(times):
        began, worked = time.perf_counter(), time.process_time()
        answer = desk.clients[n].get(f"/queues/{desk.queue}/")
        took.append(((time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000))
        assert answer.status_code == 200, answer.status_code
    return took


def _bare(desk: Desk, bare: "psycopg.Connection[Any]", times: int = PAGES) -> list[float]:
    took = []
    for n in range(times):
        values = {"queue": desk.queue, "user": desk.people[n]}
        began = time.perf_counter()
        rows = bare.execute(LIST, values).fetchall()
        bare.execute(COUNTS, values).fetchall()
        took.append((time.perf_counter() - began) * 1000)
        assert rows
    return took


def _spread(windows: list[list[float]], share: float) -> dict[str, float]:
    return spread([percentile(window, share) for window in windows], 2)


def _figures(table: tuple[int, int], found: dict[str, list[list[float]]], *, is_held: bool) -> list[dict[str, Any]]:
    """`is_held`: this table is held against the target."""
    what = f"{table[0]:,} cases, {table[1]:,} active"
    figures = []
    for kind, said in (("process", "page, server's own time"), ("http", "page and counts over HTTP, open loop")):
        for label, share in SHARES.items():
            ours, floor = _spread(found[kind], share), _spread(found["floor"], share)
            pairs = zip(found[kind], found["floor"], strict=True)
            ratio = spread([percentile(o, share) / percentile(f, share) for o, f in pairs], 1)
            figure = {
                "metric": f"{what}, {said}, {label}",
                "unit": "ms",
                "ours": ours,
                "floor": floor,
                "peer": None,
                "ratio": ratio,
            }
            if is_held and label == "p95" and kind == "process":
                figure |= {"target": "≤ 25 ms", "met": ours["median"] <= 25}
            figures.append(figure)
    return [*figures, own_work(what, found["cpu"])]


def own_work(what: str, windows: list[list[float]]) -> dict[str, Any]:
    """How long our process worked: what a busy machine falsifies least."""
    metric = f"{what}, CPU of our process alone, p50"
    return {"metric": metric, "unit": "ms", "ours": _spread(windows, 0.5), "floor": None, "peer": None}


def _growth(
    few: dict[str, list[list[float]]], many: dict[str, list[list[float]]], tables: list[tuple[int, int]]
) -> dict[str, Any]:
    grown = {
        kind: _spread(many[kind], 0.5)["median"] / _spread(few[kind], 0.5)["median"] for kind in ("process", "floor")
    }
    once = {kind: spread([ratio], 2) for kind, ratio in grown.items()}
    return {
        "metric": f"growth {tables[0][0]:,} to {tables[1][0]:,} cases, {tables[0][1]:,} active, server's own p50",
        "unit": "×",
        "ours": once["process"],
        "floor": once["floor"],
        "peer": None,
        "target": "≤ 1.2 ×",
        "met": grown["process"] <= 1.2,
    }


if __name__ == "__main__":
    print(json.dumps(run("small"), indent=1))
