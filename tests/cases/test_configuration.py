"""Configuration out of the house and in again: tried first, an answer for each row, nothing beyond one's rights."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.utils import timezone

from cases.models import (
    Article,
    BusinessCalendar,
    Cause,
    Disposition,
    Macro,
    Playbook,
    PresenceReason,
    Queue,
    Rule,
    SavedReply,
    Skill,
    SLAPolicy,
)
from crm import configuring
from crm.models import User
from customers.models import Segment
from outreach.models import PublicOffer
from tests.builders import make_macro, make_queue
from tests.cases.clockwork import OFFICE
from tests.cases.remedied import make_policy
from tests.cases.ruled import make_rule
from tests.outreach.conftest import make_offer

pytestmark = pytest.mark.django_db
PAGE = "/admin/configuration/"


@pytest.fixture
def desk(sue: User, billing: Queue) -> Client:
    """Sue at the admin."""
    client = Client()
    client.force_login(sue)
    return client


@pytest.fixture
def house(billing: Queue, lee: User) -> dict[str, Any]:
    """A calendar, a policy that acts, a skill and a rule, all of Billing."""
    calendar = BusinessCalendar.objects.create(name="Office")
    calendar.publish(tz="UTC", hours=OFFICE)
    policy = SLAPolicy.objects.create(name="Quick")
    policy.queues.add(billing)
    actions = {"breach": {"queue": billing.pk, "people": [lee.pk]}}
    policy.publish(targets=[{"kind": "resolution", "minutes": 60}], calendar=calendar, actions=actions)
    skill = Skill.objects.create(name="Spanish", languages=["es"])
    skill.queues.add(billing)
    rule = make_rule("Refunds", queues=[billing], then=[{"do": "assign", "person": lee.pk}, {"do": "escalate"}])
    return {"calendar": calendar, "policy": policy, "skill": skill, "rule": rule}


def everything(ana: User) -> None:
    """One of each kind that can be taken along, each with what it may hold."""
    billing = make_queue("Billing", description="Invoices", reps=[ana])
    calendar = BusinessCalendar.objects.create(name="Office")
    calendar.publish(tz="UTC", hours=OFFICE)
    billing.calendar, billing.approval_minutes, billing.asks_survey = calendar, 45, False
    billing.save()
    PresenceReason.objects.create(name="At the dentist’s", state="away", position=3)
    skill = Skill.objects.create(name="Spanish", languages=["es"])
    quick = SLAPolicy.objects.create(name="Quick")
    quick.publish(
        targets=[{"kind": "resolution", "minutes": 60}], calendar=calendar, actions={"breach": {"people": [ana.pk]}}
    )
    article = Article.objects.create(audience="public", review_on=date(2030, 1, 1))
    article.publish(title="Refunds", body="Five days.\n\nNo more.", language="de")
    reply = SavedReply.objects.create(shortcut="re", folder="Money")
    reply.publish(title="We are sorry", texts={"en": "Dear {customer.first_name}", "es": "Hola"})
    macro = make_macro("Give it to Ana", [{"do": "assign", "to": ana.pk}, {"do": "transfer", "queue": billing.pk}])
    playbook = Playbook.objects.create(name="Recover")
    playbook.publish([{"label": "Pull up account"}, {"label": "Verify identity", "hint": "Name and order"}], by=ana)
    make_policy("Late", None, billing)
    rule = make_rule("Refunds", queues=[], then=[{"do": "assign", "person": ana.pk}], switched=False)
    gold = Segment.objects.create(key="gold", name="Gold", description="Pay most")
    gold.publish({"all": [{"fact": "tier", "op": "is", "value": "gold"}]})
    twin = make_offer(eligibility={"segment": "gold"}, by=ana)
    PublicOffer.objects.create(
        name="Fibre for all", where="Shop", twin=twin, price=90, valid_from=timezone.now() + timedelta(days=60)
    )
    disposition, _cause = (
        Disposition.objects.create(name="Refunded", position=2),
        Cause.objects.create(name="Price page", owner=ana),
    )
    Disposition.objects.create(name="Refund given").merge(disposition)
    for row in (skill, quick, article, reply, macro, playbook, rule, disposition):
        row.queues.add(billing)


def test_everything_goes_out_and_comes_into_an_empty_house_as_it_was(root: User, ana: User) -> None:
    with transaction.atomic():
        everything(ana)
        taken = json.dumps(configuring.export(list(configuring.KINDS), root))
        transaction.set_rollback(True)
    before = json.loads(taken)
    assert {row["type"] for row in before} == set(configuring.KINDS), "one of each kind is tried"
    assert [row["name"] for row in before if row["type"] == "dispositions"] == ["Refunded"], "what became another stays"
    assert configuring.export([kind for kind in configuring.KINDS if kind != "presence-reasons"], root) == []
    report = configuring.take(taken, root, dry=False)
    refused = [(line.kind, line.told) for line in report.lines if line.became not in {"created", "same"}]
    assert refused == []
    assert configuring.export(list(configuring.KINDS), root) == before
    assert {line.became for line in configuring.take(taken, root, dry=False).lines} == {"same"}, (
        "a second time nothing is"
    )


def test_a_saved_reply_comes_in_once_and_what_is_only_mine_stays_mine(root: User) -> None:
    SavedReply.objects.create().publish(title="We are sorry", texts={"en": "Sorry"})
    SavedReply.objects.create(owner=root).publish(title="My own", texts={"en": "Hi"})
    rows = configuring.export(["saved-replies"], root)
    assert [row["title"] for row in rows] == ["We are sorry"]
    assert lines(configuring.take(json.dumps(rows), root, dry=False)) == [("saved-replies", "We are sorry", "same")]
    changed = json.dumps([{**rows[0], "texts": {"en": "Truly sorry"}}])
    assert lines(configuring.take(changed, root, dry=False)) == [("saved-replies", "We are sorry", "changed")]
    assert SavedReply.objects.count() == 2


def test_an_offer_that_differs_is_a_new_version(root: User) -> None:
    offer = make_offer()
    rows = configuring.export(["offers"], root)
    changed = json.dumps([{**rows[0], "benefit": "Even faster"}])
    assert lines(configuring.take(changed, root, dry=False)) == [("offers", offer.key, "changed")]
    offer.refresh_from_db()
    assert offer.current is not None
    assert (offer.current.number, offer.current.benefit) == (2, "Even faster")


KINDS = ["calendars", "skills", "sla-policies", "rules"]


def lines(report: configuring.Report) -> list[tuple[str, str, str]]:
    return [(line.kind, line.name, line.became) for line in report.lines]


def test_a_policy_goes_out_and_comes_in_elsewhere(house: dict[str, Any], billing: Queue, sue: User) -> None:
    policy = make_policy("Late", None, billing)
    rows = configuring.export(["service-policies"], sue)
    assert [(row["name"], row["queues"], row["table"]["currency"]) for row in rows] == [("Late", ["Billing"], "EUR")]
    assert lines(configuring.take(json.dumps(rows), sue, dry=False)) == [("service-policies", "Late", "same")]
    changed = json.dumps([{**rows[0], "table": {**rows[0]["table"], "currency": "GBP"}}])
    assert lines(configuring.take(changed, sue, dry=False)) == [("service-policies", "Late", "changed")]
    assert policy.versions.count() == 2
    other = json.dumps([{**rows[0], "name": "Later"}])
    assert lines(configuring.take(other, sue, dry=False)) == [("service-policies", "Later", "created")]


def test_what_is_exported_reads_without_this_house_and_comes_in_as_it_is(house: dict[str, Any], sue: User) -> None:
    rows = configuring.export(KINDS, sue)
    told = {(row["type"], row["name"]): row for row in rows}
    assert told["rules", "Refunds"]["queues"] == ["Billing"]
    assert told["rules", "Refunds"]["then"][0] == {"do": "assign", "person": "lee"}
    assert told["sla-policies", "Quick"]["calendar"] == "Office"
    assert told["sla-policies", "Quick"]["actions"]["breach"] == {"queue": "Billing", "people": ["lee"]}
    report = configuring.take(json.dumps(rows), sue, dry=False)
    assert {became for _kind, _name, became in lines(report)} == {"same"}
    assert SLAPolicy.objects.get().versions.count() == 1


def test_what_is_gone_comes_back_and_what_differs_is_changed(house: dict[str, Any], sue: User, billing: Queue) -> None:
    rows = configuring.export(KINDS, sue)
    Skill.objects.all().delete()
    rule: Rule = house["rule"]
    rule.publish(when={"events": ["opened"]}, condition={"all": []}, then=[{"do": "release"}])
    report = configuring.take(json.dumps(rows), sue, dry=False)
    assert [line.became for line in report.lines] == ["same", "created", "same", "changed"]
    assert report.lines[-1].told == "then, when"
    rule.refresh_from_db()
    assert rule.current is not None
    assert (rule.current.number, rule.current.then[1], rule.is_active) == (3, {"do": "escalate"}, True)
    assert list(Skill.objects.get().queues.all()) == [billing]


def test_a_dry_run_tells_the_same_and_leaves_nothing_behind(house: dict[str, Any], sue: User) -> None:
    rows = configuring.export(KINDS, sue)
    Skill.objects.all().delete()
    report = configuring.take(json.dumps(rows), sue, dry=True)
    assert report.count("created") == 1
    assert not Skill.objects.exists()


def test_a_new_rule_comes_switched_off(sue: User, billing: Queue) -> None:
    row = {"type": "rules", "name": "New", "queues": ["Billing"], "is_active": True, "when": {"events": ["opened"]},
           "then": [{"do": "escalate"}]}  # fmt: skip
    assert lines(configuring.take(json.dumps([row]), sue, dry=False)) == [("rules", "New", "created")]
    assert not Rule.objects.get().is_active


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"type": "shoes", "name": "x"}, "Its type is none of"),
        ("text", "Its type is none of"),
        ({"type": "skills", "name": "French", "queues": ["Technical"]}, "There is no “Technical” among your queues"),
        ({"type": "calendars", "name": "Night", "tz": "Mars", "hours": {}}, "no such time zone"),
        ({"type": "rules", "name": "All", "when": {"events": ["opened"]}, "then": [{"do": "release"}]}, "set by administrators"),
        ({"type": "rules", "name": "Bad", "queues": ["Billing"], "when": {}, "then": []}, "Say when the rule is asked"),
    ],
)  # fmt: skip
def test_each_row_that_cannot_be_says_why_and_the_others_come(
    sue: User, billing: Queue, technical: Queue, row: Any, told: str
) -> None:
    sound = {"type": "presence-reasons", "name": "Lunch", "state": "away"}
    report = configuring.take(json.dumps([row, sound]), sue, dry=False)
    assert [line.became for line in report.lines] == ["refused", "created"]
    assert told in report.lines[0].told


@pytest.mark.parametrize("text", ["{", '{"type": "rules"}', "null"])
def test_what_is_no_such_file_is_refused_whole(sue: User, text: str) -> None:
    with pytest.raises(configuring.Unreadable):
        configuring.take(text, sue, dry=True)


def test_the_page_takes_out_tries_and_brings_in(desk: Client, house: dict[str, Any]) -> None:
    assert "Bring in" in desk.get(PAGE).content.decode()
    taken = desk.get(f"{PAGE}?kind=rules&kind=skills")
    assert taken["Content-Disposition"].startswith("attachment")
    assert [row["name"] for row in taken.json()] == ["Spanish", "Refunds"]
    Skill.objects.all().delete()
    tried = desk.post(PAGE, {"file": SimpleUploadedFile("x.json", taken.content)})
    assert "nothing is changed yet" in tried.content.decode()
    assert not Skill.objects.exists()
    done = desk.post(PAGE, {"text": tried.context["text"], "do": "yes"})
    assert "Done:" in done.content.decode()
    assert Skill.objects.filter(name="Spanish").exists()
    assert "Choose a file" in desk.post(PAGE, {}).content.decode()


def test_nobody_else_gets_there(ana: User, eve: User) -> None:
    for user in (ana, eve):
        client = Client()
        client.force_login(user)
        assert client.get(f"{PAGE}?kind=rules").status_code == 403


# --- macros


def _macros(billing: Queue, lee: User) -> list[Macro]:
    """Two of one name in two queues, one of which a rule runs."""
    steps = [
        {"do": "add_tags", "tags": ["refund"]},
        {"do": "assign", "to": lee.pk},
        {"do": "transfer", "queue": billing.pk},
    ]
    first = make_macro("Refund", steps, queues=[billing], opens_next="next")
    make_rule("Runs it", queues=[billing], then=[{"do": "macro", "macro": first.pk}])
    return [first, make_macro("Mine", [{"do": "assign", "to": "me"}], queues=[billing])]


def test_macros_go_out_and_come_in_with_who_runs_them(billing: Queue, lee: User, sue: User) -> None:
    first, mine = _macros(billing, lee)
    Macro.objects.filter(pk=first.pk).update(used_count=7)
    rows = configuring.export(["macros", "rules"], sue)
    told = {row.get("title") or row["name"]: row for row in rows}
    assert [step.get("to") or step.get("queue") for step in told["Refund"]["steps"]] == [None, "lee", "Billing"]
    assert told["Mine"]["steps"] == [{"do": "assign", "to": "me"}]
    assert "used_count" not in told["Refund"]
    assert told["Runs it"]["then"] == [{"do": "macro", "macro": "Refund"}]
    assert {line.became for line in configuring.take(json.dumps(rows), sue, dry=False).lines} == {"same"}
    first.publish(title="Refund", steps=[{"do": "priority", "priority": "high"}])
    tried = configuring.take(json.dumps(rows), sue, dry=True)
    assert {(line.name, line.became, line.told) for line in tried.lines if line.became != "same"} == {
        ("Refund", "changed", "opens_next, steps")
    }
    first.refresh_from_db()
    assert first.steps == [{"do": "priority", "priority": "high"}]
    configuring.take(json.dumps(rows), sue, dry=False)
    first.refresh_from_db()
    assert (first.steps[1], first.used_count, Macro.objects.count()) == ({"do": "assign", "to": lee.pk}, 7, 2)
    assert Rule.objects.get().current.then == [{"do": "macro", "macro": first.pk}]  # type: ignore[union-attr]
    assert mine.versions.count() == 1


def test_a_macro_and_the_rule_that_runs_it_come_into_a_house_that_has_neither(
    billing: Queue, lee: User, sue: User
) -> None:
    _macros(billing, lee)
    told = json.dumps(configuring.export(["macros", "rules"], sue))
    for name in ("Refund", "Mine", "Runs it"):
        told = told.replace(f'"{name}"', f'"{name} there"')
    report = configuring.take(told, sue, dry=False)
    assert {became for _kind, _name, became in lines(report)} == {"created"}
    made = Macro.objects.get(current__title="Refund there")
    assert Rule.objects.get(name="Runs it there").current.then == [{"do": "macro", "macro": made.pk}]  # type: ignore[union-attr]
    assert list(made.queues.all()) == [billing]


def test_of_two_macros_of_one_name_the_one_of_the_same_queues_is_meant(
    billing: Queue, technical: Queue, sue: User, root: User
) -> None:
    ours = make_macro("Close", [{"do": "priority", "priority": "low"}], queues=[billing])
    theirs = make_macro("Close", [{"do": "priority", "priority": "high"}], queues=[technical])
    rows = configuring.export(["macros"], root)
    assert {line.became for line in configuring.take(json.dumps(rows), root, dry=False).lines} == {"same"}
    assert (ours.versions.count(), theirs.versions.count()) == (1, 1)


def test_a_macro_that_leads_to_nobody_here_is_refused_with_the_sentence(billing: Queue, sue: User) -> None:
    row = {"type": "macros", "title": "Off", "queues": ["Billing"], "steps": [{"do": "assign", "to": "zoe"}]}
    (line,) = configuring.take(json.dumps([row]), sue, dry=False).lines
    assert (line.became, line.told) == ("refused", "There is no “zoe” among your people.")
    assert not Macro.objects.exists()


def test_segments_come_by_their_key_and_those_that_name_others_after_them(sue: User, billing: Queue) -> None:
    for key, condition in (
        ("gold", {"fact": "tier", "op": "is", "value": "gold"}),
        ("rest", {"not": {"segment": "gold"}}),
    ):
        Segment.objects.create(key=key, name=key.title()).publish(condition)
    rows = configuring.export(["segments"], sue)
    assert lines(configuring.take(json.dumps(rows), sue, dry=False)) == [
        ("segments", "gold", "same"),
        ("segments", "rest", "same"),
    ]
    renamed = json.dumps(rows).replace("gold", "silver").replace('"rest"', '"others"')
    assert configuring.take(renamed, sue, dry=False).count("created") == 2
    assert Segment.objects.get(key="others").current.condition == {"not": {"segment": "silver"}}  # type: ignore[union-attr]
