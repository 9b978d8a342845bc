"""What supervisors set about people at work: words for being away, skills, hours, and how much is given to whom."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import desks
from cases.models import BusinessCalendar, Capacity, PersonSkill, Presence, Queue, Skill
from crm.models import Event, User
from tests.builders import make_case, make_user
from tests.cases.test_admin import WEEK, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(billing: Queue, sue: User) -> Client:
    return sign_in(sue)


def form(page: Any) -> dict[str, Any]:
    """What a browser would send of this page, unchanged."""
    sent: dict[str, Any] = {}
    forms = [
        page.context["adminform"].form,
        *(f for s in page.context["inline_admin_formsets"] for f in s.formset.forms),
    ]
    for each in [*forms, *(s.formset.management_form for s in page.context["inline_admin_formsets"])]:
        for bound in each:
            value = bound.value()
            if bound.field.disabled or value is None or value is False or value == []:
                continue
            sent[bound.html_name] = ",".join(value) if bound.name in {"languages", "tags"} else value
    return sent


def test_a_queue_is_told_how_to_give_out_its_cases_and_the_effect_is_said(
    desk: Client, billing: Queue, ana: User
) -> None:
    Presence.objects.of(ana).choose("online", by=ana)
    for _n in range(3):
        make_case(billing, waiting_since=timezone.now())
    address = f"/admin/cases/queue/{billing.pk}/change/"
    sent = form(desk.get(address)) | {"assignment": "least_loaded", "capacity": "3", "return_minutes": "30"}
    answer = desk.post(address, sent, follow=True)
    told = "Billing: 3 cases wait and are given out now; 1 people are online for them."
    assert told in answer.content.decode()
    billing.refresh_from_db()
    assert (billing.assignment, billing.capacity, billing.return_minutes) == ("least_loaded", 3, 30)
    event = Event.objects.get(stream="queue", stream_id=billing.pk, kind="queue_changed")
    assert event.data == {"fields": ["assignment", "capacity", "return_minutes"]}
    answer = desk.post(address, form(desk.get(address)) | {"assignment": "by_hand"}, follow=True)
    assert "People take the cases of Billing themselves" in answer.content.decode()


def test_a_queue_is_told_how_long_approvals_wait_and_whether_customers_are_asked(desk: Client, billing: Queue) -> None:
    address = f"/admin/cases/queue/{billing.pk}/change/"
    sent = form(desk.get(address)) | {"approval_minutes": "30"}
    del sent["asks_survey"]  # as an empty box is sent
    assert desk.post(address, sent).status_code == 302
    billing.refresh_from_db()
    assert (billing.approval_minutes, billing.asks_survey) == (30, False)
    event = Event.objects.get(stream="queue", stream_id=billing.pk, kind="queue_changed")
    assert sorted(event.data["fields"]) == ["approval_minutes", "asks_survey"]


@pytest.mark.parametrize("wrong", [{"capacity": "0"}, {"return_minutes": ""}, {"skill_minutes": "9999"}, {"approval_minutes": "0"}, {"approval_minutes": "1441"}])  # fmt: skip
def test_nothing_that_would_stop_a_queue_is_saved(desk: Client, billing: Queue, wrong: dict[str, str]) -> None:
    address = f"/admin/cases/queue/{billing.pk}/change/"
    assert desk.post(address, form(desk.get(address)) | {"assignment": "round_robin"} | wrong).status_code == 200
    billing.refresh_from_db()
    assert billing.assignment == "by_hand"


def test_a_skill_says_which_cases_need_it_and_who_has_it(
    desk: Client, billing: Queue, technical: Queue, ana: User, ben: User
) -> None:
    skill = Skill.objects.create(name="Spanish")
    skill.queues.add(technical)  # another supervisor's
    PersonSkill.objects.create(user=ben, skill=skill)
    address = f"/admin/cases/skill/{skill.pk}/change/"
    page = desk.get(address)
    assert "Ben Osei" not in page.content.decode()
    sent = form(page) | {
        "languages": "ES, pt-BR", "tags": "Refund", "queues": [billing.pk],
        "people-TOTAL_FORMS": "1", "people-0-user": ana.pk, "people-0-skill": skill.pk,
    }  # fmt: skip
    answer = desk.post(address, sent)
    assert answer.status_code == 302, (answer.context["errors"], sent)
    skill.refresh_from_db()
    assert (skill.languages, skill.tags) == (["es", "pt-br"], ["refund"])
    assert set(skill.queues.all()) == {billing, technical}
    assert {held.user for held in skill.people.all()} == {ana, ben}
    assert "es, pt-br, refund, Billing, Technical" in desk.get("/admin/cases/skill/").content.decode()


def test_a_person_has_hours_skills_and_figures_of_their_own_and_no_rights_are_touched(
    desk: Client, billing: Queue, ana: User
) -> None:
    Queue.objects.update(assignment="least_loaded")
    hours = BusinessCalendar.objects.create(name="Early shift")
    hours.publish(tz="UTC", hours=WEEK)
    skill = Skill.objects.create(name="Spanish")
    address = f"/admin/cases/colleague/{ana.pk}/change/"
    page = desk.get(address)
    prefixes = [s.formset.prefix for s in page.context["inline_admin_formsets"]]
    assert prefixes == ["presence", "capacities", "skills"]
    sent = form(page) | {f"{p}-TOTAL_FORMS": "1" for p in prefixes}
    sent |= {"presence-0-calendar": hours.pk, "presence-0-user": ana.pk}
    sent |= {"capacities-0-channel": "chat", "capacities-0-most": "2", "skills-0-skill": skill.pk}
    crafted = {"username": "boss", "role": "administrator", "is_superuser": "on", "is_staff": "on"}
    answer = desk.post(address, sent | crafted)
    assert answer.status_code == 302, (answer.context["errors"], sent)
    ana.refresh_from_db()
    assert (ana.username, ana.role, ana.is_superuser, ana.is_staff) == ("ana", "staff", False, False)
    assert ana.presence.calendar == hours
    found = desks.of(ana, timezone.now())
    assert found is not None
    assert (dict(found.channel_limits), set(found.skills)) == ({"chat": 2}, {skill.pk})


def test_people_of_other_queues_are_not_to_be_had(desk: Client, technical: Queue, ben: User) -> None:
    assert "Ben Osei" not in desk.get("/admin/cases/colleague/").content.decode()
    address = f"/admin/cases/colleague/{ben.pk}/change/"
    assert desk.get(address).status_code == 302
    desk.post(address, {"capacities-TOTAL_FORMS": "1", "capacities-0-most": "0"})
    assert not Capacity.objects.exists()


def test_the_list_of_people_says_how_they_are_and_what_they_have(
    desk: Client, billing: Queue, ana: User, django_assert_max_num_queries: Any
) -> None:
    Queue.objects.update(assignment="least_loaded", capacity=4)
    Presence.objects.of(ana).choose("busy", by=ana)
    make_case(billing, assignee=ana)
    page = desk.get("/admin/cases/colleague/").content.decode()
    assert "Busy" in page
    assert "1 / 4" in page
    for n in range(20):
        billing.memberships.create(user=make_user(f"Rep No{n}", username=f"rep{n}"), role="rep")
    with django_assert_max_num_queries(14):
        desk.get("/admin/cases/colleague/")


def test_the_house_has_figures_for_everybody(root: User, billing: Queue, ana: User) -> None:
    Queue.objects.update(assignment="least_loaded")
    desk = sign_in(root)
    assert desk.post("/system/cases/capacity/add/", {"channel": "", "most": "8"}).status_code == 302
    found = desks.of(ana, timezone.now())
    assert found is not None
    assert found.limits == {billing.pk: 8}
