"""The link by which a customer says what we may write to them about, without signing in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from crm.limits import allow
from crm.secrets import Unreadable, sign, unsign
from customers import consent
from customers.merging import current
from customers.models import Consent, Customer

_PURPOSE = "preferences"
_SOURCE = "preference_page"
CHANGES_AN_HOUR = 60


@dataclass(frozen=True)
class Choice:
    """One tick on the page: whether a purpose is agreed to on a channel now."""

    name: str
    purpose: str
    channel: str
    label: Any
    is_on: bool


def link(customer: Customer, *, purpose: str = "") -> str:
    """The address of this customer's page. `purpose`: what one-click unsubscribing (RFC 8058) stops; empty: all but
    service messages. It does not age: a mail of years ago must still let people leave."""
    token = sign([customer.pk, purpose], purpose=_PURPOSE)
    return f"{settings.PUBLIC_URL}{reverse('customers:preferences', args=[token])}"


def read(token: str) -> tuple[Customer, str]:
    """Whose page this is, as who they are now, and what one click stops. Raises Unreadable."""
    try:
        pk, purpose = unsign(token, purpose=_PURPOSE)
        customer = current(Customer.objects.get(pk=pk))
    except (TypeError, ValueError, Customer.DoesNotExist) as error:
        raise Unreadable("this link is not valid, or not any more") from error
    if customer.erased_at:
        raise Unreadable("this link is not valid, or not any more")
    return customer, purpose


def choices(customer: Customer, at: datetime) -> list[tuple[Any, list[Choice]]]:
    """The page: for each purpose its wording and a tick a channel. One query."""
    rows = list(Consent.objects.filter(customer=customer, at__lte=at))
    return [
        (wording, [_choice(rows, purpose, channel, at) for channel in consent.CHANNELS])
        for purpose, wording in consent.WORDING.items()
    ]


def _choice(rows: Iterable[Consent], purpose: str, channel: str, at: datetime) -> Choice:
    held = consent.newest(rows, purpose, channel, at)
    return Choice(f"{purpose}.{channel}", purpose, channel, consent.CHANNELS[channel], held is True)


@transaction.atomic
def choose(customer: Customer, posted: Mapping[str, Any], at: datetime) -> bool:
    """Record what differs from what stands. A no is never held up; False when there were too many yeses in an hour."""
    wanted = {c: c.name in posted for _wording, row in choices(customer, at) for c in row}
    changes = [(c, on) for c, on in wanted.items() if on != c.is_on]
    may_agree = not any(on for _c, on in changes) or allow(
        "preferences", str(customer.pk), limit=CHANGES_AN_HOUR, seconds=3600, now=at
    )
    for choice, on in changes:
        if on and not may_agree:
            continue
        wording = str(consent.WORDING[Consent.Purpose(choice.purpose)]) if on else ""
        consent.record(
            customer, choice.purpose, choice.channel, on, source=_SOURCE, wording=wording, via="customer", at=at
        )
    return may_agree


def stop(customer: Customer, purpose: str, at: datetime, *, source: str = _SOURCE) -> None:
    """No more of `purpose` on any channel; of everything but service messages when it is empty or unknown."""
    optional = [p.value for p in Consent.Purpose if p != Consent.Purpose.SERVICE]
    wanted = [purpose] if purpose in Consent.Purpose.values else optional
    consent.withdraw(customer, wanted, source=source, via="customer", at=at)
