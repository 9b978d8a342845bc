"""What a customer agreed to: one row a statement, the newest counts, a withdrawal counts at once."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.events import record as record_event
from crm.models import User
from customers.merging import current
from customers.models import Consent, Customer

ANY = "any"
# The channels a statement may name; "any" speaks for all of them.
CHANNELS = {"mail": _("by mail"), "sms": _("by text message"), "phone": _("by phone"), "chat": _("by chat")}
# The sentence a customer agrees to, kept with the answer in the language it was shown in.
WORDING = {
    Consent.Purpose.SERVICE: _("Tell me about faults and changes that touch what I have."),
    Consent.Purpose.ADVICE: _("Advise me when something else would suit me better or cost me less."),
    Consent.Purpose.MARKETING: _("Tell me about offers and news."),
    Consent.Purpose.RESEARCH: _("Ask me to take part in surveys and trials."),
}


@transaction.atomic
def record(
    customer: Customer,
    purpose: str,
    channel: str,
    granted: bool,
    *,
    source: str,
    wording: str = "",
    by: User | None = None,
    via: str = "person",
    at: datetime | None = None,
) -> Consent:
    """Write one statement; the same statement again is quiet and returns the one that stands."""
    if purpose not in Consent.Purpose.values:
        raise ValueError(f"unknown purpose {purpose!r}: use one of {', '.join(Consent.Purpose.values)}")
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    now = at or timezone.now()  # read under the lock: what another wrote while we waited is older
    newest = Consent.objects.filter(customer=customer, purpose=purpose, at__lte=now).order_by("-at", "-id")
    standing = newest.filter(channel__in=[channel, ANY]).first() if channel != ANY else newest.first()
    if standing and _same(standing, channel, granted, source, wording):
        return standing
    consent = Consent.objects.create(
        customer=customer,
        purpose=purpose,
        channel=channel,
        granted=granted,
        source=source,
        wording=wording[:500],
        at=now,
    )
    record_event(
        customer, "consent_recorded", by=by, via=via, at=now, purpose=purpose, channel=channel, granted=granted
    )
    return consent


def _same(standing: Consent, channel: str, granted: bool, source: str, wording: str) -> bool:
    was = (standing.channel, standing.granted, standing.source, standing.wording)
    return was == (channel, granted, source, wording[:500])


def state(customer: Customer, purpose: str, channel: str, at: datetime) -> bool | None:
    """Yes, no, or None when nothing was ever said, as of `at`: the newest statement for this channel or for any."""
    rows = Consent.objects.filter(customer=current(customer), purpose=purpose, channel__in=[channel, ANY], at__lte=at)
    newest = rows.order_by("-at", "-id").first()
    return newest.granted if newest else None


def newest(rows: Iterable[Consent], purpose: str, channel: str, at: datetime) -> bool | None:
    """The same as `state` over rows already read."""
    fitting = [c for c in rows if c.purpose == purpose and c.channel in (channel, ANY) and c.at <= at]
    return max(fitting, key=lambda c: (c.at, c.pk)).granted if fitting else None


@transaction.atomic
def withdraw(
    customer: Customer,
    purposes: Iterable[str],
    *,
    source: str,
    by: User | None = None,
    via: str = "person",
    at: datetime | None = None,
) -> None:
    """No, on every channel, for these purposes."""
    for purpose in purposes:
        record(customer, purpose, ANY, granted=False, source=source, by=by, via=via, at=at)
