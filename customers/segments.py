"""Segments: who is in one now, and who is in all of them, kept up. docs/segments.md tells how.

Asked on demand a segment is exact: one query over all customers, or one test of one. Kept up it is rows, each a customer
in a segment: what changed is looked at within a second (`keep_up`), and each segment is counted anew every ten minutes,
because days pass and plugins tell nobody.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from crm.jobs import nudge
from crm.models import Event
from customers import facts, resting
from customers.conditions import BadCondition, Condition, Fact, compile, segments_in
from customers.hooks import segment_turned, touched_by
from customers.models import Customer, Segment, SegmentMember, SegmentTurn
from customers.models.segment import REFRESH, SegmentMark
from customers.sieve import Sieve, places

EVERY = timedelta(minutes=10)  # each is counted anew
KEPT = timedelta(days=30)  # who joined and who left
BATCH = 1000  # customers looked at in one transaction
TOO_MANY = 20 * BATCH  # with so many waiting, counting everybody anew is quicker
SAMPLE = 20
_LOCK = 0x5E6AE275  # one keeps up at a time: of two, the slower would write what was so before


# --- what they mean


def meanings() -> dict[str, Any]:
    """The condition of every segment by its key, of retired ones too: what names them goes on meaning the same."""
    found = Segment.objects.filter(current__isnull=False)
    return dict(found.values_list("key", "current__condition"))


def checked(condition: Any, *, key: str, at: datetime) -> Condition:
    """What the segment `key` would mean. Raises BadCondition, also where it would be part of itself."""
    return compile(condition, at=at, segments={**meanings(), key: condition}, named=key, saving=True)


def compiled(segment: Segment, at: datetime, among: Mapping[str, Any] | None = None) -> Condition:
    """As of a moment; one nobody can evaluate any more (its plugin is gone) is for nobody."""
    condition = segment.current.condition if segment.current else {"any": []}
    try:
        return compile(condition, at=at, segments=among, named=segment.key)
    except BadCondition:
        return compile({"any": []}, at=at)


def turned(keys: Iterable[str]) -> None:
    """These mean something else from now on, in this transaction; and so do all that name them."""
    Segment.objects.filter(key__in=_naming(set(keys))).update(is_stale=True)
    segment_turned.collect()
    nudge(REFRESH)


def _naming(keys: set[str]) -> set[str]:
    meant = {key: segments_in(condition) for key, condition in meanings().items()}
    while more := {key for key, named in meant.items() if named & keys} - keys:
        keys = keys | more
    return keys


# --- asked on demand: exact


def members(segment: Segment, at: datetime | None = None) -> QuerySet[Customer]:
    """Who is in it, as one query."""
    return compiled(segment, at or timezone.now()).customers()


def count(segment: Segment, at: datetime | None = None) -> int:
    return members(segment, at).count()


def sample(segment: Segment, size: int = SAMPLE, at: datetime | None = None) -> list[Customer]:
    return list(members(segment, at).order_by("pk")[:size])


@resting.again
def holds(segment: Segment, customer: Customer, at: datetime | None = None) -> bool:
    """Whether this customer is in it: what is known of them is read, and the condition asked in this process."""
    now = at or timezone.now()
    if customer.merged_into_id is not None or customer.erased_at is not None:
        return False
    condition = compiled(segment, now)
    return condition.holds(facts.load([customer], now, names=condition.names)[customer.pk])


# --- kept up: rows


def keep_up(now: datetime) -> int:
    """Look at the customers that changed, then count at most one segment anew; returns how much was done. One at a time,
    whoever comes second leaves it to the first. Whoever dies in it has done nothing: the rows that say who changed go
    in the transaction that looks at them."""
    with transaction.atomic():
        if not _alone():
            return 0
        counted = Segment.objects.active().filter(is_stale=False, refreshed_at__isnull=False)  # others will be
        standing = list(counted.select_related("current"))
        looked = _look_at_changed(standing, now)
        return looked + _count_anew(_due(now), now)


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _due(now: datetime) -> Segment | None:
    old = Q(is_stale=True) | Q(refreshed_at=None, is_active=True) | Q(refreshed_at__lt=now - EVERY, is_active=True)
    rows = Segment.objects.filter(old, current__isnull=False).select_related("current")
    return rows.order_by(F("is_stale").desc(), F("refreshed_at").asc(nulls_first=True), "pk").first()


# Who is in it and who was, compared as sets, in one statement. Of whom nobody can tell just now, who was in it stays.
_ANEW = """
WITH hit AS MATERIALIZED ({hit}),
stay AS MATERIALIZED (SELECT p.id FROM ({perhaps}) AS p JOIN customers_segmentmember m ON m.customer_id = p.id
         WHERE m.segment_id = %s AND NOT EXISTS (SELECT FROM hit WHERE hit.id = p.id)),
gone AS (DELETE FROM customers_segmentmember m WHERE m.segment_id = %s
         AND NOT EXISTS (SELECT FROM hit WHERE hit.id = m.customer_id)
         AND NOT EXISTS (SELECT FROM stay WHERE stay.id = m.customer_id) RETURNING m.customer_id),
come AS (INSERT INTO customers_segmentmember (segment_id, customer_id, joined_at)
         SELECT %s, hit.id, %s FROM hit WHERE NOT EXISTS (
             SELECT FROM customers_segmentmember m WHERE m.segment_id = %s AND m.customer_id = hit.id)
         ON CONFLICT DO NOTHING RETURNING customer_id),
told AS (INSERT INTO customers_segmentturn (segment_id, customer_id, joined, at)
         SELECT %s, customer_id, joined, %s FROM (
             SELECT customer_id, true FROM come UNION ALL SELECT customer_id, false FROM gone) AS t (customer_id, joined)
         WHERE %s)
SELECT (SELECT count(*) FROM hit) + (SELECT count(*) FROM stay), (SELECT count(*) FROM come), (SELECT count(*) FROM gone)
"""


def _count_anew(segment: Segment | None, now: datetime) -> int:
    if segment is None:
        return 0
    (hit, values), (perhaps, more) = _hit(segment, now)
    pk, tells = segment.pk, segment.refreshed_at is not None
    with connection.cursor() as cursor:
        cursor.execute(_ANEW.format(hit=hit, perhaps=perhaps), [*values, *more, pk, pk, pk, now, pk, pk, now, tells])
        size, come, gone = cursor.fetchone()
    Segment.objects.filter(pk=pk).update(size=size, refreshed_at=now, is_stale=False)
    return int(come) + int(gone) + 1


Sql = tuple[str, Sequence[Any]]
NOBODY: Sql = ("SELECT 0::bigint AS id WHERE false", ())


def _hit(segment: Segment, now: datetime) -> tuple[Sql, Sql]:
    """The customers in it as SQL, and where nobody can tell, those that may be; a retired one is kept up no more, and has
    none."""
    if not segment.is_active:
        return NOBODY, NOBODY
    condition = compiled(segment, now)
    return keys_of(condition), keys_of(condition.perhaps) if condition.perhaps else NOBODY


def keys_of(condition: Condition) -> Sql:
    """Those it holds for, as SQL with one column, `id`."""
    sql, values = condition.customers().order_by().values("pk").query.sql_with_params()
    return f"SELECT q.id FROM ({sql}) AS q (id)", values  # noqa: S608 - SQL of the ORM


# --- the customers that changed


def _look_at_changed(standing: list[Segment], now: datetime) -> int:
    if not standing:
        return _forget_changed()
    changed = _changed()
    if changed is None:
        Segment.objects.active().update(is_stale=True)
        return TOO_MANY
    for start in range(0, len(changed), BATCH):
        _look_at(changed[start : start + BATCH], standing, now)
    return len(changed)


def _changed() -> list[int] | None:
    """Whoever was touched, by a change of their rows or by what happened in their cases; those are forgotten by this.
    None: so many that nobody counts them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM (SELECT FROM customers_touched LIMIT %s) AS t", [TOO_MANY + 1])
        if cursor.fetchone()[0] > TOO_MANY:
            cursor.execute("DELETE FROM customers_touched")
            return None
        cursor.execute("DELETE FROM customers_touched RETURNING customer")
        touched = {pk for (pk,) in cursor.fetchall()}
    return sorted(touched | _of_events())


def _forget_changed() -> int:
    """There is no segment to look at: one that comes is counted anew, from what is so then."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM customers_touched")
    SegmentMark.objects.update_or_create(pk=1, defaults={"pos": SegmentMark.newest()})
    return 0


def _of_events() -> set[int]:
    """Whom the next events of the log are about."""
    mark: Any = SegmentMark.objects.get_or_create(pk=1)[0]
    newest = SegmentMark.newest()
    if newest <= mark.pos:
        return set()
    events = list(
        Event.objects.filter(pos__gt=mark.pos, pos__lte=newest)
        .order_by("pos")
        .only("stream", "stream_id", "kind", "data", "pos")[:TOO_MANY]
    )
    mark.pos = events[-1].pos if events and len(events) == TOO_MANY else newest
    mark.save(update_fields=["pos"])
    return {pk for found in touched_by.collect(events) for pk in found}


@resting.again
def _look_at(keys: Sequence[int], standing: list[Segment], now: datetime) -> None:
    """Ask every segment about each of them in this process, and write what differs from the rows there are."""
    sieve, meant, names = _together(standing, now)
    known = facts.load(Customer.objects.current().filter(pk__in=keys), now, names=names)
    every = (1 << len(standing)) - 1
    now_in = {(standing[n].pk, pk) for pk, told in known.items() for n in places(sieve.left(told, every & ~sieve.gone))}
    rows = SegmentMember.objects.filter(customer__in=keys, segment__in=standing)
    were_in = set(rows.values_list("segment_id", "customer_id"))
    _write(now_in - were_in, were_in - now_in - _who_may_be(standing, meant, known), now)


def _who_may_be(
    standing: Sequence[Segment], meant: Sequence[Condition | None], known: Mapping[int, Mapping[str, Any]]
) -> set[tuple[int, int]]:
    """Of whom nobody can tell just now whether they are in a segment, because a plugin does not answer."""
    unsure = [(segment.pk, one) for segment, one in zip(standing, meant, strict=True) if one and one.resting]
    return {(segment, pk) for segment, one in unsure for pk, told in known.items() if one.is_unknown(told)}


def _together(standing: Sequence[Segment], now: datetime) -> tuple[Sieve, list[Condition | None], set[str]]:
    """All segments as one question, each by itself, and the facts they read. One nobody can evaluate any more is for nobody."""
    among, known = meanings(), facts.registry()

    def read(data: Any, named: str = "") -> Condition:
        return compile(data, at=now, among=known.values(), segments=among, named=named)

    said = [segment.current.condition if segment.current else {"any": []} for segment in standing]
    meant: list[Condition | None] = []
    for segment, data in zip(standing, said, strict=True):
        try:
            meant.append(read(data, segment.key))
        except BadCondition:
            meant.append(None)
    texts = {fact.name for fact in known.values() if isinstance(fact, Fact) and fact.type == "text" and not fact.rests}
    names = {name for each in meant if each for name in each.names}
    return Sieve(said, meant, read, texts, among), meant, names


# Who came and who went, as two lists each; in one statement, because one change may turn a customer in many segments.
_TURNED = """
WITH come (segment, customer) AS (SELECT * FROM unnest(%s::bigint[], %s::bigint[])),
gone (segment, customer) AS (SELECT * FROM unnest(%s::bigint[], %s::bigint[])),
added AS (INSERT INTO customers_segmentmember (segment_id, customer_id, joined_at)
          SELECT segment, customer, %s::timestamptz FROM come ON CONFLICT DO NOTHING),
taken AS (DELETE FROM customers_segmentmember m USING gone
          WHERE m.segment_id = gone.segment AND m.customer_id = gone.customer),
told AS (INSERT INTO customers_segmentturn (segment_id, customer_id, joined, at)
         SELECT segment, customer, true, %s::timestamptz FROM come UNION ALL SELECT segment, customer, false, %s::timestamptz FROM gone)
UPDATE customers_segment s SET size = s.size + t.more
  FROM (SELECT segment, sum(n) AS more FROM (SELECT segment, 1 FROM come UNION ALL SELECT segment, -1 FROM gone) AS u (segment, n)
         GROUP BY segment) AS t
 WHERE s.id = t.segment
"""


def _write(come: set[tuple[int, int]], gone: set[tuple[int, int]], now: datetime) -> None:
    if not come and not gone:
        return
    lists = [[pair[place] for pair in sorted(pairs)] for pairs in (come, gone) for place in (0, 1)]
    with connection.cursor() as cursor:
        cursor.execute(_TURNED, [*lists, now, now, now])


def drop_turns(now: datetime) -> int:
    """Who joined and left is remembered for a month."""
    SegmentTurn.objects.filter(at__lt=now - KEPT).delete()
    return 0
