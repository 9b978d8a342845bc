"""Where people keep deciding otherwise than a row says, for one and the same reason: then the row may be wrong, and a draft
of another one is proposed. Pure: what was decided in, proposals out. Nothing is ever changed by it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from typing import Any

from cases.policy.amounts import CENT
from cases.policy.table import NONE

SPAN = timedelta(days=30)
# Below five it may be one colleague on one bad day; below a fifth of a row's decisions the row is right for most, and the
# reason is what a reason is for: an exception.
FEWEST = 5
SHARE = Decimal("0.2")


@dataclass(frozen=True)
class Decided:
    """What somebody chose by a row (its place in the present table)."""

    row: int
    computed: Decimal
    granted: Decimal
    kind: str
    reason: str = ""

    @property
    def is_override(self) -> bool:
        return bool(self.reason) and self.granted != self.computed


@dataclass(frozen=True)
class Proposal:
    """A row that `count` of `of` decisions overrode for one reason; medians of what they gave and of what the row said."""

    row: int
    reason: str
    count: int
    of: int
    granted: Decimal
    computed: Decimal
    kind: str  # what they mostly gave
    ratio: Decimal | None  # median of granted / computed; None where the row gave nothing

    @property
    def key(self) -> str:
        return f"{self.row}-{self.reason}"


def proposals(decided: Iterable[Decided]) -> list[Proposal]:
    """By row and reason, those that were given often enough; the most frequent first."""
    of_row = Counter[int]()
    overrides: dict[tuple[int, str], list[Decided]] = defaultdict(list)
    for each in decided:
        of_row[each.row] += 1
        if each.is_override:
            overrides[each.row, each.reason].append(each)
    found = [
        _proposal(row, reason, rows, of_row[row])
        for (row, reason), rows in overrides.items()
        if len(rows) >= FEWEST and len(rows) >= SHARE * of_row[row]
    ]
    return sorted(found, key=lambda each: (-each.count, each.row, each.reason))


def _proposal(row: int, reason: str, rows: list[Decided], of: int) -> Proposal:
    ratios = [each.granted / each.computed for each in rows if each.computed]
    return Proposal(
        row,
        reason,
        len(rows),
        of,
        _cents(median(each.granted for each in rows)),
        _cents(median(each.computed for each in rows)),
        Counter(each.kind for each in rows).most_common(1)[0][0],
        median(ratios) if len(ratios) == len(rows) else None,
    )


def changed(table: Mapping[str, Any], found: Proposal) -> dict[str, Any]:
    """The table with that row giving what people gave: every amount of its formula times the median of granted / computed,
    so that the steps between stay as they are. Where the row gave nothing, the median of what was given."""
    draft: dict[str, Any] = deepcopy(dict(table))
    row = draft["rows"][found.row]
    amount = row.setdefault("amount", {})
    if found.ratio is None or row["remedy"] == NONE:
        row |= {"remedy": found.kind, "amount": {"base": str(found.granted)}}
        return draft
    for part in ("base", "each", "least", "most"):
        if amount.get(part) not in (None, ""):
            amount[part] = _plain(_cents(Decimal(str(amount[part])) * found.ratio))
    return draft


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def _plain(amount: Decimal) -> str:
    """12 rather than 12.00."""
    return format(amount.to_integral_value() if amount == amount.to_integral_value() else amount, "f")
