"""Mails that arrive at once, by several ways, or beside one that takes its time."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases import intake
from cases.mail import arriving, child
from cases.models import Case, CaseLink, InboundItem, Message, Queue
from crm.models import Event
from customers.models import Customer
from tests.builders import make_queue, make_user
from tests.mails import answer_to, answered, letter
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queue(transactional_db: None) -> Queue:
    return make_queue("Billing", reps=[make_user("Ana Lind", username="ana")])


def take(raw: bytes, queue: Queue) -> None:
    item, _fresh = arriving.store(raw, queue=queue)
    intake.process(item.pk)


def gapless(case: Case) -> bool:
    log = Event.objects.filter(stream="case", stream_id=case.pk).order_by("version")
    versions = list(log.values_list("version", flat=True))
    return versions == list(range(1, len(versions) + 1))


def states() -> dict[str, int]:
    found = list(InboundItem.objects.values_list("state", flat=True))
    return {state: found.count(state) for state in set(found)}


def test_the_same_bytes_ten_times_at_once_are_one_item_and_one_message(queue: Queue) -> None:
    raw = letter()

    at_once(10, lambda _n: take(raw, queue))

    assert states() == {"done": 1}
    assert Message.objects.count() == Case.objects.count() == Customer.objects.count() == 1


@pytest.mark.parametrize("message_id", ["<one@mail.example.org>", None])
def test_one_mail_by_eight_ways_at_once_is_one_message(queue: Queue, message_id: str | None) -> None:
    raw, queues = letter(message_id=message_id), [queue, *(make_queue() for _ in range(7))]

    at_once(8, lambda n: take(b"Received: from a by b%d\r\nX-Seen: %d\r\n" % (n, n) + raw, queues[n]))

    assert states() == {"done": 1, "duplicate": 7}
    assert Message.objects.count() == Case.objects.count() == Customer.objects.count() == 1
    assert set(InboundItem.objects.values_list("message", flat=True)) == {Message.objects.get().pk}
    assert gapless(Case.objects.get())


def test_the_same_answer_by_eight_ways_at_once_is_said_once(queue: Queue) -> None:
    take(letter(), queue)
    case = Case.objects.get()
    raw = answer_to(answered(case, queue.memberships.get().user))

    at_once(8, lambda n: take(b"Received: from a by b%d\r\n" % n + raw, queue))

    assert states() == {"done": 2, "duplicate": 7}
    assert case.messages.filter(direction="inbound").count() == 2
    assert gapless(case)


def test_other_mails_under_one_id_at_once_are_all_taken(queue: Queue) -> None:
    at_once(6, lambda n: take(letter(f"Words {n}", message_id="<same@x>"), queue))

    assert states() == {"done": 6}
    assert sorted(m.text.strip() for m in Message.objects.all()) == [f"Words {n}" for n in range(6)]


def test_answers_at_once_to_a_closed_case_open_one_that_follows(queue: Queue) -> None:
    take(letter(), queue)
    case, ana = Case.objects.get(), queue.memberships.get().user
    dispatch = answered(case, ana)
    case.refresh_from_db()
    case.resolve(by=ana)
    case.change_status("closed", by=ana)

    at_once(6, lambda n: take(answer_to(dispatch, f"Part {n}"), queue))
    while intake.sweep_inbound(timezone.now() + timedelta(minutes=2)):
        pass

    follows = Case.objects.exclude(pk=case.pk).get()
    assert follows.messages.count() == 6
    assert CaseLink.objects.get().other == case


def test_mails_and_sweeps_at_once_take_each_once(queue: Queue) -> None:
    for n in range(20):
        arriving.store(letter(f"Part {n}", sender=f"p{n % 4}@example.org"), queue=queue)

    at_once(4, lambda _n: intake.sweep_inbound(timezone.now()))
    while intake.sweep_inbound(timezone.now() + timedelta(minutes=5)):
        pass

    assert states() == {"done": 20}
    assert Message.objects.count() == 20
    assert Customer.objects.count() == 4


# --- beside one that takes its time


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A reader that some mails keep for three seconds in a quick look and for ten in a long one; who was read, in
    order."""
    real, order = child.parse, []

    def parse(raw: bytes, *, quick: bool = False) -> Any:
        if b"X-Hostile" not in raw:
            order.append("good")
            return real(raw, quick=quick)
        time.sleep(1.0 if quick else 4.0)
        order.append("hostile")
        raise child.Unparsable("cpu")

    monkeypatch.setattr(child, "parse", parse)
    return order


def test_a_mail_is_not_delayed_by_those_before_it_that_take_their_time(queue: Queue, reader: list[str]) -> None:
    """L29: it is read in the first round, though more of them than there are lanes came first."""
    child.parse(letter())
    long_ago = timezone.now() - timedelta(minutes=1)
    for n in range(12):
        arriving.store(letter(f"Bad {n}", x_hostile="yes"), queue=queue, now=long_ago)
    arriving.store(letter(), queue=queue)
    reader.clear()

    intake.sweep_inbound(timezone.now())

    assert "good" in reader
    assert reader.index("good") <= intake.LANES
    assert Message.objects.count() == 1
    assert InboundItem.objects.filter(error="slow", state="stored").count() == reader.count("hostile")


def test_a_new_mail_does_not_wait_for_a_long_look(queue: Queue, reader: list[str]) -> None:
    """What was put aside is read in a sweep of its own, while others come in."""
    child.parse(letter())
    arriving.store(letter(x_hostile="yes"), queue=queue)
    intake.sweep_inbound(timezone.now())
    reader.clear()

    def good(_n: int) -> float:
        time.sleep(0.5)
        began = time.monotonic()
        arriving.store(letter(), queue=queue)
        intake.sweep_inbound(timezone.now())
        return time.monotonic() - began

    at_once(2, lambda n: intake.sweep_slow(timezone.now()) if n else good(n))

    assert reader == ["good", "hostile"]
    assert states() == {"done": 1, "kept": 1}
