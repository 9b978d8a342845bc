"""What a rule's condition may ask: how the case stands, what happened in it, and everything known of its customer.

The language is the house's (docs/conditions.md), and so is the form: a fact has a value for Python, of an Occasion, and an
expression over Case for the database. Of no event, what happened is unknown.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import (
    BooleanField,
    CharField,
    DateTimeField,
    DecimalField,
    ExpressionWrapper,
    F,
    Q,
    TextField,
    Value,
)
from django.db.models.functions import NullIf
from django.utils.translation import gettext_lazy as _

from cases.hooks import case_facts
from cases.models import Case, Message, Queue, Tag
from crm.models import Event
from customers import facts as of_customers
from customers import resting
from customers.comparisons import Operator, folded_sql, leaf_sql
from customers.conditions import BadCondition, Collection, Condition, Fact, Theirs, compile
from customers.models import Customer
from customers.operands import folded

OF_CUSTOMER = "customer."
log = logging.getLogger(__name__)


@dataclass
class Occasion:
    """A case at the moment something happened in it; without an event, so long after nothing had."""

    case: Case
    at: datetime
    kind: str = ""
    event: Event | None = None

    @property
    def data(self) -> Mapping[str, Any]:
        return self.event.data if self.event else {}

    @cached_property
    def former_tags(self) -> Mapping[str, str]:
        """Names that tags gave up → the names they go by now."""
        return Tag.objects.former()

    @cached_property
    def tags(self) -> frozenset[str]:
        """The case's, by the names they go by now: after a renaming the cases follow in pieces."""
        return frozenset(self.former_tags.get(tag, tag) for tag in self.case.tags)

    @cached_property
    def message(self) -> Message | None:
        """What was said: the words of the event, or those a case was opened with."""
        if pk := self.data.get("message"):
            return Message.objects.filter(pk=pk).first()
        return self.case.messages.order_by("at", "id").first() if self.kind == "opened" else None


def registry() -> dict[str, Fact | Collection]:
    """Every fact by name; ours win over a plugin's of the same name."""
    found: dict[str, Fact | Collection] = {fact.name: fact for fact in own()}
    for fact in resting.gathered(case_facts):
        if fact.name in found:
            log.warning("the fact %s is registered twice; the first stays", fact.name)
        found.setdefault(fact.name, fact)
    return found | {fact.name: fact for fact in _about_customers()}


def compiled(condition: Any, at: datetime) -> Condition:
    """The condition as of that moment. One that speaks of no days and hours, and of no segment, which may come to mean
    something else, is compiled once."""
    text = json.dumps(condition, sort_keys=True)
    fleeting = any(word in text for word in ('_ago"', '_ahead"', '"within_days"', '"segment"'))
    return checked(condition, at) if fleeting else _standing(text, at)


@resting.again
def compiled_and_known(condition: Any, occasion: Occasion) -> tuple[Condition, dict[str, Any]]:
    """The condition, and what is known of what it names; a plugin that fails meanwhile is unknown to both."""
    found = compiled(condition, occasion.at)
    return found, known(occasion, found.names)


def checked(condition: Any, at: datetime, *, saving: bool = False) -> Condition:
    """The condition compiled, as rules ask: of the case, and of its customer. Raises BadCondition."""
    return compile(condition, at=at, among=registry().values(), theirs=_CUSTOMERS, saving=saving)


# A segment is asked of the case's customer; a case of nobody is in none.
_CUSTOMERS = Theirs(OF_CUSTOMER, {"fact": "has_customer", "op": "is", "value": True})


def _standing(text: str, at: datetime) -> Condition:
    if resting.is_anybody() or (kept := _kept.get(text)) is None:
        kept = checked(json.loads(text), at)
        if kept.resting:
            return kept  # the plugin may answer the next time
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[text] = kept
    return kept


_MOST_KEPT = 500
_kept: dict[str, Condition] = {}


def condition_fault(condition: object, at: datetime) -> str:
    """What is wrong with a condition, and where; "" when nothing is."""
    try:
        checked(condition, at, saving=True)
    except BadCondition as bad:
        return str(bad)
    return ""


def known(occasion: Occasion, names: Iterable[str]) -> dict[str, Any]:
    """What is known of the occasion, as far as a condition names it. Raises resting.Rested where a plugin fails to say it."""
    facts, asked = registry(), list(names)
    about = [name.removeprefix(OF_CUSTOMER) for name in asked if name.startswith(OF_CUSTOMER)]
    found = {name: _said(facts[name], occasion) for name in asked if not name.startswith(OF_CUSTOMER)}
    return found | {f"{OF_CUSTOMER}{name}": value for name, value in _of_customer(occasion, about).items()}


def _said(fact: Any, occasion: Occasion) -> Any:
    return resting.said(case_facts, fact, fact.value, occasion, occasion.at)


def _of_customer(occasion: Occasion, names: list[str]) -> dict[str, Any]:
    if not names:
        return {}
    customer = occasion.case.customer
    if customer is None:
        return {name: _nothing(fact) for name, fact in of_customers.registry().items() if name in names}
    return of_customers.load([customer], occasion.at, names=names)[customer.pk]


def _nothing(fact: Fact | Collection) -> Any:
    """What is known of nobody."""
    if isinstance(fact, Collection):
        return []
    return frozenset() if fact.type == "set" else None


def missed(condition: Any, occasion: Occasion, facts: Mapping[str, Any]) -> list[str]:
    """The parts of a condition that did not hold, by their path: of `all` those that did not, else the whole."""
    parts = condition.get("all") if isinstance(condition, dict) else None
    if not parts:
        return [""]
    return [f"all[{n}]" for n, part in enumerate(parts) if not _fits(compiled(part, occasion.at), facts)]


def _fits(part: Condition, facts: Mapping[str, Any]) -> bool:
    """A plugin that did not answer a moment ago may do so now: of its facts nothing was read."""
    return part.names <= facts.keys() and part.holds(facts)


# --- the customer's, asked of their cases


@dataclass(frozen=True)
class _Theirs:
    """A customer's fact as a comparison over Case; a case of nobody has the value of nobody."""

    fact: Fact
    at: datetime

    def compared(self, operator: Operator, operand: Any, negated: bool) -> Q:
        fits = leaf_sql(self.fact.type, operator, self.fact.sql(self.at), operand, False)
        found = Q(customer__in=Customer.objects.filter(fits).values("pk"))
        if operator.holds(_nothing(self.fact), operand):
            found |= Q(customer__isnull=True)
        return ~found if negated else found


def _about_customers() -> list[Fact | Collection]:
    return [_theirs(fact) for fact in of_customers.registry().values()]


def _theirs(fact: Fact | Collection) -> Fact | Collection:
    name = f"{OF_CUSTOMER}{fact.name}"
    if isinstance(fact, Collection):
        return replace(fact, name=name, outer="customer_id")
    return Fact(
        name,
        fact.type,
        fact.label,
        lambda occasion, _at: _of_customer(occasion, [fact.name])[fact.name],
        lambda at: _Theirs(fact, at),
        rests=fact.rests,
    )


# --- ours


def own() -> list[Fact]:
    """What the desk knows of a case, and of what happened."""
    return [*_standing_now(), *_times(), *_happened()]


Value_ = Callable[[Occasion, datetime], Any]


def _standing_now() -> list[Fact]:
    return [
        _column("status", "text", _("Status")),
        _column("priority", "text", _("Priority")),
        Fact("queue", "text", _("Queue"), lambda o, _at: o.case.queue.name, lambda _at: F("queue__name")),
        _column("channel", "text", _("Channel")),
        _column("language", "text", _("Language of the case")),
        Fact(
            "subject",
            "words",
            _("Subject"),
            lambda o, _at: folded(o.case.subject) or None,
            lambda _at: NullIf(folded_sql(F("subject")), Value("", output_field=TextField())),
        ),
        Fact("tags", "set", _("Tags"), lambda o, _at: o.tags, lambda _at: F("tags")),
        _flag("assigned", _("Somebody has it"), lambda o, _at: o.case.assignee_id is not None, "assignee"),
        Fact(
            "assignee",
            "text",
            _("Who has it (user name)"),
            lambda o, _at: o.case.assignee.username if o.case.assignee else None,
            lambda _at: F("assignee__username"),
        ),
        _flag("need_met", _("Need met"), lambda o, _at: o.case.need_met_event_id is not None, "need_met_event"),
        _flag("has_customer", _("Known whose it is"), lambda o, _at: o.case.customer_id is not None, "customer"),
        _flag(
            "promised", _("Something is promised"), lambda o, _at: o.case.promise_due_at is not None, "promise_due_at"
        ),
        Fact(
            "snoozed",
            "boolean",
            _("Snoozed"),
            lambda o, at: o.case.snoozed_until is not None and o.case.snoozed_until > at,
            lambda at: _boolean(Q(snoozed_until__isnull=False, snoozed_until__gt=at)),
        ),
    ]


def _times() -> list[Fact]:
    return [
        _column("opened_at", "time", _("Opened")),
        _column("waiting_since", "time", _("The customer waits since")),
        _column("last_message_at", "time", _("Last words")),
        _column("promise_due_at", "time", _("Next promise due")),
        _column("next_due_at", "time", _("Next service time due")),
        Fact("open_now", "boolean", _("The queue is open"), lambda o, at: _is_open(o.case.queue, at), _open_sql),
    ]


def _happened() -> list[Fact]:
    return [
        _of_event("event", "text", _("What happened"), lambda o, _at: o.kind or None),
        _of_event("event.via", "text", _("By what"), lambda o, _at: o.event.via if o.event else None),
        _of_event("event.reason", "text", _("With which reason"), lambda o, _at: (o.event and o.event.reason) or None),
        _of_event(
            "event.person",
            "text",
            _("By whom (user name)"),
            lambda o, _at: o.event.actor.username if o.event and o.event.actor else None,
        ),
        _of_event("event.was", "text", _("What it was before"), lambda o, _at: _text(o.data.get("was"))),
        _of_event("message", "words", _("Words of the message"), lambda o, _at: _words(o.message)),
        _of_event("message.first", "boolean", _("First message of the case"), lambda o, _at: _is_first(o)),
        _of_event("message.auto", "boolean", _("An automatic mail"), lambda o, _at: _of(o.message, "is_auto")),
        _of_event("message.feeling", "text", _("How the customer felt"), lambda o, _at: _of(o.message, "feeling") or None),
    ]  # fmt: skip


def _column(name: str, kind: str, label: Any) -> Fact:
    def sql(_at: datetime) -> Any:
        return NullIf(F(name), Value("")) if kind == "text" else F(name)

    return Fact(name, kind, label, lambda o, _at: getattr(o.case, name) or None, sql)


def _flag(name: str, label: Any, value: Value_, column: str) -> Fact:
    return Fact(name, "boolean", label, value, lambda _at: _boolean(Q(**{f"{column}__isnull": False})))


def _boolean(condition: Q) -> Any:
    return ExpressionWrapper(condition, output_field=BooleanField())


_UNKNOWN: dict[str, Any] = {
    "text": CharField(null=True),
    "words": TextField(null=True),
    "time": DateTimeField(null=True),
    "number": DecimalField(null=True, max_digits=40, decimal_places=10),
    "boolean": BooleanField(null=True),
}


def _of_event(name: str, kind: str, label: Any, value: Value_) -> Fact:
    return Fact(name, kind, label, value, lambda _at: Value(None, output_field=_UNKNOWN[kind]))


def _is_open(queue: Queue, at: datetime) -> bool:
    """By the queue's own calendar; without one it is open round the clock."""
    version = queue.calendar.current if queue.calendar else None
    return version.open_hours.is_open(at) if version else True


def _open_sql(at: datetime) -> Any:
    queues = Queue.objects.select_related("calendar__current")
    return _boolean(Q(queue__in=[queue.pk for queue in queues if _is_open(queue, at)]))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _words(message: Message | None) -> str | None:
    return (folded(message.new_text) or None) if message else None


def _of(message: Message | None, name: str) -> Any:
    return getattr(message, name) if message else None


def _is_first(occasion: Occasion) -> bool | None:
    message = occasion.message
    if message is None:
        return None
    return not Message.objects.filter(case=message.case_id, direction="inbound", pk__lt=message.pk).exists()
