"""A decision table as it is kept and as it is asked: inputs, rows, what each row gives. Pure.

An input is a choice, a yes or no, or a number; a row says for each input which values it is for, and leaving one out means
any. Numbers are cut in half-open intervals, `from` included and `below` not, so that two rows meet without a seam.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from customers.sieve import places

CHOICE, YES_NO, NUMBER = "choice", "yes_no", "number"
KINDS = (CHOICE, YES_NO, NUMBER)
ASKED = "asked"  # where an input comes from when the rep says it; else the name of a fact
YES, NO = "yes", "no"
NONE, CREDIT, REFUND, WAIVER, REPLACEMENT = "none", "credit", "refund", "waiver", "replacement"
REMEDIES = (NONE, CREDIT, REFUND, WAIVER, REPLACEMENT)
PROMISE_BROKEN = "promise_broken"
UNASKED = ("", PROMISE_BROKEN)
MOST_INPUTS, MOST_ROWS = 8, 200


@dataclass(frozen=True)
class Span:
    """Numbers from `low` on and less than `below`; None: as far as the input goes."""

    low: Decimal | None = None
    below: Decimal | None = None

    def holds(self, number: Decimal) -> bool:
        return (self.low is None or self.low <= number) and (self.below is None or number < self.below)


Cell = frozenset[str] | Span
Known = str | Decimal


@dataclass(frozen=True)
class Input:
    """One thing the table goes by. `source` is `asked` or the name of a fact; numbers run from `least` to `most`, both
    included, or without end."""

    name: str
    label: str
    kind: str
    source: str = ASKED
    options: tuple[tuple[str, str], ...] = ()  # value, label
    least: Decimal = Decimal(0)
    most: Decimal | None = None

    @property
    def values(self) -> tuple[str, ...]:
        return (YES, NO) if self.kind == YES_NO else tuple(value for value, _label in self.options)

    @property
    def is_asked(self) -> bool:
        return self.source == ASKED


@dataclass(frozen=True)
class Amount:
    """clip((base + each · input) · factor · (1 + step · prior, at most `most_times`), least, most)."""

    base: Decimal = Decimal(0)
    each: Decimal = Decimal(0)
    of: str = ""  # the number input that `each` is for
    factor_of: str = ""  # the choice whose value says the factor
    factors: Mapping[str, Decimal] = field(default_factory=dict)
    step: Decimal = Decimal(0)
    most_times: Decimal = Decimal(1)
    least: Decimal = Decimal(0)
    most: Decimal | None = None


@dataclass(frozen=True)
class Row:
    """For these values, this remedy. `unasked`: what has it paid without anybody asking."""

    when: Mapping[str, Cell]
    remedy: str
    amount: Amount = Amount()
    words: str = ""
    unasked: str = ""

    @property
    def reads(self) -> set[str]:
        """The inputs its amount goes by."""
        return {name for name in (self.amount.of, self.amount.factor_of) if name}

    def holds(self, known: Mapping[str, Known]) -> bool:
        return all(covers(cell, known.get(name)) for name, cell in self.when.items())


@dataclass(frozen=True)
class Table:
    """Everything a version of a policy says."""

    currency: str
    inputs: tuple[Input, ...]
    rows: tuple[Row, ...]

    def input(self, name: str) -> Input | None:
        return next((each for each in self.inputs if each.name == name), None)

    @property
    def unasked(self) -> bool:
        return any(row.unasked for row in self.rows)

    def fitting(self, known: Mapping[str, Known]) -> list[int]:
        """The places of the rows that are for what is known: for each input one look-up, however many rows there are."""
        left = (1 << len(self.rows)) - 1
        for name, column in self._columns.items():
            left &= column.holding(known.get(name))
        return list(places(left))

    @cached_property
    def _columns(self) -> dict[str, "_Column"]:
        names = dict.fromkeys(name for row in self.rows for name, cell in row.when.items() if cell is not None)
        return {name: _Column([row.when.get(name) for row in self.rows]) for name in names}


class _Column:
    """What the rows say of one input, by its value. A set of rows is one whole number, a bit for each place."""

    def __init__(self, cells: "Sequence[Cell | None]") -> None:
        self._any = sum(1 << place for place, cell in enumerate(cells) if cell is None)
        self._chosen: dict[str, int] = {}
        spans = [(place, cell) for place, cell in enumerate(cells) if isinstance(cell, Span)]
        for place, cell in enumerate(cells):
            for value in cell if isinstance(cell, frozenset) else ():
                self._chosen[value] = self._chosen.get(value, 0) | 1 << place
        self._is_number = bool(spans)
        self._bounds = sorted(
            {bound for _place, cell in spans for bound in (cell.low, cell.below) if bound is not None}
        )
        self._between = [0] * (len(self._bounds) + 1)  # of the numbers before the first bound, up to the next, …
        for place, cell in spans:
            first = bisect_right(self._bounds, cell.low) if cell.low is not None else 0
            end = bisect_right(self._bounds, cell.below) if cell.below is not None else len(self._between)
            for piece in range(first, end):
                self._between[piece] |= 1 << place

    def holding(self, value: Known | None) -> int:
        """The rows whose cell is for this value. Of one nobody said only those for any."""
        if value is None:
            return self._any
        found = self._any | (self._chosen.get(value, 0) if isinstance(value, str) else 0)
        return found | self._between[bisect_right(self._bounds, Decimal(value))] if self._is_number else found


def covers(cell: Cell | None, value: Known | None) -> bool:
    """Whether a cell is for this value. Any cell is for a value nobody said only if it is for every one."""
    if cell is None:
        return True
    if value is None:
        return False
    return cell.holds(Decimal(value)) if isinstance(cell, Span) else value in cell
