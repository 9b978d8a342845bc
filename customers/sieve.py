"""Which of many conditions hold for a customer, asked together. Pure.

Offers and segments share most of what they ask for: thousands of conditions are a few hundred different parts. Each part is
asked once, and takes out all that need it; parts that want one value of a fact are looked up by that value. A set of
conditions is one whole number, a bit for each place. What is left is what each condition would leave by itself: tests hold it
against that.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from customers.condition_nodes import Known, Test
from customers.conditions import Condition

Compile = Callable[[Any], Condition]
# Words that mean another time each minute.
_MOVING = {"within_days", "days_ago", "days_ahead", "hours_ago", "hours_ahead"}


@dataclass
class _Part:
    """Something that some of them need (`needed`); compiled when it is first asked for."""

    said: Any
    is_moving: bool
    needed: int = 0
    test: Test | None = None


@dataclass
class _Choice:
    """Parts that want a text fact to be one of some values: who asks, and who is content with a value."""

    asking: int = 0
    content: dict[str, int] = field(default_factory=dict)


def places(those: int) -> Iterator[int]:
    """The places in a set, in order."""
    bits = f"{those:b}"[::-1]
    place = bits.find("1")
    while place >= 0:
        yield place
        place = bits.find("1", place + 1)


class Sieve:
    """`said`: the condition of each place; `compiled`: the same, None where nobody can evaluate it."""

    def __init__(
        self,
        said: Sequence[Any],
        compiled: Sequence[Condition | None],
        compile: Compile,
        texts: set[str],
        segments: Mapping[str, Any],
    ) -> None:
        self._said, self._compile, self._segments = said, compile, segments
        self._choices: dict[str, _Choice] = {}
        self._readers: dict[str, int] = {}  # of a fact: those that read it
        self.gone = 0  # those that cannot be evaluated
        parts: dict[str, _Part] = {}
        for place, (data, known) in enumerate(zip(said, compiled, strict=True)):
            if known is None:
                self.gone |= 1 << place
                continue
            for name in known.names:
                self._readers[name] = self._readers.get(name, 0) | 1 << place
            self._take_apart(data, 1 << place, texts, parts)
        self._parts = sorted(parts.values(), key=lambda part: -part.needed.bit_count())

    def _take_apart(self, data: Any, bit: int, texts: set[str], parts: dict[str, _Part]) -> None:
        for part in _parts(data):
            values = _values(part, texts)
            choice = self._choices.setdefault(part["fact"], _Choice()) if values is not None else None
            if values is not None and choice is not None and not choice.asking & bit:
                choice.asking |= bit
                for value in values:
                    choice.content[value] = choice.content.get(value, 0) | bit
                continue
            key = json.dumps(part, sort_keys=True)
            parts.setdefault(key, _Part(part, _is_moving(part, self._segments))).needed |= bit

    def at(self, compile: Compile) -> "Sieve":
        """The same as of another moment: only what means another time is compiled anew."""
        later = copy(self)
        later._compile = compile
        later._parts = [_Part(p.said, True, p.needed) if p.is_moving else p for p in self._parts]
        return later

    def unknown(self, known: Known) -> int:
        """Those that ask for something that is known no more."""
        found = self.gone
        for name in self._readers.keys() - known.keys():
            found |= self._readers[name]
        return found

    def left(self, known: Known, among: int) -> int:
        """Those of `among` whose condition holds. Everything they read must be known (`unknown`)."""
        left, unsure = self._by_value(known, among)
        for part in self._parts:
            if part.needed & left:
                try:
                    if not self._test(part)(known):
                        left &= ~part.needed
                except Exception:  # noqa: BLE001 - a fact of the wrong type: said, or not, where it is asked alone
                    unsure |= part.needed
        for place in places(unsure & left):
            if not self._compile(self._said[place]).holds(known):
                left &= ~(1 << place)
        return left

    def _by_value(self, known: Known, left: int) -> tuple[int, int]:
        """What is left by text facts alone, and of whom that could not be told."""
        unsure = 0
        for name, choice in self._choices.items():
            value = known[name] if choice.asking & left else None
            if value is None:
                left &= ~choice.asking
            elif isinstance(value, str):
                left &= ~choice.asking | choice.content.get(value, 0)
            else:
                unsure |= choice.asking  # a plugin's own kind of text: compared as it compares itself
        return left, unsure

    def _test(self, part: _Part) -> Test:
        if part.test is None:
            part.test = self._compile(part.said).holds
        return part.test


def _parts(data: Any) -> Iterator[Any]:
    """What must all hold."""
    if "all" not in data:
        yield data
        return
    for part in data["all"]:
        yield from _parts(part)


def _values(part: Any, texts: set[str]) -> list[str] | None:
    """The values of a text fact that this part is content with, if that is all it asks for."""
    if part.get("fact") not in texts or part.get("op") not in {"is", "in"}:
        return None
    return [part["value"]] if part["op"] == "is" else list(part["value"])


def _is_moving(data: Any, segments: Mapping[str, Any]) -> bool:
    if isinstance(data, list):
        return any(_is_moving(part, segments) for part in data)
    if not isinstance(data, dict):
        return False
    if data.keys() & _MOVING or ("segment" in data and _is_moving(segments.get(data["segment"]), segments)):
        return True
    return any(_is_moving(part, segments) for part in data.values())
