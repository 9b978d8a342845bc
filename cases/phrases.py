"""Words in quotes stand beside each other in something that was said. The index knows words, not their places: whoever
holds every word is read, newest first."""

from collections.abc import Iterable, Iterator, Sequence

from django.db import connection

from cases.models import Case
from cases.models.case_rows import CaseQuerySet
from customers.folding import words

MOST_READ = 1000  # cases that hold every word, the newest
BATCH = 50
LONGEST = 20_000  # characters of a message that are read
Phrase = tuple[str, ...]


def holding(cases: CaseQuerySet, phrases: Sequence[Phrase], *, most: int = MOST_READ) -> list[int]:
    """Ids of the newest of these cases in which every phrase stands, at most `most`. They hold its words already."""
    newest = cases.order_by("-opened_at", "-pk").values_list("pk", flat=True)[:MOST_READ]
    return among(list(newest), phrases, most=most)


def among(candidates: Sequence[int], phrases: Sequence[Phrase], *, most: int) -> list[int]:
    """The same of ids in their order."""
    found: list[int] = []
    for at in range(0, len(candidates), BATCH):
        found += _holding(candidates[at : at + BATCH], phrases)
        if len(found) >= most:
            break
    return found[:most]


def _holding(some: Sequence[int], phrases: Sequence[Phrase]) -> Iterator[int]:
    wanted = [f" {' '.join(phrase)} " for phrase in phrases]
    open_ones = {pk: set(wanted) for pk in some}
    for pk, text in _texts(some):
        if left := open_ones[pk]:
            said = f" {' '.join(words(text))} "
            left -= {phrase for phrase in left if phrase in said}
    return (pk for pk in some if not open_ones[pk])


def _texts(some: Iterable[int]) -> list[tuple[int, str]]:
    """Subjects, names and messages of cases."""
    with connection.cursor() as cursor:
        cursor.execute(_TEXTS, {"ids": list(some), "longest": LONGEST})
        return list(cursor.fetchall())


_TEXTS = f"""
SELECT case_id, left(text, %(longest)s) FROM cases_message WHERE case_id = ANY(%(ids)s) AND taken_back_at IS NULL
UNION ALL SELECT id, subject FROM {Case._meta.db_table} WHERE id = ANY(%(ids)s)
UNION ALL SELECT c.id, p.name FROM {Case._meta.db_table} c JOIN customers_customer p ON p.id = c.customer_id
 WHERE c.id = ANY(%(ids)s)
"""  # noqa: S608 - the names of our own tables
