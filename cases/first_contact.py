"""First-contact resolution: of the issues that began in a time, in how many did the first contact do.

One number of it is worth little: on one and the same log of a service desk "not reopened" came to 98.9 % and "did not come back
about anything" within 30 days to 34.5 %. So three are told, always together and of the same issues (docs/issues.md): nobody came back
about it (in any case and channel, looking forward), the customer said that they have what they came for, the case was not reopened.
Pure but for `firsts`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from cases.shares import Share, share

WINDOWS = (7, 14, 30)  # days
MOST = 100_000  # issues looked at, the newest


@dataclass(frozen=True)
class First:
    """The first contact of an issue and what came after: when somebody first answered, when the customer next wrote in another
    contact about it, when they said it is done (and when it proved not to be), when the case was reopened."""

    queue: int
    last_at: datetime
    answered_at: datetime | None = None
    again_at: datetime | None = None
    said_at: datetime | None = None
    unsaid_at: datetime | None = None
    reopened_at: datetime | None = None

    @property
    def over_at(self) -> datetime:
        """The last word of the first contact, or our answer to it, where that came later and before they asked again."""
        answered = self.answered_at
        if answered is None or (self.again_at is not None and answered >= self.again_at):
            return self.last_at
        return max(self.last_at, answered)


@dataclass(frozen=True)
class Window:
    """The three numbers within so many days after the first contact, over the same issues; `too_young`: left out, for their
    days are not over."""

    days: int
    issues: int
    too_young: int
    net: Share
    said: Share
    not_reopened: Share


@dataclass(frozen=True)
class Resolution:
    """`unanswered`: issues that nobody ever answered, which are in no number."""

    unanswered: int
    windows: tuple[Window, ...]


def resolution(rows: Iterable[First], now: datetime) -> Resolution:
    rows = list(rows)
    answered = [row for row in rows if row.answered_at is not None]
    return Resolution(len(rows) - len(answered), tuple(_window(answered, days, now) for days in WINDOWS))


def _window(rows: list[First], days: int, now: datetime) -> Window:
    span = timedelta(days=days)
    old = [row for row in rows if row.over_at + span <= now]
    net = sum(not _by(row.again_at, row.over_at + span) for row in old)
    said = sum(_said(row, row.over_at + span) for row in old)
    kept = sum(not _by(row.reopened_at, row.over_at + span) for row in old)
    of = len(old)
    return Window(days, of, len(rows) - of, share(net, of), share(said, of), share(kept, of))


def _by(at: datetime | None, until: datetime) -> bool:
    return at is not None and at <= until


def _said(row: First, until: datetime) -> bool:
    """They said so of the first contact: before they came back, and it was not taken back."""
    if row.said_at is None or row.said_at > until or _by(row.unsaid_at, until):
        return False
    return row.again_at is None or row.said_at < row.again_at


def firsts(queues: Iterable[int], since: datetime, until: datetime) -> list[First]:
    """Of each issue that began in that time, with a contact in which the customer wrote, in a case of these queues."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRSTS, {"queues": list(queues), "since": since, "until": until, "most": MOST})
        return [First(*row) for row in cursor.fetchall()]


# What is said by itself (is_auto) is no contact of a customer and no answer of ours. An answer is a person's.
_FIRSTS = """
WITH first AS (
  SELECT k.id, k.issue_id, k.case_id, k.started_at, k.last_at, c.queue_id
    FROM cases_contact k JOIN cases_case c ON c.id = k.case_id
   WHERE k.started_at >= %(since)s AND k.started_at < %(until)s AND k.issue_id IS NOT NULL
     AND c.queue_id = ANY(%(queues)s) AND c.status <> 'spam'
     AND EXISTS (SELECT FROM cases_message m WHERE m.contact_id = k.id AND m.direction = 'inbound' AND NOT m.is_auto)
     AND NOT EXISTS (SELECT FROM cases_contact e WHERE e.issue_id = k.issue_id AND (e.started_at, e.id) < (k.started_at, k.id)
                        AND EXISTS (SELECT FROM cases_message m WHERE m.contact_id = e.id AND m.direction = 'inbound'
                                       AND NOT m.is_auto))
   ORDER BY k.started_at DESC, k.id DESC LIMIT %(most)s)
SELECT f.queue_id, f.last_at,
       (SELECT min(m.at) FROM cases_message m WHERE m.case_id = f.case_id AND m.direction = 'outbound' AND NOT m.is_auto
           AND m.author_id IS NOT NULL AND m.taken_back_at IS NULL AND m.at >= f.started_at),
       (SELECT min(m.at) FROM cases_contact k JOIN cases_message m ON m.contact_id = k.id
         WHERE k.issue_id = f.issue_id AND k.id <> f.id AND m.direction = 'inbound' AND NOT m.is_auto),
       said.at,
       (SELECT min(e.at) FROM crm_event e WHERE e.stream = 'case' AND e.stream_id = f.case_id AND e.kind = 'need_unmet'
           AND e.version > said.version),
       (SELECT min(e.at) FROM crm_event e WHERE e.stream = 'case' AND e.stream_id = f.case_id AND e.kind = 'reopened'
           AND e.at >= f.started_at)
  FROM first f
  LEFT JOIN LATERAL (SELECT e.at, e.version FROM crm_event e
                      WHERE e.stream = 'case' AND e.stream_id = f.case_id AND e.at >= f.started_at
                        AND (e.kind = 'need_met' AND e.data->>'how' = 'customer_said'
                             OR e.kind = 'survey_answered' AND e.reason = 'solved')
                      ORDER BY e.version LIMIT 1) said ON true
"""
