"""Many cases at once, from the list and over the API."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import bulk
from cases.bulk_actions import ACTIONS
from cases.models import Bulk, Queue
from crm.models import User
from tests.api import Caller
from tests.cases.many import begin, finish, fresh, some

pytestmark = pytest.mark.django_db
AT = timezone.now()


# --- on the page


@pytest.fixture
def desk(client: Client, ana: User) -> Client:
    client.force_login(ana)
    return client


def test_what_is_chosen_in_a_list_is_done_watched_and_undone_on_the_page(
    desk: Client, billing: Queue, ana: User, lee: User
) -> None:
    cases = some(billing, 3)
    base = f"/queues/{billing.pk}/bulk/"
    for action in ACTIONS:
        assert desk.get(base, {"do": action}).status_code == 200
    numbers = ",".join(f"{case.number}:{case.version}" for case in cases[:2]) + ",99999999:0,junk"
    answer = desk.post(base, {"do": "assign", "to": lee.pk, "numbers": numbers}, headers={"HX-Request": "true"})
    task = Bulk.objects.get()
    assert (task.total, task.missing, task.queue) == (2, 1, billing)
    assert "every 1s" in answer.content.decode()
    finish(task)
    line = desk.get(f"/bulk/{task.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "2 done" in line
    assert "every 1s" not in line
    page = desk.get(f"/bulk/{task.pk}/").content.decode()
    assert f"#{cases[0].number}" in page
    assert "Assign" in desk.get("/bulk/").content.decode()
    desk.post(f"/bulk/{task.pk}/undo/")
    finish(task)
    assert [case.assignee for case in fresh(cases)] == [None] * 3
    desk.delete(f"/bulk/{task.pk}/")


def test_everything_in_a_view_is_what_its_list_holds_when_one_presses(desk: Client, billing: Queue, ana: User) -> None:
    hot = some(billing, 60, priority="high")
    cold = some(billing, 1)
    asleep = some(billing, 1, priority="high", snoozed_until=AT + timedelta(days=1))
    sent = {"do": "tag", "tags": "x", "everything": "1", "view": "q", "q": "priority:high"}
    desk.post(f"/queues/{billing.pk}/bulk/", sent)
    finish(Bulk.objects.get())
    assert [case.tags for case in fresh(hot)] == [["x"]] * 60
    assert [case.tags for case in fresh([*cold, *asleep])] == [[], []]


def test_nobody_else_sees_or_stops_it(client: Client, billing: Queue, ana: User, lee: User) -> None:
    task = begin(ana, "take", some(billing, 2))
    client.force_login(lee)
    for path in (f"/bulk/{task.pk}/", f"/bulk/{task.pk}/undo/"):
        assert client.post(path).status_code == 404
    assert client.get(f"/bulk/{task.pk}/").status_code == 404
    assert Caller(lee).get(f"bulk/{task.pk}/").status_code == 404
    assert Caller(lee).post(f"bulk/{task.pk}/undo/").status_code == 404
    assert Bulk.objects.get().state == Bulk.State.RUNNING


def test_who_may_not_do_one_may_not_begin_many(client: Client, billing: Queue, eve: User) -> None:
    case = some(billing, 1)[0]
    billing.join(eve, mode="watch")
    client.force_login(eve)
    sent = {"do": "take", "numbers": f"{case.number}:0"}
    assert client.post(f"/queues/{billing.pk}/bulk/", sent).status_code == 403
    assert not Bulk.objects.exists()


# --- over the API


def test_the_api_changes_watches_and_undoes(billing: Queue, ana: User, lee: User) -> None:
    cases = some(billing, 3)
    call = Caller(ana)
    made = call.post("bulk/", {"action": "assign", "to": lee.pk, "cases": [{"number": case.number} for case in cases]})
    assert made.status_code == 202
    path = f"bulk/{made.json()['id']}/"
    finish(Bulk.objects.get())
    shown = call.get(path).json()
    assert (shown["state"], shown["counts"]["done"]) == ("done", 3)
    rows = call.get(f"{path}rows/?state=done").json()["results"]
    assert {row["case"] for row in rows} == {case.number for case in cases}
    assert call.post(f"{path}undo/").status_code == 202
    finish(Bulk.objects.get())
    assert call.get(path).json()["counts"]["undone"] == 3
    assert len(call.get("bulk/").json()["results"]) == 1
    by_filter = call.post("bulk/", {"action": "priority", "priority": "low", "queue": billing.pk, "q": "assignee:none"})
    assert by_filter.json()["total"] == 3
    assert call.delete(f"bulk/{by_filter.json()['id']}/").json()["state"] == "cancelled"
    for body in (
        {"action": "take"},
        {"action": "take", "queue": billing.pk, "q": "is:nonsense"},
        {"action": "fly", "cases": []},
    ):
        assert call.post("bulk/", body).status_code == 400, body
    assert call.post("bulk/", {"action": "take", "cases": [{"number": 99999999}]}).status_code == 409


def test_the_cost_of_a_row_does_not_grow(
    billing: Queue, ana: User, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    begin(ana, "priority", some(billing, 40), priority="high")
    with django_assert_max_num_queries(bulk.BATCH * 16 + 40):
        bulk.sweep(timezone.now())
