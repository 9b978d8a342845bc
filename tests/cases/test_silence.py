"""Need met by silence: only where a queue says so, to the second, and never against anything the customer said or we owe."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone, translation

from cases import conversation, feelings, outward, promises, receipts, silence
from cases.channels import Failed, Later, Unknown
from cases.models import Case, CaseLink, Dispatch, Queue
from cases.templatetags.console import told
from crm.models import Event, User
from customers.models import Customer
from tests.builders import make_case
from tests.cases.silences import (
    DAYS,
    LONG,
    UNDONE,
    answered,
    asked,
    is_met,
    later,
    left,
    met_events,
    never,
    say,
    send,
    writes,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return asked(billing, carl, ana)


# --- when


def test_it_is_met_in_the_very_second_the_days_are_over(case: Case, ana: User) -> None:
    at = answered(case, ana)
    assert silence.sweep(at + LONG - timedelta(seconds=1)) == 0
    assert not is_met(case)
    assert silence.sweep(at + LONG) == 1
    assert is_met(case)
    event = met_events(case)[0]
    answer = case.messages.get(direction="outbound")
    assert (event.pk, event.actor, event.via, event.at) == (case.need_met_event_id, None, "clock", at + LONG)
    assert event.data == {"how": "silence", "days": DAYS, "answer": answer.pk}


def test_it_is_off_until_a_queue_says_how_long(case: Case, ana: User, billing: Queue) -> None:
    Queue.objects.update(silence_days=None)
    answered(case, ana)
    assert silence.sweep(timezone.now() + 10 * LONG) == 0
    assert not is_met(case)
    assert Queue._meta.get_field("silence_days").get_default() is None
    Queue.objects.filter(pk=billing.pk).update(silence_days=30)
    assert silence.sweep(timezone.now() + timedelta(days=29)) == 0
    assert silence.sweep(timezone.now() + timedelta(days=30)) == 1
    assert is_met(case)


def test_the_queue_a_case_is_in_now_counts(case: Case, ana: User, technical: Queue) -> None:
    answered(case, ana)
    case.transfer(technical, by=ana)
    assert silence.sweep(timezone.now() + 10 * LONG) == 0
    assert not is_met(case)


@pytest.mark.parametrize("days", [0, 366])
def test_the_database_refuses_a_silence_that_does_not_last(billing: Queue, days: int) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Queue.objects.filter(pk=billing.pk).update(silence_days=days)


@pytest.mark.parametrize("then", ["waiting_customer", "resolved"])
def test_a_case_that_waits_or_is_resolved_or_closed_hears_silence(case: Case, ana: User, then: str) -> None:
    answered(case, ana, then_status=then)
    if then == "resolved":
        case.refresh_from_db()
        case.change_status("closed", by=ana)
    silence.sweep(timezone.now() + LONG)
    assert is_met(case)


# --- what a silence is not


def test_the_first_word_is_no_silence_nor_is_an_acknowledgement(case: Case, billing: Queue, carl: Customer) -> None:
    billing.acknowledges = True
    billing.save()
    sender = carl.contact_points.get(kind="email")
    writes_first = make_case(billing, customer=carl, channel="mail")
    conversation.add_inbound(writes_first, text="Hello?", sender=sender, channel="mail", at=timezone.now())
    send()
    assert Dispatch.objects.filter(source="acknowledgement", state="sent").exists()
    for row in (case, writes_first):
        Case.objects.filter(pk=row.pk).update(status="waiting_customer", waiting_since=None)
        never(row)


def test_a_reply_that_is_no_answer_and_one_after_an_answer(case: Case, ana: User) -> None:
    answered(case, ana, is_answer=False)
    never(case)
    answered(case, ana)
    say(case, ana, is_answer=False)
    send()
    never(case)


def test_a_note_is_no_word_and_delays_nothing(case: Case, ana: User) -> None:
    at = answered(case, ana)
    conversation.add_note(case, by=ana, text="Quiet since", at=at + timedelta(days=3))
    silence.sweep(at + LONG)
    assert is_met(case)


def test_an_automatic_reply_is_no_word_either(case: Case, ana: User) -> None:
    at = answered(case, ana)
    writes(case, "I am on holiday", is_auto=True)
    silence.sweep(at + LONG)
    assert is_met(case)


def test_a_word_of_the_customers_ends_it_whatever_its_date(case: Case, ana: User) -> None:
    answered(case, ana)
    writes(case, at=timezone.now() - timedelta(days=3))  # written before our answer, and here only now
    later(case)  # it is our turn
    case.change_status("waiting_customer", by=ana)
    never(case)


def test_their_next_silence_counts_from_our_next_answer(case: Case, ana: User) -> None:
    first = answered(case, ana)
    writes(case)
    second = answered(case, ana)
    assert second > first
    assert silence.sweep(second + LONG - timedelta(microseconds=1)) == 0
    assert silence.sweep(second + LONG) == 1
    assert met_events(case)[0].data["answer"] == case.messages.filter(is_answer=True).latest("pk").pk


def test_what_they_wrote_while_our_answer_waited_to_leave_is_not_answered(case: Case, ana: User) -> None:
    case.refresh_from_db()
    conversation.reply(case, by=ana, text="Paid.", written_against=case.version, is_answer=True)
    writes(case, "Another thing")
    outward.release_due(timezone.now() + UNDONE)
    send()
    never(case)


@pytest.mark.parametrize("status", ["open", "waiting_internal"])
def test_not_while_the_next_word_is_ours(case: Case, ana: User, status: str) -> None:
    answered(case, ana, then_status=status)
    later(case)
    case.change_status("waiting_customer", by=ana)
    silence.sweep(timezone.now() + LONG)
    assert is_met(case)


def test_not_in_spam(case: Case, ana: User) -> None:
    answered(case, ana)
    case.refresh_from_db()
    case.change_status("spam", by=ana)
    later(case)


# --- an answer that did not arrive


def test_not_before_it_has_left(case: Case, ana: User) -> None:
    say(case, ana)
    never(case)
    send(Later("busy"))
    never(case)
    Dispatch.objects.update(release_at=timezone.now())
    send()
    silence.sweep(timezone.now() + LONG)
    assert is_met(case)


@pytest.mark.parametrize("outcome", [Failed("no such address"), Unknown("silence")])
def test_what_failed_or_may_not_have_arrived_says_nothing(case: Case, ana: User, outcome: Exception) -> None:
    message = say(case, ana)
    send(outcome)
    Case.objects.filter(pk=case.pk).update(status="waiting_customer", waiting_since=None)
    never(case)
    conversation.retry(message, by=ana)
    send()
    silence.sweep(left(message) + LONG)
    assert is_met(case)


def test_an_earlier_answer_does_not_speak_for_one_that_failed(case: Case, ana: User) -> None:
    answered(case, ana)
    say(case, ana)
    send(Failed("mailbox full"))
    later(case)  # it is open again: a person looks
    case.change_status("waiting_customer", by=ana)
    never(case)


def test_a_bounce_takes_it_out_and_a_late_receipt_brings_it_back(case: Case, ana: User) -> None:
    at = answered(case, ana)
    dispatch = Dispatch.objects.get(source="message")
    receipts.note(dispatch, "failed", at=at + timedelta(hours=1))
    case.refresh_from_db()
    case.change_status("waiting_customer", by=ana)
    never(case)
    receipts.note(dispatch, "delivered", at=at + timedelta(days=1))
    silence.sweep(at + LONG)
    assert is_met(case)


def test_not_while_another_reply_waits_out_its_undo_window(case: Case, ana: User) -> None:
    at = answered(case, ana)
    case.refresh_from_db()
    held = conversation.reply(case, by=ana, text="One more thing", written_against=case.version)
    later(case)
    conversation.take_back(held, by=ana)
    silence.sweep(at + LONG)
    assert is_met(case)


def test_history_of_another_system_left_by_another_door(case: Case, ana: User) -> None:
    case.refresh_from_db()
    past = timezone.now() - timedelta(days=90)
    conversation.reply(case, by=ana, text="Paid.", written_against=case.version, is_answer=True, at=past)
    Case.objects.filter(pk=case.pk).update(silent_since=past)
    never(case)


# --- what shows that it did not help


def test_an_open_promise_keeps_it_and_silence_begins_when_that_was_done(case: Case, ana: User) -> None:
    at = answered(case, ana, next_step="A new router", by_when=timezone.now() + timedelta(days=20))
    later(case)
    promise, kept_at = case.promises.get(state="open"), at + timedelta(days=5)
    promises.keep(promise, message=None, by=ana, at=kept_at)
    assert silence.sweep(at + LONG) == 1  # looked at, and left until its time
    assert not is_met(case)
    assert silence.sweep(kept_at + LONG - timedelta(seconds=1)) == 0
    assert silence.sweep(kept_at + LONG) == 1
    assert is_met(case)


def test_a_promise_broken_since_the_answer_keeps_it_for_good(case: Case, ana: User) -> None:
    answered(case, ana, next_step="A call", by_when=timezone.now() + timedelta(days=2))
    promises.break_due(timezone.now() + timedelta(days=3))
    never(case)


def test_a_promise_broken_before_the_answer_does_not(case: Case, ana: User) -> None:
    now = timezone.now()
    promises.make(case, what="A call", due_at=now, owner=ana, made_by=None, at=now - timedelta(hours=1))
    promises.break_due(timezone.now())
    answered(case, ana)
    silence.sweep(timezone.now() + LONG)
    assert is_met(case)


def test_what_a_person_took_back_is_not_taken_for_met_again(case: Case, ana: User) -> None:
    answered(case, ana)
    silence.sweep(timezone.now() + LONG)
    assert is_met(case)
    case.mark_need_unmet(by=ana)
    assert silence.sweep(timezone.now() + 10 * LONG) == 0
    assert not is_met(case)
    answered(case, ana)
    silence.sweep(timezone.now() + LONG)
    assert is_met(case)


def test_unmet_while_the_answer_was_on_its_way_is_unmet_since(case: Case, ana: User) -> None:
    case.mark_need_met(by=ana, how="survey")
    say(case, ana)
    case.mark_need_unmet(by=ana)
    send()
    now = timezone.now() + LONG
    assert silence.sweep(now) == 1
    assert silence.sweep(now) == 0
    assert not is_met(case)


def test_reopening_by_hand_says_that_it_did_not_help(case: Case, ana: User) -> None:
    answered(case, ana, then_status="resolved")
    case.refresh_from_db()
    case.reopen(by=ana)
    case.resolve(by=ana)
    never(case)


def test_a_case_reopened_because_its_answer_failed_is_judged_by_the_next_try(case: Case, ana: User) -> None:
    message = say(case, ana, then_status="resolved")
    send(Failed("mailbox full"))
    conversation.retry(message, by=ana)
    send()
    case.refresh_from_db()
    case.resolve(by=ana)
    silence.sweep(timezone.now() + LONG)
    assert is_met(case)


@pytest.mark.parametrize(("kind", "ends"), [("follows", True), ("possible_follow_up", True), ("suggested", False)])
def test_who_went_on_in_a_later_case_was_not_silent(
    case: Case, ana: User, billing: Queue, kind: str, ends: bool
) -> None:
    answered(case, ana, then_status="resolved")
    later = make_case(billing, opened_at=timezone.now() + timedelta(days=1))
    CaseLink.objects.create(case=later, other=case, kind=kind)
    silence.sweep(timezone.now() + LONG)
    assert is_met(case) is not ends


# --- what follows from it


def test_what_was_met_already_is_left_as_it_is(case: Case, ana: User) -> None:
    answered(case, ana)
    case.mark_need_met(by=ana, how="customer_said")
    assert silence.sweep(timezone.now() + LONG) == 0
    assert [event.data["how"] for event in met_events(case)] == ["customer_said"]


def test_the_silence_ends_with_the_customers_next_word(case: Case, ana: User) -> None:
    answered(case, ana)
    silence.sweep(timezone.now() + LONG)
    writes(case, "I am on holiday", is_auto=True)
    assert is_met(case)
    writes(case, "It is not there yet")
    assert not is_met(case)
    event = Event.objects.get(kind="need_unmet")
    assert (event.actor, event.reason, event.via) == (None, "customer_replied", "channel")
    assert told(event) == "the customer wrote: the need is not met"


def test_a_resolved_case_they_write_to_is_open_and_unmet(case: Case, ana: User) -> None:
    answered(case, ana, then_status="resolved")
    silence.sweep(timezone.now() + LONG)
    writes(case)
    assert not is_met(case)
    assert not Event.objects.filter(kind="need_unmet").exists()
    assert Event.objects.filter(stream_id=case.pk, kind="reopened").exists()


def test_silence_says_nothing_of_how_they_feel(case: Case, ana: User) -> None:
    answered(case, ana)
    silence.sweep(timezone.now() + LONG)
    assert is_met(case)
    assert feelings.course(case) == feelings.Course("", "")


def test_the_thread_says_it_in_words(client: Client, case: Case, ana: User) -> None:
    answered(case, ana)
    silence.sweep(timezone.now() + LONG)
    client.force_login(ana)
    html = client.get(f"/cases/{case.number}/").content.decode()
    assert "Need taken as met: 7 days without a word after our answer" in html
    assert "need: met" in html
    event = met_events(case)[0]
    said = {language: _in(language, event) for language in ("de", "es")}
    assert said == {
        "de": "Anliegen gilt als erledigt: 7 Tage ohne ein Wort nach unserer Antwort",
        "es": "Necesidad dada por atendida: 7 días sin una palabra desde nuestra respuesta",
    }
    event.data["days"] = 1
    assert told(event) == "Need taken as met: 1 day without a word after our answer"


def _in(language: str, event: Event) -> str:
    with translation.override(language):
        return told(event)
