"""The rows that move when two cases become one, and move back (cases.merging). The caller holds both cases' locks."""

from datetime import datetime
from typing import Any

from django.db.models import Model, QuerySet

from cases import fields, issues, tasks
from cases.models import (
    Case,
    CaseMerge,
    Clock,
    Contact,
    Draft,
    Mention,
    Message,
    Notification,
    Promise,
    Reminder,
    SideTalk,
    Task,
    Watch,
)
from cases.models.clock import ANSWER_CLOCKS

_MODELS: tuple[type[Model], ...] = (
    Message, Contact, Promise, Task, Reminder, SideTalk, Mention, Watch, Draft, Clock, Notification,
)  # fmt: skip
Moved = dict[str, Any]  # model → keys that moved; and what give_back needs beside


def move(gone: Case, kept: Case, at: datetime) -> Moved:
    """Move what was said, promised and owed from `gone` to `kept`. Where both run a clock for the same answer, the one
    that is due first goes on: no merge buys us time."""
    moved: Moved = {"versions": dict(gone.messages.values_list("pk", "case_version"))}
    talks = gone.contacts.filter(ended_at=None)
    moved["issue"] = issues.unite(gone, kept)
    moved["talks"] = list(talks.values_list("pk", flat=True))
    talks.update(ended_at=at)
    theirs = _unfinished(gone)
    moving, stopped = _clocks(theirs, _unfinished(kept))
    staying = [clock for clock in theirs if clock not in moving]
    moved["stopped"] = [[clock.pk, clock.is_running] for clock in (*staying, *stopped)]
    for clock in stopped:
        clock.stand_from(at)
        clock.cancelled_at = at
        clock.save()
    _take(moved, gone.messages.all(), kept)
    _take(moved, gone.contacts.all(), kept)
    _take(moved, gone.promises.all(), kept)
    _take(moved, gone.tasks.all(), kept)
    _take(moved, gone.reminders.all(), kept)
    _take(moved, gone.side_talks.all(), kept)
    _take(moved, gone.mentions.all(), kept)
    _take(moved, gone.watches.exclude(user__in=kept.watches.values("user")), kept)
    # Who writes in both finds the other draft beside the composer (cases.drafts.of).
    _take(moved, gone.drafts.exclude(pk__in=_twins(gone, kept)), kept)
    _take(moved, Clock.objects.filter(pk__in=[clock.pk for clock in moving]), kept)
    _take(moved, gone.notifications.unread(), kept)
    tasks.recount([gone, kept])
    moved["fields"] = fields.carry(gone, kept)
    return moved


def give_back(done: CaseMerge) -> list[int]:
    """Exactly what moved, as far as it is still there; the promises among it."""
    promises = Promise.objects.filter(pk__in=done.moved[Promise._meta.label], case=done.kept_id)
    owed = sorted(promises.values_list("pk", flat=True))
    for model in _MODELS:
        rows = model._default_manager.filter(pk__in=done.moved.get(model._meta.label, ()), case=done.kept_id)
        rows.update(case=done.gone_id)
    issues.give_back(done, done.moved.get("issue", {}))
    tasks.recount([done.gone, done.kept])
    fields.take_back(done.kept, done.moved.get("fields", []))
    _renumber(done)
    Contact.objects.filter(pk__in=done.moved["talks"], case=done.gone_id, ended_at=done.at).update(ended_at=None)
    for pk, was_running in done.moved["stopped"]:
        _run_on(pk, done, was_running=was_running)
    return owed


def _take(moved: Moved, rows: QuerySet[Any], kept: Case) -> None:
    keys = sorted(rows.values_list("pk", flat=True))
    rows.model._default_manager.filter(pk__in=keys).update(case=kept)
    moved[rows.model._meta.label] = keys


def news(moved: Moved, version: int) -> None:
    """What came over is new to whoever writes against an earlier version of the case it is in now."""
    Message.objects.filter(pk__in=moved[Message._meta.label]).update(case_version=version)


def _renumber(done: CaseMerge) -> None:
    versions = {int(pk): version for pk, version in done.moved["versions"].items()}
    messages = list(Message.objects.filter(pk__in=versions, case=done.gone_id).only("pk"))
    for message in messages:
        message.case_version = versions[message.pk]
    Message.objects.bulk_update(messages, ["case_version"], batch_size=500)


def _twins(gone: Case, kept: Case) -> list[int]:
    """Drafts of whom there is one of that kind in the kept case."""
    there = set(kept.drafts.values_list("author", "kind"))
    return [draft.pk for draft in gone.drafts.all() if (draft.author_id, draft.kind) in there]


# --- clocks


def _unfinished(case: Case) -> list[Clock]:
    return list(Clock.objects.filter(case=case).unfinished().select_related("calendar_version").order_by("pk"))


def _clocks(theirs: list[Clock], ours: list[Clock]) -> tuple[list[Clock], list[Clock]]:
    """Which clocks of the case that goes go on in the kept one, and which of that one give way to them."""
    moving, stopped = [], []
    for clock in theirs:
        rival = next((mine for mine in ours if _are_alike(mine, clock)), None)
        if rival is None and clock.kind in ANSWER_CLOCKS:
            moving.append(clock)
        elif rival is not None and _is_sooner(clock, rival):
            moving.append(clock)
            stopped.append(rival)
    return moving, stopped


def _are_alike(one: Clock, other: Clock) -> bool:
    return one.kind == other.kind or {one.kind, other.kind} <= set(ANSWER_CLOCKS)


def _is_sooner(clock: Clock, other: Clock) -> bool:
    return clock.due_at is not None and (other.due_at is None or clock.due_at < other.due_at)


def _run_on(pk: int, done: CaseMerge, *, was_running: bool) -> None:
    """A clock that stood still because of the merge counts as if it had not: the customer waited all the same."""
    clock = Clock.objects.select_related("calendar_version").get(pk=pk)
    rivals = Clock.objects.filter(case=clock.case_id, kind=clock.kind).unfinished()
    if clock.cancelled_at != done.at or rivals.exists():
        return
    clock.cancelled_at = None
    if was_running:
        clock.run_from(done.at)
    clock.save()
