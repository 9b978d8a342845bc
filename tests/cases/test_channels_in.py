"""The signed door: what is let in, what is refused and changes nothing, and what it answers."""

import base64
import gzip
import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import intake, receiving
from cases.models import Case, Channel, InboundItem, Message, Queue
from cases.views import inbound as door
from crm.models import Event
from customers.models import Customer
from tests.channels import is_problem, make_channel, message, post, signed

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(billing: Queue) -> Channel:
    return make_channel(billing)


@pytest.fixture
def outside() -> Client:
    """A caller with no session, whom CSRF would stop if the door asked."""
    return Client(enforce_csrf_checks=True)


def nothing_happened() -> bool:
    tables = (InboundItem, Message, Case, Customer, Event)
    return not any(table.objects.exists() for table in tables)


def test_a_signed_message_becomes_a_case_and_the_next_one_joins_it(outside: Client, shop: Channel) -> None:
    first = post(outside, shop, message(thread="t1"), webhook_id="e1")
    second = post(outside, shop, message("Still red.", thread="t1"), webhook_id="e2")

    case = Case.objects.get()
    assert (first.status_code, first.json()["status"], first.json()["case"]) == (201, "created", case.number)
    assert (second.status_code, second.json()["status"], second.json()["case"]) == (201, "appended", case.number)
    assert [m.text for m in case.messages.all()] == ["My router blinks red.", "Still red."]
    assert [m.external_id for m in case.messages.all()] == ["e1", "e2"]
    assert first.json()["message"] == case.messages.all()[0].token


def test_the_same_again_gets_the_same_answer_and_changes_nothing(outside: Client, shop: Channel) -> None:
    first = post(outside, shop, message(id="m1"), webhook_id="e1")
    events = Event.objects.count()

    for retry in ("e1", "e2", "e3"):
        again = post(outside, shop, message(id="m1"), webhook_id=retry)
        assert again.status_code == 200
        assert again.json() == {**first.json(), "status": "duplicate"}

    assert (Message.objects.count(), Event.objects.count()) == (1, events)


def test_the_same_id_with_another_body_is_a_conflict(outside: Client, shop: Channel) -> None:
    post(outside, shop, message(), webhook_id="e1")

    response = post(outside, shop, message("Something else"), webhook_id="e1")

    assert is_problem(response, 409, "other_body")
    assert [m.text for m in Message.objects.all()] == ["My router blinks red."]


# --- signatures


def send(client: Client, raw: bytes, headers: dict[str, str], slug: str = "shop", **extra: Any) -> Any:
    return client.post(f"/api/inbound/{slug}/", raw, content_type="application/json", headers=headers, **extra)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"webhook-id": ""}, "unsigned"),
        ({"webhook-timestamp": ""}, "unsigned"),
        ({"webhook-signature": ""}, "unsigned"),
        ({"webhook-signature": "v1,"}, "bad_signature"),
        ({"webhook-signature": "v1"}, "bad_signature"),
        ({"webhook-signature": "v1,####"}, "bad_signature"),
        ({"webhook-signature": "v1,ü"}, "bad_signature"),
        ({"webhook-signature": "v1,AAAA"}, "bad_signature"),
        ({"webhook-signature": "v1a,AAAA v2,BBBB"}, "bad_signature"),
        ({"webhook-id": "evt_2"}, "bad_signature"),
        ({"webhook-id": "x" * 201}, "bad_id"),
        ({"webhook-id": "a b"}, "bad_id"),
        ({"webhook-timestamp": "soon"}, "stale"),
        ({"webhook-timestamp": "1e9"}, "stale"),
        ({"webhook-timestamp": "-1"}, "stale"),
        ({"webhook-timestamp": "nan"}, "stale"),
        ({"webhook-timestamp": "9" * 400}, "stale"),
        ({"webhook-timestamp": "١٢٣"}, "stale"),
    ],
)
def test_headers_that_prove_nothing_change_nothing(
    outside: Client, shop: Channel, caplog: pytest.LogCaptureFixture, change: dict[str, str], code: str
) -> None:
    raw = json.dumps(message()).encode()
    headers = {**signed(shop.active_secrets()[0], raw), **change}

    response = send(outside, raw, {k: v for k, v in headers.items() if v})

    assert is_problem(response, 401, code)
    assert nothing_happened()
    assert [r.getMessage() for r in caplog.records] == [f"inbound refused: {code} shop"]


def test_upper_case_letters_are_another_signature(outside: Client, shop: Channel) -> None:
    raw = json.dumps(message()).encode()
    headers = signed(shop.active_secrets()[0], raw)

    response = send(outside, raw, {**headers, "webhook-signature": "v1," + headers["webhook-signature"][3:].upper()})

    assert is_problem(response, 401, "bad_signature")
    assert nothing_happened()


@pytest.mark.parametrize(("seconds", "status"), [(-295, 201), (295, 201), (-305, 401), (305, 401)])
def test_five_minutes_either_way_are_fresh(outside: Client, shop: Channel, seconds: int, status: int) -> None:
    raw = json.dumps(message()).encode()
    at = timezone.now() + timedelta(seconds=seconds)

    response = send(outside, raw, signed(shop.active_secrets()[0], raw, at=at))

    assert response.status_code == status
    assert nothing_happened() is (status == 401)


@pytest.mark.parametrize(
    "change",
    [lambda b: b + b" ", lambda b: b" " + b, lambda b: json.dumps(json.loads(b), indent=1).encode(), gzip.compress],
)
def test_the_body_is_signed_to_the_byte(outside: Client, shop: Channel, change: Any) -> None:
    raw = json.dumps(message()).encode()

    response = send(outside, change(raw), signed(shop.active_secrets()[0], raw))

    assert is_problem(response, 401, "bad_signature")
    assert nothing_happened()


def test_another_channels_secret_opens_nothing(outside: Client, shop: Channel, technical: Queue) -> None:
    other = make_channel(technical, "forum")
    raw = json.dumps(message()).encode()

    response = send(outside, raw, signed(other.active_secrets()[0], raw))

    assert is_problem(response, 401, "bad_signature")
    assert nothing_happened()


def test_every_active_secret_verifies_until_it_is_retired(outside: Client, shop: Channel) -> None:
    old = shop.active_secrets()[0]
    new = shop.add_secret()
    raw = json.dumps(message()).encode()

    assert send(outside, raw, signed(old, raw, webhook_id="e1")).status_code == 201
    assert send(outside, raw, signed(new, raw, webhook_id="e2")).status_code == 201
    shop.retire_secrets()
    assert send(outside, raw, signed(old, raw, webhook_id="e3")).status_code == 401
    assert send(outside, raw, signed(new, raw, webhook_id="e4")).status_code == 201


def test_secrets_are_closed_in_the_database(shop: Channel) -> None:
    secret = shop.active_secrets()[0]

    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert secret not in Channel.objects.get().secrets


def test_a_channel_without_secrets_or_switched_off_takes_nothing(outside: Client, shop: Channel) -> None:
    secret = shop.active_secrets()[0]
    raw = json.dumps(message()).encode()
    Channel.objects.update(secrets="")
    assert is_problem(send(outside, raw, signed(secret, raw)), 401, "bad_signature")
    Channel.objects.update(is_active=False)
    assert is_problem(send(outside, raw, signed(secret, raw)), 404, "no_channel")
    assert is_problem(send(outside, raw, signed(secret, raw), slug="nowhere"), 404, "no_channel")
    assert nothing_happened()


def test_our_own_ways_in_cannot_be_taken_by_a_channel(billing: Queue) -> None:
    from django.core.exceptions import ValidationError
    from django.db import IntegrityError, transaction

    with pytest.raises(ValidationError, match="choose another name"):
        Channel(slug="web", name="Web", queue=billing).full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        Channel.objects.create(slug="mail", name="Mail", queue=billing)


# --- bodies


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"null",
        b"[]",
        b'{"text": "a"}',
        json.dumps(message(direction="outbound")).encode(),
        b"\xef\xbb\xbf{}",
        b'{"text": NaN}',
        b'{"n": 1e999}',
        b'{"n": 1180591620717411303424}',
        b'{"text": "a", "text": "b"}',
        b'{"text": "\\ud800", "from": {"kind": "email", "value": "a@b.example"}}',
        b'{"text": "a\\u0000b", "from": {"kind": "email", "value": "a@b.example"}}',
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        json.dumps(message(at="not a time")).encode(),
        json.dumps(message(text={"a": 1})).encode(),
    ],
)
def test_a_body_nobody_can_read_is_refused_in_a_sentence(outside: Client, shop: Channel, raw: bytes) -> None:
    assert is_problem(post(outside, shop, raw), 400, "invalid")
    assert nothing_happened()


def test_a_body_that_is_no_text_is_not_ours(outside: Client, shop: Channel) -> None:
    raw = b"\xff\xfe\x00"
    headers = {**signed(shop.active_secrets()[0], b"x"), "content-type": "application/json"}

    assert is_problem(send(outside, raw, headers), 401, "bad_signature")
    assert nothing_happened()


def test_too_much_is_refused(outside: Client, shop: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_problem(post(outside, shop, message("x" * 1_100_000)), 413, "too_large")
    monkeypatch.setattr(door, "LARGEST_RAW", 100)
    assert is_problem(post(outside, shop, message()), 413, "too_large")
    assert nothing_happened()


def test_ten_megabytes_of_files_come_in(outside: Client, shop: Channel) -> None:
    content = base64.b64encode(b"z" * (10 * 1024 * 1024)).decode()

    response = post(outside, shop, message(attachments=[{"name": "log.txt", "type": "text/plain", "content": content}]))

    assert response.status_code == 201
    assert Message.objects.get().attachments.get().size == 10 * 1024 * 1024


def test_compressed_bodies_and_other_methods_are_refused(outside: Client, shop: Channel) -> None:
    raw = json.dumps(message()).encode()
    headers = {**signed(shop.active_secrets()[0], raw), "content-encoding": "gzip"}

    assert is_problem(send(outside, raw, headers), 415, "encoding")
    refused = outside.get("/api/inbound/shop/")
    assert is_problem(refused, 405, "method")
    assert refused["allow"] == "POST"
    assert nothing_happened()


def test_what_cannot_be_processed_now_is_stored_and_said_so(
    outside: Client, shop: Channel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr(door, "PATIENCE", 0.1)
    with monkeypatch.context() as broken:
        broken.setattr(receiving, "match", lambda *_a, **_k: 1 / 0)
        first = post(outside, shop, message(), webhook_id="e1")
        again = post(outside, shop, message(), webhook_id="e1")
    assert (first.status_code, first.json()) == (202, {"status": "stored"})
    assert (again.status_code, again.json()) == (202, {"status": "stored"})

    intake.sweep_inbound(timezone.now() + timedelta(seconds=10))

    assert post(outside, shop, message(), webhook_id="e1").json()["status"] == "duplicate"
    assert Message.objects.count() == 1


def stored_only(shop: Channel, **state: Any) -> None:
    """What a process leaves that dies between storing and processing."""
    intake.store("shop", "e1", json.dumps(message()).encode())
    InboundItem.objects.update(**state)


def test_a_sender_who_repeats_does_not_wait_for_the_sweep_when_a_process_died(
    outside: Client, shop: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "PATIENCE", 0.1)
    stored_only(shop, attempts=1)

    again = post(outside, shop, message(), webhook_id="e1")
    once_more = post(outside, shop, message(), webhook_id="e1")

    assert (again.status_code, again.json()["status"]) == (201, "created")
    assert (once_more.status_code, once_more.json()["status"]) == (200, "duplicate")
    assert (Message.objects.count(), InboundItem.objects.get().attempts) == (1, 2)


@pytest.mark.parametrize("state", [{"attempts": intake.TAKEN_OVER}, {"attempts": 1, "error": "RuntimeError"}])
def test_what_may_be_the_cause_of_a_death_or_has_failed_keeps_its_pauses(
    outside: Client, shop: Channel, monkeypatch: pytest.MonkeyPatch, state: dict[str, Any]
) -> None:
    monkeypatch.setattr(door, "PATIENCE", 0.1)
    stored_only(shop, **state)

    again = post(outside, shop, message(), webhook_id="e1")

    assert (again.status_code, again.json()) == (202, {"status": "stored"})
    assert InboundItem.objects.get().attempts == state["attempts"]
    assert not Message.objects.exists()
