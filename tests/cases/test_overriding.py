"""Rows that people override again and again become proposals: told on the policy's page, drafted by a button, never applied
by themselves."""

import html
from copy import deepcopy
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases.models import Queue, Remedy, ServicePolicy
from cases.policy import overriding
from cases.policy.overriding import Decided
from cases.remedies import overrides
from crm.models import User
from tests.api import Caller
from tests.builders import make_case, make_customer
from tests.cases.remedied import LATE, allow, make_policy, propose
from tests.cases.test_admin_policies import lines


def decided(row: int, computed: int, granted: int, reason: str = "", kind: str = "credit") -> Decided:
    return Decided(row, Decimal(computed), Decimal(granted), kind, reason)


AS_IT_SAYS = decided(0, 10, 10)


def test_five_of_one_reason_and_a_fifth_of_the_row_make_a_proposal_and_less_does_not() -> None:
    for count, same, proposed in ((5, 20, True), (5, 21, False), (4, 0, False), (6, 24, True), (6, 25, False)):
        found = overriding.proposals([*[decided(0, 10, 14, "harder")] * count, *[AS_IT_SAYS] * same])
        assert bool(found) is proposed, (count, same)
    mixed = [*[decided(0, 10, 14, "harder")] * 4, *[decided(0, 10, 14, "repeated")] * 4]
    assert overriding.proposals(mixed) == [], "each reason by itself"
    told = [*[decided(0, 10, 10, "table_changed")] * 9]
    assert overriding.proposals(told) == [], "what the row says is no override, whatever its reason"
    elsewhere = [*[decided(0, 10, 14, "harder")] * 5, *[decided(1, 30, 30)] * 99]
    assert [found.of for found in overriding.proposals(elsewhere)] == [5], "a fifth of this row’s decisions"


def test_medians_and_the_most_frequent_first() -> None:
    rows = [decided(0, 10, granted, "harder") for granted in (12, 14, 14, 15, 90)]
    rows += [decided(1, 30, 15, "lighter", "refund")] * 6
    first, second = overriding.proposals(rows)
    assert (first.row, first.reason, first.count, first.of) == (1, "lighter", 6, 6)
    assert (second.granted, second.computed, second.ratio) == (Decimal(14), Decimal(10), Decimal("1.4"))


def test_a_draft_changes_one_row_by_the_ratio_and_leaves_the_steps_between() -> None:
    table: dict[str, Any] = deepcopy(LATE)
    table["rows"][1]["amount"] |= {"each": "0.1", "of": "late", "least": "5", "most": "80", "factor_of": "impact"}
    before = deepcopy(table)
    (found,) = overriding.proposals([decided(1, 30, 45, "harder", "refund")] * 5)
    draft = overriding.changed(table, found)
    assert table == before
    assert draft["rows"][0] == table["rows"][0]
    told = {"base": "45", "each": "0.15", "least": "7.50", "most": "120"}
    assert draft["rows"][1]["amount"] == {**table["rows"][1]["amount"], **told}


def test_a_row_that_gives_nothing_is_drafted_with_what_people_gave() -> None:
    table: dict[str, Any] = deepcopy(LATE)
    table["rows"][0] = {"when": {"impact": ["small"]}, "remedy": "none", "words": "We are sorry."}
    given = [decided(0, 0, n, "repeated", "credit" if n < 9 else "refund") for n in (5, 6, 7, 8, 9)]
    (found,) = overriding.proposals(given)
    row = overriding.changed(table, found)["rows"][0]
    assert (row["remedy"], row["amount"], row["words"]) == ("credit", {"base": "7.00"}, "We are sorry.")


# --- on its page


def grant(billing: Queue, policy: ServicePolicy, by: User, count: int, **more: Any) -> None:
    for n in range(count):
        made = propose(make_case(billing, customer=make_customer(f"C{n}")), policy, by, **more)
        assert made.state == Remedy.State.APPROVED


@pytest.fixture
def policy(billing: Queue, ana: User) -> ServicePolicy:
    """Its small row was overridden six times of sixteen, for one reason."""
    allow("rep")
    found = make_policy("Late", None, billing)
    grant(billing, found, ana, 10)
    grant(billing, found, ana, 6, amount=Decimal(12), reason="repeated")
    return found


@pytest.mark.django_db
def test_only_what_people_chose_lately_by_the_row_as_it_stands_counts(policy: ServicePolicy, billing: Queue) -> None:
    now = timezone.now()
    assert len(overrides.decided(policy, now)) == 16
    assert [(p.count, p.of) for p in overrides.proposed(policy, now)] == [(6, 16)]
    Remedy.objects.filter(granted=10).update(unasked=True)
    assert len(overrides.decided(policy, now)) == 6, "what nobody chose is left out"
    assert overrides.proposed(policy, now + overriding.SPAN + timedelta(minutes=1)) == []
    table = deepcopy(LATE)
    table["rows"].reverse()
    table["rows"][0]["amount"] = {"base": "31"}
    policy.publish(table=table)
    policy.refresh_from_db()
    assert [p.row for p in overrides.proposed(policy, now)] == [1], "another row changed, and this one moved"
    table["rows"][1]["amount"] = {"base": "12"}
    policy.publish(table=table)
    policy.refresh_from_db()
    assert overrides.proposed(policy, now) == [], "the row was changed: what was decided by it is answered"


@pytest.mark.django_db
def test_the_page_says_it_drafts_it_and_changes_nothing_before_it_is_saved(
    client: Client, policy: ServicePolicy, sue: User, billing: Queue
) -> None:
    client.force_login(sue)
    place = f"/admin/cases/servicepolicy/{policy.pk}/change/"
    page = html.unescape(client.get(place).content.decode())
    assert "Row 1: 6 of 16 times people gave otherwise, because we let it happen again" in page
    assert f'href="{place}?draft=0-repeated#policy-row-1"' in page
    drafted = client.get(f"{place}?draft=0-repeated")
    form = drafted.context["adminform"].form
    assert "A draft: row 1 gives what people gave" in drafted.content.decode()
    assert [line["base"].value() for line in form.rows if line["remedy"].value()][:2] == ["12", "30"]
    assert "6 of 16" in form["why"].value()
    policy.refresh_from_db()
    assert policy.versions.count() == 1, "looking changes nothing"
    impact = {
        "name": "impact",
        "label": "Impact",
        "kind": "choice",
        "source": "asked",
        "options": "small = a nuisance\nhard = work stood still",
    }
    rows = [
        {"cell-impact": ["small"], "remedy": "credit", "base": "12", "words": "We are sorry."},
        {"cell-impact": ["hard"], "remedy": "refund", "base": "30", "step": "0.5", "most_times": "2"},
    ]
    body = {"name": "Late", "queues": [billing.pk], "is_active": "on", "currency": "EUR", "why": form["why"].value()}
    body |= {"seen": form["seen"].value(), "table_version": 1}
    body |= lines("inputs", impact, standing=1) | lines("rows", *rows, standing=2)
    answer = client.post(f"{place}?draft=0-repeated", body)
    assert answer.status_code == 302, answer.content.decode()
    policy.refresh_from_db()
    assert policy.current is not None
    assert (policy.current.number, policy.current.table["rows"][0]["amount"]) == (2, {"base": "12"})
    assert "6 of 16" in policy.current.why
    assert "No row was overridden 5 times or more" in client.get(place).content.decode()


@pytest.mark.django_db
def test_a_draft_that_is_no_proposal_is_the_page_as_it_is(client: Client, policy: ServicePolicy, sue: User) -> None:
    client.force_login(sue)
    for wrong in ("0-harder", "9-repeated", "x", "0-repeated'"):
        page = client.get(f"/admin/cases/servicepolicy/{policy.pk}/change/", {"draft": wrong})
        assert page.status_code == 200
        assert "A draft:" not in page.content.decode()


# --- over the API


@pytest.mark.django_db
def test_a_proposal_is_read_with_its_draft_and_written_as_the_next_version(policy: ServicePolicy, sue: User) -> None:
    call, place = Caller(sue), f"service-policies/{policy.pk}/"
    (told,) = call.get(f"{place}proposals/").json()["results"]
    assert (told["key"], told["row"], told["reason"], told["count"], told["of"]) == ("0-repeated", 0, "repeated", 6, 16)
    assert (told["granted"], told["computed"], told["ratio"], told["currency"]) == ("12.00", "10.00", 1.2, "EUR")
    assert told["says"].startswith("Row 1: 6 of 16 times people gave otherwise, because we let it happen again")
    answer = call.get(f"{place}proposals/0-repeated/")
    draft = answer.json()
    assert (draft["version"], answer["ETag"]) == (1, '"1"')
    assert [row["amount"]["base"] for row in draft["table"]["rows"]] == ["12", "30"]
    policy.refresh_from_db()
    assert policy.versions.count() == 1, "looking changes nothing"
    made = {"table": draft["table"], "why": draft["why"]}
    written = call.patch(place, made, If_Match=answer["ETag"])
    assert (written.status_code, written.json()["version"]) == (200, 2)
    policy.refresh_from_db()
    assert policy.current is not None
    assert (policy.current.table["rows"][0]["amount"], policy.current.why) == ({"base": "12"}, draft["why"])
    assert call.get(f"{place}proposals/").json()["results"] == [], "the row is another now"
    assert call.get(f"{place}proposals/0-repeated/").status_code == 404
    assert call.patch(place, made, If_Match=answer["ETag"]).status_code == 412


@pytest.mark.django_db
def test_a_proposal_is_for_who_may_change_the_policy(
    policy: ServicePolicy, technical: Queue, ana: User, ben: User, sue: User, root: User
) -> None:
    """As on its page: of one that is for another's queue too, or for every queue, administrators read it."""
    place = f"service-policies/{policy.pk}/proposals/"
    codes = [[Caller(user).get(f"{place}{end}").status_code for end in ("", "0-repeated/")] for user in (ana, ben, sue)]
    assert codes == [[403, 403], [404, 404], [200, 200]]
    policy.queues.add(technical)
    assert Caller(sue).get(place).status_code == 403
    policy.queues.clear()
    assert Caller(sue).get(place).status_code == 403
    assert Caller(root).get(place).status_code == 200
    assert Caller(root).get(f"{place}9-harder/").status_code == 404


@pytest.mark.django_db
def test_a_policy_without_a_table_proposes_nothing(billing: Queue, root: User) -> None:
    empty = ServicePolicy.objects.create(name="Empty")
    assert Caller(root).get(f"service-policies/{empty.pk}/proposals/").json()["results"] == []
