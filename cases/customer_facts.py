"""What conditions may ask of a customer's dealings with us: their cases, how they felt, what was promised to them. Each in
both forms (docs/conditions.md); registered in cases.customer_hooks."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from cases import transitions
from cases.models import Case, Contact, Message, Promise
from customers.conditions import Collection, Fact, Field
from customers.facts import count, field

# Of what was said only the words that tell a feeling are read.
_FELT = Prefetch(
    "cases__messages", Message.objects.exclude(feeling="").only("case", "feeling", "channel", "at"), "felt"
)
_PROMISED = ("cases__promises",)


def about_cases() -> list[Fact | Collection]:
    return [
        count("open_cases", _("Open cases"), Case.objects.active, _open_cases, ("cases",)),
        count("case_count", _("Cases so far"), _not_spam, _all_cases, ("cases",)),
        Fact("last_contact_at", "time", _("Last contact"), _last_contact, _last_contact_sql, ("contacts",)),
        Fact("last_feeling", "text", _("How they felt last"), _last_feeling, _last_feeling_sql, (_FELT,)),
        count("broken_promises", _("Promises broken"), _broken_rows, _broken, _PROMISED, "case__customer"),
        _cases(),
        _feelings(),
        _promises(),
    ]


def _not_spam() -> QuerySet[Case]:
    return Case.objects.exclude(status=transitions.SPAM)


def _open_cases(customer: Any, _at: datetime) -> int:
    return sum(1 for case in customer.cases.all() if case.is_active)


def _all_cases(customer: Any, _at: datetime) -> int:
    return sum(1 for case in customer.cases.all() if case.status != transitions.SPAM)


def _last_contact(customer: Any, at: datetime) -> datetime | None:
    return max((contact.last_at for contact in customer.contacts.all() if contact.last_at <= at), default=None)


def _last_contact_sql(at: datetime) -> Any:
    newest = Contact.objects.filter(customer=OuterRef("pk"), last_at__lte=at).order_by("-last_at")
    return Subquery(newest.values("last_at")[:1])


def _felt(customer: Any) -> list[Message]:
    return [message for case in customer.cases.all() for message in case.felt]


def _felt_rows() -> QuerySet[Message]:
    return Message.objects.exclude(feeling="")


def _last_feeling(customer: Any, at: datetime) -> str | None:
    newest = max((m for m in _felt(customer) if m.at <= at), key=lambda m: (m.at, m.pk), default=None)
    return newest.feeling if newest else None


def _last_feeling_sql(at: datetime) -> Any:
    said = _felt_rows().filter(case__customer=OuterRef("pk"), at__lte=at).order_by("-at", "-pk")
    return Subquery(said.values("feeling")[:1])


def _promised(customer: Any) -> list[Promise]:
    return [promise for case in customer.cases.all() for promise in case.promises.all()]


def _broken(customer: Any, _at: datetime) -> int:
    return sum(1 for promise in _promised(customer) if promise.state == Promise.State.BROKEN)


def _broken_rows() -> QuerySet[Promise]:
    return Promise.objects.filter(state=Promise.State.BROKEN)


# --- row by row


def _flag(name: str, label: Any, value: Callable[[Any], bool], where: Q) -> Field:
    return Field(
        name,
        "boolean",
        label,
        lambda row, _at: value(row),
        lambda _at: ExpressionWrapper(where, output_field=BooleanField()),
    )


def _cases() -> Collection:
    """Neither spam nor what was merged into another: that is one request, however often it came."""
    uncounted = (transitions.SPAM, transitions.MERGED)
    fields = (
        field("status", "text", _("Status")),
        _flag("is_open", _("Open"), lambda case: case.is_active, Q(status__in=transitions.ACTIVE)),
        field("priority", "text", _("Priority")),
        field("queue", "text", _("Queue"), "queue__name"),
        field("channel", "text", _("Channel")),
        Field("tags", "set", _("Tags"), lambda case, _at: frozenset(case.tags), lambda _at: F("tags")),
        _flag(
            "need_met",
            _("Need met"),
            lambda case: case.need_met_event_id is not None,
            Q(need_met_event__isnull=False),
        ),
        field("opened_at", "time", _("Opened")),
        field("resolved_at", "time", _("Resolved")),
    )

    def rows(customer: Any) -> Iterable[Case]:
        return [case for case in customer.cases.all() if case.status not in uncounted]

    return Collection(
        "cases",
        _("Cases"),
        Case,
        fields,
        rows,
        needs=("cases__queue",),
        moment="opened_at",
        one=_("Case"),
        base=lambda: Case.objects.exclude(status__in=uncounted),
    )


def _feelings() -> Collection:
    fields = (
        field("feeling", "text", _("How they felt")),
        field("channel", "text", _("Channel")),
        field("at", "time", _("Said at")),
    )
    return Collection(
        "feelings",
        _("Feelings noted"),
        Message,
        fields,
        _felt,
        customer="case__customer",
        needs=(_FELT,),
        moment="at",
        one=_("Feeling noted"),
        base=_felt_rows,
    )


def _promises() -> Collection:
    """A promise belongs to the time it was due."""
    fields = (
        field("state", "text", _("State")),
        field("made_at", "time", _("Made")),
        field("due_at", "time", _("Due")),
        field("settled_at", "time", _("Settled")),
    )
    return Collection(
        "promises",
        _("Promises"),
        Promise,
        fields,
        _promised,
        customer="case__customer",
        needs=_PROMISED,
        moment="due_at",
        one=_("Promise"),
    )
