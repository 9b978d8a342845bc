"""What an acknowledgement promised: what keeps it, moves it and breaks it, and what stops no clock (product C5)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases import conversation, outward, promises
from cases.models import Acknowledgement, Case, Message, Promise, Queue
from crm.models import User
from customers.models import Customer
from tests.cases.arrivals import arrive, leave
from tests.cases.clockwork import clock_of, kinds, make_policy

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def served(billing: Queue) -> Queue:
    """Answers are due four hours after arrival."""
    make_policy(first_response=240, next_response=240)
    return billing


def test_it_stops_no_clock_and_neither_does_a_note(served: Queue, carl: Customer, ana: User) -> None:
    case = arrive(served, carl)
    due = clock_of(case, "first_response").due_at
    leave()
    conversation.add_note(case, by=ana, text="Saw it.")
    clock = clock_of(case, "first_response")
    assert (clock.due_at, clock.met_at, clock.is_running) == (due, None, True)
    case.refresh_from_db()
    assert (case.status, case.waiting_since is not None, case.preview_direction) == ("new", True, "inbound")


def answer(case: Case, by: User, **fields: Any) -> Message:
    case.refresh_from_db()
    message = conversation.reply(case, by=by, text="Refunded.", written_against=case.version, **fields)
    outward.release_due(timezone.now() + timedelta(seconds=30))
    case.refresh_from_db()
    return message


def test_an_answer_stops_the_clock_and_keeps_the_promise(served: Queue, carl: Customer, ana: User) -> None:
    case = arrive(served, carl)
    message = answer(case, ana, is_answer=True)
    promise = Promise.objects.get()
    assert (promise.state, promise.kept_by) == ("kept", message)
    assert clock_of(case, "first_response").met_at
    assert Acknowledgement.objects.get().answered_at


def test_a_reply_that_is_no_answer_leaves_both(served: Queue, carl: Customer, ana: User) -> None:
    case = arrive(served, carl)
    answer(case, ana)
    assert Promise.objects.get().state == "open"
    assert clock_of(case, "first_response").is_running
    assert Acknowledgement.objects.get().answered_at is None


def test_a_reply_that_names_its_own_time_moves_the_promise_and_stops_no_clock(
    served: Queue, carl: Customer, ana: User
) -> None:
    case = arrive(served, carl)
    friday, later = timezone.now() + 3 * DAY, timezone.now() + 5 * DAY
    answer(case, ana, next_step="The bank answers", by_when=friday)
    first, second = Promise.objects.order_by("pk")
    assert (first.state, first.moved_to, second.state, second.due_at) == ("moved", second, "open", friday)
    answer(case, ana, next_step="The bank is slow", by_when=later)
    assert list(Promise.objects.order_by("pk").values_list("state", flat=True)) == ["moved", "moved", "open"]
    assert clock_of(case, "first_response").is_running


def test_an_answer_with_a_time_keeps_it_and_makes_another(served: Queue, carl: Customer, ana: User) -> None:
    case = arrive(served, carl)
    answer(case, ana, is_answer=True, next_step="Your refund", by_when=timezone.now() + DAY)
    assert list(Promise.objects.order_by("pk").values_list("state", "what")) == [
        ("kept", "a first answer"),
        ("open", "Your refund"),
    ]


def test_missed_it_is_broken_as_any_promise(served: Queue, carl: Customer) -> None:
    case = arrive(served, carl)
    promises.sweep(timezone.now() + 5 * HOUR)
    assert Promise.objects.get().state == "broken"
    assert kinds(case)[-1] == "promise_broken"


def test_what_was_promised_to_spam_breaks_nothing(served: Queue, carl: Customer, ana: User) -> None:
    case = arrive(served, carl)
    case.change_status("spam", by=ana)
    promises.sweep(timezone.now() + 5 * HOUR)
    assert Promise.objects.get().state == "open"
