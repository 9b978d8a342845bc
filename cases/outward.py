"""The outward door. Every message that leaves is a Dispatch made here after `may_contact`; it is held for the undo
window, released (that is when it counts), claimed by lease, and sent once with its key."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connections, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import promises, transitions
from cases.channels import Failed, Later, Unknown, adapter_for, channel_for
from cases.compose import compose
from cases.mail import ids
from cases.models import Case, Channel, Dispatch, Message
from cases.models.case import Refusal
from crm.models import User
from customers import consent
from customers.models import ContactPoint, Customer, Suppression

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)  # longer than any adapter's own timeouts
MOST_TRIES = 8
BATCH = 200

# What a message class needs of the customer: None, nothing but that the address is not suppressed.
CONSENT_NEEDED: dict[str, str | None] = {
    "answer": None,
    "acknowledgement": None,
    "promise": None,
    "notice": "service",
    "advice": "advice",
    "marketing": "marketing",
    "research": "research",
}


@dataclass(frozen=True)
class Verdict:
    """Whether a message may be sent, and if not, why (an enumerated word)."""

    allowed: bool
    reason: str = ""


def may_contact(
    customer: Customer | None,
    message_class: str,
    contact_point: ContactPoint | None,
    at: datetime,
    *,
    channel: str = "mail",
) -> Verdict:
    """Ask before anything leaves: known class, customer not erased, address not suppressed, consent where needed.

    An answer to what a person asked needs no consent; service notices go unless refused; everything else needs a yes.
    """
    if message_class not in CONSENT_NEEDED:
        return Verdict(False, "unknown_class")
    if customer is not None and customer.erased_at:
        return Verdict(False, "erased")
    purpose = CONSENT_NEEDED[message_class]
    if contact_point is not None and _is_suppressed(contact_point, purpose or ""):
        return Verdict(False, "suppressed")
    if purpose is None:
        return Verdict(True)
    said = consent.state(customer, purpose, channel, at) if customer else None
    if said is False:
        return Verdict(False, "consent_withdrawn")
    if said is None and purpose != "service":
        return Verdict(False, "no_consent")
    return Verdict(True)


def _is_suppressed(contact_point: ContactPoint, purpose: str) -> bool:
    return Suppression.objects.filter(
        Q(purpose="") | Q(purpose=purpose), kind=contact_point.kind, value=contact_point.value, lifted_at=None
    ).exists()


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
) -> Dispatch:
    """Make the one row by which a message may leave; suppressed at birth, with the reason, when it may not."""
    verdict = may_contact(customer, message_class, contact_point, release_at, channel=channel)
    state = Dispatch.State.HELD if verdict.allowed else Dispatch.State.SUPPRESSED
    made, _fresh = Dispatch.objects.get_or_create(
        source=source,
        source_id=source_id,
        address=address,
        defaults={
            "customer": customer,
            "contact_point": contact_point,
            "channel": channel,
            "message_class": message_class,
            "release_at": release_at,
            "state": state,
            "reason": verdict.reason,
        },
    )
    return made


def dispatch_reply(message: Message, *, release_at: datetime) -> Dispatch:
    """Hold a reply for the undo window. Refused, with the reason in words, when nothing could leave."""
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
    )


@dataclass(frozen=True)
class Way:
    """How a case's customer is answered."""

    channel: str
    address: str
    contact_point: ContactPoint | None


def way_out(case: Case) -> Way:
    """Answer people where they wrote from: a mail address by mail, a channel with a call-back by that channel, else any
    mail address we know. Refusal when there is none."""
    last = (
        case.messages.filter(direction="inbound", is_auto=False).select_related("sender").order_by("-at", "-id").first()
    )
    sender = last.sender if last else None
    if sender and sender.kind == ContactPoint.Kind.EMAIL and not sender.ended_at:
        return Way("mail", sender.value, sender)
    channel = Channel.objects.filter(slug=case.channel, is_active=True).exclude(callback_url="").first()
    if channel:
        return Way(channel.slug, sender.value if sender else str(case.number), sender)
    point = _mail_of(case.customer)
    if point is None:
        raise Refusal(_("There is no address to answer to: add a mail address on the customer’s page."))
    return Way("mail", point.value, point)


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
    _become(case, message.then_status, by, now, via)


def _become(case: Case, status: str, by: User | None, now: datetime, via: str) -> None:
    if status and case.status != status and transitions.allowed(case.status, status):
        case.change_status(status, by=by, at=now, via=via)
    elif case.status == transitions.NEW:
        case.change_status(transitions.OPEN, by=by, at=now, via=via)


# --- sending


def send_due(now: datetime) -> int:
    """Send what is released, a thread a channel, so that a slow one delays nobody else; returns how many were tried."""
    _settle_broken_leases(now)
    ready = _ready(now).values_list("channel", flat=True).distinct()
    names = list(ready.order_by("channel"))
    if len(names) <= 1:
        return sum(_drain(name, now) for name in names)
    with ThreadPoolExecutor(max_workers=min(4, len(names)), thread_name_prefix="send") as pool:
        return sum(pool.map(lambda name: _drain_apart(name, now), names))


def _drain_apart(channel: str, now: datetime) -> int:
    try:
        return _drain(channel, now)
    finally:
        connections.close_all()


def _ready(now: datetime):  # type: ignore[no-untyped-def]
    released = Q(released_at__isnull=False) | ~Q(source="message")
    return Dispatch.objects.filter(released, state=Dispatch.State.HELD, release_at__lte=now)


def _drain(channel: str, now: datetime) -> int:
    tried = 0
    while tried < BATCH and (claimed := _claim(channel, now)):
        _send(claimed)
        tried += 1
    return tried


@transaction.atomic
def _claim(channel: str, now: datetime) -> Dispatch | None:
    """Take one, count the try before it is made, and hold it by lease. The customer's word counts up to here."""
    row: Dispatch | None = (
        _ready(now)
        .filter(channel=channel)
        .select_for_update(of=("self",), skip_locked=True)
        .order_by("release_at", "pk")
        .first()
    )
    if row is None:
        return None
    verdict = may_contact(row.customer, row.message_class, row.contact_point, now, channel=row.channel)
    if not verdict.allowed:
        row.state, row.reason = Dispatch.State.SUPPRESSED, verdict.reason
        row.save(update_fields=["state", "reason"])
        return row
    row.state, row.attempts, row.lease_until = Dispatch.State.CLAIMED, row.attempts + 1, timezone.now() + LEASE
    row.provider_id = ids.message_id(row) if channel == "mail" else ""
    row.save(update_fields=["state", "attempts", "lease_until", "provider_id"])
    return row


def _send(row: Dispatch) -> None:
    if row.state == Dispatch.State.SUPPRESSED:
        _finish(row, Dispatch.State.SUPPRESSED, reason=row.reason)
        return
    try:
        provider_id = adapter_for(row).send(compose(row), channel_for(row.channel))
    except Later as later:
        _try_later(row, later)
    except Failed as failed:
        _finish(row, Dispatch.State.FAILED, reason=failed.reason, detail=str(failed))
    except Unknown as unknown:
        _finish(row, Dispatch.State.UNKNOWN, reason=unknown.reason, detail=str(unknown))
    except Exception as error:
        log.exception("dispatch %s failed", row.pk)
        _finish(row, Dispatch.State.FAILED, reason="error", detail=type(error).__name__)
    else:
        _finish(row, Dispatch.State.SENT, provider_id=provider_id)


def _try_later(row: Dispatch, why: Later) -> None:
    if row.attempts >= MOST_TRIES:
        _finish(row, Dispatch.State.FAILED, reason=why.reason, detail=str(why))
        return
    pause = why.after or min(timedelta(seconds=2**row.attempts), timedelta(minutes=10))
    claimed = Dispatch.objects.filter(pk=row.pk, state=Dispatch.State.CLAIMED)
    _put_off(claimed, row, timezone.now() + pause, reason=why.reason, detail=str(why)[:300])


@transaction.atomic
def _put_off(held: QuerySet[Dispatch], row: Dispatch, release_at: datetime, *, reason: str, detail: str = "") -> None:
    """Hold it once more, if it is still as `held` says, and tell the case that it is tried again."""
    message = Message.objects.select_related("case").filter(dispatch=row).first()
    if message:
        message.case.lock()
    again = held.update(
        state=Dispatch.State.HELD, release_at=release_at, lease_until=None, reason=reason, detail=detail
    )
    if message and again:
        message.case.record("send_delayed", by=None, via="system", reason=reason, message=message.pk)


@transaction.atomic
def _finish(row: Dispatch, state: str, *, reason: str = "", detail: str = "", provider_id: str = "") -> None:
    """Write down what became of it, once, and tell the case."""
    now = timezone.now()
    message = Message.objects.select_related("case").filter(dispatch=row).first()
    if message:
        message.case.lock()
    sent_at = now if state == Dispatch.State.SENT else None
    changed = Dispatch.objects.filter(pk=row.pk, state=row.state).update(
        state=state,
        reason=reason,
        detail=detail[:300],
        provider_id=provider_id[:250] or row.provider_id,
        sent_at=sent_at,
        lease_until=None,
    )
    if not changed and state != Dispatch.State.SUPPRESSED:
        return
    if message:
        tell(message, state, reason, now)


def tell(message: Message, state: str, reason: str, now: datetime) -> None:
    kinds = {"sent": "sent", "failed": "send_failed", "unknown": "send_unknown", "suppressed": "send_suppressed"}
    case = message.case
    show(case, {"sent": "", "suppressed": "failed"}.get(state, state))
    case.record(kinds[state], by=None, via="system", at=now, reason=reason, message=message.pk)
    undelivered = state in {Dispatch.State.FAILED, Dispatch.State.SUPPRESSED}
    if undelivered and case.status in {transitions.WAITING_CUSTOMER, transitions.RESOLVED}:
        case.change_status(transitions.OPEN, by=None, via="system", at=now, reason="send_failed")
        case.waiting_since = case.waiting_since or now
        case.save(update_fields=["waiting_since"])


def show(case: Case, send_state: str) -> None:
    """Keep on the case, whose lock the caller holds, how its latest reply fares: the list shows it."""
    case.send_state = send_state
    case.save(update_fields=["send_state"])


def _settle_broken_leases(now: datetime) -> None:
    """Whoever held these died in the middle. Where the other side honours keys, the same key is sent again; where it
    does not, nobody can know: it is shown as unknown and waits for a person's word."""
    broken = Dispatch.objects.filter(state=Dispatch.State.CLAIMED, lease_until__lt=now)
    for row in broken[:BATCH]:
        if _honours_key(row):
            held = Dispatch.objects.filter(pk=row.pk, state=Dispatch.State.CLAIMED, lease_until__lt=now)
            _put_off(held, row, now, reason="interrupted")
        else:
            _finish(row, Dispatch.State.UNKNOWN, reason="interrupted")


def _honours_key(row: Dispatch) -> bool:
    try:
        return adapter_for(row).honours_key
    except Failed:
        return False
