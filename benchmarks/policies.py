"""Optional (`make bench ONLY=policies`): a service policy's table beside zen-engine's decision table with the same rows.

Its engine is written in Rust and runs in this kind of process through its Python binding; it needs an environment of its own,
made once in var/bench/zen, and nothing of it gets into ours. Both are asked the same questions in turn, each one by one in a
process of its own, and must name the same row for every one.
"""

import json
import random
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from benchmarks.peer import Spoken, environment
from benchmarks.stage import spread

NAME = "policies"
REQUIREMENTS = ("zen-engine==2.1.3",)
ROWS = (100, 1_000)  # a policy of ours has at most 200; the second shows how both grow
SIZES = {"small": (5, 200), "default": (5, 2_000), "full": (7, 10_000)}  # repeats, questions
IMPACTS, MOST = 10, 10_000


def run(scale: str = "default") -> dict[str, Any]:
    """Decisions a second of both, for each number of rows."""
    repeats, many = SIZES.get(scale, SIZES["default"])
    peer = Spoken(environment("zen", REQUIREMENTS), "policies_zen.py")
    try:
        figures = [figure for rows in ROWS for figure in _figures(rows, peer, repeats, many)]
    finally:
        peer.close()
    did = (
        f"tables of {' and '.join(f'{rows:,}' for rows in ROWS)} rows over a choice, a yes or no and a number, one row for each "
        f"combination; {repeats} interleaved repeats of {many:,} random questions, {REQUIREMENTS[0]} by its Python binding, "
        "its table compiled beforehand; the rows both name are compared"
    )
    return {"name": NAME, "did": did, "figures": figures}


def _figures(rows: int, peer: Spoken, repeats: int, many: int) -> list[dict[str, Any]]:
    from cases.policy import amounts

    table, lot = made(rows), random.Random(rows)
    peer.do("table", name=str(rows), table=as_theirs(table))
    ours, theirs, differing = [], [], 0
    for turn in range(repeats + 1):
        questions = [question(lot) for _ in range(many)]
        began = time.perf_counter()
        found = [amounts.decide(table, known).place for known in questions]
        took = time.perf_counter() - began
        told = peer.do("ask", name=str(rows), questions=[_plain(known) for known in questions])
        differing += sum(a != b for a, b in zip(found, told["rows"], strict=True))
        if turn:  # the first warms up
            ours.append(many / took)
            theirs.append(many / told["seconds"])
    ratio = spread([a / b for a, b in zip(ours, theirs, strict=True)], 1)
    figure = {
        "metric": f"{rows:,} rows, decisions; ratio: ours to theirs",
        "unit": "/s",
        "ours": spread(ours, 0),
        "floor": None,
    }
    same: dict[str, Any] = {"metric": f"{rows:,} rows, questions answered otherwise", "unit": "rows", "ours": differing}
    same |= {"floor": None, "peer": None, "target": "0", "met": differing == 0}
    return [{**figure, "peer": spread(theirs, 0), "ratio": ratio}, same]


def made(rows: int) -> Any:
    """A whole table: every combination has one row."""
    from cases.policy.table import CHOICE, CREDIT, NUMBER, YES_NO, Amount, Input, Row, Span, Table

    options = tuple((f"impact{n}", f"Impact {n}") for n in range(IMPACTS))
    inputs = (
        Input("impact", "Impact", CHOICE, options=options),
        Input("again", "Again", YES_NO),
        Input("late", "Minutes late", NUMBER, most=Decimal(MOST)),
    )
    spans = rows // IMPACTS // 2
    bounds = [None, *(Decimal(MOST * n // spans) for n in range(1, spans)), None]
    cells: list[dict[str, Any]] = [
        {"impact": frozenset({value}), "again": frozenset({again}), "late": Span(low, below)}
        for value, _label in options
        for again in ("yes", "no")
        for low, below in zip(bounds, bounds[1:], strict=False)
    ]
    return Table("EUR", inputs, tuple(Row(when, CREDIT, Amount(base=Decimal(n % 50))) for n, when in enumerate(cells)))


def question(lot: random.Random) -> dict[str, Any]:
    again = lot.choice(["yes", "no"])
    return {"impact": f"impact{lot.randrange(IMPACTS)}", "again": again, "late": Decimal(lot.randrange(MOST + 1))}


def _plain(known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: int(value) if isinstance(value, Decimal) else value for name, value in known.items()}


def as_theirs(table: Any) -> dict[str, Any]:
    """The same rows as a graph of theirs: request, table, response. An empty cell is any."""
    names = [each.name for each in table.inputs]
    rules = [
        {"_id": f"r{n}", **{name: _cell(row.when.get(name)) for name in names}, "row": str(n)}
        for n, row in enumerate(table.rows)
    ]
    content = {
        "hitPolicy": "first",
        "inputs": [{"id": name, "name": name, "type": "expression", "field": name} for name in names],
        "outputs": [{"id": "row", "name": "row", "type": "expression", "field": "row"}],
        "rules": rules,
    }
    nodes = [("request", "inputNode", None), ("table", "decisionTableNode", content), ("response", "outputNode", None)]
    return {
        "contentType": "application/vnd.gorules.decision",
        "nodes": [
            {"id": key, "name": key, "type": kind, "position": {"x": 0, "y": 0}, **({"content": told} if told else {})}
            for key, kind, told in nodes
        ],
        "edges": [
            {"id": f"{a}-{b}", "type": "edge", "sourceId": a, "targetId": b}
            for a, b in (("request", "table"), ("table", "response"))
        ],
    }


def _cell(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, frozenset):
        return ", ".join(json.dumps(value) for value in sorted(cell))
    bounds = [f">= {cell.low}" if cell.low is not None else "", f"< {cell.below}" if cell.below is not None else ""]
    return " and ".join(bound for bound in bounds if bound)


if __name__ == "__main__":
    print(json.dumps(run("small"), indent=1))
