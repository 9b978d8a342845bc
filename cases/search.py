"""Finding cases and customers by what people remember of them: a number, an address, a name, any words (docs/search.md).

A case has one search document: the folded words of its customer's name, its subject and its messages. Whatever is
typed is folded the same way and reaches PostgreSQL as words or parameters, never as query syntax.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.utils import OperationalError
from django.utils.safestring import SafeString

from cases.models import Case, CaseSearch, Queue
from cases.snippets import snippets
from crm.database.prepared import kept
from crm.models import User
from customers import addresses
from customers.folding import clean, words
from customers.models import ContactPoint, Customer

LONGEST_TEXT = 250_000  # characters of one text that are read
MOST_BYTES = 200_000  # of distinct words taken from one text; PostgreSQL holds a document of 1 MB
LONGEST_QUERY = 200
MOST_WORDS = 12
MOST_PEOPLE = 1000  # beyond that many of a name, their cases are looked for among the newest ones
MOST_CUSTOMERS = 8  # shown
DEEPEST_WALK = 20_000
_NUMBER = re.compile(r"#?(\d{1,18})")


class Hit(NamedTuple):
    """Something found. `kind` is "case" or "customer"; `snippet` is safe HTML with the found words in <mark>."""

    kind: str
    object: Case | Customer
    snippet: SafeString


# --- writing


def index_text(case: Case, text: str, *, is_first: bool = False) -> None:
    """Add the words of `text` to the case's document, in the caller's transaction; the first call adds its subject and
    the customer's name. What no longer fits into the largest document PostgreSQL holds is left out; the words of one
    text (`is_first`) always fit, and need no savepoint to fall back to."""
    if is_first:
        _append([_row(case, text)])
    else:
        index_many([(case, text)])


def index_many(texts: Iterable[tuple[Case, str]]) -> None:
    """The same for many cases at once."""
    rows = [_row(case, text) for case, text in texts]
    if not _appended(rows) and len(rows) > 1:
        for row in rows:
            _appended([row])


Row = tuple[int, list[str], list[str]]


def _row(case: Case, text: str) -> Row:
    return case.pk, _first_words(case), distinct_words(text)


def _append(rows: list[Row]) -> None:
    if len(rows) == 1:
        with kept() as cursor:
            cursor.execute(_APPEND, rows[0])
        return
    with connection.cursor() as cursor:
        cursor.executemany(_APPEND, rows)


def _appended(rows: list[Row]) -> bool:
    return _fits(lambda: _append(rows))


def _fits(write: Callable[[], object]) -> bool:
    """Whether it fitted into the documents; if not, nothing was written."""
    try:
        with transaction.atomic():
            write()
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != _TOO_LARGE:
            raise
        return False
    return True


_TOO_LARGE = "54000"  # program_limit_exceeded: the document is full
_APPEND = """
INSERT INTO cases_casesearch AS held (case_id, document)
VALUES (%s, array_to_tsvector(%s::text[]) || array_to_tsvector(%s::text[]))
ON CONFLICT (case_id) DO UPDATE SET document = held.document || excluded.document
"""


def _first_words(case: Case) -> list[str]:
    name = case.customer.name if case.customer else ""
    return distinct_words(f"{case.subject} {name}")


def distinct_words(text: str) -> list[str]:
    """The folded words of a text, each once, as far as they fit."""
    room, kept = MOST_BYTES, []
    for word in dict.fromkeys(words(text[:LONGEST_TEXT])):
        room -= len(word.encode())
        if room < 0:
            break
        kept.append(word)
    return kept


def join(kept: Case, gone: Case) -> None:
    """The words of a case that was merged are found in the one that goes on, as far as they fit."""
    with connection.cursor() as cursor:
        _fits(lambda: cursor.execute(_JOIN, [kept.pk, gone.pk]))
    CaseSearch.objects.filter(case=gone).delete()


def rebuild(case: Case) -> None:
    """The document anew, from what is in the case now."""
    CaseSearch.objects.filter(case=case).delete()
    index_text(case, "")
    for text in case.messages.order_by("pk").values_list("text", flat=True).iterator():
        index_text(case, text)


_JOIN = """
INSERT INTO cases_casesearch AS held (case_id, document) SELECT %s, document FROM cases_casesearch WHERE case_id = %s
ON CONFLICT (case_id) DO UPDATE SET document = held.document || excluded.document
"""


# --- reading


def search(user: User, text: str, *, limit: int = 50) -> list[Hit]:
    """What `user` may see of what matches: the case of that number, then customers, then at most `limit` cases, newest
    first. Every word must match; a name matches by the beginnings of its words. Never raises on odd text."""
    asked = clean(text).strip()[:LONGEST_QUERY]
    wanted = words(asked)[:MOST_WORDS]
    if not asked or not wanted:
        return []
    people = _people(asked, wanted)
    found = _cases(user, asked, wanted, people, limit)
    marked = snippets(found, wanted)
    customers = _customers(user, people)
    return [
        *(Hit("customer", customer, SafeString("")) for customer in customers),
        *(Hit("case", case, marked[case.pk]) for case in found),
    ]


def search_cases(user: User, text: str, *, limit: int = 50) -> list[Case]:
    """The cases alone, without snippets."""
    asked = clean(text).strip()[:LONGEST_QUERY]
    wanted = words(asked)[:MOST_WORDS]
    return _cases(user, asked, wanted, _people(asked, wanted), limit) if wanted else []


def _cases(user: User, asked: str, wanted: list[str], people: "People", limit: int) -> list[Case]:
    queues = list(Queue.objects.visible_to(user).values_list("pk", flat=True))
    if not queues:
        return []
    found = {*_by_words(wanted, queues, limit), *_by_people(people, queues, limit)}
    newest = Case.objects.visible_to(user).filter(pk__in=found).select_related("customer", "queue", "assignee")
    cases = list(newest.order_by("-opened_at", "-pk")[:limit])
    named = _by_number(user, asked)
    return [*named, *(case for case in cases if case not in named)][:limit]


def _by_number(user: User, asked: str) -> list[Case]:
    match = _NUMBER.fullmatch(asked)
    found = Case.objects.visible_to(user).select_related("customer", "queue", "assignee")
    return list(found.filter(number=int(match[1]))) if match else []


# --- words


def _by_words(wanted: Sequence[str], queues: list[int], limit: int) -> list[int]:
    """Ids of the newest cases in `queues` that hold every word.

    Rare words are looked up first and their cases sorted; common ones are met within a few steps down the newest cases.
    The planner's statistics only choose which is tried first: both are exact, and a walk that comes up short is
    followed by the lookup. A step of the walk costs about a quarter of a looked-up case, so the walk goes first where
    limit * total / expected steps are fewer than four times the expected cases.
    """
    query = " & ".join(f"'{word}'" for word in dict.fromkeys(wanted))
    expected, total = _expected(query)
    if expected * expected > 20 * total:
        depth = min(DEEPEST_WALK, max(500, 4 * limit * total // max(expected, 1)))
        found = _walk(_HOLDS_WORDS, [query], queues, depth, limit)
        if len(found) >= limit:
            return found
    return _ids(_LOOKUP, [query, queues, limit])


def _expected(query: str) -> tuple[int, int]:
    """About how many documents hold the words, of how many."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {_MATCHING}", [query])
        (told,) = cursor.fetchone()
        cursor.execute("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'cases_casesearch'::regclass")
        (total,) = cursor.fetchone()
    plan: Any = json.loads(told) if isinstance(told, str) else told
    return int(plan[0]["Plan"]["Plan Rows"]), int(total)


_MATCHING = "SELECT case_id FROM cases_casesearch WHERE document @@ %s::tsquery"
_LOOKUP = f"""
WITH hits AS MATERIALIZED ({_MATCHING})
SELECT seen.id FROM hits CROSS JOIN LATERAL (
    SELECT c.id, c.opened_at FROM cases_case c WHERE c.id = hits.case_id AND c.queue_id = ANY(%s) OFFSET 0
) seen
 ORDER BY seen.opened_at DESC, seen.id DESC LIMIT %s
"""  # noqa: S608 - no text of anyone's is in the statement

# OFFSET 0 keeps the planner from turning the walk into a join over everything.
_HOLDS_WORDS = """CROSS JOIN LATERAL (
    SELECT document FROM cases_casesearch s WHERE s.case_id = newest.id OFFSET 0
) held WHERE held.document @@ %s::tsquery"""


def _walk(condition: str, params: list[Any], queues: list[int], depth: int, limit: int) -> list[int]:
    """Down the newest `depth` cases of these queues until `limit` of them meet the condition: each queue's own index is
    read in order, and merged."""
    each = " UNION ALL ".join([_NEWEST_OF_QUEUE] * len(queues))
    statement = f"""
        SELECT newest.id FROM (SELECT * FROM ({each}) AS every_queue ORDER BY opened_at DESC LIMIT %s) newest
        {condition} ORDER BY newest.opened_at DESC LIMIT %s"""  # noqa: S608
    bounds = [bound for queue in queues for bound in (queue, depth)]
    return _ids(statement, [*bounds, depth, *params, limit])


# The limit in each makes the planner read its index in order and merge lazily, instead of sorting whole queues.
_NEWEST_OF_QUEUE = """(
    SELECT id, opened_at, customer_id FROM cases_case WHERE queue_id = %s ORDER BY opened_at DESC LIMIT %s
)"""


def _ids(statement: str, params: list[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return [pk for (pk,) in cursor.fetchall()]


# --- people


class People(NamedTuple):
    """Customers meant by what was typed. When the name is too common to list them, `beginnings` are its words."""

    ids: list[int]
    beginnings: list[str]


def _people(asked: str, wanted: list[str]) -> People:
    address = addresses.guess(asked)
    known = ContactPoint.objects.filter(kind=address.kind, value=address.value) if address else None
    by_address = list(known.values_list("customer_id", flat=True)[:MOST_PEOPLE]) if known is not None else []
    named = _named(wanted)
    beginnings = wanted if len(named) > MOST_PEOPLE else []
    return People(_current([*by_address, *named[:MOST_PEOPLE]]), beginnings)


def _named(wanted: list[str]) -> list[int]:
    """Ids of customers each of whose words begins a word of the name; at most one more than MOST_PEOPLE."""
    if max(map(len, wanted)) < 2:
        return []
    each = " INTERSECT ".join([_NAMED] * len(wanted))
    return _ids(f"{each} LIMIT %s", [*map(_beginning, wanted), MOST_PEOPLE + 1])


_NAMED = "SELECT customer_id FROM customers_nameword WHERE word LIKE %s"


def _beginning(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{escaped}%"


def _current(found: list[int]) -> list[int]:
    """Those they are now: a merged customer is the one they were merged into, however often."""
    return _ids(_FOLLOW, [found]) if found else []


_FOLLOW = """
WITH RECURSIVE trail (id, next) AS (
    SELECT id, merged_into_id FROM customers_customer WHERE id = ANY(%s)
    UNION
    SELECT c.id, c.merged_into_id FROM trail JOIN customers_customer c ON c.id = trail.next
)
SELECT id FROM trail WHERE next IS NULL
"""


def _by_people(people: People, queues: list[int], limit: int) -> list[int]:
    found = _ids(_THEIRS, [people.ids, queues, limit, limit]) if people.ids else []
    if people.beginnings:
        named = " ".join(_IS_NAMED.format(n) for n in range(len(people.beginnings)))
        found += _walk(named, [*map(_beginning, people.beginnings)], queues, DEEPEST_WALK, limit)
    return found


_IS_NAMED = """CROSS JOIN LATERAL (
    SELECT FROM customers_nameword n WHERE n.customer_id = newest.customer_id AND n.word LIKE %s LIMIT 1
) AS named_{0}"""
_THEIRS = """
SELECT theirs.id FROM unnest(%s::bigint[]) AS person (id)
 CROSS JOIN LATERAL (
    SELECT c.id, c.opened_at FROM cases_case c
     WHERE c.customer_id = person.id AND c.queue_id = ANY(%s) ORDER BY c.opened_at DESC LIMIT %s
 ) theirs
 ORDER BY theirs.opened_at DESC LIMIT %s
"""


def _customers(user: User, people: People) -> list[Customer]:
    if not people.ids:
        return []
    seen = Customer.objects.visible_to(user).filter(pk__in=people.ids)
    return list(seen.select_related("organization").order_by("name", "pk")[:MOST_CUSTOMERS])
