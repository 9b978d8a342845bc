"""What each person is told, in a topic of their own, as soon as it happens: a line for what is new, and a poke that has
their bell ask again. The bell itself is not sent: what it counts is read elsewhere too, and a fragment rendered a moment
ago must not bring it back. Asked of the rows the event left, so that a socket that was away is told the same, once."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL
from django.template.loader import render_to_string
from django.utils import timezone

from cases import news_words
from cases.disturbing import may_disturb
from cases.models import Notification
from cases.models.hearing import ENDING, TELLING
from cases.models.reasons import NEEDS_ME, Way
from crm.database.prepared import Prepared
from crm.live import streams, topics
from crm.live.streams import Fragment, Happening


def news_fragments(events: Sequence[Happening], only: Collection[str] | None) -> Iterator[Fragment]:
    """A poke a person and case, a line a notification."""
    asked = {event.id: event for event in events if event.kind in TELLING or event.kind in ENDING}
    rows = _rows(asked, only) if asked else []
    for row in rows:
        if row.event_id in asked and row.sees and row.read_at is None and row.ended_by_id is None:  # type: ignore[attr-defined]
            yield _line(row, asked[row.event_id])
    for (user, number), event in _touched(rows, asked).items():
        yield Fragment(topics.own(user), "case", number, "bell", event.version, event.kind)


def _rows(asked: Collection[int], only: Collection[str] | None) -> list[Notification]:
    now = timezone.now()
    if only is None:
        return _SAID(list(asked), now)
    people = [int(topics.ident(t)) for t in only if t.startswith("user.")]
    return list(_said(list(asked), now).filter(user__in=people)) if people else []


def _said(asked: list[int], now: datetime) -> "QuerySet[Notification, Notification]":
    # One value each however many they are; as two subqueries (`keys`) in an `or` they would have the whole table read.
    told = RawSQL(
        "cases_notification.event_id = ANY(%s::bigint[]) OR cases_notification.ended_by_id = ANY(%s::bigint[])",
        [asked, asked],
        output_field=BooleanField(),
    )
    read = ("event__actor", "case__customer", "user__notification_settings", "user__presence")
    rows: QuerySet[Notification, Notification] = Notification.objects.seeing(now).filter(told)
    return rows.select_related(*read).order_by("event", "user")


_SAID = Prepared(_said, list, datetime)  # every tick of every web process asks


def _touched(rows: Sequence[Notification], asked: Mapping[int, Happening]) -> Mapping[tuple[int, int], Happening]:
    """Whose bell may ring otherwise, by case, with the latest event that did it."""
    found: dict[tuple[int, int], Happening] = {}
    for row in rows:
        key = row.user_id, row.case.number
        did = [asked[pk] for pk in (row.event_id, row.ended_by_id or 0) if pk in asked]
        found[key] = max([*did, found.get(key, did[0])], key=lambda event: event.version)
    return found


def _line(row: Notification, event: Happening) -> Fragment:
    line = partial(told, row)
    return Fragment(
        topics.own(row.user_id),
        "case",
        row.case.number,
        "told",
        event.version,
        event.kind,
        html=line,
        every=True,
        extra=manner(row),
    )


def manner(row: Notification) -> dict[str, object]:
    """Why, whether it needs its reader, and whether it may be heard."""
    quiet = not may_disturb(row.user, timezone.now())
    return {"reason": row.reason, "needs": row.reason in NEEDS_ME, "sound": Way.SOUND in row.ways and not quiet}


def told(row: Notification) -> str:
    (worded,) = news_words.worded([row])
    return render_to_string("cases/_told.html", {"row": worded})


streams.register("case", fragments=news_fragments)
