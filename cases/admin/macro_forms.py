"""The form of a macro: its actions in rows, each with the fields of what it does."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from cases import macro_steps
from cases.macro_steps import ME, NOBODY, Step
from cases.models import Case, Macro, MacroVersion, Queue, QueueMembership
from crm.models import User

TEXTS = {code: f"text_{code}" for code, _name in settings.LANGUAGES}
# The fields of a row by what it does, a text a language; `do` and the place in the order are in each.
SHOWN: dict[str, tuple[str, ...]] = {
    kind: tuple(name for field in fields for name in (TEXTS.values() if field == "texts" else (field,)))
    for kind, fields in macro_steps.FIELDS.items()
}


def _line(label: Any, most: int, help_text: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label, required=False, max_length=most, help_text=help_text, widget=UnfoldAdminTextInputWidget
    )


def _area(label: Any, rows: int) -> forms.CharField:
    widget = UnfoldAdminTextareaWidget(attrs={"rows": rows})
    return forms.CharField(label=label, required=False, max_length=20_000, strip=False, widget=widget)


def _choice(label: Any, choices: Any = ()) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=choices, widget=UnfoldAdminSelectWidget)


class StepForm(forms.Form):
    """One action. A row that does nothing is none."""

    do = _choice(_("Action"), [("", _("nothing")), *macro_steps.KINDS.items()])
    send = forms.ChoiceField(
        label=_("How"),
        required=False,
        choices=[
            ("", _("put into the draft, to be read and sent by hand")),
            ("on", _("send it, with ten seconds to undo")),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    is_answer = forms.BooleanField(label=_("It answers the customer"), required=False, widget=UnfoldBooleanSwitchWidget)
    next_step = _line(_("Next step"), 300)
    by_when = _line(_("By when"), 60, _("As people type it: “today 17:00”, “in 2 h”, “mon 9:00”."))
    text = _area(_("Note"), 4)
    tags = _line(_("Tags"), 400, _("Separated by commas."))
    priority = _choice(_("Priority"), [("", "–"), *Case.Priority.choices])
    status = _choice(_("Status"), [("", "–"), *((s, w) for s, w in Case.Status.choices if s in macro_steps.STATUSES)])
    to = _choice(_("To"))
    queue = _choice(_("Queue"))
    until = _line(_("Until"), 60, _("As people type it: “tomorrow 9:00”, “in 3 days”."))
    what = _line(_("What"), 300)

    def __init__(self, *args: Any, people: Any, queues: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = people  # type: ignore[attr-defined]
        self.fields["queue"].choices = queues  # type: ignore[attr-defined]

    def groups(self) -> list[tuple[Any, str]]:
        """Each field after the first with the kinds of action it belongs to."""
        return [
            (self[name], " ".join(kind for kind, names in SHOWN.items() if name in names))
            for name in self.fields
            if name not in {"do", "ORDER"}
        ]

    def step(self) -> Step:
        """As it is kept; empty when the row does nothing."""
        given = self.cleaned_data
        kind = given.get("do", "")
        if not kind:
            return {}
        found: Step = {"do": kind} | {name: given.get(name) for name in macro_steps.FIELDS[kind] if name in given}
        if kind == "reply":
            found["texts"] = {code: t for code, name in TEXTS.items() if (t := given.get(name, "").strip())}
            found["send"] = bool(given.get("send"))
        if "tags" in found:
            found["tags"] = [tag.strip() for tag in found["tags"].split(",") if tag.strip()]
        return found | {name: _key(found[name]) for name in ("to", "queue") if name in found}


for _code, _name in settings.LANGUAGES:
    StepForm.base_fields[TEXTS[_code]] = StepForm.declared_fields[TEXTS[_code]] = _area(_name, 5)
StepForm.base_fields = {"do": StepForm.base_fields["do"], **{n: StepForm.base_fields[n] for n in TEXTS.values()}} | {
    name: field for name, field in StepForm.base_fields.items() if name != "do" and name not in TEXTS.values()
}


class InOrder(forms.BaseFormSet):  # type: ignore[type-arg] # Django cannot be asked for it while it runs
    """Rows whose place in the order is a number like the others."""

    ordering_widget = UnfoldAdminIntegerFieldWidget


Rows = forms.formset_factory(
    StepForm, formset=InOrder, extra=3, can_order=True, max_num=macro_steps.MOST, validate_max=True
)


def _key(chosen: str) -> int | str:
    return int(chosen) if chosen.isdecimal() else chosen


def _row(step: Step) -> dict[str, Any]:
    """A step as its row shows it."""
    texts = {TEXTS[code]: text for code, text in step.get("texts", {}).items() if code in TEXTS}
    send = {"send": "on" if step.get("send") else ""} if step["do"] == "reply" else {}
    return step | texts | send | ({"tags": ", ".join(step["tags"])} if "tags" in step else {})


class MacroForm(forms.ModelForm):  # type: ignore[type-arg]
    """Saving makes a version when what it does changed."""

    user: User  # who fills the form in
    title = forms.CharField(label=_("Title"), max_length=120, widget=UnfoldAdminTextInputWidget)
    opens_next = forms.ChoiceField(
        label=_("Then"), choices=MacroVersion.OpensNext.choices, widget=UnfoldAdminSelectWidget
    )

    class Meta:
        model = Macro
        fields = ["queues", "is_active"]

    class Media:
        js = ["js/admin_macro.js"]

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(data, *args, **kwargs)
        if version := self.instance.current:
            self.initial.update(title=version.title, opens_next=version.opens_next)
        standing = self.instance.steps
        choices = {"people": _people(self.user, standing), "queues": _queues(self.user, standing)}
        self.rows = Rows(data, prefix="steps", initial=[_row(step) for step in standing], form_kwargs=choices)

    def clean_queues(self) -> Any:
        queues = self.cleaned_data["queues"]
        if not queues and not self.user.is_administrator:
            raise ValidationError(_("Name the queues this is for. One for the whole house is set by administrators."))
        return queues

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.rows.is_valid():
            raise ValidationError(_("Not saved yet: look at the actions."))
        if faults := macro_steps.faults(self.steps(), now=timezone.now()):
            raise ValidationError(faults)
        return values

    def steps(self) -> list[Step]:
        """In the order the rows say. Texts in languages the house has no field for are kept."""
        found = macro_steps.cleaned([step for row in self.rows.ordered_forms if (step := row.step())])
        was: dict[str, str] = next((step.get("texts", {}) for step in self.instance.steps if step["do"] == "reply"), {})
        more = {code: text for code, text in was.items() if code not in TEXTS}
        return [step | {"texts": more | step.get("texts", {})} if step["do"] == "reply" else step for step in found]

    def publish(self, macro: Macro, by: User) -> None:
        values = self.cleaned_data
        macro.publish(title=values["title"], steps=self.steps(), opens_next=values["opens_next"], by=by)


def _people(user: User, standing: list[Step]) -> list[tuple[str, Any]]:
    """Who works in the queues this person steers, and who is chosen already."""
    chosen = [step["to"] for step in standing if isinstance(step.get("to"), int)]
    members = QueueMembership.objects.filter(queue__in=Queue.objects.steered_by(user).values("pk"))
    people = User.objects.filter(Q(pk__in=members.values("user"), is_active=True) | Q(pk__in=chosen)).order_by(
        "first_name"
    )
    named = [(str(person.pk), person.name) for person in people]
    return [("", "–"), (ME, _("whoever runs it")), (NOBODY, _("nobody: back for anyone")), *named]


def _queues(user: User, standing: list[Step]) -> list[tuple[str, Any]]:
    """Those this person steers, as in rules, and what is chosen already."""
    chosen = [step["queue"] for step in standing if "queue" in step]
    steered = Queue.objects.steered_by(user).filter(is_active=True).values("pk")
    found = Queue.objects.filter(Q(pk__in=steered) | Q(pk__in=chosen)).order_by("name")
    return [("", "–"), *((str(queue.pk), queue.name) for queue in found)]
