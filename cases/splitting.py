"""Words that are about something else become a case of their own (docs/merging.md)."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import merged_state, search, transitions
from cases.attention import refresh
from cases.models import Case, CaseLink, Clock, Contact, Dispatch, Mention, Message
from cases.models.case import Refusal
from cases.models.dispatch import UNSENT
from cases.receiving import open_case
from crm.models import User

SPLIT = "split_from"  # a kind of CaseLink


@transaction.atomic
def split(
    message: Message,
    *,
    subject: str,
    by: User,
    with_later: bool = False,
    at: datetime | None = None,
    via: str = "person",
) -> Case:
    """Open a case of its own with this message of the customer, `with_later` with all that was said after it too. The
    customer waits in it since they wrote it. Merging it back undoes it. Raises Refusal when nothing would be left, or
    an answer is on its way this very moment."""
    case = Case.objects.get(pk=message.case_id)
    case.lock()
    now = at or timezone.now()
    moving = _moving(case, message, with_later=with_later)
    fresh = open_case(
        queue=case.queue,
        customer=case.customer,
        subject=subject.strip() or case.subject,
        channel=message.channel or case.channel,
        at=now,
        via=via,
        by=by,
        priority=case.priority,
        language=case.language,
    )
    _move(moving, case, fresh)
    CaseLink.objects.create(case=fresh, other=case, kind=SPLIT)
    _wait_since(fresh, message.at)
    for each in (case, fresh):
        search.rebuild(each)
        merged_state.look_again(each)
    case.waiting_since = _waits_since(case)
    case.save(update_fields=["waiting_since"])
    case.record("split_off", by=by, at=now, via=via, into=fresh.number, messages=len(moving))
    refresh(fresh)
    refresh(case)
    return fresh


def _moving(case: Case, message: Message, *, with_later: bool) -> list[int]:
    if not case.is_active:
        raise Refusal(
            _("#%(number)s is %(status)s: open it again to split it.")
            % {"number": case.number, "status": case.get_status_display()}
        )
    said = list(case.messages.order_by("at", "pk"))
    place = next((n for n, each in enumerate(said) if each.pk == message.pk), None)
    if place is None or message.direction != Message.Direction.INBOUND:
        raise Refusal(_("Only what a customer wrote in this case can be split off."))
    moving = [each.pk for each in said[place:]] if with_later else [message.pk]
    if not any(each.direction == Message.Direction.INBOUND for each in said if each.pk not in moving):
        raise Refusal(_("Nothing the customer wrote would be left here: move the case, or change its subject."))
    on_its_way = Dispatch.objects.filter(message__in=moving, state__in=UNSENT)
    if on_its_way.exists():
        raise Refusal(_("An answer among it is on its way: wait a moment, then split."))
    return moving


def _move(moving: Sequence[int], case: Case, fresh: Case) -> None:
    """The words, who was named in them, what was promised in them, and a stretch of talk for each channel."""
    messages = list(Message.objects.filter(pk__in=moving).order_by("at", "pk"))
    talks: dict[str, Contact] = {}
    for message in messages:
        message.case, message.case_version = fresh, fresh.version
        if message.contact_id is not None:
            message.contact = talks.setdefault(message.channel, _talk(fresh, message))
            message.contact.last_at = max(message.contact.last_at, message.at)
    for talk in talks.values():
        talk.save()
    for message in messages:
        message.contact_id = message.contact.pk if message.contact else None
    Message.objects.bulk_update(messages, ["case", "case_version", "contact"])
    Mention.objects.filter(message__in=moving).update(case=fresh)
    case.notifications.filter(event__data__message__in=list(moving)).update(case=fresh)
    case.promises.filter(made_by__in=moving).update(case=fresh)


def _talk(fresh: Case, message: Message) -> Contact:
    return Contact(
        case=fresh,
        customer=fresh.customer,
        issue=fresh.issue,
        channel=message.channel,
        started_at=message.at,
        last_at=message.at,
    )


def _wait_since(fresh: Case, at: datetime) -> None:
    """No split buys us time: its clocks count from when the customer wrote."""
    fresh.waiting_since = at
    fresh.save(update_fields=["waiting_since"])
    for clock in Clock.objects.filter(case=fresh).unfinished().select_related("calendar_version"):
        clock.started_at = at
        clock.run_from(at)
        clock.save()


def _waits_since(case: Case) -> datetime | None:
    """When the oldest word was said that nobody has answered since, of what is left."""
    if case.status not in {transitions.NEW, transitions.OPEN}:
        return case.waiting_since
    words = case.messages.filter(direction=Message.Direction.INBOUND, is_auto=False)
    answer = case.messages.filter(released_at__isnull=False).order_by("-at").values_list("at", flat=True).first()
    owed = words.filter(at__gt=answer) if answer else words
    return owed.order_by("at").values_list("at", flat=True).first()
