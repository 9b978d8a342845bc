"""What people chose by a policy lately, row by row of its present table (cases.policy.overriding)."""

from datetime import datetime

from django.utils.translation import gettext as _

from cases.models import Remedy, ServicePolicy
from cases.policy import words
from cases.policy.overriding import SPAN, Decided, Proposal, proposals

MOST = 5000  # the newest
LONGEST = 200  # characters of why a version was made


def proposed(policy: ServicePolicy, now: datetime) -> list[Proposal]:
    """Of what was granted by somebody in the last thirty days; unasked ones are nobody's choice."""
    return proposals(decided(policy, now)) if policy.current else []


def decided(policy: ServicePolicy, now: datetime) -> list[Decided]:
    """Also by earlier versions, as far as their row stands unchanged in the present table: whoever changed another row did
    not answer for this one."""
    rows = Remedy.objects.granted().filter(policy=policy, unasked=False, decided_at__gt=now - SPAN, decided_at__lte=now)
    found = rows.select_related("policy_version").order_by("-decided_at", "-pk")[:MOST]
    places: dict[int, dict[int, int]] = {}
    told = []
    for each in found:
        here = places.setdefault(each.policy_version_id, _places(policy, each.policy_version.table))
        if each.row in here:
            told.append(Decided(here[each.row], each.computed, each.granted, each.kind, each.override_reason))
    return told


def _places(policy: ServicePolicy, table: dict[str, object]) -> dict[int, int]:
    """Where the rows of a version stand in the present table."""
    assert policy.current is not None  # noqa: S101 - for the type checker; the caller looked
    now, then = policy.current.table["rows"], table["rows"]
    assert isinstance(then, list)  # noqa: S101
    return {place: now.index(row) for place, row in enumerate(then) if row in now}


def sentence(found: Proposal, currency: str) -> str:
    """How often people decided otherwise than a row says, why, and what they gave."""
    return _(
        "Row %(row)d: %(count)d of %(of)d times people gave otherwise, because %(why)s: %(granted)s (the middle one) instead of %(computed)s."
    ) % {
        "row": found.row + 1,
        "count": found.count,
        "of": found.of,
        "why": Remedy.Why(found.reason).label,
        "granted": words.money(found.granted, currency),
        "computed": words.money(found.computed, currency),
    }
