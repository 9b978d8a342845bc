"""The desk's panels beside a case: what they show, and that each asks at most six questions, however much there is."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import Article, Case, Promise, Queue
from crm.events import record
from crm.models import User
from customers.hooks import timeline
from customers.models import Consent, Customer, Order, Product, Subscription
from tests.builders import make_case, make_message

pytestmark = pytest.mark.django_db
PANELS = ("answers", "since", "others")


@pytest.fixture
def desk(client: Client, ana: User, billing: Queue) -> Client:
    client.force_login(ana)
    return client


@pytest.fixture
def case(billing: Queue) -> Case:
    return make_case(billing)


def lived(case: Case, size: int, by: User) -> None:
    """`size` of everything a customer's line of time shows."""
    customer: Customer = case.customer  # type: ignore[assignment]
    product = Product.objects.create(name="Fibre")
    for n in range(size):
        at = timezone.now() - timedelta(hours=n + 1)
        other = make_case(case.queue, f"other {n}", customer=customer, opened_at=at)
        Promise.objects.create(case=other, what=f"call back {n}", due_at=at, made_at=at)
        make_message(other, f"said {n}", at=at)
        make_message(other, f"noted {n}", direction="note", author=by, at=at)
        Order.objects.create(customer=customer, number=f"A-{n}", total=n, placed_at=at)
        Consent.objects.create(customer=customer, purpose="service", channel="mail", granted=True, at=at)
        day = date(2025, 1, 1) + timedelta(days=n)
        Subscription.objects.create(customer=customer, product=product, plan=f"Plan {n}", started_on=day)
        record(customer, "merged", by=by, at=at)
        Article.objects.create(audience="public").publish(title=f"Your router {n}", body="Where it is.")


def asked(desk: Client, path: str) -> list[str]:
    """What the product itself asks: the example plugin's own questions are not ours."""
    with CaptureQueriesContext(connection) as captured:
        assert desk.get(path).status_code == 200
    queries = [query["sql"] for query in captured]
    return [sql for sql in queries if "SAVEPOINT" not in sql and "loyalty" not in sql and "plugin" not in sql]


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_at_most_six_questions_with_fifty_rows_as_with_one(
    desk: Client, case: Case, ana: User, panel: str
) -> None:
    make_message(case, "Where is my router?")
    lived(case, 1, ana)
    few = asked(desk, f"/cases/{case.number}/{panel}/")
    lived(case, 50, ana)
    many = asked(desk, f"/cases/{case.number}/{panel}/")
    assert len(many) == len(few)
    assert len(many) <= 6


def test_articles_are_suggested_by_the_customers_last_words(desk: Client, case: Case, ana: User) -> None:
    make_message(case, "Something else entirely.", at=timezone.now() - timedelta(days=9))
    make_message(case, "Where is my router?", at=timezone.now() - timedelta(days=2))
    make_message(case, "Out of office", is_auto=True)
    lived(case, 1, ana)
    assert "Your router 0" in desk.get(f"/cases/{case.number}/answers/").content.decode()


def test_since_we_last_spoke_tells_what_happened_and_not_what_was_said(desk: Client, case: Case, ana: User) -> None:
    make_message(case, "We see to it.", direction="outbound", author=ana, at=timezone.now() - timedelta(days=1))
    lived(case, 1, ana)
    html = desk.get(f"/cases/{case.number}/since/").content.decode()
    for word in (
        "We last spoke",
        "other 0",
        "call back 0",
        "Order A-0",
        "Began: Plan 0",
        "Service messages: yes",
        "merged",
    ):
        assert word in html, word
    for word in ("said 0", "noted 0", "We see to it.", case.subject):
        assert word not in html, word


def test_many_words_do_not_crowd_out_what_happened(desk: Client, case: Case) -> None:
    Order.objects.create(customer=case.customer, number="A-1", placed_at=timezone.now() - timedelta(days=2))
    other = make_case(case.queue, customer=case.customer)
    for n in range(40):
        make_message(other, f"said {n}")
    assert "Order A-1" in desk.get(f"/cases/{case.number}/since/").content.decode()


def test_what_happened_where_one_may_not_look_is_not_told(
    desk: Client, case: Case, technical: Queue, ana: User
) -> None:
    hidden = make_case(technical, "Hidden subject", customer=case.customer)
    Promise.objects.create(case=hidden, what="hidden promise", due_at=timezone.now())
    make_message(hidden, "hidden words")
    for panel in PANELS:
        assert "idden" not in desk.get(f"/cases/{case.number}/{panel}/").content.decode()
    entries = [e for part in timeline.collect(case.customer, ana, timezone.now(), 30, "") for e in part]
    assert entries
    assert not [e for e in entries if "idden" in e.title + e.text]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("case", {"case"}),
        ("promise", {"promise"}),
        ("message", {"message"}),
        ("note", {"note"}),
        ("order", {"order"}),
        ("subscription", {"subscription"}),
        ("consent", {"consent"}),
        ("merge", {"merge"}),
        ("nonsense", set()),
    ],
)
def test_a_kind_of_entry_is_told_alone_and_newest_first(
    case: Case, ana: User, kind: str, wanted: set[str], django_assert_max_num_queries: Any
) -> None:
    lived(case, 3, ana)
    with django_assert_max_num_queries(3):
        parts = timeline.collect(case.customer, ana, timezone.now(), 2, kind)
    entries = [e for part in parts for e in part]
    assert {e.kind for e in entries} == wanted
    assert len(entries) == 2 * len(wanted)
    assert entries == sorted(entries, key=lambda e: e.at, reverse=True)


def test_a_stranger_sees_no_panel(client: Client, ben: User, case: Case) -> None:
    client.force_login(ben)
    for panel in PANELS:
        assert client.get(f"/cases/{case.number}/{panel}/").status_code == 404


def test_a_case_of_nobody_known_has_nothing_to_tell(desk: Client, billing: Queue) -> None:
    nobody = make_case(billing, customer=None)
    assert "Nothing else has happened" in desk.get(f"/cases/{nobody.number}/since/").content.decode()
