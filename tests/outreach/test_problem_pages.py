"""The problem room through HTTP: what each sees and may do; what is looked at before it is saved."""

import html
import json

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from cases.models import Dispatch, Queue
from crm.models import User
from outreach import delivery
from outreach.models import KnownProblem, Notice, NoticeDelivery, ProblemCase
from tests.api import Caller
from tests.builders import make_case
from tests.outreach.making import FAULTY, TEXTS, approved, make_notice, make_owner, make_problem, run

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_supervisor_goes_from_a_case_to_customers_told(billing: Queue, sue: User) -> None:
    desk, case = signed_in(sue), make_case(billing, customer=make_owner(1))
    make_owner(2)
    desk.post(f"/cases/{case.number}/problem/", {"title": "Hub 5 drops the line", "workaround": "Restart it"})
    problem = KnownProblem.objects.get()
    assert ProblemCase.objects.get().case == case
    words = {"title": problem.title, "severity": "major", "state": "workaround", "is_safety": "on"}
    words |= {"workaround": "Restart it", "next_update_at": f"{timezone.now().year + 1}-01-01T09:00"}
    desk.post(f"/problems/{problem.pk}/wording/", words)
    look = desk.post(f"/problems/{problem.pk}/preview/", {"condition": json.dumps(FAULTY)}).content.decode()
    assert "Owner 2" in look
    assert "Hub 5, 2.3.1" in look
    problem.refresh_from_db()
    assert (problem.condition, problem.exposed) == (None, 0), "looking saves nothing"
    desk.post(f"/problems/{problem.pk}/condition/", {"condition": json.dumps(FAULTY)})
    desk.post(f"/problems/{problem.pk}/notices/", {f"en.{k}": v for k, v in TEXTS["en"].items()})
    notice = Notice.objects.get()
    page = desk.get(f"/notices/{notice.pk}/").content.decode()
    assert TEXTS["en"]["body"] in page
    assert "As Owner 1 reads it" in page
    desk.post(f"/notices/{notice.pk}/approval/")
    run()
    assert len(mail.outbox) == 2
    assert "2 sent" in desk.get(f"/problems/{problem.pk}/").content.decode()


def test_a_refusal_is_a_sentence_on_the_page(sue: User) -> None:
    notice = make_notice(make_problem(sue, workaround=""), sue)
    answer = signed_in(sue).post(f"/notices/{notice.pk}/approval/", follow=True)
    assert "nobody is told of a problem without help" in answer.content.decode()


def test_a_condition_that_is_none_is_told_where_it_is_wrong_and_kept(sue: User) -> None:
    problem, desk = make_problem(sue), signed_in(sue)
    for bad in ("{", '{"fact": "shoe", "op": "is", "value": 1}', "[1]"):
        answer = desk.post(f"/problems/{problem.pk}/condition/", {"condition": bad})
        assert answer.status_code == 422
        assert 'role="alert"' in answer.content.decode()
    problem.refresh_from_db()
    assert problem.condition == FAULTY


def test_what_is_unknown_is_listed_and_goes_again_by_a_supervisors_word(sue: User, ana: User, billing: Queue) -> None:
    make_owner(1)
    notice = approved(make_problem(sue), sue)
    delivery.deliver_due(timezone.now())
    Dispatch.objects.update(state="unknown", reason="interrupted")
    row = NoticeDelivery.objects.get()
    listed = f"/notices/{notice.pk}/deliveries/?state=unknown"
    assert "Send again" not in signed_in(ana).get(listed).content.decode()
    assert signed_in(ana).post(f"/notices/deliveries/{row.pk}/repeat/").status_code == 403
    assert "Send again" in signed_in(sue).get(listed).content.decode()
    signed_in(sue).post(f"/notices/deliveries/{row.pk}/repeat/")
    run()
    assert len(mail.outbox) == 1


def test_an_executive_reads_and_changes_nothing(sue: User, eve: User) -> None:
    make_owner(1)
    notice = approved(make_problem(sue), sue)
    desk = signed_in(eve)
    page = desk.get(f"/notices/{notice.pk}/").content.decode()
    assert "Stop for good" not in page
    assert "Owner 1" not in page, "a customer of no queue they sit in"
    assert desk.post(f"/notices/{notice.pk}/stop/").status_code == 403


def test_pages_cost_the_same_with_many_rows(sue: User, django_assert_max_num_queries: object) -> None:
    for n in range(60):
        make_owner(n)
    notice = approved(make_problem(sue), sue)
    run()
    desk = signed_in(sue)
    for path in (f"/problems/{notice.problem_id}/", f"/notices/{notice.pk}/", f"/notices/{notice.pk}/deliveries/"):
        with django_assert_max_num_queries(20):  # type: ignore[operator]
            assert desk.get(path).status_code == 200


def test_a_program_does_the_same_over_the_api(sue: User) -> None:
    make_owner(1)
    call = Caller(sue)
    problem = call.post("problems/", {"title": "Hub 5", "workaround": "Restart", "is_safety": True}).json()
    later = f"{timezone.now().year + 1}-01-01T09:00:00Z"
    assert call.patch(f"problems/{problem['id']}/", {"next_update_at": later}).status_code == 200
    tried = call.post(f"problems/{problem['id']}/exposure/", {"condition": FAULTY}).json()
    assert (tried["size"], tried["reachable"]) == (1, 1)
    assert KnownProblem.objects.get().exposed == 0
    bad = call.post(f"problems/{problem['id']}/exposure/", {"condition": {"fact": "shoe"}})
    assert bad.status_code == 400
    assert call("PUT", f"problems/{problem['id']}/exposure/", {"condition": FAULTY}).status_code == 200
    notice = call.post("notices/", {"problem": problem["id"], "texts": {"en": TEXTS["en"]}}).json()
    done = call.post(f"notices/{notice['id']}/approval/", {})
    assert (done.status_code, done.json()["numbers"]) == (200, {"planned": 1})
    assert call.post(f"notices/{notice['id']}/pause/", {}).json()["state"] == "paused"
    assert call.post(f"notices/{notice['id']}/stop/", {}).json()["state"] == "stopped"
    rows = call.get(f"notices/{notice['id']}/deliveries/").json()["results"]
    assert [(r["state"], r["reason"]) for r in rows] == [("withheld", "stopped")]


def test_a_condition_comes_back_in_the_order_it_is_said(sue: User) -> None:
    """The database keeps an object's keys by length: "op" would come before "fact", "where" before "exists"."""
    problem = make_problem(sue)
    problem.refresh_from_db()
    page = html.unescape(signed_in(sue).get(f"/problems/{problem.pk}/condition/").content.decode())
    shown = json.loads(page.partition('aria-describedby="condition-help">')[2].partition("</textarea>")[0])
    assert list(shown) == ["exists", "where"]
    assert [list(leaf) for leaf in shown["where"]["all"]] == [["fact", "op", "value"]] * len(FAULTY["where"]["all"])
    assert shown == FAULTY


def test_a_notice_that_would_reach_nobody_says_so_and_one_under_way_says_when_it_leaves(sue: User) -> None:
    make_owner(1)
    problem = make_problem(sue, is_safety=False)
    hours, nobody = "It leaves between 8 and 22 by each customer’s own clock.", "Sent now, it would reach nobody."
    desk, first = signed_in(sue), approved(problem, sue)
    assert hours in desk.get(f"/notices/{first.pk}/").content.decode()
    second = make_notice(problem, sue)
    page = desk.get(f"/notices/{second.pk}/").content.decode()
    assert nobody in page
    assert '<button type="submit" data-name="Approve and send">' in page, "nothing invites to it"


def test_nobody_is_hit_before_somebody_says_whom(sue: User) -> None:
    """The rows begin with none, and none are nobody: saved so, and tried so."""
    make_owner(1)
    problem, desk = make_problem(sue, condition=None), signed_in(sue)
    page = html.unescape(desk.get(f"/problems/{problem.pk}/condition/").content.decode())
    shown = page.partition('aria-describedby="condition-help">')[2].partition("</textarea>")[0]
    assert "Empty: nobody." in desk.post(f"/problems/{problem.pk}/preview/", {"condition": shown}).content.decode()
    desk.post(f"/problems/{problem.pk}/condition/", {"condition": json.dumps(FAULTY)})
    problem.refresh_from_db()
    assert problem.exposed == 1
    assert desk.post(f"/problems/{problem.pk}/condition/", {"condition": shown}).status_code == 302
    problem.refresh_from_db()
    assert (problem.condition, problem.exposed) == (None, 0)


def test_the_editor_is_told_what_conditions_are_made_of_and_a_rep_is_not(sue: User, ana: User) -> None:
    told = signed_in(sue).get("/problems/catalogue/").json()
    assert {"subscriptions", "orders"} <= {one["name"] for one in told["collections"]}
    assert signed_in(ana).get("/problems/catalogue/").status_code == 403


def test_the_admin_says_whom_it_hits_in_words(root: User, sue: User) -> None:
    hub, none = make_problem(sue), make_problem(sue, condition=None, title="Slow bills")
    desk = signed_in(root)
    page = html.unescape(desk.get(f"/admin/outreach/knownproblem/{hub.pk}/change/").content.decode())
    assert "Hub 5" in page
    assert '"exists"' not in page
    assert f'href="/problems/{hub.pk}/condition/"' in page
    assert "Nobody yet." in desk.get(f"/admin/outreach/knownproblem/{none.pk}/change/").content.decode()
