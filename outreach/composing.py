"""A notice as a mail, and what follows from an answer to it."""

from dataclasses import dataclass

from django.utils import timezone

from cases.hooks import Outgoing
from cases.models import Case, Dispatch
from cases.models.case import Refusal
from crm.languages import spoken
from customers import unsubscribe
from outreach.delivery import SOURCE
from outreach.models import Notice, NoticeDelivery
from outreach.wording import letter


@dataclass(frozen=True)
class Read:
    """A notice as one customer reads it."""

    subject: str
    text: str
    language: str


def read(notice: Notice, *, language: str, tz: str, way_out: str) -> Read:
    """In their language, or in English where nobody wrote in it; by their clock."""
    words, problem = notice.words(language), notice.problem
    said_in = spoken(language) if notice.texts.get(spoken(language)) else "en"
    news_by = problem.next_update_at if problem.state != problem.State.FIXED else None
    text = letter(words, news_by=news_by, language=said_in, tz=tz, way_out=way_out)
    return Read(words["subject"], text, said_in)


def compose(dispatch: Dispatch) -> Outgoing | None:
    if dispatch.source != SOURCE:
        return None
    told = NoticeDelivery.objects.select_related("notice__problem", "customer").get(dispatch=dispatch)
    way_out = unsubscribe.link(dispatch.customer_id, dispatch.contact_point_id, "service")
    mail = read(told.notice, language=told.customer.language, tz=told.customer.tz, way_out=way_out)
    return Outgoing(
        key=str(dispatch.key),
        to=dispatch.address,
        to_name=told.customer.name,
        subject=mail.subject,
        text=mail.text,
        language=mail.language,
        thread=f"problem-{told.problem_id}",
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
