"""The fields by which a policy's form says what is done at the warning and at the breach (cases.models.sla_actions)."""

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from cases.models import Case, Clock, Queue, QueueMembership
from cases.models.sla_actions import HIGHER, LEADS, MOMENTS, OWNER, PRIORITIES
from crm.models import User

KEYS = ("kinds", "notify", "people", "queue", "priority", "assignee", "release")
_PRIORITY_WORDS = dict(Case.Priority.choices)


def names(moment: str) -> list[str]:
    """The fields of one moment, in the order of the form."""
    return [f"{moment}_{key}" for key in KEYS]


def _fields() -> dict[str, forms.Field]:
    """Made anew for each moment: a field belongs to one name."""
    priorities: list[tuple[str, Any]] = [("", _("As it is")), (HIGHER, _("One step up"))]
    priorities += [(p, _("At least %(priority)s") % {"priority": _PRIORITY_WORDS[p]}) for p in PRIORITIES[1:]]
    people = User.objects.none()
    return {
        "kinds": _ticked(_("For these clocks"), Clock.Kind.choices, _("None ticked: every one.")),
        "notify": _ticked(_("Tell"), [(OWNER, _("whoever has the case, or the leads")), (LEADS, _("the leads"))]),
        "people": forms.ModelMultipleChoiceField(
            people, label=_("Tell these people too"), required=False, widget=UnfoldAdminSelectMultipleWidget
        ),
        "queue": forms.ModelChoiceField(
            Queue.objects.none(),
            label=_("Move to"),
            required=False,
            widget=UnfoldAdminSelectWidget,
            empty_label=_("Stays in its queue"),
        ),
        "priority": forms.ChoiceField(
            label=_("Priority"), required=False, choices=priorities, widget=UnfoldAdminSelectWidget
        ),
        "assignee": forms.ModelChoiceField(
            people,
            label=_("Give to"),
            required=False,
            widget=UnfoldAdminSelectWidget,
            empty_label=_("Stays with whoever has it"),
            help_text=_("Somebody who works in the queue the case is in then."),
        ),
        "release": forms.BooleanField(label=_("Put back for anyone"), required=False, widget=UnfoldBooleanSwitchWidget),
    }


def _ticked(label: Any, choices: Any, help_text: Any = "") -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        required=False,
        choices=choices,
        help_text=help_text,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


def declare(form: Any) -> None:
    """Give a form class the fields of both moments."""
    for moment in MOMENTS:
        for key, field in _fields().items():
            form.base_fields[f"{moment}_{key}"] = form.declared_fields[f"{moment}_{key}"] = field


def fill(form: Any, actions: dict[str, Any], user: User) -> None:
    """What stands, and who and where may be chosen: people and queues the user steers, and those chosen already."""
    for moment in MOMENTS:
        block = actions.get(moment, {})
        form.initial.update({f"{moment}_{key}": block.get(key) for key in KEYS})
        chosen = [*block.get("people", []), block.get("assignee")]
        form.fields[f"{moment}_people"].queryset = _people(user, chosen)
        form.fields[f"{moment}_assignee"].queryset = _people(user, chosen)
        queues = Q(pk__in=Queue.objects.steered_by(user).values("pk"), is_active=True) | Q(pk=block.get("queue"))
        form.fields[f"{moment}_queue"].queryset = Queue.objects.filter(queues)


def _people(user: User, chosen: list[Any]) -> Any:
    active = User.objects.filter(is_active=True)
    if not user.is_administrator:
        members = QueueMembership.objects.filter(queue__in=Queue.objects.steered_by(user).values("pk"))
        active = active.filter(Q(pk=user.pk) | Q(pk__in=members.values("user")) | Q(pk__in=[c for c in chosen if c]))
    return active.order_by("username")


def read(values: dict[str, Any]) -> dict[str, Any]:
    """The cleaned fields as a policy's actions."""
    return {moment: {key: _plain(values.get(f"{moment}_{key}")) for key in KEYS} for moment in MOMENTS}


def _plain(value: Any) -> Any:
    if isinstance(value, (Queue, User)):
        return value.pk
    return [person.pk for person in value] if hasattr(value, "model") else value
