"""Is a table whole? Every combination of inputs must have one row and no more. Pure.

Each input falls into elementary pieces: its values, or the numbers between two bounds that rows name. Within a piece no row
tells one value from another, so the table is decided by finitely many combinations. Two rows overlap where their pieces
meet in every input: looked at pair by pair. Gaps are found by descending input by input with the rows still possible, never
twice into the same rows. Where no rows overlap their volumes add up, and a branch whose rows fill it is left at once: what
remains leads straight to a gap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import prod

from cases.policy.table import NUMBER, Cell, Input, Known, Span, Table, covers

Combination = dict[str, Cell | None]  # by input; None: any
MOST_TOLD = 5


@dataclass(frozen=True)
class Overlap:
    """Two rows (their places, from 0) that are both for this."""

    first: int
    second: int
    where: Combination


@dataclass(frozen=True)
class Gap:
    """No row is for this."""

    where: Combination


def overlaps(table: Table, most: int = MOST_TOLD) -> list[Overlap]:
    grid = _Grid(table)
    found = []
    for first, second in grid.meeting():
        shared = [a & b for a, b in zip(grid.masks[first], grid.masks[second], strict=True)]
        found.append(Overlap(first, second, grid.combination(shared)))
        if len(found) == most:
            break
    return found


def gaps(table: Table, most: int = MOST_TOLD) -> list[Gap]:
    grid = _Grid(table)
    descent = _Descent(grid, most, disjoint=next(grid.meeting(), None) is None)
    descent.go(0, tuple(range(len(table.rows))), [])
    return [Gap(grid.combination(masks)) for masks in descent.found]


class _Grid:
    """A table cut in pieces: for each row and input a mask of the pieces it is for."""

    def __init__(self, table: Table) -> None:
        self.inputs = table.inputs
        self.pieces = [_pieces(each, table) for each in table.inputs]
        self.whole = [(1 << len(pieces)) - 1 for pieces in self.pieces]
        self.masks = [
            [_mask(row.when.get(i.name), pieces) for i, pieces in zip(table.inputs, self.pieces, strict=True)]
            for row in table.rows
        ]

    def meeting(self) -> Iterator[tuple[int, int]]:
        """Pairs of rows that are both for something."""
        for second, theirs in enumerate(self.masks):
            for first in range(second):
                if all(a & b for a, b in zip(self.masks[first], theirs, strict=True)):
                    yield first, second

    def combination(self, masks: Sequence[int]) -> Combination:
        """Masks of the first inputs as cells; the rest is any."""
        found: Combination = {each.name: None for each in self.inputs}
        for place, mask in enumerate(masks):
            if mask != self.whole[place]:
                found[self.inputs[place].name] = _cell(self.inputs[place], self.pieces[place], mask)
        return found


class _Descent:
    """The search for gaps."""

    def __init__(self, grid: _Grid, most: int, *, disjoint: bool) -> None:
        self.grid, self.most, self.disjoint = grid, most, disjoint
        self.found: list[list[int]] = []
        self.sound: set[tuple[int, tuple[int, ...]]] = set()
        self.volumes = [
            [prod((mask.bit_count() for mask in row[depth:]), start=1) for depth in range(len(row) + 1)]
            for row in grid.masks
        ]
        sizes = [len(pieces) for pieces in grid.pieces]
        self.room = [prod(sizes[depth:], start=1) for depth in range(len(sizes) + 1)]

    def go(self, depth: int, alive: tuple[int, ...], masks: list[int]) -> None:
        if len(self.found) >= self.most:
            return
        if not alive:
            self.found.append(masks)
        elif not self._is_filled(depth, alive):
            self._into(depth, alive, masks)

    def _is_filled(self, depth: int, alive: tuple[int, ...]) -> bool:
        room = self.room[depth]
        if any(self.volumes[row][depth] == room for row in alive):
            return True
        return self.disjoint and sum(self.volumes[row][depth] for row in alive) == room

    def _into(self, depth: int, alive: tuple[int, ...], masks: list[int]) -> None:
        for rows, mask in self._split(depth, alive).items():
            if (depth + 1, rows) not in self.sound:
                before = len(self.found)
                self.go(depth + 1, rows, [*masks, mask])
                if len(self.found) == before:
                    self.sound.add((depth + 1, rows))

    def _split(self, depth: int, alive: tuple[int, ...]) -> dict[tuple[int, ...], int]:
        """The pieces of one input by the rows that are for them."""
        found: dict[tuple[int, ...], int] = {}
        for place in range(len(self.grid.pieces[depth])):
            rows = tuple(row for row in alive if self.grid.masks[row][depth] >> place & 1)
            found[rows] = found.get(rows, 0) | 1 << place
        return found


def _pieces(each: Input, table: Table) -> Sequence[Known]:
    """What stands for each piece: its value, or its lowest number. The highest number an input may have is a piece of its
    own, for an interval that ends below it leaves it out."""
    if each.kind != NUMBER:
        return list(each.values)
    spans = [cell for row in table.rows if isinstance(cell := row.when.get(each.name), Span)]
    bounds = {bound for span in spans for bound in (span.low, span.below) if bound is not None}
    inside = {b for b in bounds if b > each.least and (each.most is None or b <= each.most)}
    return sorted({each.least, *inside, *([each.most] if each.most is not None else [])})


def _mask(cell: Cell | None, pieces: Sequence[Known]) -> int:
    return sum([1 << place for place, piece in enumerate(pieces) if covers(cell, piece)])


def _cell(each: Input, pieces: Sequence[Known], mask: int) -> Cell:
    """A mask as a cell; of numbers the first run that hangs together, which is as offending as the rest."""
    places = [place for place in range(len(pieces)) if mask >> place & 1]
    if each.kind != NUMBER:
        return frozenset(str(pieces[place]) for place in places)
    end = places[0]
    while end + 1 in places:
        end += 1
    below = Decimal(pieces[end + 1]) if end + 1 < len(pieces) else None
    low = None if places[0] == 0 else Decimal(pieces[places[0]])
    return Span(low, below)
