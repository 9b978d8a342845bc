"""The form of a rule at /admin/: when by ticks, the condition and the actions by rows (static/js/admin_rule.js), which
without scripts are the JSON they come to."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.widgets import Script
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminTextareaWidget,
)

from cases.models import Rule, RuleVersion
from cases.models.rule import faults
from cases.models.rule_shape import EVENTS, GROUPS, LONGEST_WAIT, WAITS
from cases.rules.reach import out_of_reach
from crm.models import User

EVENT_FIELDS = [f"on_{group}" for group in EVENTS]
WAIT_FIELDS = [f"after_{wait}" for wait in WAITS]


def _rows(label: Any, editor: str, help_text: Any) -> forms.CharField:
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 8, "spellcheck": "false", "data-rule": editor})
    return forms.CharField(label=label, widget=widget, help_text=help_text, max_length=50_000)


def _ticks(group: str) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=GROUPS[group],
        required=False,
        choices=list(EVENTS[group].items()),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


def _hours(label: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=0,
        max_value=LONGEST_WAIT,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget,
    )


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """One rule. Saving publishes a version; switching on is asked about first (cases.admin.rules)."""

    user: User
    on_words, on_people, on_standing, on_time = (_ticks(group) for group in EVENTS)
    after_unanswered = _hours(_("The customer has waited for us for so many hours"))
    after_quiet = _hours(_("The customer has not come back for so many hours"))
    condition = _rows(_("Condition"), "condition", _("What must hold. Nothing: it always does."))
    then = _rows(_("Actions"), "then", _("They are done in this order."))

    class Meta:
        model = Rule
        fields = ["name", "is_active", "position", "queues"]

    class Media:
        js = [Script("js/admin_rule.js", type="module")]
        css = {"all": ["css/admin_rule.css"]}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("condition", '{"all": []}')
        self.initial.setdefault("then", "[]")
        if version := self.instance.current:
            self.initial.update(_told(version))
        if "queues" in self.fields:
            self.fields["queues"].required = not self.user.is_administrator
            self.fields["queues"].help_text = _("None: every queue. Only administrators set such a rule.")

    def clean_condition(self) -> Any:
        return _read(self.cleaned_data["condition"])

    def clean_then(self) -> Any:
        return _read(self.cleaned_data["then"])

    def clean(self) -> dict[str, Any]:
        """Every fault beside its field."""
        values = super().clean() or {}
        if self.errors:
            return values
        content = self.content()
        for name, told in faults(content["when"], content["condition"], content["then"], at=timezone.now()).items():
            field = EVENT_FIELDS[0] if name == "when" else name
            self.add_error(field, told)
        stands = self.instance.current.then if self.instance.current else []
        if not self.errors and (far := out_of_reach(content["then"], stands, self.user)):
            self.add_error("then", far)
        return values

    def content(self) -> dict[str, Any]:
        """What the version will say."""
        values = self.cleaned_data
        events = [kind for name in EVENT_FIELDS for kind in values[name]]
        waits = {wait: float(hours) for wait in WAITS if (hours := values[f"after_{wait}"])}
        return {"when": {"events": events, **waits}, "condition": values["condition"], "then": values["then"]}

    def publish(self, rule: Rule, by: User) -> RuleVersion:
        return rule.publish(**self.content(), by=by)


def _told(version: RuleVersion) -> dict[str, Any]:
    events = set(version.when["events"])
    return {
        **{f"on_{group}": [kind for kind in kinds if kind in events] for group, kinds in EVENTS.items()},
        **{f"after_{wait}": version.when.get(wait) for wait in WAITS},
        "condition": json.dumps(version.condition, indent=2, ensure_ascii=False),
        "then": json.dumps(version.then, indent=2, ensure_ascii=False),
    }


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValidationError(_("This is no JSON: %(why)s.") % {"why": str(error)[:100]}) from error
