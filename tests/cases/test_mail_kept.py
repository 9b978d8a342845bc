"""A mail that cannot be read is kept, told and looked at again, and never stops the next."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases import intake
from cases.mail import child
from cases.mail.arriving import store
from cases.models import Case, InboundItem, Message, Queue
from cases.models.channel import MOST_LOOKS
from crm.models import Event
from tests.mails import arrived, letter

pytestmark = pytest.mark.django_db

UNREADABLE = {"x_test_unparsable": "yes"}


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A reader that gives up on some mails; what is put into the dict is how."""
    real, state = child.parse, {"mended": False, "tries": 0}

    def parse(raw: bytes, **limits: Any) -> Any:
        if b"X-Test-Unparsable" in raw and not state["mended"]:
            state["tries"] += 1
            raise child.Unparsable("memory")
        return real(raw, **limits)

    monkeypatch.setattr(child, "parse", parse)
    return state


def test_a_mail_that_cannot_be_read_is_kept_told_and_tried_again(
    billing: Queue, reader: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    now = timezone.now()
    item, _fresh = store(letter(**UNREADABLE), queue=billing, now=now)

    assert intake.sweep_inbound(now) == 1
    item.refresh_from_db()
    assert (item.state, item.error) == ("stored", "slow"), "a quick look first"
    assert intake.sweep_inbound(now) == 0
    assert intake.sweep_slow(now) == 1
    item.refresh_from_db()
    assert (item.state, item.error, item.attempts) == ("kept", "memory", 2)
    told = Event.objects.filter(stream="queue", stream_id=billing.pk, kind="inbound_kept")
    assert [event.data["item"] for event in told] == [item.pk]

    later = now
    for _day in range(30):
        later += timedelta(days=1)
        intake.sweep_slow(later)
    assert reader["tries"] == MOST_LOOKS
    assert told.count() == 1, "said once"
    assert not Message.objects.exists()

    reader["mended"] = True
    item.retry(now=later)
    assert intake.sweep_inbound(later) == 1
    item.refresh_from_db()
    assert item.state == "done"


def test_a_kept_mail_becomes_a_message_once_it_can_be_read(
    billing: Queue, reader: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    now = timezone.now()
    item = arrived(letter(**UNREADABLE), queue=billing, now=now)
    assert item.state == "kept"
    reader["mended"] = True

    assert intake.sweep_slow(now) == 0, "not before its pause is over"
    assert intake.sweep_slow(now + timedelta(minutes=6)) == 1

    item.refresh_from_db()
    assert item.state == "done"
    assert Case.objects.get().opened_at == now, "it has waited since it arrived"


def test_an_unreadable_mail_does_not_stop_the_next(
    billing: Queue, reader: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    now = timezone.now()
    bad, _fresh = store(letter(**UNREADABLE), queue=billing, now=now)
    good, _fresh = store(letter(), queue=billing, now=now)

    assert intake.sweep_inbound(now) == 2

    assert dict(InboundItem.objects.values_list("pk", "state")) == {bad.pk: "stored", good.pk: "done"}
