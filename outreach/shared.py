"""Candidates of a decision as they are kept: a row each, but for reasons that many share, which the decision says once.

A catalogue of thousands would else leave thousands of rows a decision that all say "not for this customer".
"""

from collections.abc import Iterable, Iterator
from typing import Any

from customers.sieve import places
from outreach.arbitration import Judged, Verdict
from outreach.keeping import runs, versions
from outreach.models import Decision, DecisionCandidate, OfferVersion

FEW = 5  # candidates with one reason that have rows nevertheless


def said_once(verdict: Verdict) -> dict[str, Any]:
    """What the decision says of many, as JSON."""
    many = [(shut, where) for shut, where in verdict.same if where.bit_count() > FEW]
    if not many:
        return {}
    memo = verdict.shelf.memo
    if "of" not in memo:
        memo["of"] = runs([offer.version for offer in verdict.shelf.offers])
    return {"of": memo["of"], "said": [[*shut.kept(), f"{where:x}"] for shut, where in many]}


def apart(verdict: Verdict) -> list[Judged]:
    """Those that have a row, in the order of the shelf."""
    found = dict(verdict.own)
    for shut, where in verdict.same:
        if where.bit_count() <= FEW:
            found |= {place: Judged(verdict.shelf.offers[place], shut) for place in places(where)}
    return [found[place] for place in sorted(found)]


def again(decision: Decision) -> list[DecisionCandidate]:
    """Every candidate, in the order they were looked at."""
    return every(decision, decision.candidates.all())


def every(decision: Decision, kept: Iterable[DecisionCandidate]) -> list[DecisionCandidate]:
    """The rows, and what has none as if it had, with their versions and offers."""
    without = (DecisionCandidate(decision=decision, offer_version_id=v, **of) for v, of in without_rows(decision))
    rows = [*kept, *without]
    stood = OfferVersion.objects.select_related("offer").in_bulk([row.offer_version_id for row in rows])
    for row in rows:
        row.offer_version = stood[row.offer_version_id]
    return sorted(rows, key=lambda row: row.offer_version.offer_id)


def without_rows(decision: Decision) -> Iterator[tuple[int, dict[str, Any]]]:
    """The version of each that has none, and what the decision says of it and of others: one and the same for all of them."""
    of = list(versions(decision.shared.get("of", "")))
    for stage, reason, detail, where in decision.shared.get("said", ()):
        about = {"stage": stage, "reason": reason, "detail": detail}
        yield from ((of[place], about) for place in places(int(where, 16)))
