"""Who is likely to be hit by a known problem, and what would become of a notice to them, before anything is sent.

A condition over what customers have is compiled to one INSERT … SELECT; other systems add whom they know of (the hook
`at_risk`). Rows stand for who is likely to be hit, told or not: cases show the problem either way. Who would be told is
`outlook`: the exposed, less those told before. docs/notices.md has the rules.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from crm.models import User
from customers import conditions, facts, resting, saying, segments
from customers.models import Customer
from outreach.hooks import AtRisk, at_risk
from outreach.models import Exposure, KnownProblem

SAMPLE = 10
LONGEST_REASON = 200
Sql = tuple[str, Sequence[Any]]

# By rule: those the condition holds for now; who no longer is among them goes, but of whom nobody can tell just now, because
# a plugin does not answer. By one statement, whatever their number.
_RENEW = """
WITH hit AS MATERIALIZED ({hit}),
     gone AS (DELETE FROM outreach_exposure e WHERE e.problem_id = %s AND e.via = 'rule'
                 AND NOT EXISTS (SELECT FROM hit WHERE hit.id = e.customer_id)
                 AND e.customer_id NOT IN (SELECT id FROM ({perhaps}) AS p))
INSERT INTO outreach_exposure (problem_id, customer_id, via, score, reasons, found_at)
SELECT %s, hit.id, 'rule', 1, '[]', %s FROM hit
ON CONFLICT (problem_id, customer_id) DO UPDATE SET via = 'rule' WHERE outreach_exposure.via <> 'rule'
"""
_SOURCES = """
INSERT INTO outreach_exposure (problem_id, customer_id, via, score, reasons, found_at)
SELECT %s, c.id, 'source', r.score, jsonb_build_array(r.reason), %s
  FROM unnest(%s::bigint[], %s::float8[], %s::text[]) AS r (customer, score, reason)
  JOIN customers_customer c ON c.id = r.customer AND c.merged_into_id IS NULL AND c.erased_at IS NULL
ON CONFLICT (problem_id, customer_id) DO UPDATE SET score = EXCLUDED.score, reasons = EXCLUDED.reasons
      WHERE outreach_exposure.via = 'source'
"""

# What would become of a notice to each of `aim`: which address it goes to, and why not where none may be used. One
# address a customer: one we may write to before others, then the preferred, then one that is known to be theirs.
JUDGED = """
aim AS (SELECT a.id, c.tz FROM ({aim}) a JOIN customers_customer c ON c.id = a.id
         WHERE c.merged_into_id IS NULL AND c.erased_at IS NULL),
point AS (SELECT DISTINCT ON (p.customer_id) p.customer_id, p.id, x.id IS NOT NULL AS suppressed
            FROM customers_contactpoint p JOIN aim ON aim.id = p.customer_id
            LEFT JOIN customers_suppression x ON x.kind = p.kind AND x.value = p.value AND x.lifted_at IS NULL
                  AND x.purpose IN ('', 'service')
           WHERE p.kind = 'email' AND p.ended_at IS NULL
           ORDER BY p.customer_id, x.id IS NOT NULL, p.is_preferred DESC, p.verified_at DESC NULLS LAST, p.id),
said AS (SELECT DISTINCT ON (s.customer_id) s.customer_id, s.granted
           FROM customers_consent s JOIN aim ON aim.id = s.customer_id
          WHERE s.purpose = 'service' AND s.channel IN ('mail', 'any') AND s.at <= %s
          ORDER BY s.customer_id, s.at DESC, s.id DESC),
judged AS (SELECT aim.id, aim.tz, point.id AS point,
                  CASE WHEN point.id IS NULL THEN 'no_address'
                       WHEN point.suppressed THEN 'suppressed'
                       WHEN said.granted IS FALSE THEN 'consent_withdrawn' ELSE '' END AS reason
             FROM aim LEFT JOIN point ON point.customer_id = aim.id LEFT JOIN said ON said.customer_id = aim.id)
"""
_OUTLOOK = """
WITH {judged}
SELECT CASE WHEN d.state = 'planned' OR p.state <> 'suppressed' THEN 'told' ELSE j.reason END, count(*)
  FROM judged j LEFT JOIN outreach_noticedelivery d ON d.problem_id = %s AND d.customer_id = j.id
       LEFT JOIN cases_dispatch p ON p.id = d.dispatch_id
 GROUP BY 1
"""


@dataclass(frozen=True)
class Example:
    """One of those it hits, and why, in words."""

    customer: Customer
    reasons: list[str]


@dataclass(frozen=True)
class Outlook:
    """What a notice would do now: how many are likely to be hit, how many would be written to, and why not the rest."""

    size: int
    reachable: int
    told: int
    withheld: dict[str, int] = field(default_factory=dict)


@transaction.atomic
def aim(problem: KnownProblem, condition: dict[str, Any] | None, *, by: User, via: str = "person") -> None:
    """Say whom it hits, and find them."""
    problem.set_condition(condition, by=by, via=via)
    refresh(problem, timezone.now(), by=by, via=via)


@transaction.atomic
def refresh(problem: KnownProblem, now: datetime, *, by: User | None = None, via: str = "system") -> int:
    """Bring the rows up to who is likely to be hit now; returns how many that are."""
    problem.lock()
    sql, values = _hit(problem.condition, now)
    perhaps, more = _perhaps(problem.condition, now)
    with connection.cursor() as cursor:
        cursor.execute(_RENEW.format(hit=sql, perhaps=perhaps), [*values, problem.pk, *more, problem.pk, now])
    _from_sources(problem, now)
    size = Exposure.objects.filter(problem=problem).count()
    if size != problem.exposed:
        problem.exposed = size
        problem.save(update_fields=["exposed"])
        problem.record("exposure_counted", by=by, via=via, at=now, customers=size)
    return size


def _hit(condition: dict[str, Any] | None, now: datetime) -> Sql:
    """The customers a condition holds for, as SQL; without one nobody."""
    return segments.keys_of(conditions.compile(condition, at=now)) if condition is not None else segments.NOBODY


def _perhaps(condition: dict[str, Any] | None, now: datetime) -> Sql:
    """Those it may hold for, as far as anybody can tell just now; nobody where everything is known."""
    found = conditions.compile(condition, at=now).perhaps if condition is not None else None
    return segments.keys_of(found) if found else segments.NOBODY


def _from_sources(problem: KnownProblem, now: datetime) -> None:
    """Whom other systems name. A source that fails changes nothing; the others' rows stay."""
    asked = at_risk.run(problem)
    found = {risk.customer: risk for filled in asked for risk in filled.value or ()}
    if not any(filled.failure for filled in asked):
        Exposure.objects.filter(problem=problem, via="source").exclude(customer__in=list(found)).delete()
    if found:
        _insert(problem, list(found.values()), now)


def _insert(problem: KnownProblem, risks: Sequence[AtRisk], now: datetime) -> None:
    columns: list[Any] = [
        [risk.customer for risk in risks],
        [min(1.0, max(0.0, risk.score)) for risk in risks],
        [risk.reason[:LONGEST_REASON] for risk in risks],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_SOURCES, [problem.pk, now, *columns])


# --- before anything is sent


def outlook(problem: KnownProblem, now: datetime) -> Outlook:
    """Of those found: how many would be told, and why not the others. Two or three set-wise joins, whatever their
    number."""
    return _looked("SELECT customer_id AS id FROM outreach_exposure WHERE problem_id = %s", (problem.pk,), problem, now)


def tried(problem: KnownProblem, condition: dict[str, Any], now: datetime) -> Outlook:
    """The same for a condition nobody has saved yet. Raises conditions.BadCondition."""
    sql, values = _hit(condition, now)
    return _looked(sql, values, problem, now)


def _looked(sql: str, values: Sequence[Any], problem: KnownProblem, now: datetime) -> Outlook:
    judged = JUDGED.format(aim=sql)
    with connection.cursor() as cursor:
        cursor.execute(_OUTLOOK.format(judged=judged), [*values, now, problem.pk])
        counts = Counter(dict(cursor.fetchall()))
    told, reachable = counts.pop("told", 0), counts.pop("", 0)
    withheld = dict(sorted(counts.items()))
    return Outlook(told + reachable + sum(withheld.values()), reachable, told, withheld)


@resting.again
def sample(problem: KnownProblem, condition: dict[str, Any] | None, now: datetime, *, user: User) -> list[Example]:
    """Up to ten of those a condition holds for, whom this person may see, each with what of theirs fulfils it. Those
    other systems named come with what these said."""
    seen = Customer.objects.visible_to(user)
    found: list[Example] = []
    if condition is not None:
        compiled = conditions.compile(condition, at=now)
        rows = list(compiled.customers(seen.current()).order_by("pk")[:SAMPLE])
        known = facts.load(rows, now, names=compiled.names)
        found = [Example(row, because(condition, known[row.pk], now)) for row in rows]
    named = Exposure.objects.filter(problem=problem, via="source", customer__in=seen).select_related("customer")
    return [*found, *(Example(e.customer, list(e.reasons)) for e in named.order_by("-score", "pk")[:SAMPLE])][:SAMPLE]


def because(condition: Any, known: dict[str, Any], now: datetime) -> list[str]:
    """What of a customer fulfils a condition that holds for them: the facts it names, and of what they have the row it
    fits. Values only, in the order of the condition."""
    if not isinstance(condition, dict):
        return []
    if "count" in condition or "segment" in condition:
        return saying.reasons(condition, known, now)
    if "exists" in condition:
        return _row_that_fits(condition, known, now)
    if "fact" in condition:
        return _value(condition["fact"], known)
    parts = [part for word in ("all", "any") for part in condition.get(word, [])]
    return list(dict.fromkeys(words for part in parts for words in because(part, known, now)))


def _row_that_fits(condition: dict[str, Any], known: dict[str, Any], now: datetime) -> list[str]:
    names = list(dict.fromkeys(_named(condition.get("where", {}))))
    where = condition.get("where", {"all": []})
    for row in known.get(condition["exists"], []):
        one = conditions.compile({"exists": condition["exists"], "where": where}, at=now)
        if one.holds({condition["exists"]: [row]}):
            return [", ".join(str(row[name]) for name in names if row.get(name) not in (None, ""))] if names else []
    return []


def _named(condition: Any) -> list[str]:
    if not isinstance(condition, dict):
        return []
    if "fact" in condition:
        return [condition["fact"]]
    return [name for word in ("all", "any") for part in condition.get(word, []) for name in _named(part)]


def _value(name: str, known: dict[str, Any]) -> list[str]:
    value = known.get(name)
    if value is None or isinstance(value, bool | list):
        return []
    return [", ".join(sorted(map(str, value)))] if isinstance(value, frozenset) else [str(value)]
