"""Names that only we can give: the Message-ID of a mail we sent, and the address its answers go to.

A case number in a subject can be guessed, and a Message-ID that is only random can be read over a shoulder and written
into another's mail. So both carry a seal: of the dispatch, what it is about and whom it went to; of the case. They are
small letters and digits, because servers on the way lower-case addresses. Who may speak in the case is not decided here.
"""

import re
import uuid
from dataclasses import dataclass
from email.utils import parseaddr

from django.conf import settings

from cases.models import Acknowledgement, Case, Dispatch, Mailbox, Message, SideMessage
from cases.models.side import SOURCE as SIDE
from crm.database.prepared import Prepared
from crm.secrets import is_sealed, seal
from customers.addresses import BadAddress, normalise

LONGEST_LOCAL_PART = 64  # RFC 5321, 4.5.3.1.1
_SEAL = r"[a-z2-7]{26}"
_KEY = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SIGNED = rf"{_KEY}\.{_SEAL}(?=@)"  # what stands before the domain of a Message-ID of ours
_ID = re.compile(rf"<?({_KEY})\.({_SEAL})@[^@<>\s]*>?")
_TARGET = re.compile(rf"([cd])([1-9]\d{{0,18}})\.({_SEAL})")


@dataclass(frozen=True)
class Target:
    """What a signed reply address names: a case, or a dispatch that belongs to none."""

    case: Case | None = None
    dispatch: Dispatch | None = None


def message_id(dispatch: Dispatch) -> str:
    """The same for every try, so that mailboxes can tell a repeat: kept on the row from the first one on."""
    known = dispatch.provider_id
    return known if _ID.fullmatch(known) else f"<{dispatch.key}.{_mark(dispatch)}@{_domain(home(near(dispatch)))}>"


def dispatch_of(message_id: str) -> Dispatch | None:
    """The dispatch of a Message-ID (with or without its brackets) that we gave to the one it went to; else None."""
    found = _ID.fullmatch(message_id.strip().lower()) if len(message_id) <= 500 else None
    if found is None:
        return None
    dispatch = Dispatch.objects.filter(key=uuid.UUID(found[1]), channel="mail").first()
    return dispatch if dispatch and is_sealed(_sealed(dispatch), found[2], purpose="message id") else None


def reply_address(dispatch: Dispatch) -> str:
    """Where its answers go: its case by name, else itself. The plain address where the server splits no local parts
    (MAIL_REPLY_SEPARATOR empty) or where a name would not fit."""
    return address_behind(home(near(dispatch)), case_of(dispatch), dispatch)


def address_behind(home: str, case: Case | None, dispatch: Dispatch) -> str:
    """The same for who knows its case and that case's home."""
    local, _at, domain = home.rpartition("@")
    name = f"c{case.number}" if case else f"d{dispatch.pk}"
    signed = f"{local}{settings.MAIL_REPLY_SEPARATOR}{name}.{seal(name, purpose='reply address')}"
    fits = settings.MAIL_REPLY_SEPARATOR and len(signed) <= LONGEST_LOCAL_PART
    return f"{signed if fits else local}@{domain}"


def target_of(address: str) -> Target | None:
    """What a reply address of ours names, whoever's server lower-cased it; None for every other address."""
    local = address.strip().rpartition("@")[0].lower()
    separator = settings.MAIL_REPLY_SEPARATOR
    found = _TARGET.fullmatch(local.rpartition(separator)[2]) if separator and len(local) <= 200 else None
    if found is None or not is_sealed(f"{found[1]}{found[2]}", found[3], purpose="reply address"):
        return None
    if found[1] == "c":
        case = _NUMBERED.first(int(found[2]))
        return Target(case=case) if case else None
    dispatch = Dispatch.objects.filter(pk=int(found[2])).first()
    return Target(dispatch=dispatch) if dispatch else None


_NUMBERED = Prepared(lambda number: Case.objects.filter(number=number).select_related("customer", "merged_into"), int)


def case_of(dispatch: Dispatch) -> Case | None:
    """The case a dispatch was sent in; None for what belongs to none."""
    said = said_by(dispatch)
    return said.case if said else None


def said_by(dispatch: Dispatch) -> Message | Acknowledgement | None:
    """What a dispatch carries in its case, if it has one."""
    message = _MESSAGE.first(dispatch.pk) if dispatch.source != "acknowledgement" else None
    return message or _ACKNOWLEDGEMENT.first(dispatch.pk)


_MESSAGE = Prepared(lambda pk: Message.objects.filter(dispatch=pk).select_related("case"), int)
_ACKNOWLEDGEMENT = Prepared(lambda pk: Acknowledgement.objects.filter(dispatch=pk).select_related("case"), int)


def near(dispatch: Dispatch) -> Case | None:
    """The case whose mailbox it comes from: its own, or the one it is beside."""
    beside = aside(dispatch)
    return beside.case if beside else case_of(dispatch)


def aside(dispatch: Dispatch) -> SideMessage | None:
    """What a dispatch carries that is beside a case, if it does. It is in no case: what answers it goes to no thread."""
    if dispatch.source != SIDE:
        return None
    return SideMessage.objects.select_related("talk__case").filter(pk=dispatch.source_id).first()


def home(case: Case | None) -> str:
    """The address that mail of this case comes from: the mailbox its customer wrote to last, else the company's."""
    mailbox = _WRITTEN_TO.first(case.pk) if case else None
    return mailbox.address if mailbox else parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


_WRITTEN_TO = Prepared(
    lambda case: (
        Mailbox.objects.active().filter(mails__item__message__case=case).order_by("-mails__item__message__at", "pk")[:1]
    ),
    int,
)


def _domain(address: str) -> str:
    return address.rpartition("@")[2] or "localhost"


def _mark(dispatch: Dispatch) -> str:
    return seal(_sealed(dispatch), purpose="message id")


def _sealed(dispatch: Dispatch) -> str:
    return f"{dispatch.key} {dispatch.source} {dispatch.source_id} {_spelt(dispatch.address)}"


def _spelt(address: str) -> str:
    try:
        return normalise("email", address).value
    except BadAddress:
        return address.strip().lower()
