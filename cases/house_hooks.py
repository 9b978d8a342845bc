"""What the house asks of cases: what waits longer than it should (/metrics, `doctor`), and whose mail the demo shows."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases import (
    desks,
    mailbox_words,
    mailboxes,
    uses,  # noqa: F401 - registers who uses what
)
from cases.mail.imap import Trouble
from cases.models import Case, Dispatch, InboundItem, Mailbox, MailboxMail, Message
from cases.models.dispatch import UNSENT
from cases.routing import overlooked
from cases.rules import watching  # noqa: F401 - registers what the house says of its rules
from crm import backup, doctor, health, sink
from crm.models import User
from crm.stalls import BEHIND, Stall, stalls
from customers.masking import CONTACT_POINTS, masked_fields
from customers.models import Customer

PATIENCE = timedelta(minutes=5)


@health.stuck.register
def waiting_too_long() -> dict[str, int]:
    """Mail that should have left and contacts that should be cases, five minutes after they were due; and what only a
    person can decide."""
    late = timezone.now() - PATIENCE
    due = Dispatch.objects.filter(state__in=UNSENT)
    return {
        "dispatches_late": due.filter(release_at__lt=late).count(),
        "dispatches_unknown": Dispatch.objects.filter(state=Dispatch.State.UNKNOWN).count(),
        "inbound_late": InboundItem.objects.filter(state=InboundItem.State.STORED, received_at__lt=late).count(),
        "inbound_kept": InboundItem.objects.filter(state=InboundItem.State.KEPT).count(),
        **_mailboxes_stuck(),
    }


def _mailboxes_stuck() -> dict[str, int]:
    """Mailboxes nothing has come from for so long that somebody must look, those that are behind, and what is not had."""
    now, patience = timezone.now(), timedelta(minutes=settings.MAILBOX_ALARM_MINUTES)
    boxes = list(Mailbox.objects.active())
    silent = [since for box in boxes if (since := box.silent_since(now))]
    return {
        "mailboxes_late": sum(now - since > patience for since in silent),
        "mailbox_mail_late": sum(box.waiting for box in boxes if (box.lag(now) or timedelta(0)) > patience),
        "mailbox_mail_skipped": MailboxMail.objects.skipped().count(),
    }


@health.figures.register
def mailbox_figures() -> dict[str, float]:
    """For /metrics: how far the mailbox that is furthest behind is, and what waits on all servers."""
    now, boxes = timezone.now(), list(Mailbox.objects.active())
    lags = [lag.total_seconds() for box in boxes if (lag := box.lag(now))]
    failing = [box for box in boxes if box.silent_since(now)]
    waiting = sum(box.waiting for box in boxes)
    return {"mailboxes": len(boxes), "mailboxes_failing": len(failing), "mailbox_lag_seconds": max(lags, default=0),
            "mailbox_mail_waiting": waiting}  # fmt: skip


@doctor.findings.register
def mailboxes_examined() -> list[doctor.Finding]:
    """Each active mailbox, tried: reachable, signed in, how far behind."""
    skipped = Count("mails", filter=Q(mails__state=MailboxMail.State.SKIPPED))
    return [_examined(box) for box in Mailbox.objects.active().annotate(skipped=skipped).order_by("address", "pk")]


def _examined(box: Any) -> doctor.Finding:
    now = timezone.now()
    try:
        mailboxes.connect(box, now=now, patience=mailboxes.AT_A_DESK).close()
        trouble = None
    except Trouble as found:
        trouble = found
    bad = trouble or box.silent_since(now)
    level = doctor.BAD if bad else doctor.NOTE if box.waiting or box.skipped else doctor.FINE
    return doctor.Finding(level, mailbox_words.report(box, now, trouble, box.skipped))


# --- what everybody here is told within half a minute

ON_ITS_WAY = timedelta(seconds=60)  # an answer that was released so long ago and has not left


@stalls.register
def standing_still(now: datetime) -> list[Stall]:
    """Mailboxes nobody fetches from, mail that lies on its server, contacts and answers that wait, and what nobody could
    read."""
    rows = Mailbox.objects.active().order_by("address", "pk")
    found = [stall for box in rows for stall in _of_mailbox(box, now)]
    stored = InboundItem.objects.filter(state=InboundItem.State.STORED, next_try_at__lt=now - BEHIND)
    held = Dispatch.objects.filter(state=Dispatch.State.HELD, released_at__lt=now - ON_ITS_WAY)
    return [
        *found,
        *_waiting("inbound", stored, "next_try_at", _arrived),
        *_waiting("outbound", held, "released_at", _held),
        *_waiting("kept", InboundItem.objects.kept(), "received_at", _kept),
    ]


def _of_mailbox(box: Mailbox, now: datetime) -> Iterator[Stall]:
    lag = box.lag(now)
    if since := box.silent_since(now):
        yield Stall("mailbox", since, partial(_not_fetched, box.address), subject=f"{box.pk}")
    elif lag and lag > BEHIND and box.waiting_since:
        yield Stall("behind", box.waiting_since, partial(_lying, box.address, box.waiting), f"{box.pk}", box.waiting)


def _waiting(kind: str, rows: QuerySet[Any], due: str, say: Callable[[int], str]) -> Iterator[Stall]:
    found = rows.order_by().aggregate(count=Count("pk"), since=Min(due))
    if found["count"]:
        yield Stall(kind, found["since"], partial(say, found["count"]), count=found["count"])


def _not_fetched(address: str) -> str:
    return _("Mail to %(address)s has not been fetched for {time}.") % {"address": address}


def _lying(address: str, count: int) -> str:
    said = ngettext(
        "%(count)d mail to %(address)s has been lying on its server for {time}.",
        "%(count)d mails to %(address)s lie on their server, the oldest for {time}.",
        count,
    )
    return said % {"count": count, "address": address}


def _arrived(count: int) -> str:
    said = ngettext(
        "%d message has arrived and has been waiting for its case for {time}.",
        "%d messages have arrived and wait for their cases, the oldest for {time}.",
        count,
    )
    return said % count


def _kept(count: int) -> str:
    said = ngettext(
        "%d message could not be read and is in no case, for {time}: a supervisor decides.",
        "%d messages could not be read and are in no case, the oldest for {time}: a supervisor decides.",
        count,
    )
    return said % count


def _held(count: int) -> str:
    said = ngettext(
        "%d answer has been waiting to leave for {time}.",
        "%d answers wait to leave, the oldest for {time}.",
        count,
    )
    return said % count


# --- a case that waits although somebody is free

NOTICED_AFTER = timedelta(seconds=15)  # it takes a second; a longer while says that nobody gives out cases
_overlooked_since: dict[int, datetime] = {}  # case → when this process first saw it so


@stalls.register
def nobody_gives_out(now: datetime) -> list[Stall]:
    """The same case, look after look, for which there are free hands."""
    waiting = overlooked(now)
    since = _overlooked_since.get(waiting.case, now) if waiting else now
    _overlooked_since.clear()
    if waiting is None:
        return []
    _overlooked_since[waiting.case] = since
    return [Stall("routing", since, _not_given)] if now - since > NOTICED_AFTER else []


def _not_given() -> str:
    return _("Cases have been waiting for {time} although somebody is free for them.")


@doctor.findings.register
def routing_examined() -> list[doctor.Finding]:
    """What the queues that give out cases look like just now."""
    now = timezone.now()
    rules = desks.rules()
    if not rules:
        return []
    waiting = sum(1 for _each in desks.waiting(rules, now))
    if overlooked(now):
        text = _("%(count)d cases wait though somebody is free: if this stays so, the keeper gives out nothing.")
        return [doctor.Finding(doctor.NOTE, text % {"count": waiting})]
    people = desks.present(rules, now)
    free = sum(desk.has_any_room() for desk in people)
    text = _("Routing: %(count)d cases wait; %(here)d people are online, %(free)d of them have room.")
    return [doctor.Finding(doctor.FINE, text % {"count": waiting, "here": len(people), "free": free})]


@backup.restored.register
def may_have_left() -> str:
    """What waited to be sent when the backup was made has been sent since, for all we know: a person decides."""
    return """
    UPDATE public.cases_dispatch SET state = 'unknown', reason = 'restored', lease_until = NULL
    WHERE state IN ('held', 'claimed');
    UPDATE public.cases_case SET send_state = 'unknown', send_reason = 'restored' WHERE id IN (
        SELECT m.case_id FROM public.cases_message m JOIN public.cases_dispatch d ON d.id = m.dispatch_id
        WHERE d.state = 'unknown' AND d.reason = 'restored');
    """


@sink.mail_seen.register
def mail_of_cases(user: User, message_ids: list[str]) -> set[str]:
    """Answers of cases one may see, other mail to customers one may see; nothing for whoever may not see addresses."""
    if CONTACT_POINTS in masked_fields(user):
        return set()
    keys = {UUID(key[1]): m for m in message_ids if (key := _KEY.match(m))}
    mails = Dispatch.objects.filter(key__in=keys)
    answers = Message.objects.filter(case__in=Case.objects.visible_to(user)).values("pk")
    said = mails.filter(source="message", source_id__in=answers)
    told = mails.exclude(source="message").filter(customer__in=Customer.objects.visible_to(user))
    return {keys[key] for rows in (said, told) for key in rows.values_list("key", flat=True)}


_KEY = re.compile(r"<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})[.@]")  # the page shows, it believes nobody
