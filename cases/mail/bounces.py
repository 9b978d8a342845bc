"""What mail systems tell about a mail we sent: refused, late, arrived. It counts only when it names the mail by an id or
an address that we signed; everything else anybody could have written, and it changes nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from cases import receipts
from cases.mail import heeding, ids, refusals
from cases.mail.automatic_words import before_quotes, holds, plain
from cases.mail.parsed import ParsedMail, Report
from cases.models import Case, Dispatch
from customers.addresses import BadAddress, normalise

LOOKED_AT = 64 * 1024  # characters of a text or file in which an id of ours is looked for
MOST_IDS = 20
_OURS = re.compile(ids.SIGNED, re.IGNORECASE)
_NAMED = re.compile(rf"^message-id:\s*<?({ids.SIGNED})", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"[^\s<>\"(),;:]+@[^\s<>\"(),;:@]+")
_ENVELOPE = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to")
_LATE = holds(
    "delayed|will be retried|will retry|will continue to try|still being retried|not yet been delivered"
    "|warning: message|warning: could not send|you do not need to resend|do not need to resend|temporary failure"
    "|verzogert|retarde|retrasad|ritardat|atrasad|vertraagd"
)
_DISPOSITION = "message/disposition-notification"
_ORDER = ("failed", "delayed", "delivered")  # the worst first


@dataclass(frozen=True)
class _About:
    """The mail a report is about. `is_theirs`: only whoever it went to could name it, so it may speak of the address."""

    dispatch: Dispatch
    is_theirs: bool


def take(parsed: ParsedMail, *, at: datetime) -> Dispatch | None:
    """Settle the dispatch that a bounce or receipt is about, inside the caller's transaction, and return it. A dead
    address is written to no more; a delay is only shown; a repeat is quiet."""
    about = _about(parsed)
    if about is None:
        return None
    if not _is_complaint(parsed):
        _settle(about, parsed, at)
    elif about.is_theirs:
        heeding.complained(about.dispatch)
    return about.dispatch


def _settle(about: _About, parsed: ParsedMail, at: datetime) -> None:
    report = _report(parsed, about.dispatch)
    if report.action in {"delivered", "read"}:
        receipts.note(about.dispatch, report.action, at=at)
    elif report.action == "failed":
        words = report.diagnostic or before_quotes(parsed.text[:LOOKED_AT])
        reason = refusals.reason(report.status, words) or "undelivered"
        detail = " ".join(report.diagnostic.split())
        if receipts.note(about.dispatch, "failed", at=at, reason=reason, detail=detail) and about.is_theirs:
            heeding.refused(about.dispatch, reason)


# --- which mail


def _about(parsed: ParsedMail) -> _About | None:
    dispatches = (ids.dispatch_of(name) for name in _names(parsed))
    named = next((dispatch for dispatch in dispatches if dispatch is not None), None)
    return _About(named, is_theirs=True) if named else _by_address(parsed)


def _names(parsed: ParsedMail) -> list[str]:
    """Ids of ours it could mean: those it says; that of the mail it returns, whose references name earlier ones; any."""
    said = [*(report.original_id for report in parsed.reports), *parsed.in_reply_to, *reversed(parsed.references)]
    returned = list(_returned(parsed))
    patterns = ((_OURS, [f"{one}@"[:500] for one in said]), (_NAMED, returned), (_OURS, returned))
    found = [name for pattern, texts in patterns for text in texts for name in pattern.findall(text)]
    return list(dict.fromkeys(f"{name}@" for name in found))[:MOST_IDS]


def _returned(parsed: ParsedMail) -> Iterator[str]:
    yield parsed.text[:LOOKED_AT]
    for file in parsed.files[:20]:
        if file.content_type.startswith(("message/", "text/")):
            yield file.data[:LOOKED_AT].decode("ascii", "replace")


def _by_address(parsed: ParsedMail) -> _About | None:
    """It came to an address we signed. A case's is known to everybody in it: the report must say which mail it means,
    and says nothing about the address."""
    told = [found for name in _ENVELOPE for line in parsed.headers.get(name, ()) for found in _ADDRESS.findall(line)]
    told += [person.email for person in parsed.to]
    target = next((target for one in dict.fromkeys(told[:MOST_IDS]) if (target := ids.target_of(one))), None)
    if target is None:
        return None
    if target.case is not None:
        dispatch = _last_to(target.case, {_spelt(report.recipient) for report in parsed.reports})
        return _About(dispatch, is_theirs=False) if dispatch else None
    return _About(target.dispatch, is_theirs=True) if target.dispatch else None


def _last_to(case: Case, addresses: set[str]) -> Dispatch | None:
    said = Q(message__case=case) | Q(acknowledgement__case=case)
    sent = Dispatch.objects.filter(said, channel="mail", address__in=addresses)
    return sent.exclude(sent_at=None).order_by("-sent_at", "-pk").first()


def _spelt(address: str) -> str:
    try:
        return normalise("email", address).value
    except BadAddress:
        return address


# --- what it says


def _report(parsed: ParsedMail, dispatch: Dispatch) -> Report:
    """The worst it says of our recipient; where somebody forwards their mail, of whoever it names."""
    ours = [report for report in parsed.reports if _spelt(report.recipient) == _spelt(dispatch.address)]
    told = sorted(ours or parsed.reports, key=lambda report: _rank(report.action))
    if parsed.auto == "receipt":
        return Report(dispatch.address, _received(parsed, told), "", "", "")
    if told and _rank(told[0].action) < len(_ORDER):
        return told[0]
    words = before_quotes(parsed.text[:LOOKED_AT])
    late = bool(_LATE.search(plain(f"{parsed.subject}\n{words}")))
    return Report(dispatch.address, "delayed" if late else "failed", "", words, "")


def _rank(action: str) -> int:
    return _ORDER.index(action) if action in _ORDER else len(_ORDER)


def _received(parsed: ParsedMail, told: list[Report]) -> str:
    """Handed on to the next server is not yet delivered; thrown away unread is."""
    if told and all(report.action in {"relayed", "expanded"} for report in told):
        return told[0].action
    shown = (file.data[:LOOKED_AT].lower() for file in parsed.files if file.content_type == _DISPOSITION)
    return "read" if any(re.search(rb"disposition:[^\n]{0,200}displayed", data) for data in shown) else "delivered"


# --- complaints


def _is_complaint(parsed: ParsedMail) -> bool:
    """Somebody pressed “this is spam”, and their provider tells us (RFC 5965)."""
    told = parsed.headers.get("content-type", ())
    return any("feedback-report" in value.lower() for value in told) or any(
        file.content_type == "message/feedback-report" for file in parsed.files
    )
