"""The queue list: views, counts, order, who may see it, what it costs."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases.models import Case, Mention, Queue, QueueSession, Watch
from crm.models import Event, User
from tests.builders import make_case, make_customer, make_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client, ana: User, billing: Queue) -> Client:
    client.force_login(ana)
    return client


def numbers(html: str) -> list[int]:
    return [int(n) for n in re.findall(r'id="row-(\d+)"', html)]


def shown(desk: Client, queue: Queue, view: str) -> list[int]:
    return numbers(desk.get(f"/queues/{queue.pk}/?view={view}").content.decode())


def counted(html: str) -> dict[str, int]:
    return {name: int(n) for name, n in re.findall(r'data-count="(\w+)">(\d+)<', html)}


def one_of_each(queue: Queue, ana: User, lee: User) -> dict[str, Case]:
    at = timezone.now()
    cases = {
        "mine": make_case(queue, assignee=ana, status="open"),
        "free": make_case(queue, waiting_since=at),
        "lees": make_case(queue, assignee=lee, status="open"),
        "promised": make_case(queue, assignee=lee, status="open", promise_due_at=at + timedelta(hours=1)),
        "asleep": make_case(queue, assignee=ana, status="open", snoozed_until=at + timedelta(hours=1)),
        "done": make_case(queue, assignee=ana, status="resolved", resolved_at=at),
    }
    note = make_message(cases["lees"], "@ana look", direction="note")
    Mention.objects.create(case=cases["lees"], message=note, user=ana)
    Watch.objects.create(case=cases["lees"], user=ana)
    return cases


def test_home_leads_to_the_queue_where_somebody_waits(desk: Client, billing: Queue) -> None:
    make_case(billing)
    assert desk.get("/").headers["Location"] == f"/queues/{billing.pk}/"


def test_somebody_in_no_queue_reads_whom_to_ask(client: Client, ben: User, sue: User) -> None:
    client.force_login(ben)
    page = client.get("/")
    assert page.status_code == 200
    assert "Sue Park" in page.content.decode()


def test_each_view_shows_its_cases(desk: Client, billing: Queue, ana: User, lee: User) -> None:
    made = one_of_each(billing, ana, lee)
    expected = {
        "mine": {"mine"},
        "unassigned": {"free"},
        "all": {"mine", "free", "lees", "promised"},
        "promises": {"promised"},
        "snoozed": {"asleep"},
        "mentions": {"lees"},
        "watching": {"lees"},
    }
    for view, names in expected.items():
        assert set(shown(desk, billing, view)) == {made[n].number for n in names}, view


def test_every_count_is_the_length_of_its_list(desk: Client, billing: Queue, ana: User, lee: User) -> None:
    one_of_each(billing, ana, lee)
    counts = counted(desk.get(f"/queues/{billing.pk}/").content.decode())
    assert len(counts) == 7
    assert counts == {view: len(shown(desk, billing, view)) for view in counts}
    assert desk.get(f"/queues/{billing.pk}/counts/").json()["counts"] == counts


def test_counts_say_which_rows_still_belong(desk: Client, billing: Queue, ana: User, lee: User) -> None:
    made = one_of_each(billing, ana, lee)
    asked = f"{made['lees'].number},{made['mine'].number},x"
    answer = desk.get(f"/queues/{billing.pk}/counts/?view=mentions&numbers={asked}").json()
    assert answer["inside"] == [made["lees"].number]


def test_the_nearest_due_comes_first_then_the_longest_wait(desk: Client, billing: Queue) -> None:
    at = timezone.now()
    late = make_case(billing, waiting_since=at - timedelta(hours=3))
    soon = make_case(billing, waiting_since=at, attention_at=at + timedelta(minutes=5))
    early = make_case(billing, waiting_since=at - timedelta(hours=9))
    assert shown(desk, billing, "all") == [soon.number, early.number, late.number]


def test_a_stranger_gets_404_and_the_signed_out_the_door(client: Client, ben: User, billing: Queue) -> None:
    make_case(billing, "Secret subject")
    assert client.get(f"/queues/{billing.pk}/").headers["Location"].startswith("/sign-in/")
    client.force_login(ben)
    for path in ("", "counts/"):
        page = client.get(f"/queues/{billing.pk}/{path}")
        assert page.status_code == 404
        assert "Secret" not in page.content.decode()


def test_rows_are_the_same_for_every_reader(client: Client, ana: User, lee: User, billing: Queue) -> None:
    make_case(billing, assignee=ana, status="open", waiting_since=timezone.now())
    pages = []
    for user in (ana, lee):
        client.force_login(user)
        html = client.get(f"/queues/{billing.pk}/?view=all").content.decode()
        pages.append(html[html.index('<li class="case') : html.index("</li>")])
    assert pages[0] == pages[1]


def test_a_long_list_comes_in_pieces_without_gap(desk: Client, billing: Queue) -> None:
    made = {make_case(billing, customer=None).number for _ in range(53)}
    first = desk.get(f"/queues/{billing.pk}/?view=all").content.decode()
    second = desk.get(f"/queues/{billing.pk}/?view=all&start=50").content.decode()
    assert "start=50" in first
    assert (len(numbers(first)), len(numbers(second))) == (50, 3)
    assert set(numbers(first)) | set(numbers(second)) == made


@pytest.mark.parametrize("size", [1, 50])
def test_the_page_costs_the_same_however_long(
    desk: Client, ana: User, billing: Queue, size: int, django_assert_num_queries: Any
) -> None:
    for n in range(size):
        make_case(billing, customer=make_customer(f"Person {n}"), assignee=ana if n % 2 else None, status="open")
    with django_assert_num_queries(9):  # one of them for the filters beside the views
        page = desk.get(f"/queues/{billing.pk}/?view=all")
    assert len(numbers(page.content.decode())) == size
    with django_assert_num_queries(5):
        desk.get(f"/queues/{billing.pk}/counts/")


def test_an_executive_sits_down_to_work_takes_the_next_case_and_gets_up(
    client: Client, eve: User, billing: Queue
) -> None:
    case = make_case(billing, waiting_since=timezone.now())
    client.force_login(eve)
    assert client.get(f"/queues/{billing.pk}/").status_code == 404
    assert "Billing" in client.get("/").content.decode()
    client.post(f"/queues/{billing.pk}/session/", {"mode": "work"})
    assert "You work here" in client.get(f"/queues/{billing.pk}/").content.decode()
    assert client.put(f"/queues/{billing.pk}/session/").status_code == 204
    assert client.post(f"/queues/{billing.pk}/next/").headers["Location"] == f"/cases/{case.number}/"
    case.refresh_from_db()
    assert case.assignee == eve
    client.delete(f"/queues/{billing.pk}/session/")
    assert client.get(f"/queues/{billing.pk}/").status_code == 404
    assert QueueSession.objects.get().cases_met == [case.number]


def test_who_only_watches_takes_nothing(client: Client, eve: User, billing: Queue) -> None:
    case = make_case(billing, waiting_since=timezone.now())
    billing.join(eve, mode="watch")
    before = Event.objects.count()
    client.force_login(eve)
    assert client.post(f"/queues/{billing.pk}/next/").status_code == 403
    assert client.post(f"/cases/{case.number}/claim/").status_code == 403
    assert client.post(f"/cases/{case.number}/messages/", {"text": "x", "against": 0}).status_code == 403
    case.refresh_from_db()
    assert case.assignee is None
    assert Event.objects.count() == before


def test_a_rep_cannot_sit_down_in_a_queue_of_others(client: Client, ben: User, billing: Queue) -> None:
    client.force_login(ben)
    assert client.post(f"/queues/{billing.pk}/session/", {"mode": "work"}).status_code == 404
    assert not QueueSession.objects.exists()


def test_taking_the_next_of_nothing_says_so(desk: Client, billing: Queue) -> None:
    answer = desk.post(f"/queues/{billing.pk}/next/", headers={"HX-Request": "true"})
    assert "Nobody is waiting" in answer.headers["HX-Trigger"]
