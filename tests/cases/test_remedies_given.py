"""What was granted is given once, and what is owed is granted with nobody asking."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from cases import promises
from cases.hooks import Payout, policy_facts, remedy_handlers
from cases.models import Case, Entitlement, Notification, Remedy, RemedyAuthority, ServicePolicy
from cases.models.case import Refusal
from cases.policy import facts
from cases.policy.facts import Occasion, PolicyFact
from cases.remedies import granting, paying, unasked
from crm.models import User
from customers import merging, resting
from customers.models import Customer
from tests.builders import make_customer
from tests.cases.remedied import BROKEN, allow, budget, make_policy, propose, wish
from tests.cases.test_remedies import case, kinds, reps

__all__ = ["case", "reps"]  # their fixtures

pytestmark = pytest.mark.django_db
State = Remedy.State


# --- paying


@pytest.fixture
def granted(case: Case, ana: User, reps: RemedyAuthority) -> Remedy:
    return propose(case, make_policy(), ana)  # type: ignore[no-any-return]


def test_who_handles_it_gets_the_key_and_says_the_reference(granted: Remedy, case: Case) -> None:
    seen: list[Payout] = []
    with remedy_handlers.registered(lambda payout: seen.append(payout) or "CN-7"):  # type: ignore[func-returns-value]
        assert paying.pay_due(timezone.now()) == 1
        assert paying.pay_due(timezone.now()) == 0
    granted.refresh_from_db()
    assert (granted.state, granted.reference) == (State.PAID, "CN-7")
    assert [(p.key, p.kind, p.amount, p.case) for p in seen] == [(str(granted.key), "credit", 10, case.number)]
    assert kinds(case) == ["remedy_granted", "remedy_paid"]


def test_only_one_of_several_handlers_gives_it(granted: Remedy) -> None:
    asked: list[str] = []

    def failing(payout: Payout) -> str:
        asked.append("first")
        raise RuntimeError("perhaps it gave it")

    with (
        remedy_handlers.registered(failing, order=1),
        remedy_handlers.registered(lambda p: asked.append("second") or "CN", order=2),
    ):  # type: ignore[func-returns-value]
        paying.pay_due(timezone.now())
    granted.refresh_from_db()
    assert (asked, granted.state) == (["first"], State.APPROVED)


def test_what_fails_is_tried_again_with_the_same_key_and_left_to_hand_in_the_end(granted: Remedy, case: Case) -> None:
    keys: list[str] = []

    def broken(payout: Payout) -> str:
        keys.append(payout.key)
        raise RuntimeError("no line")

    now = timezone.now()
    with remedy_handlers.registered(broken):
        for n in range(10):
            paying.pay_due(now + timedelta(hours=n))
    granted.refresh_from_db()
    assert (granted.state, granted.error, set(keys), len(keys)) == (State.FAILED, "RuntimeError", {str(granted.key)}, 6)
    assert kinds(case) == ["remedy_granted", "remedy_left_to_hand"]


def test_what_nobody_takes_a_person_gives_and_says_where(granted: Remedy, lena: User) -> None:
    paying.pay_due(timezone.now())
    granted.refresh_from_db()
    assert granted.state == State.BY_HAND
    with pytest.raises(Refusal, match="Say where it can be found"):
        paying.note_given(granted, by=lena, reference="")
    assert paying.note_given(granted, by=lena, reference="CN-9").state == State.PAID
    assert paying.note_given(granted, by=lena, reference="CN-10").reference == "CN-9"


# --- unasked


@pytest.fixture
def broken(case: Case, ana: User) -> Case:
    """A policy that pays for broken promises, and then one that is broken."""
    make_policy("Promises", BROKEN)
    now = timezone.now()
    promises.make(case, what="The refund", due_at=now + timedelta(hours=1), owner=ana, made_by=None, at=now)
    promises.sweep(now + timedelta(hours=2))
    return case


def test_a_broken_promise_is_paid_for_once_and_nobody_had_to_ask(broken: Case) -> None:
    later = timezone.now() + timedelta(hours=2)
    assert unasked.grant_due(later) == 1
    assert unasked.grant_due(later) == 0
    remedy = Remedy.objects.get()
    assert (remedy.granted, remedy.unasked, remedy.state, remedy.asked_by) == (5, True, State.APPROVED, None)
    assert remedy.entitlement.outcome == "granted"
    assert kinds(broken) == ["remedy_granted"]


def test_what_was_given_for_it_already_is_not_given_again(broken: Case, ana: User) -> None:
    allow("rep")
    policy = ServicePolicy.objects.get()
    granting.propose(broken, policy, wish(given={}), by=ana)
    unasked.grant_due(timezone.now() + timedelta(hours=2))
    assert Remedy.objects.get().unasked is False
    assert Entitlement.objects.get().outcome == "given"


def test_and_what_is_paid_unasked_is_not_granted_again(broken: Case, ana: User) -> None:
    allow("rep")
    unasked.grant_due(timezone.now() + timedelta(hours=2))
    with pytest.raises(Refusal, match="nobody is paid twice"):
        granting.propose(broken, ServicePolicy.objects.get(), wish(given={}), by=ana)


def test_what_broke_before_the_policy_paid_is_not_paid(case: Case, ana: User) -> None:
    now = timezone.now()
    promises.make(case, what="x", due_at=now - timedelta(hours=1), owner=ana, made_by=None, at=now - timedelta(hours=2))
    promises.sweep(now)
    make_policy("Promises", BROKEN)
    assert unasked.grant_due(timezone.now()) == 0


def test_what_goes_by_what_nobody_can_know_is_not_paid_unasked(case: Case, ana: User) -> None:
    price = {"name": "price", "label": "Price a month", "kind": "number", "from": "plan_price"}
    each = {"when": {}, "remedy": "credit", "amount": {"each": "0.5", "of": "price"}, "unasked": "promise_broken"}
    make_policy("Share", {"currency": "EUR", "inputs": [price], "rows": [each]})
    now = timezone.now()
    promises.make(case, what="x", due_at=now + timedelta(hours=1), owner=ana, made_by=None, at=now)
    promises.sweep(now + timedelta(hours=2))
    assert unasked.grant_due(now + timedelta(hours=2)) == 1
    assert Entitlement.objects.get().outcome == "nothing"


class Plugin:
    """Knows how many parcels were lost, while it answers."""

    def __init__(self) -> None:
        self.says: object = 3

    def told(self) -> list[PolicyFact]:
        return [PolicyFact("shop.lost", "Parcels lost", "number", self.lost)]  # type: ignore[arg-type]

    def lost(self, _occasion: Occasion) -> object:
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


@pytest.fixture
def plugin(case: Case, ana: User) -> Iterator[Plugin]:
    """A policy pays 2 for each lost parcel once a promise broke, and one was broken."""
    made = Plugin()
    lost = {"name": "lost", "label": "Parcels lost", "kind": "number", "from": "shop.lost"}
    each = {"when": {}, "remedy": "credit", "amount": {"each": "2", "of": "lost"}, "unasked": "promise_broken"}
    with policy_facts.registered(made.told):
        make_policy("Lost", {"currency": "EUR", "inputs": [lost], "rows": [each]})
        make_policy("Promises", BROKEN)
        now = timezone.now()
        promises.make(case, what="x", due_at=now + timedelta(hours=1), owner=ana, made_by=None, at=now)
        promises.sweep(now + timedelta(hours=2))
        yield made
    resting.forget()


@pytest.mark.parametrize("says", [ConnectionError(), "many", float("nan"), float("inf")], ids=str)
def test_what_a_plugin_does_not_say_now_is_paid_once_it_does_and_holds_up_nobody(plugin: Plugin, says: object) -> None:
    plugin.says = says
    later = timezone.now() + timedelta(hours=2)
    assert unasked.grant_due(later) == 2
    assert unasked.grant_due(later) == 0, "nobody is asked again at once"
    assert Remedy.objects.get().policy.name == "Promises"
    assert Entitlement.objects.get(policy__name="Lost").outcome == "waits"
    plugin.says = 3
    assert unasked.grant_due(later + timedelta(days=1)) == 1
    assert Remedy.objects.get(policy__name="Lost").granted == 6
    assert Entitlement.objects.get(policy__name="Lost").outcome == "granted"
    assert unasked.grant_due(later + timedelta(days=3)) == 0


def test_a_process_that_never_heard_the_plugin_waits_for_it_too(plugin: Plugin) -> None:
    resting.forget()
    with policy_facts.registered(_fails, order=-1):
        policy_facts.register(_fails, name="tests.cases.test_remedies_given.Plugin.told")
        later = timezone.now() + timedelta(hours=2)
        unasked.grant_due(later)
    assert Entitlement.objects.get(policy__name="Lost").outcome == "waits"
    unasked.grant_due(later + timedelta(days=1))
    assert Remedy.objects.get(policy__name="Lost").granted == 6


def _fails() -> list[PolicyFact]:
    raise ConnectionError


def test_the_rep_is_asked_what_a_plugin_fails_to_say(plugin: Plugin, case: Case) -> None:
    plugin.says = ConnectionError()
    policy = ServicePolicy.objects.get(name="Lost")
    assert policy.current is not None
    occasion = Occasion(case, policy, timezone.now(), "EUR")
    assert facts.told(policy.current.read, occasion, {}) == ({}, {"lost"})
    assert facts.of(policy.current.read, occasion, {"lost": Decimal(2)}) == {"lost": 2}


def test_above_the_budget_somebody_decides_about_what_is_owed(broken: Case, lena: User) -> None:
    budget(1, timezone.now() + timedelta(hours=2))
    unasked.grant_due(timezone.now() + timedelta(hours=2))
    assert Remedy.objects.get().state == State.WAITING
    assert Notification.objects.filter(reason="approval", user=lena).exists()


def test_customers_who_become_one_have_one_year(case: Case, carl: Customer, granted: Remedy, root: User) -> None:
    kept = make_customer("Carl J.")
    merging.merge(kept, carl, by=root)
    granted.refresh_from_db()
    assert granted.customer_id == kept.pk
