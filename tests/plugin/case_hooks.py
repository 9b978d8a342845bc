"""Everything the loyalty plugin adds to a case: one fill for every hook a case has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Subquery

from cases.hooks import (
    Action,
    Banner,
    Burning,
    Outgoing,
    Panel,
    Payout,
    Sound,
    Verdict,
    answered,
    burning,
    case_actions,
    case_banners,
    case_facts,
    case_panels,
    cases_joined,
    cases_parted,
    channels,
    composers,
    may_leave,
    policy_facts,
    remedy_handlers,
    resolve_checks,
    sentiment_models,
)
from cases.models import Case, Channel, Dispatch
from cases.policy.facts import PolicyFact
from crm.models import User
from customers.conditions import Fact
from tests.plugin.models import Card


def card_of(case: Case) -> Card | None:
    return Card.objects.filter(customer=case.customer_id).first()


@case_panels.register(order=50)
def loyalty_panel(case: Case, user: User) -> Panel | None:
    card = card_of(case)
    return Panel("loyalty", "Loyalty", f"/plugins/loyalty/cards/{card.pk}/") if card else None


@case_banners.register
def many_points(case: Case, user: User) -> Banner | None:
    card = card_of(case)
    return Banner(f"{card.points} loyalty points", level="calm") if card and card.points >= 1000 else None


@case_actions.register(order=50)
def look_at_card(case: Case, user: User) -> Action | None:
    """Asks nothing: every open case offers it."""
    where = f"/plugins/loyalty/customers/{case.customer_id}/"
    return Action("loyalty", "Loyalty card", where, icon="ticket") if case.customer_id else None


@resolve_checks.register
def voucher_owed(case: Case, user: User) -> str | None:
    card = card_of(case)
    return "Send the voucher you owe before you resolve." if card and card.voucher_owed else None


@dataclass
class Pigeon:
    """A channel that honours keys: the same message twice is one letter."""

    kind: str = "pigeon"
    honours_key: bool = True
    letters: dict[str, Outgoing] = field(default_factory=dict)

    def send(self, outgoing: Outgoing, channel: Channel | None) -> str:
        self.letters.setdefault(outgoing.key, outgoing)
        return f"pigeon-{outgoing.key[:8]}"


PIGEON = Pigeon()


@channels.register
def pigeon() -> Pigeon:
    return PIGEON


@composers.register
def voucher_text(dispatch: Dispatch) -> Outgoing | None:
    if dispatch.source != "voucher":
        return None
    card = Card.objects.select_related("customer").get(pk=dispatch.source_id)
    return Outgoing(
        key=str(dispatch.key),
        to=dispatch.address,
        to_name=card.customer.name,
        subject="Your voucher",
        text=f"{card.points} points are yours.",
        language=card.customer.language,
        thread=f"card-{card.pk}",
    )


ANSWERED: list[tuple[int, int]] = []


@answered.register
def voucher_answered(dispatch: Dispatch, case: Case) -> None:
    if dispatch.source == "voucher":
        ANSWERED.append((dispatch.pk, case.pk))


NOT_THESE: set[int] = set()


@may_leave.register
def vouchers_called_back(dispatches: Sequence[Dispatch], now: datetime) -> Mapping[int, Verdict]:
    return {row.pk: Verdict(False, "called_back") for row in dispatches if row.pk in NOT_THESE}


JOINED: list[tuple[int, int]] = []


@cases_joined.register
def remember_the_pair(kept: Case, gone: Case, by: User) -> None:
    JOINED.append((kept.pk, gone.pk))


@cases_parted.register
def forget_the_pair(kept: Case, gone: Case, by: User) -> None:
    if (kept.pk, gone.pk) in JOINED:
        JOINED.remove((kept.pk, gone.pk))


@burning.register
def lost_members(queues: Sequence[int]) -> list[Burning]:
    """Members whose cases are tagged as leaving, where there are any."""
    leaving = Case.objects.active().filter(queue__in=queues, tags__contains=["loyalty-leaving"])
    counts = dict(leaving.order_by().values_list("queue").annotate(Count("pk")))
    return [Burning("leaving", "Members leave", "/customers/", counts, leaving.values("pk"))] if counts else []


@case_facts.register
def points_of_the_customer() -> list[Fact]:
    """What rules may ask: the points on the card of whose case it is."""
    theirs = Card.objects.filter(customer=OuterRef("customer"))

    def points(occasion: Any, _at: datetime) -> int | None:
        card = card_of(occasion.case)
        return card.points if card else None

    return [Fact("loyalty.case_points", "number", "Points", points, lambda _at: Subquery(theirs.values("points")[:1]))]


WAIVED: set[str] = set()


@remedy_handlers.register
def waive_the_fee(payout: Payout) -> str | None:
    """The card's own fee is ours to waive; once for a key, however often we are asked."""
    if payout.kind != "waiver":
        return None
    WAIVED.add(payout.key)
    return f"fee-{payout.key}"


@policy_facts.register
def points_we_lost() -> list[PolicyFact]:
    """What policies may go by: the points that were on the card when we lost it."""

    def lost(occasion: Any) -> int | None:
        card = card_of(occasion.case)
        return card.points if card else None

    return [PolicyFact("points_lost", "Points we lost", "number", lost)]


@sentiment_models.register
def about_points(texts: Sequence[str]) -> list[Sound] | None:
    """How lost points sound, we know better than a model of everything; of other texts we know nothing."""
    if all("my loyalty points are gone" in text.lower() for text in texts):
        return [Sound("bad", 0.95) for _text in texts]
    return None
