"""Helping over a colleague's shoulder: joining their case so that both write, and taking it over (docs/board.md)."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from cases import conversation
from cases.models import Case, CaseHelper, Draft
from cases.models.refusals import Refusal
from crm.models import Event, User
from crm.roles import may

_OWNERSHIP = ("assigned", "claimed", "released", "transferred")


@transaction.atomic
def join(case: Case, *, by: User, at: datetime | None = None, via: str = "person") -> None:
    """Write in a colleague's case beside them; they are told. Quiet if so already."""
    case.lock()
    if case.assignee_id is None or case.assignee_id == by.pk:
        raise Refusal(_("Nobody else has this case: take it, or just write."))
    case._must_be_active()
    _helper, fresh = CaseHelper.objects.get_or_create(case=case, user=by)
    if fresh:
        case.record("helper_joined", by=by, at=at, via=via, assignee=case.assignee_id)


@transaction.atomic
def leave(case: Case, *, by: User, at: datetime | None = None, via: str = "person") -> None:
    """Leave it to whoever has it; quiet if they never joined."""
    case.lock()
    if CaseHelper.objects.filter(case=case, user=by).delete()[0]:
        case.record("helper_left", by=by, at=at, via=via, assignee=case.assignee_id)


@transaction.atomic
def take_over(case: Case, *, by: User, reason: str, at: datetime | None = None, via: str = "person") -> None:
    """Take a case from a colleague, for a reason that stands in it as a note. They are told, and keep their draft, which
    is offered to who took over. Quiet if it is theirs already."""
    case.lock()
    if case.assignee_id == by.pk:
        return
    if case.assignee_id is None:
        raise Refusal(_("Nobody has this case: take it."))
    if not reason.strip():
        raise Refusal(_("Say why, for whoever had it and the team."))
    conversation.add_note(case, by=by, text=reason.strip(), at=at, via=via)
    CaseHelper.objects.filter(case=case, user=by).delete()
    case.assign(by, by=by, at=at, via=via, reason="taken_over")


def offered(case: Case, user: User) -> Draft | None:
    """What the colleague from whom this person took the case over was writing to the customer."""
    if case.assignee_id != user.pk or not may(user, "case.take_over", case.queue_id):
        return None
    turns = Event.objects.filter(stream="case", stream_id=case.pk, kind__in=_OWNERSHIP)
    last = turns.order_by("-version").first()
    if last is None or last.reason != "taken_over":
        return None
    drafts = Draft.objects.filter(case=case, author=last.data.get("was"), kind="reply").exclude(text="")
    return drafts.select_related("author").first()
