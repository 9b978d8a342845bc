"""What is filled in about a case: read, checked, kept and found. Which fields there are is `cases.models.field`
(docs/fields.md)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import field_kinds, search
from cases.field_kinds import BadValue as BadValue
from cases.models import Case, CaseField, FieldOption, FieldValue
from crm.models import User
from customers.models import Subscription

Given = Mapping[str, Any]  # by the key of a field: what a form, a program or a file says
_WORDED = (CaseField.Kind.TEXT, CaseField.Kind.LONG, CaseField.Kind.LINK)


@dataclass(frozen=True)
class Filled:
    """One field of a case, with what is in it. `is_asked`: still, and in this case's queue."""

    field: CaseField
    values: list[FieldValue]
    is_asked: bool

    @property
    def is_empty(self) -> bool:
        return not self.values

    @property
    def words(self) -> str:
        return ", ".join(field_kinds.words(self.field, value) for value in self.values)

    @property
    def data(self) -> Any:
        """As the API shows it; None while it is empty."""
        return field_kinds.data(self.field, self.values)

    @property
    def typed(self) -> str:
        """As its input shows it."""
        return field_kinds.typed(self.field, self.values)

    @property
    def chosen(self) -> set[int]:
        return {value.option_id for value in self.values if value.option_id}

    @cached_property
    def options(self) -> list[FieldOption]:
        """What may be chosen: what is offered, and what was chosen when it still was."""
        return [each for each in self.field.options.all() if each.is_active or each.pk in self.chosen]

    @property
    def subscription(self) -> int | None:
        return self.values[0].subscription_id if self.values else None


def of(case: Case) -> list[Filled]:
    """The fields of a case in their order: those asked in its queue, and those no longer asked that hold something.
    Three queries."""
    held: dict[int, list[FieldValue]] = {}
    rows = FieldValue.objects.filter(case=case).select_related("option", "subscription__product").order_by("pk")
    for value in rows:
        held.setdefault(value.field_id, []).append(value)
    asked = CaseField.objects.of(case.queue_id)
    known = _with_options(CaseField.objects.filter(Q(pk__in=held) | Q(pk__in=asked.values("pk"))))
    of_queue = Exists(asked.filter(pk=OuterRef("pk")))
    return [Filled(f, _in_order(held.get(f.pk, [])), f.is_asked) for f in known.annotate(is_asked=of_queue)]


def _in_order(values: list[FieldValue]) -> list[FieldValue]:
    return sorted(values, key=lambda value: (value.option.position, value.option_id) if value.option else (0, 0))


def _with_options(fields: Any) -> Any:
    return fields.prefetch_related(Prefetch("options", FieldOption.objects.order_by("position", "pk")))


def columns() -> dict[str, Any]:
    """Whether there is anything to fill in or to show, read with the case."""
    asked = CaseField.objects.of(OuterRef(OuterRef("queue")))
    return {"has_fields": Exists(asked) | Exists(FieldValue.objects.filter(case=OuterRef("pk")))}


def data(case: Case) -> dict[str, Any]:
    """What is filled in, by the keys of the fields."""
    return {filled.field.key: filled.data for filled in of(case) if not filled.is_empty}


def subscriptions(case: Case) -> list[Subscription]:
    """What a field about a subscription may name: those of the case's customer."""
    if case.customer_id is None:
        return []
    theirs = Subscription.objects.filter(customer=case.customer_id)
    return list(theirs.select_related("product").order_by("-started_on", "pk"))


# --- filling in


@transaction.atomic
def fill(case: Case, given: Given, *, by: User | None, at: datetime | None = None, via: str = "person") -> list[int]:
    """Put in what is given, by the keys of fields; None or "" empties one, what is not named stays. Returns the fields
    that changed; the event says which, not what. Raises BadValue, which names the field."""
    case.lock()
    known = {filled.field.key: filled for filled in of(case)}
    changed = [known[key].field for key, raw in given.items() if _put(case, _named(known, key), raw, at)]
    if not changed:
        return []
    if any(field.kind in _WORDED for field in changed):
        search.index_text(case, words(case))
    numbers = sorted(field.pk for field in changed)
    case.record("fields_filled", by=by, at=at, via=via, fields=numbers)
    return numbers


def _named(known: Mapping[str, Filled], key: str) -> Filled:
    if key not in known:
        raise BadValue(key, _("There is no field “%(key)s” in this queue.") % {"key": key})
    return known[key]


def _put(case: Case, filled: Filled, raw: Any, at: datetime | None) -> bool:
    """Whether that was news. What stays is not written anew, so that a merge's undoing finds what it moved."""
    wanted = field_kinds.read(filled, raw, subscriptions(case) if _is_about(filled, raw) else ())
    now = {value.content for value in filled.values}
    then = {value.content for value in wanted}
    if now == then:
        return False
    FieldValue.objects.filter(pk__in=[v.pk for v in filled.values if v.content not in then]).delete()
    fresh = [value for value in wanted if value.content not in now]
    for value in fresh:
        value.case, value.field, value.set_at = case, filled.field, at or timezone.now()
    FieldValue.objects.bulk_create(fresh)
    return True


def _is_about(filled: Filled, raw: Any) -> bool:
    return filled.field.kind == CaseField.Kind.SUBSCRIPTION and raw not in (None, "")


def words(case: Case) -> str:
    """The texts in its fields, for finding the case by them."""
    held = FieldValue.objects.filter(case=case, field__kind__in=_WORDED).order_by("pk")
    return "\n".join(held.values_list("text", flat=True))


def bring(cases: Sequence[Case]) -> None:
    """Cases from elsewhere: what their `custom` says under the key of a field is filled in there too, where it fits; what
    does not stays in `custom` alone."""
    keys = {key for case in cases for key in case.custom}
    fields = {f.key: f for f in _with_options(CaseField.objects.active().filter(key__in=keys))} if keys else {}
    fresh = [value for case in cases for key, field in fields.items() for value in _brought(case, field, key)]
    FieldValue.objects.bulk_create(fresh, batch_size=1000)


def _brought(case: Case, field: CaseField, key: str) -> Iterable[FieldValue]:
    if case.custom.get(key) in (None, "", []) or field.kind == CaseField.Kind.SUBSCRIPTION:
        return
    try:
        wanted = field_kinds.read(Filled(field, [], is_asked=True), case.custom[key], ())
    except BadValue:
        return
    for value in wanted:
        value.case, value.field, value.set_at = case, field, case.opened_at
        yield value


# --- two cases become one


def carry(gone: Case, kept: Case) -> list[int]:
    """What only the case that goes has filled in, copied into the one that is kept; the keys of the copies."""
    there = FieldValue.objects.filter(case=kept).values("field")
    copies = list(FieldValue.objects.filter(case=gone).exclude(field__in=there).order_by("pk"))
    for value in copies:
        value.pk, value.case = None, kept
    return sorted(value.pk for value in FieldValue.objects.bulk_create(copies))


def take_back(kept: Case, copies: Sequence[int]) -> None:
    """The copies that nobody has changed since."""
    FieldValue.objects.filter(case=kept, pk__in=copies).delete()


# --- finding


class UnknownField(Exception):
    """No field has this key."""


def condition(key: str, op: str, value: str) -> Q:
    """Cases whose field `key` is so. `op` is one of "=", "!=", "<", "<=", ">", ">="; the value is as people type it, and
    "none" is an empty field. Raises UnknownField, or BadValue with a sentence for who typed it."""
    field = _with_options(CaseField.objects.filter(key=key)).first()
    if field is None:
        raise UnknownField(key)
    held = FieldValue.objects.filter(case=OuterRef("pk"), field=field)
    if value.strip().casefold() == "none" and op in {"=", "!="}:
        return Q(Exists(held)) if op == "!=" else ~Q(Exists(held))
    if op == "!=":
        return ~Q(Exists(held.filter(field_kinds.matching(field, "=", value))))
    return Q(Exists(held.filter(field_kinds.matching(field, op, value))))


OPERATORS = ("<=", ">=", "!=", "<", ">", "=")


def typed_condition(term: str) -> Q:
    """The same of one term, as `serial:AB12`, `amount:>=100` or `fault:none`."""
    key, _colon, rest = term.partition(":")
    op = next((each for each in OPERATORS if rest.startswith(each)), "")
    return condition(key.strip(), op or "=", rest.removeprefix(op).strip())
