"""Statements that are written once: they find and add what Django's own do."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.db.models import CharField, Q, Value
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import Case, Clock, Contact, Queue
from cases.receiving import open_case
from crm import bulk
from crm.database.prepared import Prepared, PreparedRows, kept, keys, planned_once, sent, together
from customers.models import ContactPoint, Customer
from tests.builders import make_customer, make_queue
from tests.processes import wait_until

pytestmark = pytest.mark.django_db
POINT = Prepared(
    lambda kind, value: ContactPoint.objects.filter(kind=kind, value=value, ended_at=None).select_related("customer"),
    str,
    str,
)
BEFORE = Prepared(
    lambda at: Case.objects.filter(opened_at__lt=at).select_related("merged_into").order_by("pk"), datetime
)


def opened(queue: Queue, customer: Customer | None = None, **fields: Any) -> Case:
    about = {"subject": "x", "channel": "web", "at": timezone.now(), "via": "channel"} | fields
    return open_case(queue=queue, customer=customer, **about)


def test_it_finds_what_the_queryset_finds_for_every_value(carl: Customer) -> None:
    mia = make_customer("Mia", email="mia@example.org")
    for person in (carl, mia):
        point = person.contact_points.get(kind="email")
        found = POINT.first("email", point.value)
        assert found is not None
        assert (found, found.customer) == (point, person)
        assert {f.attname: getattr(found, f.attname) for f in ContactPoint._meta.concrete_fields} == {
            f.attname: getattr(point, f.attname) for f in ContactPoint._meta.concrete_fields
        }
    assert POINT("email", "nobody@example.org") == []
    assert POINT.first("phone", "mia@example.org") is None


def test_its_related_rows_are_there_and_its_values_are_read_as_django_reads_them(billing: Queue) -> None:
    case = opened(billing, tags=["b", "a"], custom={"order": {"n": 7}})
    with CaptureQueriesContext(connection) as asked:
        (found,) = BEFORE(timezone.now() + timedelta(days=1))
        assert found.merged_into is None
    assert len(asked) == 1
    assert (found.tags, found.custom, found.number) == (["a", "b"], {"order": {"n": 7}}, case.number)
    other = opened(billing)
    Case.objects.filter(pk=other.pk).update(merged_into=case, status="merged")
    assert [one.merged_into for one in BEFORE(timezone.now() + timedelta(days=1))] == [None, case]
    assert BEFORE(datetime(2001, 1, 1, tzinfo=UTC)) == []


def test_what_is_asked_besides_comes_with_the_row_and_a_time_may_be_reckoned_from_the_one_given(billing: Queue) -> None:
    asked = Prepared(lambda at: Case.objects.annotate(is_old=Q(opened_at__lt=at - timedelta(days=2))), datetime)
    now = timezone.now()
    for days in (1, 3):
        opened(billing, at=now - timedelta(days=days))
    for at, expected in ((now, {False, True}), (now + timedelta(days=5), {True}), (now - timedelta(days=5), {False})):
        assert {found.is_old for found in asked(at)} == expected  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", ["x' OR 1=1 --", "100%", "%s", "\ue000 value 0", "a\\'b", ""])
def test_a_value_is_a_value(carl: Customer, value: str) -> None:
    assert POINT("email", value) == list(ContactPoint.objects.filter(kind="email", value=value, ended_at=None))


def test_the_server_keeps_the_statement_and_no_other(carl: Customer) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    connection.connection._prepared.clear()
    for value in ("a@example.org", "b@example.org", "a@example.org"):
        POINT("email", value)
        Customer.objects.filter(name=value).first()
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement, generic_plans + custom_plans FROM pg_prepared_statements")
        ((statement, used),) = cursor.fetchall()
    assert "customers_contactpoint" in statement
    assert used == 3


def test_what_it_asked_is_told_with_its_values(carl: Customer) -> None:
    with CaptureQueriesContext(connection) as asked:
        POINT("email", "o'hara@example.org")
    assert "'o''hara@example.org'" in asked.captured_queries[0]["sql"]


@pytest.mark.django_db(transaction=True)
def test_it_goes_on_after_a_transaction_that_was_undone(carl: Customer) -> None:
    value = carl.contact_points.get(kind="email").value
    for _round in range(3):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            assert POINT.first("email", value)
            raise ZeroDivisionError
        with pytest.raises(DataError), transaction.atomic(), kept() as cursor:
            cursor.execute("SELECT 1 / %s::int", [0])
        assert POINT.first("email", value)


def test_a_value_that_does_not_reach_the_statement_is_refused() -> None:
    asked = Prepared(lambda _kind: ContactPoint.objects.all(), str)
    with pytest.raises(ValueError, match="prepared"):
        asked("email")


def test_a_case_is_read_afresh_under_its_lock(billing: Queue, carl: Customer) -> None:
    case = opened(billing, carl)
    case.queue.name = "old"
    Case.objects.filter(pk=case.pk).update(subject="newer", priority="high")
    Customer.objects.filter(pk=carl.pk).update(name="Carla")
    case.lock()
    assert (case.subject, case.priority, case.queue.name) == ("newer", "high", "Billing")
    assert case.customer
    assert case.customer.name == "Carla"


@pytest.mark.django_db(transaction=True)
def test_a_lock_outside_of_a_transaction_is_refused(billing: Queue) -> None:
    case = opened(billing)
    with transaction.atomic():
        case.lock()
    with pytest.raises(transaction.TransactionManagementError):
        case.lock()


def test_a_case_that_is_gone_cannot_be_locked(billing: Queue) -> None:
    with pytest.raises(Case.DoesNotExist):
        Case(pk=10**12, queue=billing).lock()


# --- rows


def test_a_row_that_is_added_is_the_row_that_save_would_have_stored(billing: Queue, carl: Customer) -> None:
    at = timezone.now()
    about: dict[str, Any] = {
        "queue": billing, "customer": carl, "subject": "50 % “off”", "tags": ["b"], "custom": {"a": [1, None]}, "opened_at": at,
    }  # fmt: skip
    saved, added = Case(**about), Case(**about)
    saved.save()
    bulk.add(added)
    again = Case.objects.get(pk=added.pk)
    told = {f.attname for f in Case._meta.concrete_fields} - {"id", "number"}
    assert {name: getattr(again, name) for name in told} == {name: getattr(saved, name) for name in told}
    assert (added.number, added.pk, added._state.adding) == (again.number, again.pk, False)
    assert added.number == saved.number + 1
    added.subject = "changed"
    added.save(update_fields=["subject"])
    assert Case.objects.get(pk=added.pk).subject == "changed"


def test_a_constraint_refuses_a_row_that_is_added(billing: Queue, carl: Customer) -> None:
    from django.db import IntegrityError

    case = opened(billing, carl)
    about: dict[str, Any] = {
        "case": case,
        "customer": carl,
        "channel": "web",
        "started_at": case.opened_at,
        "last_at": case.opened_at,
    }
    bulk.add(Contact(**about))
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.add(Contact(**about))
    assert Contact.objects.count() == 1
    assert not Clock.objects.exists()


def test_many_ids_are_one_value_and_none_of_them_is_none(billing: Queue) -> None:
    asked = Prepared(lambda cases: Case.objects.filter(pk__in=keys(cases)).order_by("pk"), list)
    first, second, third = (opened(billing) for _ in range(3))
    with CaptureQueriesContext(connection) as said:
        assert asked([third.pk, first.pk]) == [first, third]
        assert asked([second.pk]) == [second]
        assert asked([]) == []
    assert len({query["sql"].partition("'{")[0] for query in said}) == 1


def _told(customer: int, before: datetime) -> Any:
    """Two kinds of rows in one answer."""
    cases = Case.objects.filter(customer=customer, opened_at__lt=before).order_by("-opened_at")
    points = ContactPoint.objects.filter(customer=customer, created_at__lt=before).order_by("-created_at")
    named = cases.values_list(Value("case", CharField()), "opened_at", "subject")[:2]
    return named.union(points.values_list(Value("point", CharField()), "created_at", "value")[:2], all=True)


def test_rows_of_two_kinds_are_what_the_queryset_gives(billing: Queue, carl: Customer) -> None:
    asked, later = PreparedRows(_told, int, datetime), timezone.now() + timedelta(days=1)
    for _ in range(3):
        opened(billing, carl)
    for customer in (carl.pk, make_customer("Mia", email="mia@example.org").pk):
        rows = asked(customer, later)
        assert sorted(rows) == sorted(_told(customer, later))
        assert rows
    assert asked(carl.pk, datetime(2001, 1, 1, tzinfo=UTC)) == []


# --- together


def test_what_travels_together_is_answered_in_order(billing: Queue) -> None:
    case = opened(billing)
    with CaptureQueriesContext(connection) as asked:
        with together():
            sent("UPDATE cases_case SET subject = %s WHERE id = %s", ["changed", case.pk])
            subject = sent("SELECT subject FROM cases_case WHERE id = %s", [case.pk])
            rows = BEFORE.later(timezone.now() + timedelta(days=1))
        assert (subject(), [found.subject for found in rows()]) == ([("changed",)], ["changed"])
    assert len(asked) == 3


def test_what_one_of_them_fails_with_comes_out_and_the_connection_goes_on(billing: Queue) -> None:
    case = opened(billing)
    with pytest.raises(DataError), transaction.atomic(), together():
        sent("UPDATE cases_case SET subject = 'lost' WHERE id = %s", [case.pk])
        sent("SELECT 1 / %s::int", [0])
        sent("SELECT 1", [])
    case.refresh_from_db()
    assert case.subject == "x"
    with together():
        one = sent("SELECT %s::int", [1])
    assert one() == [(1,)]


@pytest.mark.django_db(transaction=True)
def test_what_travels_with_a_lock_sees_what_was_left_by_whoever_held_it() -> None:
    """As if it had been asked after the lock was there: each has a look of its own at the database."""
    case = opened(make_queue("Billing"))
    asking, found = threading.Event(), []

    def second() -> None:
        mine = Case.objects.get(pk=case.pk)
        try:
            asking.set()
            with transaction.atomic():
                with together():
                    locked = mine.locking()
                    subject = sent("SELECT subject FROM cases_case WHERE id = %s", [case.pk])
                locked()
                found.append((mine.subject, *subject()[0]))
        finally:
            connection.close()

    with transaction.atomic():
        case.lock()
        waiting = threading.Thread(target=second)
        waiting.start()
        assert asking.wait(10)
        wait_until(_is_waited_for, what="the other one to wait for the lock")
        Case.objects.filter(pk=case.pk).update(subject="changed under the lock")
    waiting.join(10)
    assert found == [("changed under the lock",) * 2]


def _is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        (told,) = cursor.fetchone()
    return bool(told)


def test_a_statement_is_kept_once_whatever_the_size_of_its_numbers(db: None) -> None:
    for number in (1, 70_000, 5_000_000_000, -3):
        assert sent("SELECT %s + 0 AS kept_once", [number])() == [(number,)]
        assert sent("SELECT unnest(%s::bigint[]) AS kept_once_too", [[number]])() == [(number,)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", ["%AS kept_once%"])
        assert cursor.fetchone() == (2,)


def test_planned_once_is_planned_once_and_only_in_this_transaction(db: None) -> None:
    with transaction.atomic():
        planned_once()
        for number in range(3):
            sent("SELECT %s + 1 AS planned_once", [number])()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE %s",
            ["%AS planned_once%"],
        )
        assert cursor.fetchone() == (3, 0)
