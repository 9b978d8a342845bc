"""Tasks and reminders: done, put in order, told of once, asked about before a case is resolved, carried by merges."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone

from cases import conversation, merging, reminders, tasks
from cases.models import Case, Queue, Reminder, Task
from cases.models.case import Refusal
from crm.models import Event, User
from customers.models import Customer
from tests.api import Caller
from tests.builders import make_case, make_question

HTMX = {"HX-Request": "true"}


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_question(billing, carl, ana)


def told(user: User) -> list[Event]:
    found = Event.objects.filter(kind="notified", reason="reminder").order_by("pk")
    return [event for event in found if user.pk in event.data["people"]]


# --- tasks


def test_a_task_goes_its_way_and_the_case_counts(case: Case, ana: User, lee: User, now: datetime) -> None:
    late, soon = now + timedelta(days=2), now + timedelta(hours=1)
    one = tasks.add(case, what=" Ask   the bank ", by=ana, owner=lee, due_at=late)
    two = tasks.add(case, what="Call her", by=ana, due_at=soon)
    assert (one.what, case.open_tasks, case.task_due_at) == ("Ask the bank", 2, soon)
    tasks.finish(two, by=lee)
    tasks.finish(two, by=ana)  # quiet
    case.refresh_from_db()
    assert (case.open_tasks, case.task_due_at, two.done_by) == (1, late, lee)
    tasks.reopen(two, by=ana)
    tasks.drop(one, by=ana)
    case.refresh_from_db()
    assert (case.open_tasks, case.task_due_at) == (1, soon)
    with pytest.raises(Refusal, match="taken off"):
        tasks.finish(one, by=ana)
    kinds = [kind for kind in Event.objects.order_by("pk").values_list("kind", flat=True) if kind.startswith("task")]
    assert kinds == ["task_added", "task_added", "task_done", "task_undone", "task_dropped"]


def test_what_cannot_be_a_task_is_refused(case: Case, ana: User, ben: User) -> None:
    with pytest.raises(Refusal, match="Say what"):
        tasks.add(case, what="  ", by=ana)
    with pytest.raises(Refusal, match="does not work in Billing"):
        tasks.add(case, what="Look", by=ana, owner=ben)
    assert not Task.objects.exists()


def test_they_are_put_in_order(case: Case, ana: User) -> None:
    made = [tasks.add(case, what=name, by=ana) for name in "abc"]
    tasks.move(made[2], -1, by=ana)
    assert [task.what for task in tasks.open_in(case)] == ["a", "c", "b"]
    tasks.move(made[0], -1, by=ana)  # it is the first already
    tasks.move(made[0], 1, by=ana)
    assert [task.what for task in tasks.open_in(case)] == ["c", "a", "b"]


def test_whose_it_is_hears_once_when_it_is_due(case: Case, ana: User, lee: User, now: datetime) -> None:
    theirs = tasks.add(case, what="Ask", by=ana, owner=lee, due_at=now + timedelta(hours=1))
    tasks.add(case, what="Call", by=lee, due_at=now + timedelta(hours=1))  # of whoever has the case: ana
    assert tasks.tell_due(now + timedelta(minutes=59)) == 0
    later = now + timedelta(hours=1, seconds=1)
    assert [tasks.tell_due(later), tasks.tell_due(later)] == [2, 0]
    assert [len(told(lee)), len(told(ana))] == [1, 1]
    tasks.change(theirs, by=ana, due_at=now + timedelta(hours=3))
    assert tasks.tell_due(now + timedelta(hours=4)) == 1
    assert len(told(lee)) == 2
    tasks.finish(theirs, by=lee)
    assert tasks.tell_due(now + timedelta(days=9)) == 0


def test_my_tasks_are_those_by_name_and_those_of_my_cases_that_i_may_see(
    case: Case, technical: Queue, ana: User, lee: User, ben: User, now: datetime
) -> None:
    first = tasks.add(case, what="Named", by=lee, owner=ana, due_at=now + timedelta(hours=1))
    mine = tasks.add(case, what="Of my case", by=lee)
    tasks.add(case, what="Hers", by=ana, owner=lee)
    done = tasks.add(case, what="Done", by=ana)
    tasks.finish(done, by=ana)
    hidden = make_case(technical)
    tasks.add(hidden, what="Elsewhere", by=ben)
    Task.objects.filter(case=hidden).update(owner=ana)
    assert list(tasks.mine(ana)) == [first, mine]


def test_the_page_of_my_tasks(case: Case, desk: Client, ana: User, now: datetime) -> None:
    empty = desk.get("/tasks/").content.decode()
    assert "You have nothing to do beside answering" in empty
    late = tasks.add(case, what="Ask the bank", by=ana, due_at=now + timedelta(hours=1))
    Task.objects.filter(pk=late.pk).update(due_at=now - timedelta(hours=1))
    tasks.add(case, what="Call her", by=ana)
    reminders.remind(case, ana, at=now + timedelta(days=1), note="Look again")
    page = desk.get("/tasks/").content.decode()
    for words in ("Overdue", "Ask the bank", "Without a time", "Call her", "Look again", f"#{case.number}"):
        assert words in page
    assert page.index("Ask the bank") < page.index("Call her")


def test_the_panel_costs_as_much_however_many_there_are(
    case: Case, desk: Client, ana: User, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for n in range(30):
        task = tasks.add(case, what=f"Task {n}", by=ana, owner=ana)
        if n % 3 == 0:
            tasks.finish(task, by=ana)
    with django_assert_max_num_queries(8):  # session and user included
        page = desk.get(f"/cases/{case.number}/tasks/").content.decode()
    assert "Task 29" in page
    assert "5 done" in page


def test_a_time_left_as_it_was_may_have_passed(case: Case, desk: Client, ana: User, now: datetime) -> None:
    task = tasks.add(case, what="Ask", by=ana, due_at=now + timedelta(hours=1))
    past = (now - timedelta(hours=1)).replace(second=0, microsecond=0)
    Task.objects.filter(pk=task.pk).update(due_at=past)
    page = desk.get(f"/cases/{case.number}/tasks/{task.pk}/").content.decode()
    shown = page.split('name="due_at"')[1].split('value="')[1].split('"')[0]
    sent = {"what": "Ask again", "due_at": shown}
    assert desk.post(f"/cases/{case.number}/tasks/{task.pk}/", sent).status_code == 303
    task.refresh_from_db()
    assert (task.what, task.due_at) == ("Ask again", past)


# --- resolving with something left to do


def test_resolving_asks_what_is_still_to_be_done(case: Case, desk: Client, ana: User) -> None:
    tasks.add(case, what="Ask the bank", by=ana)
    other = tasks.add(case, what="Call her", by=ana)
    address = f"/cases/{case.number}/resolution/"
    answer = desk.post(address, headers=HTMX)
    assert (answer.status_code, answer["X-First"]) == (409, "1")
    assert "2 tasks are still open." in answer.content.decode()
    desk.post(f"/cases/{case.number}/tasks/done/", {"done": other.pk}, headers=HTMX)
    assert "1 task is still open." in desk.post(address, headers=HTMX).content.decode()
    assert desk.post(address, {"tasks_left": "1"}, headers=HTMX).status_code == 200
    case.refresh_from_db()
    assert (case.status, case.open_tasks) == ("resolved", 1)


def test_a_reply_that_resolves_asks_too(case: Case, desk: Client, ana: User) -> None:
    tasks.add(case, what="Ask the bank", by=ana)
    case.refresh_from_db()
    sent = {"kind": "reply", "text": "Done", "against": case.version, "then_status": "resolved"}
    address = f"/cases/{case.number}/messages/"
    assert desk.post(address, sent, headers=HTMX)["X-First"] == "1"
    assert not case.messages.filter(direction="outbound").exists()
    assert desk.post(address, sent | {"tasks_left": "1"}, headers=HTMX)["X-Written"] == "reply"


def test_programs_are_asked_and_may_leave_them(case: Case, ana: User) -> None:
    task = tasks.add(case, what="Ask the bank", by=ana)
    call = Caller(ana)
    refused = call.post(f"cases/{case.number}/resolution/", {})
    assert (refused.status_code, refused.json()["tasks"]) == (409, [task.pk])
    assert call.post(f"cases/{case.number}/status/", {"status": "resolved"}).status_code == 409
    assert call.post(f"cases/{case.number}/resolution/", {"tasks_left": True}).status_code == 200


def test_programs_keep_tasks_and_reminders(case: Case, ana: User, lee: User, now: datetime) -> None:
    call, soon = Caller(ana), (now + timedelta(days=1)).isoformat()
    made = call.post(f"cases/{case.number}/tasks/", {"what": "Ask", "owner": "lee", "due_at": soon})
    assert (made.status_code, made.json()["owner"]) == (201, lee.pk)
    address = f"cases/{case.number}/tasks/{made.json()['id']}/"
    assert call.patch(address, {"done": True, "owner": None}).json()["done_by"] == ana.pk
    assert [row["owner"] for row in call.get(f"cases/{case.number}/tasks/?done=true").json()["results"]] == [None]
    assert call.get(f"cases/{case.number}/tasks/?done=false").json()["results"] == []
    assert call.patch(address, {"done": False}).json()["done_at"] is None
    assert [row["what"] for row in call.get("tasks/").json()["results"]] == ["Ask"]
    assert call.delete(address).status_code == 204
    assert call.get(f"cases/{case.number}/").json()["open_tasks"] == 0
    reminder = call.post(f"cases/{case.number}/reminders/", {"at": soon, "note": "Look"})
    assert reminder.status_code == 201
    assert Caller(lee).get(f"cases/{case.number}/reminders/").json()["results"] == []
    assert call.delete(f"cases/{case.number}/reminders/{reminder.json()['id']}/").status_code == 204


# --- reminders


def test_a_reminder_comes_once_at_its_time(case: Case, ana: User, now: datetime) -> None:
    reminder = reminders.remind(case, ana, at=now + timedelta(hours=1), note="Look")
    assert reminders.remind_due(now + timedelta(minutes=59)) == 0
    later = now + timedelta(hours=1)
    assert [reminders.remind_due(later), reminders.remind_due(later)] == [1, 0]
    (event,) = told(ana)
    assert event.data["reminder"] == reminder.pk
    reminder.refresh_from_db()
    assert reminder.state == "done"


def test_after_an_outage_it_comes_late_and_still_once(case: Case, ana: User, now: datetime) -> None:
    reminders.remind(case, ana, at=now + timedelta(hours=1))
    reminders.remind_due(now + timedelta(days=3))
    reminders.remind_due(now + timedelta(days=3))
    assert len(told(ana)) == 1


@pytest.mark.parametrize("wants", [True, False])
def test_the_customer_s_word_makes_it_needless_where_one_said_so(
    case: Case, ana: User, now: datetime, wants: bool
) -> None:
    reminders.remind(case, ana, at=now + timedelta(hours=1), unless_customer_writes=wants, now=now)
    conversation.add_inbound(case, text="Away", sender=None, channel="mail", at=timezone.now(), is_auto=True)
    assert not reminders.waiting().get().wrote  # a machine's word is none
    conversation.add_inbound(case, text="And?", sender=None, channel="mail", at=timezone.now())
    assert reminders.mine(ana).exists() is not wants
    reminders.remind_due(now + timedelta(hours=2))
    assert (len(told(ana)), Reminder.objects.get().state) == ((0, "moot") if wants else (1, "done"))


def test_who_may_not_see_the_case_any_more_hears_nothing(
    case: Case, technical: Queue, ana: User, sue: User, now: datetime
) -> None:
    reminders.remind(case, ana, at=now + timedelta(hours=1))
    case.transfer(technical, by=sue)
    reminders.remind_due(now + timedelta(hours=2))
    assert (told(ana), Reminder.objects.get().state) == ([], "moot")


def test_one_taken_off_never_comes(case: Case, ana: User, now: datetime) -> None:
    reminder = reminders.remind(case, ana, at=now + timedelta(hours=1))
    reminders.drop(reminder, by=ana)
    reminders.drop(reminder, by=ana)
    assert reminders.remind_due(now + timedelta(hours=2)) == 0
    assert Event.objects.filter(kind="reminder_dropped").count() == 1
    with pytest.raises(Refusal, match="future"):
        reminders.remind(case, ana, at=now - timedelta(hours=1))


def test_a_crash_between_telling_and_marking_is_no_telling(
    case: Case, ana: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    reminders.remind(case, ana, at=now + timedelta(hours=1))

    def dies(*_args: object, **_more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(Reminder, "save", dies)
        reminders.remind_due(now + timedelta(hours=2))
    assert told(ana) == []
    reminders.remind_due(now + timedelta(hours=2))
    assert len(told(ana)) == 1


@pytest.mark.django_db(transaction=True)
def test_several_keepers_at_once_remind_once(case: Case, ana: User, now: datetime) -> None:
    for _n in range(4):
        reminders.remind(case, ana, at=now + timedelta(hours=1))
    barrier = threading.Barrier(4)

    def sweep() -> None:
        try:
            barrier.wait()
            for _turn in range(4):
                reminders.remind_due(now + timedelta(hours=2))
        finally:
            connections.close_all()

    sweeps = [threading.Thread(target=sweep) for _n in range(4)]
    for each in sweeps:
        each.start()
    for each in sweeps:
        each.join()
    reminders.remind_due(now + timedelta(hours=2))
    assert len(told(ana)) == 4


def test_a_case_somebody_works_on_is_left_to_the_next_turn(case: Case, ana: User, now: datetime) -> None:
    reminders.remind(case, ana, at=now + timedelta(hours=1))
    assert tasks.once(case.pk, lambda held: held.pk == case.pk) == 1
    assert tasks.once(0, lambda _held: True) == 0
    assert transaction.get_connection().in_atomic_block


# --- two cases become one


def test_a_merge_takes_them_along_and_its_undoing_gives_them_back(
    billing: Queue, carl: Customer, ana: User, now: datetime
) -> None:
    kept, gone = make_case(billing, customer=carl), make_case(billing, customer=carl)
    tasks.add(kept, what="Ours", by=ana)
    moved = tasks.add(gone, what="Theirs", by=ana, due_at=now + timedelta(hours=1))
    reminders.remind(gone, ana, at=now + timedelta(hours=1))
    done = merging.merge(gone, kept, by=ana)
    assert (kept.open_tasks, kept.task_due_at, gone.open_tasks) == (2, moved.due_at, 0)
    assert reminders.waiting().get().case == kept
    tasks.finish(moved, by=ana)
    merging.undo(done, by=ana)
    for case in (kept, gone):
        case.refresh_from_db()
    assert (kept.open_tasks, gone.open_tasks) == (1, 0)
    assert (gone.tasks.get().done_at is not None, gone.reminders.exists()) == (True, True)
