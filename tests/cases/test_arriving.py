"""A mail arrives: stored as it came, once."""

import hashlib
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from cases.mail.arriving import store
from cases.models import InboundItem, Queue

pytestmark = pytest.mark.django_db

RAW = b"From: mia@example.org\r\nSubject: Router\r\n\r\nIt blinks \xff red.\r\n"


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
    first, _fresh = store(RAW, mailbox=SimpleNamespace(queue=billing))

    again, fresh = store(RAW, mailbox=SimpleNamespace(queue=technical))

    assert (again, fresh) == (first, False)
    assert again.queue == billing
    assert InboundItem.objects.count() == 1
