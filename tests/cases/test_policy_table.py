"""Decision tables: proved whole, asked, and computed, against counting everything by hand."""

import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.policy import amounts, proving, shape, words
from cases.policy.table import Amount, Input, Row, Span, Table

FACTS = {"minutes_late", "reopened"}


def outage(*rows: dict[str, Any]) -> dict[str, Any]:
    """A small table: how hard it hit, and how late we were."""
    inputs = [
        {"name": "impact", "label": "Impact", "kind": "choice",
         "options": [{"value": "small", "label": "a nuisance"}, {"value": "hard", "label": "work stood still"}]},
        {"name": "late", "label": "Minutes late", "kind": "number", "from": "minutes_late", "most": 1440},
    ]  # fmt: skip
    return {"currency": "EUR", "inputs": inputs, "rows": list(rows)}


_WORDS = ["name", "label", "kind", "from", "options", "value", "least", "most", "when", "remedy", "amount", "base", "each", "of",
          "factor_of", "factors", "unasked", "words", "impact", "late", "below", "inputs", "rows", "currency"]  # fmt: skip


def row(remedy: str = "credit", amount: dict[str, Any] | None = None, **when: Any) -> dict[str, Any]:
    return {"when": when, "remedy": remedy, "amount": amount or {"base": "5"}, "words": "We are sorry."}


def faults(data: Any) -> list[str]:
    with pytest.raises(shape.BadTable) as bad:
        shape.whole(data, FACTS)
    return bad.value.faults


def test_a_whole_table_is_taken() -> None:
    table = shape.whole(
        outage(
            row(impact=["small"]), row(impact=["hard"], late={"below": 60}), row(impact=["hard"], late={"from": 60})
        ),
        FACTS,
    )
    assert len(table.rows) == 3


def test_an_overlap_is_said_with_what_both_rows_are_for() -> None:
    told = faults(outage(row(late={"below": 60}), row(late={"from": 60}), row(impact=["hard"], late={"from": 30})))
    assert told == [
        "Rows 1 and 3 are both for this: Impact: work stood still; Minutes late: from 30 and below 60.",
        "Rows 2 and 3 are both for this: Impact: work stood still; Minutes late: from 60.",
    ]


def test_a_gap_is_said_with_what_no_row_is_for() -> None:
    assert faults(outage(row(impact=["small"]), row(impact=["hard"], late={"below": 60}))) == [
        "No row is for this: Impact: work stood still; Minutes late: from 60."
    ]


def test_the_highest_number_is_not_forgotten() -> None:
    assert faults(outage(row(late={"below": 1440}))) == ["No row is for this: Minutes late: exactly 1440."]


def test_a_table_that_says_nothing_is_refused_in_words() -> None:
    assert faults([]) == ["A table is an object with currency, inputs and rows."]
    assert faults({"currency": "eur", "inputs": 7, "rows": []}) == [
        "Name the currency with three capital letters, like EUR.",
        "inputs is a list of objects.",
    ]
    assert faults(outage()) == ["Add a row: a table without rows decides nothing."]


@pytest.mark.parametrize(
    "name", ["customer_value", "clv", "sentiment", "how_angry", "followers", "reach", "Kundenwert", "Reichweite", "NPS"]
)
def test_what_a_customer_is_worth_feels_or_reaches_is_no_input(name: str) -> None:
    data = outage(row())
    data["inputs"][0]["label"] = name
    assert "the same failure, the same remedy" in faults(data)[0]


@pytest.mark.parametrize("label", ["Price of the plan", "Each day late", "Did the parcel arrive?", "Preis des Tarifs"])
def test_what_happened_is_an_input(label: str) -> None:
    data = outage(row())
    data["inputs"][0]["label"] = label
    shape.whole(data, FACTS)


def test_an_option_is_no_way_round_either() -> None:
    data = outage(row())
    data["inputs"][0]["options"][0]["label"] = "angry"
    assert "angry" in faults(data)[0]


def test_a_fact_nobody_computes_is_refused() -> None:
    data = outage(row())
    data["inputs"][1]["from"] = "weather"
    assert faults(data) == ["There is no fact “weather”. There are: minutes_late, reopened."]


def test_what_is_paid_unasked_asks_nobody() -> None:
    told = faults(outage({**row(impact=["hard"]), "unasked": "promise_broken"}, row(impact=["small"])))
    assert told == ["Row 1: it is paid unasked, so nobody is there to say “Impact”: leave that at any."]


def test_an_amount_is_computed_step_by_step() -> None:
    formula = {"base": "5", "each": "0.10", "of": "late", "factor_of": "impact", "factors": {"hard": "1.5"},
               "step": "0.5", "most_times": "2", "most": "40"}  # fmt: skip
    table = shape.whole(outage(row(amount=formula)), FACTS)
    once = amounts.decide(table, {"impact": "hard", "late": Decimal(90)}, prior=1)
    assert once.amount == Decimal("31.50")  # (5 + 9) · 1.5 · 1.5
    assert words.steps(table, once) == [
        "Base: 5.00 EUR",
        "and 0.1 for each of 90 (Minutes late): 14.00 EUR",
        "times 1.5, for Impact is work stood still: 21.00 EUR",
        "times 1.5, for the same was made good 1 times in twelve months: 31.50 EUR",
    ]
    often = amounts.decide(table, {"impact": "hard", "late": Decimal(90)}, prior=9)
    assert often.amount == Decimal("40.00")  # 42, clipped
    assert words.steps(table, often)[-1] == "never more than 40.00 EUR"


def test_nothing_comes_from_a_row_that_gives_nothing() -> None:
    table = shape.whole(outage(row("none")), FACTS)
    assert amounts.decide(table, {"impact": "hard", "late": Decimal(90)}).amount == 0


CELLS: Any = st.fixed_dictionaries({}, optional={
    "impact": st.frozensets(st.sampled_from(["small", "hard", "worst"]), min_size=1),
    "late": st.builds(Span, st.none() | st.integers(0, 9).map(Decimal), st.none() | st.integers(0, 9).map(Decimal)),
})  # fmt: skip
SAID: Any = st.fixed_dictionaries({}, optional={
    "impact": st.sampled_from(["small", "hard", "worst", "other"]),
    "late": st.integers(-1, 10).map(Decimal) | st.sampled_from([Decimal("8.5"), "3"]),
})  # fmt: skip


@given(st.lists(CELLS, max_size=12), st.lists(SAID, min_size=1, max_size=6))
@settings(max_examples=300, deadline=None)
def test_looked_up_by_value_the_rows_are_those_that_say_so_themselves(cells: list[Any], said: list[Any]) -> None:
    table = Table("EUR", (), tuple(Row(when, "credit") for when in cells))
    for known in said:
        assert table.fitting(known) == [place for place, row in enumerate(table.rows) if row.holds(known)]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(["credit", "choice", "number", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=5),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(JSON, JSON, JSON)
def test_whatever_is_sent_is_a_table_or_refused_in_sentences(whole: Any, inputs: Any, line: Any) -> None:
    good = outage(row())
    for data in (
        whole,
        {**good, "inputs": inputs},
        {**good, "rows": [line]},
        {**good, "rows": [{**row(), "amount": line}]},
    ):
        assert all(isinstance(fault, str) and fault for fault in _said_of(data))


def _said_of(data: Any) -> list[str]:
    try:
        shape.whole(data, FACTS)
    except shape.BadTable as bad:
        return bad.faults
    return []


# --- against counting

NUMBERS = range(7)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Small tables over a choice and a number, whole or not."""
    inputs = (
        Input("a", "A", "choice", options=(("x", "x"), ("y", "y"), ("z", "z"))),
        Input("n", "N", "number", most=Decimal(draw(st.sampled_from([3, 6])))),
        Input("b", "B", "yes_no"),
    )
    rows = draw(st.lists(_rows(), max_size=6))
    return Table("EUR", inputs, tuple(rows))


@st.composite
def _rows(draw: st.DrawFn) -> Row:
    when: dict[str, Any] = {}
    if draw(st.booleans()):
        when["a"] = frozenset(draw(st.sets(st.sampled_from("xyz"), min_size=1)))
    if draw(st.booleans()):
        when["b"] = frozenset(draw(st.sets(st.sampled_from(["yes", "no"]), min_size=1)))
    if draw(st.booleans()):
        low, below = draw(st.tuples(st.integers(0, 6), st.integers(0, 7)).filter(lambda pair: pair[0] < pair[1]))
        when["n"] = Span(Decimal(low) if low else None, Decimal(below) if below < 7 else None)
    return Row(when, "credit", Amount(base=Decimal(1)))


def _everything(table: Table) -> list[dict[str, Any]]:
    numbers = [Decimal(n) / 2 for n in range(2 * int(table.inputs[1].most or 0) + 1)]
    return [dict(zip("anb", each, strict=True)) for each in itertools.product("xyz", numbers, ["yes", "no"])]


@settings(deadline=None, max_examples=300)
@given(tables())
def test_faults_are_just_those_that_counting_finds(table: Table) -> None:
    hit = [sum(row.holds(known) for row in table.rows) for known in _everything(table)]
    overlaps, gaps = proving.overlaps(table, 1000), proving.gaps(table, 1000)
    assert bool(overlaps) == any(count > 1 for count in hit)
    assert bool(gaps) == any(count == 0 for count in hit)
    for overlap in overlaps:
        inside = [k for k in _everything(table) if Row(_cells(overlap.where), "none").holds(k)]
        assert inside
        assert all(table.rows[overlap.first].holds(k) and table.rows[overlap.second].holds(k) for k in inside)
    for gap in gaps:
        inside = [k for k in _everything(table) if Row(_cells(gap.where), "none").holds(k)]
        assert inside
        assert not any(row.holds(k) for row in table.rows for k in inside)


def _cells(where: proving.Combination) -> dict[str, Any]:
    return {name: cell for name, cell in where.items() if cell is not None}


@settings(deadline=None, max_examples=300)
@given(tables(), st.integers(0, 5))
def test_a_whole_table_decides_everything(table: Table, prior: int) -> None:
    if proving.overlaps(table, 1) or proving.gaps(table, 1):
        return
    for known in _everything(table):
        assert amounts.decide(table, known, prior=prior).amount >= 0


def test_a_large_table_is_proved_without_trying_everything() -> None:
    """Eight inputs of eight values: 16 million combinations, 200 rows that leave one small corner out."""
    options = tuple((str(n), str(n)) for n in range(8))
    inputs = tuple(Input(f"i{n}", f"I{n}", "choice", options=options) for n in range(8))
    rows: list[Row] = []
    corner: dict[str, Any] = {}
    for each in inputs:  # each row takes what the rows before it leave, but for the last value
        rows += [Row({**corner, each.name: frozenset([str(n)])}, "credit") for n in range(7)]
        corner = {**corner, each.name: frozenset(["7"])}
    table = Table("EUR", inputs, tuple(rows))
    assert proving.overlaps(table) == []
    [gap] = proving.gaps(table)
    assert gap.where == {each.name: frozenset(["7"]) for each in inputs}
    whole = Table("EUR", inputs, (*table.rows, Row(corner, "none")))
    assert proving.gaps(whole) == []
