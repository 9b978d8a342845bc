"""What outreach adds to a customer: offers and notices in their timeline, what moves when two prove to be one, what is personal."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case
from crm.models import User
from customers.hooks import Entry, Moves, customer_merging, personal_data, timeline, timeline_kinds
from customers.models import Customer
from outreach.models import (
    Decision,
    DecisionCandidate,
    Exposure,
    NoticeDelivery,
    OfferPresentation,
    OfferResponse,
)


@timeline_kinds.register(order=20)
def kinds() -> list[tuple[str, Any]]:
    return [("offer", gettext_lazy("Offers")), ("notice", gettext_lazy("Notices"))]


@timeline.register(order=20, name="outreach.offers")
def offers(customer: Customer, user: User, before: datetime, limit: int, kind: str) -> list[Entry]:
    """Each offer that was made in a case this person may see, with what was answered; not for executives."""
    if kind not in {"", "offer"} or user.is_executive:
        return []
    rows = OfferPresentation.objects.filter(
        customer=customer, presented_at__lt=before, case__in=Case.objects.visible_to(user).values("pk")
    )
    shown = rows.select_related("candidate__offer_version__offer", "case").prefetch_related("responses")
    return [_entry(presentation) for presentation in shown.order_by("-presented_at", "-pk")[:limit]]


def _entry(shown: OfferPresentation) -> Entry:
    said = max(shown.responses.all(), key=lambda r: r.number, default=None)
    answer = said.get_kind_display() if said else _("no answer yet")
    name = shown.candidate.offer_version.offer.name
    place = reverse("cases:case", args=[shown.case.number])
    return Entry(shown.presented_at, "offer", _("Offer: %(name)s") % {"name": name}, str(answer), place, icon="tag")


@timeline.register(order=25, name="outreach.notices")
def notices(customer: Customer, user: User, before: datetime, limit: int, kind: str) -> list[Entry]:
    """Each notice that left for them."""
    if kind not in {"", "notice"}:
        return []
    told = NoticeDelivery.objects.filter(customer=customer, dispatch__sent_at__lt=before, dispatch__state="sent")
    rows = told.select_related("notice", "problem", "dispatch").order_by("-dispatch__sent_at", "-pk")[:limit]
    return [_told(row) for row in rows]


def _told(row: NoticeDelivery) -> Entry:
    at = row.dispatch.sent_at if row.dispatch and row.dispatch.sent_at else row.planned_at
    title = _("Told: %(subject)s") % {"subject": row.notice}
    said = _("They answered.") if row.answered_at else ""
    return Entry(at, "notice", title, said, reverse("outreach:problem", args=[row.problem_id]), icon="megaphone")


@customer_merging.register
def what_moves() -> list[Moves]:
    told = [Moves(model, "customer", apart="problem") for model in (NoticeDelivery, Exposure)]
    return [Moves(Decision, "customer"), Moves(OfferPresentation, "customer"), *told]


@personal_data.register
def columns() -> list[tuple[Any, str, str]]:
    """(model, field, how): what they said stands in the sentence, what we knew in the context."""
    return [
        (Decision, "context", "blank"),
        (DecisionCandidate, "sentence", "blank"),
        (DecisionCandidate, "detail", "keep"),
        (OfferResponse, "reason", "blank"),
        (Exposure, "reasons", "blank"),
        (NoticeDelivery, "reason", "keep"),
    ]
