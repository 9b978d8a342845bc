"""The public contact form: works without scripts, sent twice is one message, and tells strangers nothing."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from cases import contact_form, intake, receiving
from cases.contact_form import ContactForm
from cases.models import Case, InboundItem, Message, Queue
from cases.views import public
from crm.models import Event
from customers.models import ContactPoint, Customer
from tests.builders import make_customer, make_queue
from tests.cases.clockwork import make_policy, publish_calendar
from tests.cases.visitors import WORDS, fill_in, opened


@pytest.fixture(autouse=True)
def nobody_is_too_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_form, "QUICKEST", 0)


@pytest.fixture
def help_desk(db: None) -> Queue:
    return make_queue("Billing help", is_public=True)


@pytest.fixture
def visitor() -> Client:
    return Client(enforce_csrf_checks=True, headers={"accept-language": "de,en;q=0.5"})


def nothing_happened() -> bool:
    return not any(table.objects.exists() for table in (InboundItem, Message, Case, Customer, Event))


def test_a_filled_in_form_becomes_a_case_and_thanks_with_its_number(visitor: Client, help_desk: Queue) -> None:
    response = fill_in(visitor)

    case = Case.objects.get()
    said = case.messages.get()
    assert response.status_code == 302
    assert (case.queue, case.channel, case.subject, case.status) == (help_desk, "web", "Router", "new")
    assert (said.text.split(), said.sender_name) == (WORDS["message"].split(), "Mia Wolff")
    assert case.customer is not None
    assert (case.customer.language, case.language) == ("de", "de")
    assert ContactPoint.objects.get().verified_at is None
    page = visitor.get(response["location"]).content.decode()
    assert f"#{case.number}" in page
    assert "mia@example.org" not in page


def test_with_one_topic_there_is_nothing_to_choose(help_desk: Queue) -> None:
    page = Client().get("/contact/").content.decode()

    assert f'<input type="hidden" name="topic" value="{help_desk.pk}"' in page
    assert "<select" not in page


def test_words_are_kept_as_they_were_typed_however_a_browser_sends_its_line_ends(
    visitor: Client, help_desk: Queue
) -> None:
    fill_in(visitor, message="It blinks.\r\n\r\nRed.")

    assert Message.objects.get().text == "It blinks.\n\nRed."


def test_a_phone_number_is_as_good_as_a_mail_address(visitor: Client, help_desk: Queue) -> None:
    fill_in(visitor, address="020 7946 0123")

    assert ContactPoint.objects.get().value == "+442079460123"


def test_a_known_address_finds_its_customer_and_the_answer_does_not_tell(visitor: Client, help_desk: Queue) -> None:
    known = make_customer("Mia Wolff", email="mia@example.org")

    stranger = fill_in(visitor, address="new@example.org")
    friend = fill_in(visitor)

    assert Case.objects.get(customer=known).messages.count() == 1
    pages = [visitor.get(r["location"]).content.decode() for r in (stranger, friend)]
    alike = {re.sub(r"#\d+", "#", re.sub(r'nonce="[^"]*"', "", page)) for page in pages}
    assert len(alike) == 1


def test_the_form_is_in_the_language_of_the_browser_and_names_its_fields(visitor: Client, help_desk: Queue) -> None:
    page = visitor.get("/contact/").content.decode()

    assert '<html lang="de"' in page
    for name in ("name", "address", "subject", "message", "attachments"):
        assert f'<label for="id_{name}">' in page
        assert f'id="id_{name}"' in page
    assert "<script" not in page
    assert "style=" not in page


# --- topics


def test_topics_are_the_public_queues_only(visitor: Client, help_desk: Queue) -> None:
    other = make_queue("Moving house", is_public=True)
    make_queue("Internal affairs")
    make_queue("Closed desk", is_public=True, is_active=False)

    page = visitor.get("/contact/").content.decode()

    assert "Moving house" in page
    assert "Billing help" in page
    assert "Internal" not in page
    assert "Closed desk" not in page
    fill_in(visitor, topic=str(other.pk))
    assert Case.objects.get().queue == other


@pytest.mark.parametrize("path", ["moving-house", "{pk}"])
def test_a_topics_own_address_chooses_it(visitor: Client, help_desk: Queue, path: str) -> None:
    other = make_queue("Moving house", is_public=True)

    page = visitor.get(f"/contact/{path.format(pk=other.pk)}/").content.decode()

    assert f'<option value="{other.pk}" selected>' in page


@pytest.mark.django_db
def test_what_is_not_public_is_not_there(visitor: Client) -> None:
    hidden = make_queue("Internal")

    assert visitor.get("/contact/").status_code == 404
    make_queue("Open", is_public=True)
    assert visitor.get(f"/contact/{hidden.pk}/").status_code == 404
    assert visitor.get("/contact/internal/").status_code == 404
    start = {**opened(visitor), "topic": str(hidden.pk)}
    assert "has not been sent" in Client().post("/contact/", {**start, **WORDS}).content.decode()
    assert nothing_happened()


# --- mistakes


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "Tell us your name"),
        ("address", "", "where we can answer you"),
        ("address", "nobody", "not a phone number"),
        ("address", "nobody@", "looks like name@example.org"),
        ("message", "   ", "Write to us what"),
        ("message", "x" * 50_001, "at most 50000"),
        ("subject", "x" * 301, "at most 300"),
        ("name", "a\x00b", "Null characters"),
        ("topic", "999999", "Select a valid choice"),
        ("topic", "", "Choose what it is about"),
    ],
)
def test_a_mistake_is_said_in_words_beside_what_was_typed(
    help_desk: Queue, field: str, value: str, sentence: str
) -> None:
    make_queue("Another", is_public=True)
    client = Client()

    page = fill_in(client, **{field: value}).content.decode()

    assert sentence in page
    assert "has not been sent yet" in page
    assert 'role="alert"' in page
    if field != "message":
        assert "It blinks red." in page
    assert nothing_happened()


def test_what_is_typed_is_text_wherever_it_is_shown(help_desk: Queue) -> None:
    client = Client()

    page = fill_in(client, name='"><script>alert(1)</script>', address="<img src=x onerror=alert(1)>").content.decode()

    assert "<script" not in page
    assert "<img" not in page


def test_without_the_forgery_token_nothing_happens(visitor: Client, help_desk: Queue) -> None:
    start = opened(visitor)
    start["csrfmiddlewaretoken"] = "x" * 64

    assert fill_in(visitor, start).status_code == 403
    assert nothing_happened()


def test_a_robot_that_fills_in_everything_is_asked_again_and_a_person_gets_through(help_desk: Queue) -> None:
    client = Client()
    start = opened(client)

    page = fill_in(client, start, website="http://spam.example").content.decode()

    assert "could not be sure" in page
    assert "spam.example" not in page
    assert "It blinks red." in page
    assert nothing_happened()
    assert fill_in(client, start).status_code == 302


def test_too_quick_forged_and_stale_forms_are_asked_again(help_desk: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    start = opened(client)
    monkeypatch.setattr(contact_form, "QUICKEST", 5)
    assert "very quick" in fill_in(client, start).content.decode()
    monkeypatch.setattr(contact_form, "QUICKEST", 0)
    assert nothing_happened()

    for token in ("", "forged", start["token"][:-2], "\x00"):
        assert "has not been sent" in fill_in(client, {**start, "token": token}).content.decode()
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        page = fill_in(client, start).content.decode()
        assert "open for a long time" in page
        assert nothing_happened()
        renewed = re.search(r'name="token" value="([^"]+)"', page)
        assert renewed
        assert fill_in(client, {**start, "token": renewed[1]}).status_code == 302


# --- once


def test_the_same_form_sent_twice_is_one_message(help_desk: Queue) -> None:
    client = Client()
    start = opened(client)

    first, second = fill_in(client, start), fill_in(client, start)

    assert urlsplit(first["location"]).path.startswith("/contact/thanks/")
    assert second.status_code == 302
    assert Message.objects.count() == 1
    pages = {re.search(r"#(\d+)", client.get(r["location"]).content.decode())[1] for r in (first, second)}  # type: ignore[index]
    assert pages == {str(Case.objects.get().number)}


def test_going_back_changing_words_and_sending_again_adds_to_the_same_case(help_desk: Queue) -> None:
    client = Client()
    start = opened(client)
    fill_in(client, start)

    fill_in(client, start, message="It blinks red and beeps.")

    assert [m.text for m in Case.objects.get().messages.all()][1] == "It blinks red and beeps."


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_five_times_at_once_is_one_message() -> None:
    make_queue("Billing help", is_public=True)
    start = opened(Client())

    def click(_n: int) -> int:
        try:
            return int(fill_in(Client(), start).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        assert set(pool.map(click, range(5))) == {302}

    assert Message.objects.count() == Case.objects.count() == 1


# --- limits


def test_one_network_and_one_address_can_send_so_much_and_no_more(
    help_desk: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    monkeypatch.setattr(public, "PER_ADDRESS", 2)
    sent = [fill_in(client) for _n in range(3)]
    assert [r.status_code for r in sent] == [302, 302, 429]
    assert "It blinks red." in sent[2].content.decode()
    assert sent[2]["retry-after"]
    assert fill_in(client, address="other@example.org").status_code == 302

    monkeypatch.setattr(public, "PER_NETWORK", 5)
    told = [
        fill_in(Client(headers={"x-forwarded-for": f"203.0.113.{n}"}), address=f"a{n}@example.org") for n in range(2)
    ]
    assert [r.status_code for r in told] == [302, 429], "a made-up X-Forwarded-For changes nothing"
    assert fill_in(Client(REMOTE_ADDR="198.51.100.9"), address="b@example.org").status_code == 302


def test_a_second_click_is_no_second_message_to_count(help_desk: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public, "PER_ADDRESS", 1)
    client = Client()
    start = opened(client)

    assert [fill_in(client, start).status_code for _n in range(3)] == [302, 302, 302]


# --- files


def upload(name: str, size: int = 10, content: bytes = b"") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content or b"x" * size, content_type="image/png")


def test_files_arrive_with_their_names_cleaned(help_desk: Queue) -> None:
    fill_in(Client(), attachments=[upload("photo.png"), upload("..\\..\\evil\u202egnp.exe"), upload("📎 ünï.pdf")])

    attached = Message.objects.get().attachments
    assert sorted(attached.values_list("name", flat=True)) == ["evilgnp.exe", "photo.png", "📎 ünï.pdf"]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([("a.txt", 1)] * 6, "at most 5 files"),
        ([("a.txt", 4_000_000)] * 3, "more than 10 MB together"),
        ([("empty.txt", 0)], "empty"),
    ],
)
def test_too_many_too_large_or_empty_files_are_said(help_desk: Queue, files: Any, sentence: str) -> None:
    uploads = [SimpleUploadedFile(name, b"x" * size) for name, size in files]

    page = fill_in(Client(), attachments=uploads).content.decode()

    assert sentence in page
    assert "Files have to be chosen again" in page
    assert nothing_happened()


# --- after


def test_what_cannot_be_processed_now_is_safe_and_gets_its_number_later(
    help_desk: Queue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client()
    with monkeypatch.context() as broken:
        broken.setattr(receiving, "match", lambda *_a, **_k: 1 / 0)
        response = fill_in(client)
    assert "It is safe with us" in client.get(response["location"]).content.decode()

    intake.sweep_inbound(timezone.now() + timedelta(minutes=2))

    assert f"#{Case.objects.get().number}" in client.get(response["location"]).content.decode()


def test_thanks_say_by_when_where_a_target_says_so(help_desk: Queue) -> None:
    make_policy(queues=[help_desk], calendar=publish_calendar(tz="Europe/Berlin"), first_response=60)
    client = Client()
    with time_machine.travel("2035-03-05T10:00:00Z", tick=False):
        response = fill_in(client)
        page = client.get(response["location"]).content.decode()

    assert "Monday 5 March, 12:00" in page
    assert "Europe/Berlin time" in page
    assert '<time datetime="2035-03-05T11:00:00+00:00">' in page


def test_thanks_open_only_by_their_own_link(help_desk: Queue) -> None:
    location = fill_in(Client())["location"]

    assert Client().get(location).status_code == 200
    for forged in (location[:-3] + "/", "/contact/thanks/x/", "/contact/thanks/%00/"):
        assert Client().get(forged).status_code == 404
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert Client().get(location).status_code == 404


def test_the_form_asks_few_questions_of_the_database(help_desk: Queue, django_assert_max_num_queries: Any) -> None:
    for n in range(20):
        make_queue(f"Topic {n}", is_public=True)
    with django_assert_max_num_queries(1):
        Client().get("/contact/")


def test_form_class_has_no_field_a_stranger_could_steer_with(help_desk: Queue) -> None:
    fill_in(Client(), priority="urgent", queue="1", status="closed", customer="1")

    case = Case.objects.get()
    assert (case.priority, case.status, case.queue) == ("normal", "new", help_desk)
    assert set(ContactForm.base_fields) == {
        "name", "address", "topic", "subject", "message", "attachments", "website", "token",
    }  # fmt: skip
