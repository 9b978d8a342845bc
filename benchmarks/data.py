"""Bulk rows for the benchmarks, made by PostgreSQL itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection

CUSTOMERS = """
INSERT INTO customers_customer (name, pronunciation, language, tz, country, city, tier, cue, version, source, created_at)
SELECT 'Customer Number' || n, '', 'en', 'UTC', 'GB', 'Leeds', 'gold', '', 0, '', now() - interval '2 years'
FROM generate_series(1, %s) n
"""
POINTS = """
INSERT INTO customers_contactpoint (customer_id, kind, value, display, is_preferred, created_at)
SELECT id, 'email', 'c' || id || '@example.com', 'c' || id || '@example.com', true, created_at
FROM customers_customer WHERE id > %s
"""
CASES = """
INSERT INTO cases_case (subject, status, priority, channel, language, tags, custom, opened_at, waiting_since,
    attention_at, next_due_at, promise_due_at, resolved_at, preview, preview_direction, last_message_at, version, source,
    send_state, open_tasks, queue_id, assignee_id, customer_id)
SELECT 'Double charge on invoice ' || n, CASE WHEN active THEN 'open' ELSE 'resolved' END,
    (ARRAY['normal', 'normal', 'normal', 'high'])[1 + n %% 4], (ARRAY['mail', 'web', 'chat'])[1 + n %% 3], 'en',
    '{}', '{}', at, CASE WHEN active THEN at END, CASE WHEN active THEN due END, CASE WHEN active THEN due END,
    CASE WHEN active AND k %% 5 = 0 THEN due + interval '1 hour' END,
    CASE WHEN active THEN NULL ELSE at + interval '1 hour' END, 'You took it twice from my account, please look at it.',
    'inbound', at, 0, '', '', 0, %(queue)s,
    CASE WHEN active AND k %% 7 = 0 THEN NULL ELSE (%(reps)s::bigint[])[1 + k %% cardinality(%(reps)s::bigint[])] END,
    (SELECT min(id) FROM customers_customer) + n %% %(customers)s
FROM (SELECT n, n %% %(every)s = 0 AS active, n / %(every)s AS k, now() + n %% 1009 * interval '1 minute' AS due,
             now() - (%(until)s + 10 - n) * interval '20 seconds' AS at
      FROM generate_series(1, %(until)s::bigint) n) rows
"""
CLOCKS = """
INSERT INTO cases_clock (kind, target_seconds, started_at, resumed_at, elapsed_seconds, paused_seconds, due_at, case_id,
    policy_version_id)
SELECT 'resolution', 86400, opened_at, opened_at, 0, 0, next_due_at, id, %s FROM cases_case WHERE next_due_at IS NOT NULL
"""
PROMISES = """
INSERT INTO cases_promise (what, due_at, state, made_at, case_id, owner_id)
SELECT 'Call back with the amount', promise_due_at, 'open', opened_at, id, assignee_id
FROM cases_case WHERE promise_due_at IS NOT NULL
"""
EVENTS = """
WITH told AS (
    INSERT INTO crm_event (stream, stream_id, version, kind, via, reason, at, data, actor_id, pos)
    SELECT 'case', c.id, v, (ARRAY['opened', 'claimed', 'released', 'priority_changed', 'claimed', 'sla_warned'])[v],
        'person', '', c.opened_at + v * interval '1 second',
        CASE WHEN v IN (2, 3, 5) THEN jsonb_build_object('assignee', c.assignee_id) ELSE '{"priority": "high"}' END,
        CASE WHEN v BETWEEN 2 AND 5 THEN c.assignee_id END, 1000000 + row_number() OVER (ORDER BY c.id, v)
    FROM cases_case c, generate_series(1, 6) v
)
UPDATE cases_case SET version = 6
"""
HOLDINGS = """
WITH product AS (INSERT INTO customers_product (name, kind, source) VALUES ('Fibre', 'broadband', '') RETURNING id),
held AS (
    INSERT INTO customers_subscription (customer_id, product_id, plan, price, currency, device, version, lot, region,
        status, started_on, source)
    SELECT c.id, product.id, 'Fibre ' || n || '00', 29.9, 'GBP', 'router', '1', '', '', 'active', current_date - 400, ''
    FROM customers_customer c, product, generate_series(1, 2) n
), bought AS (
    INSERT INTO customers_order (customer_id, number, status, total, currency, items, placed_at, source)
    SELECT c.id, 'A-' || c.id || '-' || n, 'delivered', 17.5, 'GBP', '[]', now() - n * interval '20 days', ''
    FROM customers_customer c, generate_series(1, 5) n
)
INSERT INTO customers_consent (customer_id, purpose, channel, granted, source, wording, at)
SELECT c.id, (ARRAY['service', 'advice', 'marketing'])[n], 'mail', n < 3, 'rep', '', now() - n * interval '1 hour'
FROM customers_customer c, generate_series(1, 3) n
"""
MESSAGES = """
INSERT INTO cases_message (case_id, direction, channel, sender_name, text, html, language, at, created_at, case_version,
    is_auto, is_answer, next_step, sent_anyway, then_status, token, source, subject, mail_id,
    mail_hash, feeling, folds, flags, author_id, released_at)
SELECT c.id, CASE WHEN n %% 2 = 1 THEN 'inbound' ELSE 'outbound' END, c.channel, '',
    repeat('You took it twice from my account in April, and nobody has told me why. ', 1 + n %% 4), '', 'en',
    c.opened_at + n * interval '1 second', c.opened_at, 0, false, false, '', false, '', 'b' || c.id || '-' || n, '',
    '', '', '', '', '[]', '{}', CASE WHEN n %% 2 = 0 THEN %(author)s::bigint END, CASE WHEN n %% 2 = 0 THEN c.opened_at END
FROM cases_case c, generate_series(1, %(many)s) n WHERE c.id >= %(first)s AND c.id <= %(last)s
"""


def sql(statement: str, values: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def reps(how_many: int) -> list[int]:
    """People with one password between them: a hash each would take longer than all the rest."""
    from crm.models import User

    word = make_password("correct horse battery")
    people = [
        User(username=f"rep{n}", first_name=f"Rep{n}", last_name="Bench", password=word, role=User.Role.STAFF)
        for n in range(how_many)
    ]
    return [user.pk for user in User.objects.bulk_create(people)]


def customers(how_many: int) -> None:
    sql(CUSTOMERS, [how_many])
    sql(POINTS, [0])


def cases(queue: int, people: list[int], until: int, customers: int, active: int) -> None:
    """Cases number 1 to `until` of a queue in place of all there are, `active` of them, spread evenly over the table: a
    seventh of these nobody's, each with a running clock, a fifth with a promise."""
    sql("TRUNCATE cases_case CASCADE")
    values = {"queue": queue, "reps": people, "until": until, "customers": customers, "every": until // active}
    sql(CASES, values)
    sql(CLOCKS, [policy()])
    sql(PROMISES)


def policy() -> int:
    from cases.models import SLAPolicy

    policy = SLAPolicy.objects.first() or SLAPolicy.objects.create(name="Bench")
    return int(policy.publish(targets=[{"kind": "resolution", "minutes": 1440}]).pk)


def histories() -> None:
    """Six events on every case, as the sequencer would have numbered them."""
    sql(EVENTS)


def holdings() -> None:
    """Two subscriptions, five orders and three statements of consent for every customer."""
    sql(HOLDINGS)


def articles(how_many: int) -> None:
    """Articles that share words with what is asked, each with some of its own."""
    from cases.models import Article

    for n in range(how_many):
        text = f"Why money was taken twice from your account, reason {n}, and when it is paid back."
        Article.objects.create(audience="public").publish(title=f"Double charge {n}", body=text)


def messages(first: int, last: int, many: int, author: int) -> None:
    """`many` messages on each case from id `first` to id `last`, every second one an answer of ours."""
    sql(MESSAGES, {"first": first, "last": last, "many": many, "author": author})


def settled() -> None:
    """What autovacuum would have done by the time people work with such a table."""
    sql("VACUUM ANALYZE")


@contextmanager
def unwatched() -> Iterator[None]:
    """Rows that are right as they are made: neither triggers nor foreign keys look at each of them."""
    sql("SET session_replication_role = replica")
    try:
        yield
    finally:
        sql("SET session_replication_role = DEFAULT")
