"""The views of a queue: what each holds, in which order, and how many; a count always equals its list."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from cases import transitions
from cases.models import Case, Clock, Queue
from cases.models.case import CaseQuerySet
from crm.database.prepared import Prepared, kept, keys
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
    views: dict[str, Callable[[], CaseQuerySet]] = {
        "mine": lambda: cases.active().awake(at).filter(assignee=user),
        "unassigned": lambda: cases.unassigned().awake(at),
        "promises": lambda: cases.active().filter(promise_due_at__isnull=False),
        "snoozed": lambda: cases.snoozed(at),
        "mentions": lambda: cases.filter(pk__in=user.mentions.filter(seen_at=None).values("case_id")),
        "watching": lambda: cases.active().filter(pk__in=user.watches.values("case_id")),
    }
    return views[name]() if name in views else cases.active().awake(at)


def counts(queue: Queue, user: User, *, at: datetime) -> dict[str, int]:
    """How many each view holds, in one query."""
    with kept() as cursor:
        cursor.execute(_COUNTS, {"queue": queue.pk, "user": user.pk, "at": at})
        return dict(zip(NAMES, cursor.fetchone(), strict=True))


# `view` as numbers, in the order of NAMES: the index of the active cases is read once and the table not at all. Built by
# Django, seven subqueries cost more to write than to answer; tests hold every number against its list.
_IS_ACTIVE = f"status IN ({', '.join(repr(status) for status in transitions.ACTIVE)})"
_COUNTS = f"""
SELECT count(*) FILTER (WHERE awake AND assignee_id = %(user)s), count(*) FILTER (WHERE awake AND assignee_id IS NULL),
       count(*) FILTER (WHERE awake), count(promise_due_at), count(*) FILTER (WHERE NOT awake),
       (SELECT count(DISTINCT c.id) FROM cases_mention m JOIN cases_case c ON c.id = m.case_id
         WHERE m.user_id = %(user)s AND m.seen_at IS NULL AND c.queue_id = %(queue)s),
       (SELECT count(*) FROM cases_watch w JOIN cases_case c ON c.id = w.case_id
         WHERE w.user_id = %(user)s AND c.queue_id = %(queue)s AND c.{_IS_ACTIVE})
  FROM (SELECT assignee_id, promise_due_at, snoozed_until IS NULL OR snoozed_until <= %(at)s AS awake
          FROM cases_case WHERE queue_id = %(queue)s AND {_IS_ACTIVE}) active
"""  # noqa: S608 - our own words


def _how_many(cases: CaseQuerySet) -> Coalesce:
    grouped = cases.order_by().values("queue").annotate(how_many=Count("pk")).values("how_many")
    return Coalesce(Subquery(grouped), 0)


def for_rows(cases: CaseQuerySet) -> CaseQuerySet:
    """With everything a row shows (cases.templatetags.rows): two queries however many rows."""
    clocks = Prefetch("clocks", _open_clocks(), to_attr="open_clocks")
    return cases.select_related("customer", "assignee").prefetch_related(clocks)


def _open_clocks() -> QuerySet[Clock]:
    return Clock.objects.filter(met_at=None, cancelled_at=None).order_by("kind", "-started_at")


def first_page(name: str, queue: Queue, user: User, *, at: datetime) -> list[Case]:
    """The first screenful of a view every queue has, in working order, with everything a row shows."""
    given = {"queue": queue.pk, "user": user.pk, "at": at}
    found = _FIRST[name](*(given[value] for value in _ASKS[name]))
    clocks: dict[int, list[Clock]] = defaultdict(list)
    for clock in _CLOCKS([case.pk for case in found]):
        clocks[clock.case_id].append(clock)
    for case in found:
        case.open_clocks = clocks[case.pk]  # type: ignore[attr-defined]
    return found


def _asked(name: str) -> Prepared[Case]:
    def ask(*values: Any) -> CaseQuerySet:
        given = {"user": 0, "at": None} | dict(zip(_ASKS[name], values, strict=True))
        cases = view(name, Queue(pk=given["queue"]), User(pk=given["user"]), at=given["at"])
        return cases.select_related("customer", "assignee").in_order()[:PAGE]

    return Prepared(ask, *(_KINDS[value] for value in _ASKS[name]))


_KINDS = {"queue": int, "user": int, "at": datetime}
# What each view needs to know of who asks, where and when.
_ASKS = {
    "mine": ("queue", "user", "at"),
    "unassigned": ("queue", "at"),
    "all": ("queue", "at"),
    "promises": ("queue",),
    "snoozed": ("queue", "at"),
    "mentions": ("queue", "user"),
    "watching": ("queue", "user"),
}
_FIRST = {name: _asked(name) for name in NAMES}
_CLOCKS = Prepared(lambda cases: _open_clocks().filter(case__in=keys(cases)), list)


def queues_of(user: User, *, at: datetime) -> list[Queue]:
    """The queues this person may see, each with how many cases in it have nobody (`waiting`)."""
    return _QUEUES(user.pk, at) if user.is_member else list(_queues_of(user, at))


def _queues_of(user: User, at: datetime) -> QuerySet[Queue]:
    free = Case.objects.unassigned().awake(at).filter(queue=OuterRef("pk"))
    return Queue.objects.visible_to(user).filter(is_active=True).annotate(waiting=_how_many(free)).order_by("name")


_QUEUES = Prepared(lambda user, at: _queues_of(User(pk=user), at), int, datetime)


def first_view(numbers: dict[str, int]) -> str:
    """Where a person lands who asked for no view: their own work, else what is free, else everything."""
    return next((name for name in ("mine", "unassigned") if numbers[name]), "all")
