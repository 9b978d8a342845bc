"""Whoever writes hears at once that it arrived, what happens next and by when, and that time is a promise (product C1)."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, connections
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import acknowledge, contact_form, conversation, promises
from cases.intake import open_case
from cases.models import Acknowledgement, Case, Dispatch, Message, Promise, Queue
from crm.models import Event, User
from customers.models import ContactPoint, Customer, Suppression
from tests.builders import make_customer
from tests.cases.arrivals import arrive, leave, paced, verified, write
from tests.cases.clockwork import kinds, make_policy, publish_calendar
from tests.cases.visitors import fill_in
from tests.channels import callback, make_channel

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def served(billing: Queue) -> Queue:
    """Answers are due four hours after arrival."""
    make_policy(first_response=240, next_response=240)
    return billing


# --- what it says


def test_a_contact_is_acknowledged_at_once_with_a_time_that_is_a_promise(
    served: Queue, carl: Customer, mailoutbox: list[Any]
) -> None:
    at = timezone.now()
    case = arrive(served, carl, at=at)
    leave()

    told = Acknowledgement.objects.get()
    promise = Promise.objects.get()
    assert (told.case, told.basis, told.reason, told.is_further) == (case, "target", "", False)
    assert (told.promise, told.expected_at, promise.state) == (promise, promise.due_at, "open")
    assert at + 4 * HOUR <= promise.due_at < at + 4 * HOUR + timedelta(minutes=15)
    assert told.dispatch
    assert (told.dispatch.message_class, told.dispatch.state, told.dispatch.sent_at is not None) == (
        "acknowledgement", "sent", True,
    )  # fmt: skip
    (mail,) = mailoutbox
    assert mail.to == ["carl@example.org"]
    assert f"#{case.number}" in mail.body
    assert (
        f"by {promise.due_at:%A} {promise.due_at.day} {promise.due_at:%B %Y, %H:%M} (UTC): that is our service time"
        in mail.body
    )
    assert mail.extra_headers["Auto-Submitted"] == "auto-replied"
    assert kinds(case) == ["opened", "message_received", "promise_made", "acknowledged", "acknowledgement_settled"]


def test_the_time_comes_from_the_present_pace(billing: Queue, carl: Customer, mailoutbox: list[Any]) -> None:
    paced(billing)
    at = timezone.now()
    arrive(billing, carl, at=at)
    leave()

    told = Acknowledgement.objects.get()
    assert (told.basis, told.inputs["waiting"], told.inputs["rate"], told.inputs["people"]) == ("pace", 0, 3, 2)
    # One answer of twenty minutes, 80 % of which take less than 32: rounded up to five minutes.
    assert told.expected_at
    assert timedelta(minutes=32) <= told.expected_at - at <= timedelta(minutes=37)
    assert "from how quickly we answer now" in mailoutbox[0].body


def test_what_waits_already_makes_it_later(billing: Queue, carl: Customer) -> None:
    paced(billing)
    for n in range(6):
        arrive(billing, make_customer(f"Mia {n}", email=f"mia{n}@example.org"))
    arrive(billing, carl)
    told = list(Acknowledgement.objects.order_by("pk"))
    assert [t.inputs["waiting"] for t in told] == [0, 1, 2, 3, 4, 5, 6]
    assert told[0].expected_at < told[6].expected_at  # type: ignore[operator]


def test_where_nothing_is_known_no_time_is_invented(billing: Queue, carl: Customer, mailoutbox: list[Any]) -> None:
    case = arrive(billing, carl)
    leave()
    assert (Acknowledgement.objects.get().basis, Promise.objects.count()) == ("none", 0)
    assert "in the order in which messages reach us" in mailoutbox[0].body
    assert "by when" not in mailoutbox[0].body
    assert kinds(case) == ["opened", "message_received", "acknowledged", "acknowledgement_settled"]


def test_it_says_in_a_line_how_to_reach_a_person_now(billing: Queue, carl: Customer, mailoutbox: list[Any]) -> None:
    arrive(billing, carl)
    leave()
    Queue.objects.update(reach="Call +44 20 7946 0123, 9 to 5")
    arrive(billing, make_customer("Mia", email="mia@example.org"))
    leave()
    assert "/contact/" in mailoutbox[0].body
    assert "To reach a person now: Call +44 20 7946 0123, 9 to 5" in mailoutbox[1].body


def test_it_tells_the_time_of_the_customers_zone(served: Queue, carl: Customer, mailoutbox: list[Any]) -> None:
    Customer.objects.update(tz="Asia/Kathmandu")
    carl.refresh_from_db()
    arrive(served, carl)
    leave()
    due = Promise.objects.get().due_at.astimezone(ZoneInfo("Asia/Kathmandu"))
    assert due.minute % 15 == 0
    assert f"{due:%H:%M} (+0545)" in mailoutbox[0].body


def test_an_address_nobody_vouched_for_gets_nothing_of_what_was_written(
    served: Queue, carl: Customer, mailoutbox: list[Any]
) -> None:
    arrive(served, carl)
    leave()
    (mail,) = mailoutbox
    said = mail.message().as_string()
    assert not any(word in said for word in ("Double", "charge", "lodger", "Carl", "Jensen"))
    assert mail.subject.startswith("We have your message")
    assert "Then somebody gave your address by mistake" in mail.body


def test_a_verified_sender_is_answered_under_their_subject(
    served: Queue, carl: Customer, mailoutbox: list[Any]
) -> None:
    case = arrive(served, verified(carl))
    leave()
    (mail,) = mailoutbox
    assert mail.subject == f"Re: Double charge [#{case.number}]"
    assert mail.body.startswith("Hello Carl Jensen,")
    assert "by mistake" not in mail.body
    assert "lodger" not in mail.body


def test_whoever_types_a_verified_address_into_the_form_says_nothing_through_us(
    billing: Queue, carl: Customer, mailoutbox: list[Any]
) -> None:
    arrive(billing, verified(carl), channel="web")
    leave()
    assert "Double" not in mailoutbox[0].message().as_string()


def test_the_page_after_the_form_names_the_same_time(
    monkeypatch: pytest.MonkeyPatch, served: Queue, mailoutbox: list[Any]
) -> None:
    monkeypatch.setattr(contact_form, "QUICKEST", 0)
    calendar = publish_calendar(tz="Europe/Berlin")
    Queue.objects.filter(pk=served.pk).update(is_public=True, calendar=calendar)
    visitor = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    page = visitor.get(fill_in(visitor)["location"]).content.decode()
    leave()
    due = Promise.objects.get().due_at
    assert f'datetime="{due:%Y-%m-%dT%H:%M:%S}+00:00"' in page
    local = due.astimezone(ZoneInfo("Europe/Berlin"))
    assert f"{local:%H:%M} ({local.tzname()})" in mailoutbox[0].body


def test_it_goes_back_through_the_channel_it_came_by(billing: Queue, settings: Any) -> None:
    settings.CALLBACK_HOSTS = ["127.0.0.1"]
    with callback() as server:
        make_channel(billing, callback_url=server.url)
        customer = make_customer("Mia", phone="+442079460111")
        case = open_case(
            queue=billing, customer=customer, subject="x", channel="shop", at=timezone.now(), via="channel"
        )
        point = customer.contact_points.get()
        conversation.add_inbound(case, text="Hi", sender=point, channel="shop", at=timezone.now(), via="channel")
        leave()
    (told,) = [json.loads(body) for _headers, body in server.got]
    assert (told["to"], told["thread"]) == ("+442079460111", str(case.number))
    assert f"#{case.number}" in told["text"]
    assert Acknowledgement.objects.get().dispatch.state == "sent"  # type: ignore[union-attr]


def test_a_caller_without_an_address_is_promised_an_answer_all_the_same(served: Queue, mailoutbox: list[Any]) -> None:
    customer = make_customer("Mia", phone="+442079460111")
    case = open_case(queue=served, customer=customer, subject="x", channel="web", at=timezone.now(), via="channel")
    conversation.add_inbound(
        case, text="Hi", sender=customer.contact_points.get(), channel="web", at=timezone.now(), via="channel"
    )
    leave()
    assert (Acknowledgement.objects.get().reason, Promise.objects.get().state, mailoutbox) == ("no_way", "open", [])


# --- what it never does


def test_history_and_machines_are_not_acknowledged(served: Queue, carl: Customer) -> None:
    now = timezone.now()
    arrive(served, carl, via="import")
    arrive(served, carl, at=now - 2 * MINUTE, via="api")
    arrive(served, carl, at=now - 2 * DAY)
    case = open_case(queue=served, customer=carl, subject="x", channel="mail", at=now, via="channel")
    write(case, is_auto=True)
    assert not Acknowledgement.objects.exists()
    assert not Promise.objects.exists()
    assert not Dispatch.objects.exists()


def test_an_old_mail_that_is_taken_in_today_is_history(served: Queue, carl: Customer) -> None:
    """Somebody feeds us their mailbox of last year: nobody in it hears from us."""
    now = timezone.now()
    case = open_case(queue=served, customer=carl, subject="x", channel="mail", at=now, via="channel")
    write(case, written_at=now - 300 * DAY)
    assert not Acknowledgement.objects.exists()


def test_a_mail_that_waited_for_us_is_still_new(served: Queue, carl: Customer) -> None:
    now = timezone.now()
    arrive(served, carl, at=now - 5 * HOUR)
    told = Acknowledgement.objects.get()
    assert told.at >= now
    assert told.dispatch


def test_spam_is_not_acknowledged(served: Queue, carl: Customer, ana: User) -> None:
    case = open_case(queue=served, customer=carl, subject="x", channel="mail", at=timezone.now(), via="channel")
    case.change_status("spam", by=ana)
    write(case)
    assert not Acknowledgement.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        "noreply@shop.example", "No-Reply@shop.example", "shop-noreply@x.example", "do.not.reply@x.example",
        "MAILER-DAEMON@x.example", "postmaster@x.example", "bounces+7@x.example", "owner-list@x.example",
        "list-request@x.example", "notifications@x.example", "help@brightwave.example", "help+x@brightwave.example",
    ],
)  # fmt: skip
def test_nobody_is_written_to_where_nobody_reads(served: Queue, address: str, mailoutbox: list[Any]) -> None:
    arrive(served, make_customer("Robot", email=address))
    leave()
    assert Acknowledgement.objects.get().reason in {"nobody_reads", "own_address"}
    assert (mailoutbox, Promise.objects.count(), Dispatch.objects.count()) == ([], 0, 0)


@pytest.mark.parametrize(
    "address", ["norbert@x.example", "reply@x.example", "bouncer@x.example", "renoreplyn@x.example"]
)
def test_people_with_such_names_are(served: Queue, address: str) -> None:
    arrive(served, make_customer("Norbert", email=address))
    assert Acknowledgement.objects.get().dispatch


def test_a_queue_may_leave_it(served: Queue, carl: Customer) -> None:
    Queue.objects.update(acknowledges=False)
    served.refresh_from_db()
    arrive(served, carl)
    assert not Acknowledgement.objects.exists()
    assert not Promise.objects.exists()


def test_who_asked_not_to_be_written_to_is_promised_an_answer_and_not_written_to(
    served: Queue, carl: Customer, mailoutbox: list[Any]
) -> None:
    Suppression.objects.create(kind="email", value="carl@example.org", purpose="")
    arrive(served, carl)
    leave()
    told = Acknowledgement.objects.select_related("dispatch").get()
    assert told.dispatch
    assert (told.dispatch.state, told.reason, Promise.objects.get().state) == ("suppressed", "suppressed", "open")
    assert mailoutbox == []


def test_the_thread_says_what_was_told_and_why_nothing_was(served: Queue, carl: Customer) -> None:
    arrive(served, make_customer("Robot", email="noreply@x.example"))
    case = arrive(served, carl)
    arrive(served, carl, channel="web")
    silent, told, enough = Acknowledgement.objects.select_related("dispatch").order_by("pk")
    lines = [render_to_string("cases/_acknowledged.html", {"told": each}) for each in (silent, told, enough)]
    assert "Not acknowledged ·" in lines[0]
    assert "nobody reads at this address" in lines[0]
    assert "Acknowledged: answer by <time" in lines[1]
    assert "on its way" in lines[1]
    assert "Not acknowledged; answer owed by <time" in lines[2]
    assert "they have had enough of these" in lines[2]
    assert f'id="acknowledged-{told.pk}"' in lines[1]
    assert told.case == case


# --- one a contact


def test_a_further_word_of_one_contact_is_not_acknowledged_again(served: Queue, carl: Customer) -> None:
    case = arrive(served, carl)
    write(case)
    assert Acknowledgement.objects.count() == 1


def test_a_word_after_a_day_is_a_contact_of_its_own(
    served: Queue, carl: Customer, ana: User, mailoutbox: list[Any]
) -> None:
    case = arrive(served, carl, at=timezone.now() - 50 * HOUR, via="import")
    conversation.reply(case, by=ana, text="Done.", written_against=case.version, is_answer=True, at=timezone.now() - 49 * HOUR, via="import")  # fmt: skip
    write(case)
    leave()
    told = Acknowledgement.objects.get()
    assert (told.is_further, told.promise and told.promise.what) == (True, "an answer")
    assert f"We have your further message in case #{case.number}." in mailoutbox[0].body


def test_while_a_first_answer_is_owed_a_further_word_moves_no_time(
    served: Queue, carl: Customer, mailoutbox: list[Any]
) -> None:
    case = arrive(served, carl, at=timezone.now() - 30 * HOUR, via="import")
    promise = promises.make(
        case, what="a first answer", due_at=timezone.now() + 3 * HOUR, owner=None, made_by=None, at=timezone.now()
    )
    contact = case.contacts.get()
    Acknowledgement.objects.create(
        contact=contact, case=case, queue=served, message=case.messages.get(), promise=promise
    )
    write(case)
    leave()
    told = Acknowledgement.objects.order_by("pk").last()
    assert told
    assert (told.basis, told.promise, Promise.objects.count()) == ("promise", promise, 1)
    assert "as promised" in mailoutbox[0].body


@pytest.mark.django_db(transaction=True)
def test_two_words_that_begin_a_contact_at_once_are_acknowledged_once(served: Queue, carl: Customer) -> None:
    case = open_case(queue=served, customer=carl, subject="x", channel="mail", at=timezone.now(), via="channel")

    def say(n: int) -> None:
        try:
            write(Case.objects.get(pk=case.pk), text=f"Word {n}")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(say, range(4)))
    assert (Message.objects.count(), Acknowledgement.objects.count(), Promise.objects.count(), Dispatch.objects.count()) == (
        4, 1, 1, 1,
    )  # fmt: skip


@pytest.mark.parametrize("step", ["_foresee", "_promise", "_send", "_address"])
def test_it_is_there_whole_with_its_word_or_not_at_all(served: Queue, carl: Customer, step: str) -> None:
    real = getattr(acknowledge, step)

    def dies(*given: Any) -> None:
        real(*given)
        raise SystemExit

    with mock.patch.object(acknowledge, step, dies), pytest.raises(SystemExit):
        arrive(served, carl)
    tables: list[Any] = [Acknowledgement, Promise, Dispatch, Message]
    assert not any(table.objects.exists() for table in tables)
    arrive(served, carl)
    assert [table.objects.count() for table in tables] == [1, 1, 1, 1]


# --- what it costs


def test_it_adds_few_queries_to_an_arrival(served: Queue, carl: Customer) -> None:
    paced(served)
    arrive(served, make_customer("Mia", email="mia@example.org"))
    case = open_case(queue=served, customer=carl, subject="x", channel="mail", at=timezone.now(), via="channel")
    other = open_case(queue=served, customer=carl, subject="y", channel="mail", at=timezone.now(), via="channel")
    with mock.patch.object(acknowledge, "begin"), CaptureQueriesContext(connection) as plain:
        write(case)
    with CaptureQueriesContext(connection) as acknowledged:
        write(other)
    told = Acknowledgement.objects.get(case=other)
    assert (told.basis, told.dispatch is not None) == ("pace", True)
    assert len(acknowledged) - len(plain) <= 14


def test_its_event_names_nobody(served: Queue, carl: Customer) -> None:
    arrive(served, carl)
    event = Event.objects.get(kind="acknowledged")
    told = Acknowledgement.objects.get()
    assert told.expected_at
    assert event.data == {
        "acknowledgement": told.pk, "basis": "target", "expected": told.expected_at.isoformat(),
    }  # fmt: skip
    assert (event.via, event.actor) == ("system", None)
    assert not ContactPoint.objects.filter(value__in=[told.mailbox, told.domain]).exists()
