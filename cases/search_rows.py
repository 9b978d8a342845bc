"""The statements of search: by word, by name, by filter; newest first, each within its bounds (cases.search chooses)."""

import json
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connection
from django.db.models import Q

from cases.models import Case

DEEPEST_WALK = 20_000


class Where(NamedTuple):
    """A condition on rows of cases_case, as SQL; empty: none."""

    sql: str = ""
    params: tuple[Any, ...] = ()

    @property
    def also(self) -> str:
        return f" AND ({self.sql})" if self.sql else ""


def where(q: Q) -> Where | None:
    """What Django makes of a condition without joins; None: nothing meets it."""
    query = Case.objects.filter(q).query
    if not query.where:
        return Where()
    try:
        sql, params = query.get_compiler(connection=connection).compile(query.where)
    except FullResultSet:
        return Where()
    except EmptyResultSet:
        return None
    return Where(sql, tuple(params))


def ids(statement: str, params: list[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return [pk for (pk,) in cursor.fetchall()]


# --- how many, by the planner's statistics


def planned(statement: str, params: list[Any]) -> int:
    """About how many rows it would give."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", params)
        (told,) = cursor.fetchone()
    plan: Any = json.loads(told) if isinstance(told, str) else told
    return int(plan[0]["Plan"]["Plan Rows"])


def counted(words: str, most: int) -> int:
    """How many documents hold the words, at most so many: the index is asked, and no more rows fetched than that."""
    statement = f"WITH hits AS MATERIALIZED ({MATCHING}), few AS (SELECT FROM hits LIMIT %s) SELECT count(*) FROM few"  # noqa: S608
    return ids(statement, [words, most])[0]


def size(table: str) -> int:
    """About how many rows it has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = %s::regclass", [table])
        return int(cursor.fetchone()[0])


def estimate(fits: Where, queues: list[int]) -> tuple[int, int]:
    """About how many cases of these queues meet a condition, of how many in all."""
    asked = f"SELECT id FROM cases_case WHERE queue_id = ANY(%s){fits.also}"  # noqa: S608
    return planned(asked, [queues, *fits.params]), size("cases_case")


def depth(limit: int, expected: int, total: int) -> int:
    """How far down the newest to look for `limit` cases, of which there are about so many."""
    return min(DEEPEST_WALK, max(500, 4 * limit * total // max(expected, 1)))


# --- rare ones: looked up, then sorted

MATCHING = "SELECT case_id FROM cases_casesearch WHERE document @@ %s::tsquery"


def lookup(words: str, fits: Where, queues: list[int], limit: int) -> list[int]:
    """By the words first."""
    statement = f"""
        WITH hits AS MATERIALIZED ({MATCHING})
        SELECT seen.id FROM hits CROSS JOIN LATERAL (
            SELECT cases_case.id, cases_case.opened_at FROM cases_case
             WHERE cases_case.id = hits.case_id AND cases_case.queue_id = ANY(%s){fits.also} OFFSET 0
        ) seen
         ORDER BY seen.opened_at DESC, seen.id DESC LIMIT %s"""  # noqa: S608 - no text of anyone's is in the statement
    return ids(statement, [words, queues, *fits.params, limit])


def narrow_first(fits: Where, queues: list[int], limit: int, *, words: str = "") -> list[int]:
    """By the filters first."""
    held = f"{_HOLDS_WORDS} WHERE held.document @@ %s::tsquery" if words else ""
    statement = f"""
        WITH newest AS MATERIALIZED (
            SELECT cases_case.id, cases_case.opened_at FROM cases_case WHERE cases_case.queue_id = ANY(%s){fits.also}
        )
        SELECT newest.id FROM newest {held} ORDER BY newest.opened_at DESC, newest.id DESC LIMIT %s"""  # noqa: S608
    return ids(statement, [queues, *fits.params, *([words] if words else []), limit])


def of_customers(people: list[int], fits: Where, queues: list[int], limit: int) -> list[int]:
    """The newest cases of these customers."""
    statement = f"""
        SELECT theirs.id FROM unnest(%s::bigint[]) AS person (id)
         CROSS JOIN LATERAL (
            SELECT cases_case.id, cases_case.opened_at FROM cases_case
             WHERE cases_case.customer_id = person.id AND cases_case.queue_id = ANY(%s){fits.also}
             ORDER BY cases_case.opened_at DESC LIMIT %s
         ) theirs
         ORDER BY theirs.opened_at DESC LIMIT %s"""  # noqa: S608
    return ids(statement, [people, queues, *fits.params, limit, limit])


# --- common ones: met on the way down the newest


def walk(
    queues: list[int],
    deep: int,
    limit: int,
    *,
    where: Where,
    words: str = "",
    names: list[str] | None = None,
    opened: Where | None = None,
) -> list[int]:
    """Down the newest `deep` cases of these queues until `limit` of them meet the condition, hold the words and are of
    somebody so named: each queue's own index is read in order, and merged. `opened` bounds what is read at all."""
    bound = opened or Where()
    each = " UNION ALL ".join([_NEWEST_OF_QUEUE.format(bound.also)] * len(queues))
    named = names or []
    statement = f"""
        SELECT newest.id FROM (SELECT * FROM ({each}) AS every_queue ORDER BY opened_at DESC LIMIT %s) newest
        {_FITS.format(where.sql) if where.sql else ""} {" ".join(_IS_NAMED.format(n) for n in range(len(named)))}
        {f"{_HOLDS_WORDS} WHERE held.document @@ %s::tsquery" if words else ""}
        ORDER BY newest.opened_at DESC LIMIT %s"""  # noqa: S608
    bounds = [value for queue in queues for value in (queue, *bound.params, deep)]
    return ids(statement, [*bounds, deep, *where.params, *named, *([words] if words else []), limit])


# The limit in each makes the planner read its index in order and merge lazily, instead of sorting whole queues.
_NEWEST_OF_QUEUE = """(
    SELECT id, opened_at, customer_id FROM cases_case WHERE queue_id = %s{} ORDER BY opened_at DESC LIMIT %s
)"""
# OFFSET 0 keeps the planner from turning the walk into a join over everything.
_FITS = """CROSS JOIN LATERAL (
    SELECT FROM cases_case WHERE cases_case.id = newest.id AND ({}) OFFSET 0
) AS fits"""
_HOLDS_WORDS = """CROSS JOIN LATERAL (
    SELECT document FROM cases_casesearch s WHERE s.case_id = newest.id OFFSET 0
) held"""
_IS_NAMED = """CROSS JOIN LATERAL (
    SELECT FROM customers_nameword n WHERE n.customer_id = newest.customer_id AND n.word LIKE %s LIMIT 1
) AS named_{0}"""
