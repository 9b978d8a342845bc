"""Policies and remedies through their doors: the API, the import, the console."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, Queue, Remedy, ServicePolicy
from cases.remedies import paying
from crm.models import User
from customers.models import Customer
from tests.api import Caller
from tests.builders import make_case
from tests.cases.remedied import LATE, allow, make_policy, propose
from tests.history import run, written

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_case(billing, customer=carl, assignee=ana)


@pytest.fixture
def desk(client: Client, ana: User) -> Client:
    client.force_login(ana)
    return client


# --- the API


def test_a_supervisor_makes_a_policy_and_writes_its_next_version(billing: Queue, sue: User) -> None:
    call = Caller(sue)
    made = call.post("service-policies/", {"name": "Late", "table": LATE, "queues": [billing.pk]})
    assert made.status_code == 201, made.content
    path = f"service-policies/{made.json()['id']}/"
    assert (made.json()["version"], made.json()["table"]["rows"][1]["amount"]["step"]) == (1, "0.5")
    changed = call.patch(path, {"table": {**LATE, "currency": "GBP"}}, if_match='"1"')
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    stale = call.patch(path, {"table": LATE}, if_match='"1"')
    assert stale.status_code == 412


def test_what_is_wrong_with_a_table_is_said_in_sentences(billing: Queue, sue: User) -> None:
    broken = {**LATE, "rows": LATE["rows"][:1]}
    answer = Caller(sue).post("service-policies/", {"name": "Late", "table": broken, "queues": [billing.pk]})
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": "table", "message": "No row is for this: Impact: work stood still."}]
    assert not ServicePolicy.objects.exists()


def test_the_same_external_id_is_the_same_policy(billing: Queue, sue: User) -> None:
    call, body = Caller(sue), {"name": "Late", "table": LATE, "queues": [billing.pk], "external_id": "p1"}
    assert [call.post("service-policies/", body).status_code for _n in range(2)] == [201, 200]
    assert ServicePolicy.objects.get().versions.count() == 1


def test_a_script_asks_grants_and_reads(case: Case, ana: User, billing: Queue) -> None:
    allow("rep", per_case=50)
    policy, call = make_policy("Late", None, billing), Caller(ana)
    quote = call.post(f"service-policies/{policy.pk}/quote/", {"case": case.number, "given": {"impact": "small"}})
    assert quote.status_code == 200, quote.content
    told = quote.json()
    assert (told["amount"], told["kind"], told["needs"], told["left"]["per_case"]) == ("10.00", "credit", [], "50.00")
    body = {"policy": policy.pk, "given": {"impact": "small"}, "policy_version": told["version"]}
    made = call.post(f"cases/{case.number}/remedies/", body, idempotency_key="k1")
    again = call.post(f"cases/{case.number}/remedies/", body, idempotency_key="k1")
    assert (made.status_code, made.json()["state"]) == (201, "approved")
    assert again.json() == made.json()
    assert call.post(f"cases/{case.number}/remedies/", body).status_code == 409
    assert [r["id"] for r in call.get("remedies/?state=approved").json()["results"]] == [made.json()["id"]]
    assert call.get("remedies/?state=soon").status_code == 400


def test_a_lead_decides_by_script_and_a_rep_does_not(case: Case, ana: User, lena: User) -> None:
    allow("lead")
    remedy = propose(case, make_policy(), ana)
    path = f"remedies/{remedy.pk}/approval/"
    assert Caller(ana).post(path, {"approved": True}).status_code == 403
    assert Caller(lena).post(path, {"approved": False}).status_code == 409
    done = Caller(lena).post(path, {"approved": True, "reason": "Fair."})
    assert (done.status_code, done.json()["state"], done.json()["decision_note"]) == (200, "approved", "Fair.")


# --- the import


def _line(**more: Any) -> dict[str, Any]:
    return {"type": "policy", "external_id": "p1", "name": "Late", "table": LATE, "queues": ["Billing"], **more}


def test_policies_come_in_once_and_changed_ones_as_a_version(billing: Queue, tmp_path: Path, capsys: Any) -> None:
    code, out, _err = run(written(tmp_path, [_line()]), capsys)
    assert (code, "policy: 1 created" in out) == (0, True)
    _code, out, _err = run(written(tmp_path, [_line(), {**_line(), "external_id": "p2", "name": "Other"}]), capsys)
    assert "1 created" in out
    assert "1 unchanged" in out
    run(written(tmp_path, [_line(table={**LATE, "currency": "GBP"})]), capsys)
    policy = ServicePolicy.objects.get(external_id="p1")
    assert (policy.current.number, [q.name for q in policy.queues.all()]) == (2, ["Billing"])


def test_a_table_with_faults_is_an_error_line_and_leaves_nothing(billing: Queue, tmp_path: Path, capsys: Any) -> None:
    bad = _line(table={**LATE, "rows": LATE["rows"][:1]}, external_id="p9", name="Bad")
    code, out, err = run(written(tmp_path, [bad, _line()]), capsys)
    assert code == 1
    assert "No row is for this: Impact: work stood still." in out + err
    assert [policy.external_id for policy in ServicePolicy.objects.all()] == ["p1"]


# --- the console


def test_the_form_says_what_the_policy_gives_and_why(desk: Client, case: Case) -> None:
    allow("rep", per_case=50)
    policy = make_policy()
    asked = desk.get(reverse("cases:remedy_form", args=[case.number])).content.decode()
    assert "a nuisance" in asked
    assert "Say the rest, and the policy says what it gives." in asked
    address = reverse("cases:remedy_form", args=[case.number])
    page = desk.get(address, {"policy": policy.pk, "given.impact": "small"}).content.decode()
    assert "<b>10.00 EUR</b> credit" in page
    assert "Because: Impact: a nuisance." in page
    assert "We are sorry." in page
    assert "50.00 EUR to you in this case" in page
    assert "Grant it" in page


def test_a_rep_grants_and_sees_it_in_the_panel(desk: Client, case: Case) -> None:
    allow("rep")
    policy = make_policy()
    sent = {"policy": policy.pk, "given.impact": "small", "amount": "11,50", "reason": "harder", "version": "1"}
    answer = desk.post(reverse("cases:remedies", args=[case.number]), sent, headers=HTMX)
    assert answer.status_code == 200, answer.content
    page = desk.get(reverse("cases:remedies", args=[case.number])).content.decode()
    assert "11.50 EUR" in page
    assert "the policy gives 10.00" in page
    assert "it hit them harder than the table can say" in page


def test_what_cannot_be_read_as_an_amount_is_said(desk: Client, case: Case) -> None:
    sent = {"policy": make_policy().pk, "given.impact": "small", "amount": "ten"}
    answer = desk.post(reverse("cases:remedies", args=[case.number]), sent, headers=HTMX)
    assert (answer.status_code, answer.content.decode()) == (409, "Type the amount as a number, like 12.50.")
    assert not Remedy.objects.exists()


def test_a_lead_finds_it_on_the_page_of_approvals_and_decides(
    client: Client, case: Case, ana: User, lena: User
) -> None:
    allow("lead")
    remedy = propose(case, make_policy(), ana)
    client.force_login(lena)
    page = client.get(reverse("cases:approvals")).content.decode()
    assert f"#{case.number}" in page
    assert "their role has no authority of its own" in page
    client.post(reverse("cases:remedy_approval", args=[case.number, remedy.pk]), {"approved": "1"}, headers=HTMX)
    assert "Nothing waits for approval." in client.get(reverse("cases:approvals")).content.decode()
    paying.pay_due(timezone.now())
    assert "To be given by hand" in client.get(reverse("cases:approvals")).content.decode()


def test_where_there_are_no_policies_the_case_shows_nothing_of_them(desk: Client, case: Case) -> None:
    address = reverse("cases:case", args=[case.number])
    assert reverse("cases:remedies", args=[case.number]) not in desk.get(address).content.decode()
    make_policy()
    page = desk.get(address).content.decode()
    assert reverse("cases:remedies", args=[case.number]) in page
    assert reverse("cases:remedy_form", args=[case.number]) in page
