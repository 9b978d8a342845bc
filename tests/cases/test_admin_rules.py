"""Rules at /admin/: written by rows, tried before they are switched on, for the queues one steers."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import conversation
from cases.models import Queue, Rule, RuleRun, RuleTrial
from cases.rules import trying
from crm.models import User
from tests.builders import make_case
from tests.cases.ruled import fact, hear, keep, make_rule

pytestmark = pytest.mark.django_db
ADD = "/admin/cases/rule/add/"


@pytest.fixture
def desk(sue: User, billing: Queue) -> Client:
    """Sue at the admin."""
    client = Client()
    client.force_login(sue)
    return client


def sent(queue: Queue, **more: Any) -> dict[str, Any]:
    return {
        "name": "Refunds first",
        "position": 1,
        "queues": [queue.pk],
        "on_words": ["message_received"],
        "condition": json.dumps({"all": [fact("message", "contains", "refund")]}),
        "then": json.dumps([{"do": "priority", "to": "high"}]),
        **more,
    }


def test_one_that_stays_off_is_saved_at_once(desk: Client, billing: Queue) -> None:
    assert desk.post(ADD, sent(billing)).status_code == 302
    rule = Rule.objects.get()
    assert rule.current is not None
    assert (rule.is_active, rule.current.number, rule.current.when) == (False, 1, {"events": ["message_received"]})
    assert list(rule.queues.all()) == [billing]


def test_before_it_is_switched_on_it_says_what_it_would_have_done(desk: Client, billing: Queue) -> None:
    case = make_case(billing, status="open")
    conversation.add_inbound(case, text="A refund, please", sender=None, channel="web", at=timezone.now())
    page = desk.post(ADD, sent(billing, is_active="on"))
    told = page.content.decode()
    assert page.status_code == 200
    assert "it would have acted 1 time" in told
    assert f"#{case.number}" in told
    assert "priority: normal → high" in told
    assert not Rule.objects.exists()
    assert desk.post(ADD, sent(billing, is_active="on", _running="on")).status_code == 302
    rule = Rule.objects.get()
    assert (rule.is_active, rule.since is not None) == (True, True)
    case.refresh_from_db()
    assert (keep(), case.priority) == (0, "normal")  # what lies before asks nothing


def test_a_change_of_one_that_is_on_is_tried_too_and_may_be_saved_off(desk: Client, billing: Queue) -> None:
    rule = make_rule("Refunds first", queues=[billing])
    where = f"/admin/cases/rule/{rule.pk}/change/"
    assert desk.post(where, sent(billing, is_active="on")).status_code == 200
    rule.refresh_from_db()
    assert rule.current is not None
    assert rule.current.number == 1
    assert desk.post(where, sent(billing, is_active="on", _running="off")).status_code == 302
    rule.refresh_from_db()
    assert rule.current is not None
    assert (rule.is_active, rule.current.number) == (False, 2)


def test_another_name_alone_asks_nothing(desk: Client, billing: Queue) -> None:
    rule = make_rule("Refunds", queues=[billing], condition={"all": [fact("message", "contains", "refund")]})
    assert desk.post(f"/admin/cases/rule/{rule.pk}/change/", sent(billing, is_active="on")).status_code == 302
    rule.refresh_from_db()
    assert (rule.name, rule.is_active) == ("Refunds first", True)


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("condition", "{", "This is no JSON"),
        ("condition", json.dumps(fact("shoe_size", "is", 4)), "There is no “shoe_size” here"),
        ("then", "[]", "Say what is done"),
        ("then", json.dumps([{"do": "dance"}]), "choose one of"),
        ("on_words", [], "Say when the rule is asked"),
        ("queues", [], "This field is required"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    desk: Client, billing: Queue, field: str, value: Any, fault: str
) -> None:
    page = desk.post(ADD, sent(billing, **{field: value}))
    assert fault in page.content.decode()
    assert not Rule.objects.exists()


def test_a_supervisor_names_their_own_queues_and_people_and_no_others(
    desk: Client, billing: Queue, technical: Queue, ben: User, ana: User
) -> None:
    for action in ({"do": "transfer", "queue": technical.pk}, {"do": "assign", "person": ben.pk}):
        assert desk.post(ADD, sent(billing, then=json.dumps([action]))).status_code == 200
    assert desk.post(ADD, sent(billing, queues=[technical.pk])).status_code == 200
    assert not Rule.objects.exists()
    assert desk.post(ADD, sent(billing, then=json.dumps([{"do": "assign", "person": ana.pk}]))).status_code == 302
    listed = desk.get("/admin/cases/rule/catalogue/").json()
    assert [name for _pk, name in listed["queues"]] == ["Billing"]
    assert ben.pk not in [pk for pk, _name in listed["people"]]


def test_what_is_of_other_queues_is_not_there(desk: Client, billing: Queue, technical: Queue) -> None:
    theirs, both = make_rule("Theirs", queues=[technical]), make_rule("Both", queues=[billing, technical])
    everywhere = make_rule("Everywhere")
    hear(make_case(technical))
    hear(make_case(billing))
    keep()
    page = desk.get("/admin/cases/rule/").content.decode()
    for rule in (theirs, both, everywhere):
        assert rule.name not in page
        assert desk.get(f"/admin/cases/rule/{rule.pk}/change/").status_code == 302
        trial = trying.begin(rule.current, by=None, now=timezone.now())  # type: ignore[arg-type]
        assert desk.get(f"/admin/cases/rule/{rule.pk}/trials/{trial.pk}/").status_code == 404
        assert desk.post(f"/admin/cases/rule/{rule.pk}/trials/").status_code == 404
    assert RuleRun.objects.count() == 5
    assert desk.get("/admin/cases/rulerun/").context["cl"].result_count == 0


def test_while_it_is_written_it_says_for_which_open_cases_it_holds(
    desk: Client, billing: Queue, technical: Queue
) -> None:
    case = make_case(billing, priority="high")
    make_case(billing)
    make_case(technical, priority="high")

    def tried(condition: Any) -> Any:
        return desk.post("/admin/cases/rule/preview/", {"condition": json.dumps(condition)}).json()

    assert tried(fact("priority", "is", "high")) == {
        "ok": True,
        "words": f"Priority is high — 1 of 2 open cases now: #{case.number}",
    }
    assert "the dry run says" in tried(fact("message", "contains", "x"))["words"]
    assert tried(fact("priority", "like", "high"))["ok"] is False
    assert desk.post("/admin/cases/rule/preview/", {"condition": "{"}).json()["ok"] is False


def test_a_dry_run_has_a_page_that_shows_how_far_it_is(desk: Client, billing: Queue) -> None:
    rule = make_rule(queues=[billing], switched=False)
    hear(make_case(billing, status="open"))
    assert "Try it on last week" in desk.get(f"/admin/cases/rule/{rule.pk}/change/").content.decode()
    page = desk.post(f"/admin/cases/rule/{rule.pk}/trials/", follow=True)
    assert "0 of 1 cases" in page.content.decode()
    trial = RuleTrial.objects.get()
    trying.try_due(timezone.now())
    trying.try_due(timezone.now())
    page = desk.get(f"/admin/cases/rule/{rule.pk}/trials/{trial.pk}/")
    assert "it would have acted 1 time" in page.content.decode()
    assert "data-going" not in page.content.decode()


def test_a_paused_one_is_seen_and_let_go_on(desk: Client, billing: Queue) -> None:
    rule = make_rule(queues=[billing])
    rule.pause("depth", make_case(billing), at=timezone.now())
    assert "paused: it went round in circles" in desk.get("/admin/cases/rule/").content.decode()
    desk.post("/admin/cases/rule/", {"action": "let_go_on", "_selected_action": [rule.pk]})
    rule.refresh_from_db()
    assert rule.paused_at is None


def test_what_could_not_be_done_is_listed_and_tried_again(desk: Client, billing: Queue, technical: Queue) -> None:
    make_rule(queues=[billing], then=[{"do": "transfer", "queue": technical.pk}])
    Queue.objects.filter(pk=technical.pk).update(is_active=False)
    hear(make_case(billing))
    keep(timezone.now())
    page = desk.get("/admin/cases/rulerun/?state__exact=waiting").content.decode()
    assert "no longer there" in page
    run = RuleRun.objects.get()
    Queue.objects.filter(pk=technical.pk).update(is_active=True)
    desk.post("/admin/cases/rulerun/", {"action": "try_again", "_selected_action": [run.pk]})
    keep()
    run.refresh_from_db()
    assert run.state == "done"
