"""Fields that customers fill in themselves: which are asked where, how they look on the contact form, and what was given,
checked by the kinds of `cases.field_kinds` and kept on the case. docs/fields.md"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Prefetch
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import field_kinds, fields
from cases.field_kinds import BadValue
from cases.fields import Filled
from cases.models import Case, CaseField, FieldOption, Queue

Kind = CaseField.Kind
PREFIX = "field_"  # of its name on the form


def asks() -> dict[str, Any]:
    """Whether a queue asks customers anything, read with the queue: most ask nothing, and then nothing more is read."""
    asked = CaseField.objects.of(OuterRef(OuterRef("pk"))).exclude(of_customers=CaseField.OfCustomers.NO)
    return {"asks_customers": Exists(asked)}


def of(queues: Sequence[Queue]) -> list[CaseField]:
    """Those asked of customers in any of these queues, in their order, each with its queues and options. What a
    subscription is we do not ask strangers."""
    if not any(getattr(queue, "asks_customers", True) for queue in queues):
        return []
    wanted = CaseField.objects.active().exclude(of_customers=CaseField.OfCustomers.NO).exclude(kind=Kind.SUBSCRIPTION)
    options = Prefetch("options", FieldOption.objects.order_by("position", "pk"))
    keys = {queue.pk for queue in queues}
    found = wanted.prefetch_related("queues", options)
    return [field for field in found if not (marked := queues_of(field)) or marked & keys]


def queues_of(field: CaseField) -> set[int]:
    """The queues it is asked in; none for every one."""
    return {queue.pk for queue in field.queues.all()}


def is_asked_in(field: CaseField, queue: int) -> bool:
    marked = queues_of(field)
    return not marked or queue in marked


# --- on the form


def inputs(asked: Sequence[CaseField], queues: Sequence[Queue]) -> dict[str, forms.Field]:
    """By name, an input for each. One that only some of the offered queues ask says so: the form works without scripts."""
    names = {queue.pk: queue.name for queue in queues}
    return {f"{PREFIX}{field.key}": _input(field, names) for field in asked}


def _input(field: CaseField, names: Mapping[int, str]) -> forms.Field:
    marked = queues_of(field) & names.keys()
    is_everywhere = not queues_of(field) or marked == names.keys()
    only = (
        "" if is_everywhere else _("Only for: %(topics)s.") % {"topics": ", ".join(names[pk] for pk in sorted(marked))}
    )
    made = _bare(field)
    made.label = f"{field.name} ({field.unit})" if field.unit else field.name
    made.help_text = " ".join(filter(None, [field.help_text, only]))
    made.required = field.of_customers == CaseField.OfCustomers.MUST and is_everywhere
    made.error_messages["required"] = gettext_lazy("Please fill this in.")
    return made


def _bare(field: CaseField) -> forms.Field:
    offered = [(option.key, option.name) for option in field.options.all() if option.is_active]
    if field.kind == Kind.SEVERAL_OF:
        return forms.MultipleChoiceField(choices=offered, widget=forms.CheckboxSelectMultiple)
    if field.kind == Kind.ONE_OF:
        return forms.ChoiceField(choices=[("", "–"), *offered])
    if field.kind == Kind.YES_NO:
        return forms.ChoiceField(choices=[("", "–"), ("yes", _("yes")), ("no", _("no"))])
    if field.kind == Kind.LONG:
        return forms.CharField(max_length=field_kinds.MOST_LONG, widget=forms.Textarea(attrs={"rows": 4}))
    return forms.CharField(max_length=2000, widget=forms.TextInput(attrs=_LOOKS.get(field.kind, {})))


_LOOKS: dict[str, dict[str, str]] = {
    Kind.NUMBER: {"inputmode": "decimal"},
    Kind.MONEY: {"inputmode": "decimal"},
    Kind.DATE: {"type": "date"},
    Kind.LINK: {"inputmode": "url", "placeholder": "https://"},
}


# --- what was given


def faults(asked: Sequence[CaseField], queue: int, given: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with what a form says for this queue, by the key of the field, in the reader's language."""
    found: dict[str, str] = {}
    for field in asked:
        if not is_asked_in(field, queue):
            continue
        raw = given.get(field.key)
        if raw in (None, "", []):
            if field.of_customers == CaseField.OfCustomers.MUST:
                found[field.key] = _("Please fill this in.")
        elif why := _wrong(field, raw):
            found[field.key] = why
    return found


def wrong(queue: Queue, given: Mapping[str, Any]) -> str:
    """The first thing that is wrong with what a program gives for this queue; "" for nothing. It need not give any."""
    asked = {field.key: field for field in of([queue])} if given else {}
    for key, raw in given.items():
        if key not in asked:
            return _("There is no field “%(key)s” that customers of this queue are asked for.") % {"key": key}
        if why := _wrong(asked[key], raw):
            return f"“fields”: {asked[key].name}: {why}"
    return ""


def _wrong(field: CaseField, raw: Any) -> str:
    try:
        field_kinds.read(Filled(field, [], is_asked=True), raw, ())
    except BadValue as bad:
        return bad.why
    return ""


def fill(case: Case, given: Mapping[str, Any], *, at: datetime, via: str) -> None:
    """Keep what a customer gave on their case, with its event. What is no longer asked there, or no longer fits, since it
    was checked at the door, is left out: the document that holds it stays."""
    asked = {field.key: field for field in of([case.queue])}
    sound = {key: raw for key, raw in given.items() if key in asked and not _wrong(asked[key], raw)}
    if sound:
        fields.fill(case, sound, by=None, at=at, via=via)
