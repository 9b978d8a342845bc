"""What is said in a case: words of the customer, answers to them, notes among us. Every word goes through here."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import acknowledge, outward, promises, search, transitions, variables
from cases.hooks import File
from cases.mail.attached import shown_name
from cases.mail.html import harmless
from cases.mail.parsed import Fold
from cases.models import Attachment, Case, Contact, Dispatch, Draft, Mention, Message, Watch
from cases.models.case import Refusal
from cases.models.dispatch import UNSENT
from cases.models.outcome import must_be_ready
from cases.models.queue import Queue
from crm import bulk
from crm.database.prepared import Prepared, kept
from crm.files import clean_name, save_bytes
from crm.jobs import nudge
from crm.models import User
from customers.folding import clean
from customers.models import ContactPoint

SILENCE = timedelta(hours=24)  # after which the next word begins a new contact
_MENTION = re.compile(r"(?<![\w@])@([\w.-]{2,150})")


class Stale(Refusal):
    """Somebody else spoke after the version this reply was written against."""

    def __init__(self, newer: list[Message]) -> None:
        super().__init__(_("There is something new in this case. Read it, then send again."))
        self.newer = newer


def add_inbound(
    case: Case,
    *,
    text: str,
    sender: ContactPoint | None,
    channel: str,
    at: datetime,
    html: str = "",
    sender_name: str = "",
    language: str = "",
    via: str = "channel",
    is_auto: bool = False,
    files: Sequence[File] = (),
    source: str = "",
    external_id: str | None = None,
    folds: Sequence[Fold] = (),
    written_at: datetime | None = None,
    is_locked: bool = False,
    **mail: Any,
) -> Message:
    """Add the customer's words to an unclosed case: it wakes, reopens, and the customer waits for us from `at` on.

    Auto-replies and bounces (`is_auto`) are shown and change nothing else. Repeating (source, external_id) raises
    IntegrityError: the constraint decides the race. `mail`: subject, mail_id, mail_hash and flags of one. `written_at` is
    its own date: what was written long ago is not acknowledged, however it gets here. `is_locked`: by a caller who has
    just read it so or opened it, and whose transaction ends with any error.
    """
    with transaction.atomic(savepoint=not is_locked):
        if not is_locked:
            case.lock()
        if case.status in transitions.FINAL:
            raise Refusal(_("Case #%(number)s is closed: open a new one that follows it.") % {"number": case.number})
        message = _say(
            case,
            direction=Message.Direction.INBOUND,
            channel=channel,
            text=text,
            html=harmless(clean(html)),
            sender=sender,
            sender_name=clean(sender_name)[:200],
            language=language,
            at=at,
            is_auto=is_auto,
            files=files,
            source=source,
            external_id=external_id,
            folds=[[fold.start, fold.end, fold.kind] for fold in folds],
            **mail,
        )
        if not is_auto:
            _customer_waits(case, at)
        case.record("message_received", by=None, via=via, at=at, message=message.pk, auto=is_auto)
        if not is_auto:
            _bring_back(case, at, via)
            if message.begins:
                acknowledge.begin(case, message, via=via, written_at=written_at or at)
        return message


def _customer_waits(case: Case, at: datetime) -> None:
    if case.waiting_since is None and case.status in transitions.ACTIVE:
        case.waiting_since = at
        case.save(update_fields=["waiting_since"])


def _bring_back(case: Case, at: datetime, via: str) -> None:
    """A customer who writes again is waiting again, whatever we had thought."""
    if case.snoozed_until is not None:
        case.wake(by=None, at=at, via=via, reason="customer_replied")
    if case.status in {transitions.WAITING_CUSTOMER, transitions.WAITING_INTERNAL, transitions.RESOLVED}:
        case.change_status(transitions.OPEN, by=None, at=at, via=via, reason="customer_replied")
        _customer_waits(case, at)
    if case.need_met_event is not None and case.need_met_event.data.get("how") == "silence":
        case.mark_need_unmet(by=None, at=at, via=via, reason="customer_replied")


@transaction.atomic
def reply(
    case: Case,
    *,
    by: User,
    text: str,
    written_against: int,
    is_answer: bool = False,
    next_step: str = "",
    by_when: datetime | None = None,
    moves: int | None = None,
    then_status: str = transitions.WAITING_CUSTOMER,
    anyway: bool = False,
    files: Sequence[File] = (),
    at: datetime | None = None,
    via: str = "person",
    source: str = "",
    external_id: str | None = None,
) -> Message:
    """Answer the customer. It waits out the undo window as a held Dispatch and counts when it is released.

    Raises Stale when someone else spoke after `written_against`, Refusal when nothing can be sent. With `at` (history
    brought in from elsewhere) nothing is sent and it counts at once, at that time. `moves` is the key of the promise
    whose time `by_when` becomes.
    """
    case.lock()
    _may_be_answered(case, text, then_status)
    if at is None:
        _must_be_filled_in(text, next_step)
    newer = [] if at else list(case.messages.by_others_since(written_against, by).order_by("case_version"))
    if newer and not anyway:
        raise Stale(newer)
    if at is None and case.status != then_status:
        must_be_ready(case, then_status)
    now = at or timezone.now()
    if by_when and by_when <= now:
        raise Refusal(_("“By when” has already passed: choose a later time."))
    message = _say(
        case,
        direction=Message.Direction.OUTBOUND,
        channel=case.channel,
        text=text,
        author=by,
        at=now,
        is_answer=is_answer,
        next_step=clean(next_step).strip()[:300],
        by_when=by_when,
        moves=promises.movable(case, moves, at=now) if moves and by_when else None,
        then_status=then_status,
        written_against=written_against,
        sent_anyway=bool(newer),
        language=case.language,
        files=files,
        source=source,
        external_id=external_id,
    )
    Draft.objects.filter(case=case, author=by, kind="reply").delete()
    if at:
        case.record("reply_written", by=by, at=now, via=via, message=message.pk, answer=is_answer)
        outward.count(message, case, now, via=via)
        return message
    message.dispatch = outward.dispatch_reply(message, release_at=now + timedelta(seconds=settings.SEND_UNDO_SECONDS))
    message.save(update_fields=["dispatch"])
    outward.show(case, "sending")
    case.record("reply_written", by=by, at=now, via=via, message=message.pk, answer=is_answer, anyway=bool(newer))
    return message


def _may_be_answered(case: Case, text: str, then_status: str) -> None:
    if not text.strip():
        raise Refusal(_("Write something first."))
    must_be_answerable(case)
    if then_status not in {*transitions.WORKING, transitions.RESOLVED}:
        raise Refusal(_("There is no such status to send with."))


def must_be_answerable(case: Case) -> None:
    if case.status in {*transitions.FINAL, transitions.SPAM}:
        raise Refusal(
            _("Case #%(number)s is %(status)s: nothing can be sent from it.")
            % {"number": case.number, "status": case.get_status_display()}
        )


def _must_be_filled_in(*words: str) -> None:
    """A customer never reads `{customer.first_name}`."""
    if missing := variables.unfilled(*words):
        raise Refusal(missing)


@transaction.atomic
def add_note(
    case: Case,
    *,
    by: User | None,
    text: str,
    at: datetime | None = None,
    via: str = "person",
    files: Sequence[File] = (),
    sender_name: str = "",
    source: str = "",
    external_id: str | None = None,
    **why: Any,
) -> Message:
    """Write a note among us. It has no Dispatch and no code path to one; @names notify and subscribe."""
    if not text.strip():
        raise Refusal(_("Write something first."))
    case.lock()
    if case.status == transitions.MERGED:
        raise Refusal(_("Case #%(number)s was merged: write in the one it goes on in.") % {"number": case.number})
    now = at or timezone.now()
    message = _say(
        case,
        direction=Message.Direction.NOTE,
        text=text,
        author=by,
        sender_name=sender_name,
        at=now,
        files=files,
        source=source,
        external_id=external_id,
    )
    named = [] if via == "import" else _mention(message, by)
    if by:
        Draft.objects.filter(case=case, author=by, kind="note").delete()
    case.record("note_added", by=by, at=now, via=via, message=message.pk, mentions=[u.pk for u in named], **why)
    return message


def _mention(message: Message, by: User | None) -> list[User]:
    names = {name.casefold().rstrip(".") for name in _MENTION.findall(message.text)}
    if not names:
        return []
    named = [u for u in mentionable(message.case.queue) if {u.username.casefold(), u.first_name.casefold()} & names]
    named = [u for u in named if u != by]
    Mention.objects.bulk_create([Mention(case=message.case, message=message, user=u) for u in named])
    Watch.objects.bulk_create([Watch(case=message.case, user=u) for u in named], ignore_conflicts=True)
    return named


def mentionable(queue: Queue) -> list[User]:
    """Who may be named in a note: those who may see the case."""
    return list(User.objects.filter(is_active=True, memberships__queue=queue).distinct().order_by("first_name"))


@transaction.atomic
def take_back(message: Message, *, by: User, at: datetime | None = None) -> Draft:
    """Undo a reply inside its window: nothing leaves, the text is a draft again. Refused once it was released."""
    case = message.case
    case.lock()
    now = at or timezone.now()
    undone = Dispatch.objects.filter(message=message, state=Dispatch.State.HELD, released_at=None, attempts=0).update(
        state=Dispatch.State.UNDONE
    )
    if not undone:
        raise Refusal(_("Too late: it has already been sent."))
    message.taken_back_at = now
    message.save(update_fields=["taken_back_at"])
    draft, _fresh = Draft.objects.get_or_create(
        author_id=message.author_id,
        case=case,
        kind="reply",
        defaults={
            "text": message.text,
            "is_answer": message.is_answer,
            "next_step": message.next_step,
            "by_when": message.by_when.isoformat() if message.by_when else "",
            "moves": message.moves,
            "written_against": case.version,
            "saved_at": now,
        },
    )
    outward.show(case, "")
    case.record("taken_back", by=by, at=now, message=message.pk)
    return draft


@transaction.atomic
def retry(message: Message, *, by: User, at: datetime | None = None) -> bool:
    """Send again what failed or may not have arrived, by a person's word; False if it is on its way already. Raises
    Refusal where nothing would leave: who asks for another try must not read that it is made when it is not."""
    case, now = message.case, at or timezone.now()
    case.lock()
    row = Dispatch.objects.select_for_update(of=("self",)).filter(message=message).first()
    if row is None or row.state in {Dispatch.State.SENT, Dispatch.State.UNDONE}:
        raise Refusal(_("There is nothing to send again: it was sent, or taken back."))
    if row.state in UNSENT:
        return False
    outward.must_be_able_to_leave(row, now)
    # Whoever tried it last is done, unless nobody knows: then their late word must not count for this try.
    attempts = row.attempts if row.state == Dispatch.State.UNKNOWN else 0
    Dispatch.objects.filter(pk=row.pk).update(
        state=Dispatch.State.HELD,
        release_at=now,
        reason="",
        detail="",
        lease_until=None,
        begun_at=None,
        attempts=attempts,
    )
    outward.show(case, "sending")
    case.record("send_retried", by=by, at=at, message=message.pk)
    nudge()
    return True


# --- what every utterance does


def _say(case: Case, *, files: Sequence[File], text: str, at: datetime, **fields: object) -> Message:
    """Store one utterance, whole, under the case's lock, with the version its event is about to carry. How much may be
    said is for the doors it comes in by."""
    words = clean(text)
    is_first = case.last_message_at is None
    message = Message(case=case, text=words, at=at, case_version=case.version + 1, **fields)
    if not message.is_note:
        message.contact, message.begins = _contact(case, message.channel, at)
        message.opens = is_first
    bulk.add(message)
    _attach(message, files)
    case.last_message_at = at
    if not message.is_note:
        case.preview = " ".join(message.new_text.split())[:160]
        case.preview_direction = message.direction
    with kept() as cursor:
        cursor.execute(_SPOKEN, [at, case.preview, case.preview_direction, case.pk])
    search.index_text(case, words, is_first=is_first)
    return message


_SPOKEN = "UPDATE cases_case SET last_message_at = %s, preview = %s, preview_direction = %s WHERE id = %s"


def _attach(message: Message, files: Sequence[File]) -> None:
    for file in files:
        stored = save_bytes(file.data)
        bulk.add(
            Attachment(
                message=message,
                file=stored,
                name=clean_name(shown_name(file)),
                content_type=file.content_type[:120],
                size=stored.size,
                content_id=file.content_id[:250],
            )
        )


def _contact(case: Case, channel: str, at: datetime) -> tuple[Contact, bool]:
    """The stretch of talk this word belongs to: the open one, or a new one after 24 h of silence; and whether it is."""
    contact = _CONTACT.first(case.pk, channel) if case.last_message_at else None
    if contact and at - contact.last_at > SILENCE:
        Contact.objects.filter(pk=contact.pk).update(ended_at=contact.last_at + SILENCE)
        contact = None
    if contact is None:
        about = {"case": case, "customer_id": case.customer_id, "issue_id": case.issue_id}
        contact = Contact(**about, channel=channel, started_at=at, last_at=at)
        bulk.add(contact)
        return contact, True
    if at > contact.last_at:
        contact.last_at = at
        contact.save(update_fields=["last_at"])
    return contact, False


_CONTACT = Prepared(lambda case, channel: Contact.objects.filter(case=case, channel=channel, ended_at=None), int, str)
