"""A case told from its events alone, and what must hold of it (test_case_machine.py)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from cases import transitions
from cases.models import Case, Clock, Dispatch, Message, Promise
from cases.models.clock import ANSWER_CLOCKS
from crm.models import Event

MACHINES = {"clock", "system", "channel", "rule", "import"}
STATUS = {"status_changed", "resolved", "reopened", "closed", "marked_spam", "merged"}
JOINED = {"merged", "took_in", "gave_back", "unmerged"}
PARTED = {"gave_back", "unmerged"}  # each says how its case stands
PROMISES = {"promise_made": "open", "promise_kept": "kept", "promise_moved": "moved", "promise_broken": "broken"}
SENDING = {
    "reply_written", "taken_back", "sent", "send_failed", "send_unknown", "send_suppressed", "send_retried",
    "message_delivered", "message_read",
}  # fmt: skip
SAID = {"message_received", "reply_written", "note_added"}

# What may change a column of a case. Columns that only mirror others (the order, the words) move with those.
EXPLAINED_BY = {
    "status": STATUS | PARTED,
    "assignee_id": {"claimed", "assigned", "released", "transferred"} | PARTED,
    "queue_id": {"transferred"},
    "priority": {"priority_changed"} | PARTED,
    "tags": {"tagged"} | PARTED,
    "customer_id": {"customer_changed", "customer_set"},
    "snoozed_until": {"snoozed", "woken", "resolved", "closed", "marked_spam"} | JOINED,
    "waiting_since": {"message_received", *STATUS} | JOINED,
    "resolved_at": {"resolved", "reopened"},
    "closed_at": {"closed"},
    "send_state": SENDING | JOINED,
    "send_reason": SENDING | JOINED,
    "preview": SAID | JOINED,
    "last_message_at": SAID | JOINED,
}
TELLING = {"opened", "transferred", "priority_changed", "claimed", "assigned", "customer_changed", "customer_set"}
DISPATCH = {*SENDING, "send_delayed", "reply_released", "answer_released", "acknowledged", "acknowledgement_settled"}

Snapshot = dict[tuple[str, int], dict[str, Any]]


def everything() -> Snapshot:
    """What people can see of every case, row by row."""
    columns = {
        Case: [*EXPLAINED_BY, "version"],
        Promise: ["state", "case_id"],
        Message: ["taken_back_at", "released_at", "case_id", "text"],
        Clock: ["due_at", "met_at", "breached_at", "cancelled_at", "warned_at", "case_id"],
        Dispatch: ["state", "released_at", "message__case_id", "acknowledgement__case_id"],
    }
    return {
        (model.__name__, row["pk"]): row
        for model, names in columns.items()
        for row in model._default_manager.values("pk", *names)
    }


# --- what one step wrote


def check_written(events: Sequence[Event]) -> None:
    """One actor, or the machine that did it; a machine that moves a case says why."""
    for event in events:
        if event.actor_id is None:
            assert event.via in MACHINES, f"{event}: nobody did it"
            assert event.reason or event.kind not in {*STATUS, "woken"}, f"{event}: for no reason"
        else:
            assert event.via not in MACHINES - {"import"}, f"{event}: a person and a machine"


def check_explained(before: Snapshot, after: Snapshot, events: Sequence[Event]) -> None:
    """Every visible change of a case stands in an event of that case, and versions count its events."""
    kinds: dict[int, Counter[str]] = defaultdict(Counter)
    for event in events:
        if event.stream == "case":
            kinds[event.stream_id][event.kind] += 1
    for (model, pk), row in after.items():
        was = before.get((model, pk), {})
        if model == "Case":
            _check_case(was, row, kinds[pk])
        elif changed := {name for name in row if row[name] != was.get(name)}:
            _check_part(model, was, row, changed, kinds)


def _check_case(was: dict[str, Any], row: dict[str, Any], kinds: Counter[str]) -> None:
    assert row["version"] - was.get("version", 0) == kinds.total(), "an event without its version, or the other way"
    for column, causes in EXPLAINED_BY.items() if was else ():
        if row[column] != was[column]:
            assert kinds.keys() & causes, f"{column} changed from {was[column]} to {row[column]} without a word"


def _check_part(
    model: str, was: dict[str, Any], row: dict[str, Any], changed: set[str], kinds: dict[int, Counter[str]]
) -> None:
    case = next(filter(None, map(row.get, ("case_id", "message__case_id", "acknowledgement__case_id"))), None)
    told = kinds[case].keys() if case else set()
    causes = {
        "Promise": {*PROMISES, *JOINED},
        "Message": {*SAID, *DISPATCH, *JOINED},
        "Dispatch": DISPATCH | JOINED,
    }.get(model)
    on_its_way = model == "Dispatch" and {was.get("state"), row["state"]} <= {"held", "claimed"}
    if causes and not on_its_way:
        assert told & causes, f"{model} changed ({changed}: {was} to {row}) without a word"
    if model == "Clock" and "breached_at" in changed and row["breached_at"]:
        assert "sla_breached" in told, "a breach without its event"


# --- the whole story


def check_told(case: Case, events: Sequence[Event]) -> None:
    """Replayed from its events, the case stands as its row says."""
    assert [event.version for event in events] == list(range(1, case.version + 1)), "a hole in the story"
    told = _replayed(events)
    row = {
        "status": case.status,
        "queue": case.queue_id,
        "priority": case.priority,
        "assignee": case.assignee_id,
        "snoozed": case.snoozed_until.isoformat() if case.snoozed_until else None,
    }
    assert {name: told[name] for name in row} == row
    assert told["customer"] in {None, case.customer_id}
    assert told["promises"] == dict(Promise.objects.filter(case=case).values_list("pk", "state"))


def _replayed(events: Iterable[Event]) -> dict[str, Any]:
    told: dict[str, Any] = {"status": "new", "assignee": None, "snoozed": None, "customer": None, "promises": {}}
    for event in events:
        _check_chained(told, event)
        _retell(told, event)
        if event.kind in PROMISES:
            _retell_promise(told["promises"], event)
        if event.kind in JOINED:
            _hand_over(told, event)
    return told


def _check_chained(told: dict[str, Any], event: Event) -> None:
    """What an event says it found is what the one before left, and it did change it."""
    columns = {
        **dict.fromkeys(STATUS, "status"),
        "priority_changed": "priority",
        "transferred": "queue",
        "assigned": "assignee",
        "released": "assignee",
    }
    if column := columns.get(event.kind):
        assert event.data["was"] == told[column], f"{event} found another {column}"
        assert event.data.get(column) != told[column], f"{event} changed nothing"
    if event.kind == "claimed":
        assert told["assignee"] is None, "claimed though somebody had it"
    if event.kind == "customer_set":
        assert told["customer"] is None, "given to a customer though it was another's"
    if event.kind in STATUS:
        assert transitions.allowed(event.data["was"], event.data["status"])


def _retell(told: dict[str, Any], event: Event) -> None:
    kind, data = event.kind, event.data
    if kind in STATUS:
        told["status"] = data["status"]
        told["snoozed"] = told["snoozed"] if data["status"] in transitions.ACTIVE else None
    elif kind in TELLING:
        told |= {name: data[name] for name in ("queue", "priority", "assignee", "customer") if name in data}
    elif kind == "released":
        told["assignee"] = None
    elif kind in {"snoozed", "woken"}:
        told["snoozed"] = data.get("until")
    elif kind in PARTED:
        told |= {name: data[name] for name in ("status", "assignee", "priority")} | {"snoozed": data["snoozed_until"]}


def _hand_over(told: dict[str, Any], event: Event) -> None:
    """Promises come with a merge and go with its undoing, as they stand."""
    if event.kind in {"took_in", "unmerged"}:
        told["promises"] |= dict(Promise.objects.filter(pk__in=event.data["promises"]).values_list("pk", "state"))
    else:
        told["promises"] = {pk: s for pk, s in told["promises"].items() if pk not in event.data["promises"]}


def _retell_promise(states: dict[int, str], event: Event) -> None:
    pk = event.data["promise"]
    was, now = states.get(pk), PROMISES[event.kind]
    assert (was is None) == (now == "open"), f"{event}: promise {pk} was {was}"
    assert was in {None, "open"} or (was, now) == ("broken", "kept"), f"{event}: promise {pk} was {was}"
    states[pk] = now
    if event.kind == "promise_moved":
        states[event.data["to"]] = "open"


# --- clocks and the order of the list


def check_clock(case: Case, clock: Clock) -> None:
    """It runs only while the case is worked on; where it is over, nothing is left open."""
    assert (clock.due_at is not None) == clock.is_running, "due, and not running"
    if case.status not in transitions.ACTIVE:
        assert not clock.is_running, f"a clock runs in a case that is {case.status}"
    if case.status in {*transitions.FINAL, transitions.SPAM}:
        assert clock.is_finished, f"a clock is open in a case that is {case.status}"
    pauses = case.status in clock.policy_version.pause_statuses
    if not clock.is_finished and case.status in transitions.ACTIVE and not pauses:
        assert clock.is_running, f"a clock stands still in a case that is {case.status}"
    if clock.is_running and pauses:
        assert clock.kind in ANSWER_CLOCKS, f"{clock.kind} runs in a case that is {case.status}"


def check_order(case: Case, running: Iterable[Clock], open_promises: Iterable[Promise]) -> None:
    """What the list is ordered by is what falls due first."""
    clock = min((c.due_at for c in running if c.due_at), default=None)
    promise = min((p.due_at for p in open_promises), default=None)
    assert (case.next_due_at, case.promise_due_at) == (clock, promise)
    assert case.attention_at == min((at for at in (clock, promise) if at), default=None)
