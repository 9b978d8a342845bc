"""What uses a row is told before it is changed; what would hurt a running day asks once more, with its numbers; every change
is in the history, by whatever way it was made."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases.models import BusinessCalendar, Mailbox, Queue, Rule, Skill, SLAPolicy
from crm import tokens
from crm.models import User
from tests.builders import make_case
from tests.cases.clockwork import OFFICE
from tests.cases.ruled import make_rule
from tests.cases.test_admin_supervisor import change, queue_form

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(sue: User, billing: Queue) -> Client:
    """Sue at the admin."""
    client = Client()
    client.force_login(sue)
    return client


def retiring(queue: Queue) -> dict[str, Any]:
    form = queue_form(queue)
    del form["is_active"]
    return form


def test_a_queue_says_who_uses_it(desk: Client, billing: Queue, technical: Queue) -> None:
    make_case(billing, next_due_at=timezone.now() - timedelta(hours=1))
    make_case(billing)
    Mailbox.objects.create(queue=billing, name="Help", address="help@a.example", host="x", user="help")
    make_rule("Over there", queues=[technical], then=[{"do": "transfer", "queue": billing.pk}])
    page = desk.get(change(billing)).content.decode()
    for told in (
        "Who uses this",
        "2 open cases",
        "1 of them overdue now",
        "1 × mailbox",
        "1 rule that names it",
        "3 × member",
    ):
        assert told in page, told


def test_retiring_a_queue_that_is_at_work_asks_once_more(desk: Client, billing: Queue) -> None:
    make_case(billing)
    page = desk.post(change(billing), retiring(billing))
    assert page.status_code == 200
    assert "1 open case" in page.content.decode()
    billing.refresh_from_db()
    assert (billing.is_active, billing.version) == (True, 0)
    assert desk.post(change(billing), {**retiring(billing), "_sure": "yes"}).status_code == 302
    billing.refresh_from_db()
    assert not billing.is_active


def test_retiring_what_nobody_needs_asks_nothing(desk: Client, billing: Queue) -> None:
    assert desk.post(change(billing), retiring(billing)).status_code == 302
    billing.refresh_from_db()
    assert not billing.is_active


def test_who_leaves_a_queue_with_cases_in_hand_is_named(desk: Client, billing: Queue, lee: User, ana: User) -> None:
    make_case(billing, assignee=lee)
    rows = [{"id": billing.memberships.get(user=u).pk, "user": u.pk, "role": "rep", "DELETE": "on"} for u in (lee, ana)]
    page = desk.post(change(billing), queue_form(billing, *rows, initial=2)).content.decode()
    assert "Lee Hart has 1 open case here" in page
    assert "Nobody would work here any more: 1 open case would be left." in page
    assert billing.memberships.filter(user=lee).exists()


def test_calendars_policies_people_and_skills_say_it_too(desk: Client, billing: Queue, lee: User) -> None:
    calendar = BusinessCalendar.objects.create(name="Office")
    calendar.publish(tz="UTC", hours=OFFICE)
    Queue.objects.filter(pk=billing.pk).update(calendar=calendar)
    policy = SLAPolicy.objects.create(name="Quick")
    policy.queues.add(billing)
    policy.publish(targets=[{"kind": "resolution", "minutes": 60}], calendar=calendar)
    case = make_case(billing, assignee=lee)
    case.set_priority("high", by=lee)
    skill = Skill.objects.create(name="Spanish")
    skill.queues.add(billing)
    make_rule("Tell Lee", queues=[billing], then=[{"do": "notify", "people": [lee.pk]}])
    told = {
        change(calendar): ["1 × queue", "1 × SLA policy"],
        change(skill): ["1 × queue whose cases need it"],
        f"/admin/cases/colleague/{lee.pk}/change/": ["1 × open case in hand", "1 rule that names it"],
    }
    for address, sentences in told.items():
        page = desk.get(address).content.decode()
        for sentence in sentences:
            assert sentence in page, (address, sentence)


def test_the_history_has_every_change_by_whatever_way(desk: Client, billing: Queue, sue: User) -> None:
    caller = Client(headers={"authorization": f"Bearer {tokens.issue(sue)[0]}"})
    patched = caller.patch(f"/api/queues/{billing.pk}/", {"description": "Money"}, content_type="application/json")
    assert patched.status_code == 200
    page = desk.get(f"/admin/cases/queue/{billing.pk}/history/").content.decode()
    assert "queue changed" in page
    assert "Sue Park" in page
    assert "what belongs here: – → Money" in page
    rule = make_rule(queues=[billing])
    rule.publish(when={"events": ["opened"]}, condition={"all": []}, then=[{"do": "release"}], by=sue)
    page = desk.get(f"/admin/cases/rule/{rule.pk}/history/").content.decode()
    assert "Version 2: " in page
    assert "&#x27;do&#x27;: &#x27;release&#x27;" in page
    assert Rule.objects.get().versions.count() == 2
