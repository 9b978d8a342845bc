"""What the other side tells of an answer we sent: forward through its stages, never back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases.conversation import reply
from cases.models import Case, Channel, Dispatch, Queue
from cases.outward import release_due
from crm.models import Event, User
from tests.channels import is_problem, make_channel, message, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(billing: Queue) -> Channel:
    return make_channel(billing)


@pytest.fixture
def outside() -> Client:
    """A caller with no session, whom CSRF would stop if the door asked."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def sent(outside: Client, shop: Channel, ana: User) -> Dispatch:
    """An answer that left through the channel."""
    Channel.objects.update(callback_url="http://127.0.0.1:9/in")
    Queue.objects.update(acknowledges=False)
    sender = {"kind": "handle", "value": "@mia"}
    post(outside, shop, message(thread="t1", **{"from": sender}), webhook_id="e1")
    case = Case.objects.get()
    reply(case, by=ana, text="Press reset.", written_against=case.version)
    release_due(timezone.now() + timedelta(minutes=1))
    Dispatch.objects.update(state="sent", sent_at=timezone.now())
    return Dispatch.objects.get()


def receipt(client: Client, channel: Channel, key: object, status: str, **fields: Any) -> Any:
    body = {"id": str(key), "status": status, **fields}
    return post(client, channel, body, path="receipts/", webhook_id=f"r-{status}")


def kinds(case: Case) -> list[str]:
    return list(
        Event.objects.filter(stream="case", stream_id=case.pk).order_by("version").values_list("kind", flat=True)
    )


def test_receipts_go_forward_and_never_back(outside: Client, shop: Channel, sent: Dispatch) -> None:
    assert receipt(outside, shop, sent.key, "read").json() == {"status": "noted"}
    for late in ("delivered", "read", "failed"):
        assert receipt(outside, shop, sent.key, late).json() == {"status": "known"}

    sent.refresh_from_db()
    assert sent.state == "sent"
    assert sent.read_at == sent.delivered_at
    assert kinds(Case.objects.get())[-1] == "message_read"


def test_delivered_then_read_keeps_both_times(outside: Client, shop: Channel, sent: Dispatch) -> None:
    receipt(outside, shop, sent.key, "delivered", at="2026-03-02T12:00:00Z")
    receipt(outside, shop, sent.key, "read", at="2026-03-02T12:05:00+00:00")

    sent.refresh_from_db()
    assert (sent.delivered_at, sent.read_at) == (
        datetime(2026, 3, 2, 12, 0, tzinfo=UTC),
        datetime(2026, 3, 2, 12, 5, tzinfo=UTC),
    )


def test_a_failure_reported_later_shows_as_one_and_the_customer_waits_again(
    outside: Client, shop: Channel, sent: Dispatch
) -> None:
    receipt(outside, shop, sent.key, "failed")

    sent.refresh_from_db()
    case = Case.objects.get()
    assert (sent.state, sent.reason) == ("failed", "undelivered")
    assert (case.status, case.send_state) == ("open", "failed")
    assert "send_failed" in kinds(case)


def test_an_unknown_message_that_arrived_is_sent_after_all(outside: Client, shop: Channel, sent: Dispatch) -> None:
    Dispatch.objects.update(state="unknown", reason="interrupted")

    receipt(outside, shop, sent.key, "delivered")

    sent.refresh_from_db()
    assert (sent.state, sent.reason) == ("sent", "")


def test_receipts_of_others_or_of_nothing_change_nothing(
    outside: Client, shop: Channel, sent: Dispatch, technical: Queue
) -> None:
    other = make_channel(technical, "forum")
    events = Event.objects.count()

    assert is_problem(receipt(outside, other, sent.key, "read"), 404, "not_found")
    assert is_problem(receipt(outside, shop, "nonsense", "read"), 404, "not_found")
    assert is_problem(receipt(outside, shop, sent.key, "opened"), 400, "invalid")
    assert is_problem(receipt(outside, shop, sent.key, "read", at="2026-03-02T12:00:00"), 400, "invalid")
    for body in ([], None, {"id": 7, "status": "read"}, {"id": str(sent.key), "status": ["read"]}, {"status": "read"}):
        assert is_problem(post(outside, shop, body, path="receipts/"), 400, "invalid")
    unsigned = outside.post("/api/inbound/shop/receipts/", {}, content_type="application/json")
    assert is_problem(unsigned, 401, "unsigned")

    sent.refresh_from_db()
    assert (sent.read_at, sent.delivered_at, Event.objects.count()) == (None, None, events)
