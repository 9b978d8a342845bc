"""What the customer said to an offer, or why the rep did not mention it, and what follows from a yes."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models.case import Refusal
from crm.database.prepared import Prepared
from crm.jobs import nudge
from crm.models import User
from crm.roles import may
from customers.folding import clean
from outreach import questions
from outreach.models import Fulfilment, Offer, OfferPresentation, OfferResponse, Taken

NOT_NOW = timedelta(days=30)  # when nobody said until when
FARTHEST = timedelta(days=366 * 3)
Kind = OfferResponse.Kind


def standing(presentation: OfferPresentation) -> OfferResponse | None:
    """The newest answer; a correction is another row."""
    return newest(presentation, NEWEST(presentation.pk))


def newest(presentation: OfferPresentation, answers: Sequence[OfferResponse]) -> OfferResponse | None:
    for answer in answers:
        answer.presentation = presentation
    return answers[0] if answers else None


NEWEST = Prepared(
    lambda shown: (
        OfferResponse.objects.filter(presentation=shown).select_related("by", "fulfilment").order_by("-number")[:1]
    ),
    int,
)


@transaction.atomic
def respond(
    presentation: OfferPresentation,
    kind: str,
    *,
    by: User,
    reason: str = "",
    until: datetime | None = None,
    answer: str | int | None = None,
    at: datetime | None = None,
) -> OfferResponse:
    """Keep the customer's answer; quiet if it stands already. A yes is fulfilled through a row of its own. That it was not
    mentioned is no answer of theirs: nothing is held against the offer or the customer beyond this talk.

    `answer`: what they said to a question, whose yes is its answer."""
    case = presentation.case
    case.lock()
    if not may(by, "offer.respond", case.queue_id):
        raise Refusal(_("Your role here does not allow this."))
    now = at or timezone.now()
    reason = clean(reason).strip()[:300]
    until = _until(kind, until, now)
    version = presentation.candidate.offer_version
    told = questions.read(version, kind, answer)
    was = standing(presentation)
    if was and _says_the_same(was, kind, reason, until) and questions.is_said(was, told):
        return was
    _may_be(presentation, kind, reason, was)
    number = was.number + 1 if was else 1
    said = OfferResponse.objects.create(
        presentation=presentation, number=number, kind=kind, reason=reason, until=until, by=by, at=now
    )
    questions.keep(said, told)
    if kind == Kind.ACCEPTED:
        Fulfilment.objects.create(response=said, key=uuid.uuid4(), due_at=now)
        nudge("outreach.fulfil")
    why = {"reason": "question"} if version.question else {}
    case.record("offer_answered", by=by, at=now, response=said.pk, answer=kind, presentation=presentation.pk, **why)
    return said


def _says_the_same(was: OfferResponse, kind: str, reason: str, until: datetime | None) -> bool:
    return (was.kind, was.reason) == (kind, reason) and (kind != Kind.NOT_NOW or was.until == until)


def _until(kind: str, until: datetime | None, now: datetime) -> datetime | None:
    if kind not in Kind.values:
        raise Refusal(_("An answer is one of %(known)s.") % {"known": ", ".join(Kind.values)})
    if kind != Kind.NOT_NOW:
        return None
    if until is None:
        return now + NOT_NOW
    if not now < until < now + FARTHEST:
        raise Refusal(_("Choose a time in the future."))
    return until


def _may_be(presentation: OfferPresentation, kind: str, reason: str, was: OfferResponse | None) -> None:
    if kind == Kind.NOT_SUITED and not reason:
        raise Refusal(_("Say why it does not suit them: the next offer learns from it."))
    if kind == Kind.WITHHELD and not reason:
        raise Refusal(_("Say why you did not mention it: the reason is kept with it."))
    if was and was.kind == Kind.ACCEPTED:
        _call_off(was)
    if kind == Kind.ACCEPTED:
        _is_left(presentation)


def _call_off(accepted: OfferResponse) -> None:
    """A yes may be corrected until it is being done. The row decides against the worker that claims it."""
    open_still = Fulfilment.objects.filter(response=accepted).exclude(state=Fulfilment.State.DONE)
    if not open_still.filter(lease_until=None).update(state=Fulfilment.State.CALLED_OFF):
        raise Refusal(_("It is done already: undo it where it was done, and write a note."))


def _is_left(presentation: OfferPresentation) -> None:
    """The last one goes to one of two: the offer's row is their lock."""
    version = presentation.candidate.offer_version
    offer = Offer.objects.select_for_update(of=("self",)).select_related("current").get(pk=version.offer_id)
    stock = offer.current.stock if offer.current else None
    if stock is not None and taken(offer) >= stock:
        raise Refusal(_("None is left: somebody else has just taken the last one."))


def taken(offer: Offer) -> int:
    """How many acceptances of it stand."""
    return Taken.objects.filter(offer=offer).values_list("many", flat=True).first() or 0
