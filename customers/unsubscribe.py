"""One click out of what goes to many at once (RFC 8058): the address is in the mail's headers and at its end.

A POST with the one word the standard names acts, at once and without a sign-in; whatever else follows the link, a
scanner before all, changes nothing. What is stopped is one purpose, for this person and this address.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from crm.secrets import Unreadable, sign, unsign
from customers import consent
from customers.merging import current
from customers.models import Consent, ContactPoint, Customer, Suppression

_PURPOSE = "unsubscribe"
SOURCE = "unsubscribe"
ONE_CLICK = {"List-Unsubscribe": ["One-Click"]}  # the whole body, to the letter


@dataclass(frozen=True)
class Ticket:
    """What one link stops: a purpose, for whom, at which address."""

    customer: Customer | None
    point: ContactPoint | None
    purpose: str


def link(customer_id: int | None, point_id: int | None, purpose: str) -> str:
    """The address that stops `purpose`; it names nobody. It does not age: a mail of years ago must still let people
    leave."""
    token = sign([customer_id, point_id, purpose], purpose=_PURPOSE)
    return f"{settings.PUBLIC_URL}{reverse('customers:unsubscribe', args=[token])}"


def headers(customer_id: int | None, point_id: int | None, purpose: str) -> dict[str, str]:
    """What a mail of this purpose carries, so that mail programs show their own way out."""
    url = link(customer_id, point_id, purpose)
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def read(token: str) -> Ticket | None:
    """What the link stops; None for one that is not ours."""
    try:
        customer_id, point_id, purpose = unsign(token, purpose=_PURPOSE)
    except (Unreadable, TypeError, ValueError):
        return None
    if purpose not in Consent.Purpose.values:
        return None
    customer = Customer.objects.filter(pk=customer_id).first() if customer_id else None
    point = ContactPoint.objects.filter(pk=point_id).first() if point_id else None
    return Ticket(current(customer) if customer else None, point, purpose)


@transaction.atomic
def stop(ticket: Ticket, at: datetime) -> None:
    """No more of this purpose to this person, nor to this address whoever it belongs to by now. Twice is once."""
    if ticket.customer and ticket.customer.erased_at is None:
        consent.withdraw(ticket.customer, [ticket.purpose], source=SOURCE, via="customer", at=at)
    if ticket.point:
        Suppression.objects.get_or_create(
            kind=ticket.point.kind,
            value=ticket.point.value,
            purpose=ticket.purpose,
            lifted_at=None,
            defaults={"reason": SOURCE, "at": at},
        )
