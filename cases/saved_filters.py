"""Filters with a name: saved, changed, put in order, taken away. Shared ones are a queue's, and its log says who did what."""

from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from cases import filters
from cases.filter_parts import Asker
from cases.models import Queue, SavedFilter
from cases.models.case import Refusal
from crm.models import User
from crm.roles import may

MOST = 30  # of one person, or shared in one queue
SHARE = "filter.share"


def save(name: str, text: str, *, by: User, at: datetime, shared_in: Queue | None = None) -> SavedFilter:
    """A new one at the end: `by`'s own, or everybody's in a queue. Raises Refusal for a text that means nothing, a name
    that is taken, and one too many."""
    fresh = SavedFilter(owner=None if shared_in else by, queue=shared_in, made_by=by, made_at=at)
    _must_be_allowed(fresh, by)
    beside = _of_one(fresh)
    if beside.count() >= MOST:
        raise Refusal(_("There are %(most)d already. Take one away first.") % {"most": MOST})
    fresh.position = (beside.aggregate(last=Max("position"))["last"] or 0) + 1
    return _write(fresh, name, text, by, at, "filter_shared")


def change(saved: SavedFilter, *, by: User, at: datetime, name: str = "", text: str = "") -> SavedFilter:
    """Another name, another text, or both."""
    _must_be_allowed(saved, by)
    return _write(saved, name or saved.name, text or saved.text, by, at, "filter_changed")


@transaction.atomic
def remove(saved: SavedFilter, *, by: User) -> None:
    _must_be_allowed(saved, by)
    pk = saved.pk
    saved.delete()
    if saved.queue is not None:
        saved.queue.record("filter_removed", by=by, filter=pk)


@transaction.atomic
def move(saved: SavedFilter, to: int, *, by: User) -> None:
    """To the place `to` (from 0) among those it stands with."""
    _must_be_allowed(saved, by)
    others = [each for each in _of_one(saved).select_for_update().order_by("position", "pk") if each.pk != saved.pk]
    others.insert(max(0, min(to, len(others))), saved)
    for n, each in enumerate(others):
        each.position = n
    SavedFilter.objects.bulk_update(others, ["position"])


def may_change(saved: SavedFilter, user: User) -> bool:
    """One's own, and shared ones where one's role allows it."""
    return may(user, SHARE, saved.queue_id) if saved.is_shared else saved.owner_id == user.pk


def problem_of(text: str, *, by: User, at: datetime) -> str:
    """Why a text cannot be saved; nothing if it can."""
    wanted = filters.read(text, Asker(by, at))
    if wanted.problems:
        return " ".join(wanted.problems)
    if wanted.is_empty:
        return _("Say what the filter holds, as “is:unassigned priority:high”.")
    if any(term.key == "queue" for term in wanted.asked.terms):
        return _("A list shows one queue: leave “queue:” out.")
    return ""


def _of_one(saved: SavedFilter) -> QuerySet[SavedFilter]:
    """Those it stands in a row with."""
    return SavedFilter.objects.filter(owner=saved.owner_id, queue=saved.queue_id)


def _must_be_allowed(saved: SavedFilter, by: User) -> None:
    if not may_change(saved, by):
        raise PermissionDenied(_("Your role here does not allow this."))


def _write(saved: SavedFilter, name: str, text: str, by: User, at: datetime, kind: str) -> SavedFilter:
    saved.name, saved.text = " ".join(name.split())[:40], " ".join(text.split())
    if not saved.name:
        raise Refusal(_("Give it a name."))
    if problem := problem_of(saved.text, by=by, at=at):
        raise Refusal(problem)
    try:
        with transaction.atomic():
            saved.save()
            if saved.queue is not None:
                saved.queue.record(kind, by=by, filter=saved.pk)
    except IntegrityError:
        raise Refusal(_("There is a filter “%(name)s” already.") % {"name": saved.name}) from None
    return saved
