"""A mail arrives: stored as it came, once; then a message in its case, a repeat, ignored or kept. Never nothing."""

import hashlib
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import intake
from cases.mail import child
from cases.mail.arriving import store
from cases.models import Acknowledgement, Case, InboundItem, Issue, Mailbox, Message, Queue
from crm.models import Event, User
from customers.models import ContactPoint, Customer
from tests.builders import make_customer, make_queue
from tests.mails import answer_to, answered, arrived, letter, parcel, taken

pytestmark = pytest.mark.django_db

RAW = b"From: mia@example.org\r\nSubject: Router\r\n\r\nIt blinks \xff red.\r\n"


# --- stored


def test_a_mail_is_stored_as_it_came_and_is_due_at_once(billing: Queue) -> None:
    now = timezone.now() - timedelta(seconds=1)

    item, fresh = store(RAW, queue=billing, now=now)

    item.refresh_from_db()
    assert fresh
    assert (item.channel, item.external_id) == ("mail", hashlib.sha256(RAW).hexdigest())
    assert bytes(item.raw) == RAW
    assert (item.state, item.attempts, item.queue) == ("stored", 0, billing)
    assert InboundItem.objects.waiting(now).get() == item


def test_the_same_bytes_are_stored_once_for_the_queue_that_had_them_first(billing: Queue, technical: Queue) -> None:
    first, _fresh = store(RAW, mailbox=Mailbox(queue=billing))

    again, fresh = store(RAW, mailbox=Mailbox(queue=technical))

    assert (again, fresh) == (first, False)
    assert again.queue == billing
    assert InboundItem.objects.count() == 1


@pytest.mark.parametrize(
    ("lay", "counts"), [(timedelta(hours=3), True), (timedelta(days=8), False), (-timedelta(hours=1), False)]
)
def test_a_mail_has_waited_since_our_server_took_it(billing: Queue, lay: timedelta, counts: bool) -> None:
    now = timezone.now()

    item, _fresh = store(RAW, now=now, arrived_at=now - lay)

    assert item.received_at == (now - lay if counts else now)
    assert item.next_try_at == now


# --- a message


def test_a_first_mail_opens_a_case_with_everything_it_needs(billing: Queue) -> None:
    now = timezone.now()
    raw = letter("It blinks red.\n\nOn Monday you wrote:\n> Hello", message_id="<one@mail.example.org>")

    said = taken(raw, queue=billing, now=now)

    case = said.case
    assert (case.queue, case.channel, case.subject, case.status) == (billing, "mail", "Router", "new")
    assert (case.opened_at, case.waiting_since) == (now, now)
    assert case.customer is not None
    assert case.issue == Issue.objects.get(customer=case.customer)
    assert (case.customer.name, case.customer.contact_points.get().value) == ("Mia Wolff", "mia@example.org")
    assert said.text.startswith("It blinks red.")
    assert (said.direction, said.sender_name, said.mail_id) == ("inbound", "Mia Wolff", "one@mail.example.org")
    assert (said.subject, len(said.mail_hash), said.flags, said.is_auto) == ("", 64, [], False)
    assert said.sender == case.customer.contact_points.get()
    item = InboundItem.objects.get()
    assert (item.state, item.message, item.done_at) == ("done", said, now)
    kinds = list(Event.objects.filter(stream="case", stream_id=case.pk).order_by("version").values_list("kind", "via"))
    assert kinds[:2] == [("opened", "channel"), ("message_received", "channel")]


def test_events_hold_no_word_of_the_mail(billing: Queue) -> None:
    taken(
        letter("CANARY text", subject="CANARY subject", message_id="<canary@x>", sender="CANARY <canary@example.org>")
    )

    told = str(list(Event.objects.values_list("data", "reason", "kind"))).lower()
    assert "canary" not in told


def test_what_it_quotes_is_stored_whole_and_is_not_what_the_list_shows(billing: Queue, ana: Any) -> None:
    dispatch = answered(taken(letter(), queue=billing).case, ana)
    text = "Now it is green.\n\nOn Mon, 2 Mar 2026 at 10:00, Brightwave wrote:\n> Please restart it."

    said = taken(answer_to(dispatch, text))

    assert "> Please restart it." in said.text
    assert said.folds
    assert said.new_text == "Now it is green."
    said.case.refresh_from_db()
    assert said.case.preview == "Now it is green."


def test_files_come_with_their_message(billing: Queue) -> None:
    said = taken(parcel(("bill.pdf", "application/pdf", b"%PDF-"), ("photo.png", "image/png", b"\x89PNG\r\n\x1a\n")))

    assert sorted(said.attachments.values_list("name", "size")) == [("bill.pdf", 5), ("photo.png", 8)]


def test_a_file_too_large_to_keep_is_left_out_and_said_so(billing: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cases.mail.arriving.LARGEST", 6)

    said = taken(parcel(("bill.pdf", "application/pdf", b"%PDF-"), ("film.mp4", "video/mp4", b"1234567")))

    assert [file.name for file in said.attachments.all()] == ["bill.pdf"]
    assert "files_left_out" in said.flags


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (["Later", "Inbox"], "Inbox"),
        (["Closed", "Later", "Public"], "Public"),
        (["Closed", "Later"], "Later"),
    ],
)
def test_without_a_mailbox_it_goes_where_contacts_go_that_nobody_has_a_queue_for(
    db: None, named: list[str], expected: str
) -> None:
    for name in named:
        make_queue(name, is_active=name != "Closed", is_public=name == "Public")

    assert taken(letter()).case.queue.name == expected


def test_without_any_queue_a_mail_waits_for_one(db: None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    now = timezone.now()

    item = arrived(letter(), now=now)

    assert (item.state, item.error) == ("stored", "NoQueue")
    assert not Customer.objects.exists()
    make_queue("Inbox")
    intake.sweep_inbound(now + timedelta(minutes=1))
    item.refresh_from_db()
    assert item.state == "done"


def test_a_known_address_finds_its_customer_however_it_is_written(billing: Queue) -> None:
    mia = make_customer("Mia Wolff", email="mia@example.org")

    said = taken(letter(sender="M. W. <MIA@Example.ORG>"))

    assert (said.case.customer, said.sender_name) == (mia, "M. W.")
    assert Customer.objects.count() == ContactPoint.objects.count() == 1


def test_a_plus_address_is_another_customer(billing: Queue) -> None:
    mia = make_customer("Mia Wolff", email="mia@example.org")

    assert taken(letter(sender="mia+shop@example.org")).case.customer != mia


def test_a_first_mail_proves_nothing_about_its_address(billing: Queue) -> None:
    assert taken(letter()).sender.verified_at is None


# --- nobody is believed


@pytest.mark.parametrize(
    ("sender", "flag"),
    [
        ("mia@example.org, ceo@example.org", "sender_unverified"),
        ("", "sender_unverified"),
        (None, "sender_unverified"),
        ("Help <help@brightwave.example>", "own_address"),
        ("help+c10000.aaaaaaaaaaaaaaaaaaaaaaaaaa@brightwave.example", "own_address"),
    ],
)
def test_where_nobody_can_be_believed_a_case_is_opened_for_nobody(billing: Queue, sender: str, flag: str) -> None:
    mia = make_customer("Mia Wolff", email="mia@example.org")

    said = taken(letter(sender=sender))

    assert (said.case.customer, said.sender) == (None, None)
    assert flag in said.flags
    assert list(Customer.objects.all()) == [mia]
    assert not ContactPoint.objects.exclude(customer=mia).exists()


def test_our_own_people_do_not_speak_for_us_by_mail(billing: Queue, ana: Any) -> None:
    ana.email = "ana@brightwave.example"
    ana.save()
    case = taken(letter()).case
    dispatch = answered(case, ana)

    said = taken(answer_to(dispatch, "We give you 100 back.", sender="Ana <ANA@brightwave.example>"))

    assert said.case != case
    assert (said.direction, said.author) == ("inbound", None)
    assert "staff_address" in said.flags
    assert case.messages.filter(direction="outbound").count() == 1


def test_answers_that_would_go_elsewhere_are_pointed_out_and_do_not(billing: Queue, ana: Any) -> None:
    said = taken(letter(reply_to="other@example.net"))

    assert "replies_elsewhere" in said.flags
    assert answered(said.case, ana).address == "mia@example.org"
    assert not taken(letter(reply_to="Mia <MIA@example.org>")).flags


@pytest.mark.parametrize("address", ["shop@brightwave.example", "SHOP+c1.x@brightwave.example"])
def test_a_mailbox_of_ours_is_no_customer(billing: Queue, address: str) -> None:
    Mailbox.objects.create(
        name="Shop", address="shop@brightwave.example", queue=billing, host="imap.example", user="shop"
    )

    said = taken(letter(sender=address))

    assert (said.case.customer, said.flags) == (None, ["own_address"])


# --- repeats


def test_the_same_mail_by_other_ways_is_one_message(billing: Queue, technical: Queue) -> None:
    raw = letter()
    first = taken(raw, queue=billing)
    roads = [b"Received: from a by b; Mon, 2 Mar 2026 10:00:00 +0000\r\n", b"Received: by c\r\nX-Spam-Score: 2\r\n"]

    items = [arrived(road + raw, queue=technical) for road in roads]

    assert [(item.state, item.message) for item in items] == [("duplicate", first)] * 2
    assert InboundItem.objects.count() == 3
    assert Message.objects.count() == Case.objects.count() == 1


@pytest.mark.parametrize(
    "change", [{"subject": "Other"}, {"sender": "eve@example.org"}, {"date": None}, {"text": "No"}]
)
def test_the_same_message_id_for_something_else_is_a_new_message_and_pointed_out(
    billing: Queue, change: dict[str, Any]
) -> None:
    first = taken(letter("Yes", message_id="<same@x>"))

    second = taken(letter(**{"text": "Yes", "message_id": "<same@x>", **change}))

    assert second != first
    assert first.flags == []
    assert "message_id_reused" in second.flags


def test_without_a_message_id_the_content_decides(billing: Queue) -> None:
    raw = letter(message_id=None)
    first = taken(raw)

    assert arrived(b"Received: by c\r\n" + raw).message == first
    assert taken(raw.replace(b"red", b"green")) != first


def test_without_id_and_date_the_same_words_are_a_repeat_only_on_the_same_day(billing: Queue) -> None:
    raw, now = letter(message_id=None, date=None), timezone.now().replace(hour=12)
    first = taken(raw, now=now)

    assert arrived(b"Received: by c\r\n" + raw, now=now + timedelta(hours=1)).message == first
    assert taken(b"Received: by d\r\n" + raw, now=now + timedelta(days=1)) != first


# --- machines


AUTO = {"auto_submitted": "auto-replied"}


def test_an_automatic_answer_is_shown_in_its_case_and_changes_nothing(billing: Queue, ana: Any) -> None:
    case = taken(letter()).case
    dispatch = answered(case, ana)
    case.refresh_from_db()
    case.resolve(by=ana)

    said = taken(answer_to(dispatch, "I am away.", **AUTO))

    case.refresh_from_db()
    assert (said.case, said.is_auto) == (case, True)
    assert (case.status, case.waiting_since) == ("resolved", None)


def test_an_automatic_answer_to_nothing_is_ignored_and_stays_as_it_came(billing: Queue) -> None:
    item = arrived(letter("I am away.", **AUTO))

    assert (item.state, item.error, item.message) == ("ignored", "auto_reply_to_nothing", None)
    assert b"I am away." in bytes(item.raw)
    assert not Case.objects.exists()


def test_an_automatic_answer_by_a_stranger_is_ignored(billing: Queue, ana: Any) -> None:
    dispatch = answered(taken(letter()).case, ana)

    item = arrived(answer_to(dispatch, "I am away.", sender="stranger@example.net", **AUTO))

    assert item.state == "ignored"


def test_an_automatic_answer_to_a_closed_case_opens_none(billing: Queue, ana: Any) -> None:
    case = taken(letter()).case
    dispatch = answered(case, ana)
    case.refresh_from_db()
    case.resolve(by=ana)
    case.change_status("closed", by=ana)

    assert arrived(answer_to(dispatch, "I am away.", **AUTO)).error == "auto_reply_to_closed"
    assert Case.objects.count() == 1


@pytest.mark.parametrize("kind", [{"list_id": "<news.example.org>"}, {"auto_submitted": "auto-generated"}])
def test_mail_of_lists_and_of_machines_with_something_to_say_opens_a_case_as_automatic(
    billing: Queue, kind: dict[str, str]
) -> None:
    said = taken(letter("The line is down.", **kind))

    assert said.is_auto
    assert said.case.status == "new"


def test_our_own_mail_coming_back_is_ignored(billing: Queue, ana: Any) -> None:
    from cases.mail import ids

    dispatch = answered(taken(letter()).case, ana)

    back = arrived(letter("Please restart it.", sender="help@brightwave.example", message_id=ids.message_id(dispatch)))
    auto = arrived(letter("Thank you.", sender="help@brightwave.example", auto_submitted="auto-generated"))

    assert {(item.state, item.error) for item in (back, auto)} == {("ignored", "own_mail")}
    assert Message.objects.count() == 2


# --- what it costs


def test_a_mail_asks_a_fixed_number_of_questions(billing: Queue, ana: User) -> None:
    """All of it, transactions included: from the claim to the commit, with a file, acknowledged."""
    make_customer("Mia", email="mia@example.org")
    first = taken(parcel(("a.pdf", "application/pdf", b"%PDF first")), queue=billing)
    sent = answered(first.case, ana)
    Acknowledgement.objects.update(dispatch=None)  # so that the next one is told too
    begins = _asked(parcel(("b.pdf", "application/pdf", b"%PDF second")), billing)
    assert Acknowledgement.objects.exclude(dispatch=None).count() == 1
    joins = _asked(answer_to(sent), billing)
    assert (Case.objects.count(), Message.objects.filter(direction="inbound").count()) == (2, 3)
    assert len(begins) <= 34
    assert len(joins) <= 36  # it comes back to us, and has no file; two tell who has the case


def _asked(raw: bytes, queue: Queue) -> list[dict[str, str]]:
    item, _fresh = store(raw, queue=queue)
    mail = child.parse(raw)
    with CaptureQueriesContext(connection) as asked:
        claimed = intake._next_mail(timezone.now(), newest=False)
        assert claimed == item
        assert intake.process(item.pk, mail=mail, item=claimed)
    return list(asked.captured_queries)
