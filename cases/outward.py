"""The outward door. Every message that leaves is a Dispatch made here after `may_contact`; it is held for the undo
window, released (that is when it counts), and sent by the loop in cases.sending."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from cases import promises, transitions
from cases.hooks import Verdict
from cases.models import Case, Channel, Dispatch, Message
from cases.models.case import Refusal
from cases.permission import judge, may_contact
from cases.sending import can_send, send_due, send_mass_due, show, tell
from cases.undelivered import cause
from crm import bulk
from crm.database.prepared import Prepared
from crm.models import User
from customers.models import ContactPoint, Customer

__all__ = [
    "Letter",
    "Way",
    "again",
    "count",
    "dispatch",
    "dispatch_many",
    "dispatch_reply",
    "hurry",
    "may_contact",
    "must_be_able_to_leave",
    "release_due",
    "send_due",
    "send_mass_due",
    "show",
    "tell",
    "way_out",
]

BATCH = 200


def dispatch(
    *,
    customer: Customer | None,
    contact_point: ContactPoint | None,
    channel: str,
    address: str,
    message_class: str,
    source: str,
    source_id: int,
    release_at: datetime,
    is_new: bool = False,
    verdict: Verdict | None = None,
) -> Dispatch:
    """Make the one row by which a message may leave; suppressed at birth, with the reason, when it may not. `is_new`: its
    source was written in this very transaction, so that nobody can have made it before. `verdict`: it was asked just now."""
    verdict = verdict or may_contact(customer, message_class, contact_point, release_at, channel=channel)
    said = {
        "customer": customer,
        "contact_point": contact_point,
        "channel": channel,
        "message_class": message_class,
        "release_at": release_at,
        "state": Dispatch.State.HELD if verdict.allowed else Dispatch.State.SUPPRESSED,
        "reason": verdict.reason,
    }
    once = {"source": source, "source_id": source_id, "address": address}
    if is_new:
        made = Dispatch(**once, **said)
        bulk.add(made)
        return made
    made, _fresh = Dispatch.objects.get_or_create(**once, defaults=said)
    return made


@dataclass(frozen=True)
class Letter:
    """One of many messages alike: to whom, at which address, and who composes it."""

    customer: Customer
    contact_point: ContactPoint
    source: str
    source_id: int
    message_class: str
    release_at: datetime


def dispatch_many(letters: Sequence[Letter], at: datetime) -> dict[str, Dispatch]:
    """As `dispatch`, for mails to many in a few statements: the row of each address that got one. An address that has
    one already gets no second; one that never left because it was held back may leave now."""
    rows = [
        Dispatch(
            customer=letter.customer,
            contact_point=letter.contact_point,
            channel="mail",
            address=letter.contact_point.value,
            message_class=letter.message_class,
            source=letter.source,
            source_id=letter.source_id,
            release_at=letter.release_at,
        )
        for letter in letters
    ]
    verdicts = judge(rows, at)
    for row in rows:
        if not verdicts[row.key].allowed:
            row.state, row.reason = Dispatch.State.SUPPRESSED, verdicts[row.key].reason
    Dispatch.objects.bulk_create(rows, ignore_conflicts=True)
    made = Dispatch.objects.filter(key__in=[row.key for row in rows])
    return {row.address: row for row in made} | {row.address: row for row in _revived(rows, at)}


def _revived(rows: Sequence[Dispatch], at: datetime) -> list[Dispatch]:
    """Rows of earlier that were held back and are wanted again."""
    found: list[Dispatch] = []
    for source, source_id in {(row.source, row.source_id) for row in rows}:
        addresses = [row.address for row in rows if row.state == Dispatch.State.HELD]
        earlier = Dispatch.objects.filter(source=source, source_id=source_id, address__in=addresses)
        kept = earlier.filter(state=Dispatch.State.SUPPRESSED).exclude(key__in=[row.key for row in rows])
        found += [row for row in kept.select_for_update() if again(row, at)]
    return found


def again(row: Dispatch, at: datetime) -> bool:
    """What failed, may not have arrived or was held back goes once more under its key; False where it is on its way or
    done."""
    may = [Dispatch.State.FAILED, Dispatch.State.UNKNOWN, Dispatch.State.SUPPRESSED]
    held = {"state": Dispatch.State.HELD, "release_at": at, "reason": "", "detail": "", "begun_at": None, "attempts": 0}
    return bool(Dispatch.objects.filter(pk=row.pk, state__in=may).update(**held))


def hurry(rows: QuerySet[Dispatch], at: datetime) -> int:
    """What was put off may leave now."""
    return rows.filter(state=Dispatch.State.HELD).update(release_at=at, reason="")


def dispatch_reply(message: Message, *, release_at: datetime) -> Dispatch:
    """Hold a reply that has just been written for the undo window. Refused, with the reason in words, when nothing could leave."""
    way = way_out(message.case)
    verdict = may_contact(message.case.customer, "answer", way.contact_point, release_at, channel=way.channel)
    if not verdict.allowed:
        raise Refusal(
            _("Nothing may be sent to %(address)s (%(reason)s).") % {"address": way.address, "reason": verdict.reason}
        )
    return dispatch(
        customer=message.case.customer,
        contact_point=way.contact_point,
        channel=way.channel,
        address=way.address,
        message_class="answer",
        source="message",
        source_id=message.pk,
        release_at=release_at,
        is_new=True,
        verdict=verdict,
    )


def must_be_able_to_leave(row: Dispatch, now: datetime) -> None:
    """A Refusal, with the cause in words, where the next try is sure to end before it began."""
    verdict = judge([row], now)[row.key]
    reason = verdict.reason if not verdict.allowed else "" if can_send(row.channel) else "no_channel"
    if reason:
        raise Refusal(_("Nothing would be sent: %(cause)s.") % {"cause": cause(reason)})


@dataclass(frozen=True)
class Way:
    """How a case's customer is answered."""

    channel: str
    address: str
    contact_point: ContactPoint | None


def way_out(case: Case, *, last: Message | None = None) -> Way:
    """Answer people where they wrote from: a mail address by mail, a channel with a call-back by that channel, else any
    mail address we know. Refusal when there is none. `last` is the customer's last word, where it is at hand."""
    last = last or _last_word(case)
    sender = last.sender if last else None
    if sender and sender.kind == ContactPoint.Kind.EMAIL and not sender.ended_at:
        return Way("mail", sender.value, sender)
    channel = _CHANNEL.first(case.channel)
    if channel:
        return Way(channel.slug, sender.value if sender else str(case.number), sender)
    point = _mail_of(case.customer)
    if point is None and case.customer_id is None:
        raise Refusal(_("Nobody has said yet whose this case is. Say it first: then it can be answered."))
    if point is None:
        raise Refusal(_("There is no address to answer to: add a mail address on the customer’s page."))
    return Way("mail", point.value, point)


def _last_word(case: Case) -> Message | None:
    return _LAST_WORD.first(case.pk)


def _last_words(case: int) -> QuerySet[Message]:
    said = Message.objects.filter(case=case, direction="inbound", is_auto=False)
    return said.select_related("sender").order_by("-at", "-id")[:1]


_LAST_WORD = Prepared(_last_words, int)
_CHANNEL = Prepared(lambda slug: Channel.objects.filter(slug=slug, is_active=True).exclude(callback_url=""), str)


def _mail_of(customer: Customer | None) -> ContactPoint | None:
    if customer is None:
        return None
    points = customer.contact_points.filter(kind=ContactPoint.Kind.EMAIL, ended_at=None)
    return points.order_by("-is_preferred", F("verified_at").desc(nulls_last=True), "pk").first()


# --- release: the undo window closes, and the reply begins to count


def release_due(now: datetime) -> int:
    """Release the held replies whose window has closed; returns how many."""
    due = Dispatch.objects.filter(state=Dispatch.State.HELD, released_at=None, release_at__lte=now, source="message")
    return sum(_release(pk, now) for pk in due.order_by("release_at").values_list("source_id", flat=True)[:BATCH])


@transaction.atomic
def _release(message_id: int, now: datetime) -> int:
    """Case first, then dispatch: the order every verb locks in. Whoever comes second finds it done."""
    message = Message.objects.select_related("case").get(pk=message_id)
    message.case.lock()
    released = Dispatch.objects.filter(
        message=message, state=Dispatch.State.HELD, released_at=None, release_at__lte=now
    ).update(released_at=now)
    if released:
        count(message, message.case, now, via="person")
    return released


def count(message: Message, case: Case, now: datetime, *, via: str) -> None:
    """The reply is said: promises it keeps and makes, clocks it meets, and what the case becomes. Once a message."""
    if message.released_at is not None:
        return
    message.released_at = now
    message.save(update_fields=["released_at"])
    by = message.author
    kind = "answer_released" if message.is_answer else "reply_released"
    case.record(kind, by=by, at=now, via=via, message=message.pk)
    if message.by_when:
        promises.released(case, message, owner=case.assignee or by, via=via)
    if message.is_answer:
        promises.answered(case, message=message, by=by, at=now, via=via)
        case.acknowledgements.filter(answered_at=None, at__lte=now).update(answered_at=now)
    _become(case, message.then_status, by, now, via)


def _become(case: Case, status: str, by: User | None, now: datetime, via: str) -> None:
    if status and case.status != status and transitions.allowed(case.status, status):
        case.change_status(status, by=by, at=now, via=via, follows=True)
    elif case.status == transitions.NEW:
        case.change_status(transitions.OPEN, by=by, at=now, via=via, follows=True)
