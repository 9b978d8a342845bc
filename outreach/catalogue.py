"""The offers that may be made now, in this process's memory for as long as nothing in them changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from customers import conditions
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

    @cached_property
    def facts(self) -> list[Fact | Collection]:
        return list(registry().values())

    @cached_property
    def conditions(self) -> Mapping[int, Condition | None]:
        """By version. None: a fact it asks for is known no more (its plugin is gone), so it holds for nobody."""
        return {o.version: self._compiled(o.terms) for o in self.offers}

    def _compiled(self, terms: Terms) -> Condition | None:
        try:
            return conditions.compile(terms.eligibility, at=self.moment, among=self.facts)
        except conditions.BadCondition:
            return None

    @cached_property
    def names(self) -> frozenset[str]:
        """Every fact that conditions and sentences read."""
        asked = {name for c in self.conditions.values() if c for name in c.names}
        told = {name for o in self.offers for name in reasons.slots(o.terms.why)}
        if told & set(reasons.OF_SUBSCRIPTION):
            told.add("subscriptions")
        return frozenset((asked | told) & {fact.name for fact in self.facts})


_kept: dict[str, Shelf] = {}  # by edition: the newest alone


def shelf(edition: str, version: int, at: datetime) -> Shelf:
    """The catalogue as of this edition and minute: conditions speak of days and hours, so a minute is one moment to them.
    Read again when the edition changed; whoever decides has asked for that anyway (outreach.context)."""
    moment = at.replace(second=0, microsecond=0)
    held = _kept.get(edition)
    if held is None:
        held = Shelf(version, moment, _standing())
    elif held.moment != moment:
        held = Shelf(version, moment, held.offers)
    _kept.clear()
    _kept[edition] = held
    return held


def _standing() -> list[Standing]:
    rows = Offer.objects.active().select_related("current").order_by("pk")
    return [of_version(offer, offer.current) for offer in rows if offer.current]


def of_version(offer: Offer, version: OfferVersion) -> Standing:
    return Standing(offer.pk, offer.key, offer.name, version.pk, version.terms)
