"""What was granted in a period, as the fairness report reads it (cases.policy.fairness), by those who lead."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connection

from cases.models import Case, Queue
from cases.models.remedy import GRANTED
from crm.models import User
from crm.roles import may

if TYPE_CHECKING:
    from cases.policy.fairness import Award, Report

MOST = 5000  # the newest of the period: more change no figure that matters


@dataclass(frozen=True)
class Found:
    """The report, its pairs only of cases the reader may see, and whether older awards than the newest MOST were left out."""

    report: "Report"
    pairs: list[tuple["Award", "Award"]]
    is_cut: bool
    people: dict[int, str]
    queues: dict[int, str]

    def name(self, label: str, value: object) -> str:
        """A rep or queue by name; the rest speak for themselves."""
        names = {"rep": self.people, "queue": self.queues}.get(label)
        return str(value) if names is None else names.get(value, str(value))  # type: ignore[call-overload]


def led_by(user: User) -> list[Queue]:
    """The queues whose remedies this person decides about."""
    queues = Queue.objects.visible_to(user).order_by("name")
    return [queue for queue in queues if may(user, "remedy.approve", queue.pk)]


def look(queues: Iterable[Queue], since: datetime, until: datetime, *, by: User) -> Found:
    """The fairness of what was granted in these queues from `since` to before `until`."""
    from cases.policy import fairness  # brings libraries that only this needs

    names = {queue.pk: queue.name for queue in queues}
    found = awards(names, since, until)
    cases = {each.case for each in found}
    seen = set(Case.objects.visible_to(by).filter(number__in=cases).values_list("number", flat=True))
    shown = [each for each in found if each.case in seen and not each.unasked and each.computed > 0]
    reps = User.objects.filter(pk__in={each.rep for each in found if each.rep})
    return Found(
        fairness.report(found),
        fairness.unlike(shown),
        len(found) == MOST,
        {person.pk: person.name for person in reps},
        names,
    )


def awards(queues: Iterable[int], since: datetime, until: datetime) -> list["Award"]:
    """The newest first. A feeling is as somebody marked it or, where nobody did, as the words sound; unknown is None."""
    from cases.policy.fairness import Award

    states = [str(state) for state in GRANTED]
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "queues": list(queues),
            "since": since,
            "until": until,
            "states": states,
            "most": MOST,
        }
        cursor.execute(_AWARDS, values)
        return [Award(*row) for row in cursor.fetchall()]


_AWARDS = """
SELECT r.id, c.number, r.policy_version_id || '/' || r.row, r.policy_version_id || '/' || r.row || '/' || r.facts::text,
       r.granted, r.computed, r.currency, r.asked_by_id, c.queue_id, u.language, u.tier, c.channel, r.override_reason,
       CASE last.felt WHEN 'bad' THEN -1 WHEN 'neutral' THEN 0 WHEN 'good' THEN 1 END, said.messages,
       EXTRACT(EPOCH FROM r.paid_at - c.opened_at)::float / 3600, r.unasked
  FROM cases_remedy r
  JOIN cases_case c ON c.id = r.case_id
  JOIN customers_customer u ON u.id = r.customer_id
  LEFT JOIN LATERAL (SELECT COALESCE(NULLIF(m.feeling, ''), m.felt_guess) AS felt FROM cases_message m
                      WHERE m.case_id = c.id AND m.direction = 'inbound' AND NOT m.is_auto AND m.at <= r.asked_at
                      ORDER BY m.at DESC, m.id DESC LIMIT 1) last ON true
  JOIN LATERAL (SELECT COUNT(*)::int AS messages FROM cases_message m
                 WHERE m.case_id = c.id AND m.direction = 'inbound' AND NOT m.is_auto AND m.at <= r.asked_at) said ON true
 WHERE c.queue_id = ANY(%(queues)s) AND r.state = ANY(%(states)s) AND r.decided_at >= %(since)s AND r.decided_at < %(until)s
 ORDER BY r.decided_at DESC, r.id DESC LIMIT %(most)s
"""
