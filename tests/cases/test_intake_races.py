"""Contacts that arrive at once, and processes that die in the middle: never lost, never twice."""

import json
import signal
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from cases import intake
from cases.models import Case, Channel, InboundItem, Issue, Message
from crm.models import Event
from customers.models import Customer
from tests.builders import make_queue
from tests.channels import make_channel, message, post
from tests.forks import lives
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(transactional_db: None) -> Channel:
    return make_channel(make_queue("Billing"))


def gapless(case: Case) -> bool:
    log = Event.objects.filter(stream="case", stream_id=case.pk).order_by("version")
    versions = list(log.values_list("version", flat=True))
    return versions == list(range(1, len(versions) + 1))


def test_the_same_item_ten_times_at_once_is_one_message(shop: Channel) -> None:
    answers = at_once(10, lambda n: post(Client(), shop, message(id="m1"), webhook_id=f"e{n}"))

    assert sorted(a.status_code for a in answers) == [200] * 9 + [201]
    assert len({(a.json()["case"], a.json()["message"]) for a in answers}) == 1
    assert [Message.objects.count(), Case.objects.count(), Customer.objects.count(), Issue.objects.count()] == [
        1,
        1,
        1,
        1,
    ]
    assert InboundItem.objects.get().state == "done"
    assert Event.objects.filter(stream="case").count() == 3  # opened, received, acknowledged


def test_two_bodies_under_one_id_at_once_leave_one_and_refuse_the_other(shop: Channel) -> None:
    answers = at_once(6, lambda n: post(Client(), shop, message(f"words {n % 2}", id="m1")))

    kept = Message.objects.get().text
    for n, answer in enumerate(answers):
        assert (answer.status_code in {200, 201}) is (kept == f"words {n % 2}")
        assert answer.status_code in {200, 201, 409}


def test_ten_messages_of_one_new_conversation_at_once_open_one_case(shop: Channel) -> None:
    answers = at_once(10, lambda n: post(Client(), shop, message(f"part {n}", thread="t1"), webhook_id=f"e{n}"))

    case = Case.objects.get()
    assert sorted(a.json()["status"] for a in answers) == ["appended"] * 9 + ["created"]
    assert sorted(m.text for m in case.messages.all()) == [f"part {n}" for n in range(10)]
    assert case.contacts.count() == 1
    assert gapless(case)


def test_ten_conversations_of_one_new_customer_at_once_are_one_customer(shop: Channel) -> None:
    answers = at_once(10, lambda n: post(Client(), shop, message(f"part {n}"), webhook_id=f"e{n}"))

    assert {a.status_code for a in answers} <= {201, 202}
    intake.sweep_inbound(timezone.now() + timedelta(minutes=2))
    assert Customer.objects.count() == 1
    assert Case.objects.count() == Message.objects.count() == 10


def test_sweeps_and_the_door_at_once_process_each_item_once(shop: Channel) -> None:
    long_ago = timezone.now() - timedelta(minutes=5)
    items = [
        intake.store("shop", f"m{n}", json.dumps(message(f"part {n}", thread=f"t{n % 4}")).encode(), now=long_ago)[0]
        for n in range(20)
    ]

    at_once(6, lambda n: intake.sweep_inbound(timezone.now()) if n % 2 else [intake.process(i.pk) for i in items])
    intake.sweep_inbound(timezone.now() + timedelta(minutes=2))

    assert set(InboundItem.objects.values_list("state", flat=True)) == {"done"}
    assert Message.objects.count() == 20
    assert Case.objects.count() == 4
    assert all(gapless(case) for case in Case.objects.all())


def test_who_holds_an_item_delays_neither_the_sweep_nor_the_sender_who_repeats(shop: Channel) -> None:
    item, _fresh = intake.store("shop", "m1", json.dumps(message()).encode())
    late = timezone.now() + timedelta(minutes=5)

    with transaction.atomic():
        InboundItem.objects.select_for_update().get(pk=item.pk)
        assert at_once(1, lambda _n: (intake.sweep_inbound(late), intake.take_over(item))) == [(0, None)]

    assert not Message.objects.exists()
    assert intake.sweep_inbound(late) == 1
    assert Message.objects.count() == 1


# --- kill -9

_CHILD = """
import os, signal, sys
from cases import intake, receiving
from cases.models import Channel
from django.test import Client
from tests.channels import message, post

point = sys.argv[1]
def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

module = {name: receiving for name in ("match", "add_inbound", "open_case")} | {"save_bytes": intake, "_finish": intake}
if point == "after_finish":
    real = intake._finish
    intake._finish = lambda *a: (real(*a), die())
elif point == "before_answer":
    from cases.views import inbound
    inbound._answer = die
elif point == "before_processing":
    from cases.views import inbound
    inbound.process = die
elif point != "never":
    setattr(module[point], point, die)
files = [{"name": "a.txt", "type": "text/plain", "content": "aGVsbG8="}]
answer = post(Client(), Channel.objects.get(), message(id=f"m-{point}", thread="t1", attachments=files))
print(answer.status_code)
"""


POINTS = [
    "before_processing",
    "save_bytes",
    "match",
    "open_case",
    "add_inbound",
    "_finish",
    "after_finish",
    "before_answer",
]


def test_kill_9_at_every_point_loses_nothing_and_doubles_nothing(shop: Channel) -> None:
    for point, end in lives(_CHILD, dict.fromkeys(POINTS, b"")).items():
        assert end.code == -signal.SIGKILL, (point, end.said[-2000:])
    assert InboundItem.objects.count() == len(POINTS), "each was stored before it was worked on"
    assert InboundItem.objects.filter(state="done").count() == 1, "only the one that died after its commit"

    later = timezone.now() + timedelta(minutes=2)
    while intake.sweep_inbound(later):
        pass

    assert InboundItem.objects.filter(state="done").count() == len(POINTS)
    said = [m.external_id for m in Message.objects.all()]
    assert sorted(said) == sorted(f"m-{point}" for point in POINTS)
    case = Case.objects.get()
    assert gapless(case)
    assert all(m.attachments.count() == 1 for m in case.messages.all())

    for point in POINTS:  # the other side never got an answer, so it sends again
        files = [{"name": "a.txt", "type": "text/plain", "content": "aGVsbG8="}]
        again = post(Client(), shop, message(id=f"m-{point}", thread="t1", attachments=files))
        assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    assert Message.objects.count() == len(POINTS)
