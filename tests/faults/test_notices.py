"""A notice under kills: nobody twice, nobody forgotten, what nobody can know is shown and left alone (L15, L16); a stop
and an opt-out are honoured within a second (L17)."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.utils import timezone

from cases.models import Dispatch
from crm.models import User
from customers import consent
from customers.models import ContactPoint, Customer, Product, Subscription
from outreach import delivery
from outreach.models import Notice, NoticeDelivery
from tests.builders import make_user
from tests.faults.figures import tell
from tests.faults.sender import Senders
from tests.faults.sink import Sink, sinks
from tests.outreach.making import approved, make_problem
from tests.processes import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


def audience(many: int) -> User:
    """That many owners of a faulty router, and who declares it."""
    people = Customer.objects.bulk_create([Customer(name=f"Owner {n}", tz="UTC") for n in range(many)])
    ContactPoint.objects.bulk_create(
        [ContactPoint(customer=c, kind="email", value=f"o{n}@example.org") for n, c in enumerate(people)]
    )
    product = Product.objects.create(name="Fibre 100", kind="broadband")
    Subscription.objects.bulk_create(
        [Subscription(customer=c, product=product, device="Hub 5", version="2.3.1") for c in people]
    )
    return make_user("Sue Park", role=User.Role.SUPERVISOR)


@contextmanager
def sending(doors: int) -> Iterator[tuple[Sink, Senders]]:
    with sinks(doors) as (sink, ports):
        senders = Senders(ports)
        try:
            yield sink, senders
        finally:
            senders.stop()


def left(notice: Notice) -> int:
    """How many are neither settled nor kept out."""
    waiting = NoticeDelivery.objects.filter(notice=notice, state="planned").count()
    return waiting + Dispatch.objects.filter(state__in=["held", "claimed"]).count()


class Reaper:
    """Ends senders at given numbers of mails taken: by turns right after the server took one, as it hears of the next,
    and at any time."""

    def __init__(self, senders: Senders, due: list[int], chance: random.Random) -> None:
        self.senders, self.chance = senders, chance
        self.plan = {at: ("taken", "mail", "any time")[n % 3] for n, at in enumerate(sorted(due))}
        self.armed = {"taken": False, "mail": False}

    def strike(self, point: str, port: int) -> None:
        """The sender that comes to this point dies here, before it hears an answer."""
        if self.armed[point]:
            self.armed[point] = False
            self.senders.kill(port, point)
            time.sleep(0.05)

    def look(self, taken: int) -> None:
        for at in [at for at in self.plan if taken >= at]:
            mode = self.plan.pop(at)
            if mode == "any time":
                self.senders.kill(self.chance.choice(self.senders.ports), mode)
            else:
                self.armed[mode] = True


def test_nobody_twice_nobody_forgotten_whenever_senders_die(full: bool) -> None:
    many, most = (10_000, 36) if full else (120, 6)
    chance = random.Random(15)
    sue = audience(many)
    notice = approved(make_problem(sue), sue)
    with sending(3 if full else 2) as (sink, senders):
        reaper = Reaper(senders, chance.sample(range(5, many - 20), most), chance)
        sink.at = reaper.strike
        began = time.monotonic()
        while waiting := left(notice):
            assert time.monotonic() < began + (3600 if full else 300), f"{waiting} still wait"
            for _look in range(20):
                senders.start()
                reaper.look(len(sink.taken))
                time.sleep(0.05)
        seconds = time.monotonic() - began
        unknown = Dispatch.objects.filter(state="unknown")
        wait_until(lambda: unknown.count() <= senders.kills.total(), 30, "who is only slow to say what became of it")
        judge(notice, sink, senders, many, seconds, full=full)
        before = len(sink.taken)
        time.sleep(1 if full else 0.3)
        assert len(sink.taken) == before, "what is unknown is left alone"


def judge(notice: Notice, sink: Sink, senders: Senders, many: int, seconds: float, *, full: bool) -> None:
    twice = [address for address, n in Counter(sink.addresses()).items() if n > 1]
    ids = Counter(mail.message_id for mail in sink.taken)
    rows = dict(Dispatch.objects.values_list("address", "state"))
    taken, unknown = set(sink.addresses()), {a for a, state in rows.items() if state == "unknown"}
    kills = senders.kills.total()
    arrived = len(unknown & taken)
    tell(
        f"{many} customers, {len(senders.ports)} senders killed {kills} times ({dict(senders.kills)}), seed 15: "
        f"{len(sink.taken)} taken by the mail server in {seconds:.0f} s, 0 twice, 0 missing; {len(unknown)} unknown, of "
        f"which {arrived} had arrived and {len(unknown) - arrived} had not",
        full=full,
    )
    assert twice == []
    assert max(ids.values()) == 1
    assert set(Counter(rows.values())) <= {"sent", "unknown"}
    assert len(rows) == many
    assert {a for a, state in rows.items() if state == "sent"} <= taken, "what is called sent was taken"
    assert set(rows) - taken <= unknown, "nobody is missing but those nobody can know about"
    assert len(unknown) <= kills, "a kill leaves at most what it was in the middle of"
    assert kills >= (25 if full else 3)
    reasons = set(Dispatch.objects.filter(state="unknown").values_list("reason", flat=True))
    assert reasons <= {"interrupted"}
    delivery.follow(notice, timezone.now(), anyway=True)
    assert sum(notice.numbers.values()) == many
    assert notice.numbers.get("unknown.interrupted", 0) == len(unknown)


def test_a_stop_and_an_opt_out_are_honoured_within_a_second(full: bool) -> None:
    many = 3000 if full else 400
    sue = audience(many)
    notice = approved(make_problem(sue), sue)
    with sending(2) as (sink, senders):
        sink.slow = 0.01
        senders.start()
        wait_until(lambda: len(sink.taken) > many // 20, 120, "mails to leave")
        waiting = Dispatch.objects.filter(state="held").order_by("-pk").values_list("customer_id", flat=True)
        opted = list(Customer.objects.filter(pk__in=list(waiting[:20])))
        for customer in opted:
            consent.withdraw(customer, ["service"], source="unsubscribe")
        said = time.time()
        wait_until(lambda: len(sink.taken) > many // 8, 120, "more mails to leave")
        notice.stop(by=sue)
        stopped = time.time()
        time.sleep(2.5)
        theirs = {p.value for p in ContactPoint.objects.filter(customer__in=opted)}
        late = [mail for mail in sink.taken if mail.to in theirs and mail.at > said + 1]
        after = [mail.at - stopped for mail in sink.taken if mail.at > stopped]
        tell(
            f"{len(sink.taken)} of {many} taken when it was stopped; {len(after)} more after the word, the last "
            f"{max(after, default=0):.2f} s later; 0 of {len(opted)} who opted out a second before",
            full=full,
        )
        assert late == []
        assert [at for at in after if at > 1] == []
        assert len(sink.taken) < many
    wait_until(lambda: not Dispatch.objects.filter(state="claimed").exists() or settled(), 20, "leases to end")
    delivery.follow(Notice.objects.get(pk=notice.pk), timezone.now(), anyway=True)


def settled() -> bool:
    from cases import sending as loop

    loop.settle_broken_leases(timezone.now())
    return not Dispatch.objects.filter(state="claimed").exists()
