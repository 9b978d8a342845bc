"""The offers that may be made now, in this process's memory for as long as nothing in them changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from customers import conditions, resting, segments
from customers.conditions import Collection, Condition, Fact
from customers.facts import needed, registry
from customers.folding import words
from customers.sieve import Sieve
from outreach import reasons
from outreach.hooks import Terms
from outreach.models import Offer, OfferVersion


@dataclass(frozen=True)
class Standing:
    """One offer as it is offered: keys, name and terms."""

    offer: int
    key: str
    name: str
    version: int
    terms: Terms


class Shelf:
    """All standing offers of one catalogue version, judged as of one moment."""

    def __init__(
        self, version: int, moment: datetime, offers: Iterable[Standing], *, rested: Iterable[str] | None = None
    ) -> None:
        """`rested`: the facts nobody could tell then, for who decides again; else those nobody can tell now."""
        self._rested = rested if rested is None else frozenset(rested)
        self.version, self.moment, self.offers = version, moment, tuple(offers)
        self.is_unsure = False  # a plugin did not answer when this was put together: it is asked again the next minute
        self._compiled: dict[int, Condition | None] = {}
        self._every = (1 << len(self.offers)) - 1
        self._last: tuple[Mapping[str, Any], Mapping[str, Any], int, int] | None = None

    @cached_property
    def facts(self) -> list[Fact | Collection]:
        found = list(registry().values())
        if self._rested is not None:
            return [replace(fact, rests="then" if fact.name in self._rested else "") for fact in found]
        self.is_unsure = any(fact.rests for fact in found) or bool(resting.silent())
        return found

    @cached_property
    def segments(self) -> dict[str, Any]:
        """What those mean that offers name; whoever says one anew turns the catalogue (outreach.customer_hooks)."""
        named = any(conditions.segments_in(o.terms.eligibility) for o in self.offers)
        return segments.meanings() if named else {}

    def condition(self, offer: Standing) -> Condition | None:
        """Compiled when it is first asked for. None: a fact it asks for is known no more (its plugin is gone), so it
        holds for nobody."""
        if offer.version not in self._compiled:
            self._compiled[offer.version] = self._compile(offer.terms)
        return self._compiled[offer.version]

    @cached_property
    def places(self) -> dict[str, int]:
        """Of each version its place on the shelf, as the evidence of a talk names it."""
        return {str(offer.version): place for place, offer in enumerate(self.offers)}

    @cached_property
    def asking(self) -> int:
        """The places of those that must be asked for (customers.sieve: a set is a number)."""
        return sum(1 << place for place, offer in enumerate(self.offers) if offer.terms.need_tags)

    def unasked(self, evidence: Mapping[str, Any]) -> int:
        """The places of those that must be asked for, and nothing in this talk did."""
        return self.asking & ~sum(1 << self.places[version] for version in evidence if version in self.places)

    @cached_property
    def tags(self) -> "Tags":
        return Tags(self.offers)

    @cached_property
    def memo(self) -> dict[Any, Any]:
        """What others work out of these offers once, whatever the customer and the moment."""
        return {}

    @cached_property
    def sieve(self) -> Sieve:
        """All conditions together."""
        texts = {fact.name for fact in self.facts if isinstance(fact, Fact) and fact.type == "text" and not fact.rests}
        said = [offer.terms.eligibility for offer in self.offers]
        return Sieve(said, [self.condition(offer) for offer in self.offers], self._read, texts, self.segments)

    def open_to(self, facts: Mapping[str, Any], evidence: Mapping[str, Any]) -> tuple[int, int]:
        """The places of the offers that are for somebody with these facts and this evidence; and of those that ask for a
        fact that is known no more. The last answer is kept: one decision asks it several times."""
        last = self._last
        if last is None or last[0] is not facts or last[1] is not evidence:
            gone = self.sieve.unknown(facts)
            left = self.sieve.left(facts, self._every & ~self.unasked(evidence) & ~gone)
            last = self._last = (facts, evidence, left, gone)
        return last[2], last[3]

    def resting(self, facts: Mapping[str, Any], among: int) -> int:
        """The places of those of `among` that depend on what nobody can tell just now, because a plugin does not answer."""
        return sum(bit for bit, condition in self.unsure if bit & among and condition.is_unknown(facts))

    @cached_property
    def unsure(self) -> list[tuple[int, Condition]]:
        """The conditions that ask a plugin that does not answer."""
        found = [(1 << place, self.condition(offer)) for place, offer in enumerate(self.offers)]
        return [(bit, condition) for bit, condition in found if condition is not None and condition.resting]

    @property
    def rests(self) -> tuple[str, ...]:
        """The facts that offers ask for, and nobody can tell just now."""
        return tuple(sorted({name for _bit, condition in self.unsure for name in condition.resting}))

    def _read(self, data: Any) -> Condition:
        return conditions.compile(data, at=self.moment, among=self.facts, segments=self.segments)

    def _compile(self, terms: Terms) -> Condition | None:
        try:
            return self._read(terms.eligibility)
        except conditions.BadCondition:
            return None

    @cached_property
    def names(self) -> frozenset[str]:
        """Every fact that conditions and sentences read."""
        asked = {n for o in self.offers for n in conditions.names_in(o.terms.eligibility, self.segments)}
        told = {name for o in self.offers for name in reasons.slots(o.terms.why)}
        if told & set(reasons.OF_SUBSCRIPTION):
            told.add("subscriptions")
        return frozenset((asked | told) & {fact.name for fact in self.facts if not fact.rests})

    @cached_property
    def needs(self) -> list[Any]:
        """The relations of a customer that those facts read."""
        return needed(fact for fact in self.facts if fact.name in self.names)

    def at(self, moment: datetime) -> "Shelf":
        """The same offers a minute later."""
        later = Shelf(self.version, moment, self.offers)
        answers = not (self.is_unsure or resting.is_anybody())
        kept = _TIMELESS if answers else _WHOEVER_ANSWERS
        later.__dict__.update({name: self.__dict__[name] for name in kept if name in self.__dict__})
        if "sieve" in self.__dict__ and answers:
            later.sieve = self.sieve.at(later._read)
        return later


_WHOEVER_ANSWERS = ("places", "asking", "tags")
_TIMELESS = (*_WHOEVER_ANSWERS, "facts", "names", "needs", "segments", "memo")


class Tags:
    """What offers answer: the words of each tag, and the offers of it, so that a talk is looked through once."""

    def __init__(self, offers: Iterable[Standing]) -> None:
        self.offers: dict[str, list[Standing]] = {}
        for offer in offers:
            for tag in dict.fromkeys(offer.terms.need_tags):
                self.offers.setdefault(tag, []).append(offer)
        self._begun: dict[str, list[tuple[str, list[str]]]] = {}  # by the first word of a tag
        for tag in self.offers:
            if said := words(tag):
                self._begun.setdefault(said[0], []).append((tag, said))

    def quotes(self, heard: reasons.Heard) -> dict[str, str]:
        """Of each tag they speak of, the sentence."""
        begun = [each for word in self._begun.keys() & heard.words for each in self._begun[word]]
        return {tag: quote for tag, said in begun if (quote := heard.quote_of(said))}


_kept: dict[tuple[str, int], Shelf] = {}  # by edition, and who rested: the newest alone


def shelf(edition: str, version: int, at: datetime) -> Shelf:
    """The catalogue as of this edition and minute: conditions speak of days and hours, so a minute is one moment to them.
    Read again when the edition changed; whoever decides has asked for that anyway (outreach.context)."""
    moment = at.replace(second=0, microsecond=0)
    key = edition, resting.turn()
    held = _kept.get(key)
    if held is None:
        held = Shelf(version, moment, _standing())
    elif held.moment != moment:
        held = held.at(moment)
    _kept.clear()
    _kept[key] = held
    return held


def held() -> Shelf | None:
    """What was decided by last in this process: nearly always what will be next, but only the edition says."""
    return next(iter([*_kept.values()]), None)


def _standing() -> list[Standing]:
    rows = Offer.objects.active().select_related("current").order_by("pk")
    return [of_version(offer, offer.current) for offer in rows if offer.current]


def of_version(offer: Offer, version: OfferVersion) -> Standing:
    return Standing(offer.pk, offer.key, offer.name, version.pk, version.terms)
