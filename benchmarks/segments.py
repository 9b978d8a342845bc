"""Workload 9: fifty segments over a million customers, kept up while a thousand profiles a second change.

Each segment is counted anew as the keeper does it (one statement that compares sets; beside it, in turn, the same
condition's customers as one bare count through psycopg). Then a process of its own changes customers at a steady pace, open
loop, while this one keeps up in a loop as the keeper does: how stale a change gets is counted from its commit to the end
of the first round that began after it. In the end every row is compared with a full recount.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg

from benchmarks import data
from benchmarks.queue import quiet
from benchmarks.stage import database, percentile, spread

NAME = "segments"
# customers, segments, changes a second, seconds of them, repeats
SIZES = {"small": (10_000, 10, 100, 5, 3), "default": (100_000, 50, 1000, 15, 5), "full": (1_000_000, 50, 1000, 30, 5)}
PAUSE = 0.5  # seconds the keeper rests when there is nothing to do
VARIED = """
UPDATE customers_customer SET tier = (ARRAY['gold', 'silver', ''])[1 + id % 3], country = (ARRAY['GB', 'DE', 'ES', ''])[1 + id % 4],
    since = CASE WHEN id % 5 > 0 THEN current_date - (id * 7 % 2000)::int END
"""
# Some bought lately, some long ago.
SPREAD = "UPDATE customers_order SET placed_at = placed_at - (customer_id % 60) * interval '1 day'"
CHANGE = """
UPDATE customers_customer SET tier = (ARRAY['gold', 'silver', ''])[1 + (random() * 2)::int]
WHERE id = (SELECT min(id) FROM customers_customer) + %s
"""
WRITER = """
import json, random, sys, time
import psycopg
url, change, customers, pace, seconds = json.loads(sys.stdin.readline())
dice, made = random.Random(7), []
with psycopg.connect(url, autocommit=True) as line:
    began = time.time()
    for n in range(int(pace * seconds)):
        time.sleep(max(0.0, began + n / pace - time.time()))
        line.execute(change, [dice.randrange(customers)], prepare=True)
        made.append(time.time())
print(json.dumps(made))
"""


def run(scale: str = "default") -> dict[str, Any]:
    """Figures of one size: recounts in ms, staleness in ms, and whether rows and recount are the same."""
    size = SIZES.get(scale, SIZES["default"])
    customers, many, pace, seconds, repeats = size
    with database(NAME), quiet():
        built = _built(customers, many)
        anew, floor = _counted_anew(built, repeats)
        held = _in_process(built)
        stale, rounds, made = _kept_up(customers, pace, seconds)
        differing = _differing(built)
    did = (
        f"{customers:,} customers with 2 subscriptions, 5 orders and 3 statements each, {many} segments (a third of them counts of rows); "
        f"a dozen of them counted anew {repeats} times; {len(made):,} changes in {made[-1] - made[0]:.1f} s, asked {pace:,}/s, from a process of its own on the same "
        f"cores, {rounds} rounds; floor: the bare count of each condition"
    )
    return {
        "name": NAME,
        "did": did,
        "figures": _figures(size, anew, floor, held, stale, len(made) / (made[-1] - made[0]), differing),
    }


def _built(customers: int, many: int) -> list[Any]:
    from django.utils import timezone

    from customers.models import Segment
    from customers.segments import keep_up

    with data.unwatched():
        data.customers(customers)
        data.sql(VARIED)
        data.holdings()
        data.sql(SPREAD)
    for n in range(many):
        Segment.objects.create(key=f"s{n}", name=f"Segment {n}").publish(condition(n))
    data.settled()
    while keep_up(timezone.now()):
        pass
    return list(Segment.objects.select_related("current").order_by("pk"))


def condition(n: int) -> dict[str, Any]:
    """One of many that differ: three predicates; who is who by how long and from where; a number of rows lately."""
    tier = {"fact": "tier", "op": "is", "value": ("gold", "silver")[n % 2]}
    country = {"fact": "country", "op": "in", "value": [["GB", "DE"], ["ES"], ["DE", "ES"]][n % 3]}
    since = {"fact": "since", "op": "before", "value": {"days_ago": 100 + 30 * n}}
    kinds: list[list[dict[str, Any]]] = [
        [tier, country, since],
        [tier, {"not": country}, {"fact": "consent.advice.mail", "op": "is", "value": True}],
        [tier, {"count": "orders", "within_days": 45 + 20 * (n % 5), "op": "at_least", "value": 1 + n % 2}],
    ]
    return {"all": kinds[n % 3]}


# --- how it is measured


def _counted_anew(built: list[Any], repeats: int) -> tuple[list[float], list[float]]:
    """Of each repeat the median over a dozen segments of every kind: ours and the bare count, in turn."""
    from django.utils import timezone

    from customers import segments
    from tests.processes import database_url

    ours: list[float] = []
    floor: list[float] = []
    some = built[:: max(1, len(built) // 12)]  # every fourth of fifty: of each kind some
    with psycopg.connect(database_url(), autocommit=True) as bare:
        for _ in range(repeats):
            took: tuple[list[float], list[float]] = ([], [])
            for segment in some:
                sql, values = segments.members(segment).order_by().values("pk").query.sql_with_params()
                counted = f"SELECT count(*) FROM ({sql}) AS q"
                took[0].append(_ms(lambda s=segment: segments._count_anew(s, timezone.now())))
                took[1].append(_ms(lambda c=counted, v=values: bare.execute(c, v).fetchone()))
            ours.append(percentile(took[0], 0.5))
            floor.append(percentile(took[1], 0.5))
    return ours, floor


def _ms(do: Any) -> float:
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1000


def _in_process(built: list[Any]) -> list[float]:
    """µs a customer and condition, whose facts are at hand."""
    from django.utils import timezone

    from customers import facts, segments
    from customers.models import Customer

    now = timezone.now()
    conditions = [segments.compiled(segment, now) for segment in built]
    names = {name for each in conditions for name in each.names}
    known = list(facts.load(Customer.objects.order_by("pk")[:1000], now, names=names).values())
    found = []
    for _ in range(5):
        began = time.perf_counter()
        for each in conditions:
            for told in known:
                each.holds(told)
        found.append((time.perf_counter() - began) / len(known) / len(conditions) * 1e6)
    return found


def _kept_up(customers: int, pace: int, seconds: float) -> tuple[list[float], int, list[float]]:
    """How stale each change got, in ms; in how many rounds; and when the changes were made."""
    rounds: list[tuple[float, float]] = []
    with _writing(customers, pace, seconds) as writer, ThreadPoolExecutor(1) as reader:
        assert writer.stdout
        told = reader.submit(writer.stdout.read)  # a pipe holds less than it tells: it would wait for us for ever
        while not told.done():
            _round(rounds)
        made: list[float] = json.loads(told.result())
    while _round(rounds):
        pass
    rounds.append((time.time(), time.time()))
    ends = iter(rounds)
    began, ended = next(ends)
    stale = []
    for at in made:
        while began < at:
            began, ended = next(ends)
        stale.append((ended - at) * 1000)
    return stale, len(rounds), made


def _round(rounds: list[tuple[float, float]]) -> int:
    from django.utils import timezone

    from customers.segments import keep_up

    began = time.time()
    done = keep_up(timezone.now())
    rounds.append((began, time.time()))
    if not done:
        time.sleep(PAUSE)
    return done


@contextmanager
def _writing(customers: int, pace: int, seconds: float) -> Iterator["subprocess.Popen[str]"]:
    from tests.processes import database_url

    writer = subprocess.Popen([sys.executable, "-c", WRITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdin
        writer.stdin.write(json.dumps([database_url(), CHANGE, customers, pace, seconds]) + "\n")
        writer.stdin.flush()
        yield writer
    finally:
        writer.kill()
        writer.wait()


def _differing(built: list[Any]) -> int:
    """Rows a full recount would not have, or would have more."""
    from django.utils import timezone

    from customers import segments
    from customers.models import SegmentMember

    differing = 0
    for segment in built:
        rows = set(SegmentMember.objects.filter(segment=segment).values_list("customer_id", flat=True))
        differing += len(rows ^ set(segments.members(segment, timezone.now()).values_list("pk", flat=True)))
    return differing


def _figures(
    size: tuple[int, int, int, int, int],
    anew: list[float],
    floor: list[float],
    held: list[float],
    stale: list[float],
    pace: float,
    differing: int,
) -> list[dict[str, Any]]:
    what = f"{size[0]:,} customers, {size[1]} segments"
    ratio = [o / f for o, f in zip(anew, floor, strict=True)]
    p99 = percentile(stale, 0.99)

    def one(metric: str, unit: str, ours: Any, **more: Any) -> dict[str, Any]:
        return {"metric": f"{what}, {metric}", "unit": unit, "ours": ours, "floor": None, "peer": None} | more

    return [
        one("one counted anew", "ms", spread(anew, 1), floor=spread(floor, 1), ratio=spread(ratio, 1)),
        one("one customer in process", "µs", spread(held, 2), target="≤ 10 µs", met=spread(held, 2)["median"] <= 10),
        one("changes a second", "/s", round(pace, 1), target=f"≥ {0.95 * size[2]:g}/s", met=pace >= 0.95 * size[2]),
        one("staleness p50", "ms", round(percentile(stale, 0.5), 1)),
        one("staleness p99", "ms", round(p99, 1), target="≤ 1,000 ms", met=p99 <= 1000),
        one("rows that differ from a recount", "rows", differing, target="0", met=differing == 0),
    ]


if __name__ == "__main__":
    print(json.dumps(run("small"), indent=1))
