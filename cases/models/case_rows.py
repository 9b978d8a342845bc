"""Cases as rows: which somebody may see, which are at work, in which order."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.db import models

from cases import transitions
from cases.models.beside import followers
from cases.models.clock import Clock
from cases.models.queue import Queue
from crm.models import User

if TYPE_CHECKING:
    from cases.models.case import Case


class CaseQuerySet(models.QuerySet["Case"]):
    def visible_to(self, user: User | AnonymousUser, *, named: bool = False) -> "CaseQuerySet":
        """The one door: cases in queues this person may see. `named`: the queues are asked for first, at a query more,
        so that the planner knows how many cases each has, and a list of a small one does not walk through all others."""
        if isinstance(user, User) and user.is_active and user.is_administrator:
            return self
        queues = Queue.objects.visible_to(user).order_by("pk")
        return self.filter(queue__in=list(queues.values_list("pk", flat=True)) if named else queues.order_by())

    def active(self) -> "CaseQuerySet":
        return self.filter(status__in=transitions.ACTIVE)

    def awake(self, at: datetime) -> "CaseQuerySet":
        return self.filter(models.Q(snoozed_until=None) | models.Q(snoozed_until__lte=at))

    def pressing(self, at: datetime) -> "CaseQuerySet":
        """What counts as somebody's load, and what waits for somebody: at work and awake, and nobody has looked at it yet,
        its customer waits for us, or a clock of it runs. Asked by everything that gives out cases (docs/routing.md)."""
        waits = models.Q(status=transitions.NEW) | models.Q(waiting_since__isnull=False)
        return self.active().awake(at).filter(waits | models.Q(next_due_at__isnull=False))

    def snoozed(self, at: datetime) -> "CaseQuerySet":
        return self.active().filter(snoozed_until__gt=at)

    def unassigned(self) -> "CaseQuerySet":
        return self.active().filter(assignee=None)

    def for_screens(self) -> "CaseQuerySet":
        """With everything the head of a case and its row show, clocks that were met included."""
        clocks = Clock.objects.filter(cancelled_at=None).order_by("kind", "-started_at")
        return self.shown().prefetch_related(models.Prefetch("clocks", clocks, to_attr="open_clocks"))

    def shown(self) -> "CaseQuerySet":
        """The same without the clocks: `Clock.objects.shown` has those of one case."""
        return self.select_related("queue", "customer", "assignee", "merged_into").annotate(followers=followers())

    def in_order(self) -> "CaseQuerySet":
        """As a queue is worked: what falls due first, then who has waited longest."""
        return self.order_by("attention_at", "waiting_since", "id")


def renew(case: "Case", fresh: Sequence["Case"]) -> None:
    """Be what was read anew under the lock, and forget what else was known: it may be old."""
    if not fresh:
        raise type(case).DoesNotExist(f"case {case.pk} is gone")
    for field in case._meta.concrete_fields:
        setattr(case, field.attname, getattr(fresh[0], field.attname))
    case._state.fields_cache = fresh[0]._state.fields_cache
    case.__dict__["_prefetched_objects_cache"] = {}
