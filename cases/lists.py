"""The views of a queue. A view is one queryset; its count is the count of that queryset, so the two always agree."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from cases.models import Case, Clock, Queue
from cases.models.case import CaseQuerySet
from crm.models import User

PAGE = 50
NAMES = {
    "mine": _("Mine"),
    "unassigned": _("Unassigned"),
    "all": _("All"),
    "promises": _("Promises"),
    "snoozed": _("Snoozed"),
    "mentions": _("Mentions"),
    "watching": _("Watching"),
}
# What an empty view says: one useful thing.
EMPTY = {
    "mine": _("Nothing is yours here. Take the next case, or look at Unassigned."),
    "unassigned": _("Every case has somebody. The oldest is worked first."),
    "all": _("Nobody is waiting."),
    "promises": _("No promise is open in this queue."),
    "snoozed": _("Nothing sleeps. A snoozed case comes back by itself, or when the customer writes."),
    "mentions": _("Nobody has named you here."),
    "watching": _("You follow no case here. Being named in a note makes you follow it."),
}


def view(name: str, queue: Queue, user: User, *, at: datetime) -> CaseQuerySet:
    """The cases of one view of a queue, in no order. The caller has checked that `user` may see the queue."""
    cases = Case.objects.filter(queue=queue)
    working = cases.active().awake(at)
    views: dict[str, CaseQuerySet] = {
        "mine": working.filter(assignee=user),
        "unassigned": working.filter(assignee=None),
        "all": working,
        "promises": cases.active().filter(promise_due_at__isnull=False),
        "snoozed": cases.snoozed(at),
        "mentions": cases.filter(pk__in=user.mentions.filter(seen_at=None).values("case_id")),
        "watching": cases.active().filter(pk__in=user.watches.values("case_id")),
    }
    return views.get(name, working)


def counts(queue: Queue, user: User, *, at: datetime) -> dict[str, int]:
    """How many each view holds, in one query."""
    numbers = {name: _how_many(view(name, queue, user, at=at)) for name in NAMES}
    found: Mapping[str, Any] = Queue.objects.filter(pk=queue.pk).order_by().values(**numbers).get()
    return {name: int(found[name]) for name in NAMES}


def _how_many(cases: CaseQuerySet) -> Coalesce:
    grouped = cases.order_by().values("queue").annotate(how_many=Count("pk")).values("how_many")
    return Coalesce(Subquery(grouped), 0)


def for_rows(cases: CaseQuerySet) -> CaseQuerySet:
    """With everything `cases/_row.html` shows: two queries however many rows."""
    clocks = Prefetch("clocks", Clock.objects.filter(met_at=None, cancelled_at=None), to_attr="open_clocks")
    return cases.select_related("customer", "assignee").prefetch_related(clocks)


def page(name: str, queue: Queue, user: User, *, at: datetime, start: int = 0) -> list[Case]:
    """One screenful from `start`, in working order."""
    return list(for_rows(view(name, queue, user, at=at)).in_order()[start : start + PAGE])


def queues_of(user: User, *, at: datetime) -> QuerySet[Queue]:
    """The queues this person may see, each with how many cases in it have nobody (`waiting`)."""
    free = Case.objects.unassigned().awake(at).filter(queue=OuterRef("pk"))
    return Queue.objects.visible_to(user).filter(is_active=True).annotate(waiting=_how_many(free)).order_by("name")


def first_view(numbers: dict[str, int]) -> str:
    """Where a person lands who asked for no view: their own work, else what is free, else everything."""
    return next((name for name in ("mine", "unassigned") if numbers[name]), "all")
