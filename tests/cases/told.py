"""What tests of notifications share: who was told what, and a screen's bell as the log keeps it."""

import json
import re
from typing import Any

from django.db import connection
from django.test import Client

from cases.models import Notification
from crm.live import log, streams, topics
from crm.models import Event, User


def told(user: User, **which: Any) -> list[tuple[str, str]]:
    """Reason and kind of event of what this person was told, as it happened."""
    rows = Notification.objects.filter(user=user, **which).select_related("event")
    return [(row.reason, row.event.kind) for row in rows.order_by("event")]


def waiting(user: User) -> list[str]:
    """The reasons of what still wants a look."""
    return [row.reason for row in Notification.objects.filter(user=user).unread().order_by("event")]


def number_events() -> int:
    """What the sequencer does, inside the test's transaction; the last position."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE crm_event e SET pos = n.pos FROM (SELECT id, row_number() OVER (ORDER BY id)"
            " + (SELECT COALESCE(max(pos), 0) FROM crm_event) AS pos FROM crm_event WHERE pos IS NULL) n WHERE e.id = n.id"
        )
    return Event.objects.order_by("-pos").values_list("pos", flat=True).first() or 0


def heard(user: User, since: int, until: int) -> list[dict[str, Any]]:
    """What a socket of theirs that returns with this position is told in their own topic."""
    own = {topics.own(user.pk)}
    events = log.between(since, until, 10_000)
    return [json.loads(streams.encode(f, "en")) for f in streams.plan(events, own) if f.topic in own]


def bell_of(html: str) -> int:
    """What the bell in this page or fragment says."""
    found = re.search(r'id="bell"[^>]*data-waiting="(\d+)"', html)
    assert found, "no bell"
    return int(found[1])


def signed_in(user: User, *, htmx: bool = False) -> Client:
    client = Client(headers={"HX-Request": "true"}) if htmx else Client()
    client.force_login(user)
    return client
