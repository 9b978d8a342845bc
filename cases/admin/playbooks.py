"""/admin/: playbooks, a step a line."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from cases.admin.publishing import Publishing, names, only_theirs
from cases.models import Playbook
from cases.models.playbook import read_steps
from crm.admin import me, supervisors
from crm.models import User


class PlaybookForm(forms.ModelForm):  # type: ignore[type-arg]
    """A playbook with its steps; saving makes a version when they changed. Cases on their way keep theirs."""

    user: User
    steps = forms.CharField(
        label=_("Steps, in order"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10}),
        help_text=_(
            "A step a line. After a bar (|) you may say how it is done: “Check the order | Number and date must match”."
        ),
    )

    class Meta:
        model = Playbook
        fields = ["name", "queues", "is_active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if version := self.instance.current:
            lines = (f"{step.label} | {step.hint}" if step.hint else step.label for step in version.told)
            self.initial["steps"] = "\n".join(lines)

    def clean_steps(self) -> list[dict[str, str]]:
        """A step that keeps its words keeps its key."""
        known = {step.label: step.key for step in self.instance.current.told} if self.instance.current else {}
        told = []
        for line in filter(None, (line.strip() for line in self.cleaned_data["steps"].splitlines())):
            label, _bar, hint = (part.strip() for part in line.partition("|"))
            told.append({"label": label, "hint": hint} | ({"key": known[label]} if label in known else {}))
        read_steps(told)
        return told

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.user.is_administrator and not values.get("queues"):
            raise ValidationError(
                {"queues": _("Name the queues these steps are for. Some for every queue are set by administrators.")}
            )
        return values

    def publish(self, playbook: Playbook, by: User) -> None:
        """Called where the queues are not kept yet."""
        playbook.publish(self.cleaned_data["steps"], by=by)


@admin.register(Playbook, site=supervisors)
class PlaybookAdmin(Publishing):
    form = PlaybookForm
    list_display = ["name", "touches", "version", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["name"]
    fieldsets = [(None, {"fields": ["name", "steps"]}), (_("For whom"), {"fields": ["queues", "is_active"]})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Playbook]:
        return only_theirs(Playbook.objects.select_related("current").prefetch_related("queues"), me(request))

    @admin.display(description=_("queues"))
    def touches(self, playbook: Playbook) -> str:
        return names(playbook) or str(_("every queue"))
