"""What is asked for each contact is answered by an index, however many customers, threads and refused addresses there are."""

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import sending
from cases.intake import process, store
from cases.models import Case, Channel, Dispatch, Message, Queue, Thread
from customers.models import ContactPoint, Customer, Suppression
from tests.builders import make_customer
from tests.channels import make_channel, message

pytestmark = pytest.mark.django_db
MANY = 4000
BIG = {"customers_customer", "customers_contactpoint", "customers_suppression", "cases_thread", "cases_thread_cases",
       "cases_case", "cases_message"}  # fmt: skip


@pytest.fixture
def crowd(billing: Queue) -> None:
    """Others, each with an address, a closed case, a thread and a word in it; and as many addresses nobody may write to."""
    now, many = timezone.now(), range(MANY)
    people = Customer.objects.bulk_create(Customer(name="Somebody") for _n in many)
    points = [ContactPoint(customer=c, kind="email", value=f"n{c.pk}@example.org") for c in people]
    ContactPoint.objects.bulk_create(points)
    Suppression.objects.bulk_create(Suppression(kind="email", value=f"gone{n}@example.org") for n in many)
    cases = Case.objects.bulk_create(
        Case(queue=billing, customer=c, channel="shop", status="closed", opened_at=now) for c in people
    )
    threads = Thread.objects.bulk_create(Thread(channel="shop", external_id=f"earlier {n}") for n in many)
    Said = Thread.cases.through
    Said.objects.bulk_create(Said(thread=t, case=c) for t, c in zip(threads, cases, strict=True))
    Message.objects.bulk_create(
        Message(case=c, sender=p, direction="inbound", channel="shop", text="x", at=now, case_version=1)
        for c, p in zip(cases, points, strict=True)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@pytest.fixture
def shop(billing: Queue) -> Channel:
    return make_channel(billing)


def read_whole(asked: CaptureQueriesContext) -> set[str]:
    """The big tables that some statement of these reads from end to end."""
    found: set[str] = set()
    with connection.cursor() as cursor:
        for sql in (query["sql"] for query in asked.captured_queries):
            if re.match(r"\s*(SELECT|UPDATE|WITH|INSERT)\b", sql):
                cursor.execute("EXPLAIN " + sql.replace("%", "%%"), [])
                found |= set(re.findall(r"Seq Scan on (\w+)", "\n".join(row for (row,) in cursor.fetchall())))
    return found & BIG


@pytest.mark.usefixtures("crowd")
def test_a_contact_and_its_acknowledgement_read_no_big_table_from_end_to_end(shop: Channel) -> None:
    make_customer("Mia", email="mia@example.org")
    item, _fresh = store(shop.slug, "m1", json.dumps(message()).encode())
    with CaptureQueriesContext(connection) as asked:
        received = process(item.pk)
        assert received
        assert Dispatch.objects.filter(acknowledgement__case=received.case).exists()
        sending.send_due(timezone.now())
    assert len(asked) > 40
    assert read_whole(asked) == set()
