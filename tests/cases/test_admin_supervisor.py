"""A supervisor's work in the admin: theirs only, saved through verbs, versions made, faults in words, history told."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from cases.models import Article, BusinessCalendar, Queue, QueueMembership, SLAPolicy
from crm.models import Event, User
from tests.builders import make_queue, make_user

PREFIX = "memberships"
HOURS = {"mon": "09:00-12:30, 13:00-18:00", "tue": "09:00-17:00"}


@pytest.fixture
def desk(sue: User, billing: Queue) -> Client:
    """Sue at the admin."""
    client = Client()
    client.force_login(sue)
    return client


def change(row: Any) -> str:
    return reverse(f"admin:cases_{row._meta.model_name}_change", args=[row.pk])


def queue_form(queue: Queue, *rows: dict[str, Any], initial: int = 0, **fields: Any) -> dict[str, Any]:
    given_out = {
        "assignment": queue.assignment,
        "return_minutes": queue.return_minutes,
        "skill_minutes": queue.skill_minutes,
        "asks_disposition": queue.asks_disposition,
        "asks_cause": queue.asks_cause,
        "approval_minutes": queue.approval_minutes,
    }
    shown = {
        "name": queue.name,
        "description": queue.description,
        "is_active": "on",
        "acknowledges": "on",
        "asks_survey": "on",
    }
    form = {**shown, **given_out, **fields}
    form |= {f"{PREFIX}-TOTAL_FORMS": len(rows), f"{PREFIX}-INITIAL_FORMS": initial}
    for number, row in enumerate(rows):
        form |= {f"{PREFIX}-{number}-{name}": value for name, value in {"queue": queue.pk, **row}.items()}
    return form


def standing(queue: Queue) -> set[tuple[str, str]]:
    return set(queue.memberships.values_list("user__username", "role"))


def policy_form(*queues: Queue, **fields: Any) -> dict[str, Any]:
    named = {"name": "Quick", "is_active": "on", "position": 0, "queues": [q.pk for q in queues]}
    return {**named, "first_response": "60", "resolution": "480.5", "pause_statuses": ["waiting_customer"], **fields}


# --- only theirs


def test_lists_and_pages_hold_only_what_is_theirs(desk: Client, billing: Queue, technical: Queue) -> None:
    policies, articles = {}, {}
    for queue in (billing, technical, None):
        policy = policies[queue] = SLAPolicy.objects.create(name=f"Policy of {queue}")
        article = articles[queue] = Article.objects.create()
        article.publish(title=f"Article of {queue}", body="Text")
        for row in (policy, article):
            row.queues.set([queue] if queue else [])
    for mine, *others in ((billing, technical), policies.values(), articles.values()):
        page = desk.get(reverse(f"admin:cases_{mine._meta.model_name}_changelist")).content.decode()
        assert str(mine) in page
        assert desk.get(change(mine)).status_code == 200
        for other in others:
            assert str(other) not in page
            answer = desk.get(change(other))
            assert answer.status_code == 302  # Django's way of saying that there is no such row
            assert answer["Location"] == "/admin/"


def test_another_queue_is_named_nowhere(desk: Client, billing: Queue, technical: Queue) -> None:
    calendar = BusinessCalendar.objects.create(name="Office")
    Queue.objects.update(calendar=calendar)
    addresses = [reverse("admin:cases_businesscalendar_changelist"), change(calendar), change(billing)]
    addresses += [reverse(f"admin:cases_{model}_add") for model in ("slapolicy", "article", "queue")]
    for address in [*addresses, "/admin/", "/admin/cases/"]:
        assert "Technical" not in desk.get(address).content.decode(), address
    assert "Billing, 1 queue of others" in desk.get(addresses[0]).content.decode()


@pytest.mark.parametrize("query", ["memberships__user__username=ben", "version__gt=0", "calendar__name=x"])
def test_a_crafted_filter_asks_nothing(desk: Client, query: str) -> None:
    assert desk.get(f"/admin/cases/queue/?{query}").status_code == 400


def test_a_queue_that_is_not_theirs_takes_no_post(desk: Client, technical: Queue, ana: User) -> None:
    form = queue_form(technical, {"user": ana.pk, "role": "rep"}, name="Mine now")
    assert desk.post(change(technical), form).status_code == 302
    technical.refresh_from_db()
    assert technical.name == "Technical"
    assert standing(technical) == {("ben", "rep")}
    assert not Event.objects.exists()


def test_a_row_nobody_has_changed_says_so_in_our_words(desk: Client, billing: Queue) -> None:
    page = desk.get(f"/admin/cases/queue/{billing.pk}/history/").content.decode()
    assert "Nothing has been changed yet." in page
    assert "admin site" not in page


# --- members


def test_members_come_and_go_through_the_queues_events(
    desk: Client, billing: Queue, ana: User, lee: User, ben: User, sue: User
) -> None:
    first, second = (billing.memberships.get(user=user) for user in (ana, lee))
    rows = [
        {"id": first.pk, "user": ana.pk, "role": "lead"},
        {"id": second.pk, "user": lee.pk, "role": "rep", "DELETE": "on"},
        {"user": ben.pk, "role": "rep"},
    ]
    answer = desk.post(change(billing), queue_form(billing, *rows, initial=2, description="Money"))
    assert answer.status_code == 302
    assert standing(billing) == {("ana", "lead"), ("ben", "rep"), ("sue", "supervisor")}
    events = Event.objects.filter(stream="queue", stream_id=billing.pk).order_by("version")
    assert [event.kind for event in events] == ["queue_changed", "member_set", "member_removed", "member_set"]
    assert {event.actor_id for event in events} == {sue.pk}
    history = desk.get(f"/admin/cases/queue/{billing.pk}/history/").content.decode()
    assert "– → Money" in history
    assert "(fields: description)" in history


@pytest.mark.parametrize("role", ["supervisor", "administrator", "executive", ""])
def test_no_role_above_lead_can_be_given(desk: Client, billing: Queue, ben: User, role: str) -> None:
    before = standing(billing)
    answer = desk.post(change(billing), queue_form(billing, {"user": ben.pk, "role": role}))
    assert answer.status_code == 200
    assert standing(billing) == before
    assert not Event.objects.exists()


@pytest.mark.parametrize("who", ["eve", "root", "sue", "gone"])
def test_only_active_staff_become_members(desk: Client, billing: Queue, eve: User, root: User, who: str) -> None:
    make_user("Gone Away", username="gone", is_active=False)
    before = standing(billing)
    answer = desk.post(change(billing), queue_form(billing, {"user": User.objects.get(username=who).pk, "role": "rep"}))
    assert answer.status_code == 200
    assert standing(billing) == before


@pytest.mark.parametrize("whose", ["technical", "supervisor"])
def test_a_crafted_membership_is_not_touched(
    desk: Client, billing: Queue, technical: Queue, sue: User, whose: str
) -> None:
    other = technical.memberships.get() if whose == "technical" else billing.memberships.get(user=sue)
    row = {"id": other.pk, "user": other.user_id, "role": "lead", "DELETE": "on"}
    desk.post(change(billing), queue_form(billing, row, initial=1))
    role = other.role
    other.refresh_from_db()
    assert other.role == role
    assert not Event.objects.exists()


def test_rights_and_system_fields_in_a_post_do_nothing(desk: Client, billing: Queue, sue: User, ana: User) -> None:
    form = queue_form(billing, version=99, source="x", external_id="y", role="administrator", is_superuser="on")
    assert desk.post(change(billing), form).status_code == 302
    billing.refresh_from_db()
    sue.refresh_from_db()
    assert (billing.version, billing.source, sue.role, sue.is_superuser) == (0, "", "supervisor", False)


def test_a_new_queue_is_theirs(desk: Client, sue: User) -> None:
    form = queue_form(Queue(name="Returns")) | {"name": "Returns"}
    assert desk.post("/admin/cases/queue/add/", form).status_code == 302
    made = Queue.objects.get(name="Returns")
    assert standing(made) == {("sue", "supervisor")}
    assert made.version == 1


def test_admitting_and_dismissing_twice_is_quiet(billing: Queue, ben: User, sue: User) -> None:
    for _again in range(2):
        billing.admit(ben, "rep", by=sue)
    for _again in range(2):
        billing.dismiss(ben, by=sue)
    assert list(Event.objects.order_by("version").values_list("kind", flat=True)) == ["member_set", "member_removed"]


# --- calendars


def test_a_calendar_is_written_a_line_a_day_and_gets_versions(desk: Client, sue: User) -> None:
    form = {"name": "Office", "tz": "Europe/Berlin", "holidays": "2027-12-25\n2027-01-01", **HOURS}
    assert desk.post("/admin/cases/businesscalendar/add/", form).status_code == 302
    calendar = BusinessCalendar.objects.get()
    assert calendar.current is not None
    assert calendar.current.hours == {"mon": [["09:00", "12:30"], ["13:00", "18:00"]], "tue": [["09:00", "17:00"]]}
    assert calendar.current.holidays == ["2027-01-01", "2027-12-25"]
    assert calendar.current.created_by == sue
    desk.post(change(calendar), form)
    assert calendar.versions.count() == 1
    desk.post(change(calendar), form | {"tue": ""})
    assert list(calendar.versions.order_by("number").values_list("number", flat=True)) == [1, 2]
    assert "tue" in calendar.versions.get(number=1).hours
    assert "09:00-12:30, 13:00-18:00" in desk.get(change(calendar)).content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [("mon", "nine to five"), ("tue", "17:00-09:00"), ("tz", "Mars/Base"), ("holidays", "Christmas"), ("wed", "09:00")],
)
def test_a_calendars_fault_is_told_beside_its_field(desk: Client, field: str, value: str) -> None:
    form = {"name": "Office", "tz": "UTC", "holidays": "", **HOURS, field: value}
    answer = desk.post("/admin/cases/businesscalendar/add/", form)
    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) == {field}
    assert not BusinessCalendar.objects.exists()


def test_a_calendar_that_never_opens_is_refused(desk: Client) -> None:
    answer = desk.post("/admin/cases/businesscalendar/add/", {"name": "Never", "tz": "UTC"})
    assert "never open" in answer.content.decode()
    assert not BusinessCalendar.objects.exists()


# --- service levels and articles


def test_a_policy_is_published_and_its_change_told(desk: Client, billing: Queue) -> None:
    assert desk.post("/admin/cases/slapolicy/add/", policy_form(billing)).status_code == 302
    policy = SLAPolicy.objects.get()
    assert policy.current is not None
    assert policy.current.targets == [
        {"kind": "first_response", "minutes": 60},
        {"kind": "resolution", "minutes": 480.5},
    ]
    assert policy.current.pause_statuses == ["waiting_customer"]
    desk.post(change(policy), policy_form(billing, first_response="30"))
    assert policy.versions.count() == 2
    assert (
        "First answer within (minutes): 60 → 30.0"
        in desk.get(change(policy).replace("change", "history")).content.decode()
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [("queues", []), ("first_response", "-1"), ("resolution", "soon"), ("pause_statuses", ["closed"]), ("name", "")],
)
def test_a_policys_fault_is_told_beside_its_field(desk: Client, billing: Queue, field: str, value: Any) -> None:
    answer = desk.post("/admin/cases/slapolicy/add/", policy_form(billing) | {field: value})
    assert set(answer.context["adminform"].form.errors) == {field}
    assert not SLAPolicy.objects.exists()


def test_a_policy_without_any_target_is_refused(desk: Client, billing: Queue) -> None:
    answer = desk.post("/admin/cases/slapolicy/add/", policy_form(billing, first_response="", resolution=""))
    assert "at least one target" in answer.content.decode()
    assert not SLAPolicy.objects.exists()


def test_another_queue_cannot_be_named_by_policy_or_article(desk: Client, billing: Queue, technical: Queue) -> None:
    article = {"title": "Refunds", "body": "Say so.", "language": "en", "audience": "internal"}
    for model, form in (("slapolicy", policy_form()), ("article", article)):
        for named in ([technical.pk], [billing.pk, technical.pk], []):
            answer = desk.post(f"/admin/cases/{model}/add/", {**form, "queues": named})
            assert "queues" in answer.context["adminform"].form.errors
    assert not SLAPolicy.objects.exists()
    assert not Article.objects.exists()


def test_an_article_gets_versions_and_an_owner_from_ones_own_people(
    desk: Client, billing: Queue, ana: User, ben: User
) -> None:
    form = {"title": "Refunds", "body": "Say so.", "language": "en", "audience": "internal", "queues": [billing.pk]}
    refused = desk.post("/admin/cases/article/add/", {**form, "owner": ben.pk})
    assert set(refused.context["adminform"].form.errors) == {"owner"}
    assert desk.post("/admin/cases/article/add/", {**form, "owner": ana.pk, "is_active": "on"}).status_code == 302
    article = Article.objects.get()
    assert article.is_active
    desk.post(change(article), {**form, "body": "Say sorry."})
    article.refresh_from_db()
    assert (article.versions.count(), article.owner, article.is_active) == (2, None, False)


def test_a_list_costs_the_same_however_long(desk: Client, sue: User, django_assert_max_num_queries: Any) -> None:
    for number in range(12):
        queue = make_queue(f"Desk {number}", calendar=BusinessCalendar.objects.create(name=f"Hours {number}"))
        QueueMembership.objects.create(queue=queue, user=sue, role="supervisor")
        policy = SLAPolicy.objects.create(name=f"Policy {number}")
        policy.queues.add(queue)
        policy.publish(targets=[{"kind": "resolution", "minutes": 60}])
    for model in ("queue", "businesscalendar", "slapolicy"):
        with django_assert_max_num_queries(12):
            assert desk.get(f"/admin/cases/{model}/").status_code == 200
