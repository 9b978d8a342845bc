"""One effect for one client command, however often it is sent: the table behind `Idempotency-Key` (docs/api.md)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from crm.database.deadlocks import transacted
from crm.models import CommandKey, User

KEPT = timedelta(days=7)
# After a crash a person waits this long until their repeat is taken. A call that truly takes longer and is overtaken
# rolls its effect back (_finish), so a short lease is safe.
LEASE = timedelta(seconds=10)


class OtherCommand(Exception):
    """The key was used for something else."""


class StillRunning(Exception):
    """The first one with this key has not answered yet; ask again in `after` seconds."""

    def __init__(self, after: int) -> None:
        super().__init__(f"still running, ask again in {after} s")
        self.after = after


class _Overtaken(Exception):
    """Our lease ran out and somebody else finished the command first."""


@dataclass(frozen=True)
class Answer:
    """What a command answered: an HTTP status and JSON. `replayed`: the effect is of an earlier call."""

    status: int
    response: Any
    replayed: bool


def once(
    user: User, key: str, fingerprint: str, do: Callable[[], tuple[int, Any]], *, now: datetime | None = None
) -> Answer:
    """Run `do` (returns status and JSON) unless this user's `key` already answered; then give that answer again.

    The effect and the remembered answer commit together: a crash in the middle leaves neither, and after the lease the
    next call with the key does the work. Whatever `do` raises undoes the effect and forgets the key. Raises
    OtherCommand when `fingerprint` differs, StillRunning while the first call is at work. `do` must not send anything
    itself and must be called outside a transaction for the lease to be seen by others."""
    at = now or timezone.now()
    claim = _claim(user, key, fingerprint, at)
    if isinstance(claim, Answer):
        return claim
    try:
        status, response = transacted(lambda: _done(claim, do))
    except _Overtaken:
        claim.refresh_from_db()
        return _answered(claim)
    except BaseException:
        # Only our own lease: whoever took over after it ran out must not be forgotten.
        CommandKey.objects.filter(pk=claim.pk, status=None, lease_until=claim.lease_until).delete()
        raise
    return Answer(status, response, replayed=False)


def _done(claim: CommandKey, do: Callable[[], tuple[int, Any]]) -> tuple[int, Any]:
    status, response = do()
    _finish(claim, status, response)
    return status, response


def _claim(user: User, key: str, fingerprint: str, at: datetime) -> CommandKey | Answer:
    """The row that is ours to fill, or the answer that is already there. Two at once: the constraint lets one insert."""
    CommandKey.objects.filter(user=user, key=key, created_at__lt=at - KEPT).delete()
    fresh = CommandKey(user=user, key=key, fingerprint=fingerprint, lease_until=at + LEASE, created_at=at)
    try:
        with transaction.atomic():
            fresh.save(force_insert=True)
        return fresh
    except IntegrityError:
        held = CommandKey.objects.filter(user=user, key=key).first()
    if held is None:  # the holder failed and forgot the key between our two statements
        raise StillRunning(1)
    if held.fingerprint != fingerprint:
        raise OtherCommand
    return _answered(held) if held.status is not None else _taken_over(held, at)


def _taken_over(held: CommandKey, at: datetime) -> CommandKey:
    """A crashed call's lease runs out; of those who ask then, one gets the work."""
    if held.lease_until > at:
        raise StillRunning(max(1, round((held.lease_until - at).total_seconds())))
    stale = CommandKey.objects.filter(pk=held.pk, status=None, lease_until=held.lease_until)
    if not stale.update(lease_until=at + LEASE):
        raise StillRunning(1)
    held.lease_until = at + LEASE
    return held


def _answered(row: CommandKey) -> Answer:
    return Answer(row.status or 200, row.response, replayed=True)


def _finish(claim: CommandKey, status: int, response: Any) -> None:
    rows = CommandKey.objects.filter(pk=claim.pk, status=None, lease_until=claim.lease_until)
    if not rows.update(status=status, response=response):
        raise _Overtaken


def forget_old(now: datetime) -> int:
    """Drop the answers nobody may ask for any more (the keeper's sweep)."""
    old = CommandKey.objects.filter(created_at__lt=now - KEPT).values("pk")[:1000]
    return CommandKey.objects.filter(pk__in=old).delete()[0]
