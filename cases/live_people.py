"""What the stream of a person shows: their own consoles ask again, those who work beside them are told how they are."""

from collections.abc import Collection, Iterable, Sequence
from functools import partial

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


streams.register("person", fragments=person_fragments)
