"""Who wrote a mail, and what a reader should know of that name. Nobody speaks for us by mail: an address of ours in
From is one that anybody can write there."""

from dataclasses import dataclass, field
from email.utils import parseaddr

from django.conf import settings

from cases.mail import ids
from cases.mail.parsed import ParsedMail
from crm.database.prepared import kept
from customers.addresses import Address, BadAddress, normalise


@dataclass(frozen=True)
class Sender:
    """`address` is None where nobody is believed: no single sender, no address, or one of ours."""

    address: Address | None
    name: str
    flags: tuple[str, ...] = field(default=())


def sender_of(mail: ParsedMail) -> Sender:
    """The sender and the warnings: sender_unverified, own_address, staff_address, replies_elsewhere."""
    name = mail.sender.name.strip()[:200]
    address = _spelt(mail.sender.email)
    if address is None or not mail.sender_sure:
        return Sender(None, _claimed(mail), ("sender_unverified",))
    ours, of_staff = _known(address)
    if ours:
        return Sender(None, _claimed(mail), ("own_address",))
    flags = ["staff_address"] if of_staff else []
    if any((_spelt(person.email) or address).value != address.value for person in mail.reply_to):
        flags.append("replies_elsewhere")
    return Sender(address, name, tuple(flags))


def is_our_own(mail: ParsedMail) -> bool:
    """What we sent came back to us: with the Message-ID we gave it, or by a machine that writes under our address."""
    if ids.dispatch_of(mail.message_id):
        return True
    address = _spelt(mail.sender.email)
    return bool(mail.auto) and mail.auto != "bounce" and address is not None and is_ours(address)


def is_ours(address: Address) -> bool:
    """An address we receive or send mail under, whatever was put behind its separator."""
    return _known(address)[0]


_KNOWN = """
SELECT EXISTS (SELECT FROM cases_mailbox WHERE address = ANY(%s)),
       EXISTS (SELECT FROM crm_user WHERE upper(email) = upper(%s) AND is_active)
"""


def _known(address: Address) -> tuple[bool, bool]:
    """Whether it is ours, and whether somebody who works here has it."""
    separator = settings.MAIL_REPLY_SEPARATOR
    local, _at, domain = address.value.rpartition("@")
    plain = f"{local.partition(separator)[0] if separator else local}@{domain}"
    company = _spelt(parseaddr(settings.DEFAULT_FROM_EMAIL)[1])
    ours = {plain, address.value}
    with kept() as cursor:
        cursor.execute(_KNOWN, [list(ours), address.value])
        is_mailbox, of_staff = cursor.fetchone()
    return is_mailbox or (company is not None and company.value in ours), of_staff


def _spelt(email: str) -> Address | None:
    try:
        return normalise("email", email) if email else None
    except BadAddress:
        return None


def _claimed(mail: ParsedMail) -> str:
    """The name and the address as given, for a reader to judge: neither leads anywhere."""
    name, email = mail.sender.name.strip(), mail.sender.email.strip()
    return (f"{name} <{email}>" if name and email else name or email)[:200]
