"""The sending loop: what is due is claimed in batches by lease, asked once more whether it may leave, and sent one by one.

What a process that dies leaves behind can always be told apart: a message it had not begun goes back into the line, one
it had begun is sent again where the other side honours keys, and is *unknown* where nobody can know. Who was only slow,
and taken for dead, still says what became of it. Nothing is sent on a permission older than FRESH, so a stop, a pause
or an opt-out is honoured within a second.
"""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from django.conf import settings
from django.db import connections, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from cases import permission, transitions
from cases.channels import Failed, Later, Unknown, adapter_for, channel_for
from cases.compose import compose
from cases.hooks import Adapter
from cases.mail import ids
from cases.models import Acknowledgement, Case, Channel, Dispatch, Message, SideMessage
from cases.models.refusals import Refusal
from cases.notifying import notify
from crm import bulk
from crm.database.prepared import kept

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)  # longer than FRESH and any adapter's own timeouts
FRESH = 0.5  # seconds a permission counts before what is left of a batch is asked about again
CLAIM = 50  # messages a claim
TURN = 200  # messages a lane sends before the loop looks around again
MOST_TRIES = 8


def send_due(now: datetime) -> int:
    """Send what people wait for (answers, acknowledgements), a thread a channel, so that a slow one delays nobody else;
    returns how many were tried."""
    settle_broken_leases(now)
    ready = _ready(now).exclude(message_class__in=permission.MASS)
    names = ready.order_by("channel").values_list("channel", flat=True).distinct()
    return _side_by_side([(name, False) for name in names], now)


def send_mass_due(now: datetime) -> int:
    """Send what goes to many at once, beside the answers and never before them: on lines of its own, MASS_LINES a
    channel."""
    ready = _ready(now).filter(message_class__in=permission.MASS)
    names = ready.order_by("channel").values_list("channel", flat=True).distinct()
    return _side_by_side([(name, True) for name in names for _line in range(settings.MASS_LINES)], now)


def _side_by_side(lanes: Sequence[tuple[str, bool]], now: datetime) -> int:
    """Lanes are (channel, whether it is the one of what goes to many)."""
    if len(lanes) <= 1:
        return sum(_drain(name, is_mass, now) for name, is_mass in lanes)
    with ThreadPoolExecutor(max_workers=min(8, len(lanes)), thread_name_prefix="send") as pool:
        return sum(pool.map(lambda lane: _drain_apart(lane[0], lane[1], now), lanes))


def _drain_apart(channel: str, is_mass: bool, now: datetime) -> int:
    try:
        return _drain(channel, is_mass, now)
    finally:
        connections.close_all()


def _ready(now: datetime) -> QuerySet[Dispatch]:
    released = Q(released_at__isnull=False) | ~Q(source="message")
    return Dispatch.objects.filter(released, state=Dispatch.State.HELD, release_at__lte=now)


def _drain(channel: str, is_mass: bool, now: datetime) -> int:
    tried, most, more = 0, CLAIM, True
    with Line(channel) as line:
        while more and tried < TURN and (found := _claim(channel, is_mass, now, most)):
            for row in found:
                if row.state == Dispatch.State.SUPPRESSED:
                    _finish(row, _Outcome(Dispatch.State.SUPPRESSED, row.reason))
            claimed = [row for row in found if row.state == Dispatch.State.CLAIMED]
            went = _send_all(claimed, line, told_in_cases=not is_mass)
            # A slow way out takes no more than it can use, and leaves the others to faster ones.
            more = len(found) == most or went < len(claimed)
            most = CLAIM if went == len(claimed) else 2 * went
            tried += len(found)
    return tried


@transaction.atomic
def _claim(channel: str, is_mass: bool, now: datetime, most: int) -> list[Dispatch]:
    """Take the next ones, count the try before it is made, and hold them by lease; what may not leave is refused or put
    off here. The customer's word, and everybody's who has a say, counts up to this moment."""
    mine = Q(message_class__in=permission.MASS)
    ready = _ready(now).filter(mine if is_mass else ~mine, channel=channel)
    taken = ready.select_for_update(of=("self",), skip_locked=True).order_by("release_at", "pk")[:most]
    found = list(taken.select_related("customer", "contact_point"))
    verdicts = permission.judge_leaving(found, max(now, timezone.now())) if found else {}
    for row in found:
        verdict = verdicts[row.key]
        if verdict.allowed:
            row.state, row.attempts, row.begun_at = Dispatch.State.CLAIMED, row.attempts + 1, None
            row.lease_until = timezone.now() + LEASE
            row.provider_id = ids.message_id(row) if channel == "mail" else ""
        elif verdict.until:
            row.release_at, row.reason = verdict.until, verdict.reason
        else:
            row.state, row.reason = Dispatch.State.SUPPRESSED, verdict.reason
    bulk.write(found, ["state", "attempts", "begun_at", "lease_until", "release_at", "reason", "provider_id"])
    return found


# --- one run over what was claimed


@dataclass(frozen=True)
class _Outcome:
    """What became of one message."""

    state: str
    reason: str = ""
    detail: str = ""
    provider_id: str = ""
    again: datetime | None = None  # held once more until then


class Line:
    """The way out of one channel, opened by the first message and kept for the run where the adapter can."""

    def __init__(self, slug: str) -> None:
        self._slug, self._stack = slug, ExitStack()
        self._sender: Adapter | None = None
        self._channel: Channel | None = None

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def send(self, row: Dispatch) -> str:
        if self._sender is None:
            self._sender = self._stack.enter_context(_kept_open(adapter_for(self._slug)))
            self._channel = channel_for(self._slug)
        return self._sender.send(compose(row), self._channel)


@contextmanager
def _kept_open(adapter: Adapter) -> Iterator[Adapter]:
    if not hasattr(type(adapter), "session"):
        yield adapter
        return
    with adapter.session() as sender:  # type: ignore[attr-defined]
        yield sender


def _send_all(rows: Sequence[Dispatch], line: Line, *, told_in_cases: bool) -> int:
    """One after the other, while the permission is fresh; returns how many had their turn. Each is marked begun, and
    committed so, before a byte of it leaves; what became of the one before is written down in the same step where no
    case has to hear of it."""
    before: tuple[Dispatch, _Outcome] | None = None
    started, went = monotonic(), 0
    for n, row in enumerate(rows):
        if n and monotonic() - started > FRESH:
            _give_back(rows[n:])
            break
        went += 1
        is_ours = _begin(row, before)
        before = (row, _attempt(row, line)) if is_ours else None
        if before and told_in_cases:
            _finish(*before)
            before = None
    if before:
        _finish(*before)
    return went


_FIRST = """
UPDATE cases_dispatch SET begun_at = clock_timestamp() WHERE id = %s AND state = 'claimed' AND begun_at IS NULL
"""
# Writes down what became of one message and marks the next begun: one commit a message. No row: another settled it.
_NEXT = """
WITH done AS (UPDATE cases_dispatch SET state = %s, reason = %s, detail = %s, provider_id = %s, lease_until = NULL,
                     sent_at = %s, release_at = COALESCE(%s, release_at)
               WHERE id = %s AND attempts = %s AND (state = 'claimed' OR state = 'unknown' AND reason = 'interrupted'))
UPDATE cases_dispatch SET begun_at = clock_timestamp() WHERE id = %s AND state = 'claimed' AND begun_at IS NULL
"""


def _begin(row: Dispatch, before: tuple[Dispatch, _Outcome] | None) -> bool:
    if before is None:
        with kept() as cursor:
            cursor.execute(_FIRST, [row.pk])
            return bool(cursor.rowcount == 1)
    earlier, became = before
    sent_at = timezone.now() if became.state == Dispatch.State.SENT else None
    written = [
        became.state,
        became.reason,
        became.detail,
        became.provider_id or earlier.provider_id,
        sent_at,
        became.again,
        earlier.pk,
        earlier.attempts,
    ]
    with kept() as cursor:
        cursor.execute(_NEXT, [*written, row.pk])
        return bool(cursor.rowcount == 1)


def _give_back(rows: Sequence[Dispatch]) -> None:
    """Not begun: as if it had not been claimed."""
    left = Dispatch.objects.filter(pk__in=[r.pk for r in rows], state=Dispatch.State.CLAIMED, begun_at=None)
    left.update(state=Dispatch.State.HELD, attempts=F("attempts") - 1, lease_until=None)


def _attempt(row: Dispatch, line: Line) -> _Outcome:
    states = Dispatch.State
    try:
        return _Outcome(states.SENT, provider_id=line.send(row)[:250])
    except Later as later:
        return _later(row, later)
    except Failed as failed:
        return _Outcome(states.FAILED, failed.reason, str(failed)[:300])
    except Unknown as unknown:
        return _Outcome(states.UNKNOWN, unknown.reason, str(unknown)[:300])
    except Exception as error:
        log.exception("dispatch %s failed", row.pk)
        return _Outcome(states.FAILED, "error", type(error).__name__)


def _later(row: Dispatch, why: Later) -> _Outcome:
    if row.attempts >= MOST_TRIES:
        return _Outcome(Dispatch.State.FAILED, why.reason, str(why)[:300])
    pause = why.after or min(timedelta(seconds=2**row.attempts), timedelta(minutes=10))
    return _Outcome(Dispatch.State.HELD, why.reason, str(why)[:300], again=timezone.now() + pause)


def _finish(row: Dispatch, became: _Outcome) -> None:
    if became.again:
        _put_off(_mine(row), row, became.again, reason=became.reason, detail=became.detail)
    else:
        _settle(_mine(row), row, became)


def _mine(row: Dispatch) -> QuerySet[Dispatch]:
    """This try of it, which nobody has repeated. It may count as interrupted by now: a server that takes minutes over
    one mail outlasts the lease, and whoever waited for it knows better."""
    given_up = Q(state=Dispatch.State.UNKNOWN, reason="interrupted")
    return Dispatch.objects.filter(Q(state=row.state) | given_up, pk=row.pk, attempts=row.attempts)


@transaction.atomic
def _put_off(held: QuerySet[Dispatch], row: Dispatch, release_at: datetime, *, reason: str, detail: str = "") -> None:
    """Hold it once more, if it is still as `held` says, and tell the case that it is tried again."""
    message = Message.objects.select_related("case").filter(dispatch=row).first()
    if message:
        message.case.lock()
    again = held.update(
        state=Dispatch.State.HELD, release_at=release_at, lease_until=None, begun_at=None, reason=reason, detail=detail
    )
    if message and again:
        message.case.record("send_delayed", by=None, via="system", reason=reason, message=message.pk)


@transaction.atomic
def _settle(held: QuerySet[Dispatch], row: Dispatch, became: _Outcome) -> None:
    """Write down what became of it, once, and tell the case."""
    now = timezone.now()
    said = ids.said_by(row) or ids.aside(row)
    if said:
        said.case.lock()
    changed = held.update(
        state=became.state,
        reason=became.reason,
        detail=became.detail,
        provider_id=became.provider_id or row.provider_id,
        sent_at=now if became.state == Dispatch.State.SENT else None,
        lease_until=None,
    )
    if not changed and became.state != Dispatch.State.SUPPRESSED:
        return
    if said:
        tell(said, became.state, became.reason, now)


def tell(said: Message | Acknowledgement | SideMessage, state: str, reason: str, now: datetime) -> None:
    """Tell the case, whose lock the caller holds. An acknowledgement that failed changes nothing else: what it promised
    stands."""
    if isinstance(said, Message):
        _tell_of_message(said, state, reason, now)
        return
    if isinstance(said, SideMessage):
        _tell_of_side(said, state, reason, now)
        return
    told = {"acknowledgement": said.pk, "state": state}
    said.case.record("acknowledgement_settled", by=None, via="system", at=now, reason=reason, **told)


def _tell_of_side(said: SideMessage, state: str, reason: str, now: datetime) -> None:
    """How a question beside the case fares; of what did not arrive its author hears."""
    told = {"talk": said.talk_id, "side": said.pk, "state": state}
    said.case.record("side_settled", by=None, via="system", at=now, reason=reason, **told)
    if state in {Dispatch.State.FAILED, Dispatch.State.UNKNOWN, Dispatch.State.SUPPRESSED} and said.author_id:
        with suppress(Refusal):  # they have gone: the case shows it all the same
            notify(said.case, [said.author_id], "delivery_failed", at=now, talk=said.talk_id)


def _tell_of_message(message: Message, state: str, reason: str, now: datetime) -> None:
    kinds = {"sent": "sent", "failed": "send_failed", "unknown": "send_unknown", "suppressed": "send_suppressed"}
    case = message.case
    if state == Dispatch.State.SENT and message.is_answer:
        case.silent_since = now
    show(case, {"sent": "", "suppressed": "failed"}.get(state, state), "" if state == Dispatch.State.SENT else reason)
    case.record(kinds[state], by=None, via="system", at=now, reason=reason, message=message.pk)
    undelivered = state in {Dispatch.State.FAILED, Dispatch.State.SUPPRESSED}
    if undelivered and case.status in {transitions.WAITING_CUSTOMER, transitions.RESOLVED}:
        case.change_status(transitions.OPEN, by=None, via="system", at=now, reason="send_failed")
        case.waiting_since = case.waiting_since or now
        case.save(update_fields=["waiting_since"])


def show(case: Case, send_state: str, reason: str = "") -> None:
    """Keep on the case, whose lock the caller holds, how its latest reply fares, and why: the list shows it."""
    case.send_state, case.send_reason = send_state, reason
    case.save(update_fields=["send_state", "send_reason", "silent_since"])


# --- who died in the middle


def settle_broken_leases(now: datetime) -> None:
    """Whoever held these died. What they had not begun goes back into the line. What they had begun is sent again under
    the same key where the other side honours keys; where it does not, nobody can know: it is shown as unknown and waits
    for a person's word."""
    broken = Dispatch.objects.filter(state=Dispatch.State.CLAIMED, lease_until__lt=now)
    broken.filter(begun_at=None).update(state=Dispatch.State.HELD, attempts=F("attempts") - 1, lease_until=None)
    for row in broken[:TURN]:
        held = Dispatch.objects.filter(pk=row.pk, state=Dispatch.State.CLAIMED, lease_until__lt=now)
        if _honours_key(row):
            _put_off(held, row, now, reason="interrupted")
        else:
            _settle(held, row, _Outcome(Dispatch.State.UNKNOWN, "interrupted"))


def can_send(channel: str) -> bool:
    """Whether anything here sends through this channel now."""
    try:
        adapter_for(channel)
    except Failed:
        return False
    return True


def _honours_key(row: Dispatch) -> bool:
    try:
        return adapter_for(row).honours_key
    except Failed:
        return False
