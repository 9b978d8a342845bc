"""Whoever writes to us hears at once that it arrived, what happens next and by when; and that time is a promise.

One acknowledgement a contact, written in the very transaction that stores the word it answers: its row, its promise and
its dispatch are there together or not at all (docs/acknowledgement.md).
"""

import hashlib
import hmac
import math
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from cases import outward, pace, pacing, promises, sending, transitions
from cases.models import Acknowledgement, Case, Message, Promise
from cases.models.case import Refusal
from crm import bulk
from crm.database.prepared import kept
from crm.jobs import nudge

SOURCE = "acknowledgement"
FORM = "web"  # the contact form: whatever address is typed there is nobody's until its owner says so
LATE = {"channel": timedelta(hours=24)}  # a mail that waited for us is still new; what is older is history
PRESENT = timedelta(minutes=1)  # how far back all else may be dated
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AN_HOUR, A_DAY = 1, 3  # sent at most, a conversation and a mailbox
USUAL_OVER = timedelta(days=28)
FEWEST_USUAL = 6.0  # an hour: what counts as usual for a domain we hardly know
NOBODY = {"nobody_reads", "own_address"}  # reasons for which nobody is promised anything either
BREAKER = 10  # times the usual rate of a domain

# Nobody reads these: machines, lists and the ends of bounces.
_NOBODY = re.compile(
    r"(no|not|never|donot|do-not|dont)[-_.]?repl(y|ies)|mailer[-_.]?daemon|postmaster|bounces?|listserv|majordomo|daemon|nobody"
    r"|(.+[-_.+])?no[-_.]?reply|do[-_.]?not[-_.]?reply|owner-.+|.+-(owner|request|bounces?|unsubscribe)|bounces?[-+].+"
    r"|notifications?|auto[-_.]?(reply|mailer|responder)"
)


def begin(case: Case, message: Message, *, via: str, written_at: datetime) -> Acknowledgement | None:
    """Acknowledge the contact that this word of a customer began. The caller holds the case's lock and its transaction;
    None for history and for what is nobody's contact."""
    now = timezone.now()
    said = min(message.at, written_at)
    if via == "import" or said < now - LATE.get(via, PRESENT) or case.status == transitions.SPAM:
        return None
    contact, now = message.contact, max(now, message.at)
    if contact is None or not case.queue.acknowledges:
        return None
    told = Acknowledgement(contact=contact, case=case, queue=case.queue, message=message, at=now)
    way = _address(told)
    if told.reason not in NOBODY:
        _foresee(told)
        _promise(told)
    if way:
        _send(told, way)
    told.case_version = case.version + 1
    bulk.add(told)
    case.record(
        "acknowledged",
        by=None,
        via="system",
        reason=told.reason,
        at=now,
        acknowledgement=told.pk,
        basis=told.basis,
        expected=told.expected_at.isoformat() if told.expected_at else "",
    )
    return told


# --- by when


def _foresee(told: Acknowledgement) -> None:
    """The time, and the promise of it. A further word while a first answer is owed changes no time."""
    case = told.case
    told.is_further = not told.message.opens
    if told.is_further and (owed := _owed(told)):
        told.promise, told.expected_at, told.basis = owed, owed.due_at, Acknowledgement.Basis.PROMISE
        return
    found = pacing.expect(case, told.at)
    told.basis, told.inputs = found.basis, {name: round(value, 4) for name, value in found.inputs.items()}
    if found.at is not None:
        told.expected_at = pace.rounded(found.at, told.at, zone_of(case))


def _owed(told: Acknowledgement) -> Promise | None:
    return next((promise for promise in promises.acknowledged(told.case) if promise.due_at > told.at), None)


def _promise(told: Acknowledgement) -> None:
    if told.promise is not None or told.expected_at is None:
        return
    with translation.override(settings.LANGUAGE_CODE):
        what = _("an answer") if told.is_further else _("a first answer")
    told.promise = promises.add(
        told.case, what=what, due_at=told.expected_at, at=told.at, by=None, via="system", reason=SOURCE
    )


def zone_of(case: Case) -> ZoneInfo:
    """The customer's zone; where we only know the one everybody begins with, ours."""
    if case.customer and case.customer.tz != "UTC":
        return ZoneInfo(case.customer.tz)
    return pacing.zone_of(case)


# --- to whom, if to anybody


def _address(told: Acknowledgement) -> outward.Way | None:
    """How this customer is told; None, with the reason, when nothing may be sent. What is told to an address that its
    owner never vouched for holds nothing of what was written."""
    try:
        way = outward.way_out(told.case, last=told.message)
    except Refusal:
        told.reason = "no_way"
        return None
    point = way.contact_point
    told.is_neutral = told.case.channel == FORM or point is None or not point.is_verified
    told.mailbox, told.domain = _digest(_one_spelling(way)), _digest(_domain(way))
    told.reason = _why_not(way) or _limited(told)
    return None if told.reason else way


def _why_not(way: outward.Way) -> str:
    if way.channel != "mail":
        return "" if sending.can_send(way.channel) else "no_channel"
    local = way.address.rpartition("@")[0].lower()
    if _NOBODY.fullmatch(local):
        return "nobody_reads"
    return "own_address" if _one_spelling(way) in {_spelt(address) for address in own_addresses()} else ""


def own_addresses() -> Iterable[str]:
    """Where mail to us arrives: acknowledging one of these would be talking to ourselves."""
    with kept() as cursor:
        cursor.execute("SELECT address FROM cases_mailbox")
        return [parseaddr(settings.DEFAULT_FROM_EMAIL)[1], *(address for (address,) in cursor.fetchall())]


def _one_spelling(way: outward.Way) -> str:
    return _spelt(way.address) if way.channel == "mail" else f"{way.channel} {way.address}"


def _spelt(address: str) -> str:
    """One mailbox, however its address is written: additions after “+” and, where they count for nothing, dots."""
    local, _at, domain = address.strip().lower().rpartition("@")
    local = local.partition("+")[0]
    if domain in {"gmail.com", "googlemail.com"}:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def _domain(way: outward.Way) -> str:
    return way.address.strip().lower().rpartition("@")[2] if way.channel == "mail" else way.channel


def _digest(text: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), f"{SOURCE} {text}".encode(), hashlib.sha256).hexdigest()


# --- how often


def _limited(told: Acknowledgement) -> str:
    """Why it would be one too many; empty when it is not. The lock makes those to one mailbox wait for each other, so
    that of any number at once only as many are told yes as there may be."""
    asked: dict[str, Any] = {
        "mailbox": told.mailbox,
        "case": told.case_id,
        "domain": told.domain,
        "hour": told.at - HOUR,
        "day": told.at - DAY,
    }
    with kept() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [told.mailbox])
        cursor.execute(_LATELY, asked)
        to_mailbox, of_case_hour, of_case_day, to_domain = cursor.fetchone()
    most = 1 if told.case.channel == FORM else A_DAY
    if of_case_hour >= AN_HOUR or max(of_case_day, to_mailbox) >= most:
        return "often_enough"
    return "unusual_rate" if to_domain >= _breaker(told, to_domain) else ""


# Sent to this mailbox in a day, of this case in an hour and in a day, to this domain in an hour: an index each.
_LATELY = """
SELECT (SELECT count(*) FROM cases_acknowledgement
         WHERE dispatch_id IS NOT NULL AND mailbox = %(mailbox)s AND at > %(day)s),
       count(*) FILTER (WHERE at > %(hour)s), count(*),
       (SELECT count(*) FROM cases_acknowledgement
         WHERE dispatch_id IS NOT NULL AND domain = %(domain)s AND at > %(hour)s)
  FROM cases_acknowledgement WHERE dispatch_id IS NOT NULL AND case_id = %(case)s AND at > %(day)s
"""


def _breaker(told: Acknowledgement, lately: int) -> float:
    """How many an hour this domain gets at most: ten times what is usual there. Not more of the past is counted than
    decides it."""
    least = BREAKER * FEWEST_USUAL
    if lately < least:
        return least
    hours = USUAL_OVER / HOUR
    enough = math.ceil((lately + 1) * hours / BREAKER)
    before = Acknowledgement.objects.filter(
        dispatch__isnull=False, domain=told.domain, at__gt=told.at - USUAL_OVER, at__lte=told.at - HOUR
    )
    return max(least, BREAKER * before[:enough].count() / hours)


def _send(told: Acknowledgement, way: outward.Way) -> None:
    """At once: there is nothing to take back."""
    told.dispatch = outward.dispatch(
        customer=told.case.customer,
        contact_point=way.contact_point,
        channel=way.channel,
        address=way.address,
        message_class="acknowledgement",
        source=SOURCE,
        source_id=told.contact_id,
        release_at=told.at,
        is_new=True,
    )
    told.reason = told.dispatch.reason
    nudge("cases.send")
