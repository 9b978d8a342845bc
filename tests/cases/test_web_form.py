"""The public contact form: one message for one form, limits, and nothing learned about who is known here."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cases import contact_form
from cases.models import Case, InboundItem, Message, Queue
from cases.views import public
from crm.secrets import sign
from customers.models import ContactPoint, Customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def open_queue(billing: Queue) -> Queue:
    billing.is_public = True
    billing.save(update_fields=["is_public"])
    return billing


def token(name: str = "f1", *, age: int = 60) -> str:
    """As a page carries it that was opened `age` seconds ago."""
    return sign({"form": name, "at": int(timezone.now().timestamp()) - age}, purpose="contact form")


def filled(queue: Queue, **fields: Any) -> dict[str, Any]:
    return {
        "name": "Mia Wolff",
        "address": "mia@example.org",
        "topic": str(queue.pk),
        "subject": "Router",
        "message": "It blinks red.",
        "website": "",
        "token": token(),
        **fields,
    }


def test_a_filled_in_form_is_a_case_and_thanks_with_its_number(client: Client, open_queue: Queue) -> None:
    page = client.get("/contact/")
    assert page.context["form"]["token"].value()

    note = SimpleUploadedFile("bill.pdf", b"%PDF-1", content_type="application/pdf")
    response = client.post("/contact/", filled(open_queue, attachments=[note]), follow=True)

    case = Case.objects.get()
    assert (case.queue, case.channel, case.subject) == (open_queue, "web", "Router")
    said = case.messages.get()
    assert (said.text, said.attachments.get().name) == ("It blinks red.", "bill.pdf")
    assert f"#{case.number}" in response.content.decode()


def test_a_form_sent_twice_is_one_message(client: Client, open_queue: Queue) -> None:
    first = client.post("/contact/", filled(open_queue))
    second = client.post("/contact/", filled(open_queue))

    assert first.status_code == second.status_code == 302
    assert Case.objects.count() == Message.objects.count() == InboundItem.objects.count() == 1


def test_a_typed_address_is_nobodys_proof(client: Client, open_queue: Queue, carl: Customer) -> None:
    carl.contact_points.update(verified_at=None)
    client.post("/contact/", filled(open_queue, address="carl@example.org"))

    assert not ContactPoint.objects.exclude(verified_at=None).exists()
    known = client.post("/contact/", filled(open_queue, address="carl@example.org", token=token("f2")), follow=True)
    strange = client.post("/contact/", filled(open_queue, address="new@example.org", token=token("f3")), follow=True)
    assert "Carl" not in known.content.decode()
    assert known.status_code == strange.status_code == 200


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"website": "https://spam.example"}, "could not be sure"),
        ({"token": "forged"}, "open for a long time"),
        ({"address": "nobody"}, "phone number"),
        ({"address": "a@b@c"}, "mail address"),
        ({"message": " "}, "required"),
        ({"topic": "999999"}, "valid choice"),
        ({"message": "x" * 50_001}, "at most 50000"),
        ({"message": "a\ud800b".encode("utf-8", "surrogatepass").decode("utf-8", "replace") + "\0"}, "Null characters"),
    ],
)
def test_what_cannot_be_taken_is_said_and_changes_nothing(
    client: Client, open_queue: Queue, fields: dict[str, Any], said: str
) -> None:
    response = client.post("/contact/", filled(open_queue, **fields))

    assert response.status_code == 200
    assert said in response.content.decode()
    assert not InboundItem.objects.exists()
    assert not Customer.objects.exists()


@pytest.mark.parametrize(("age", "taken"), [(0, False), (5, True), (contact_form.OLDEST + 5, False)])
def test_robots_send_at_once_or_after_days(client: Client, open_queue: Queue, age: int, taken: bool) -> None:
    client.post("/contact/", filled(open_queue, token=token(age=age)))
    assert InboundItem.objects.exists() is taken


def test_too_many_files_are_refused(client: Client, open_queue: Queue) -> None:
    files = [SimpleUploadedFile(f"{n}.txt", b"x") for n in range(6)]
    assert "at most 5 files" in client.post("/contact/", filled(open_queue, attachments=files)).content.decode()
    assert not InboundItem.objects.exists()


def test_one_address_and_one_network_are_limited(
    client: Client, open_queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public, "PER_ADDRESS", 2)
    answers = [client.post("/contact/", filled(open_queue, token=token(f"f{n}"))) for n in range(3)]
    assert [a.status_code for a in answers] == [302, 302, 429]
    assert answers[2]["Retry-After"]
    assert "It blinks red." in answers[2].content.decode()
    assert client.post("/contact/", filled(open_queue, token=token("f0"))).status_code == 302  # the first one again
    assert Message.objects.count() == 2

    monkeypatch.setattr(public, "PER_NETWORK", 3)
    other = filled(open_queue, address="other@example.org", token=token("f9"))
    assert client.post("/contact/", other).status_code == 429
    assert Message.objects.count() == 2


def test_without_a_public_queue_there_is_no_form(client: Client, open_queue: Queue, technical: Queue) -> None:
    assert client.get(f"/contact/{technical.pk}/").status_code == 404
    open_queue.is_public = False
    open_queue.save(update_fields=["is_public"])
    assert client.get("/contact/").status_code == 404
    assert client.post("/contact/", filled(open_queue)).status_code == 404
    assert not InboundItem.objects.exists()


def test_a_forged_thank_you_page_is_not_there(client: Client, open_queue: Queue) -> None:
    client.post("/contact/", filled(open_queue))
    assert client.get("/contact/thanks/forged/").status_code == 404
    other = sign(InboundItem.objects.get().external_id, purpose="something else")
    assert client.get(f"/contact/thanks/{other}/").status_code == 404
