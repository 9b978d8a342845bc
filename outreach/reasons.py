"""Why this customer: a sentence filled with their own facts and words. One that cannot be filled is not said."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.utils.formats import date_format, number_format

from customers.conditions import Fact, Money
from customers.facts import registry
from customers.folding import words

WORDS = "words"  # what they said in this talk, around the word the offer answers
LONGEST_QUOTE = 160
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
_SLOT = re.compile(r"\{([^{}]*)\}")
# The dearest active subscription, as people name it.
OF_SUBSCRIPTION = ("plan", "product", "device")


def slots(template: str) -> list[str]:
    """The names between braces, in order."""
    return list(dict.fromkeys(_SLOT.findall(template)))


_slots = lru_cache(10_000)(slots)


def known() -> list[str]:
    """The names a template may use."""
    facts = sorted(name for name, fact in registry().items() if isinstance(fact, Fact) and fact.type != "boolean")
    return [WORDS, *OF_SUBSCRIPTION, *facts]


def unknown(template: str) -> list[str]:
    names = set(known())
    return [name for name in slots(template) if name not in names]


class Known(dict[str, str]):
    """What sentences may say of one customer, each value written when it is first asked for."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__()
        self._values = values

    def __missing__(self, name: str) -> str:
        self[name] = told = _told(self._values.get(name))
        return told


def sentence(template: str, known: Known, quote: str) -> str:
    """The template filled, or "" where something it names is not known of this customer."""
    told = {name: quote if name == WORDS else known[name] for name in _slots(template)}
    return _SLOT.sub(lambda slot: told[slot[1]], template) if all(told.values()) else ""


def _told(value: Any) -> str:
    if isinstance(value, Money):
        return f"{number_format(round(value.amount, 2), 2, force_grouping=True)} {value.currency}"
    if isinstance(value, (datetime, date)):
        return date_format(value, "j M Y")
    if isinstance(value, (frozenset, set, list, tuple)):
        return ", ".join(sorted(str(v) for v in value if v))
    if isinstance(value, Decimal | float | int) and not isinstance(value, bool):
        return number_format(value)
    return str(value or "")


def of_subscription(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Plan, product and device of the dearest active one, from the rows of the `subscriptions` facts."""
    active = [row for row in rows if row.get("status") == "active"]
    dearest = max(active, key=lambda row: row["price"].amount if row.get("price") else Decimal(0), default=None)
    return {name: dearest.get(name) for name in OF_SUBSCRIPTION} if dearest else {}


class Heard:
    """What a customer said lately, newest first, by sentences; folded once however much is looked for in it."""

    def __init__(self, texts: Iterable[str]) -> None:
        said = [s for text in texts for s in _SENTENCE.split(text) if s.strip()]
        self._sentences = [(s, words(s)) for s in said]
        self.words = {word for _s, folded in self._sentences for word in folded}

    def quote(self, said: str) -> str:
        """The sentence in which they say this (whole words, whatever the case and accents), "" when there is none."""
        return self.quote_of(words(said))

    def quote_of(self, wanted: Sequence[str]) -> str:
        """The same for folded words."""
        if not wanted or not self.words.issuperset(wanted):
            return ""
        return next((_cut(s, folded, wanted) for s, folded in self._sentences if _at(folded, wanted) is not None), "")


def _at(heard: Sequence[str], wanted: Sequence[str]) -> int | None:
    """Where one run of words stands in another."""
    starts = range(len(heard) - len(wanted) + 1)
    return next((n for n in starts if heard[n : n + len(wanted)] == wanted), None)


def _cut(sentence: str, folded: Sequence[str], wanted: Sequence[str]) -> str:
    spoken = sentence.split()
    whole = " ".join(spoken)
    if len(whole) <= LONGEST_QUOTE:
        return whole
    share = (_at(folded, wanted) or 0) / max(len(folded), 1)
    start = max(0, int(len(spoken) * share) - 10)
    cut = " ".join(spoken[start : start + 22])[:LONGEST_QUOTE].rstrip()
    return f"{'…' if start else ''}{cut}…"
