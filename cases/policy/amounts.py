"""What a row gives, and how it comes about, step by step. Pure.

    A = clip((base + each · x) · factor(y) · min(1 + step · prior, most_times), least, most)

x is a number input, y a choice, prior how many remedies this customer had for the same within twelve months. The form is
that of the British regulators: a fixed tariff an event and unit of time (Ofcom, automatic compensation), bands by impact
(Financial Ombudsman Service); see docs/policies.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from cases.policy.table import Amount, Known, Row, Table

CENT = Decimal("0.01")
BASE, EACH, FACTOR, PRIOR, LEAST, MOST = "base", "each", "factor", "prior", "least", "most"


@dataclass(frozen=True)
class Step:
    """One step: what was done (`kind`), by how much, of which input and value, and what it made."""

    kind: str
    by: Decimal
    made: Decimal
    of: str = ""
    value: str = ""


@dataclass(frozen=True)
class Decision:
    """The one row that is for these facts, and its amount."""

    place: int  # of the row, from 0
    row: Row
    amount: Decimal
    steps: tuple[Step, ...]


class Undecided(Exception):
    """No row, or more than one, is for these facts: never of a table that was proved whole."""


def decide(table: Table, known: Mapping[str, Known], *, prior: int = 0) -> Decision:
    """The row for what is known. Raises Undecided."""
    fitting = table.fitting(known)
    if len(fitting) != 1:
        raise Undecided(f"{len(fitting)} rows")
    return of_row(table, fitting[0], known, prior)


def decide_unasked(table: Table, known: Mapping[str, Known], cause: str, *, prior: int = 0) -> Decision | None:
    """The row that pays for `cause` with nobody asked; None where no such row is for what is known, or its amount goes by
    what nobody can know."""
    for place, row in enumerate(table.rows):
        if row.unasked == cause and row.holds(known) and row.reads <= set(known):
            return of_row(table, place, known, prior)
    return None


def read_unasked(table: Table, cause: str) -> set[str]:
    """The inputs that say whether `cause` is paid for with nobody asked, and how much it is."""
    return {name for row in table.rows if row.unasked == cause for name in {*row.when, *row.reads}}


def of_row(table: Table, place: int, known: Mapping[str, Known], prior: int) -> Decision:
    """What this row gives for what is known; everything its amount goes by must be."""
    row = table.rows[place]
    steps = tuple(_steps(row.amount, known, prior)) if row.remedy != "none" else ()
    return Decision(place, row, rounded(steps[-1].made) if steps else Decimal(0), steps)


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def _steps(amount: Amount, known: Mapping[str, Known], prior: int) -> list[Step]:
    """Those that change something, and the base."""
    made = amount.base
    steps = [Step(BASE, amount.base, made)]
    if amount.of and amount.each:
        number = Decimal(known[amount.of])
        made += amount.each * number
        steps.append(Step(EACH, amount.each, made, amount.of, str(number)))
    factor = amount.factors.get(str(known.get(amount.factor_of)), Decimal(1))
    if factor != 1:
        made *= factor
        steps.append(Step(FACTOR, factor, made, amount.factor_of, str(known[amount.factor_of])))
    times = min(1 + amount.step * prior, max(amount.most_times, Decimal(1)))
    if times != 1:
        made *= times
        steps.append(Step(PRIOR, times, made, value=str(prior)))
    return [*steps, *_clipped(amount, made)]


def _clipped(amount: Amount, made: Decimal) -> list[Step]:
    if made < amount.least:
        return [Step(LEAST, amount.least, amount.least)]
    if amount.most is not None and made > amount.most:
        return [Step(MOST, amount.most, amount.most)]
    return []
