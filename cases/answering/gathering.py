"""What there is to learn from: articles as they are now, and questions of the past with what answered them."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db import connection

from cases.answering.asked import Document, Example, question
from cases.models import Article

MOST = 100_000  # answered questions, the newest
READ = 300_000  # cases that are looked through for them
MOST_OF_ONE = 150  # of one article
MOST_WITHOUT = 6_000  # questions somebody answered without an article

# What answered a case: the article a rep said did, the one its resolution names, the one that was sent; or, of what was
# imported, the one its line names. The newest first, and the surest of each case.
_ANSWERED = """
SELECT case_id, article_id FROM (
    SELECT DISTINCT ON (case_id) case_id, article_id, at FROM (
        SELECT case_id, article_id, at, CASE how WHEN 'answered' THEN 0 ELSE 2 END AS rank
          FROM cases_articleuse WHERE how IN ('answered', 'sent')
        UNION ALL
        SELECT stream_id, (data->>'article')::bigint, at, 1
          FROM crm_event WHERE stream = 'case' AND kind = 'resolved' AND data ? 'article'
        UNION ALL
        SELECT c.id, a.id, c.opened_at, 3
          FROM cases_case c JOIN cases_article a ON a.external_id = c.custom->>'answered_by' AND a.source = c.source
         WHERE c.custom ? 'answered_by'
    ) every ORDER BY case_id, rank, at DESC
) surest JOIN cases_case c ON c.id = surest.case_id
 WHERE c.status IN ('resolved', 'closed') OR EXISTS (SELECT FROM cases_articleuse u WHERE u.case_id = c.id)
 ORDER BY at DESC, case_id DESC LIMIT %(most)s
"""

# Cases people answered and resolved, and no article had a part in it.
_WITHOUT = """
SELECT c.id FROM cases_case c
 WHERE c.status IN ('resolved', 'closed') AND c.merged_into_id IS NULL AND c.resolved_at IS NOT NULL
   AND NOT c.custom ? 'answered_by'
   AND NOT EXISTS (SELECT FROM cases_articleuse u WHERE u.case_id = c.id AND u.how <> 'unfit')
   AND NOT EXISTS (SELECT FROM crm_event e WHERE e.stream = 'case' AND e.stream_id = c.id AND e.kind = 'resolved'
                      AND e.data ? 'article')
 ORDER BY c.resolved_at DESC, c.id DESC LIMIT %(most)s
"""

# What was asked: the subject, and what the customer wrote, in order.
_ASKED = """
SELECT c.id, c.queue_id, c.subject, string_agg(m.text, E'\\n' ORDER BY m.at, m.id)
  FROM cases_case c
  LEFT JOIN cases_message m ON m.case_id = c.id AND m.direction = 'inbound' AND NOT m.is_auto
 WHERE c.id = ANY(%(cases)s) GROUP BY c.id
"""


def documents() -> list[Document]:
    """Every published article, whoever it is for: who is shown which is decided when somebody asks."""
    rows = Article.objects.filter(current__isnull=False, is_active=True)
    return [Document(*row) for row in rows.values_list("pk", "current__title", "current__body").order_by("pk")]


def examples() -> list[Example]:
    """Questions of the past, newest first as far as there is room, with the article that answered each; then those no
    article had a part in."""
    answered: dict[int, int] = {}
    of_one: Counter[int] = Counter()
    known = set(Article.objects.values_list("pk", flat=True))
    for case, article in _rows(_ANSWERED, most=READ):
        if article in known and of_one[article] < MOST_OF_ONE and len(answered) < MOST:
            of_one[article] += 1
            answered[case] = article
    without = [case for (case,) in _rows(_WITHOUT, most=MOST_WITHOUT)]
    return [*_asked([*answered], answered), *_asked(without, {})]


def _asked(cases: list[int], answered: dict[int, int]) -> Iterator[Example]:
    for start in range(0, len(cases), 1000):
        for case, queue, subject, said in _rows(_ASKED, cases=cases[start : start + 1000]):
            if text := question(subject, said or ""):
                yield Example(text, answered.get(case), queue, case)


def _rows(statement: str, **params: Any) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        yield from cursor.fetchall()
