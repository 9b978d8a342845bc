"""Bulk rows for the benchmarks, made by PostgreSQL itself: a tenth of the cases active, a seventh of these unassigned."""

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
    attention_at, resolved_at, preview, preview_direction, last_message_at, version, source, send_state,
    queue_id, assignee_id, customer_id)
SELECT 'Double charge on invoice ' || n, CASE WHEN active THEN 'open' ELSE 'resolved' END,
    (ARRAY['normal', 'normal', 'normal', 'high'])[1 + n %% 4], (ARRAY['mail', 'web', 'chat'])[1 + n %% 3], 'en',
    '{}', '{}', at, CASE WHEN active THEN at END, CASE WHEN active AND n %% 30 = 0 THEN now() + n * interval '1 second' END,
    CASE WHEN active THEN NULL ELSE at + interval '1 hour' END, 'You took it twice from my account, please look at it.',
    'inbound', at, 0, '', '', %(queue)s,
    CASE WHEN active AND n %% 70 = 0 THEN NULL ELSE (%(reps)s::bigint[])[1 + (n / 10) %% cardinality(%(reps)s::bigint[])] END,
    (SELECT min(id) FROM customers_customer) + n %% %(customers)s
FROM (SELECT n, n %% 10 = 0 AS active, now() - (%(until)s + 10 - n) * interval '20 seconds' AS at
      FROM generate_series(%(first)s::bigint, %(until)s::bigint) n) rows
"""
MESSAGES = """
INSERT INTO cases_message (case_id, direction, channel, sender_name, text, html, language, at, created_at, case_version,
    is_auto, is_answer, next_step, sent_anyway, then_status, token, source, author_id, released_at)
SELECT c.id, CASE WHEN n %% 2 = 1 THEN 'inbound' ELSE 'outbound' END, c.channel, '',
    repeat('You took it twice from my account in April, and nobody has told me why. ', 1 + n %% 4), '', 'en',
    c.opened_at + n * interval '1 second', c.opened_at, 0, false, false, '', false, '', 'b' || c.id || '-' || n, '',
    CASE WHEN n %% 2 = 0 THEN %(author)s::bigint END, CASE WHEN n %% 2 = 0 THEN c.opened_at END
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


def cases(queue: int, people: list[int], first: int, until: int, customers: int) -> None:
    """Cases number `first` to `until` of a queue, then fresh statistics."""
    sql(CASES, {"queue": queue, "reps": people, "first": first, "until": until, "customers": customers})
    sql("ANALYZE")


def messages(first: int, last: int, many: int, author: int) -> None:
    """`many` messages on each case from id `first` to id `last`, every second one an answer of ours."""
    sql(MESSAGES, {"first": first, "last": last, "many": many, "author": author})


def settled() -> None:
    """What autovacuum would have done by the time people work with such a table."""
    sql("VACUUM ANALYZE")
