"""A notice as a mail, and what follows from an answer to it."""

from django.utils import timezone

from cases.hooks import Outgoing
from cases.models import Case, Dispatch
from cases.models.case import Refusal
from customers import unsubscribe
from outreach.delivery import SOURCE
from outreach.models import Notice, NoticeDelivery
from outreach.wording import letter


def compose(dispatch: Dispatch) -> Outgoing | None:
    """As this customer reads it: their language, their clock."""
    if dispatch.source != SOURCE:
        return None
    told = NoticeDelivery.objects.select_related("notice__problem", "customer").get(dispatch=dispatch)
    return outgoing(
        told.notice, dispatch, language=told.customer.language, tz=told.customer.tz, name=told.customer.name
    )


def outgoing(notice: Notice, dispatch: Dispatch, *, language: str, tz: str, name: str) -> Outgoing:
    words, problem = notice.words(language), notice.problem
    spoken = language if notice.texts.get(language.partition("-")[0]) else "en"
    way_out = unsubscribe.link(dispatch.customer_id, dispatch.contact_point_id, "service")
    news_by = problem.next_update_at if problem.state != "fixed" else None
    return Outgoing(
        key=str(dispatch.key),
        to=dispatch.address,
        to_name=name,
        subject=words["subject"],
        text=letter(words, news_by=news_by, language=spoken, tz=tz, way_out=way_out),
        language=spoken,
        thread=f"problem-{problem.pk}",
    )


def answered(dispatch: Dispatch, case: Case) -> None:
    """Somebody answered a notice: their case is about its problem, unless it is linked already or the problem is over."""
    if dispatch.source != SOURCE:
        return
    told = NoticeDelivery.objects.select_related("problem").filter(dispatch=dispatch).first()
    if told is None:
        return
    if told.answered_at is None:
        told.answered_at = timezone.now()
        told.save(update_fields=["answered_at"])
    try:
        told.problem.link(case, by=None, via="reply")
    except Refusal:
        return
