"""Whose a rule is, and how far its actions may reach: a supervisor sends cases to queues they steer and to people of those,
besides what stands already."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from cases.models import Macro, Queue, QueueMembership, Rule
from cases.models.rule_shape import macros_in, named
from crm.models import User


def steered_by(user: User) -> QuerySet[Rule]:
    """The rules this person sets: those marked with queues they steer and with no other; administrators every one."""
    if user.is_administrator:
        return Rule.objects.all()
    if not user.is_supervisor:
        return Rule.objects.none()
    marks = Rule.queues.through.objects.filter(rule=OuterRef("pk"))
    theirs = Queue.objects.steered_by(user).values("pk")
    return Rule.objects.filter(Exists(marks), ~Exists(marks.exclude(queue__in=theirs)))


def people_of(user: User) -> QuerySet[User]:
    """Whom this person may name in an action."""
    active = User.objects.filter(is_active=True)
    if user.is_administrator:
        return active
    members = QueueMembership.objects.filter(queue__in=Queue.objects.steered_by(user).values("pk"))
    return active.filter(Q(pk=user.pk) | Q(pk__in=members.values("user")))


def out_of_reach(then: Sequence[Mapping[str, Any]], stands: Sequence[Mapping[str, Any]], by: User) -> str:
    """What of checked actions this person may not name, in words; "" when nothing."""
    queues, people = named(then)
    known_queues, known_people = named(stands)
    steered = set(Queue.objects.steered_by(by).values_list("pk", flat=True))
    if far := sorted(queues - known_queues - steered):
        return _("You steer no queue %(ids)s.") % {"ids": ", ".join(map(str, far))}
    reached = set(people_of(by).values_list("pk", flat=True))
    if far := sorted(people - known_people - reached):
        return _("Nobody of your queues has the id %(ids)s.") % {"ids": ", ".join(map(str, far))}
    return _macros_out_of_reach(macros_in(then) - macros_in(stands), by)


def _macros_out_of_reach(wanted: set[int], by: User) -> str:
    readable = (
        set(Macro.objects.readable_by(by).filter(pk__in=wanted).values_list("pk", flat=True)) if wanted else set()
    )
    if far := sorted(wanted - readable):
        return _("You see no macro %(ids)s.") % {"ids": ", ".join(map(str, far))}
    return ""
