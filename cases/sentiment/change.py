"""How feelings changed from the first word to the last, by queue, as far as that is the queue's doing.

Who begins upset can only become better, and who begins pleased only worse: most of a raw change is regression to the mean.
So the change is told as it would be had every queue's customers begun alike: analysis of covariance, last minus first
regressed on the queue and on the first."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from scipy import special

FEWEST = 30  # cases of a queue, below which nothing is said
MOST = 200_000  # cases looked at, the newest


@dataclass(frozen=True)
class Talk:
    """A case: its queue, and how its customer felt with the first and with the last message, -1 to 1."""

    queue: int
    first: float
    last: float


@dataclass(frozen=True)
class Change:
    """Of a queue: how many cases, and the change with its 95 % interval; None where there is not enough data."""

    queue: int
    cases: int
    change: float | None = None
    low: float | None = None
    high: float | None = None


def changes(talks: Iterable[Talk]) -> list[Change]:
    """By queue: the mean of last - first, adjusted to the mean first feeling of all; intervals by Student's t with
    heteroscedasticity-consistent errors (HC3, MacKinnon and White 1985). Queues with fewer than FEWEST cases are counted, and
    left out of the sum."""
    talks = list(talks)
    counts = Counter(talk.queue for talk in talks)
    enough = sorted(queue for queue, count in counts.items() if count >= FEWEST)
    told = _fitted([talk for talk in talks if talk.queue in {*enough}], enough) if enough else {}
    return [told.get(queue, Change(queue, counts[queue])) for queue in sorted(counts)]


def _fitted(talks: Sequence[Talk], queues: Sequence[int]) -> dict[int, Change]:
    places = {queue: n for n, queue in enumerate(queues)}
    at = np.array([places[talk.queue] for talk in talks])
    first = np.array([talk.first for talk in talks])
    moved = np.array([talk.last for talk in talks]) - first
    design = np.zeros((len(talks), len(queues) + 1))
    design[np.arange(len(talks)), at] = 1
    design[:, -1] = first - first.mean()
    bread = np.linalg.pinv(design.T @ design)
    found = bread @ design.T @ moved
    errors = np.sqrt(np.diag(_spread(design, moved - design @ found, bread)))
    free = len(talks) - np.linalg.matrix_rank(design)
    reach = float(special.stdtrit(free, 0.975))
    counts = np.bincount(at)
    return {
        queue: Change(
            queue,
            int(counts[n]),
            *(_told(x) for x in (found[n], found[n] - reach * errors[n], found[n] + reach * errors[n])),
        )
        for n, queue in enumerate(queues)
    }


def _spread(design: Any, left: Any, bread: Any) -> Any:
    """Covariance of what was found, whatever the spread of what is left over."""
    leverage = np.einsum("ij,jk,ik->i", design, bread, design)
    weighed = design * (left / np.maximum(1 - leverage, 1e-9))[:, None]
    return bread @ (weighed.T @ weighed) @ bread


def _told(x: float) -> float:
    return round(float(x), 4)


def talks(queues: Iterable[int], since: datetime, until: datetime) -> list[Talk]:
    """The cases opened in that time of which two feelings are known, marked or (where nobody marked) guessed: of the first
    and of the last message the customer wrote, which are not the same one."""
    with connection.cursor() as cursor:
        cursor.execute(_TALKS, {"queues": list(queues), "since": since, "until": until, "most": MOST})
        return [Talk(*row) for row in cursor.fetchall()]


_TALKS = """
SELECT queue_id, CASE first WHEN 'bad' THEN -1 WHEN 'good' THEN 1 ELSE 0 END,
       CASE last WHEN 'bad' THEN -1 WHEN 'good' THEN 1 ELSE 0 END
  FROM (SELECT id, queue_id FROM cases_case
         WHERE queue_id = ANY(%(queues)s) AND opened_at >= %(since)s AND opened_at < %(until)s
           AND status NOT IN ('spam', 'merged') ORDER BY opened_at DESC LIMIT %(most)s) c
  JOIN LATERAL (SELECT m.id AS first_id, COALESCE(NULLIF(m.feeling, ''), m.felt_guess) AS first FROM cases_message m
                 WHERE m.case_id = c.id AND m.direction = 'inbound' AND NOT m.is_auto
                 ORDER BY m.at, m.id LIMIT 1) a ON first <> ''
  JOIN LATERAL (SELECT m.id AS last_id, COALESCE(NULLIF(m.feeling, ''), m.felt_guess) AS last FROM cases_message m
                 WHERE m.case_id = c.id AND m.direction = 'inbound' AND NOT m.is_auto
                 ORDER BY m.at DESC, m.id DESC LIMIT 1) z ON last <> ''
 WHERE first_id <> last_id
"""
