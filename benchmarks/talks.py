"""Rows for the workload `decide`: offers, what customers were offered before, and talks in which everything is open."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from benchmarks import data

TAGS, CITIES, PLANS = 150, 40, 5
VARIED = """
UPDATE customers_customer SET tier = (ARRAY['gold', 'silver', ''])[1 + id % 3], country = (ARRAY['GB', 'DE', 'ES', 'FR'])[1 + id % 4],
    city = 'City ' || id * 7 % 40, since = current_date - (id * 7 % 2000)::int
"""
# One decision, its winner, what was shown and what was said, for each offer a customer had over two years; most said no, some
# nothing. Their cases, contacts and events are left out: no decision reads them.
HISTORY = """
WITH told AS (
    SELECT n, (SELECT min(id) FROM customers_customer) + n * 7919::bigint %% %(customers)s AS customer, 1000000000 + n AS key,
           now() - interval '100 days' - n %% 600 * interval '1 day' AS at, %(versions)s::bigint[] AS versions
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
), decided AS (
    INSERT INTO outreach_decision (id, at, asked, catalogue_version, outcome, probability, gates, context, digest, latency_ms,
        by_id, case_id, contact_id, customer_id, need_met_event_id)
    OVERRIDING SYSTEM VALUE
    SELECT key, at, 'panel', 1, 'presented', 1, '[]', '{}', '', 1, %(by)s, key, key, customer, key FROM told
), won AS (
    INSERT INTO outreach_decisioncandidate (id, stage, reason, detail, scores, score, rank, probability, sentence, decision_id,
        offer_version_id)
    OVERRIDING SYSTEM VALUE
    SELECT key, '', '', '{}', '{"p": 0.1, "score": 4.75}', 4.75, 1, 1, 'You said so.', key,
           versions[1 + n %% cardinality(versions)] FROM told
), shown AS (
    INSERT INTO outreach_offerpresentation (id, presented_at, by_id, candidate_id, case_id, contact_id, customer_id, decision_id,
        need_met_event_id)
    OVERRIDING SYSTEM VALUE
    SELECT key, at, %(by)s, key, key, key, customer, key, key FROM told
)
INSERT INTO outreach_offerresponse (id, number, kind, reason, until, at, by_id, presentation_id)
OVERRIDING SYSTEM VALUE
SELECT key, 1, (ARRAY['no', 'no', 'not_suited', 'accepted'])[1 + n %% 4], '', NULL, at, %(by)s, key FROM told
"""
TALKS = """
WITH talk AS (
    INSERT INTO cases_case (subject, status, priority, channel, language, tags, custom, opened_at, waiting_since, attention_at,
        preview, preview_direction, last_message_at, version, source, external_id, send_state, open_tasks, queue_id,
        assignee_id, customer_id)
    SELECT 'Double charge', 'open', 'normal', 'mail', 'en', '{}', '{}', now() - interval '1 hour', NULL, now(), '', 'inbound',
        now() - interval '1 hour', 2, 'talk', n::text, '', 0, %(queue)s, (%(reps)s::bigint[])[1 + n %% cardinality(%(reps)s::bigint[])],
        (SELECT min(id) FROM customers_customer) + (n * 7919::bigint + 17) %% %(customers)s
    FROM generate_series(1, %(many)s) n
    RETURNING id, customer_id, opened_at, external_id::int AS n
), contact AS (
    INSERT INTO cases_contact (channel, started_at, last_at, case_id, customer_id)
    SELECT 'mail', opened_at, opened_at, id, customer_id FROM talk RETURNING id, case_id
), agreed AS (
    INSERT INTO customers_consent (customer_id, purpose, channel, granted, source, wording, at)
    SELECT customer_id, 'marketing', 'any', true, 'rep', '', opened_at FROM talk
), met AS (
    INSERT INTO crm_event (stream, stream_id, version, kind, via, reason, at, data, pos)
    SELECT 'case', id, v, (ARRAY['opened', 'need_met'])[v], 'person', '', opened_at, '{"how": "customer_said"}',
           2000000000 + row_number() OVER (ORDER BY id, v)
    FROM talk, generate_series(1, 2) v
)
INSERT INTO cases_message (case_id, contact_id, direction, channel, sender_name, text, html, language, at, created_at,
    case_version, is_auto, is_answer, next_step, sent_anyway, then_status, token, source, subject, mail_id, mail_hash, feeling,
    folds, flags)
SELECT talk.id, contact.id, 'inbound', 'mail', '', repeat('You took it twice from my account in April, and nobody has told me why. ', 3)
    || 'Thank you, it is back. What does matter' || n * 3 %% 150 || ' cost? And is there more about matter' || n * 11 %% 150 || ' than that?',
    '', 'en', opened_at, opened_at, 1, false, false, '', false, '', 't' || talk.id, '', '', '', '', 'good', '[]', '{}'
FROM talk JOIN contact ON contact.case_id = talk.id
"""
# Nobody knows yet how many there are: the server would look for each answer through all candidates.
READ = "ANALYZE outreach_offerresponse, outreach_offerpresentation, outreach_decisioncandidate, outreach_offerversion"
# What a trigger counts as answers are given.
TAKEN = """
INSERT INTO outreach_taken (offer_id, many)
SELECT v.offer_id, count(*) FROM outreach_offerresponse r JOIN outreach_offerpresentation p ON p.id = r.presentation_id
    JOIN outreach_decisioncandidate k ON k.id = p.candidate_id JOIN outreach_offerversion v ON v.id = k.offer_version_id
WHERE r.kind = 'accepted' GROUP BY v.offer_id
"""
MET = """
UPDATE cases_case c SET need_met_event_id = e.id FROM crm_event e
WHERE c.source = 'talk' AND e.stream = 'case' AND e.stream_id = c.id AND e.kind = 'need_met'
"""
MANY = 10_000_000  # of an offer that may run out
AT_ONCE = 250_000  # of the past, in a transaction


def terms(n: int) -> dict[str, Any]:
    """One of many offers that differ: half are asked for by a word, the others go by what customers are and have; of a tenth
    there are only so many."""
    tier = {"fact": "tier", "op": "is", "value": ("gold", "silver")[n % 2]}
    country = {"fact": "country", "op": "in", "value": [["GB", "DE"], ["ES"], ["DE", "FR"]][n % 3]}
    city = {"fact": "city", "op": "is", "value": f"City {n % CITIES}"}
    since = {"fact": "since", "op": "before", "value": {"days_ago": 100 + 30 * (n % 50)}}
    dearest = {"fact": "dearest_plan", "op": "at_least", "value": {"amount": str(20 + n % 15), "currency": "GBP"}}
    bought = {"count": "orders", "within_days": 45 + 20 * (n % 5), "op": "at_least", "value": 1 + n % 2}
    plan = {"fact": "plans", "op": "has", "value": f"Fibre {1 + n % PLANS}00"}
    for_whom = [[tier, since], [city, tier, dearest], [country, {"not": tier}, since], [city, plan, bought]][n % 4]
    words = n % 2 == 0
    return {
        "what": f"Offer {n}",
        "benefit": "Costs less than what you have",
        "why": "You said: “{words}”" if words else "You have {plan} since {since}",
        "gain": Decimal(30 + n % 60),
        "stock": MANY if n % 10 == 3 else None,
        "need_tags": [f"matter{n % TAGS}"] if words else [],
        "eligibility": {"all": for_whom},
    }


def offers(how_many: int, standing: int) -> list[int]:
    """Keys of versions; `standing` of them may be offered."""
    from outreach.models import Catalogue, Offer, OfferVersion

    rows = [Offer(key=f"offer-{n}", name=f"Offer {n}", is_active=n < standing) for n in range(how_many)]
    made = Offer.objects.bulk_create(rows)
    versions = [OfferVersion(offer=offer, number=1, **terms(n)) for n, offer in enumerate(made)]
    OfferVersion.objects.bulk_create(versions)
    data.sql("UPDATE outreach_offer o SET current_id = v.id FROM outreach_offerversion v WHERE v.offer_id = o.id")
    Catalogue.turn()
    return [version.pk for version in versions]


def stand(how_many: int) -> None:
    """So many of them may be offered from now on."""
    from outreach.models import Catalogue, Offer

    keys = Offer.objects.order_by("pk").values("pk")[:how_many]
    Offer.objects.update(is_active=False)
    Offer.objects.filter(pk__in=list(keys.values_list("pk", flat=True))).update(is_active=True)
    Catalogue.turn()


def people(customers: int) -> None:
    """Customers with what they have, bought and agreed to."""
    with data.unwatched():
        data.customers(customers)
        data.sql(VARIED)
        data.holdings()


def past(how_many: int, customers: int, versions: list[int], by: int) -> None:
    """So many offers of the past, four rows each."""
    values = {"customers": customers, "versions": versions, "by": by}
    with data.unwatched():
        for first in range(0, how_many, AT_ONCE):
            last = min(first + AT_ONCE, how_many) - 1
            data.sql(HISTORY, values | {"first": first, "last": last})
        data.sql(READ)
        data.sql(TAKEN)


def talks(how_many: int, customers: int, queue: int, reps: list[int]) -> list[int]:
    """Cases in which the need is met, the customer is glad and agreed to hear of offers."""
    from cases.models import Case

    with data.unwatched():
        data.sql(TALKS, {"many": how_many, "customers": customers, "queue": queue, "reps": reps})
        data.sql(MET)
    assert timezone.now() - Case.objects.filter(source="talk").earliest("opened_at").opened_at < timedelta(hours=12)
    return list(Case.objects.filter(source="talk").order_by("pk").values_list("pk", flat=True))
