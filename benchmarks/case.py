"""Workload 5: open a case with everything: the page, then every panel the page asks for, with 4, 40 and 400 messages.

Measured in this process through Django's test client (middleware, session, queries, templates), one after the other,
as the server's own time; a browser asks for the panels at the same time. Beside it, interleaved, the case with its
customer and its newest 50 messages as bare SQL through psycopg.
"""

import json
import re
import time
from typing import Any

import psycopg

from benchmarks import data
from benchmarks.queue import own_work, quiet, signed_in
from benchmarks.stage import database, percentile, spread

NAME = "case"
SIZES = {"small": (5, 2_000), "default": (5, 100_000), "full": (7, 1_000_000)}  # repeats, cases of 4 messages beside
LENGTHS = (4, 40, 400)
OF_EACH = 20
PANEL = re.compile(r'class="panel-body" hx-get="([^"]+)"')
CASE = """
SELECT c.*, p.*, u.first_name FROM cases_case c LEFT JOIN customers_customer p ON p.id = c.customer_id
LEFT JOIN crm_user u ON u.id = c.assignee_id WHERE c.number = %s
"""
THREAD = "SELECT * FROM cases_message WHERE case_id = %s ORDER BY at DESC, id DESC LIMIT 51"


def run(scale: str = "default") -> dict[str, Any]:
    """Figures in ms and in queries, for each length of thread."""
    repeats, beside = SIZES.get(scale, SIZES["default"])
    with database(NAME):
        desk = Desk(beside)
        found = _measured(desk, repeats)
        queries = {length: _queries(desk, desk.numbers[length][0][1]) for length in LENGTHS}
    did = (
        f"{OF_EACH} cases each of {', '.join(map(str, LENGTHS))} messages among {beside:,} of 4, with clocks, promises, six "
        "events each, four cases a customer with orders, subscriptions and consents; 30 articles; "
        f"{repeats} interleaved repeats, each opens them all once, page and then its {len(desk.panels)} panels one after "
        "the other, in process, DEBUG off"
    )
    return {"name": NAME, "did": did, "figures": [f for n in LENGTHS for f in _figures(n, found[n], queries[n])]}


class Desk:
    """A queue with many cases; of each length some, known by id and number."""

    def __init__(self, beside: int) -> None:
        from cases.models import Case
        from crm.models import User
        from tests.builders import make_queue

        people = data.reps(10)
        queue = make_queue("Bench", reps=list(User.objects.filter(pk__in=people))).pk
        customers = max(500, beside // 4)
        data.customers(customers)
        data.holdings()
        data.articles(30)
        data.cases(queue, people, beside, customers, max(200, beside // 20))
        data.histories()
        ids = list(Case.objects.filter(status="open").order_by("id").values_list("id", "number"))
        self.numbers = {n: ids[k * OF_EACH : (k + 1) * OF_EACH] for k, n in enumerate(LENGTHS)}
        last = self.numbers[LENGTHS[-1]][-1][0]
        for length in LENGTHS:
            for pk, _ in self.numbers[length]:
                data.messages(pk, pk, length, people[0])
        data.messages(last + 1, 2**62, 4, people[0])
        data.settled()
        self.browser = signed_in(people[0])
        self.panels = PANEL.findall(self._got(f"/cases/{ids[0][1]}/"))
        assert self.panels, "The page names no panels: benchmarks/case.py no longer knows how it looks."

    def _got(self, url: str) -> str:
        answer = self.browser.get(url)
        assert answer.status_code == 200, f"{url}: {answer.status_code}"
        return str(answer.content.decode())

    def open(self, number: int) -> tuple[float, float, float]:
        """Milliseconds of the page, of the page and all its panels, and of our process's own work for them."""
        began, worked = time.perf_counter(), time.process_time()
        panels = PANEL.findall(self._got(f"/cases/{number}/"))
        page = time.perf_counter()
        for url in panels:
            self._got(url.replace("&amp;", "&"))
        work = time.process_time() - worked
        return (page - began) * 1000, (time.perf_counter() - began) * 1000, work * 1000


def _measured(desk: Desk, repeats: int) -> dict[int, dict[str, list[list[float]]]]:
    from tests.processes import database_url

    found: dict[int, dict[str, list[list[float]]]] = {
        n: {"page": [], "all": [], "cpu": [], "floor": []} for n in LENGTHS
    }
    with psycopg.connect(database_url(), autocommit=True) as bare, quiet():
        for turn in range(repeats + 1):
            for length in LENGTHS:
                took = [desk.open(number) for _, number in desk.numbers[length]]
                floor = [_bare(bare, pk, number) for pk, number in desk.numbers[length]]
                if turn:  # the first one warms up
                    for kind, times in zip(("page", "all", "cpu"), zip(*took, strict=True), strict=True):
                        found[length][kind].append(list(times))
                    found[length]["floor"].append(floor)
    return found


def _bare(bare: "psycopg.Connection[Any]", pk: int, number: int) -> float:
    began = time.perf_counter()
    bare.execute(CASE, [number]).fetchall()
    rows = bare.execute(THREAD, [pk]).fetchall()
    took = (time.perf_counter() - began) * 1000
    assert rows
    return took


def _queries(desk: Desk, number: int) -> tuple[int, dict[str, int]]:
    """Of the page, and of each panel by its address."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def counted(url: str) -> tuple[int, str]:
        with CaptureQueriesContext(connection) as captured:
            body = desk._got(url)
        return len(captured), body

    page, body = counted(f"/cases/{number}/")
    urls = [url.replace("&amp;", "&") for url in PANEL.findall(body)]
    return page, {url: counted(url)[0] for url in urls}


def _figures(
    length: int, found: dict[str, list[list[float]]], queries: tuple[int, dict[str, int]]
) -> list[dict[str, Any]]:
    page, panels = queries
    hungry = max(panels, key=lambda url: panels[url])
    figures: list[dict[str, Any]] = []
    for kind, said in (("page", "page"), ("all", f"page and {len(panels)} panels")):
        for label, share in (("p50", 0.5), ("p95", 0.95)):
            ours = spread([percentile(w, share) for w in found[kind]], 2)
            floor = spread([percentile(w, share) for w in found["floor"]], 2)
            pairs = zip(found[kind], found["floor"], strict=True)
            ratio = spread([percentile(o, share) / percentile(f, share) for o, f in pairs], 1)
            figure = {
                "metric": f"{length} messages, {said}, {label}",
                "unit": "ms",
                "ours": ours,
                "floor": floor,
                "peer": None,
                "ratio": ratio,
            }
            if (kind, label) == ("all", "p95"):
                figure |= {"target": "≤ 40 ms", "met": ours["median"] <= 40}
            figures.append(figure)
    figures.append(own_work(f"{length} messages, page and {len(panels)} panels", found["cpu"]))
    counts = (
        ("of the page", page, 2, 12),
        (f"of the panel that asks most, {re.sub(r'[0-9]+', '…', hungry)}", panels[hungry], None, 6),
    )
    return figures + [
        {"metric": f"{length} messages, queries {what}", "unit": "queries", "ours": n, "floor": floor, "peer": None,
         "target": f"≤ {most}", "met": n <= most}
        for what, n, floor, most in counts
    ]  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(run("small"), indent=1))
