"""Offers of other systems: asked for every minute, kept as versions like our own. A source that fails leaves its offers as
they are; one that leaves an offer out ends it."""

import logging
from collections.abc import Iterable

from django.core.exceptions import ValidationError

from outreach.hooks import Offered, offer_sources
from outreach.models import Offer

log = logging.getLogger(__name__)


def refresh() -> int:
    """How many offers are new or changed."""
    return sum(_take(said.name[:40], said.value) for said in offer_sources.run() if said.value is not None)


def _take(source: str, offered: Iterable[Offered]) -> int:
    named = {f"{source}.{o.key}".replace(".", "-")[:80]: o for o in offered}
    gone = Offer.objects.filter(source=source, is_active=True).exclude(key__in=named)
    for offer in gone:
        offer.describe(is_active=False)
    return len(gone) + sum(_keep(source, key, o) for key, o in named.items())


def _keep(source: str, key: str, offered: Offered) -> bool:
    about = {"name": offered.name[:120], "purpose": offered.purpose}
    offer, fresh = Offer.objects.get_or_create(key=key, defaults=about | {"source": source})
    was = offer.current_id
    try:
        offer.publish(offered.terms)
        offer.describe(**about, is_active=offered.is_active)
    except ValidationError as error:
        log.warning("the offer %s of %s is not one: %s", key, source, error.messages)
        return False
    return fresh or offer.current_id != was
