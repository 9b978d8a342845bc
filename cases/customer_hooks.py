"""What the desk adds to a customer: who may open them, what moves when two prove to be one person, and what was said,
asked and promised in their timeline."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, Max, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases import story, transitions
from cases.customer_facts import about_cases
from cases.models import (
    Acknowledgement,
    Attachment,
    Case,
    Contact,
    Dispatch,
    Draft,
    Issue,
    Message,
    Promise,
    Queue,
    QueueMembership,
    Remedy,
    SurveyAnswer,
    Whisper,
)
from cases.sight import SightRows
from crm.models import Event, User
from customers.hooks import (
    Moved,
    Moves,
    cues,
    customer_access,
    customer_merging,
    facts,
    last_spoken,
    personal_data,
    timeline,
    timeline_kinds,
    touched_by,
)
from customers.models import Customer


@customer_access.register
def who_may_open_whom(user: User) -> Q:
    """Whoever works in a queue may look up anybody, because anybody may ring; what was said stays behind the sight of
    its case. An executive sees those who have a case in a queue they sit in now."""
    if user.is_executive:
        # One by one, so that the planner knows how many cases each queue has.
        queues = list(Queue.objects.visible_to(user).order_by("pk").values_list("pk", flat=True))
        return Q(pk__in=Case.objects.filter(queue__in=queues).order_by().values("customer_id"))
    if user.is_supervisor:
        return Q(pk__isnull=False)
    return Q(Exists(QueueMembership.objects.filter(user=user)))


@customer_merging.register
def what_moves() -> list[Moves]:
    ours = (Issue, Contact, Dispatch, Remedy)
    return [*(Moves(model, "customer") for model in ours), Moves(Case, "customer", _tell_cases)]


def _tell_cases(ids: list[int], why: Moved) -> None:
    """One event a case: it is another record's now, and its screens show that name."""
    for case in Case.objects.filter(pk__in=ids).order_by("pk"):
        case.record(
            "customer_changed",
            by=why.by,
            at=why.at,
            via=why.via,
            reason=why.reason,
            customer=why.customer,
            was=why.was,
        )


# --- the timeline


@timeline_kinds.register
def kinds() -> list[tuple[str, Any]]:
    return [
        ("case", gettext_lazy("Cases")),
        ("message", gettext_lazy("Messages")),
        ("note", gettext_lazy("Notes")),
        ("promise", gettext_lazy("Promises")),
        ("survey", gettext_lazy("Answers to surveys")),
    ]


timeline.register(story.happened, name="cases.happened")
timeline.register(story.said, name=story.SAID)


# --- before one speaks


@last_spoken.register
def we_last_spoke(customer: Customer, user: User) -> datetime | None:
    cases = Case.objects.visible_to(user).filter(customer=customer)
    said = Message.objects.filter(case__in=cases, direction="outbound", taken_back_at=None)
    newest: datetime | None = said.aggregate(at=Max("at"))["at"]
    return newest


@cues.register
def history_in_a_line(customer: Customer, user: User) -> str | None:
    """How many cases, and whether the last promise was kept; one query, it is asked with every card."""
    for many, active, kept, broken in _HISTORY(user, customer.pk):
        if many:
            told = {"all": many, "open": active}
            words = ngettext("%(all)d case, %(open)d open.", "%(all)d cases, %(open)d open.", many) % told
            return " ".join([words, *_last_promise(kept, broken)])
    return None


def _history(user: User, customer: int) -> QuerySet[Any, Any]:
    """How many cases, how many of them open, when a promise was last kept and last broken."""
    settled = "promises__settled_at"
    of_them = Case.objects.visible_to(user).filter(customer=customer).order_by().values("customer")
    return of_them.annotate(
        many=Count("pk", distinct=True, filter=Q(merged_into=None)),
        active=Count("pk", distinct=True, filter=Q(status__in=transitions.ACTIVE)),
        kept=Max(settled, filter=Q(promises__state=Promise.State.KEPT)),
        broken=Max(settled, filter=Q(promises__state=Promise.State.BROKEN)),
    ).values_list("many", "active", "kept", "broken")


_HISTORY = SightRows(_history, int)


def _last_promise(kept: datetime | None, broken: datetime | None) -> list[str]:
    if kept is None and broken is None:
        return []
    is_kept = broken is None or (kept is not None and kept > broken)
    return [_("Last promise kept.") if is_kept else _("Last promise broken.")]


# --- what conditions may ask


facts.register(about_cases, name="cases.facts")


@touched_by.register
def whose_cases(events: Sequence[Event]) -> set[int]:
    """Whose the cases are in which something happened, and whose they were before."""
    keys = {event.stream_id for event in events if event.stream == "case"}
    owners = Case.objects.filter(pk__in=keys, customer__isnull=False).order_by().values_list("customer_id", flat=True)
    moved = (event.data for event in events if event.kind in {"customer_set", "customer_changed"})
    named = (data.get(word) for data in moved for word in ("customer", "was"))
    return {*owners, *(pk for pk in named if type(pk) is int)}


# --- what is personal


@personal_data.register
def columns() -> list[tuple[Any, str, str]]:
    """(model, field, how): blank empties it, delete removes the row."""
    return [
        (Case, "subject", "blank"),
        (Case, "preview", "blank"),
        (Case, "custom", "blank"),
        (Case, "tags", "keep"),
        (Message, "text", "blank"),
        (Message, "html", "blank"),
        (Message, "subject", "blank"),
        (Message, "mail_id", "keep"),
        (Message, "mail_hash", "keep"),
        (Message, "sender_name", "blank"),
        (Message, "next_step", "blank"),
        (Promise, "what", "blank"),
        (Remedy, "override_note", "blank"),
        (Remedy, "decision_note", "blank"),
        (SurveyAnswer, "words", "blank"),
        (Draft, "text", "delete"),
        (Whisper, "text", "blank"),
        (Attachment, "name", "delete"),
        (Attachment, "content_id", "keep"),
        (Acknowledgement, "mailbox", "blank"),
        (Acknowledgement, "domain", "blank"),
        (Dispatch, "address", "blank"),
        (Dispatch, "detail", "blank"),
    ]
