"""How a mail arrives: stored raw, once, before anything looks into it; then read in a limited child, outside of any
transaction; then, in one, put where it belongs. docs/mail.md tells the way from mail to case."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.utils import timezone

from cases import sides
from cases.conversation import add_inbound
from cases.hooks import File, answered
from cases.mail import belonging, bounces, child, ids, repeats
from cases.mail.belonging import FOLLOWS, Place, place_of
from cases.mail.parsed import ParsedMail
from cases.mail.senders import Sender, is_our_own, sender_of
from cases.models import Case, CaseLink, Dispatch, InboundItem, Mailbox, Message, Queue, SideMessage, Thread
from cases.models.side import SOURCE as SIDE
from cases.receiving import Arrival, Aside, Ignored, Received, is_recent, open_case, queue_for
from crm.files import LARGEST
from crm.jobs import nudge
from customers.matching import match, point_of
from customers.models import ContactPoint, Customer

CHANNEL = "mail"
HEADER_ONLY = "large:"  # begins the external id of an item that is a mail's header
LONGEST_WAY = timedelta(days=7)  # from our server to us; what lay there longer was not meant to be answered
_REPLIED = re.compile(r"^(\s*(re|aw|antw|sv|vs|rif|odp|fwd?|wg|tr)\s*:)+", re.IGNORECASE)
_NUMBERED = re.compile(r"\[#\d{1,18}\]")
# Answers by machines to something we sent. Where they belong to no case there is nothing for a person to do.
REPORTS = ("bounce", "receipt")
ANSWERS_OF_MACHINES = (*REPORTS, "auto_reply")


# What a reader is told of the faults of a mail; how its lines were put is nobody's business.
FAULTS = {
    "clipped": {"long_text", "long_html", "too_many_parts", "too_deep", "too_many_headers"},
    "guessed": {"other_charset", "bad_encoding"},
}


class Slow(Exception):
    """A quick look was not enough: it is read again by whom nobody waits for."""


def store(
    raw: bytes,
    *,
    mailbox: Mailbox | None = None,
    queue: Queue | None = None,
    now: datetime | None = None,
    arrived_at: datetime | None = None,
    size: int = 0,
) -> tuple[InboundItem, bool]:
    """Keep a mail as it came: the item, and whether it is new. The same bytes are kept once, for the queue that had
    them first. Committed when this returns (call it outside a transaction); the sweep turns it into a message.

    `arrived_at` is when a server of ours took it, if that was earlier: its sender has waited since. `size`: of a mail
    too large to be had, whose header `raw` is. It is known again by both, and becomes a message that says so."""
    now = now or timezone.now()
    meant_for = mailbox.queue if mailbox else queue
    since = arrived_at if arrived_at and now - LONGEST_WAY <= arrived_at <= now else now
    named = HEADER_ONLY + _digest(b"%d\n%s" % (size, raw)) if size else _digest(raw)
    arrived = InboundItem(
        channel=CHANNEL, external_id=named, raw=raw, queue=meant_for, received_at=since, next_try_at=now
    )
    item, fresh = InboundItem.objects.keep(arrived)
    if fresh:
        nudge("cases.inbound")
    return item, fresh


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def read(item: InboundItem, *, quickly: bool = False) -> Arrival:
    """What a stored mail says and how it is put where it belongs. Raises Unparsable; Slow where a quick look is not
    enough."""
    return arrival(item, _parsed_quickly(item) if quickly else child.parse(bytes(item.raw)))


def arrival(item: InboundItem, mail: ParsedMail) -> Arrival:
    """A mail that was read, and the item it was stored as."""
    files = tuple(file for file in mail.files if len(file.data) <= LARGEST)
    return Arrival(files, partial(receive, _Letter(mail, item, files)))


def _parsed_quickly(item: InboundItem) -> ParsedMail:
    try:
        return child.parse(bytes(item.raw), quick=True)
    except child.Unparsable as error:
        raise Slow from error


@dataclass(frozen=True)
class _Letter:
    """A mail that was read, the item it was stored as, and those of its files that we keep apart from it."""

    mail: ParsedMail
    item: InboundItem
    files: tuple[File, ...]

    @property
    def at(self) -> datetime:
        """When it counts from. Not its Date: anybody could be first in line."""
        return self.item.received_at


def receive(letter: _Letter) -> Received | Aside | Ignored:
    """Inside a transaction. Our own mail coming back and machines' answers to nothing are ignored; nothing that a
    machine wrote opens, wakes or is answered; a person's words join their case or open one."""
    mail = letter.mail
    identity = repeats.identity(mail, letter.item)
    if known := repeats.known(identity):
        return Received("duplicate", known.case, known)
    if is_our_own(mail):
        return Ignored("own_mail")
    if mail.auto in REPORTS:
        return _reported(letter, identity)
    sender = sender_of(mail)
    place = place_of(mail, sender.address)
    if place.dispatch is not None and place.dispatch.source == SIDE:
        return _aside(letter, identity, sender, place.dispatch)
    if place.case is not None:
        return _join(letter, identity, sender, place)
    if mail.auto in ANSWERS_OF_MACHINES:
        return _to_no_case(letter, place.dispatch)
    return _open(letter, identity, sender, place)


def _aside(letter: _Letter, identity: str, sender: Sender, about: Dispatch) -> Aside | Ignored:
    """An answer to a question beside a case."""
    if SideMessage.objects.filter(external_id=identity).exists():
        return Ignored("duplicate")
    mail = letter.mail
    message = sides.hear(
        about,
        text=mail.new_text or mail.text,
        sender_name=sender.name or mail.sender.email,
        sender=sender.address,
        at=letter.at,
        external_id=identity,
        mail_id=mail.message_id,
        is_auto=bool(mail.auto),
        files=letter.files,
        flags=_flags(letter, sender),
    )
    return Aside(message.case)


def _reported(letter: _Letter, identity: str) -> Received | Ignored:
    """What servers tell of a mail of ours: its dispatch is settled, and their words are shown where we had written; of
    one that is in no case they stay beside it."""
    about = bounces.take(letter.mail, at=letter.at)
    said = ids.said_by(about) if about else None
    if said is None:
        return _to_no_case(letter, about)
    case, _closed = belonging.goes_on_in(said.case, None)
    if case is None:
        return Ignored(f"{letter.mail.auto}_to_closed")
    return Received("appended", case, _say(letter, identity, case, Sender(None, letter.mail.sender.name), None))


def _to_no_case(letter: _Letter, about: Dispatch | None) -> Ignored:
    """A machine's word on a mail of ours that is in no case (a notice), or on nothing of ours."""
    return Ignored(f"{letter.mail.auto}_to_mail" if about else f"{letter.mail.auto}_to_nothing", about)


def _join(letter: _Letter, identity: str, sender: Sender, place: Place) -> Received | Ignored:
    """A word of somebody who takes part, in their case; in one that follows it where it is closed."""
    assert place.case is not None  # noqa: S101 - what the caller has seen
    case, closed = belonging.goes_on_in(place.case, sender.address)
    if case is not None:
        point = _point(sender)
        _vouch(point, place, letter.at)
        return Received("appended", case, _say(letter, identity, case, sender, point))
    if letter.mail.auto in ANSWERS_OF_MACHINES:
        return Ignored(f"{letter.mail.auto}_to_closed")
    return _open(letter, identity, sender, place, followed=closed)


def _open(letter: _Letter, identity: str, sender: Sender, place: Place, *, followed: Case | None = None) -> Received:
    """A new case, with what a person should know of others beside it; or, for an answer to a notice that was answered
    before, the case of that answer."""
    customer, point = _customer(letter, sender)
    _vouch(point, place, letter.at)
    thread = _thread_of(place.dispatch) if place.dispatch else None
    case = _earlier(thread, customer, sender) if thread else None
    status = "appended" if case else "created"
    if case is None:
        case = _new(letter, customer, followed)
        _link(case, place, followed)
    if thread:
        thread.cases.add(case)
    message = _say(letter, identity, case, sender, point)
    if place.dispatch and not letter.mail.auto:
        answered.collect(place.dispatch, case)
    return Received(status, case, message)


def _new(letter: _Letter, customer: Customer | None, followed: Case | None) -> Case:
    mail = letter.mail
    recent = followed if followed and is_recent(followed, letter.at) else None
    return open_case(
        queue=queue_for(letter.item.queue_id),
        customer=customer,
        subject=mail.subject,
        channel=CHANNEL,
        at=letter.at,
        via="channel",
        language=mail.language or (customer.language if customer else ""),
        issue=recent.issue if recent and recent.customer_id == (customer.pk if customer else None) else None,
        word_follows=True,
    )


def _link(case: Case, place: Place, followed: Case | None) -> None:
    if followed is not None:
        CaseLink.objects.create(case=case, other=followed, kind=FOLLOWS)
    elif place.hint is not None:
        CaseLink.objects.create(case=case, other=place.hint, kind=place.kind)


# --- who


def _customer(letter: _Letter, sender: Sender) -> tuple[Customer | None, ContactPoint | None]:
    """Their customer record, a new one at need; nobody where the sender is not believed."""
    if sender.address is None:
        return None, None
    point = _point(sender)
    if point is not None and point.customer.merged_into is None and (point.customer.name or not sender.name):
        return point.customer, point
    customer = match([sender.address], name=sender.name, language=letter.mail.language, at=letter.at)
    return customer, _point(sender)


def _point(sender: Sender) -> ContactPoint | None:
    return point_of(sender.address) if sender.address else None


def _vouch(point: ContactPoint | None, place: Place, at: datetime) -> None:
    """Who answers with an id that went to this address alone reads its mail."""
    if place.is_proven and point is not None and point.verified_at is None:
        ContactPoint.objects.filter(pk=point.pk, verified_at=None).update(verified_at=at)


# --- answers to what belongs to no case


def _thread_of(dispatch: Dispatch) -> Thread:
    """Locked: two answers at once to one notice open one case."""
    thread, _fresh = Thread.objects.get_or_create(channel=CHANNEL, external_id=f"dispatch {dispatch.pk}")
    return Thread.objects.select_for_update().get(pk=thread.pk)


def _earlier(thread: Thread, customer: Customer | None, sender: Sender) -> Case | None:
    """The case in which this customer answered it before, if it is still open to words."""
    last = thread.cases.filter(customer=customer).order_by("-opened_at", "-pk").first()
    return belonging.goes_on_in(last, sender.address)[0] if last else None


# --- the message


def _say(letter: _Letter, identity: str, case: Case, sender: Sender, point: ContactPoint | None) -> Message:
    mail = letter.mail
    return add_inbound(
        case,
        text=mail.text,
        html=mail.html,
        folds=mail.folds,
        subject=_apart(mail.subject, case),
        sender=point,
        sender_name=sender.name or mail.sender.email,
        channel=CHANNEL,
        at=letter.at,
        language=mail.language,
        is_auto=bool(mail.auto),
        files=letter.files,
        flags=_flags(letter, sender),
        mail_id=mail.message_id,
        mail_hash=repeats.content_hash(mail),
        source=repeats.SOURCE,
        external_id=identity,
        written_at=mail.date,
        is_locked=True,  # found by `goes_on_in`, or opened here
    )


def _apart(subject: str, case: Case) -> str:
    """The mail's own subject, where it is another than the case's."""
    plain = " ".join(_REPLIED.sub("", _NUMBERED.sub("", subject[:1000])).split())
    return "" if plain == case.subject else " ".join(subject.split())[:300]


def _flags(letter: _Letter, sender: Sender) -> list[str]:
    """What a reader is warned of, in enumerated words."""
    found = list(sender.flags)
    if repeats.is_used(letter.mail.message_id):
        found.append("message_id_reused")
    if len(letter.files) < len(letter.mail.files):
        found.append("files_left_out")
    if letter.item.external_id.startswith(HEADER_ONLY):
        found.append("only_its_header")
    faults = set(letter.mail.faults)
    return found + [flag for flag, meant in FAULTS.items() if meant & faults]
