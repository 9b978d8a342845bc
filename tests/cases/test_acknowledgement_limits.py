"""L37: nobody can be made to get mail from us: what a flood of the form does, address by address and domain by domain."""

import random
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from cases import conversation, outward
from cases.channels.document import Inbound
from cases.intake import open_case, receive
from cases.models import Acknowledgement, Case, Contact, Dispatch, Promise, Queue
from customers.addresses import normalise
from customers.models import Customer
from tests.builders import make_customer
from tests.cases.clockwork import make_policy
from tests.faults import figures

pytestmark = pytest.mark.django_db
START = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BAIT = "Buy cheap watches at evil.example"


def typed(queue: Queue, address: str, n: int, at: datetime) -> Case:
    """The contact form as a flood fills it in: another form each time, with words for whoever reads the mail."""
    letter = Inbound(
        channel="web",
        external_id=f"flood {n}",
        thread=f"flood {n}",
        addresses=(normalise("email", address),),
        text=BAIT,
        at=at,
        name=BAIT,
        subject=BAIT,
        language="en",
        queue=queue.pk,
    )
    return receive(letter).case


def spellings(victim: str, rng: random.Random) -> str:
    local, _at, domain = victim.partition("@")
    if domain == "gmail.com":
        local = ".".join(local) if rng.random() < 0.5 else local
    return rng.choice([f"{local}@{domain}", f"{local.upper()}@{domain}", f"{local}+{rng.randrange(999)}@{domain}"])


def test_a_flood_of_the_form_mails_a_stranger_once_a_day(billing: Queue, mailoutbox: list[Any], *, full: bool) -> None:
    make_policy(first_response=240)
    rng = random.Random(37)
    domains = ["gmail.com", "victim.example", "one.example"]
    victims = [f"person{n}@{rng.choice(domains)}" for n in range(400 if full else 30)]
    moments = sorted(START + 3 * DAY * rng.random() for _ in range(6000 if full else 240))
    with time_machine.travel(START, tick=False) as clock:
        for n, at in enumerate(moments):
            clock.move_to(at)
            typed(billing, spellings(rng.choice(victims), rng), n, at)
            outward.send_due(at)

    sent = Acknowledgement.objects.filter(dispatch__state="sent").select_related("dispatch")
    by_mailbox, by_domain = defaultdict(list), defaultdict(list)
    for told in sent.order_by("at"):
        by_mailbox[told.mailbox].append(told.at)
        by_domain[told.domain].append(told.at)
    assert len(by_mailbox) <= len(victims)
    assert all(
        after - before >= DAY for times in by_mailbox.values() for before, after in zip(times, times[1:], strict=False)
    )
    assert max(_most_in(times, HOUR) for times in by_domain.values()) <= 60
    assert len(mailoutbox) == len(sent)
    said = {f"{m.subject}\n{m.to}\n{m.body}" for m in mailoutbox}
    assert not any(word in text for text in said for word in ("cheap", "watches", "evil"))
    assert Promise.objects.count() == len(moments)  # every one of them is promised an answer all the same
    figures.tell(f"{len(moments)} forms for {len(victims)} addresses in three days: {len(sent)} mails", full=full)


def _most_in(times: list[datetime], window: timedelta) -> int:
    return max(sum(1 for other in times if at <= other < at + window) for at in times)


def test_a_flood_over_one_domain_ends_at_its_breaker(billing: Queue, *, full: bool) -> None:
    with time_machine.travel(START, tick=False):
        for n in range(300 if full else 90):
            typed(billing, f"stranger{n}@one.example", n, START)
        typed(billing, "else@two.example", 1000, START)
    reasons = list(Acknowledgement.objects.order_by("pk").values_list("reason", flat=True))
    assert reasons[:60] == [""] * 60
    assert set(reasons[60:-1]) == {"unusual_rate"}
    assert reasons[-1] == ""


def test_what_is_usual_for_a_domain_may_be_much(billing: Queue) -> None:
    """A house that hears from one domain ten times an hour all month hears from it a hundred times without a break."""
    at = START - 27 * DAY
    case = _case(billing, make_customer("Mia", email="mia@one.example"), START)
    told = Acknowledgement.objects.get()
    contacts = Contact.objects.bulk_create(
        Contact(case=case, channel=f"x{n}", started_at=at, last_at=at, ended_at=at) for n in range(6720)
    )
    dispatches = Dispatch.objects.bulk_create(
        Dispatch(
            channel="mail", address="x", message_class="acknowledgement", source="old", source_id=c.pk, state="sent"
        )
        for c in contacts
    )
    Acknowledgement.objects.bulk_create(
        Acknowledgement(
            contact=c, case=case, queue=billing, message=told.message, dispatch=d, domain=told.domain,
            mailbox=f"{c.pk}", at=START - 26 * DAY,
        )
        for c, d in zip(contacts, dispatches, strict=True)
    )  # fmt: skip
    with time_machine.travel(START, tick=False):
        for n in range(110):
            typed(billing, f"stranger{n}@one.example", n, START)
    reasons = list(Acknowledgement.objects.order_by("pk").values_list("reason", flat=True))[-110:]
    assert reasons.count("") == 99  # and Mia's
    assert reasons[-1] == "unusual_rate"


def _case(queue: Queue, customer: Customer, at: datetime) -> Case:
    with time_machine.travel(at, tick=False):
        case = open_case(queue=queue, customer=customer, subject="x", channel="mail", at=at, via="channel")
        _write(case, at)
    return case


def _write(case: Case, at: datetime) -> None:
    with time_machine.travel(at, tick=False):
        assert case.customer
        case.contacts.update(ended_at=at)
        point = case.customer.contact_points.get()
        conversation.add_inbound(case, text="Hi", sender=point, channel="mail", at=at, via="channel")


def test_a_case_is_acknowledged_once_an_hour_and_three_times_a_day(billing: Queue, carl: Customer) -> None:
    carl.contact_points.filter(kind="phone").delete()
    case = _case(billing, carl, START)
    for hours in (0.5, 1.1, 2.2, 3.3, 4.4, 23.9, 24.1, 24.2):
        _write(case, START + hours * HOUR)
    told = Acknowledgement.objects.order_by("pk")
    assert [(t.at - START) / HOUR for t in told if t.dispatch_id] == [0, 1.1, 2.2, pytest.approx(24.1)]
    assert {t.reason for t in told if not t.dispatch_id} == {"often_enough"}


def test_a_robot_that_opens_a_case_with_every_answer_gets_three(billing: Queue) -> None:
    robot = make_customer("Robot", email="robot@machines.example")
    for n in range(12):
        _case(billing, robot, START + n * HOUR)
    assert Dispatch.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_many_forms_at_once_for_one_address_mail_it_once(billing: Queue) -> None:
    now = timezone.now()

    def fill_in(n: int) -> None:
        try:
            typed(billing, f"victim+{n}@one.example", n, now)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(fill_in, range(6)))
    assert (Acknowledgement.objects.count(), Dispatch.objects.count()) == (6, 1)
