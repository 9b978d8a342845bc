"""Two hands at once: nothing is given twice, and the last of a budget is given once."""

import uuid
from decimal import Decimal
from threading import Lock

import pytest
from django.db.models import Sum
from django.utils import timezone

from cases import promises
from cases.hooks import Payout, remedy_handlers
from cases.models import Case, Queue, QueueMembership, Remedy
from cases.models.case import Refusal
from cases.remedies import granting, paying, unasked
from crm.models import Event, User
from customers.models import Customer
from tests.builders import make_case, make_user
from tests.cases.remedied import BROKEN, allow, budget, make_policy, propose
from tests.cases.test_races import gapless
from tests.racing import outcomes

pytestmark = pytest.mark.django_db(transaction=True)
State = Remedy.State


def test_one_thing_is_granted_once_however_many_grant_it(billing: Queue, carl: Customer, ana: User, lee: User) -> None:
    allow("rep")
    case, policy, key = make_case(billing, customer=carl), make_policy(), uuid.uuid4()
    people = [ana, lee]

    def grant(n: int) -> object:
        return propose(case, policy, people[n % 2], **({"key": key} if n < 4 else {}))

    results = outcomes(8, grant)
    assert Remedy.objects.count() == 1
    assert all(isinstance(r, Remedy | Refusal) for r in results), results
    assert Event.objects.filter(kind="remedy_granted").count() == 1
    assert gapless(case)


def test_what_many_pay_at_once_is_paid_once(billing: Queue, ana: User) -> None:
    allow("rep")
    policy = make_policy()
    for _n in range(4):
        propose(make_case(billing), policy, ana)
    paid: list[str] = []
    lock = Lock()

    def pay(payout: Payout) -> str:
        with lock:
            paid.append(payout.key)
        return "CN"

    with remedy_handlers.registered(pay):
        outcomes(6, lambda n: paying.pay_due(timezone.now()))
    assert len(paid) == len(set(paid)) == 4
    assert Remedy.objects.filter(state=State.PAID).count() == 4


def test_approved_or_called_off_but_not_both(billing: Queue, ana: User) -> None:
    lead = make_user("Lena Lead")
    QueueMembership.objects.create(queue=billing, user=lead, role="lead")
    allow("lead")
    case = make_case(billing)
    remedy = propose(case, make_policy(), ana)

    def decide(n: int) -> object:
        mine = Remedy.objects.get(pk=remedy.pk)
        return [
            lambda: granting.approve(mine, by=lead),
            lambda: granting.refuse(mine, by=lead, note="No."),
            lambda: granting.call_off(mine, by=ana),
        ][n % 3]()

    results = outcomes(9, decide)
    assert all(isinstance(r, Remedy | Refusal) for r in results), results
    remedy.refresh_from_db()
    told = Event.objects.filter(stream="case", stream_id=case.pk, kind__startswith="remedy")
    kinds = sorted(told.values_list("kind", flat=True))
    # Approved may be called off as long as nothing was given; nothing else follows anything.
    assert kinds in (
        ["remedy_approved", "remedy_asked"],
        ["remedy_asked", "remedy_refused"],
        ["remedy_asked", "remedy_called_off"],
        ["remedy_approved", "remedy_asked", "remedy_called_off"],
    )
    assert remedy.state in {State.APPROVED, State.REFUSED, State.CALLED_OFF}


def test_the_last_of_the_budget_is_given_once(billing: Queue, ana: User, lee: User) -> None:
    allow("rep")
    budget(25, timezone.now())
    policy = make_policy()
    cases = [make_case(billing) for _n in range(6)]
    people = [ana, lee]
    outcomes(6, lambda n: propose(cases[n], policy, people[n % 2]))
    given = Remedy.objects.granted().aggregate(sum=Sum("granted"))["sum"]
    assert given == Decimal(20)
    assert Remedy.objects.waiting().count() == 4


def test_the_last_of_somebodys_day_is_given_once(billing: Queue, ana: User) -> None:
    allow("rep", per_day=25)
    policy = make_policy()
    cases = [make_case(billing) for _n in range(6)]
    outcomes(6, lambda n: propose(cases[n], policy, ana))
    assert Remedy.objects.granted().count() == 2


def test_a_broken_promise_is_paid_once_however_many_look(billing: Queue, carl: Customer, ana: User) -> None:
    make_policy("Promises", BROKEN)
    now = timezone.now()
    case = make_case(billing, customer=carl)
    promises.make(case, what="x", due_at=now + timezone.timedelta(minutes=1), owner=ana, made_by=None, at=now)
    later = now + timezone.timedelta(minutes=2)
    promises.sweep(later)
    outcomes(6, lambda n: unasked.grant_due(later))
    assert Remedy.objects.count() == 1
    assert Event.objects.filter(kind="remedy_granted").count() == 1
    assert gapless(Case.objects.get(pk=case.pk))


def test_two_leads_who_approve_the_last_of_the_budget_give_it_once(billing: Queue, ana: User) -> None:
    leads = [make_user("Lena Lead"), make_user("Lou Lead")]
    for lead in leads:
        QueueMembership.objects.create(queue=billing, user=lead, role="lead")
    allow("lead")
    budget(15, timezone.now())
    policy = make_policy()
    waiting = [propose(make_case(billing), policy, ana) for _n in range(2)]
    results = outcomes(2, lambda n: granting.approve(Remedy.objects.get(pk=waiting[n].pk), by=leads[n]))
    assert sorted(type(r).__name__ for r in results) == ["Refusal", "Remedy"], results
    assert Remedy.objects.granted().count() == 1


def test_given_or_called_off_but_not_both(billing: Queue, ana: User) -> None:
    allow("rep")
    policy = make_policy()
    remedies = [propose(make_case(billing), policy, ana) for _n in range(4)]
    given: list[str] = []
    lock = Lock()

    def pay(payout: Payout) -> str:
        with lock:
            given.append(payout.key)
        return "CN"

    def act(n: int) -> object:
        if n % 2:
            return paying.pay_due(timezone.now())
        return granting.call_off(Remedy.objects.get(pk=remedies[n // 2].pk), by=ana)

    with remedy_handlers.registered(pay):
        results = outcomes(8, act)
        paying.pay_due(timezone.now())
    assert all(isinstance(r, int | Remedy | Refusal) for r in results), results
    for remedy in Remedy.objects.all():
        assert (str(remedy.key) in given) == (remedy.state == State.PAID), remedy.state
    assert set(Remedy.objects.values_list("state", flat=True)) <= {State.PAID, State.CALLED_OFF}
