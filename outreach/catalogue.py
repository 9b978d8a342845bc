"""The offers that may be made now, in this process's memory for as long as nothing in them changes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from customers import conditions, segments
from customers.conditions import Collection, Condition, Fact
from customers.facts import registry
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

    def __init__(self, version: int, moment: datetime, offers: Iterable[Standing]) -> None:
        self.version, self.moment, self.offers = version, moment, tuple(offers)
        self._compiled: dict[int, Condition | None] = {}

    @cached_property
    def facts(self) -> list[Fact | Collection]:
        return list(registry().values())

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

    def _compile(self, terms: Terms) -> Condition | None:
        try:
            return conditions.compile(terms.eligibility, at=self.moment, among=self.facts, segments=self.segments)
        except conditions.BadCondition:
            return None

    @cached_property
    def names(self) -> frozenset[str]:
        """Every fact that conditions and sentences read."""
        asked = {n for o in self.offers for n in conditions.names_in(o.terms.eligibility, self.segments)}
        told = {name for o in self.offers for name in reasons.slots(o.terms.why)}
        if told & set(reasons.OF_SUBSCRIPTION):
            told.add("subscriptions")
        return frozenset((asked | told) & {fact.name for fact in self.facts})

    def at(self, moment: datetime) -> "Shelf":
        """The same offers a minute later."""
        later = Shelf(self.version, moment, self.offers)
        later.__dict__.update(
            {name: self.__dict__[name] for name in ("facts", "names", "segments") if name in self.__dict__}
        )
        return later


_kept: dict[str, Shelf] = {}  # by edition: the newest alone


def shelf(edition: str, version: int, at: datetime) -> Shelf:
    """The catalogue as of this edition and minute: conditions speak of days and hours, so a minute is one moment to them.
    Read again when the edition changed; whoever decides has asked for that anyway (outreach.context)."""
    moment = at.replace(second=0, microsecond=0)
    held = _kept.get(edition)
    if held is None:
        held = Shelf(version, moment, _standing())
    elif held.moment != moment:
        held = held.at(moment)
    _kept.clear()
    _kept[edition] = held
    return held


def _standing() -> list[Standing]:
    rows = Offer.objects.active().select_related("current").order_by("pk")
    return [of_version(offer, offer.current) for offer in rows if offer.current]


def of_version(offer: Offer, version: OfferVersion) -> Standing:
    return Standing(offer.pk, offer.key, offer.name, version.pk, version.terms)
