"""A macro as an action of a rule: in the house's name, all of it or nothing, once, and told before it is switched off."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from cases.models import Case, Macro, Message, Queue, RuleRun
from cases.rules import trying
from cases.rules.catalogue import catalogue
from cases.telling import told
from cases.thread import named
from crm.models import Event, User
from customers.models import Customer
from tests.api import Caller
from tests.builders import make_case, make_macro
from tests.cases.ruled import events_of, fresh, hear, keep, make_rule, numbered, states
from tests.cases.test_admin_supervisor import change

pytestmark = pytest.mark.django_db
TAG: dict[str, Any] = {"do": "add_tags", "tags": ["Late"]}
URGENT: dict[str, Any] = {"do": "priority", "priority": "urgent"}


def running(macro: Macro) -> list[dict[str, Any]]:
    return [{"do": "macro", "macro": macro.pk}]


def test_everything_of_it_is_done_in_the_house_s_name(
    billing: Queue, technical: Queue, ana: User, carl: Customer
) -> None:
    steps = [
        TAG,
        {"do": "remove_tags", "tags": ["old"]},
        URGENT,
        {"do": "note", "text": "{customer.first_name} asked {rep.name}"},
        {"do": "promise", "what": "A call to {customer.first_name}", "by_when": "in 3 h"},
        {"do": "snooze", "until": "in 2 h"},
        {"do": "status", "status": "waiting_internal"},
        {"do": "assign", "to": "nobody"},
        {"do": "transfer", "queue": technical.pk},
    ]
    macro = make_macro("Theirs", steps)
    rule = make_rule(then=running(macro))
    case = make_case(billing, customer=carl, status="open", tags=["old"], assignee=ana)
    hear(case)
    keep()
    case = fresh(case)
    assert (case.tags, case.priority, case.status, case.queue, case.assignee) == (
        ["late"],
        "urgent",
        "waiting_internal",
        technical,
        None,
    )
    assert case.snoozed_until is not None
    assert case.promises.get().what == "A call to Carl"
    assert Message.objects.get(direction="note", author=None).text == "Carl asked {rep.name}"
    done = list(Event.objects.filter(stream="case", stream_id=case.pk, via="rule"))
    assert {(event.actor, event.data["rule_version"]) for event in done} == {(None, rule.current.pk)}  # type: ignore[union-attr]
    assert Macro.objects.get().used_count == 1
    used = next(event for event in done if event.kind == "macro_used")
    assert told(named([used])[0]).startswith("The rule “First things first” used the macro “Theirs”")
    assert RuleRun.objects.filter(rule=rule).exclude(caused=[]).get().state == "done"


def test_one_action_that_cannot_be_leaves_all_of_it_and_the_rest_of_the_rule_goes_on(
    billing: Queue, technical: Queue
) -> None:
    macro = make_macro("There", [URGENT, {"do": "transfer", "queue": technical.pk}])
    rule = make_rule(then=[*running(macro), {"do": "tag", "add": ["seen"]}])
    type(technical).objects.filter(pk=technical.pk).update(is_active=False)
    case = make_case(billing)
    hear(case)
    keep()
    assert (fresh(case).priority, fresh(case).tags) == ("normal", ["seen"])
    assert events_of(case) == ["tagged", "rule_failed"]
    assert RuleRun.objects.get(rule=rule).error == "The queue it should go to is no longer there."


def test_it_is_the_macro_as_it_stands_for_cases_of_its_queues(billing: Queue, technical: Queue) -> None:
    macro = make_macro("Late", [TAG])
    make_rule(then=running(macro))
    macro.publish(title="Late", steps=[URGENT])
    case = make_case(billing)
    hear(case)
    keep()
    assert (fresh(case).tags, fresh(case).priority) == ([], "urgent")
    assert Event.objects.get(stream_id=case.pk, kind="macro_used").data["version"] == 2
    macro.queues.set([technical])
    hear(case)
    keep()
    told_why = RuleRun.objects.order_by("-pk").first()
    assert told_why is not None
    assert told_why.error == "The macro is not here any more, or not for cases of Billing."
    assert told_why.state == "failed"


def test_what_needs_a_person_no_rule_runs(billing: Queue, sue: User) -> None:
    reply = make_macro("Sorry", [{"do": "reply", "texts": {"en": "Sorry"}, "send": True}])
    mine = make_macro("Mine", [{"do": "assign", "to": "me"}])
    off = make_macro("Off", [TAG], is_active=False)
    plain = make_macro("Late", [TAG])
    for macro, fault in ((reply, "in somebody’s name"), (mine, "in somebody’s name"), (off, "no active macro")):
        with pytest.raises(ValidationError, match=fault):
            make_rule(f"{macro}", then=running(macro))
    assert catalogue(sue)["macros"] == [[plain.pk, "Late"]]
    make_rule(then=running(plain))
    plain.publish(title="Late", steps=[{"do": "assign", "to": "me"}])
    case = make_case(billing)
    hear(case)
    keep()
    assert fresh(case).assignee is None
    assert "in somebody’s name" in RuleRun.objects.get().error


def test_macros_that_chase_each_other_are_stopped(billing: Queue) -> None:
    low = make_macro("Low", [{"do": "priority", "priority": "low"}])
    high = make_macro("High", [{"do": "priority", "priority": "high"}])
    one = make_rule("One", on=["priority_changed", "message_received"], then=running(low))
    two = make_rule("Two", on=["priority_changed"], then=running(high), position=1)
    case = make_case(billing)
    hear(case)
    keep()
    one.refresh_from_db()
    two.refresh_from_db()
    assert one.paused_at or two.paused_at
    assert "stopped" in states(one) + states(two)


def test_a_run_that_is_asked_again_runs_it_no_second_time(billing: Queue, technical: Queue) -> None:
    """The other action fails and is tried again: the macro was done."""
    macro = make_macro("Note", [{"do": "note", "text": "Look"}])
    make_rule(then=[*running(macro), {"do": "transfer", "queue": technical.pk}])
    type(technical).objects.filter(pk=technical.pk).update(is_active=False)
    case = make_case(billing)
    hear(case)
    keep()
    RuleRun.objects.update(due_at=timezone.now())
    keep()
    assert RuleRun.objects.get().attempts == 2
    assert Message.objects.filter(direction="note").count() == 1
    assert Event.objects.filter(kind="macro_used").count() == 1


def test_a_dry_run_says_what_it_would_do(billing: Queue, ana: User) -> None:
    case = make_case(billing, status="open")
    hear(case)
    numbered()
    rule = make_rule(then=running(make_macro("Late", [URGENT, TAG])), switched=False)
    assert rule.current is not None
    would = trying.glance(rule.current, now=timezone.now(), most=10)
    assert would.counts == {"priority_changed": 1, "tagged": 1, "macro_used": 1}
    assert Case.objects.get().priority == "normal"


def test_a_macro_says_which_rules_run_it_and_asks_before_it_is_switched_off(
    client: Client, billing: Queue, sue: User
) -> None:
    macro = make_macro("Late", [TAG], queues=[billing])
    make_rule(then=running(macro), queues=[billing])
    client.force_login(sue)
    assert "1 rule that runs it" in client.get(change(macro)).content.decode()


def test_a_supervisor_names_macros_they_see(billing: Queue, technical: Queue, sue: User) -> None:
    theirs, ours = make_macro("Theirs", [TAG], queues=[technical]), make_macro("Ours", [TAG], queues=[billing])
    call = Caller(sue, "settings", "read")
    body = {"name": "By macro", "queues": [billing.pk], "when": {"events": ["opened"]}}
    assert call.post("rules/", body | {"then": running(theirs)}).status_code in {400, 403}
    made = call.post("rules/", body | {"then": running(ours)})
    assert made.status_code == 201, made.content
    assert made.json()["sentence"]["then"] == ["Run a macro: “Ours”"]
