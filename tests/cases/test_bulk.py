"""Many cases at once: each exactly once, what changed meanwhile left out with the reason, taken back for a day."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone

from cases import bulk, conversation, transitions
from cases.bulk_actions import ACTIONS, BY_HAND
from cases.hooks import resolve_checks
from cases.models import Bulk, Case, Queue
from cases.models.case import Refusal
from crm.models import Event, User
from tests.cases.many import begin, finish, fresh, some, told

pytestmark = pytest.mark.django_db
AT = timezone.now()


# --- what each does, and takes back

WANTED: dict[str, dict[str, Any]] = {
    "take": {},
    "assign": {"to": "lee"},
    "release": {},
    "transfer": {"queue": "technical"},
    "status": {"status": "waiting_internal"},
    "priority": {"priority": "urgent"},
    "tag": {"tags": "Refund, vip"},
    "untag": {"tags": ["old"]},
    "snooze": {"until": "in 2 h"},
    "wake": {},
}
FIELDS = ["assignee_id", "queue_id", "status", "priority", "tags", "snoozed_until", "waiting_since"]


def stand(case: Case) -> dict[str, Any]:
    return {field: getattr(case, field) for field in FIELDS}


@pytest.mark.parametrize("action", WANTED)
def test_each_action_is_done_to_every_case_and_taken_back(
    billing: Queue, technical: Queue, ana: User, lee: User, action: str
) -> None:
    given = {name: {"lee": lee.pk, "technical": technical.pk}.get(str(v), v) for name, v in WANTED[action].items()}
    began = {"tags": ["old"], "waiting_since": AT}
    if action == "release":
        began |= {"assignee": lee}
    if action == "wake":
        began |= {"snoozed_until": AT + timedelta(days=1)}
    cases = some(billing, 2, **began)
    before = [stand(case) for case in fresh(cases)]
    task = finish(begin(ana, action, cases, **given))
    assert (task.state, told(task)) == (Bulk.State.DONE, [("done", "")] * 2)
    after = [stand(case) for case in fresh(cases)]
    assert all(was != now for was, now in zip(before, after, strict=True))
    bulk.undo(task, by=ana, at=timezone.now())
    finish(task)
    assert (task.state, told(task)) == (Bulk.State.UNDONE, [("undone", "")] * 2)
    assert [stand(case) for case in fresh(cases)] == before
    kinds = Event.objects.filter(stream="case", stream_id=cases[0].pk, via="bulk").values_list("actor", flat=True)
    assert set(kinds) == {ana.pk}


def test_every_action_is_tried() -> None:
    """What a macro does and gives back is in test_bulk_macros."""
    assert set(WANTED) | {"macro"} == set(ACTIONS)
    assert set(Case.Status.values) >= BY_HAND


@pytest.mark.parametrize("was", ["new", *transitions.ACTIVE[1:]])
@pytest.mark.parametrize("wanted", ["resolved", "spam", "waiting_customer"])
def test_a_status_goes_back_to_where_it_was(billing: Queue, ana: User, was: str, wanted: str) -> None:
    (case,) = some(billing, 1, status=was, waiting_since=AT if was in {"new", "open"} else None)
    task = finish(begin(ana, "status", [case], status=wanted))
    if told(task)[0][0] == "skipped":  # no such step in the table, or it stands so
        assert was == wanted or not transitions.allowed(was, wanted)
        return
    bulk.undo(task, by=ana, at=timezone.now())
    finish(task)
    (now,) = fresh([case])
    assert now.status == ("open" if was == "new" else was)
    assert now.waiting_since == case.waiting_since


# --- what is left out


def test_what_somebody_changed_since_is_left_out_and_says_who(billing: Queue, ana: User, lee: User) -> None:
    cases = some(billing, 4)
    task = begin(ana, "assign", cases, to=lee.pk)
    cases[0].claim(by=lee)
    cases[1].set_priority("high", by=lee)  # another thing
    cases[2].release(by=ana)
    Case.objects.get(pk=cases[3].pk).resolve(by=lee)
    finish(task)
    assert told(task) == [
        ("skipped", "Lee Hart has changed it since."),
        ("done", ""),
        ("done", ""),
        ("skipped", f"Case #{cases[3].number} is resolved."),
    ]


def test_what_was_another_case_on_the_screen_already_is_left_out(billing: Queue, ana: User, lee: User) -> None:
    (case,) = some(billing, 1)
    seen = {case.number: case.version}
    case.set_priority("high", by=lee)
    task = bulk.begin("priority", {"priority": "low"}, Case.objects.filter(pk=case.pk), by=ana, at=AT, seen=seen)
    finish(task)
    assert told(task) == [("skipped", "Lee Hart has changed it since.")]
    assert fresh([case])[0].priority == "high"


def test_who_has_just_written_is_not_resolved(billing: Queue, ana: User) -> None:
    cases = some(billing, 2)
    task = begin(ana, "status", cases, status="resolved")
    conversation.add_inbound(cases[0], text="Wait!", sender=None, channel="mail", at=timezone.now())
    finish(task)
    assert told(task) == [("skipped", "The customer has written since."), ("done", "")]


def test_what_forbids_resolving_one_forbids_it_here(billing: Queue, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve_checks, "collect", lambda case, user: ["Say why first."])
    task = finish(begin(ana, "status", some(billing, 1), status="resolved"))
    assert told(task) == [("skipped", "Say why first.")]


def test_roles_are_asked_case_by_case(billing: Queue, technical: Queue, ana: User, ben: User) -> None:
    mine, moved, elsewhere = *some(billing, 2), *some(technical, 1)
    task = begin(ana, "priority", [mine, moved, elsewhere], priority="high")
    assert (task.total, task.missing) == (2, 1)
    moved.transfer(technical, by=ana)
    finish(task)
    assert told(task) == [("done", ""), ("skipped", "You may not see it any more.")]
    assert fresh([elsewhere])[0].priority == "normal"


def test_who_is_let_go_in_the_middle_changes_nothing_more(billing: Queue, ana: User) -> None:
    cases = some(billing, 2)
    task = begin(ana, "priority", cases, priority="high")
    billing.dismiss(ana, by=None)
    finish(task)
    assert {state for state, _why in told(task)} == {"skipped"}
    assert {case.priority for case in fresh(cases)} == {"normal"}


def test_what_is_so_already_has_no_event(billing: Queue, ana: User) -> None:
    (case,) = some(billing, 1, priority="high")
    task = finish(begin(ana, "priority", [case], priority="high"))
    assert told(task) == [("skipped", "It was so already.")]
    assert not Event.objects.filter(stream="case", stream_id=case.pk).exists()


def test_what_cannot_be_meant_begins_nothing(billing: Queue, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = some(billing, 3)
    for action, given in [
        ("fly", {}),
        ("assign", {"to": 0}),
        ("assign", {}),
        ("transfer", {"queue": "x"}),
        ("status", {"status": "merged"}),
        ("priority", {"priority": "enormous"}),
        ("tag", {"tags": " , "}),
        ("snooze", {"until": "yesterday"}),
    ]:
        with pytest.raises(Refusal):
            begin(ana, action, cases, **given)
    with pytest.raises(Refusal, match="Nothing is chosen"):
        begin(ana, "take", [])
    monkeypatch.setattr(bulk, "MOST", 2)
    with pytest.raises(Refusal, match="more than 2"):
        begin(ana, "take", cases)
    assert not Bulk.objects.exists()


# --- exactly once


def test_whoever_dies_in_the_middle_has_done_nothing_of_what_was_under_lock(
    billing: Queue, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "SLICE", 2)
    cases = some(billing, 5)
    task = begin(ana, "tag", cases, tags="x")
    real, calls = Case.set_tags, []

    def dies(case: Case, *args: Any, **kwargs: Any) -> None:
        real(case, *args, **kwargs)
        calls.append(case.pk)
        if len(calls) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(Case, "set_tags", dies)
    with pytest.raises(KeyboardInterrupt):
        bulk.sweep(timezone.now())
    assert [state for state, _why in told(task)] == ["done", "done", "waiting", "waiting", "waiting"]
    assert [case.tags for case in fresh(cases)] == [["x"], ["x"], [], [], []]
    finish(task)
    assert [case.tags for case in fresh(cases)] == [["x"]] * 5
    assert Event.objects.filter(stream="case", kind="tagged").count() == 5


def test_one_that_breaks_is_left_out_and_holds_up_no_other(
    billing: Queue, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = some(billing, 3)
    task = begin(ana, "tag", cases, tags="x")
    real = Case.set_tags

    def breaks(case: Case, *args: Any, **kwargs: Any) -> None:
        real(case, *args, **kwargs)
        if case.pk == cases[1].pk:
            raise ValueError

    monkeypatch.setattr(Case, "set_tags", breaks)
    finish(task)
    assert [state for state, _why in told(task)] == ["done", "skipped", "done"]
    assert [case.tags for case in fresh(cases)] == [["x"], [], ["x"]]


@pytest.mark.django_db(transaction=True)
def test_two_keepers_do_each_case_once(billing: Queue, ana: User) -> None:
    cases = some(billing, 30)
    task = begin(ana, "tag", cases, tags="x")
    failed: list[BaseException] = []

    def keeper() -> None:
        try:
            for _ in range(40):
                if not bulk.sweep(timezone.now()) and not Bulk.objects.filter(state="running").exists():
                    break
        except BaseException as error:  # noqa: BLE001 - whatever it was, the test says it
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=keeper) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    finish(task)
    assert told(task) == [("done", "")] * 30
    assert Event.objects.filter(stream="case", kind="tagged").count() == 30


def test_several_changes_go_on_beside_each_other(billing: Queue, ana: User, lee: User) -> None:
    first = begin(ana, "tag", some(billing, 30), tags="x")
    second = begin(lee, "tag", some(billing, 2), tags="y")
    bulk.sweep(timezone.now())
    assert bulk.how_far([first, second])[second.pk]["done"] == 2
    assert 0 < bulk.how_far([first])[first.pk]["done"] < 30


# --- stopped, undone


def test_stopped_means_that_the_rest_stays_as_it_is(billing: Queue, ana: User, lee: User) -> None:
    cases = some(billing, 25)
    task = begin(ana, "tag", cases, tags="x")
    with pytest.raises(PermissionDenied):
        bulk.cancel(task, by=lee, at=AT)
    with pytest.raises(Refusal, match="stop it first"):
        bulk.undo(task, by=ana, at=timezone.now())
    bulk.sweep(timezone.now())
    bulk.cancel(task, by=ana, at=timezone.now())
    finish(task)
    assert task.state == Bulk.State.CANCELLED
    counts = bulk.how_far([task])[task.pk]
    assert (counts["done"], counts["skipped"]) == (bulk.BATCH, 25 - bulk.BATCH)
    bulk.undo(task, by=ana, at=timezone.now())
    finish(task)
    assert [case.tags for case in fresh(cases)] == [[]] * 25


def test_undo_keeps_what_somebody_changed_since(billing: Queue, technical: Queue, ana: User, lee: User) -> None:
    cases = some(billing, 3, tags=["was"])
    owners = finish(begin(ana, "assign", cases, to=lee.pk))
    tags = finish(begin(ana, "tag", cases, tags="was, x"))
    Case.objects.get(pk=cases[0].pk).release(by=lee)
    Case.objects.get(pk=cases[1].pk).set_tags(["was", "x", "mine"], by=lee)
    for task in (owners, tags):
        bulk.undo(task, by=ana, at=timezone.now())
        finish(task)
    assert told(owners) == [("kept", "Lee Hart has changed it since."), ("undone", ""), ("undone", "")]
    assert [(case.assignee, case.tags) for case in fresh(cases)] == [
        (None, ["was"]),
        (None, ["mine", "was"]),
        (None, ["was"]),
    ]


def test_what_was_moved_out_of_sight_is_fetched_back(billing: Queue, technical: Queue, ana: User) -> None:
    cases = some(billing, 2, assignee=ana)
    task = finish(begin(ana, "transfer", cases, queue=technical.pk))
    assert not Case.objects.visible_to(ana).exists()
    bulk.undo(task, by=ana, at=timezone.now())
    finish(task)
    assert {(case.queue_id, case.assignee_id) for case in fresh(cases)} == {(billing.pk, ana.pk)}


def test_a_day_later_nothing_is_undone(billing: Queue, ana: User) -> None:
    task = finish(begin(ana, "take", some(billing, 1)))
    with pytest.raises(Refusal, match="for a day"):
        bulk.undo(task, by=ana, at=timezone.now() + timedelta(hours=25))
    assert not bulk.may_undo(task, 1, timezone.now() + timedelta(hours=25))
