"""A decision as it is kept: it, its candidates and what is shown of it, in one statement, however many they are."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from crm.database.prepared import sent
from outreach.models import Decision

# What was shown points at its candidate and both at the decision: each part takes the keys of the one before, so that they
# are written in this order, and the trigger that lets a presentation in (outreach.models.decision) finds the others there.
_KEEP = """
WITH decided AS (
  INSERT INTO outreach_decision (case_id, contact_id, customer_id, at, by_id, asked, catalogue_version, need_met_event_id,
      outcome, probability, gates, shared, context, digest, latency_ms)
  VALUES (%(case_id)s::bigint, %(contact_id)s::bigint, %(customer_id)s::bigint, %(at)s::timestamptz, %(by_id)s::bigint,
      %(asked)s, %(catalogue_version)s::bigint, %(need_met_event_id)s::bigint, %(outcome)s, %(probability)s::float8,
      %(gates)s::jsonb, %(shared)s::jsonb, %(context)s::jsonb, %(digest)s, %(latency_ms)s::float8)
  RETURNING id),
looked AS (
  INSERT INTO outreach_decisioncandidate (decision_id, offer_version_id, stage, reason, detail, scores, score, rank,
      probability, sentence)
  SELECT decided.id, c.* FROM decided, jsonb_to_recordset(%(candidates)s::jsonb) AS c (offer_version_id bigint, stage text,
      reason text, detail jsonb, scores jsonb, score float8, rank smallint, probability float8, sentence text)
  RETURNING id, offer_version_id),
shown AS (
  INSERT INTO outreach_offerpresentation (decision_id, candidate_id, case_id, contact_id, customer_id, need_met_event_id,
      presented_at, by_id)
  SELECT decided.id, looked.id, %(case_id)s::bigint, %(contact_id)s::bigint, %(customer_id)s::bigint,
      %(need_met_event_id)s::bigint, %(at)s::timestamptz, %(by_id)s::bigint
    FROM decided, looked WHERE looked.offer_version_id = %(best)s::bigint
  RETURNING id)
SELECT decided.id, (SELECT id FROM shown) FROM decided
"""
_GIVEN = (
    *(
        "case_id",
        "contact_id",
        "customer_id",
        "at",
        "by_id",
        "asked",
        "catalogue_version",
        "need_met_event_id",
        "outcome",
    ),
    *("probability", "digest", "latency_ms"),
)


def keep(decision: Decision, candidates: Sequence[Mapping[str, Any]], best: int | None) -> int | None:
    """Write them: `candidates` are the columns of each, `best` the version of the one that is shown. The key of what is shown."""
    values: dict[str, Any] = {name: getattr(decision, name) for name in _GIVEN}
    values |= {name: Jsonb(getattr(decision, name)) for name in ("gates", "shared", "context")}
    ((decision.pk, shown),) = sent(_KEEP, values | {"candidates": Jsonb(candidates), "best": best or 0})()
    decision._state.adding, decision._state.db = False, "default"
    return shown  # type: ignore[no-any-return]
