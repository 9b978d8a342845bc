"""How a contact becomes a message: raw stored first, then, in one transaction, its customer, conversation and case.

Whatever dies in between: the item is stored or was never acknowledged; its state changes in the very transaction that
writes its message; and what is stored and not yet in a case is found by the sweep. Never lost, never twice.
"""

import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from cases.channels.document import BadDocument, Inbound, parse
from cases.mail import arriving
from cases.mail.child import Unparsable
from cases.mail.parsed import ParsedMail
from cases.models import Channel, InboundItem, Queue
from cases.models.channel import MOST_LOOKS
from cases.receiving import Arrival, Aside, Ignored, NoQueue, Received, default_queue, open_case, receive
from crm.database.deadlocks import transacted
from crm.database.prepared import kept
from crm.files import save_bytes

__all__ = ["Inbound", "OtherBody", "Received", "open_case", "process", "receive", "store", "sweep_inbound", "take_over"]

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)  # how long a try is left alone; who overtakes one still at work finds its row locked
LONG_LEASE = timedelta(seconds=60)  # for a long look into a mail, where no row is locked meanwhile
PAUSES = [timedelta(seconds=s) for s in (5, 30, 120, 600, 1800, 7200, 21600)]  # after the first, second, … failed try
MOST_TRIES = len(PAUSES) + 1
# A kept mail is looked at again all the same: the machine may have been at its end, or a later version may read it.
KEPT_PAUSES = [timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)]
TAKEN_OVER = 3  # tries of one item that a sender's repeats may bring about; it may be what kills whoever tries it
BATCH = 50
LANES = 4  # mails that are read beside each other
ROUND = 5.0  # seconds
SLOW = "slow"  # the error of a mail that took longer than the quick look it first gets


class OtherBody(Exception):
    """This id was used before, for something else. Nothing changed."""


def store(channel_slug: str, external_id: str, raw: bytes, *, now: datetime | None = None) -> tuple[InboundItem, bool]:
    """Keep what arrived, once: the item, and whether it is new. Ten at once: the constraint makes one.

    The first try is counted here, before it is made, and is the caller's: call `process`. Raises OtherBody."""
    now = now or timezone.now()
    arrived = InboundItem(
        channel=channel_slug, external_id=external_id, raw=raw, attempts=1, received_at=now, next_try_at=now + LEASE
    )
    item, fresh = InboundItem.objects.keep(arrived)
    if not fresh and not _same(bytes(item.raw), raw):
        raise OtherBody
    return item, fresh


def _same(one: bytes, other: bytes) -> bool:
    """The same document, if perhaps written down anew."""
    if one == other:
        return True
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


def process(
    item_id: int,
    *,
    now: datetime | None = None,
    quickly: bool = False,
    mail: ParsedMail | None = None,
    item: InboundItem | None = None,
) -> Received | None:
    """Turn a stored item into a message. Safe to run twice at once; None when it becomes none, there is nothing to do,
    or it failed: then it is tried again later, or kept for a person after the last try. `quickly`: a mail that wants
    more than a quick look is put aside for `sweep_slow`. `mail`: what it says, where the caller has just read it; `item`:
    the row, where they have just claimed it."""
    try:
        outcome = _process(item_id, item, now or timezone.now(), partial(_read, quickly=quickly, mail=mail))
    except arriving.Slow:
        InboundItem.objects.untaken().filter(pk=item_id).update(error=SLOW, next_try_at=now or timezone.now())
        return None
    except Exception as error:  # noqa: BLE001 - whatever it is, the item stays and is tried again; texts are personal
        log.warning("inbound item %s failed: %s", item_id, type(error).__name__)
        _put_off(item_id, error, now or timezone.now())
        return None
    return outcome if isinstance(outcome, Received) else None


def _process(
    item_id: int, item: InboundItem | None, now: datetime, read: Callable[[InboundItem], Arrival]
) -> Received | Aside | Ignored | None:
    item = item or InboundItem.objects.select_related("queue").untaken().filter(pk=item_id).first()
    if item is None:
        return None
    arrival = read(item)
    for file in arrival.files:
        save_bytes(file.data)  # before the locks; repeated inside, where it is found by its hash
    settle = partial(_settle, item_id, arrival, now)
    try:
        return transacted(settle)
    except IntegrityError:
        return transacted(settle)  # a copy came in at this very moment: the constraint chose it, and now it is found


def _read(item: InboundItem, *, quickly: bool, mail: ParsedMail | None) -> Arrival:
    """Outside of any transaction: it may take its time."""
    if item.channel == arriving.CHANNEL:
        return arriving.arrival(item, mail) if mail else arriving.read(item, quickly=quickly)
    inbound = parse(bytes(item.raw), channel=item.channel, external_id=item.external_id, received_at=item.received_at)
    return Arrival(inbound.files, partial(receive, inbound))


_LOCK = "SELECT id FROM cases_inbounditem WHERE id = %s AND state IN ('stored', 'kept') FOR UPDATE"


def _settle(item_id: int, arrival: Arrival, now: datetime) -> Received | Aside | Ignored | None:
    with kept() as cursor:
        cursor.execute(_LOCK, [item_id])
        if not cursor.fetchone():
            return None  # somebody else was quicker
    outcome = arrival.receive()
    _finish(item_id, outcome, now)
    return outcome


def _finish(item_id: int, outcome: Received | Aside | Ignored, now: datetime) -> None:
    states = InboundItem.State
    if isinstance(outcome, Aside):
        became: list[Any] = [states.DONE, None, None, ""]
    elif isinstance(outcome, Ignored):
        about = outcome.about.pk if outcome.about else None
        became = [states.IGNORED, None, about, outcome.reason]
    else:
        became = [states.DUPLICATE if outcome.status == "duplicate" else states.DONE, outcome.message.pk, None, ""]
    with kept() as cursor:
        cursor.execute(_FINISH, [*became, now, item_id])


_FINISH = """
UPDATE cases_inbounditem SET state = %s, message_id = %s, dispatch_id = %s, error = %s, done_at = %s WHERE id = %s
"""


# --- what failed


@transaction.atomic
def _put_off(item_id: int, error: Exception, now: datetime) -> None:
    item = InboundItem.objects.select_for_update().untaken().filter(pk=item_id).first()
    if item is None:
        return
    item.error = error.reason if isinstance(error, Unparsable) else type(error).__name__
    if item.state == InboundItem.State.KEPT:
        item.try_again_after(_kept_pause(item), now=now)
    elif item.attempts >= MOST_TRIES or isinstance(error, BadDocument | Unparsable):
        _keep(item, now)
    else:
        item.try_again_after(PAUSES[max(item.attempts, 1) - 1], now=now)


def _keep(item: InboundItem, now: datetime) -> None:
    """A person looks at it, and its queue is told."""
    item.state = InboundItem.State.KEPT
    item.try_again_after(_kept_pause(item), now=now)
    log.error("inbound item %s of channel %s is kept: %s", item.pk, item.channel, item.error)
    if queue := _queue_of(item):
        queue.record("inbound_kept", by=None, via="channel", item=item.pk)


def _queue_of(item: InboundItem) -> Queue | None:
    if item.channel == arriving.CHANNEL:
        try:
            return item.queue or default_queue()
        except NoQueue:
            return None
    channel = Channel.objects.select_related("queue").filter(slug=item.channel).first()
    return channel.queue if channel else None


# --- the sweeps


def sweep_inbound(now: datetime) -> int:
    """Try what is stored and due; returns how many. A try is counted before it is made, so that one which kills its
    process is kept after the last as well."""
    due = InboundItem.objects.waiting(now).exclude(error=SLOW).order_by("received_at", "pk")
    rows = list(due.values_list("pk", "attempts", "channel")[:BATCH])
    documents = [(pk, attempts) for pk, attempts, channel in rows if channel != arriving.CHANNEL]
    tried = sum(_try(pk, attempts, now) for pk, attempts in documents)
    mails = len(rows) - len(documents)
    return tried + (_sweep_mail(now, mails) if mails else 0)


def _sweep_mail(now: datetime, many: int) -> int:
    """Mails are read beside each other, so that one that takes its time stops none. One lane takes the newest first:
    however many of that kind lie before it, what arrives now is soon looked at."""
    if many == 1 or connection.in_atomic_block:  # whose rows no other connection sees
        return _drain(now, newest=False)
    if settings.PROCESS == "keeper":
        return sum(_lanes().map(lambda lane: _drain_apart(now, newest=lane == 0), range(LANES)))
    with ThreadPoolExecutor(LANES, thread_name_prefix="mail") as pool:
        return sum(pool.map(lambda lane: _drain_apart(now, newest=lane == 0), range(LANES)))


@cache
def _lanes() -> ThreadPoolExecutor:
    """The keeper's, whose connections last as it does: mail comes all day, and a new connection for a mail or two costs
    more than they do."""
    return ThreadPoolExecutor(LANES, thread_name_prefix="mail")


def _drain_apart(now: datetime, *, newest: bool) -> int:
    is_well = False
    try:
        tried = _drain(now, newest=newest)
        is_well = True
        return tried
    finally:
        if not is_well or settings.PROCESS != "keeper":
            connections.close_all()


def _drain(now: datetime, *, newest: bool) -> int:
    """Take one after the other for a while; then the sweep begins anew, and sees what has arrived since."""
    until, tried = time.monotonic() + ROUND, 0
    while time.monotonic() < until:
        item = _next_mail(now, newest=newest)
        if item is None:
            break
        tried += _go(item, now)
    return tried


# As `_claim_first`, in one statement and with the row that it is about: a busy keeper does little else.
_NEXT = """
UPDATE cases_inbounditem SET attempts = attempts + 1, next_try_at = %(until)s
 WHERE id = (SELECT id FROM cases_inbounditem
              WHERE state = 'stored' AND channel = %(channel)s AND error <> %(slow)s AND next_try_at <= %(now)s
              ORDER BY {order} LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
"""
_OLDEST, _NEWEST = _NEXT.format(order="next_try_at, id"), _NEXT.format(order="next_try_at DESC, id DESC")


def _next_mail(now: datetime, *, newest: bool) -> InboundItem | None:
    asked = {"now": now, "until": now + LEASE, "channel": arriving.CHANNEL, "slow": SLOW}
    return next(iter(InboundItem.objects.raw(_NEWEST if newest else _OLDEST, asked)), None)


def _go(item: InboundItem, now: datetime) -> int:
    if item.attempts > MOST_TRIES:
        return _give_up(item.pk, now)
    process(item.pk, now=now, quickly=True, item=item)
    return 1


def sweep_slow(now: datetime) -> int:
    """One mail at a time that asks for more than its share: what was put aside as slow, and what is kept and due for
    another look. Its own sweep, so that nobody waits for it."""
    slow = Q(state=InboundItem.State.STORED, error=SLOW)
    kept = Q(state=InboundItem.State.KEPT, attempts__lt=MOST_LOOKS, channel=arriving.CHANNEL)
    due = InboundItem.objects.filter(slow | kept, next_try_at__lte=now)
    pk, _attempts = _claim_first(due.order_by("next_try_at", "pk"), now, lease=LONG_LEASE)
    if pk:
        process(pk, now=now)
    return 1 if pk else 0


def _try(pk: int, attempts: int, now: datetime) -> int:
    if attempts >= MOST_TRIES:
        return _give_up(pk, now)
    claimed, _attempts = _claim_first(InboundItem.objects.waiting(now).filter(pk=pk, attempts=attempts), now)
    if claimed:
        process(pk, now=now)
    return 1 if claimed else 0


def take_over(item: InboundItem, *, now: datetime | None = None) -> Received | None:
    """The sender of a stored item repeats it, and whoever tried it, as `item` has it, has been silent for a while: a
    process that died must not keep the customer waiting for the sweep. What failed keeps its pauses."""
    now = now or timezone.now()
    if item.error or item.attempts >= TAKEN_OVER:
        return None
    silent = InboundItem.objects.filter(pk=item.pk, state=InboundItem.State.STORED, attempts=item.attempts, error="")
    return process(item.pk, now=now) if _claim_first(silent, now)[0] else None


@transaction.atomic
def _claim_first(items: QuerySet[InboundItem], now: datetime, *, lease: timedelta = LEASE) -> tuple[int, int]:
    """The first that nobody holds, and its tries before this one; (0, 0) for none. A try is counted before it is made.
    Who holds a row is at work on it this very moment: nobody waits for them."""
    found = items.select_for_update(skip_locked=True).values_list("pk", "attempts").first()
    if found is None:
        return 0, 0
    InboundItem.objects.filter(pk=found[0]).update(attempts=F("attempts") + 1, next_try_at=now + lease)
    return found


@transaction.atomic
def _give_up(pk: int, now: datetime) -> int:
    stored = InboundItem.objects.filter(pk=pk, state=InboundItem.State.STORED)
    item = stored.select_for_update(skip_locked=True).first()
    if item is None:
        return 0
    item.error = item.error or "interrupted"
    _keep(item, now)
    return 1


def _kept_pause(item: InboundItem) -> timedelta:
    return KEPT_PAUSES[min(max(item.attempts - 2, 0), len(KEPT_PAUSES) - 1)]
