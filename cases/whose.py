"""Whose a case of nobody is. A mail whose sender is not proven opens a case without a customer (cases.mail.senders); a
person says whose it is. What the mail claims is shown to them and proves nothing, before or after: an address is never
added to a record on its word, and answers go to an address of the record.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import search
from cases.mail.senders import is_ours
from cases.models import Case, Message
from cases.models.case import Refusal
from crm.models import User
from customers import finding, matching
from customers.addresses import Address, BadAddress, normalise
from customers.models import ContactPoint, Customer

MOST = 6  # people that are offered
_CLAIMED = re.compile(r"(.*?)<([^<>]*)>\s*")
UNPROVEN = ("sender_unverified", "own_address")  # flags of a message by somebody who is not believed


@dataclass(frozen=True)
class Claim:
    """Who a case's first words say they are by: a name, and an address that could be theirs. `is_mail`: a mail whose
    sender is not proven says so; else nobody said anything."""

    name: str = ""
    address: Address | None = None
    is_mail: bool = False

    @property
    def mail(self) -> str:
        return self.address.display if self.address else ""


def claim(case: Case) -> Claim:
    """What the first words of nobody in particular say of who wrote them."""
    first = _unowned(case).order_by("at", "id").first()
    if first is None:
        return Claim()
    name, address = _claimed(first)
    usable = address if address and not is_ours(address) else None
    return Claim(name, usable, any(flag in UNPROVEN for flag in first.flags))


def people(case: Case, user: User, text: str = "") -> QuerySet[Customer]:
    """Whom `user` may choose: who is found by `text`; without one, whoever holds the claimed address or has the name."""
    seen = Customer.objects.visible_to(user).current()
    if text:
        return seen.filter(pk__in=finding.find(text, user).order_by().values("pk"))
    told = claim(case)
    meant = [term for term in (told.address.value if told.address else "", told.name) if term]
    found = [list(finding.find(term, user).order_by("pk").values_list("pk", flat=True)[:MOST]) for term in meant]
    return seen.filter(pk__in={pk for some in found for pk in some})


@transaction.atomic
def belongs_to(case: Case, customer: Customer, *, by: User, at: datetime | None = None, via: str = "person") -> None:
    """It is this customer's. Words that claim an address of theirs count as written from there, so that they are
    answered there; nothing else is taken for proof."""
    if not case.set_customer(customer, by=by, at=at, via=via):
        return
    held = ContactPoint.objects.filter(customer=case.customer_id, kind=ContactPoint.Kind.EMAIL, ended_at=None)
    points = {point.value: point for point in held}
    for message in _unowned(case):
        _name, address = _claimed(message)
        if address and address.value in points:
            Message.objects.filter(pk=message.pk).update(sender=points[address.value])
    search.index_text(case, "")


@transaction.atomic
def newcomer(
    case: Case, *, name: str, mail: str, by: User, at: datetime | None = None, via: str = "person"
) -> Customer:
    """It is somebody's we did not know: a new customer with this name and, unverified, this mail address."""
    case.lock()
    if not (name.strip() or mail.strip()):
        raise Refusal(_("Give a name or a mail address."))
    addresses = [_usable(mail)] if mail.strip() else []
    now = at or timezone.now()
    made = matching.newcomer(addresses, name=name, language=case.language, by=by, via=via, at=now)
    if made is None:
        raise Refusal(_("%(address)s is a customer’s already: look for them and choose them.") % {"address": mail})
    belongs_to(case, made, by=by, at=at, via=via)
    return made


def _usable(mail: str) -> Address:
    try:
        address = normalise("email", mail)
    except BadAddress as bad:
        raise Refusal(bad.message) from bad
    if is_ours(address):
        raise Refusal(_("%(address)s is an address of ours: no customer is reached there.") % {"address": mail})
    return address


def _unowned(case: Case) -> QuerySet[Message]:
    return case.messages.filter(direction=Message.Direction.INBOUND, is_auto=False, sender=None)


def _claimed(message: Message) -> tuple[str, Address | None]:
    """The name and address of `Mia <mia@example.org>`, `mia@example.org` or `Mia`, as cases.mail.senders writes them."""
    text = message.sender_name.strip()
    both = _CLAIMED.fullmatch(text)
    name, mail = both.groups() if both else ("", text) if "@" in text else (text, "")
    try:
        return name.strip(), normalise("email", mail)
    except BadAddress:
        return name.strip(), None
