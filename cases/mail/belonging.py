"""Where a mail belongs. It joins a case only by something we sealed, the address we asked for answers at or the
Message-ID of a mail we sent, and only if its sender takes part in that case. Everything else anybody can write: a
number in a subject, a foreign Message-ID, a name. It is a hint for a person, never a way in.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cases import transitions
from cases.mail import ids
from cases.mail.parsed import ParsedMail
from cases.models import Case, CaseLink, Dispatch, Message
from cases.models.merge import survivor
from cases.models.side import SOURCE as SIDE
from customers.addresses import Address, BadAddress, normalise
from customers.matching import point_of
from customers.merging import current
from customers.models import Customer

MOST_NAMED = 40  # addresses and ids of one mail that are looked at
FOLLOWS, POSSIBLY, SUGGESTED = "follows", "possible_follow_up", "suggested"  # kinds of CaseLink
# Whom a server on the way delivered it to, where To and Cc do not say so.
ENVELOPE = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_ADDRESS = re.compile(r"[^\s<>,;:\"]+@[^\s<>,;\"]+")
_NUMBER = re.compile(r"\[#(\d{1,18})\]")


@dataclass(frozen=True)
class Place:
    """The case it joins, or the dispatch without a case that it answers, or neither. `hint` is a case that it may be
    about, and `kind` how sure of that one may be. `is_proven`: its sender holds what went to their address alone."""

    case: Case | None = None
    dispatch: Dispatch | None = None
    hint: Case | None = None
    kind: str = ""
    is_proven: bool = False


def place_of(mail: ParsedMail, sender: Address | None) -> Place:
    """Where this mail of this sender (None where nobody is believed) belongs. What answers a question beside a case belongs
    there, whoever wrote it and whatever else it names: it must not get into the customer's thread."""
    named = list(_named(mail))
    for target, _to in named:
        if target.dispatch and target.dispatch.source == SIDE:
            return Place(dispatch=target.dispatch)
    cases = [survivor(target.case) for target, _to in named if target.case]
    for case in cases:
        if takes_part(sender, case):
            return Place(case=case, is_proven=_is_proven(named, sender))
    for target, _to in named:
        if target.dispatch and _was_told(target.dispatch, sender):
            return Place(dispatch=target.dispatch, is_proven=_is_proven(named, sender))
    return _hinted(mail, next((case for case in cases if not _is_erased(case)), None))


def takes_part(sender: Address | None, case: Case) -> bool:
    """The case's customer writes from one of their addresses, or somebody from where they wrote in this case before."""
    if sender is None or _is_erased(case):
        return False
    owner = _owner(sender)
    if owner is not None and case.customer is not None and owner.pk == current(case.customer).pk:
        return True
    said = case.messages.filter(direction=Message.Direction.INBOUND, is_auto=False)
    return said.filter(sender__kind=sender.kind, sender__value=sender.value, sender__ended_at=None).exists()


def goes_on_in(case: Case, sender: Address | None) -> tuple[Case | None, Case | None]:
    """Under its lock: the case it goes on in, or (None, the closed one that a new case follows)."""
    seen: set[int] = set()
    while case.pk not in seen:
        seen.add(case.pk)
        case = survivor(case)
        case.lock()
        if case.status not in transitions.FINAL:
            return case, None
        if case.status == transitions.MERGED:
            seen.discard(case.pk)  # merged while we waited for it
            continue
        links = CaseLink.objects.filter(other=case, kind=FOLLOWS).select_related("case__customer", "case__merged_into")
        after = next((link.case for link in links.order_by("-case_id") if takes_part(sender, link.case)), None)
        if after is None:
            return None, case
        case = after
    return None, case


# --- what it names


def _named(mail: ParsedMail) -> Iterator[tuple[ids.Target, str]]:
    """What of ours it names, and the address that alone was told that name ("" where several may know it)."""
    for address in _recipients(mail)[:MOST_NAMED]:
        if target := ids.target_of(address):
            yield target, ""
    for given in answered_ids(mail):
        if dispatch := ids.dispatch_of(given):
            case = ids.case_of(dispatch)
            yield ids.Target(case=case, dispatch=None if case else dispatch), dispatch.address


def _recipients(mail: ParsedMail) -> list[str]:
    told = [person.email for person in (*mail.to, *mail.cc)]
    envelope = [found for name in ENVELOPE for line in mail.headers.get(name, ()) for found in _ADDRESS.findall(line)]
    return list(dict.fromkeys([*envelope[:MOST_NAMED], *told]))


def answered_ids(mail: ParsedMail) -> list[str]:
    """The Message-IDs it says it answers, the nearest first."""
    return list(dict.fromkeys([*mail.in_reply_to, *reversed(mail.references)]))[:MOST_NAMED]


def _is_proven(named: list[tuple[ids.Target, str]], sender: Address | None) -> bool:
    return sender is not None and any(_spelt(told) == sender.value for _target, told in named if told)


def _was_told(dispatch: Dispatch, sender: Address | None) -> bool:
    """Whoever a dispatch went to answers it: from that address, or from another of the same customer."""
    if sender is None or (dispatch.customer and current(dispatch.customer).erased_at):
        return False
    if sender.value == _spelt(dispatch.address):
        return True
    owner = _owner(sender)
    return owner is not None and dispatch.customer is not None and owner.pk == current(dispatch.customer).pk


def _owner(sender: Address) -> Customer | None:
    point = point_of(sender)
    return current(point.customer) if point else None


def _spelt(address: str) -> str:
    try:
        return normalise("email", address).value
    except BadAddress:
        return ""


# --- what it may be about


def _hinted(mail: ParsedMail, named: Case | None) -> Place:
    """No way in. What it names or answers is a possible follow-up; a number that anybody can type is a suggestion."""
    if hint := named or _answered(mail):
        return Place(hint=hint, kind=POSSIBLY)
    if hint := _numbered(mail.subject):
        return Place(hint=hint, kind=SUGGESTED)
    return Place()


def _answered(mail: ParsedMail) -> Case | None:
    """The case of a mail that we did not write: the customer's own first one, or one they sent to others as well."""
    given = answered_ids(mail)
    if not given:
        return None
    said = Message.objects.filter(mail_id__in=given, direction=Message.Direction.INBOUND)
    last = said.select_related("case__customer", "case__merged_into").order_by("-pk").first()
    return survivor(last.case) if last and not _is_erased(last.case) else None


def _numbered(subject: str) -> Case | None:
    numbers = [int(number) for number in _NUMBER.findall(subject[:1000])[:3]]
    found = Case.objects.filter(number__in=numbers).select_related("customer", "merged_into") if numbers else ()
    return next((survivor(case) for case in found if not _is_erased(case)), None)


def _is_erased(case: Case) -> bool:
    return case.customer is not None and current(case.customer).erased_at is not None
