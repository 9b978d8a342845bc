"""The signed door: what is not signed, fresh and sound changes nothing; the same at once is one message."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from cases.models import Case, Channel, InboundItem, Message, Queue
from crm.models import Event
from customers.models import Customer
from tests.channels import make_channel, message, post, signed

pytestmark = pytest.mark.django_db

DOOR = "/api/inbound/shop/"


@pytest.fixture
def shop(billing: Queue) -> Channel:
    return make_channel(billing)


def test_a_signed_message_is_a_case_and_its_repeat_is_the_same_one(client: Client, shop: Channel) -> None:
    first = post(client, shop, message(thread="t1"))
    again = post(client, shop, message(thread="t1"))
    more = post(client, shop, message("Still red.", thread="t1"), webhook_id="evt_2")

    case = Case.objects.get()
    assert (first.status_code, first.json()["status"], first.json()["case"]) == (201, "created", case.number)
    assert (again.status_code, again.json()) == (200, {**first.json(), "status": "duplicate"})
    assert (more.status_code, more.json()["status"]) == (201, "appended")
    assert list(case.messages.order_by("id").values_list("text", flat=True)) == ["My router blinks red.", "Still red."]


def _unsigned(shop: Channel, raw: bytes) -> dict[str, str]:
    return {}


def _stale(shop: Channel, raw: bytes) -> dict[str, str]:
    return signed(shop.active_secrets()[0], raw, at=timezone.now() - timedelta(seconds=301))


def _from_the_future(shop: Channel, raw: bytes) -> dict[str, str]:
    return signed(shop.active_secrets()[0], raw, at=timezone.now() + timedelta(seconds=310))


def _other_secret(shop: Channel, raw: bytes) -> dict[str, str]:
    return signed(make_channel(shop.queue, "other").active_secrets()[0], raw)


def _other_body(shop: Channel, raw: bytes) -> dict[str, str]:
    return signed(shop.active_secrets()[0], raw + b" ")


def _other_id(shop: Channel, raw: bytes) -> dict[str, str]:
    return signed(shop.active_secrets()[0], raw) | {"webhook-id": "evt_other"}


def _no_signature(shop: Channel, raw: bytes) -> dict[str, str]:
    return signed(shop.active_secrets()[0], raw) | {"webhook-signature": "v1,"}


def _no_time(shop: Channel, raw: bytes) -> dict[str, str]:
    return signed(shop.active_secrets()[0], raw) | {"webhook-timestamp": "١٢٣"}


def _retired_secret(shop: Channel, raw: bytes) -> dict[str, str]:
    headers = signed(shop.active_secrets()[0], raw)
    shop.add_secret()
    shop.retire_secrets()
    return headers


def _sound(shop: Channel, raw: bytes) -> dict[str, str]:
    return signed(shop.active_secrets()[0], raw)


GOOD = json.dumps(message()).encode()


@pytest.mark.parametrize(
    ("sign", "raw", "status", "code"),
    [
        (_unsigned, GOOD, 401, "unsigned"),
        (_stale, GOOD, 401, "stale"),
        (_from_the_future, GOOD, 401, "stale"),
        (_other_secret, GOOD, 401, "bad_signature"),
        (_other_body, GOOD, 401, "bad_signature"),
        (_other_id, GOOD, 401, "bad_signature"),
        (_no_signature, GOOD, 401, "bad_signature"),
        (_no_time, GOOD, 401, "stale"),
        (_retired_secret, GOOD, 401, "bad_signature"),
        (_sound, b"{", 400, "invalid"),
        (_sound, b'{"text": "a", "text": "b"}', 400, "invalid"),
        (_sound, b'{"text": "a"}', 400, "invalid"),
        (_sound, json.dumps(message(direction="outbound")).encode(), 400, "invalid"),
        (_sound, json.dumps(message("x" * 1_100_000)).encode(), 413, "too_large"),
    ],
)
def test_what_is_not_signed_fresh_and_sound_changes_nothing(
    client: Client, shop: Channel, sign: Any, raw: bytes, status: int, code: str
) -> None:
    headers = sign(shop, raw)
    events = Event.objects.count()

    response = client.post(DOOR, raw, content_type="application/json", headers=headers)

    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["type"].endswith(f":{code}")
    assert response.json()["detail"]
    assert not InboundItem.objects.exists()
    assert not Customer.objects.exists()
    assert Event.objects.count() == events


def test_a_replay_with_another_body_is_refused_and_a_replayed_request_adds_nothing(
    client: Client, shop: Channel
) -> None:
    headers = signed(shop.active_secrets()[0], GOOD)
    for _time in range(3):
        client.post(DOOR, GOOD, content_type="application/json", headers=headers)
    other = post(client, shop, message("Something else"))

    assert (other.status_code, other.json()["type"].rpartition(":")[2]) == (409, "other_body")
    assert Message.objects.get().text == "My router blinks red."


def test_a_channel_that_is_off_or_unknown_is_not_there(client: Client, shop: Channel) -> None:
    shop.is_active = False
    shop.save(update_fields=["is_active"])
    assert post(client, shop, message()).status_code == 404
    assert client.post("/api/inbound/nothing/", GOOD, content_type="application/json").status_code == 404
    assert client.get(DOOR).status_code == 405
    assert not InboundItem.objects.exists()


def test_both_secrets_count_while_one_is_exchanged(client: Client, shop: Channel) -> None:
    before = signed(shop.active_secrets()[0], GOOD)
    shop.add_secret()
    assert client.post(DOOR, GOOD, content_type="application/json", headers=before).status_code == 201
    assert post(client, shop, message("More"), webhook_id="evt_2").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_the_same_item_ten_times_at_once_is_one_message(shop: Channel) -> None:
    def send(_n: int) -> int:
        try:
            return int(post(Client(), shop, message()).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        codes = sorted(pool.map(send, range(10)))

    assert codes.count(201) == 1, codes
    assert set(codes) <= {200, 201, 202}
    assert Message.objects.count() == Case.objects.count() == Customer.objects.count() == 1
    assert InboundItem.objects.get().state == "done"
    assert Event.objects.filter(stream="case").count() == 2
