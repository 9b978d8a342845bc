"""What outreach adds to a customer: offers and notices in their timeline, what moves when two prove to be one, what is personal."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Case as Case_
from django.db.models import CharField, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce, NullIf
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case
from cases.sight import SightRows
from crm.models import User
from customers.hooks import Entry, Moves, customer_merging, personal_data, segment_turned, timeline, timeline_kinds
from customers.models import Customer
from outreach.models import (
    Catalogue,
    Decision,
    DecisionCandidate,
    Exposure,
    NoticeDelivery,
    OfferPresentation,
    OfferResponse,
    PastResponse,
    QuestionAnswer,
)


@timeline_kinds.register(order=20)
def kinds() -> list[tuple[str, Any]]:
    return [("offer", gettext_lazy("Offers")), ("notice", gettext_lazy("Notices"))]


@timeline.register(order=20, name="outreach.told")
def told(customer: Customer, user: User, before: datetime, limit: int, kind: str) -> list[Entry]:
    """Each offer that was made in a case this person may see, with what was answered (not for executives), and each
    notice that left for them; one query."""
    if kind not in {"", *_PARTS}:
        return []
    about = (user, customer.pk, before)
    rows = _rows(*about, limit, kind) if kind else _all(limit)(*about)
    entries = [_ENTRIES[name](at, title, said, key) for name, at, title, said, key in rows]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:limit]


def _rows(user: User, customer: int, before: datetime, limit: int, kind: str) -> QuerySet[Any, Any]:
    parts = [part(customer, user, before)[:limit] for name, part in _PARTS.items() if kind in {"", name}]
    return parts[0].union(*parts[1:], all=True) if parts[1:] else parts[0]


@lru_cache(16)
def _all(limit: int) -> SightRows:
    return SightRows(lambda user, customer, before: _rows(user, customer, before, limit, ""), int, datetime)


def _offered(customer: int, user: User, before: datetime) -> QuerySet[Any, Any]:
    newest = OfferResponse.objects.filter(presentation=OuterRef("pk")).order_by("-number").values("kind")[:1]
    seen = Q(case__in=Case.objects.visible_to(user).order_by().values("pk"))
    rows = OfferPresentation.objects.filter(seen, customer=customer, presented_at__lt=before)
    rows = rows.none() if user.is_executive else rows
    answer = QuestionAnswer.objects.filter(response__presentation=OuterRef("pk"), stands=True)
    words = answer.values_list(Coalesce(Cast("scale", CharField()), NullIf("choice", Value("")), "text"))[:1]
    said = Coalesce(NullIf(Subquery(words), Value("")), Subquery(newest), Value(""), output_field=CharField())
    asks = ~Q(candidate__offer_version__question="")
    return rows.order_by("-presented_at", "-pk").values_list(
        Case_(When(asks, then=Value("question")), default=Value("offer"), output_field=CharField()),
        F("presented_at"),
        F("candidate__offer_version__offer__name"),
        said,
        F("case__number"),
    )


def _left(customer: int, _user: User, before: datetime) -> QuerySet[Any, Any]:
    rows = NoticeDelivery.objects.filter(customer=customer, dispatch__sent_at__lt=before, dispatch__state="sent")
    subject = KeyTextTransform("subject", KeyTransform("en", "notice__texts"))
    answered = Case_(When(answered_at=None, then=Value("")), default=Value("answered"), output_field=CharField())
    return rows.order_by("-dispatch__sent_at", "-pk").values_list(
        Value("notice", CharField()), F("dispatch__sent_at"), subject, answered, F("problem_id")
    )


def _offer(at: datetime, name: str, said: str, number: int) -> Entry:
    answer = str(dict(OfferResponse.Kind.choices).get(said, said)) if said else _("no answer yet")
    place = reverse("cases:case", args=[number])
    return Entry(at, "offer", _("Offer: %(name)s") % {"name": name}, answer, place, icon="tag")


def _question(at: datetime, name: str, said: str, number: int) -> Entry:
    """With what they answered, in the words that were kept."""
    answer = str(dict(OfferResponse.Kind.choices).get(said, said)) if said else _("no answer yet")
    place = reverse("cases:case", args=[number])
    return Entry(at, "offer", _("Question: %(name)s") % {"name": name}, answer, place, icon="tag")


def _notice(at: datetime, subject: str, answered: str, problem: int) -> Entry:
    title = _("Told: %(subject)s") % {"subject": subject}
    said = _("They answered.") if answered else ""
    return Entry(at, "notice", title, said, reverse("outreach:problem", args=[problem]), icon="megaphone")


_PARTS: dict[str, Callable[[int, User, datetime], QuerySet[Any, Any]]] = {"offer": _offered, "notice": _left}
_ENTRIES: dict[str, Callable[[datetime, str, str, int], Entry]] = {
    "offer": _offer,
    "question": _question,
    "notice": _notice,
}


@segment_turned.register
def offers_are_read_again() -> None:
    Catalogue.turn()


@customer_merging.register
def what_moves() -> list[Moves]:
    told = [Moves(model, "customer", apart="problem") for model in (NoticeDelivery, Exposure)]
    told.append(Moves(QuestionAnswer, "customer", apart="offer"))
    return [*(Moves(model, "customer") for model in (Decision, OfferPresentation, PastResponse)), *told]


@personal_data.register
def columns() -> list[tuple[Any, str, str]]:
    """(model, field, how): what they said stands in the sentence, what we knew in the context."""
    return [
        (Decision, "context", "blank"),
        (DecisionCandidate, "sentence", "blank"),
        (DecisionCandidate, "detail", "keep"),
        (OfferResponse, "reason", "blank"),
        (PastResponse, "reason", "blank"),
        (QuestionAnswer, "text", "blank"),
        (QuestionAnswer, "choice", "keep"),
        (QuestionAnswer, "scale", "keep"),
        (Exposure, "reasons", "blank"),
        (NoticeDelivery, "reason", "keep"),
    ]
