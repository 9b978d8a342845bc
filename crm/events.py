"""The one door to the event log. A verb locks its row, changes it and calls `record`; nothing else writes events."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.dispatch import Signal
from django.utils import timezone
from psycopg.types.json import Jsonb

from crm import bulk
from crm.database.prepared import kept
from crm.models import Event, User

# Sent after commit with `event=`. It only wakes: whatever must happen is a row in the transaction or follows the log.
happened = Signal()
_wakers: list[Callable[[], None]] = []


def on_commit_wake(waker: Callable[[], None]) -> None:
    """Register what runs once after any commit that wrote events (the sequencer's and hub's wake-up)."""
    if waker not in _wakers:
        _wakers.append(waker)


def record(
    subject: models.Model,
    kind: str,
    *,
    by: User | None,
    via: str = "person",
    reason: str = "",
    at: datetime | None = None,
    **data: Any,
) -> Event:
    """Write what happened to `subject` (a row with `version` and a class attribute `stream`), inside its transaction.

    The UPDATE that raises the version takes the row's lock, so versions of one stream are gapless and ordered however
    many write at once; the caller's instance carries the new version afterwards. `data` takes ids, numbers, ISO times
    and enumerated words only.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("record() belongs inside the transaction of the change it records")
    event = Event(
        stream=subject.stream,  # type: ignore[attr-defined]
        stream_id=subject.pk,
        kind=kind,
        actor=by,
        via=via,
        reason=reason,
        at=at or timezone.now(),
        data=data,
    )
    _write(subject, event)
    transaction.on_commit(lambda: _announce(event), robust=True)
    return event


# One statement: every verb pays for it, and an open transaction holds its locks no longer than it must.
_WRITE = """
WITH raised AS (UPDATE "{table}" SET version = version + 1 WHERE id = %s RETURNING version)
INSERT INTO crm_event (stream, stream_id, version, kind, actor_id, via, reason, at, data)
SELECT %s, %s, version, %s, %s::bigint, %s, %s, %s::timestamptz, %s::jsonb FROM raised
RETURNING id, version
"""


def _write(subject: Any, event: Event) -> None:
    told = [event.kind, event.actor_id, event.via, event.reason, event.at, Jsonb(event.data)]
    with kept() as cursor:
        cursor.execute(_WRITE.format(table=subject._meta.db_table), [subject.pk, event.stream, subject.pk, *told])
        event.pk, event.version = cursor.fetchone()
    event._state.adding, event._state.db = False, "default"
    subject.version = event.version


def _announce(event: Event) -> None:
    _wake()
    happened.send_robust(sender=Event, event=event)


def record_history(told: Sequence[Event], subjects: Sequence[Any]) -> None:
    """Write events of the past in bulk (imports): each has the version that follows its subject's, the caller raised
    `version` on the locked `subjects`, and both are stored here. Nobody hears of them but who follows the log."""
    bulk.insert(told)
    bulk.write(subjects, ["version"])
    transaction.on_commit(_wake, robust=True)


def _wake() -> None:
    for waker in _wakers:
        waker()
