"""The page of what one has to do hears of what is added, done, given and taken by others, and nobody else hears of it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import conversation, live_tasks, merging, reminders, tasks
from cases.models import Case, Queue, Task
from crm.live import log
from crm.models import User
from customers.models import Customer
from tests.builders import make_case, make_question
from tests.cases.told import heard, number_events, signed_in


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_question(billing, carl, ana)


def poked(do: Callable[[], object], *people: User) -> list[bool]:
    """Whose page of tasks asks again after this."""
    before = number_events()
    do()
    until = number_events()
    return [any(said["part"] == "tasks" for said in heard(user, before, until)) for user in people]


def test_what_others_do_to_a_task_of_mine_reaches_me_alone(case: Case, ana: User, lee: User, now: datetime) -> None:
    theirs = tasks.add(case, what="Ask", by=ana, owner=lee)
    assert poked(lambda: tasks.add(case, what="Call", by=ana, owner=lee), lee, ana) == [True, False]
    assert poked(lambda: tasks.change(theirs, by=ana, due_at=now + timedelta(hours=1)), lee, ana) == [True, False]
    assert poked(lambda: tasks.change(theirs, by=lee, owner=ana), lee, ana) == [True, True]
    assert poked(lambda: tasks.change(theirs, by=lee, owner=None), lee, ana) == [False, True]
    assert poked(lambda: tasks.finish(theirs, by=lee), lee, ana) == [False, True]
    assert poked(lambda: tasks.reopen(theirs, by=lee), lee, ana) == [False, True]
    assert poked(lambda: tasks.drop(theirs, by=lee), lee, ana) == [False, True]


def test_a_task_of_nobody_goes_with_the_case(case: Case, technical: Queue, ana: User, lee: User, sue: User) -> None:
    tasks.add(case, what="Ask", by=ana)
    assert poked(lambda: case.assign(lee, by=sue), ana, lee, sue) == [True, True, False]
    assert poked(lambda: case.transfer(technical, by=sue), ana, lee) == [False, True]
    assert not tasks.mine(lee).exists()


def test_a_task_by_name_hears_where_its_case_goes(
    case: Case, technical: Queue, ana: User, lee: User, sue: User
) -> None:
    tasks.add(case, what="Ask", by=ana, owner=lee)
    assert poked(lambda: case.change_status("waiting_customer", by=ana), lee, ana) == [True, False]
    assert poked(lambda: case.transfer(technical, by=sue), lee) == [True]


def test_a_reminder_is_there_and_gone_in_every_window_of_mine(case: Case, ana: User, lee: User, now: datetime) -> None:
    def remind() -> reminders.Reminder:
        return reminders.remind(case, ana, at=now + timedelta(hours=1))

    assert poked(remind, ana, lee) == [True, False]
    assert poked(lambda: reminders.remind_due(now + timedelta(hours=2)), ana, lee) == [True, False]
    one = remind()
    assert poked(lambda: reminders.drop(one, by=ana), ana, lee) == [True, False]
    remind()
    word = {"text": "And?", "sender": None, "channel": "mail"}
    assert poked(lambda: conversation.add_inbound(case, at=timezone.now(), **word), ana, lee) == [True, False]


def test_what_falls_due_moves_up(case: Case, ana: User, now: datetime) -> None:
    tasks.add(case, what="Ask", by=ana, due_at=now + timedelta(hours=1))
    assert poked(lambda: tasks.tell_due(now + timedelta(hours=2)), ana) == [True]


def test_merging_takes_them_from_one_to_the_other(
    billing: Queue, carl: Customer, ana: User, lee: User, sue: User
) -> None:
    kept, gone = make_case(billing, customer=carl), make_case(billing, customer=carl)
    kept.assign(ana, by=sue)
    gone.assign(lee, by=sue)
    tasks.add(gone, what="Ask", by=lee)
    assert poked(lambda: merging.merge(gone, kept, by=sue), ana, lee) == [True, True]
    assert poked(lambda: merging.undo(kept.merges_in.get(), by=sue), ana, lee) == [True, True]


def test_what_moves_no_task_asks_nothing(case: Case, ana: User, lee: User) -> None:
    tasks.add(case, what="Ask", by=ana)
    assert poked(lambda: conversation.add_note(case, by=lee, text="Look"), ana) == [False]
    assert poked(lambda: case.set_tags(["refund"], by=lee), ana) == [False]


def test_it_costs_as_much_however_much_moved(billing: Queue, ana: User, lee: User) -> None:
    def queries(cases: int) -> int:
        before = number_events()
        for _n in range(cases):
            each = make_case(billing)
            each.assign(lee, by=ana)
            tasks.add(each, what="Ask", by=ana, owner=ana)
            tasks.add(each, what="Call", by=ana)
        until = number_events()
        events = [event for event in log.between(before, until, 10_000) if event.stream == "case"]
        with CaptureQueriesContext(connection) as asked:
            assert list(live_tasks.task_fragments(events, None))
        return len(asked)

    assert queries(1) == queries(9) <= 3


def test_the_page_knows_where_the_log_stood_before_it_was_read(
    case: Case, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happens while the page is put together is told to it, not lost between the two."""
    mine = tasks.mine

    def slow(user: User) -> object:
        found = mine(user)
        list(found)
        tasks.add(case, what="Meanwhile", by=ana)
        number_events()
        return found

    before = number_events()
    monkeypatch.setattr(tasks, "mine", slow)
    page = signed_in(ana).get("/tasks/").content.decode()
    assert "Meanwhile" not in page
    assert f'data-pos="{before}"' in page


def test_rows_are_told_apart_by_what_they_are(case: Case, ana: User, now: datetime) -> None:
    task = tasks.add(case, what="Ask", by=ana)
    reminder = reminders.remind(case, ana, at=now + timedelta(days=1))
    page = signed_in(ana, htmx=True).get("/tasks/", headers={"HX-Target": "my-tasks"}).content.decode()
    assert f'id="todo-{task.pk}"' in page
    assert f'id="reminder-{reminder.pk}"' in page
    assert Task.objects.count() == 1
    assert "<html" not in page
