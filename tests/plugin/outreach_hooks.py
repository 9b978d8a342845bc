"""Everything the loyalty plugin adds to offers and known problems: one fill for every hook outreach has."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from outreach.hooks import (
    Acceptance,
    AtRisk,
    Candidate,
    Offered,
    Situation,
    Terms,
    at_risk,
    fulfilments,
    offer_gates,
    offer_scorers,
    offer_sources,
)
from tests.plugin.models import Card

DOUBLE_POINTS = Terms(
    what="Double points for a month",
    benefit="Twice the points on everything",
    why="You have {loyalty_points} points already.",
    gain=Decimal(40),
    eligibility={"fact": "loyalty_points", "op": "at_least", "value": 500},
)


@offer_sources.register(name="loyalty")
def double_points() -> Iterable[Offered]:
    return [Offered("double-points", "Double points", "retention", DOUBLE_POINTS)]


def _points(customer: int) -> int:
    return Card.objects.filter(customer=customer).order_by("pk").values_list("points", flat=True).first() or 0


@offer_gates.register(name="loyalty")
def not_while_we_owe(situation: Situation, candidate: Candidate) -> str | None:
    owed = Card.objects.filter(customer=situation.customer, voucher_owed=True).exists()
    return "We owe them a voucher first." if owed else None


@offer_scorers.register(name="loyalty")
def collectors_like_points(situation: Situation, candidate: Candidate) -> float | None:
    return 1.5 if "points" in candidate.terms.what and _points(situation.customer) >= 1000 else None


DONE: dict[str, Acceptance] = {}


@fulfilments.register(name="loyalty")
def credit(acceptance: Acceptance) -> str | None:
    """Once for a key, however often it is asked."""
    if acceptance.offer != "loyalty-double-points":
        return None
    DONE.setdefault(acceptance.key, acceptance)
    return f"points-{acceptance.key[:8]}"


@at_risk.register(name="loyalty")
def who_collects(problem: Any) -> list[AtRisk]:
    return [AtRisk(pk, 0.4, "collects points") for pk in Card.objects.values_list("customer_id", flat=True)]
