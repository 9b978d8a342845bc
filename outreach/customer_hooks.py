"""What outreach adds to a customer: offers in their timeline, what moves when two prove to be one, what is personal."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case
from crm.models import User
from customers.hooks import Entry, Moves, customer_merging, personal_data, timeline, timeline_kinds
from customers.models import Customer
from outreach.models import Decision, DecisionCandidate, OfferPresentation, OfferResponse


@timeline_kinds.register(order=20)
def kinds() -> list[tuple[str, Any]]:
    return [("offer", gettext_lazy("Offers"))]


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


@customer_merging.register
def what_moves() -> list[Moves]:
    return [Moves(Decision, "customer"), Moves(OfferPresentation, "customer")]


@personal_data.register
def columns() -> list[tuple[Any, str, str]]:
    """(model, field, how): what they said stands in the sentence, what we knew in the context."""
    return [
        (Decision, "context", "blank"),
        (DecisionCandidate, "sentence", "blank"),
        (DecisionCandidate, "detail", "keep"),
        (OfferResponse, "reason", "blank"),
    ]
