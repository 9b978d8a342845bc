"""Like cases: the nearest awards to what is about to be decided, looked at in the moment of decision. Two customers with
the same failure get the same; where they would not, somebody says why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import mean, pstdev
from typing import Any

from cases.models import Remedy, ServicePolicyVersion
from cases.policy import amounts, shape
from cases.policy.table import NUMBER, Input, Known, Table

NEAREST = 5
LOOKED_AT = 200  # the newest awards of the policy
ENOUGH = 3  # fewer say nothing about what is usual


@dataclass(frozen=True)
class Award:
    """One of them. `distance`: 0 is the same row and the same facts; `expected`: what this table would give for its facts,
    None where they are of another row."""

    remedy: int
    case: int  # its number
    granted: Decimal
    currency: str
    distance: float
    expected: Decimal | None = None


def nearest(version: ServicePolicyVersion, row: int, known: Mapping[str, Known], prior: int = 0) -> list[Award]:
    """The five nearest awards by any version of the policy: those that this row would be for first, then by their facts,
    then the newest."""
    table = version.read
    awards = Remedy.objects.granted().filter(policy=version.policy_id, currency=table.currency, unasked=False)
    mine = {**known, "prior": Decimal(prior)}
    found = []
    for place, award in enumerate(awards.select_related("case").order_by("-asked_at", "-pk")[:LOOKED_AT]):
        theirs = _as_now(table, award.facts)
        found.append((_distance(table, row, mine, theirs), place, award, theirs))
    return [
        Award(
            remedy=award.pk,
            case=award.case.number,
            granted=award.granted,
            currency=award.currency,
            distance=distance,
            expected=_expected(table, row, theirs),
        )
        for distance, _place, award, theirs in sorted(found, key=lambda each: each[:2])[:NEAREST]
    ]


def is_unlike(amount: Decimal, computed: Decimal, awards: Sequence[Award]) -> bool:
    """More than one standard deviation from what like cases got on average. They are compared as shares of what this table
    gives for each, so that who was kept waiting twice as long may have twice as much; only those of the same row count."""
    shares = [award.granted / award.expected for award in awards if award.expected]
    if len(shares) < ENOUGH or not computed:
        return False
    return abs(amount / computed - mean(shares)) > pstdev(shares)


def _as_now(table: Table, facts: Mapping[str, Any]) -> dict[str, Known]:
    """The facts of an award as this table can read them: its inputs may have been others then."""
    found: dict[str, Known] = {"prior": shape.number(facts.get("prior")) or Decimal(0)}
    for each in table.inputs:
        held = facts.get(each.name)
        number = shape.number(held) if each.kind == NUMBER else None
        if number is not None:
            found[each.name] = number
        elif each.kind != NUMBER and held in each.values:
            found[each.name] = str(held)
    return found


def _expected(table: Table, row: int, facts: Mapping[str, Known]) -> Decimal | None:
    if not table.rows[row].holds(facts) or not table.rows[row].reads <= set(facts):
        return None
    return amounts.of_row(table, row, facts, int(facts.get("prior", 0))).amount


def _distance(table: Table, row: int, known: Mapping[str, Known], facts: Mapping[str, Known]) -> float:
    """Each input apart by at most 1; another row weighs more than all of them."""
    compared = (*table.inputs, Input("prior", "", NUMBER))
    other_row = not table.rows[row].holds(facts)
    return sum(_apart(each, known.get(each.name), facts) for each in compared) + other_row * (len(compared) + 1)


def _apart(each: Input, value: Known | None, facts: Mapping[str, Known]) -> float:
    theirs = facts.get(each.name)
    if value is None or theirs is None:
        return float(value is not theirs)
    if each.kind != NUMBER:
        return float(str(value) != str(theirs))
    mine, other = float(value), float(theirs)
    room = float(each.most - each.least) if each.most is not None else max(abs(mine), abs(other))
    return min(1.0, abs(mine - other) / room) if room else 0.0
