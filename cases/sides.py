"""Asking somebody beside a case: begun, gone on with, answered, done. It leaves by the outward door alone, as mail with a way
back of its own, and what comes back by that way lands here and nowhere else (docs/sides.md)."""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from email.utils import getaddresses
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from cases import outward
from cases.hooks import File
from cases.mail.attached import shown_name
from cases.mail.senders import is_ours
from cases.models import Case, Dispatch, Message, SideFile, SideMessage, SideRecipient, SideTalk
from cases.models.case import Refusal
from cases.models.dispatch import UNSENT
from cases.models.side import SOURCE
from cases.notifying import notify
from cases.promises import leads_of
from crm.files import clean_name, save_bytes
from crm.models import User
from customers.addresses import Address, BadAddress, normalise
from customers.folding import clean
from customers.merging import current
from customers.models import ContactPoint

CLASS = "side"  # of message: needs no consent, for nobody's customer is written to
MOST_RECIPIENTS, MOST_QUOTED, MOST_TEXT = 10, 30, 100_000
State = SideTalk.State
_SPLIT = re.compile(r"[;\n]+")


@transaction.atomic
def begin(
    case: Case,
    *,
    to: str,
    subject: str,
    text: str,
    by: User,
    quote: Collection[int] = (),
    with_files: bool = False,
    files: Sequence[File] = (),
    at: datetime | None = None,
    via: str = "person",
) -> SideMessage:
    """Ask these people about a case. `quote`: messages of its thread that are passed on with it, `with_files` theirs too."""
    case.lock()
    if case.status == Case.Status.MERGED:
        raise Refusal(_("Case #%(number)s was merged: write in the one it goes on in.") % {"number": case.number})
    people = _people(case, to)
    title = " ".join(clean(subject).split())[:200] or case.subject[:200]
    now = at or timezone.now()
    named = ", ".join(name or address for name, address in people)[:300]
    talk = SideTalk.objects.create(
        case=case, subject=title or _("A question"), to=named, made_by=by, made_at=now, last_at=now
    )
    SideRecipient.objects.bulk_create([SideRecipient(talk=talk, name=n, address=a) for n, a in people])
    message = _write(talk, case, text, by, _passed_on(case, quote, with_files), files, now)
    case.record("side_begun", by=by, at=now, via=via, talk=talk.pk, side=message.pk)
    return message


@transaction.atomic
def write(
    talk: SideTalk,
    *,
    text: str,
    by: User,
    quote: Collection[int] = (),
    with_files: bool = False,
    files: Sequence[File] = (),
    at: datetime | None = None,
    via: str = "person",
) -> SideMessage:
    """Go on with it; it waits for them again."""
    case = _locked(talk)
    now = at or timezone.now()
    message = _write(talk, case, text, by, _passed_on(case, quote, with_files), files, now)
    talk.state, talk.last_at = State.WAITING, now
    talk.save(update_fields=["state", "last_at"])
    case.record("side_written", by=by, at=now, via=via, talk=talk.pk, side=message.pk)
    return message


@transaction.atomic
def settle(talk: SideTalk, *, by: User, at: datetime | None = None, via: str = "person") -> None:
    """Nothing more is wanted of them."""
    case = _locked(talk)
    if talk.state == State.DONE:
        return
    talk.state = State.DONE
    talk.save(update_fields=["state"])
    case.record("side_done", by=by, at=at, via=via, talk=talk.pk)


@transaction.atomic
def take_up(talk: SideTalk, *, by: User, at: datetime | None = None, via: str = "person") -> None:
    """It is not done after all."""
    case = _locked(talk)
    if talk.state != State.DONE:
        return
    last = talk.messages.filter(is_auto=False, taken_back_at=None).order_by("-at", "-pk").first()
    talk.state = State.WAITING if last is None or last.is_ours else State.ANSWERED
    talk.save(update_fields=["state"])
    case.record("side_reopened", by=by, at=at, via=via, talk=talk.pk)


@transaction.atomic
def take_back(message: SideMessage, *, by: User, at: datetime | None = None, via: str = "person") -> None:
    """Undo it while none of it has left."""
    case = _locked(message.talk)
    sent = Dispatch.objects.select_for_update().filter(source=SOURCE, source_id=message.pk)
    if any(row.state != Dispatch.State.HELD or row.attempts for row in sent):
        raise Refusal(_("Too late: it has already been sent."))
    sent.update(state=Dispatch.State.UNDONE)
    message.taken_back_at = at or timezone.now()
    message.save(update_fields=["taken_back_at"])
    case.record("side_taken_back", by=by, at=at, via=via, talk=message.talk_id, side=message.pk)


@transaction.atomic
def retry(message: SideMessage, *, by: User, at: datetime | None = None, via: str = "person") -> None:
    """Send again what failed or may not have arrived, by a person's word."""
    case = _locked(message.talk)
    now = at or timezone.now()
    if [row for row in Dispatch.objects.filter(source=SOURCE, source_id=message.pk) if outward.again(row, now)]:
        case.record("side_retried", by=by, at=now, via=via, talk=message.talk_id, side=message.pk)


# --- they answer


def hear(
    about: Dispatch,
    *,
    text: str,
    sender_name: str,
    sender: Address | None,
    at: datetime,
    external_id: str,
    mail_id: str = "",
    is_auto: bool = False,
    files: Sequence[File] = (),
    flags: Iterable[str] = (),
) -> SideMessage:
    """What came back by the way of a dispatch of ours: part of its conversation, whoever wrote it. The same mail again
    raises IntegrityError: the constraint decides. A person's words are told to who asked and who has the case."""
    asked = SideMessage.objects.select_related("talk").get(pk=about.source_id)
    talk = asked.talk
    case = _locked(talk)
    warned = sorted({*flags, *_strange(talk, case, sender)})
    message = SideMessage.objects.create(
        talk=talk,
        sender_name=clean(sender_name)[:200],
        sender_address=sender.value if sender else "",
        text=clean(text)[:MOST_TEXT] or _("(no words)"),
        at=at,
        is_auto=is_auto,
        mail_id=mail_id,
        external_id=external_id,
        flags=warned,
    )
    _attach(message, files)
    if is_auto:
        case.record("side_noted", by=None, at=at, via="channel", talk=talk.pk, side=message.pk)
        return message
    talk.state, talk.last_at = State.ANSWERED, at
    talk.save(update_fields=["state", "last_at"])
    case.record("side_answered", by=None, at=at, via="channel", talk=talk.pk, side=message.pk)
    if case.snoozed_until is not None:
        case.wake(by=None, at=at, via="channel", reason="side_answered")
    _tell(case, talk, at)
    return message


def _strange(talk: SideTalk, case: Case, sender: Address | None) -> list[str]:
    """What a reader is warned of: it is from nobody who was asked, or from the customer themself."""
    if sender is None:
        return ["sender_unverified"]
    if _is_customers(case, sender):
        return ["from_the_customer"]
    return [] if talk.recipients.filter(address=sender.value).exists() else ["another_address"]


def _tell(case: Case, talk: SideTalk, at: datetime) -> None:
    people = {talk.made_by_id, *([case.assignee_id] if case.assignee_id else [])}
    for whom in (people, leads_of(case.queue_id)):
        try:
            notify(case, whom, "side_answered", at=at, talk=talk.pk)
        except Refusal:
            continue  # they have gone, or may not see it any more: then those who look after the queue
        return


# --- how it is written


def _locked(talk: SideTalk) -> Case:
    """Its case, locked, and then the talk as it is: it may have moved with a merge."""
    talk.refresh_from_db()
    case = Case.objects.get(pk=talk.case_id)
    case.lock()
    talk.refresh_from_db()
    talk.case = case
    return case


def _write(
    talk: SideTalk, case: Case, text: str, by: User, passed: tuple[str, list[Any]], files: Sequence[File], now: datetime
) -> SideMessage:
    words = clean(text).replace("\r\n", "\n").strip()
    if not words:
        raise Refusal(_("Write something first."))
    if len(words) > MOST_TEXT:
        raise Refusal(_("At most %(most)d characters.") % {"most": MOST_TEXT})
    quoted, attached = passed
    message = SideMessage.objects.create(talk=talk, author=by, text=words, quoted=quoted, at=now)
    _attach(message, files)
    SideFile.objects.bulk_create(
        [
            SideFile(message=message, file=a.file, name=a.name, content_type=a.content_type, size=a.size)
            for a in attached
        ]
    )
    release_at = now + timedelta(seconds=settings.SEND_UNDO_SECONDS)
    for person in talk.recipients.all():
        _may_be_written_to(person.address, release_at)
        outward.dispatch(
            customer=None,
            contact_point=None,
            channel="mail",
            address=person.address,
            message_class=CLASS,
            source=SOURCE,
            source_id=message.pk,
            release_at=release_at,
        )
    return message


def _may_be_written_to(address: str, at: datetime) -> None:
    verdict = outward.may_contact(None, CLASS, ContactPoint(kind="email", value=address), at)
    if not verdict.allowed:
        told = {"address": address, "reason": verdict.reason}
        raise Refusal(_("Nothing may be sent to %(address)s (%(reason)s).") % told)


def _people(case: Case, to: str) -> list[tuple[str, str]]:
    """(name, address) of each, in one spelling. Never the customer's own, and never ours."""
    found: dict[str, str] = {}
    for name, written in getaddresses([_SPLIT.sub(",", clean(to)[:4000])]):
        address = _address(written)
        if _is_customers(case, address):
            raise Refusal(
                _("%(address)s is the customer’s own address: answer them in the case.") % {"address": written}
            )
        if is_ours(address):
            raise Refusal(_("%(address)s is an address of ours: write a note instead.") % {"address": written})
        found.setdefault(address.value, " ".join(name.split())[:200])
    if not found:
        raise Refusal(_("Say whom to ask: a mail address, or several with commas."))
    if len(found) > MOST_RECIPIENTS:
        raise Refusal(_("At most %(most)d addresses.") % {"most": MOST_RECIPIENTS})
    return [(name, address) for address, name in found.items()]


def _address(written: str) -> Address:
    try:
        return normalise("email", written)
    except BadAddress:
        raise Refusal(_("“%(address)s” is no mail address.") % {"address": written[:80]}) from None


def _is_customers(case: Case, address: Address) -> bool:
    """Theirs by record, or one they wrote from here."""
    wrote = case.messages.filter(direction="inbound", sender__kind=address.kind, sender__value=address.value)
    if case.customer is None:
        return wrote.exists()
    points = ContactPoint.objects.filter(kind=address.kind, value=address.value)
    owners = {current(point.customer).pk for point in points.select_related("customer")}
    return current(case.customer).pk in owners or wrote.exists()


def _attach(message: SideMessage, files: Sequence[File]) -> None:
    for file in files:
        stored = save_bytes(file.data)
        name, kind = clean_name(shown_name(file)), file.content_type[:120]
        SideFile.objects.create(message=message, file=stored, name=name, content_type=kind, size=stored.size)


def quotable(case: Case) -> list[Message]:
    """What of the thread may be passed on: what was said to or by the customer, the newest first; never a note."""
    said = case.messages.exclude(direction=Message.Direction.NOTE).filter(taken_back_at=None)
    return list(said.select_related("author").prefetch_related("attachments").order_by("-at", "-pk")[:MOST_QUOTED])


def _passed_on(case: Case, quote: Collection[int], with_files: bool) -> tuple[str, list[Any]]:
    """The chosen messages as text, in the order they were said, and their files."""
    chosen = [message for message in reversed(quotable(case)) if message.pk in set(quote)]
    lines = [f"{_said(message)}\n{_quoted(message.new_text)}" for message in chosen]
    files = [each for message in chosen for each in message.attachments.all()] if with_files else []
    return "\n\n".join(lines), files


def _said(message: Message) -> str:
    name = message.author_name or (str(message.case.customer) if message.case.customer else _("the customer"))
    when = date_format(timezone.localtime(message.at), "DATETIME_FORMAT")
    return _("%(name)s wrote on %(when)s:") % {"name": name, "when": when}


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.strip().split("\n"))


# --- how it is shown


def of(case: Case) -> list[SideTalk]:
    """The conversations beside a case with all that was said in them, and how what we wrote fares. Four queries."""
    talks = list(SideTalk.objects.filter(case=case).prefetch_related("messages__author", "messages__files"))
    written = {message.pk: message for talk in talks for message in talk.messages.all()}
    for message in written.values():
        message.sent = []  # type: ignore[attr-defined]
    for row in Dispatch.objects.filter(source=SOURCE, source_id__in=written).order_by("pk"):
        written[row.source_id].sent.append(row)  # type: ignore[attr-defined]
    return talks


def trouble(message: SideMessage) -> list[Dispatch]:
    """Dispatches of it that did not leave, or may not have arrived."""
    bad = {Dispatch.State.FAILED, Dispatch.State.UNKNOWN, Dispatch.State.SUPPRESSED}
    return [row for row in message.sent if row.state in bad]  # type: ignore[attr-defined]


def can_be_undone(message: SideMessage) -> bool:
    sent = message.sent  # type: ignore[attr-defined]
    return bool(sent) and all(row.state in UNSENT and not row.attempts for row in sent)
