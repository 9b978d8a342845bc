"""A known problem: declared from a case, linked to others, shown on every case it touches."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases.models import Case, Queue
from cases.models.case import Refusal
from crm.models import Event, User
from customers import merging
from customers.conditions import BadCondition
from customers.models import Customer
from outreach import banner, exposure
from outreach.hooks import AtRisk, at_risk
from outreach.models import Exposure, KnownProblem, ProblemCase
from tests.builders import make_case, make_customer
from tests.outreach.making import FAULTY, make_owner, make_problem

pytestmark = pytest.mark.django_db


def kinds(problem: KnownProblem) -> list[str]:
    rows = Event.objects.filter(stream="problem", stream_id=problem.pk).order_by("version")
    return list(rows.values_list("kind", flat=True))


def exposed(problem: KnownProblem) -> set[int]:
    return set(Exposure.objects.filter(problem=problem).values_list("customer_id", flat=True))


# --- verbs


def test_declared_from_a_case_it_is_linked_to_it(billing: Queue, sue: User) -> None:
    case = make_case(billing)
    problem = KnownProblem.declare(case=case, by=sue, title="Hub 5 drops the line")
    assert problem.owner == sue
    assert ProblemCase.objects.get().case == case
    assert kinds(problem) == ["declared", "case_linked"]


def test_it_needs_a_title(sue: User) -> None:
    with pytest.raises(Refusal):
        KnownProblem.declare(by=sue, title="  ")


def test_linking_twice_is_quiet_and_a_case_is_about_one_problem(billing: Queue, sue: User) -> None:
    case, problem, other = make_case(billing), make_problem(sue), make_problem(sue, title="Another")
    problem.link(case, by=sue)
    problem.link(case, by=sue)
    assert kinds(problem).count("case_linked") == 1
    with pytest.raises(Refusal, match="already linked"):
        other.link(case, by=sue)
    problem.unlink(case, by=sue)
    problem.unlink(case, by=sue)
    other.link(case, by=sue)
    assert kinds(problem).count("case_unlinked") == 1


def test_editing_says_which_fields_and_not_what_they_say(sue: User) -> None:
    problem = make_problem(sue)
    problem.edit(by=sue, cause="A leak", title=problem.title)
    problem.edit(by=sue, cause="A leak")
    event = Event.objects.filter(stream="problem", kind="edited").get()
    assert event.data == {"fields": ["cause"]}


def test_closed_it_takes_no_more_cases_and_can_come_back(billing: Queue, sue: User) -> None:
    problem = make_problem(sue)
    problem.close(by=sue)
    problem.close(by=sue)
    with pytest.raises(Refusal):
        problem.link(make_case(billing), by=sue)
    with pytest.raises(Refusal):
        problem.edit(by=sue, state="open")
    problem.reopen(by=sue)
    problem.link(make_case(billing), by=sue)
    assert kinds(problem).count("closed") == 1


# --- who is likely to be hit


def test_a_condition_finds_those_it_holds_for_and_no_merged_or_erased_record(sue: User) -> None:
    hit, merged, into, erased = (make_owner(n) for n in range(4))
    make_owner(5, version="2.4.0")
    merging.merge(into, merged, by=sue)
    Customer.objects.filter(pk=erased.pk).update(erased_at=timezone.now())
    problem = make_problem(sue)
    assert exposed(problem) == {hit.pk, into.pk}
    assert problem.exposed == 2


def test_a_changed_condition_lets_go_and_finds_anew(sue: User) -> None:
    old, new = make_owner(1), make_owner(2, version="2.4.0")
    problem = make_problem(sue)
    other = {"exists": "subscriptions", "where": {"all": [{"fact": "version", "op": "is", "value": "2.4.0"}]}}
    exposure.aim(problem, other, by=sue)
    assert exposed(problem) == {new.pk}
    exposure.aim(problem, None, by=sue)
    assert exposed(problem) == set()
    assert old.pk


def test_a_condition_nobody_can_evaluate_changes_nothing(sue: User) -> None:
    make_owner(1)
    problem = make_problem(sue)
    with pytest.raises(BadCondition):
        exposure.aim(problem, {"fact": "shoe_size", "op": "is", "value": 42}, by=sue)
    problem.refresh_from_db()
    assert problem.condition == FAULTY
    assert problem.exposed == 1


def test_whoever_comes_into_reach_later_is_found_by_the_sweep(sue: User) -> None:
    from outreach import delivery

    problem = make_problem(sue)
    late = make_owner(1)
    delivery.found_again(timezone.now())
    assert exposed(problem) == {late.pk}
    assert kinds(problem)[-1] == "exposure_counted"
    before = len(kinds(problem))
    delivery.found_again(timezone.now())
    assert len(kinds(problem)) == before


def test_other_systems_add_whom_they_know_of_with_their_reasons(sue: User) -> None:
    by_rule, named = make_owner(1), make_customer("Named", email="named@example.org")
    found = [AtRisk(named.pk, 0.8, "Line drops in the log"), AtRisk(by_rule.pk, 2.0, "Too"), AtRisk(0, 1.0, "nobody")]
    problem = make_problem(sue, condition=None)
    with at_risk.registered(lambda _problem: found):
        exposure.aim(problem, FAULTY, by=sue)
        assert exposed(problem) == {by_rule.pk, named.pk}
        row = Exposure.objects.get(customer=named)
        assert (row.via, row.score, row.reasons) == ("source", 0.8, ["Line drops in the log"])
        assert Exposure.objects.get(customer=by_rule).via == "rule"
    exposure.refresh(problem, timezone.now())
    assert exposed(problem) == {by_rule.pk}


def test_a_source_that_fails_takes_nobody_away(sue: User) -> None:
    named = make_customer("Named")
    problem = make_problem(sue)

    def broken(_problem: object) -> list[AtRisk]:
        raise OSError("no telemetry")

    with at_risk.registered(lambda _problem: [AtRisk(named.pk, 0.5, "Seen")]):
        exposure.refresh(problem, timezone.now())
    with at_risk.registered(broken):
        exposure.refresh(problem, timezone.now())
    assert exposed(problem) == {named.pk}


def test_the_sample_says_what_of_theirs_fits(sue: User, ana: User) -> None:
    make_owner(1)
    problem = make_problem(sue)
    condition = {"all": [{"fact": "language", "op": "is", "value": "en"}, FAULTY]}
    (example,) = exposure.sample(problem, condition, timezone.now(), user=sue)
    assert example.reasons == ["en", "Hub 5, 2.3.1"]


def test_the_sample_shows_nobody_one_may_not_open(sue: User, eve: User, billing: Queue) -> None:
    make_owner(1)
    problem = make_problem(sue)
    billing.join(eve, mode="watch")
    assert exposure.sample(problem, FAULTY, timezone.now(), user=eve) == []


# --- the banner


def says(case: Case, user: User) -> list[str]:
    shown = banner.of_case(case, user)
    return [shown.text] if shown else []


def test_a_linked_case_and_an_exposed_customers_case_show_it_and_no_other(billing: Queue, sue: User) -> None:
    owner = make_owner(1)
    problem = make_problem(sue)
    linked, theirs, other = make_case(billing), make_case(billing, customer=owner), make_case(billing)
    problem.link(linked, by=sue)
    assert says(linked, sue) == says(theirs, sue) != []
    assert says(other, sue) == []
    assert "Hub 5 drops the line" in says(linked, sue)[0]
    assert "Restart the router once" in says(linked, sue)[0]
    assert "told" not in says(linked, sue)[0], "nobody was"
    problem.close(by=sue)
    assert says(linked, sue) == []


def test_the_linked_problem_goes_before_one_the_customer_may_have(billing: Queue, sue: User) -> None:
    owner = make_owner(1)
    linked = make_problem(sue, title="The linked one", condition=None)
    make_problem(sue, title="The likely one")
    case = make_case(billing, customer=owner)
    linked.link(case, by=sue)
    assert "The linked one" in says(case, sue)[0]


def test_it_costs_one_query(billing: Queue, sue: User, django_assert_num_queries: object) -> None:
    case = make_case(billing, customer=make_owner(1))
    make_problem(sue)
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert banner.of_case(case, sue)


def test_the_numbers_in_it_are_those_counted(billing: Queue, sue: User) -> None:
    problem = make_problem(sue)
    problem.told, problem.told_first = 2380, 412
    assert "2,380 told, 412 before they noticed." in banner.banner(problem).text


def test_a_fixed_one_names_the_fix_and_promises_nothing_more(sue: User) -> None:
    problem = make_problem(sue, fix="Firmware 2.3.2", state="fixed", next_update_at=timezone.now() + timedelta(days=1))
    shown = banner.banner(problem)
    assert "Fix: Firmware 2.3.2." in shown.text
    assert shown.due is None
