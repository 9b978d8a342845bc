"""Two records of one person become one, and can become two again. docs/customers.md tells the rules."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.database.deadlocks import transacted
from crm.events import record
from crm.models import User
from customers.hooks import Moved, Moves, customer_merging
from customers.models import Consent, ContactPoint, Customer, Merge, MergedRows, Order, Subscription

_TRIES = 5
_STRAGGLERS = timedelta(hours=1)


class CannotMerge(Exception):
    """Two records that may not become one, with the sentence a person should read."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class _Moved(Exception):
    """Somebody merged one of the two between our look and our lock."""


def current(customer: Customer) -> Customer:
    """Who this record is now: the end of its chain of merges."""
    while customer.merged_into is not None:
        customer = customer.merged_into
    return customer


def columns() -> list[Moves]:
    """Every column that moves with a merge: ours, then what the `customer_merging` hook adds."""
    own = [Moves(model, "customer") for model in (ContactPoint, Subscription, Order, Consent)]
    return [*own, *(moves for batch in customer_merging.collect() for moves in batch)]


def preview(gone: Customer) -> list[tuple[str, int]]:
    """What would move: (plural name, count), empty kinds left out."""
    counts = [(m, m.model._default_manager.filter(**{m.field: gone.pk}).count()) for m in columns()]
    return [(str(m.model._meta.verbose_name_plural), n) for m, n in counts if n]


def merge(kept: Customer, gone: Customer, *, by: User | None, via: str = "person", at: datetime | None = None) -> Merge:
    """Move everything of `gone` to `kept`, remembering which rows moved.

    A record that was merged before stands for who it is now. Merging one pair twice, at once, or the other way round
    gives the one Merge there is. Raises CannotMerge.
    """
    if kept.pk == gone.pk:
        raise CannotMerge(_("Choose another customer: this is the same one."))
    return _again(lambda: _merge(kept, gone, by, via, at or timezone.now()))


def undo(merge: Merge, *, by: User | None, via: str = "person", at: datetime | None = None) -> None:
    """Move exactly the merged rows back, wherever a later merge took them; what arrived since stays where it is."""
    _again(lambda: _undo(merge, by, via, at or timezone.now()))


def gather(now: datetime) -> int:
    """Rows written for a merged record by somebody who had read it before the merge follow it. Returns rows moved."""
    recent = Merge.objects.filter(undone_at=None, at__gte=now - _STRAGGLERS).order_by("id")
    return sum(_gather(merge, now) for merge in recent)


# --- under the locks


def _again(attempt: Callable[[], Merge]) -> Merge:
    for _attempt in range(_TRIES):
        try:
            return transacted(attempt)
        except (_Moved, IntegrityError):  # a row of which there is one, written for the other at this very moment
            continue
    raise CannotMerge(_("These customers are being merged by others just now. Try again."))


def _merge(kept: Customer, gone: Customer, by: User | None, via: str, now: datetime) -> Merge:
    kept, gone = (current(Customer.objects.get(pk=c.pk)) for c in (kept, gone))
    if kept.pk == gone.pk:
        return _standing(kept)
    kept, gone = _locked(kept, gone)
    if kept.erased_at or gone.erased_at:
        raise CannotMerge(_("An erased customer cannot be merged."))
    merge = Merge.objects.create(kept=kept, gone=gone, by=by, at=now)
    why = Moved(gone.pk, kept.pk, by, via, now, "merged")
    moved = sum(_take(merge, moves, why) for moves in columns())
    gone.merged_into = kept
    gone.save(update_fields=["merged_into"])
    record(gone, "merged", by=by, via=via, at=now, merge=merge.pk, into=kept.pk)
    record(kept, "merged", by=by, via=via, at=now, merge=merge.pk, gone=gone.pk, rows=moved)
    return merge


def _standing(customer: Customer) -> Merge:
    """The newest merge that made two records this one."""
    return Merge.objects.filter(kept=customer, undone_at=None).latest("at", "id")


def _locked(*customers: Customer) -> list[Customer]:
    """Both rows, locked in key order. FOR UPDATE, the full lock, which no other merge or undo gets past. A row written
    at this moment asks for its customer only when it commits (foreign keys are checked late): `gather` moves it then."""
    ids = sorted({c.pk for c in customers})
    rows = {c.pk: c for c in Customer.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")}
    if any(c.merged_into_id != rows[c.pk].merged_into_id for c in customers):
        raise _Moved
    return [rows[c.pk] for c in customers]


def _undo(merge: Merge, by: User | None, via: str, now: datetime) -> Merge:
    gone = Customer.objects.get(pk=merge.gone_id)
    holder = current(Customer.objects.get(pk=merge.kept_id))
    gone, holder = _locked(gone, holder)
    merge.refresh_from_db()
    if merge.undone_at is not None:
        return merge
    why = Moved(holder.pk, gone.pk, by, via, now, "merge_undone")
    moved = sum(_give_back(rows, why) for rows in merge.moved.order_by("id"))
    gone.merged_into = None
    gone.save(update_fields=["merged_into"])
    _keep_refusals(merge, holder, gone)
    merge.undone_at, merge.undone_by = now, by
    merge.save(update_fields=["undone_at", "undone_by"])
    record(gone, "merge_undone", by=by, via=via, at=now, merge=merge.pk, kept=merge.kept_id)
    record(holder, "merge_undone", by=by, via=via, at=now, merge=merge.pk, gone=gone.pk, rows=moved)
    return merge


def _keep_refusals(merge: Merge, holder: Customer, gone: Customer) -> None:
    """A no said while the two were one was said by either: it holds for both."""
    refusals = Consent.objects.filter(customer=holder, granted=False, at__gte=merge.at)
    Consent.objects.bulk_create(
        Consent(
            customer=gone,
            purpose=c.purpose,
            channel=c.channel,
            granted=False,
            source=c.source,
            wording=c.wording,
            at=c.at,
        )
        for c in refusals.exclude(pk__in=_moved_ids(merge, Moves(Consent, "customer")))
    )


def _moved_ids(merge: Merge, moves: Moves) -> list[int]:
    return [i for rows in merge.moved.filter(table=_label(moves)) for i in rows.ids]


def _gather(merge: Merge, now: datetime) -> int:
    with transaction.atomic():
        gone = Customer.objects.select_for_update().get(pk=merge.gone_id)
        merge.refresh_from_db()
        if merge.undone_at is not None:
            return 0
        holder = current(gone)
        why = Moved(gone.pk, holder.pk, None, "system", now, "merge_gathered")
        moved = sum(_take(merge, moves, why) for moves in columns())
        if moved:
            record(holder, "merge_gathered", by=None, via="system", at=now, merge=merge.pk, rows=moved)
        return moved


# --- rows


def _label(moves: Moves) -> str:
    return f"{moves.model._meta.label}.{moves.field}"


def _take(merge: Merge, moves: Moves, why: Moved) -> int:
    ids = _point(moves, why)
    if ids:
        MergedRows.objects.create(merge=merge, table=_label(moves), ids=ids)
    return len(ids)


def _give_back(rows: MergedRows, why: Moved) -> int:
    moves = next((m for m in columns() if _label(m) == rows.table), None)
    return len(_point(moves, why, rows.ids)) if moves else 0


def _point(moves: Moves, why: Moved, only: Iterable[int] | None = None) -> list[int]:
    """Point rows of one column at who they belong to now, in one statement; tell whoever asked, and say which."""
    ids = _repoint(moves, why.was, why.customer, only)
    if ids and moves.tell:
        moves.tell(ids, why)
    return ids


def _repoint(moves: Moves, old: int, new: int, only: Iterable[int] | None) -> list[int]:
    meta = moves.model._meta
    column = meta.get_field(moves.field).column
    extra: list[object]
    which, extra = ("", []) if only is None else (" AND t.id = ANY(%s)", [list(only)])
    if moves.apart:
        like = meta.get_field(moves.apart).column
        which += (
            f' AND NOT EXISTS (SELECT FROM "{meta.db_table}" o WHERE o."{column}" = %s AND o."{like}" = t."{like}")'
        )
        extra.append(new)
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(
            f'UPDATE "{meta.db_table}" t SET "{column}" = %s WHERE t."{column}" = %s{which} RETURNING t.id',  # noqa: S608
            [new, old, *extra],
        )
        return sorted(row[0] for row in cursor.fetchall())
