"""Workload 7: the newest 50 matching cases one may see, for rare, common and middling words, two words, words of
replies, names, addresses and numbers, on a history of 100,000 and of a million cases with four messages each.

Measured through `cases.search.search` (which the page, the palette and the API call) in this process, its snippets
included, by a rep of all ten queues and by one of three. What must be found is known from the drawing of the words
(benchmarks/corpus.py), not from the database: recall is the share of those newest 50 that came, in their order.
Beside it, interleaved, the same newest 50 as one bare statement of the plan that fits, through psycopg.
"""

import json
import time
from typing import Any

import psycopg

from benchmarks import corpus
from benchmarks.corpus import QUEUES, Corpus
from benchmarks.queue import quiet
from benchmarks.stage import percentile, spread

NAME = "search"
SIZES = {"small": (5, [10_000]), "default": (5, [100_000]), "full": (7, [100_000, 1_000_000])}
LIMIT = 50
FEW = 3  # queues of the second rep
BARE = """
WITH hits AS MATERIALIZED (SELECT case_id FROM cases_casesearch WHERE document @@ %(query)s::tsquery)
SELECT c.id FROM hits JOIN cases_case c ON c.id = hits.case_id WHERE c.queue_id = ANY(%(queues)s)
ORDER BY c.opened_at DESC LIMIT 50
"""
WALK = """
SELECT newest.id FROM (SELECT id FROM cases_case WHERE queue_id = ANY(%(queues)s) ORDER BY opened_at DESC) newest
CROSS JOIN LATERAL (SELECT document FROM cases_casesearch s WHERE s.case_id = newest.id OFFSET 0) held
WHERE held.document @@ %(query)s::tsquery LIMIT 50
"""


def run(scale: str = "default") -> dict[str, Any]:
    """Figures in ms and recall for each class of query and each size."""
    repeats, sizes = SIZES.get(scale, SIZES["default"])
    figures: list[dict[str, Any]] = []
    found: dict[int, Any] = {}
    for cases in sizes:
        with corpus.opened(cases, NAME) as made, quiet():
            found[cases] = _measured(made, repeats)
            figures += _figures(made, found[cases], is_held=cases == sizes[-1])
    if len(sizes) > 1:
        figures += _growth(found[sizes[0]], found[sizes[-1]], sizes)
    did = (
        f"{' then '.join(f'{n:,} cases, {4 * n:,} messages, {n:,} customers' for n in sizes)} in {QUEUES} queues; "
        f"{repeats} interleaved repeats of 5 queries a class by a rep of all queues and one of {FEW}, after one round that "
        "warms; search() with snippets, in process, DEBUG off; floor: the newest 50 in one bare statement of the fitting plan"
    )
    return {"name": NAME, "did": did, "figures": figures}


# --- what is asked


def queries(made: Corpus) -> dict[str, list[tuple[str, list[int]]]]:
    """Class → (what is typed, the cases it must find, oldest first)."""
    words = made.words
    asked = {kind: [(w, made.truth[w]) for w in words[kind]] for kind in words}
    asked["two common"] = [_both(made, a, b) for a, b in zip(words["common"], words["common"][1:], strict=False)]
    asked["common and rare"] = [_both(made, a, b) for a, b in zip(words["common"], words["rare"], strict=True)]
    asked["name"] = [_named(made, n * 1_009 % made.cases) for n in range(1, 6)]
    asked["address"] = [_addressed(made, n * 4_001 % made.cases) for n in range(1, 6)]
    asked["nothing has it"] = [(f"zzz{n}", []) for n in range(5)]
    return asked


def _both(made: Corpus, one: str, other: str) -> tuple[str, list[int]]:
    return f"{one} {other}", sorted({*made.truth[one]} & {*made.truth[other]})


def _named(made: Corpus, customer: int) -> tuple[str, list[int]]:
    wanted = corpus.name(customer)
    alike = {n for n in range(made.cases) if corpus.name(n) == wanted}
    return " ".join(wanted), [case for case in range(1, made.cases + 1) if made.customer_of(case) in alike]


def _addressed(made: Corpus, customer: int) -> tuple[str, list[int]]:
    cases = [case for case in range(1, made.cases + 1) if made.customer_of(case) == customer]
    return corpus.address(customer), cases


def _expected(made: Corpus, cases: list[int], queues: list[int]) -> list[int]:
    """Ids of the newest 50 of them in these queues, newest first."""
    seen = [case for case in cases if made.queue_of(case) in queues]
    return [made.first_case + case for case in seen[: -LIMIT - 1 : -1]]


# --- how it is measured


def _measured(made: Corpus, repeats: int) -> dict[tuple[str, int], dict[str, Any]]:
    from crm.models import User
    from tests.processes import database_url

    whole, few = User.objects.get(pk=made.people[0]), User.objects.get(pk=made.people[1])
    few.memberships.exclude(queue__in=made.queues[:FEW]).delete()
    people = [(QUEUES, whole, made.queues), (FEW, few, made.queues[:FEW])]
    asked = queries(made)
    found: dict[tuple[str, int], dict[str, Any]] = {
        (kind, many): {"ours": [], "floor": [], "recall": []} for kind in asked for many, *_ in people
    }
    with psycopg.connect(database_url(), autocommit=True) as bare:
        for turn in range(repeats + 1):
            for kind, typed in asked.items():
                for many, user, queues in people:
                    into = found[kind, many]
                    if turn == 0:
                        into["recall"] = [_recall(made, user, text, cases, queues) for text, cases in typed]
                        continue
                    into["ours"].append([_ours(user, text) for text, _cases in typed])
                    into["floor"].append([_floor(bare, made, kind, text, queues) for text, _cases in typed])
    return found


def _recall(made: Corpus, user: Any, text: str, cases: list[int], queues: list[int]) -> float:
    from cases.search import search

    wanted = _expected(made, cases, queues)
    hits = [hit.object.pk for hit in search(user, text) if hit.kind == "case"]
    if not wanted:
        return float(not hits)
    return sum(a == b for a, b in zip(hits, wanted, strict=False)) / len(wanted)


def _ours(user: Any, text: str) -> float:
    from cases.search import search

    began = time.perf_counter()
    search(user, text)
    return (time.perf_counter() - began) * 1000


def _floor(bare: "psycopg.Connection[Any]", made: Corpus, kind: str, text: str, queues: list[int]) -> float:
    words = [word for word in text.replace("@", " ").replace(".", " ").split() if word]
    values = {"query": " & ".join(f"'{word.lower()}'" for word in words), "queues": queues}
    began = time.perf_counter()
    bare.execute(WALK if kind in {"common", "two common", "frequent"} else BARE, values).fetchall()
    return (time.perf_counter() - began) * 1000


# --- figures


def _figures(made: Corpus, found: dict[tuple[str, int], dict[str, Any]], *, is_held: bool) -> list[dict[str, Any]]:
    figures: list[dict[str, Any]] = [
        {"metric": f"{made.cases:,} cases built", "unit": "s", "ours": round(made.seconds), "floor": None, "peer": None}
    ]
    for (kind, many), one in found.items():
        for label, share in (("p50", 0.5), ("p95", 0.95)):
            ours, floor = (spread([percentile(w, share) for w in one[k]], 1) for k in ("ours", "floor"))
            figure = {
                "metric": f"{made.cases:,} cases, {many} queues, {kind}, {label}",
                "unit": "ms",
                "ours": ours,
                "floor": floor,
                "peer": None,
            }
            if label == "p95" and is_held:
                figure |= {"target": "≤ 50 ms", "met": ours["median"] <= 50}
            figures.append(figure)
    recall = min(share for one in found.values() for share in one["recall"])
    figures.append(
        {"metric": f"{made.cases:,} cases, recall, the least of all queries", "unit": "share", "ours": round(recall, 3),
         "floor": None, "peer": None, "target": "1.0", "met": recall == 1}
    )  # fmt: skip
    return figures


def _growth(few: dict[Any, Any], many: dict[Any, Any], sizes: list[int]) -> list[dict[str, Any]]:
    """How much more the larger history costs, by the median of all queries of a class."""
    return [
        {"metric": f"growth {sizes[0]:,} to {sizes[-1]:,} cases, {kind}, {queues} queues, p50", "unit": "×",
         "ours": round(_median(many[kind, queues]["ours"]) / _median(few[kind, queues]["ours"]), 2), "floor":
         round(_median(many[kind, queues]["floor"]) / _median(few[kind, queues]["floor"]), 2), "peer": None}
        for kind, queues in few
    ]  # fmt: skip


def _median(windows: list[list[float]]) -> float:
    return percentile([took for window in windows for took in window], 0.5)


if __name__ == "__main__":
    print(json.dumps(run("small"), indent=1))
