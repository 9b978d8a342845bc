"""A case as it would have been: its log is lived through again in memory, with a rule in force.

What the log tells happens again by the rules of the verbs: quiet where it is so already, not at all where it would have
been refused. What the log does not hold (tags, subject, promises, the customer) is as it is now.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cases import transitions
from cases.macro_steps import personal
from cases.models import Case, Macro, Queue, QueueMembership
from cases.models.rule_shape import ASSIGN, HIGHER, NOTE, STATUS, TRANSFER
from cases.rules import expanding
from cases.rules.doing import FOR_ACTIVE, raised, tagged
from crm.models import Event, User

STATUS_KINDS = ("status_changed", "resolved", "reopened", "closed", "marked_spam", "merged", "unmerged")
# What changes how a case stands, as far as the log says how.
STATE_KINDS = ("opened", "claimed", "assigned", "released", "transferred", *STATUS_KINDS, "snoozed", "woken",
               "priority_changed", "message_received", "need_met", "need_unmet")  # fmt: skip
_ENDS = {"resolved": "resolved", "closed": "closed", "spam": "marked_spam", "merged": "merged"}


@dataclass(frozen=True)
class Told:
    """Something that happened, or would have."""

    kind: str
    at: datetime
    event: Event


@dataclass
class House:
    """The queues and people a run of cases speaks of, asked once."""

    queues: dict[int, Queue] = field(default_factory=dict)
    people: dict[int, User] = field(default_factory=dict)
    members: set[tuple[int, int]] = field(default_factory=set)
    macros: dict[int, Macro] = field(default_factory=dict)

    @classmethod
    def open(cls) -> "House":
        members = set(QueueMembership.objects.values_list("queue", "user"))
        queues = Queue.objects.select_related("calendar__current").in_bulk()
        macros = Macro.objects.filter(is_active=True, current__isnull=False).select_related("current")
        people = User.objects.filter(is_active=True).in_bulk()
        return cls(queues, people, members, macros.prefetch_related("queues").in_bulk())

    def macro_for(self, pk: int, queue: int) -> Macro | None:
        """The macro, where it is for cases of this queue and needs nobody."""
        macro = self.macros.get(pk)
        if macro is None or personal(macro.steps):
            return None
        marked = {each.pk for each in macro.queues.all()}
        return macro if not marked or queue in marked else None

    def works_in(self, user: int, queue: int) -> bool:
        person = self.people.get(user)
        return person is not None and (person.is_administrator or (queue, user) in self.members)


class Pretended:
    """One case, from the first event of its log that is known."""

    def __init__(self, case: Case, events: Sequence[Event], house: House) -> None:
        self.house, self.case = house, copy(case)
        self.case._state = copy(case._state)
        self.case._state.fields_cache = dict(case._state.fields_cache)
        self.case.tags = list(case.tags)
        self._begin(events)

    def _begin(self, events: Sequence[Event]) -> None:
        """Every field as it was before the first event that changed it; one that nothing changed is as it is now."""
        first: dict[str, Any] = {}
        for event in events:
            for name, value in _before(event).items():
                first.setdefault(name, value)
        for name, value in first.items():
            setattr(self.case, name, value)
        self._house()

    def _house(self) -> None:
        """Queue and owner as rows, for who asks for more than their keys."""
        case = self.case
        if (queue := self.house.queues.get(case.queue_id)) is not None:
            case.queue = queue
        if case.assignee_id is None or case.assignee_id in self.house.people:
            case.assignee = self.house.people.get(case.assignee_id or 0)

    # --- the log again

    def live(self, event: Event) -> list[Told]:
        """The event as it would happen now, and what comes with it; nothing where it would not."""
        kind = "status" if event.kind in STATUS_KINDS else event.kind
        live = getattr(self, f"_live_{kind}", None)
        if live is None:
            return [Told(event.kind, event.at, event)]
        return [Told(kind, event.at, _as(event, kind, data)) for kind, data in live(event)]

    def _live_status(self, event: Event) -> list[tuple[str, dict[str, Any]]]:
        return self._become(event.data.get("status", ""), event.at)

    def _live_priority_changed(self, event: Event) -> list[tuple[str, dict[str, Any]]]:
        return self._prioritise(event.data["priority"])

    def _live_claimed(self, event: Event) -> list[tuple[str, dict[str, Any]]]:
        free = self.case.assignee_id is None and self.case.is_active
        return self._own("claimed", event.data["assignee"]) if free else []

    def _live_assigned(self, event: Event) -> list[tuple[str, dict[str, Any]]]:
        return self._assign(event.data["assignee"])

    def _live_released(self, _event: Event) -> list[tuple[str, dict[str, Any]]]:
        return self._own("released", None) if self.case.assignee_id else []

    def _live_transferred(self, event: Event) -> list[tuple[str, dict[str, Any]]]:
        return self._move(event.data["queue"])

    def _live_snoozed(self, event: Event) -> list[tuple[str, dict[str, Any]]]:
        return self._snooze(datetime.fromisoformat(event.data["until"]))

    def _live_woken(self, event: Event) -> list[tuple[str, dict[str, Any]]]:
        if self.case.snoozed_until is None:
            return []
        self.case.snoozed_until = None
        return [("woken", dict(event.data))]

    def _live_need_met(self, event: Event) -> list[tuple[str, dict[str, Any]]]:
        if self.case.need_met_event_id is not None:
            return []
        self.case.need_met_event_id = event.pk
        return [("need_met", dict(event.data))]

    def _live_need_unmet(self, event: Event) -> list[tuple[str, dict[str, Any]]]:
        if self.case.need_met_event_id is None:
            return []
        self.case.need_met_event_id = None
        return [("need_unmet", dict(event.data))]

    def _live_message_received(self, event: Event) -> list[tuple[str, dict[str, Any]]]:
        """A customer who writes waits again, wakes the case and brings it back."""
        found = [("message_received", dict(event.data))]
        case = self.case
        case.last_message_at = event.at
        if event.data.get("auto"):
            return found
        if case.waiting_since is None and case.is_active:
            case.waiting_since = event.at
        if case.snoozed_until is not None:
            case.snoozed_until = None
            found.append(("woken", {}))
        if case.status in {transitions.WAITING_CUSTOMER, transitions.WAITING_INTERNAL, transitions.RESOLVED}:
            found += self._become(transitions.OPEN, event.at)
            case.waiting_since = case.waiting_since or event.at
        return found

    # --- what a rule does

    def act(self, action: Mapping[str, Any], at: datetime, version: int) -> list[Told]:
        """One action, and the events it would cause."""
        if not self.case.is_active and action["do"] in FOR_ACTIVE:
            return []
        caused = getattr(self, f"_do_{action['do']}")(action, at)
        return [Told(kind, at, _made(self.case, kind, {**data, "rule_version": version}, at)) for kind, data in caused]

    def _do_priority(self, action: Mapping[str, Any], _at: datetime) -> list[tuple[str, dict[str, Any]]]:
        return self._prioritise(raised(self.case.priority, action["to"]))

    def _do_tag(self, action: Mapping[str, Any], _at: datetime) -> list[tuple[str, dict[str, Any]]]:
        tags = tagged(self.case.tags, action)
        if tags == sorted(self.case.tags):
            return []
        self.case.tags = tags
        return [("tagged", {"count": len(tags)})]

    def _do_assign(self, action: Mapping[str, Any], _at: datetime) -> list[tuple[str, dict[str, Any]]]:
        return self._assign(action["person"])

    def _do_release(self, _action: Mapping[str, Any], _at: datetime) -> list[tuple[str, dict[str, Any]]]:
        return self._own("released", None) if self.case.assignee_id else []

    def _do_transfer(self, action: Mapping[str, Any], _at: datetime) -> list[tuple[str, dict[str, Any]]]:
        queue = self.house.queues.get(action["queue"])
        return self._move(queue.pk) if queue and queue.is_active else []

    def _do_status(self, action: Mapping[str, Any], at: datetime) -> list[tuple[str, dict[str, Any]]]:
        return self._become(action["to"], at)

    def _do_snooze(self, action: Mapping[str, Any], at: datetime) -> list[tuple[str, dict[str, Any]]]:
        return self._snooze(expanding.until(action, at))

    def _do_note(self, _action: Mapping[str, Any], _at: datetime) -> list[tuple[str, dict[str, Any]]]:
        return [] if self.case.status == transitions.MERGED else [("note_added", {})]

    def _do_notify(self, _action: Mapping[str, Any], _at: datetime) -> list[tuple[str, dict[str, Any]]]:
        return [("notified", {})]

    def _do_escalate(self, _action: Mapping[str, Any], _at: datetime) -> list[tuple[str, dict[str, Any]]]:
        return [*self._prioritise(raised(self.case.priority, HIGHER)), ("notified", {})]

    def _do_promise(self, action: Mapping[str, Any], at: datetime) -> list[tuple[str, dict[str, Any]]]:
        due = expanding.until(action, at)
        self.case.promise_due_at = min(due, self.case.promise_due_at or due)
        return [("promise_made", {"due": due.isoformat()})]

    def _do_macro(self, action: Mapping[str, Any], at: datetime) -> list[tuple[str, dict[str, Any]]]:
        """All of it or nothing, as it is when it is run."""
        macro = self.house.macro_for(action["macro"], self.case.queue_id)
        if macro is None or macro.current is None:
            return []
        stood = dict(self.case.__dict__)
        caused = self._all_of(macro, at)
        if caused is None:
            self.case.__dict__.update(stood)
            self._house()
        used = {"macro": macro.pk, "version": macro.current.number}
        return [*caused, ("macro_used", used)] if caused else []

    def _all_of(self, macro: Macro, at: datetime) -> list[tuple[str, dict[str, Any]]] | None:
        try:
            found = expanding.actions(macro.steps, self.case, at)
        except expanding.Passed:
            return None
        caused: list[tuple[str, dict[str, Any]]] = []
        for each in found:
            if not self.case.is_active and each["do"] in FOR_ACTIVE:
                continue
            if self._refuses(each):
                return None
            caused += getattr(self, f"_do_{each['do']}")(each, at)
        return caused

    def _refuses(self, action: Mapping[str, Any]) -> bool:
        """Whether its verb would not merely have nothing to do."""
        case, do = self.case, action["do"]
        if do == STATUS:
            return case.status != action["to"] and not transitions.allowed(case.status, action["to"])
        if do == ASSIGN:
            return case.assignee_id != action["person"] and not self.house.works_in(action["person"], case.queue_id)
        if do == TRANSFER:
            queue = self.house.queues.get(action["queue"])
            return queue is None or not queue.is_active
        return do == NOTE and case.status == transitions.MERGED

    # --- what both do: the rules of the verbs (cases.models.case)

    def _become(self, status: str, at: datetime) -> list[tuple[str, dict[str, Any]]]:
        case, was = self.case, self.case.status
        if not transitions.allowed(was, status):
            return []
        case.status = status
        self._keep_times(was, at)
        went_on = "reopened" if was in {transitions.RESOLVED, transitions.SPAM} else "status_changed"
        return [(_ENDS.get(status, went_on), {"status": status, "was": was})]

    def _keep_times(self, was: str, at: datetime) -> None:
        case = self.case
        if case.status not in {transitions.NEW, transitions.OPEN}:
            case.waiting_since = None
        elif was not in transitions.ACTIVE:
            case.waiting_since, case.need_met_event_id = at, None
        if case.status not in transitions.ACTIVE:
            case.snoozed_until = None

    def _prioritise(self, priority: str) -> list[tuple[str, dict[str, Any]]]:
        was, self.case.priority = self.case.priority, priority
        return [] if was == priority else [("priority_changed", {"priority": priority, "was": was})]

    def _assign(self, user: int) -> list[tuple[str, dict[str, Any]]]:
        case = self.case
        may = case.is_active and case.assignee_id != user and self.house.works_in(user, case.queue_id)
        return self._own("assigned", user) if may else []

    def _own(self, kind: str, user: int | None) -> list[tuple[str, dict[str, Any]]]:
        was, self.case.assignee_id = self.case.assignee_id, user
        self._house()
        return [(kind, {"assignee": user, "was": was} if kind == "assigned" else {"assignee": user or was})]

    def _move(self, queue: int) -> list[tuple[str, dict[str, Any]]]:
        case = self.case
        if case.queue_id == queue or not case.is_active:
            return []
        was, case.queue_id = case.queue_id, queue
        if case.assignee_id and (queue, case.assignee_id) not in self.house.members:
            case.assignee_id = None
        self._house()
        return [("transferred", {"queue": queue, "was": was})]

    def _snooze(self, until: datetime) -> list[tuple[str, dict[str, Any]]]:
        if not self.case.is_active or self.case.snoozed_until == until:
            return []
        self.case.snoozed_until = until
        return [("snoozed", {"until": until.isoformat()})]


def _before(event: Event) -> dict[str, Any]:
    """What an event says of how the case stood before it."""
    data, was = event.data, event.data.get("was")
    if event.kind in STATUS_KINDS:
        return {"status": was} | ({"need_met_event_id": None} if event.kind == "reopened" else {})
    if event.kind == "opened":
        return {"status": transitions.NEW, "assignee_id": None, "snoozed_until": None, "waiting_since": None,
                "need_met_event_id": None, "last_message_at": None}  # fmt: skip
    found: dict[str, dict[str, Any]] = {
        "priority_changed": {"priority": was},
        "claimed": {"assignee_id": None},
        "assigned": {"assignee_id": was},
        "released": {"assignee_id": was},
        "transferred": {"queue_id": was},
        "snoozed": {"snoozed_until": None},
        "need_met": {"need_met_event_id": None},
        "need_unmet": {"need_met_event_id": data.get("was")},
    }
    return found.get(event.kind, {})


def _as(event: Event, kind: str, data: dict[str, Any]) -> Event:
    """The event as it would be told then."""
    if event.kind == kind:
        return event
    told = copy(event)
    told.kind, told.data = kind, data
    return told


def _made(case: Case, kind: str, data: dict[str, Any], at: datetime) -> Event:
    return Event(stream="case", stream_id=case.pk, kind=kind, via="rule", at=at, data=data)
