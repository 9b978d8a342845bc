"""Everything the loyalty plugin adds to a customer: one fill for every hook a customer has."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import OuterRef, Q, Subquery

from crm.models import Event, User
from customers.conditions import Fact
from customers.hooks import (
    Entry,
    Moves,
    Panel,
    cues,
    customer_access,
    customer_merging,
    customer_panels,
    facts,
    last_spoken,
    personal_data,
    segment_turned,
    timeline,
    timeline_kinds,
    touched_by,
)
from customers.models import Customer
from tests.plugin.models import Card


@customer_panels.register(order=50)
def loyalty_panel(customer: Customer, user: User) -> Panel | None:
    card = Card.objects.filter(customer=customer).first()
    return Panel("loyalty", "Loyalty", f"/plugins/loyalty/cards/{card.pk}/") if card else None


@timeline_kinds.register
def kinds() -> list[tuple[str, object]]:
    return [("loyalty", "Loyalty")]


@timeline.register
def issued(customer: Customer, user: User, before: datetime, limit: int, kind: str) -> list[Entry]:
    if kind not in {"", "loyalty"}:
        return []
    cards = Card.objects.filter(customer=customer, issued_at__lt=before).order_by("-issued_at")[:limit]
    return [Entry(at=card.issued_at, kind="loyalty", title="Loyalty card issued") for card in cards]


@cues.register
def collector(customer: Customer, user: User) -> str | None:
    return "Collects points." if Card.objects.filter(customer=customer, points__gte=1000).exists() else None


@last_spoken.register
def never(customer: Customer, user: User) -> datetime | None:
    return None


@customer_merging.register
def cards_move() -> list[Moves]:
    return [Moves(Card, "customer")]


def _points(customer: Customer, at: datetime) -> int | None:
    cards = sorted(customer.loyalty_cards.all(), key=lambda card: card.pk)
    return cards[0].points if cards else None


@facts.register
def loyalty_facts() -> list[Fact]:
    newest = Card.objects.filter(customer=OuterRef("pk")).order_by("pk").values("points")[:1]
    return [
        Fact("loyalty_points", "number", "Loyalty points", _points, lambda at: Subquery(newest), ("loyalty_cards",))
    ]


@personal_data.register
def columns() -> list[tuple[object, str, str]]:
    return [(Card, "nickname", "blank")]


@touched_by.register
def whose_cards(events: Sequence[Event]) -> set[int]:
    """Cards are told of in no stream of the log: segments see them when they are counted anew."""
    return set()


@segment_turned.register
def forget() -> None:
    """Nothing is kept in memory here."""


@customer_access.register
def no_say(user: User) -> Q | None:
    return None
