"""What a policy gives, who may grant it, and why somebody must say why."""

import uuid
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.hooks import policy_facts, remedy_handlers
from cases.models import Case, Notification, Queue, Remedy, RemedyAuthority
from cases.models.case import Refusal
from cases.policy import facts
from cases.remedies import granting, paying, quoting
from crm.models import Event, User
from customers.models import Customer
from tests.builders import make_case
from tests.cases.remedied import LATE, allow, budget, make_policy, propose

pytestmark = pytest.mark.django_db
State = Remedy.State


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_case(billing, customer=carl, assignee=ana)


@pytest.fixture
def reps() -> RemedyAuthority:
    return allow("rep", per_case=50, per_day=60, per_customer_year=100)


@pytest.fixture
def leads() -> RemedyAuthority:
    return allow("lead", per_case=200, per_day=1000, per_customer_year=1000)


def kinds(case: Case) -> list[str]:
    rows = Event.objects.filter(stream="case", stream_id=case.pk, kind__startswith="remedy").order_by("version")
    return list(rows.values_list("kind", flat=True))


# --- policies


def test_a_table_with_faults_is_no_version() -> None:
    policy = make_policy()
    with pytest.raises(ValidationError, match="No row is for this: Impact: work stood still"):
        policy.publish(table={**LATE, "rows": LATE["rows"][:1]})
    assert policy.versions.count() == 1


def test_the_same_table_again_is_no_new_version_and_one_that_is_made_never_changes() -> None:
    policy = make_policy()
    assert policy.publish(table=LATE).number == 1
    changed = policy.publish(table={**LATE, "currency": "GBP"})
    assert (changed.number, policy.versions.count()) == (2, 2)
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        policy.versions.filter(number=1).update(table={})


def test_a_plugin_adds_facts_but_none_about_what_somebody_is_worth() -> None:
    fair = facts.PolicyFact("parcels", "Parcels that were late", "number", lambda o: 3)
    unfair = facts.PolicyFact("customer_value", "Worth", "number", lambda o: 3)
    with policy_facts.registered(lambda: [fair, unfair]):
        assert "parcels" in facts.known()
        assert "customer_value" not in facts.known()


# --- asking


def test_a_quote_says_what_how_and_what_is_left(case: Case, ana: User, reps: RemedyAuthority) -> None:
    now = timezone.now()
    budget(500, now)
    policy = make_policy()
    asked = quoting.quote(case, policy, {}, by=ana, at=now)
    assert ([i.name for i in asked.missing], asked.amount) == (["impact"], None)
    found = quoting.quote(case, policy, {"impact": "small"}, by=ana, at=now)
    assert (found.amount, found.kind, found.words) == (Decimal("10.00"), "credit", "We are sorry.")
    assert found.because == "Impact: a nuisance"
    assert (found.left.per_case, found.left.budget, found.needs) == (50, 500, [])


def test_what_is_no_value_is_refused_in_words(case: Case, ana: User) -> None:
    with pytest.raises(Refusal, match="Impact is one of: small, hard"):
        quoting.quote(case, make_policy(), {"impact": "huge"}, by=ana, at=timezone.now())


# --- granting


def test_within_authority_it_is_granted_at_once(case: Case, ana: User, reps: RemedyAuthority) -> None:
    remedy = propose(case, make_policy(), ana)
    assert (remedy.state, remedy.granted, remedy.decided_by) == (State.APPROVED, 10, ana)
    assert remedy.facts == {"impact": "small", "prior": 0}
    assert kinds(case) == ["remedy_granted"]


def test_the_same_key_is_the_same_remedy_and_another_is_refused(case: Case, ana: User, reps: RemedyAuthority) -> None:
    policy, key = make_policy(), uuid.uuid4()
    first = propose(case, policy, ana, key=key)
    assert propose(case, policy, ana, key=key).pk == first.pk
    with pytest.raises(Refusal, match="nobody is paid twice"):
        propose(case, policy, ana)
    assert Remedy.objects.count() == 1


def test_where_nothing_is_said_of_a_role_somebody_else_decides(case: Case, ana: User, lena: User, sue: User) -> None:
    remedy = propose(case, make_policy(), ana)
    assert (remedy.state, remedy.needs) == (State.WAITING, ["no_authority"])
    told = Notification.objects.filter(reason="approval")
    assert set(told.values_list("user", flat=True)) == {lena.pk, sue.pk}


def test_each_limit_asks_for_approval(case: Case, ana: User, billing: Queue, carl: Customer) -> None:
    policy = make_policy()
    allow("rep", per_case=5)
    assert propose(case, policy, ana).needs == ["per_case"]
    allow("rep", per_case=None, per_day=15)
    assert propose(make_case(billing), policy, ana).needs == []
    assert propose(make_case(billing), policy, ana).needs == ["per_day"]
    allow("rep", per_day=None, per_customer_year=15)
    assert propose(make_case(billing, customer=carl), policy, ana).needs == []
    assert propose(make_case(billing, customer=carl), policy, ana).needs == ["per_customer"]


def test_a_remedy_for_the_same_again_counts(
    case: Case, billing: Queue, carl: Customer, ana: User, reps: RemedyAuthority
) -> None:
    policy = make_policy()
    assert propose(case, policy, ana, "hard").computed == 30
    assert propose(make_case(billing, customer=carl), policy, ana, "hard").computed == 45
    assert propose(make_case(billing, customer=carl), policy, ana, "hard").computed == 45  # the last waits: not had yet


def test_other_than_the_table_says_needs_a_reason_and_far_from_it_approval(
    billing: Queue, ana: User, reps: RemedyAuthority
) -> None:
    policy = make_policy()
    with pytest.raises(Refusal, match="Choose a reason"):
        propose(make_case(billing), policy, ana, amount=Decimal(12))
    with pytest.raises(Refusal, match="Note the other reason"):
        propose(make_case(billing), policy, ana, amount=Decimal(12), reason="other")
    near = propose(make_case(billing), policy, ana, amount=Decimal("12.50"), reason="harder")
    assert (near.state, near.computed, near.granted) == (State.APPROVED, 10, Decimal("12.50"))
    far = propose(make_case(billing), policy, ana, amount=Decimal("12.51"), reason="harder")
    assert (far.state, far.needs) == (State.WAITING, ["deviation"])


def test_what_like_cases_did_not_get_needs_a_reason(billing: Queue, ana: User) -> None:
    allow("rep")
    policy = make_policy()
    for _n in range(5):
        propose(make_case(billing), policy, ana)
    changed = {**LATE, "rows": [{**LATE["rows"][0], "amount": {"base": "11"}}, LATE["rows"][1]]}
    policy.publish(table=changed)
    found = quoting.quote(make_case(billing), policy, {"impact": "small"}, by=ana, at=timezone.now())
    assert (len(found.awards), found.is_unlike) == (5, True)
    with pytest.raises(Refusal, match="like cases got noticeably more or less"):
        propose(make_case(billing), policy, ana)
    said = propose(make_case(billing), policy, ana, reason="table_changed")
    assert (said.state, len(said.like)) == (State.APPROVED, 5)


def test_awards_of_a_table_with_other_inputs_are_still_read(billing: Queue, ana: User) -> None:
    allow("rep")
    policy = make_policy()
    for _n in range(3):
        propose(make_case(billing), policy, ana)
    days = {"name": "impact", "label": "Days it lasted", "kind": "number"}
    other = {
        "currency": "EUR",
        "inputs": [days],
        "rows": [{"when": {}, "remedy": "credit", "amount": {"each": "2", "of": "impact"}}],
    }
    policy.publish(table=other)
    found = quoting.quote(make_case(billing), policy, {"impact": "4"}, by=ana, at=timezone.now())
    assert (found.amount, len(found.awards), found.is_unlike) == (8, 3, False)


def test_the_same_row_is_nearer_than_another(billing: Queue, ana: User) -> None:
    allow("rep")
    policy = make_policy()
    for impact in ["small"] * 4 + ["hard"] * 4:
        propose(make_case(billing), policy, ana, impact)
    found = quoting.quote(make_case(billing), policy, {"impact": "small"}, by=ana, at=timezone.now())
    assert [award.granted for award in found.awards] == [10, 10, 10, 10, 30]


def test_nothing_can_be_granted_to_nobody(billing: Queue, ana: User, reps: RemedyAuthority) -> None:
    with pytest.raises(Refusal, match="Say first whose case this is"):
        propose(make_case(billing, customer=None), make_policy(), ana)


def test_a_policy_of_another_queue_gives_nothing_here(
    case: Case, technical: Queue, ana: User, reps: RemedyAuthority
) -> None:
    with pytest.raises(Refusal, match="not for cases of this queue"):
        propose(case, make_policy("Elsewhere", None, technical), ana)


def test_a_table_that_changed_since_it_was_looked_at_is_refused(case: Case, ana: User, reps: RemedyAuthority) -> None:
    policy = make_policy()
    policy.publish(table={**LATE, "rows": [{**LATE["rows"][0], "amount": {"base": "11"}}, LATE["rows"][1]]})
    with pytest.raises(Refusal, match="The policy has changed"):
        propose(case, policy, ana, version=1)


# --- deciding


def test_a_lead_approves_and_the_rep_hears(case: Case, ana: User, lena: User, leads: RemedyAuthority) -> None:
    remedy = propose(case, make_policy(), ana)
    done = granting.approve(remedy, by=lena)
    assert (done.state, done.decided_by) == (State.APPROVED, lena)
    assert kinds(case) == ["remedy_asked", "remedy_approved"]
    assert Notification.objects.get(reason="decided").user == ana
    assert not Notification.objects.filter(reason="approval", ended_by=None).exists()
    assert granting.approve(remedy, by=lena).state == State.APPROVED
    assert kinds(case) == ["remedy_asked", "remedy_approved"]


def test_nobody_approves_their_own_or_above_their_authority(case: Case, ana: User, lena: User, sue: User) -> None:
    allow("lead", per_case=5)
    remedy = propose(case, make_policy(), lena)
    with pytest.raises(Refusal, match="Somebody else decides"):
        granting.approve(remedy, by=lena)
    with pytest.raises(Refusal, match="no authority"):
        granting.approve(remedy, by=sue)
    allow("supervisor", per_case=9)
    with pytest.raises(Refusal, match=r"In this case 9\.00 EUR is left to you"):
        granting.approve(remedy, by=sue)
    allow("supervisor", per_case=None)
    assert granting.approve(remedy, by=sue).state == State.APPROVED


def test_a_refusal_says_why_and_another_may_be_asked(case: Case, ana: User, lena: User, leads: RemedyAuthority) -> None:
    policy = make_policy()
    remedy = propose(case, policy, ana)
    with pytest.raises(Refusal, match="Say why not"):
        granting.refuse(remedy, by=lena, note=" ")
    refused = granting.refuse(remedy, by=lena, note="Not ours.")
    assert (refused.state, refused.decision_note) == (State.REFUSED, "Not ours.")
    with pytest.raises(Refusal, match="Nothing is to be decided"):
        granting.approve(remedy, by=lena)
    assert propose(case, policy, ana).state == State.WAITING


def test_what_is_called_off_is_not_paid_and_what_is_paid_is_not_called_off(
    billing: Queue, ana: User, reps: RemedyAuthority
) -> None:
    policy = make_policy()
    off = propose(make_case(billing), policy, ana)
    assert granting.call_off(off, by=ana).state == State.CALLED_OFF
    paid = propose(make_case(billing), policy, ana)
    with remedy_handlers.registered(lambda payout: "CN-1"):
        paying.pay_due(timezone.now())
    with pytest.raises(Refusal, match="too late"):
        granting.call_off(paid, by=ana)
    off.refresh_from_db()
    paid.refresh_from_db()
    assert (off.state, paid.state, paid.reference) == (State.CALLED_OFF, State.PAID, "CN-1")


def test_the_month_has_a_budget_and_a_person_decides_above_it(billing: Queue, ana: User, lena: User) -> None:
    allow("rep")
    allow("lead")
    budget(25, timezone.now())
    policy = make_policy()
    assert [propose(make_case(billing), policy, ana).needs for _n in range(3)] == [[], [], ["budget"]]
    with pytest.raises(Refusal, match=r"Of this month’s budget 5\.00 EUR is left"):
        granting.approve(Remedy.objects.waiting().get(), by=lena)
