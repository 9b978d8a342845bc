"""Reading the numbered log: what a cursor is, what came after it, and whether a cursor can still be served."""

from datetime import datetime, timedelta

import psycopg
from django.db.models import Max, QuerySet
from psycopg.rows import TupleRow

from crm.database.prepared import kept
from crm.live.streams import Happening
from crm.models import Event, Installation

MOST_BEHIND = 100_000
LONGEST_AWAY = timedelta(days=7)
_COLUMNS = "id, pos, stream, stream_id, version, kind, actor_id, via, reason, at, data"
_AFTER = f"SELECT {_COLUMNS} FROM crm_event WHERE pos > %s ORDER BY pos LIMIT %s"  # noqa: S608 - our own column names
_WHERE_WE_ARE = """SELECT epoch::text, (SELECT COALESCE(max(pos), 0) FROM crm_event) FROM crm_installation"""


def position() -> str:
    """The cursor a page carries, "epoch:pos". Read it before the state the page shows."""
    with kept() as cursor:
        cursor.execute(_WHERE_WE_ARE)
        epoch, pos = cursor.fetchone()
    return f"{epoch}:{pos}"


def parse(cursor: object) -> tuple[str, int] | None:
    """The two halves of "epoch:pos", or None when it is not one."""
    epoch, colon, pos = cursor.rpartition(":") if isinstance(cursor, str) else ("", "", "")
    return (epoch, int(pos)) if colon and pos.isascii() and pos.isdigit() and len(pos) < 19 else None


async def where_we_are(conn: psycopg.AsyncConnection[TupleRow]) -> tuple[str, int]:
    """Epoch and last numbered position."""
    row = await (await conn.execute(_WHERE_WE_ARE)).fetchone()
    if row is None:
        raise RuntimeError("the database has no installation row: run migrations")
    return str(row[0]), int(row[1])


async def after(conn: psycopg.AsyncConnection[TupleRow], pos: int, most: int) -> list[Happening]:
    """The next numbered events, at most `most`."""
    rows = await (await conn.execute(_AFTER, [pos, most])).fetchall()
    return [Happening(*row) for row in rows]


def between(low: int, high: int, most: int) -> list[Happening]:
    """Events with low < pos ≤ high in order, at most `most`, by Django's connection."""
    return _read(Event.objects.filter(pos__gt=low, pos__lte=high), most)


def _read(events: QuerySet[Event], most: int) -> list[Happening]:
    fields = ("id", "pos", "stream", "stream_id", "version", "kind", "actor_id", "via", "reason", "at", "data")
    return [Happening(*row) for row in events.order_by("pos").values_list(*fields)[:most]]


def why_not(epoch: str, since: tuple[str, int] | None, at: datetime) -> str:
    """Why a cursor cannot be continued (a word for `resync`), or "" when it can. Imported events are dated in the past,
    so they say nothing about how long the client was away."""
    if since is None:
        return "cursor"
    if since[0] != epoch or str(Installation.objects.values_list("epoch", flat=True).get()) != epoch:
        return "epoch"
    newest = Event.objects.aggregate(Max("pos"))["pos__max"] or 0
    if since[1] > newest:
        return "epoch"
    if newest - since[1] > MOST_BEHIND:
        return "behind"
    missed = _read(Event.objects.filter(pos__gt=since[1]).exclude(via="import"), 1)
    return "age" if missed and is_old(missed[0], at) else ""


def is_old(missed: Happening, at: datetime) -> bool:
    """Whether the first event somebody missed shows that they were away for too long."""
    return at - missed.at > LONGEST_AWAY


def as_cursor(epoch: str, pos: int) -> str:
    return f"{epoch}:{pos}"
