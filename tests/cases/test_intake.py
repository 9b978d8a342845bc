"""From a contact to a message: stored first, threaded right, never lost, never twice."""

import json
import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases import intake, receiving
from cases.channels.document import parse
from cases.intake import OtherBody, open_case, process, receive, store, sweep_inbound
from cases.models import Case, CaseLink, Channel, InboundItem, Issue, Message, Queue, Thread
from crm.models import Event, StoredFile
from customers.models import ContactPoint, Customer
from tests.builders import make_customer
from tests.channels import make_channel, message

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(billing: Queue) -> Channel:
    return make_channel(billing)


def arrive(channel: Channel, identity: str, *, now: datetime | None = None, **fields: Any) -> InboundItem:
    item, _fresh = store(channel.slug, identity, json.dumps(message(**fields)).encode(), now=now)
    return item


def taken(channel: Channel, identity: str, **fields: Any) -> Message:
    item = arrive(channel, identity, **fields)
    process(item.pk)
    item.refresh_from_db()
    assert item.message is not None, item.error
    return item.message


def test_a_first_word_opens_a_case_with_everything_it_needs(shop: Channel, billing: Queue) -> None:
    received = process(arrive(shop, "m1", priority="high", tags=["Router", "router "], thread="t1").pk)

    assert received is not None
    case = Case.objects.get()
    assert received.status == "created"
    assert (case.queue, case.channel, case.priority, case.subject) == (billing, "shop", "high", "Router")
    assert (case.status, case.tags, case.language) == ("new", ["router"], "en")
    assert case.waiting_since is not None
    assert case.issue == Issue.objects.get(customer=case.customer)
    assert case.customer is not None
    assert case.customer.name == "Mia Wolff"
    said = case.messages.get()
    assert (said.text, said.direction, said.sender_name) == ("My router blinks red.", "inbound", "Mia Wolff")
    assert said.sender is not None
    assert (said.sender.value, said.sender.verified_at) == ("mia@example.org", None)
    kinds = list(Event.objects.filter(stream="case", stream_id=case.pk).order_by("version").values_list("kind", "via"))
    assert kinds == [("opened", "channel"), ("message_received", "channel"), ("acknowledged", "system")]
    assert InboundItem.objects.get().state == "done"


def test_events_hold_no_word_of_the_customer(shop: Channel) -> None:
    taken(shop, "m1", text="CANARY-text", subject="CANARY-subject", thread="CANARY-thread")

    assert "CANARY" not in str(list(Event.objects.values_list("data", "reason", "kind")))
    assert "mia" not in str(list(Event.objects.values_list("data", flat=True)))


def test_a_stored_item_is_the_same_however_often_it_arrives(shop: Channel) -> None:
    first, fresh = store("shop", "m1", json.dumps(message()).encode())
    again, repeated = store("shop", "m1", json.dumps(message(), indent=2).encode())

    assert (fresh, repeated) == (True, False)
    assert first == again
    process(first.pk)
    assert process(first.pk) is None
    assert Message.objects.count() == 1


def test_the_same_id_for_something_else_is_refused_and_changes_nothing(shop: Channel) -> None:
    arrive(shop, "m1")

    with pytest.raises(OtherBody):
        store("shop", "m1", json.dumps(message("something else")).encode())

    assert b"blinks" in bytes(InboundItem.objects.get().raw)


def test_the_same_id_in_another_channel_is_another_message(shop: Channel, technical: Queue) -> None:
    other = make_channel(technical, "forum")

    taken(shop, "m1")
    taken(other, "m1")

    assert Message.objects.count() == Case.objects.count() == 2


def test_a_message_already_brought_in_ends_as_duplicate(shop: Channel) -> None:
    known = taken(shop, "m1")
    InboundItem.objects.all().delete()

    received = process(arrive(shop, "m1").pk)

    assert received is not None
    assert (received.status, received.message) == ("duplicate", known)
    assert InboundItem.objects.get().state == "duplicate"
    assert Message.objects.count() == 1


# --- conversations


def test_words_of_one_conversation_stay_in_one_case(shop: Channel) -> None:
    first = taken(shop, "m1", thread="t1")
    second = taken(shop, "m2", thread="t1", text="It still blinks.")

    assert first.case == second.case
    assert first.contact == second.contact
    assert Thread.objects.get().cases.get() == first.case


def test_without_a_conversation_each_message_begins_one_named_by_its_id(shop: Channel) -> None:
    first, other = taken(shop, "m1"), taken(shop, "m2")
    answer_to_the_first = taken(shop, "m3", thread="m1")

    assert first.case != other.case
    assert answer_to_the_first.case == first.case


def test_the_same_name_of_a_conversation_in_another_channel_is_another(shop: Channel, technical: Queue) -> None:
    first = taken(shop, "m1", thread="t1")
    second = taken(make_channel(technical, "forum"), "m2", thread="t1")

    assert first.case != second.case


def test_another_person_in_the_conversation_never_joins_the_case(shop: Channel) -> None:
    first = taken(shop, "m1", thread="t1")
    stranger = {"name": "Someone", "kind": "email", "value": "someone@example.org"}

    second = taken(shop, "m2", thread="t1", **{"from": stranger})
    third = taken(shop, "m3", thread="t1", **{"from": stranger})

    assert second.case != first.case
    assert third.case == second.case
    assert first.case.messages.count() == 1


def test_a_word_on_a_resolved_case_reopens_it(shop: Channel, ana: Any) -> None:
    case = taken(shop, "m1", thread="t1").case
    case.resolve(by=ana)

    second = taken(shop, "m2", thread="t1")

    case.refresh_from_db()
    assert second.case == case
    assert case.status == "open"
    assert case.waiting_since is not None


@pytest.mark.parametrize(("days", "follows"), [(29, True), (31, False)])
def test_a_word_on_a_closed_case_opens_one_that_follows_it_for_a_month(shop, ana, days: int, follows: bool) -> None:
    case = taken(shop, "m1", thread="t1").case
    case.resolve(by=ana)
    case.change_status("closed", by=ana, at=timezone.now() - timedelta(days=days))

    second = taken(shop, "m2", thread="t1")
    third = taken(shop, "m3", thread="t1")

    assert second.case != case
    assert third.case == second.case
    assert CaseLink.objects.filter(case=second.case, other=case, kind="follows").exists() is follows
    assert (second.case.issue == case.issue) is follows
    case.refresh_from_db()
    assert case.status == "closed"


def test_a_word_on_a_merged_case_goes_where_it_lives_on(shop: Channel) -> None:
    gone, kept = taken(shop, "m1", thread="t1").case, taken(shop, "m2", thread="t2").case
    Case.objects.filter(pk=gone.pk).update(status="merged", merged_into=kept)

    assert taken(shop, "m3", thread="t1").case == kept


def test_a_word_on_a_case_marked_as_spam_is_kept_there_and_wakes_nobody(shop: Channel, ana: Any) -> None:
    case = taken(shop, "m1", thread="t1").case
    case.change_status("spam", by=ana)

    assert taken(shop, "m2", thread="t1").case == case
    case.refresh_from_db()
    assert case.status == "spam"


def test_messages_stand_in_the_order_in_which_they_were_said(shop: Channel) -> None:
    now = timezone.now()
    taken(shop, "m2", thread="t1", text="second", at=(now - timedelta(minutes=1)).isoformat())
    taken(shop, "m1", thread="t1", text="first", at=(now - timedelta(minutes=5)).isoformat())
    taken(shop, "m3", thread="t1", text="third")

    assert [m.text for m in Case.objects.get().messages.all()] == ["first", "second", "third"]


def test_an_automatic_reply_is_shown_and_wakes_nobody(shop: Channel, ana: Any) -> None:
    case = taken(shop, "m1", thread="t1").case
    case.resolve(by=ana)

    taken(shop, "m2", thread="t1", auto=True)

    case.refresh_from_db()
    assert case.status == "resolved"
    assert case.messages.count() == 2


# --- people


def test_a_known_address_finds_its_customer_and_further_ones_are_added_unverified(shop: Channel) -> None:
    mia = make_customer("Mia Wolff", email="mia@example.org")
    addresses = [{"kind": "email", "value": "MIA@example.org"}, {"kind": "phone", "value": "020 7946 0999"}]

    said = taken(shop, "m1", **{"from": {"name": "M. Wolff", "addresses": addresses}})

    assert said.case.customer == mia
    assert sorted(mia.contact_points.values_list("kind", flat=True)) == ["email", "phone"]
    assert not mia.contact_points.exclude(verified_at=None).exists()
    mia.refresh_from_db()
    assert mia.name == "Mia Wolff"


def test_what_the_channel_vouches_for_is_verified(shop: Channel) -> None:
    addresses = [{"kind": "email", "value": "mia@example.org", "verified": True}, {"kind": "handle", "value": "@mia"}]

    taken(shop, "m1", **{"from": {"addresses": addresses}})

    assert ContactPoint.objects.get(kind="email").is_verified
    assert not ContactPoint.objects.get(kind="handle").is_verified


# --- trouble


def fails_at(monkeypatch: pytest.MonkeyPatch, name: str) -> list[int]:
    """Break one step of the way as long as the list is empty."""
    mended: list[int] = []
    module = intake if hasattr(intake, name) else receiving
    real = getattr(module, name)

    def broken(*args: Any, **kwargs: Any) -> Any:
        if not mended:
            raise RuntimeError("CANARY private words")
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, broken)
    return mended


@pytest.mark.parametrize("step", ["save_bytes", "match", "_case_for", "add_inbound", "_finish"])
def test_a_failure_at_any_step_leaves_the_item_and_nothing_else_and_the_sweep_makes_it_good(
    shop: Channel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    mended = fails_at(monkeypatch, step)
    now = timezone.now()
    content = {"name": "a.txt", "type": "text/plain", "content": "aGVsbG8="}
    item = arrive(shop, "m1", now=now, attachments=[content])

    assert process(item.pk, now=now) is None

    item.refresh_from_db()
    assert (item.state, item.attempts, item.error) == ("stored", 1, "RuntimeError")
    assert not Message.objects.exists()
    assert not Case.objects.exists()
    assert not Customer.objects.exists()
    assert "CANARY" not in caplog.text
    assert sweep_inbound(now) == 0, "not before its pause is over"
    mended.append(1)
    assert sweep_inbound(now + timedelta(seconds=6)) == 1
    item.refresh_from_db()
    assert (item.state, item.attempts) == ("done", 2)
    assert Message.objects.count() == 1
    assert sweep_inbound(now + timedelta(days=1)) == 0


def test_what_fails_every_time_is_kept_for_a_person_and_can_be_tried_again(
    shop: Channel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    mended = fails_at(monkeypatch, "add_inbound")
    now = timezone.now()
    item = arrive(shop, "m1", now=now)
    process(item.pk, now=now)

    for _day in range(20):
        now += timedelta(days=1)
        sweep_inbound(now)

    item.refresh_from_db()
    assert (item.state, item.attempts) == ("kept", intake.MOST_TRIES)
    assert list(InboundItem.objects.kept()) == [item]
    assert Event.objects.filter(stream="queue", stream_id=shop.queue_id, kind="inbound_kept").count() == 1
    mended.append(1)
    item.retry(now=now)
    assert sweep_inbound(now) == 1
    item.refresh_from_db()
    assert item.state == "done"


def test_an_item_that_kills_whoever_tries_it_is_kept_after_the_last_try(shop: Channel) -> None:
    item = arrive(shop, "m1")
    InboundItem.objects.update(attempts=intake.MOST_TRIES, next_try_at=timezone.now())

    assert sweep_inbound(timezone.now()) == 1

    item.refresh_from_db()
    assert (item.state, item.error) == ("kept", "interrupted")
    assert not Message.objects.exists()


def test_one_bad_item_does_not_stop_the_others(shop: Channel, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    bad, _fresh = store("shop", "bad", b"not json")
    good = arrive(shop, "good")

    assert sweep_inbound(timezone.now() + timedelta(minutes=5)) == 2

    assert set(InboundItem.objects.values_list("pk", "state")) == {(bad.pk, "kept"), (good.pk, "done")}


def test_a_live_try_is_left_alone_by_the_sweep(shop: Channel) -> None:
    arrive(shop, "m1")

    assert sweep_inbound(timezone.now() + timedelta(seconds=5)) == 0
    assert sweep_inbound(timezone.now() + timedelta(seconds=61)) == 1


def test_files_arrive_with_their_message_and_are_kept_once(shop: Channel) -> None:
    same = {"name": "bill.pdf", "type": "application/pdf", "content": "JVBERi0="}

    said = taken(shop, "m1", text="", attachments=[same, {**same, "name": "again.pdf"}])

    assert sorted(said.attachments.values_list("name", flat=True)) == ["again.pdf", "bill.pdf"]
    assert StoredFile.objects.count() == 1


# --- opening by hand


def test_a_case_opened_by_a_person_waits_from_then_on(billing: Queue, carl: Customer, ana: Any) -> None:
    at = timezone.now() - timedelta(hours=1)

    case = open_case(
        queue=billing, customer=carl, subject="Called\nabout a bill", channel="phone", at=at, by=ana, via="person"
    )

    case.refresh_from_db()
    assert (case.subject, case.waiting_since, case.opened_at, case.number > 0) == ("Called about a bill", at, at, True)
    event = Event.objects.get(stream="case", stream_id=case.pk)
    assert (event.kind, event.actor, event.version) == ("opened", ana, 1)


def test_received_words_can_be_handed_over_without_a_channel(billing: Queue) -> None:
    inbound = parse(
        json.dumps(message(queue=billing.pk)).encode(), channel="web", external_id="f1", received_at=timezone.now()
    )

    received = receive(inbound)

    assert (received.status, received.case.queue, received.case.channel) == ("created", billing, "web")


def test_a_channel_cannot_choose_its_queue(shop: Channel, technical: Queue) -> None:
    assert taken(shop, "m1", queue=technical.pk).case.queue == shop.queue
