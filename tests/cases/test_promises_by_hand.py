"""Promises by hand: moved with the reply that tells the customer, kept with a word on how we know."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cases import conversation, drafts, outward, promises
from cases.models import Case, Dispatch, Message, Promise, Queue
from cases.models.case import Refusal
from crm.models import Event, User
from customers.models import Customer
from tests.builders import make_case, make_promise, make_question

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_question(billing, carl, ana)


@pytest.fixture
def promise(case: Case, ana: User) -> Promise:
    return make_promise(case, ana)


@pytest.fixture
def desk(client: Client, ana: User) -> Client:
    client.force_login(ana)
    return client


def later() -> datetime:
    return timezone.now() + timedelta(days=1)


def post(desk: Client, case: Case, promise: Promise | None, **more: object) -> int:
    case.refresh_from_db()
    words = {"kind": "reply", "text": "It takes longer.", "against": case.version, "next_step": "The refund"}
    words |= {"moves": promise.pk} if promise else {}
    return desk.post(f"/cases/{case.number}/messages/", words | more).status_code


def release(case: Case) -> None:
    outward.release_due(timezone.now() + timedelta(minutes=1))
    case.refresh_from_db()


def untouched(promise: Promise) -> bool:
    promise.refresh_from_db()
    return (promise.state, promise.moved_to, promise.kept_by) == ("open", None, None)


def test_a_reply_moves_the_promise_when_it_is_released_and_not_before(
    desk: Client, case: Case, promise: Promise, ana: User
) -> None:
    assert post(desk, case, promise, by_when="tomorrow 12:00", next_step="The refund, by bank") == 303
    assert untouched(promise)
    release(case)
    promise.refresh_from_db()
    assert promise.state == "moved"
    assert promise.moved_to is not None
    message = Message.objects.get(direction="outbound")
    new = promise.moved_to
    assert (new.what, new.made_by, new.owner, new.due_at) == ("The refund, by bank", message, ana, message.by_when)
    assert case.promise_due_at == message.by_when
    assert case.promises.count() == 2


def test_an_answer_that_moves_a_promise_does_not_keep_it(desk: Client, case: Case, promise: Promise) -> None:
    assert post(desk, case, promise, by_when="tomorrow 12:00", is_answer="on") == 303
    release(case)
    promise.refresh_from_db()
    assert promise.state == "moved"
    assert [p.state for p in case.promises.order_by("pk")] == ["moved", "open"]


def test_a_move_taken_back_moves_nothing_and_is_a_draft_again(
    desk: Client, case: Case, promise: Promise, ana: User
) -> None:
    post(desk, case, promise, by_when="tomorrow 12:00")
    message = Message.objects.get(direction="outbound")
    desk.post(f"/cases/{case.number}/messages/{message.pk}/undo/")
    release(case)
    assert untouched(promise)
    assert drafts.of(case, ana)[0]["reply"].moves == promise
    assert f'name="moves" value="{promise.pk}"' in desk.get(f"/cases/{case.number}/").content.decode()


def test_without_a_new_time_it_is_refused_in_words(desk: Client, case: Case, promise: Promise) -> None:
    answer = desk.post(
        f"/cases/{case.number}/messages/",
        {"kind": "reply", "text": "Later.", "against": case.version + 9, "moves": promise.pk, "next_step": "Refund"},
    )
    assert answer.status_code == 409
    assert "Say the new time" in answer.content.decode()
    assert untouched(promise)
    assert not Dispatch.objects.exists()


def test_a_settled_promise_or_one_of_another_case_is_not_moved(
    desk: Client, case: Case, promise: Promise, billing: Queue, ana: User
) -> None:
    other = make_case(billing)
    theirs = promises.make(other, what="A call", due_at=later(), owner=ana, made_by=None, at=timezone.now())
    assert post(desk, case, theirs, by_when="tomorrow 12:00") == 409
    promises.keep(promise, message=None, by=ana, at=timezone.now())
    assert post(desk, case, promise, by_when="tomorrow 12:00") == 409
    assert untouched(theirs)
    assert not Dispatch.objects.exists()
    assert not Message.objects.filter(direction="outbound").exists()


def test_an_overdue_promise_is_broken_not_moved(case: Case, promise: Promise, ana: User) -> None:
    Promise.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    with pytest.raises(Refusal, match="Its time has passed"):
        conversation.reply(
            case, by=ana, text="Later", written_against=99, next_step="x", by_when=later(), moves=promise.pk
        )
    assert not Message.objects.filter(direction="outbound").exists()


def test_two_replies_that_move_one_promise_leave_the_time_the_customer_heard_last(
    case: Case, promise: Promise, ana: User, lee: User
) -> None:
    for rep, days in ((ana, 1), (lee, 2)):
        conversation.reply(
            case,
            by=rep,
            text="Later",
            written_against=99,
            next_step="The refund",
            by_when=timezone.now() + timedelta(days=days),
            moves=promise.pk,
        )
    release(case)
    assert [p.state for p in case.promises.order_by("pk")] == ["moved", "moved", "open"]
    assert case.promise_due_at == Message.objects.filter(direction="outbound").last().by_when  # type: ignore[union-attr]


def test_what_broke_before_the_move_was_released_stays_broken_and_the_new_time_is_promised(
    case: Case, promise: Promise, ana: User
) -> None:
    conversation.reply(
        case, by=ana, text="Later", written_against=99, next_step="Refund", by_when=later(), moves=promise.pk
    )
    Promise.objects.filter(pk=promise.pk).update(due_at=timezone.now() - timedelta(minutes=1))
    promises.sweep(timezone.now())
    release(case)
    assert [p.state for p in case.promises.order_by("pk")] == ["broken", "open"]


def test_a_promise_is_kept_by_hand_with_a_note_on_how_we_know_and_twice_is_once(
    desk: Client, case: Case, promise: Promise, ana: User
) -> None:
    for _n in range(2):
        answer = desk.post(f"/cases/{case.number}/promises/{promise.pk}/keeping/", {"how": "Bank reference 2291"})
        assert answer.status_code == 303
    promise.refresh_from_db()
    note = Message.objects.get(direction="note")
    assert (promise.state, promise.kept_by) == ("kept", note)
    assert note.text == "Promise kept: The refund\nBank reference 2291"
    assert Event.objects.filter(kind="promise_kept").count() == 1
    case.refresh_from_db()
    assert case.promise_due_at is None


def test_keeping_needs_a_reason_and_a_promise_that_still_stands(desk: Client, case: Case, promise: Promise) -> None:
    address = f"/cases/{case.number}/promises/{promise.pk}/keeping/"
    assert desk.post(address, {"how": " "}).status_code == 409
    assert untouched(promise)
    Promise.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    answer = desk.post(address, {"how": "Done"})
    assert answer.status_code == 409
    assert "counts as broken" in answer.content.decode()
    assert not Message.objects.filter(direction="note").exists()


def test_who_only_watches_or_sits_elsewhere_changes_no_promise(
    client: Client, case: Case, promise: Promise, ben: User, eve: User, billing: Queue
) -> None:
    billing.join(eve, mode="watch")
    events = Event.objects.count()
    for user, expected in ((ben, 404), (eve, 403)):
        client.force_login(user)
        address = f"/cases/{case.number}/promises/{promise.pk}/keeping/"
        assert client.post(address, {"how": "Trust me"}).status_code == expected
        assert post(client, case, promise, by_when="tomorrow 12:00") == expected
    client.force_login(ben)
    assert client.get(f"/cases/{case.number}/promises/").status_code == 404
    client.force_login(eve)
    shown = client.get(f"/cases/{case.number}/promises/").content.decode()
    assert "The refund" in shown
    assert "data-move" not in shown
    assert untouched(promise)
    assert Event.objects.count() == events


def test_the_dialog_lists_open_promises_first_and_what_became_of_the_others(
    desk: Client, case: Case, promise: Promise, ana: User
) -> None:
    now = timezone.now()
    done = promises.make(case, what="A call", due_at=later(), owner=ana, made_by=None, at=now)
    promises.keep(done, message=None, by=ana, at=now)
    shown = desk.get(f"/cases/{case.number}/promises/").content.decode()
    assert shown.index("The refund") < shown.index("A call")
    assert shown.count("data-move=") == 1
    assert "kept" in shown
