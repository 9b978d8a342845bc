"""Finding cases and customers by what people remember of them: a number, an address, a name, any words (docs/search.md).

A case has one search document: the folded words of its customer's name, its subject and its messages. Whatever is
typed is folded the same way and reaches PostgreSQL as words or parameters, never as query syntax.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from math import isqrt
from typing import NamedTuple

from django.db import connection, transaction
from django.db.utils import OperationalError
from django.utils import timezone
from django.utils.safestring import SafeString

from cases import phrases
from cases import search_rows as rows
from cases.filter_parts import Asker
from cases.filters import Filter, read
from cases.models import Case, CaseSearch, FieldValue, Queue
from cases.phrases import MOST_READ
from cases.search_rows import DEEPEST_WALK, Where
from cases.snippets import snippets
from crm.database.prepared import kept
from crm.models import User
from customers import addresses
from customers.folding import clean, words
from customers.models import ContactPoint, Customer

LONGEST_TEXT = 250_000  # characters of one text that are read
MOST_BYTES = 200_000  # of distinct words taken from one text; PostgreSQL holds a document of 1 MB
MOST_WORDS = 12
MOST_PEOPLE = 1000  # beyond that many of a name, their cases are looked for among the newest ones
MOST_CUSTOMERS = 8  # shown
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
    wanted = [_row(case, text) for case, text in texts]
    if not _appended(wanted) and len(wanted) > 1:
        for row in wanted:
            _appended([row])


Row = tuple[int, list[str], list[str]]


def _row(case: Case, text: str) -> Row:
    return case.pk, _first_words(case), distinct_words(text)


def _append(fresh: list[Row]) -> None:
    if len(fresh) == 1:
        with kept() as cursor:
            cursor.execute(_APPEND, fresh[0])
        return
    with connection.cursor() as cursor:
        cursor.executemany(_APPEND, fresh)


def _appended(fresh: list[Row]) -> bool:
    return _fits(lambda: _append(fresh))


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
    held = FieldValue.objects.filter(case=case).exclude(text="").order_by("pk")
    index_text(case, "\n".join(held.values_list("text", flat=True)))


_JOIN = """
INSERT INTO cases_casesearch AS held (case_id, document) SELECT %s, document FROM cases_casesearch WHERE case_id = %s
ON CONFLICT (case_id) DO UPDATE SET document = held.document || excluded.document
"""


# --- reading


@dataclass(frozen=True)
class Found:
    """What search says: `hits`; or `problems` in words, where a filter was not understood. `partial`: only the newest
    DEEPEST_WALK cases were looked through. `told`: what was taken for something else than was typed."""

    hits: list[Hit] = field(default_factory=list)
    problems: tuple[str, ...] = ()
    partial: bool = False
    told: tuple[str, ...] = ()


def find(user: User, text: str, *, at: datetime, limit: int = 50) -> Found:
    """What `user` may see of what matches: the case of that number, then customers, then at most `limit` cases, newest
    first. Every word must match; a name matches by the beginnings of its words; filters narrow the cases (cases.filters).
    Never raises on odd text."""
    wanted = read(clean(text), Asker(user, at))
    if wanted.problems or wanted.is_empty:
        return Found(problems=wanted.problems)
    people = _people_of(wanted)
    found, partial = _cases(user, wanted, people, limit)
    marked = snippets(found, wanted.asked.words)
    customers = [] if wanted.asked.terms else _customers(user, people)
    return Found(
        [
            *(Hit("customer", customer, SafeString("")) for customer in customers),
            *(Hit("case", case, marked[case.pk]) for case in found),
        ],
        partial=partial,
        told=wanted.told,
    )


def search(user: User, text: str, *, limit: int = 50) -> list[Hit]:
    """The hits of `find` now."""
    return find(user, text, at=timezone.now(), limit=limit).hits


def search_cases(user: User, text: str, *, limit: int = 50) -> list[Case]:
    """The cases alone, without snippets."""
    wanted = read(clean(text), Asker(user, timezone.now()))
    if wanted.problems or wanted.is_empty:
        return []
    return _cases(user, wanted, _people_of(wanted), limit)[0]


def _people_of(wanted: Filter) -> "People":
    """Names and addresses stand outside of quotes."""
    named = words(wanted.asked.free)[:MOST_WORDS]
    return _people(wanted.asked.free, named) if named and not wanted.asked.phrases else People([], [])


def _cases(user: User, wanted: Filter, people: "People", limit: int) -> tuple[list[Case], bool]:
    queues = list(Queue.objects.visible_to(user).values_list("pk", flat=True))
    where = rows.where(wanted.q)
    if not queues or where is None:
        return [], False
    found = {*_by_words(wanted, where, queues, limit), *_by_people(people, where, queues, limit)}
    partial = False
    if not wanted.asked.words:
        found, partial = narrowed(wanted, where, queues, limit)
    newest = Case.objects.visible_to(user).filter(pk__in=found).select_related("customer", "queue", "assignee")
    cases = list(newest.order_by("-opened_at", "-pk")[:limit])
    named = _by_number(user, wanted)
    return [*named, *(case for case in cases if case not in named)][:limit], partial


def _by_number(user: User, wanted: Filter) -> list[Case]:
    match = _NUMBER.fullmatch(wanted.asked.text)
    found = Case.objects.visible_to(user).select_related("customer", "queue", "assignee")
    return list(found.filter(number=int(match[1]))) if match else []


def narrowed(wanted: Filter, where: Where, queues: list[int], limit: int) -> tuple[set[int], bool]:
    """Ids of the newest cases that filters alone mean, and whether older ones were left unread. Common ones are met within
    a few steps down the newest; an index leads to rare ones; where none does, the walk ends at DEEPEST_WALK."""
    opened = rows.where(wanted.opened) or Where()
    expected, total = rows.estimate(where, queues)
    if not wanted.narrow or rows.depth(limit, expected, total) < DEEPEST_WALK:
        found = rows.walk(queues, DEEPEST_WALK, limit, where=where, opened=opened)
        if len(found) >= limit or not wanted.narrow:
            return set(found), len(found) < limit and total > DEEPEST_WALK and not wanted.opened
    return set(rows.narrow_first(where, queues, limit)), False


# --- words


def _by_words(wanted: Filter, where: Where, queues: list[int], limit: int) -> list[int]:
    """Ids of the newest cases in `queues` that hold every word, and the phrases among the newest MOST_READ of them."""
    if not wanted.asked.words:
        return []
    if not wanted.asked.phrases:
        return _holding(wanted, where, queues, limit)
    for most in (min(4 * limit, MOST_READ), MOST_READ):
        candidates = _holding(wanted, where, queues, most)
        found = phrases.among(candidates, wanted.asked.phrases, most=limit)
        if len(found) >= limit or len(candidates) < most:
            break
    return found


def _holding(wanted: Filter, where: Where, queues: list[int], limit: int) -> list[int]:
    """Newest first.

    Rare words are looked up first and their cases sorted; common ones are met within a few steps down the newest cases.
    The planner's statistics only choose which is tried first: both are exact, and a walk that comes up short is
    followed by the lookup. A step of the walk costs about a quarter of a looked-up case, so the walk goes first where
    limit * total / expected steps are fewer than four times the expected cases. With filters there are fewer cases to
    meet, and where an index leads to fewer of them than the words do, they are read first.
    """
    query = " & ".join(f"'{word}'" for word in wanted.asked.words[:MOST_WORDS])
    expected, total = _expected(query)
    fitting = min(rows.estimate(where, queues)[0], total) if where.sql else total
    both = expected * fitting // max(total, 1)
    if both * min(expected, fitting) > 20 * total:
        found = rows.walk(queues, rows.depth(limit, both, total), limit, where=where, words=query)
        if len(found) >= limit:
            return found
    if wanted.narrow and fitting < expected:
        return rows.narrow_first(where, queues, limit, words=query)
    return rows.lookup(query, where, queues, limit)


def _expected(query: str) -> tuple[int, int]:
    """About how many documents hold the words, of how many. Statistics list the commonest words alone; of any other they guess
    the share of the last one listed, which in a large table is far too many. So where a guess would send us down the
    newest cases for nothing, the index is asked."""
    expected, total = rows.planned(rows.MATCHING, [query]), rows.size("cases_casesearch")
    turn = isqrt(20 * total) + 1
    if not turn <= expected <= total // 25:
        return expected, total
    found = rows.counted(query, turn)
    return (found if found < turn else expected), total


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
    return rows.ids(f"{each} LIMIT %s", [*map(_beginning, wanted), MOST_PEOPLE + 1])


_NAMED = "SELECT customer_id FROM customers_nameword WHERE word LIKE %s"


def _beginning(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{escaped}%"


def _current(found: list[int]) -> list[int]:
    """Those they are now: a merged customer is the one they were merged into, however often."""
    return rows.ids(_FOLLOW, [found]) if found else []


_FOLLOW = """
WITH RECURSIVE trail (id, next) AS (
    SELECT id, merged_into_id FROM customers_customer WHERE id = ANY(%s)
    UNION
    SELECT c.id, c.merged_into_id FROM trail JOIN customers_customer c ON c.id = trail.next
)
SELECT id FROM trail WHERE next IS NULL
"""


def _by_people(people: People, where: Where, queues: list[int], limit: int) -> list[int]:
    found = rows.of_customers(people.ids, where, queues, limit) if people.ids else []
    if people.beginnings:
        named = [_beginning(word) for word in people.beginnings]
        found += rows.walk(queues, DEEPEST_WALK, limit, where=where, names=named)
    return found


def _customers(user: User, people: People) -> list[Customer]:
    if not people.ids:
        return []
    seen = Customer.objects.visible_to(user).filter(pk__in=people.ids)
    return list(seen.select_related("organization").order_by("name", "pk")[:MOST_CUSTOMERS])
