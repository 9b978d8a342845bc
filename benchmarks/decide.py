"""Workload 10: deciding what to offer, of 500 and of 2,500 offers, beside a million customers and ten million rows of what they
were offered before.

In process: one decision after the other, each of another talk in which every gate is open, from the locked case to the commit
(profile and history read, all offers judged, decision, candidates, presentation and event written). Over HTTP: the panel of the
case, which asks by POST, open loop, against the product's web process. Beside it, in turn, the profile as one bare statement
and one insert with its commit; and judging alone, beside the bare loop that asks every offer's condition.
"""

import json
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import psycopg
from django.conf import settings
from django.utils import timezone

from benchmarks import data, talks
from benchmarks.open_loop import answered, at_their_moments
from benchmarks.queue import SHARES, quiet, signed_in, web
from benchmarks.stage import database, percentile, spread

NAME = "decide"
# Customers, offers of the past (four rows each), repeats, decisions a repeat in process, and over HTTP.
SIZES = {
    "small": (20_000, 50_000, 5, 60, 40),
    "default": (200_000, 500_000, 5, 200, 100),
    "full": (1_000_000, 2_500_000, 7, 400, 200),
}
OFFERS = (500, 2_500)
RATE, REPS = 12.5, 50
CSRF = "b" * 32
TARGETS = {"process": 5.0, "http": 20.0}  # ms, p99
PROFILE = """
SELECT c.*, (SELECT json_agg(s) FROM customers_subscription s WHERE s.customer_id = c.id),
    (SELECT json_agg(o) FROM customers_order o WHERE o.customer_id = c.id),
    (SELECT json_agg(p) FROM outreach_offerpresentation p WHERE p.customer_id = c.id)
FROM customers_customer c WHERE c.id = %s
"""
Times = dict[str, list[list[float]]]


def run(scale: str = "default") -> dict[str, Any]:
    """Figures in ms for each number of offers, and how much more the larger one costs."""
    customers, past, repeats, *many = SIZES.get(scale, SIZES["default"])
    with database(NAME), quiet(), ExitStack() as stack:
        began = time.monotonic()
        desk = Desk(customers, past, len(OFFERS) * (repeats + 1) * sum(many), stack)
        built = time.monotonic() - began
        found = {offers: desk.measured(offers, repeats, *many) for offers in OFFERS}
        desk.must_replay()
        told = desk.told()
    did = (
        f"{customers:,} customers with 2 subscriptions and 5 orders each, {past:,} offers of the past in {4 * past:,} rows (built in "
        f"{built:.0f} s); {' then '.join(f'{n:,}' for n in OFFERS)} offers, half asked for by a word; {repeats} interleaved repeats of "
        f"{many[0]} decisions in process and {many[1]} at {RATE}/s open loop over HTTP by {REPS} people, each of another talk with every "
        f"gate open; {told}; DEBUG off"
    )
    figures = [figure for offers in OFFERS for figure in _figures(offers, found[offers])]
    return {"name": NAME, "did": did, "figures": [*figures, *_growth(found)]}


class Desk:
    """A queue with its people, and talks that wait for a decision."""

    def __init__(self, customers: int, past: int, waiting: int, stack: ExitStack) -> None:
        from crm.models import User
        from tests.builders import make_queue
        from tests.processes import database_url

        self.people = data.reps(REPS)
        queue = make_queue("Bench", reps=list(User.objects.filter(pk__in=self.people))).pk
        talks.people(customers)
        versions = talks.offers(max(OFFERS), min(OFFERS))
        talks.past(past, customers, versions, self.people[0])
        self.talks = talks.talks(min(waiting, customers), customers, queue, self.people)
        data.settled()
        self.bare = stack.enter_context(psycopg.connect(database_url(), autocommit=True))
        self.bare.execute("CREATE TABLE bench_floor (id bigserial PRIMARY KEY, customer bigint, told jsonb)")
        cookie = settings.SESSION_COOKIE_NAME
        sessions = [signed_in(pk).cookies[cookie].value for pk in self.people]
        self.cookies = [f"__Host-session={value}; __Host-csrf={CSRF}" for value in sessions]
        self.decided: list[int] = []

    def measured(self, offers: int, repeats: int, in_process: int, over_http: int) -> Times:
        """Everything in turn; the first round warms up."""
        talks.stand(offers)
        found: Times = {name: [] for name in ("process", "cpu", "floor", "judge", "loop", "http")}
        with web() as port:
            for turn in range(repeats + 1):
                took: Times = self._in_process(in_process)
                took["http"] = [self._over_http(port, over_http)]
                for name, windows in took.items() if turn else ():
                    found[name] += windows
        return found

    def _in_process(self, many: int) -> Times:
        from cases.models import Case
        from crm.models import User
        from outreach import arbitration, catalogue, context, deciding, lessons

        user = {pk: User.objects.get(pk=pk) for pk in self.people}
        ours, cpu, floor, judged, loop = [], [], [], [], []
        for _ in range(many):
            case = Case.objects.select_related("customer").get(pk=self.talks.pop())
            by = user[case.assignee_id or 0]
            now = timezone.now()
            known = context.read(case, now)
            shelf = catalogue.shelf(known.edition, known.catalogue, now)
            known = lessons.told(context.with_what_is_known(known, case, shelf), shelf)
            arbitration.judge(known, shelf)
            known = replace(known, facts=dict(known.facts))  # nothing of it was asked before
            judged.append(_ms(lambda k=known, s=shelf: arbitration.judge(k, s).trace_as_json()))
            conditions = [condition for offer in shelf.offers if (condition := shelf.condition(offer))]
            loop.append(_ms(lambda k=known, c=conditions: [each.holds(k.facts) for each in c]))
            floor.append(_ms(lambda c=case: self._floor(c.customer_id or 0)))
            began = time.process_time()
            ours.append(_ms(lambda c=case, u=by: self.decided.append(deciding.decide(c, by=u).pk)))
            cpu.append((time.process_time() - began) * 1000)
        return {"process": [ours], "cpu": [cpu], "floor": [floor], "judge": [judged], "loop": [loop]}

    def _floor(self, customer: int) -> None:
        told = self.bare.execute(PROFILE, [customer], prepare=True).fetchone()
        row = json.dumps([str(value) for value in told or ()])
        self.bare.execute("INSERT INTO bench_floor (customer, told) VALUES (%s, %s)", [customer, row], prepare=True)

    def _over_http(self, port: int, many: int) -> list[float]:
        """Panels asked at their intended moments, whether or not the earlier ones are answered; ms from those moments."""
        from cases.models import Case

        keys = [self.talks.pop() for _ in range(many)]
        whose = {row.pk: row for row in Case.objects.filter(pk__in=keys)}

        def ask(n: int) -> None:
            case = whose[keys[n]]
            cookie = self.cookies[self.people.index(case.assignee_id or 0)]
            headers = {"Cookie": cookie, "HX-Request": "true", "X-CSRFToken": CSRF}
            answered(port, "POST", f"/cases/{case.number}/offer/", headers)

        return at_their_moments(many, RATE, REPS, ask)

    def must_replay(self) -> None:
        """What was measured are decisions: of each size some are made again from what was kept, and come to the same."""
        from outreach.deciding import is_replayed
        from outreach.models import Decision

        some = self.decided[:: max(1, len(self.decided) // 20)]
        wrong = [d.pk for d in Decision.objects.filter(pk__in=some) if not is_replayed(d)]
        assert some, "nothing was decided"
        assert not wrong, f"not replayed: {wrong}"

    def told(self) -> str:
        from django.db.models import Count

        from outreach.models import Decision

        rows = Decision.objects.filter(pk__in=self.decided).annotate(n=Count("candidates"))
        counts = sorted(rows.values_list("n", flat=True))
        shown = rows.filter(outcome="presented").count()
        return f"{shown:,} of {len(counts):,} presented something, {counts[len(counts) // 2]} candidates got as far as a score (most {counts[-1]})"


def _ms(do: Any) -> float:
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1000


def _spread(windows: list[list[float]], share: float) -> dict[str, float]:
    return spread([percentile(window, share) for window in windows], 2)


_SAID = {
    "process": ("a decision, in process", "floor"),
    "http": ("a decision, over HTTP", "floor"),
    "judge": ("judging alone; floor: the loop", "loop"),
}


def _figures(offers: int, found: Times) -> list[dict[str, Any]]:
    figures = []
    for kind, (said, under) in _SAID.items():
        for label, share in SHARES.items():
            ours, floor = _spread(found[kind], share), _spread(found[under], share)
            ratio = spread(
                [percentile(o, share) / percentile(f, share) for o, f in zip(found[kind], found[under], strict=True)]
            )
            figure = {
                "metric": f"{offers:,} offers, {said}, {label}",
                "unit": "ms",
                "ours": ours,
                "floor": floor,
                "peer": None,
            }
            figure["ratio"] = ratio
            if label == "p99" and kind in TARGETS:
                figure |= {"target": f"≤ {TARGETS[kind]:g} ms", "met": ours["median"] <= TARGETS[kind]}
            figures.append(figure)
    own = {
        "metric": f"{offers:,} offers, CPU of our process alone, p50",
        "unit": "ms",
        "ours": _spread(found["cpu"], 0.5),
    }
    return [*figures, own | {"floor": None, "peer": None}]


def _growth(found: dict[int, Times]) -> list[dict[str, Any]]:
    few, many = (found[offers] for offers in OFFERS)
    figures = []
    for kind, (said, _under) in _SAID.items():
        grown = _spread(many[kind], 0.5)["median"] / _spread(few[kind], 0.5)["median"]
        metric = f"growth {OFFERS[0]:,} to {OFFERS[1]:,} offers, {said.split(';')[0]}, p50"
        figures.append({"metric": metric, "unit": "×", "ours": round(grown, 2), "floor": None, "peer": None})
    return figures


if __name__ == "__main__":
    print(json.dumps(run("small"), indent=1))
