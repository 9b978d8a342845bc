"""What the stream of a person shows: their own consoles ask again, those who work beside them are told how they are."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial

from django.db import connection
from django.template.loader import render_to_string

from cases import presence  # noqa: F401 - hears whose consoles are open
from cases.live_board import moved
from cases.models import Presence, QueueMembership
from crm.live import streams, topics
from crm.live.streams import Fragment, Happening


def person_fragments(events: Sequence[Happening], only: Collection[str] | None) -> Iterable[Fragment]:
    """Once a person, at the version they have now."""
    newest = {event.stream_id: event for event in events}
    rows = Presence.objects.filter(pk__in=newest).select_related("user", "reason")
    queues: dict[int, list[int]] = {}
    for user, queue in QueueMembership.objects.filter(user__presence__in=newest).values_list("user_id", "queue_id"):
        queues.setdefault(user, []).append(queue)
    for row in rows:
        part = partial(Fragment, stream="person", subject=row.user_id, part="presence", version=row.version)
        kind = newest[row.pk].kind
        yield part(topics.own(row.user_id), kind=kind)
        shown = partial(render_to_string, "cases/_there.html", {"presence": row})
        for queue in queues.get(row.user_id, ()):
            yield part(f"queue.{queue}", kind=kind, html=shown)
            yield moved(queue, newest[row.pk])


_ROLES = """
SELECT m.user_id, c.number, CASE WHEN h.id IS NOT NULL THEN 'helping' ELSE m.role END
  FROM unnest(%s::bigint[], %s::bigint[]) AS here (user_id, number)
  JOIN cases_case c ON c.number = here.number AND c.assignee_id IS DISTINCT FROM here.user_id
  JOIN cases_queuemembership m ON m.queue_id = c.queue_id AND m.user_id = here.user_id
  LEFT JOIN cases_casehelper h ON h.case_id = c.id AND h.user_id = m.user_id
 WHERE m.role <> 'rep' OR h.id IS NOT NULL
"""


def roles_in_cases(pairs: Iterable[tuple[int, str]]) -> Mapping[tuple[int, str], str]:
    """Who looks at a colleague's case as its lead or supervisor, and who joined it. One query, asked once a second."""
    here = [(user, int(number)) for user, number in pairs if number.isdigit()]
    with connection.cursor() as cursor:
        cursor.execute(_ROLES, [[user for user, _n in here], [number for _u, number in here]])
        return {(user, str(number)): role for user, number, role in cursor.fetchall()}


streams.register("person", fragments=person_fragments)
