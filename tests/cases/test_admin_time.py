"""Opening hours and service levels in the admin: what is done at warning and breach, and what could not be done."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from cases import clocks, escalation
from cases.models import ClockAction, Queue, SLAPolicy
from crm.models import User
from tests.cases.clockwork import at, make_policy, opened

pytestmark = pytest.mark.django_db
LIST = "/admin/cases/clockaction/"


@pytest.fixture
def desk(sue: User, billing: Queue) -> Client:
    """Sue at the admin."""
    client = Client()
    client.force_login(sue)
    return client


def form(*queues: Queue, **fields: Any) -> dict[str, Any]:
    named = {"name": "Quick", "is_active": "on", "position": 0, "queues": [q.pk for q in queues]}
    return {**named, "first_response": "60", "resolution": "480", **fields}


def test_a_policy_says_what_is_done_and_the_form_shows_it_again(
    desk: Client, billing: Queue, ana: User, lee: User
) -> None:
    fields = {
        "warn_notify": ["owner"],
        "warn_people": [lee.pk],
        "breach_kinds": ["resolution"],
        "breach_priority": "higher",
        "breach_queue": billing.pk,
        "breach_assignee": ana.pk,
    }
    assert desk.post(reverse("admin:cases_slapolicy_add"), form(billing, **fields)).status_code == 302
    policy = SLAPolicy.objects.get()
    assert policy.current is not None
    assert policy.current.actions == {
        "warn": {"notify": ["owner"], "people": [lee.pk]},
        "breach": {"kinds": ["resolution"], "priority": "higher", "queue": billing.pk, "assignee": ana.pk},
    }
    page = desk.get(reverse("admin:cases_slapolicy_change", args=[policy.pk]))
    assert page.context["adminform"].form.initial["breach_queue"] == billing.pk
    stands = {name: value for name, value in page.context["adminform"].form.initial.items() if value}
    shown = {**form(billing), **stands, "queues": [billing.pk]}
    assert desk.post(reverse("admin:cases_slapolicy_change", args=[policy.pk]), shown).status_code == 302
    policy.refresh_from_db()
    assert policy.current.number == 1


def test_queues_and_people_of_others_cannot_be_chosen(
    desk: Client, technical: Queue, billing: Queue, ben: User
) -> None:
    fields = {"breach_queue": technical.pk, "warn_people": [ben.pk], "breach_release": "on"}
    answer = desk.post(reverse("admin:cases_slapolicy_add"), form(billing, **fields))
    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) == {"breach_queue", "warn_people"}
    assert not SLAPolicy.objects.exists()


def test_what_contradicts_itself_is_refused_in_words(desk: Client, billing: Queue, ana: User) -> None:
    fields = {"breach_assignee": ana.pk, "breach_release": "on"}
    answer = desk.post(reverse("admin:cases_slapolicy_add"), form(billing, **fields))
    assert "not both" in answer.content.decode()


def test_what_could_not_be_done_is_listed_to_who_steers_and_tried_again(
    desk: Client, billing: Queue, technical: Queue
) -> None:
    policy = make_policy(first_response=60)
    target = policy.current.targets if policy.current else []
    policy.publish(targets=target, actions={"breach": {"queue": technical.pk}})
    Queue.objects.filter(pk=technical.pk).update(is_active=False)
    mine, theirs = opened(billing), opened(technical)
    clocks.breach_due(at("11:00"))
    ClockAction.objects.filter(clock__case=theirs).update(attempts=1)
    escalation.act_due(at("11:00"))
    page = desk.get(LIST).content.decode()
    assert f"#{mine.number}" in page
    assert f"#{theirs.number}" not in page
    assert "no longer there" in page
    action = ClockAction.objects.get(clock__case=mine)
    desk.post(LIST, {"action": "try_again", "_selected_action": [action.pk]})
    was = action.due_at
    action.refresh_from_db()
    assert action.due_at < was
    other = ClockAction.objects.get(clock__case=theirs)
    desk.post(LIST, {"action": "try_again", "_selected_action": [other.pk]})
    assert ClockAction.objects.get(pk=other.pk).due_at == other.due_at
