"""Existing customers first: what strangers are offered has a twin for existing customers that is at least as good.

The rules in words here; the database holds them itself (outreach.models.public_offer), whoever writes (docs/parity.md)."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, Func, TextField
from django.utils.translation import gettext_lazy as _

from crm.database.prepared import PreparedRows
from outreach.hooks import Terms
from outreach.models import Catalogue, Offer, OfferVersion, PublicOffer

WORDS = {
    "no_twin": _("It needs an active offer for existing customers beside it: name it as its twin."),
    "question": _("Its twin is a question: what is given for an answer is no price."),
    "currency": _("Its twin is in another currency: the two cannot be compared."),
    "dearer": _("Its twin costs existing customers more, gifts and fees counted: lower the twin, or raise this."),
    "not_for_all": _("Its twin is not for every existing customer: a twin has no condition."),
    "stock": _("Its twin is limited in number: existing customers could be turned away."),
    "too_late": _("Its twin opens too late: existing customers have it first, by the days of lead."),
    "ends_early": _("Its twin ends before this does."),
    "less": _("Its twin gives less of something: what strangers get, existing customers get as well."),
}


def effective(price: Decimal, months: int, gifts: Decimal, fees: Decimal) -> Decimal:
    """What a month costs over the minimum term, cash, vouchers and gifts at face value taken off (FCA PS21/5, where cash-like
    incentives count into the price of new business): (price · months − gifts + fees) / months."""
    return (price * months - gifts + fees) / months


def breaches(public: PublicOffer) -> Iterator[str]:
    """Keys of WORDS: why this may not be active beside its twin as both stand. The same rules as the database's."""
    twin = public.twin
    if twin is None or not twin.is_active or twin.current is None:
        yield "no_twin"
        return
    yield from _compared(public, twin, twin.current)


def _compared(public: PublicOffer, twin: Offer, version: OfferVersion | Terms) -> Iterator[str]:
    found = {
        "question": bool(version.question),
        "currency": version.currency != public.currency,
        "dearer": _effective(version) > _effective(public),
        "not_for_all": version.eligibility != {"all": []},
        "stock": version.stock is not None,
        "too_late": opens(twin, version) > public.valid_from - timedelta(days=public.lead_days),
        "ends_early": _ends_before(version, public),
        "less": any(_much(version.extras.get(name, 0)) < _much(most) for name, most in public.extras.items()),
    }
    yield from (word for word, holds in found.items() if holds)


def _ends_before(version: OfferVersion | Terms, public: PublicOffer) -> bool:
    return version.valid_until is not None and (public.valid_until is None or version.valid_until < public.valid_until)


def _much(extra: Any) -> Decimal:
    return Decimal(str(extra))


def _effective(terms: Any) -> Decimal:
    return effective(terms.price, terms.months, terms.gifts, terms.fees)


def opens(twin: Offer, version: OfferVersion | Terms) -> datetime:
    """When existing customers could have it for the first time."""
    return max(version.valid_from, twin.created_at) if version.valid_from else twin.created_at


def public_from(offer: int, now: datetime) -> datetime | None:
    """When strangers get what customers may have already: the first opening ahead of an active public offer whose twin it is.
    None where nobody but customers gets it, or everybody does."""
    return earliest(OPENINGS(offer, now))


def earliest(openings: Sequence[tuple[datetime]]) -> datetime | None:
    return openings[0][0] if openings else None


OPENINGS = PreparedRows(
    lambda offer, now: (
        PublicOffer.objects.filter(twin=offer, is_active=True, valid_from__gt=now)
        .order_by("valid_from")
        .values_list("valid_from")[:1]
    ),
    int,
    datetime,
)


def against(offer: Offer, version: OfferVersion | Terms | None, *, is_active: bool) -> list[str]:
    """Sentences: which active public offers would lose their twin if this offer became so."""
    told = []
    for public in PublicOffer.objects.filter(twin=offer, is_active=True).order_by("pk"):
        found = list(_compared(public, offer, version)) if is_active and version else ["no_twin"]
        told += [f"{public.name}: {WORDS[word]}" for word in found]
    return told


def attestation(at: datetime) -> dict[str, Any]:
    """Every active public offer with its twin, both prices and what the database finds, and a digest over all of it: what can be
    handed to whoever asks for proof."""
    found = Func(F("pk"), function="outreach_parity_breach", output_field=TextField())
    rows = (
        PublicOffer.objects.filter(is_active=True).annotate(found=found).select_related("twin__current").order_by("pk")
    )
    pairs = [_attested(public) for public in rows]
    catalogue = Catalogue.objects.values_list("version", flat=True).first() or 0
    told: dict[str, Any] = {"at": at.isoformat(), "catalogue_version": catalogue, "pairs": pairs}
    told |= {"checked": len(pairs), "violations": sum(not pair["holds"] for pair in pairs)}
    return told | {"sha256": hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()}


def _attested(public: Any) -> dict[str, Any]:
    version = public.twin.current if public.twin else None
    return {
        "public": public.pk,
        "name": public.name,
        "valid_from": public.valid_from.isoformat(),
        "valid_until": public.valid_until.isoformat() if public.valid_until else None,
        "effective_price": f"{_effective(public):.4f}",
        "currency": public.currency,
        "extras": _plain(public.extras),
        "twin": public.twin.key if public.twin else None,
        "twin_version": version.number if version else None,
        "twin_effective_price": f"{_effective(version):.4f}" if version else None,
        "twin_extras": _plain(version.extras) if version else {},
        "holds": not public.found,
        "breach": public.found or "",
    }


def _plain(extras: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in sorted(extras.items())}
