"""How the API finds what it works on, and who may do what with it."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from cases.models import Case, Clock, Promise, Queue
from crm import rest, roles
from crm.models import Event, User

# What reads as "now" though the caller's clock and the wire took a moment.
_LATENESS = timedelta(seconds=10)


def cases(request: Request) -> QuerySet[Case]:
    """The cases the caller may see, with what a row shows."""
    return Case.objects.visible_to(rest.me(request)).select_related("queue", "assignee", "customer", "merged_into")


def listed(request: Request) -> QuerySet[Case]:
    """The same for a list."""
    return Case.objects.visible_to(rest.me(request), named=True).select_related("queue", "assignee", "customer")


def whole(request: Request, number: int) -> Case:
    """One case as CaseShape shows it."""
    clocks = Prefetch("clocks", Clock.objects.select_related("calendar_version", "policy_version").order_by("pk"))
    promises = Prefetch("promises", Promise.objects.order_by("due_at", "pk"))
    return get_object_or_404(cases(request).prefetch_related(clocks, promises), number=number)


def case(request: Request, number: int) -> Case:
    return get_object_or_404(cases(request), number=number)


def queue(request: Request, pk: int) -> Queue:
    """A queue named in a body; unknown and invisible read alike."""
    found = Queue.objects.visible_to(rest.me(request)).filter(pk=pk, is_active=True).first()
    if found is None:
        raise ValidationError({"queue": _("There is no queue %(id)s that you may use.") % {"id": pk}})
    return found


def person(given: int | str, field: str) -> User:
    """An active user named in a body by id or user name."""
    users = User.objects.filter(is_active=True)
    found = users.filter(pk=given).first() if isinstance(given, int) else users.filter(username=given).first()
    if found is None:
        raise ValidationError({field: _("There is no active user %(who)s.") % {"who": given}})
    return found


def need(request: Request, verb: str, where: Case | Queue | None = None) -> None:
    """403 unless the caller's roles in that queue (or anywhere) may do the verb of `crm.roles.TABLE`."""
    queue = where.queue_id if isinstance(where, Case) else where.pk if where else None
    if not roles.may(request.user, verb, queue):
        raise rest.forbid(_("Your role may not do this (%(verb)s).") % {"verb": verb})


def dated(request: Request, at: datetime | None) -> tuple[datetime | None, str]:
    """The time a change carries and by what way it came: dated in the past it is an import, and needs that scope."""
    if at is None or at > timezone.now() - _LATENESS:
        return None, "api"
    rest.require(request, "import")
    return at, "import"


def in_order(case: Case, at: datetime | None) -> None:
    """History grows at its end: a change dated before the last change of status would have no place."""
    if at is None:
        return
    turns = ["opened", "status_changed", "resolved", "reopened", "closed", "marked_spam"]
    last = Event.objects.filter(stream="case", stream_id=case.pk, kind__in=turns).order_by("-version").first()
    newest = max(case.opened_at, last.at) if last else case.opened_at
    if at < newest:
        raise ValidationError({"at": _("The case’s last change is of %(at)s: it cannot change before.") % _iso(newest)})


def _iso(at: datetime) -> dict[str, Any]:
    return {"at": at.isoformat()}


def steered(request: Request, row: Any, wanted: list[int] | None) -> list[Queue] | None:
    """The queues that something shared (`row`, with `queues`) is for from now on; None: as they are. Whoever changes it
    steers every one of them. For every queue is for administrators to say."""
    me = rest.me(request)
    standing = set(row.queues.values_list("pk", flat=True)) if row.pk else set()
    meant = standing if wanted is None else set(wanted)
    found = {queue.pk: queue for queue in Queue.objects.steered_by(me).filter(pk__in=meant | standing)}
    if missing := sorted((meant | standing) - found.keys()):
        raise ValidationError({"queues": _("You steer no queue %(ids)s.") % {"ids": ", ".join(map(str, missing))}})
    if (not meant or (row.pk and not standing)) and not me.is_administrator:
        raise ValidationError({"queues": _("Name queues you steer. For every queue it is set by administrators.")})
    return None if wanted is None else [found[pk] for pk in sorted(meant)]
