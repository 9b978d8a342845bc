"""What a case is sorted and found by: its earliest open promise and its earliest running clock."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db import connection

from crm.database.prepared import kept

if TYPE_CHECKING:
    from cases.models import Case

# One statement; it writes the row only when something moved, for the row carries indexes.
_REFRESH = """
WITH due AS (
    SELECT (SELECT min(due_at) FROM cases_promise WHERE case_id = %(case)s AND state = 'open') AS promise,
           (SELECT min(due_at) FROM cases_clock
             WHERE case_id = %(case)s AND met_at IS NULL AND cancelled_at IS NULL AND resumed_at IS NOT NULL) AS clock
), written AS (
    UPDATE cases_case c
       SET promise_due_at = due.promise, next_due_at = due.clock, attention_at = least(due.promise, due.clock)
      FROM due
     WHERE c.id = %(case)s
       AND (c.promise_due_at, c.next_due_at, c.attention_at)
           IS DISTINCT FROM (due.promise, due.clock, least(due.promise, due.clock))
)
SELECT promise, clock, least(promise, clock) FROM due
"""


def refresh(case: "Case") -> None:
    """Recompute `promise_due_at`, `next_due_at` and `attention_at` of a locked case, on the row and the instance."""
    with kept() as cursor:
        cursor.execute(_REFRESH, {"case": case.pk})
        case.promise_due_at, case.next_due_at, case.attention_at = cursor.fetchone()


_REFRESH_MANY = """
WITH due AS (
    SELECT wanted.id, (SELECT min(due_at) FROM cases_promise WHERE case_id = wanted.id AND state = 'open') AS promise,
           (SELECT min(due_at) FROM cases_clock
             WHERE case_id = wanted.id AND met_at IS NULL AND cancelled_at IS NULL AND resumed_at IS NOT NULL) AS clock
      FROM unnest(%s::bigint[]) AS wanted (id)
)
UPDATE cases_case c
   SET promise_due_at = due.promise, next_due_at = due.clock, attention_at = least(due.promise, due.clock)
  FROM due
 WHERE c.id = due.id
   AND (c.promise_due_at, c.next_due_at, c.attention_at)
       IS DISTINCT FROM (due.promise, due.clock, least(due.promise, due.clock))
"""


def refresh_many(cases: Collection[int]) -> None:
    """The same for many locked cases, on their rows alone."""
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH_MANY, [list(cases)])
