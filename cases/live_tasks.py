"""Whose page of what they have to do (docs/tasks.md) may read otherwise: a poke in a topic of their own, and the page asks
again. Asked of the rows as they are now, and of what the events say they were: who had a task hears that it went."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from cases.models import Case, Reminder, Task
from crm.live import streams, topics
from crm.live.streams import Fragment, Happening

_TASKS = frozenset({"task_added", "task_changed", "task_done", "task_undone", "task_dropped"})
_REMINDERS = frozenset({"reminder_set", "reminder_dropped"})
_MERGES = frozenset({"merged", "unmerged", "took_in", "gave_back"})
# What changes whose they are, or how the case stands that is named beside them.
_WHOLE = _MERGES | {"assigned", "claimed", "released", "transferred"}
_WHOLE |= {"status_changed", "resolved", "reopened", "closed", "marked_spam", "customer_set"}


@dataclass
class _Rows:
    """What there is to do in the cases the events are of."""

    cases: Mapping[int, tuple[int, int | None]]  # key → number, whose it is
    owners: dict[int, set[int | None]] = field(default_factory=lambda: defaultdict(set))  # of a case's open tasks
    tasks: dict[int, int | None] = field(default_factory=dict)  # task → owner
    reminded: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))  # case → who waits for a reminder


def task_fragments(events: Sequence[Happening], only: Collection[str] | None) -> Iterator[Fragment]:
    """One a person and case, at the latest version that concerns them."""
    wanted = None if only is None else {topic for topic in only if topic.startswith("user.")}
    asked = [event for event in events if _concerns(event)] if wanted is None or wanted else []
    rows = _rows(asked) if asked else _Rows({})
    newest: dict[tuple[str, int], Happening] = {}
    for event in asked:
        if event.stream_id in rows.cases:
            for user in _people(event, rows):
                newest[topics.own(user), rows.cases[event.stream_id][0]] = event
    for (topic, number), event in newest.items():
        if wanted is None or topic in wanted:
            yield Fragment(topic, "case", number, "tasks", event.version, event.kind)


def _concerns(event: Happening) -> bool:
    if event.kind == "notified":
        return event.reason == "reminder"
    return event.kind in _TASKS | _REMINDERS | _WHOLE or event.kind == "message_received"


def _rows(events: Sequence[Happening]) -> _Rows:
    """Three queries, however many there are."""
    cases = Case.objects.filter(pk__in={event.stream_id for event in events})
    found = _Rows({pk: (number, owner) for pk, number, owner in cases.values_list("pk", "number", "assignee")})
    whole = {event.stream_id for event in events if event.kind in _WHOLE}
    named = {event.data["task"] for event in events if event.kind in _TASKS}
    rows = Task.objects.filter(Q(case__in=whole, done_at=None, dropped_at=None) | Q(pk__in=named))
    for pk, case, owner, done, dropped in rows.values_list("pk", "case", "owner", "done_at", "dropped_at"):
        found.tasks[pk] = owner
        if done is None and dropped is None:
            found.owners[case].add(owner)
    waiting = Reminder.objects.filter(state=Reminder.State.WAITING)
    spoken = whole | {event.stream_id for event in events if event.kind == "message_received"}
    for case, user in waiting.filter(case__in=spoken).values_list("case", "user"):
        found.reminded[case].add(user)
    return found


def _people(event: Happening, rows: _Rows) -> set[int]:
    """Whose page it changes."""
    assignee = rows.cases[event.stream_id][1]
    if event.kind == "notified":
        found: set[Any] = set(event.data["people"])
    elif event.kind in _REMINDERS:
        found = {event.actor_id}
    elif event.kind in _TASKS:
        found = {rows.tasks.get(event.data["task"]) or assignee, *_was(event, assignee)}
    else:
        found = rows.reminded[event.stream_id] | (_of_whole(event, rows, assignee) if event.kind in _WHOLE else set())
    return {user for user in found if user}


def _was(event: Happening, assignee: int | None) -> set[int | None]:
    """Whose it was before it was given to somebody else: nobody's is of whoever has the case."""
    return {event.data["was"] or assignee} if "was" in event.data else set()


def _of_whole(event: Happening, rows: _Rows, assignee: int | None) -> set[int | None]:
    owners = rows.owners[event.stream_id]
    if None not in owners and event.kind not in _MERGES:
        return owners
    people = {assignee} | {event.data.get(key) for key in ("assignee", "had")}
    return owners | people | ({event.data.get("was")} if event.kind in {"assigned", "released"} else set())


streams.register("case", fragments=task_fragments)
