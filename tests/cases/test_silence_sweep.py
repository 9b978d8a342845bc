"""The sweep that takes silence for a yes: bounded, once however many run it, and never past a word that is being said."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any
from unittest import mock

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import silence
from cases.models import Case, Queue
from crm.models import Event, User
from customers.models import Customer
from tests.api import Caller
from tests.cases.silences import DAYS, LONG, answered, apart, asked, elsewhere, is_met, many, met_events, writes

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return asked(billing, carl, ana)


# --- over and over, at once, and in the middle


def test_a_sweep_is_bounded_and_comes_back_for_the_rest(case: Case, billing: Queue, ana: User) -> None:
    many(billing, ana, silence.BATCH + 5)
    now = timezone.now() + LONG
    assert [silence.sweep(now) for _n in range(3)] == [silence.BATCH, 5, 0]
    assert Event.objects.filter(kind="need_met").count() == silence.BATCH + 5


def test_what_is_asked_does_not_grow_with_the_batch_but_for_what_each_verb_writes(
    case: Case, billing: Queue, ana: User
) -> None:
    made = many(billing, ana, 30)
    Case.objects.filter(pk__in=[each.pk for each in made[1:]]).update(silent_since=None)
    asked = []
    for _size in (1, 29):
        with CaptureQueriesContext(connection) as queries:
            silence.sweep(timezone.now() + LONG)
        asked.append([query for query in queries.captured_queries if "cases_message" in query["sql"]])
        Case.objects.filter(pk__in=[each.pk for each in made[1:]]).update(silent_since=timezone.now())
    assert Event.objects.filter(kind="need_met").count() == 30
    assert len(asked[0]) == len(asked[1]) == 1


def test_one_that_must_wait_holds_nobody_up(case: Case, billing: Queue, ana: User) -> None:
    held, *rest = many(billing, ana, silence.BATCH + 1)
    many_held = many(billing, ana, silence.BATCH)
    ids = [held.pk, *(each.pk for each in many_held)]
    Case.objects.filter(pk__in=ids).update(send_state="sending", silent_since=timezone.now() - LONG)
    assert silence.sweep(timezone.now() + LONG) == len(rest)
    assert not any(is_met(each) for each in many_held)
    assert all(is_met(each) for each in rest)


def test_who_dies_in_the_middle_leaves_everything_to_the_next(case: Case, billing: Queue, ana: User) -> None:
    made = many(billing, ana, 4)
    verb, calls = Case.mark_need_met, iter([False, False, True])

    def dies(self: Case, **how: Any) -> None:
        if next(calls):
            raise SystemExit
        verb(self, **how)

    with mock.patch.object(Case, "mark_need_met", dies), pytest.raises(SystemExit), transaction.atomic():
        silence.sweep(timezone.now() + LONG)
    assert not Event.objects.filter(kind="need_met").exists()
    silence.sweep(timezone.now() + LONG)
    assert all(len(met_events(each)) == 1 and is_met(each) for each in made)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_take_each_once(case: Case, billing: Queue, ana: User) -> None:
    made = many(billing, ana, 60)
    now, ready = timezone.now() + LONG, Barrier(4)

    def run() -> int:
        ready.wait(20)
        return sum(silence.sweep(now) for _round in range(4))

    with mock.patch.object(silence, "BATCH", 7), ThreadPoolExecutor(4) as pool:
        looked = sum(pool.map(lambda _n: apart(run), range(4)))
    looked += silence.sweep(now)
    assert looked == 60
    assert all(len(met_events(each)) == 1 and is_met(each) for each in made)


@pytest.mark.django_db(transaction=True)
def test_a_case_somebody_is_writing_to_is_left_and_looked_at_again(case: Case, ana: User) -> None:
    answered(case, ana)
    now = timezone.now() + LONG
    with transaction.atomic():
        writes(case)
        assert elsewhere(lambda: silence.sweep(now)) == 0
    assert not is_met(case)
    assert silence.sweep(now) == 0


@pytest.mark.django_db(transaction=True)
def test_a_word_that_was_committed_after_the_sweep_had_looked_is_seen_under_the_lock(case: Case, ana: User) -> None:
    answered(case, ana)
    now, asked = timezone.now() + LONG, silence.due

    def due(queue: Queue, until: datetime) -> Any:
        """The rows are read, and before they are locked the customer writes, and somebody sets it waiting again."""
        found = asked(queue, until)
        elsewhere(lambda: writes(case))
        elsewhere(lambda: Case.objects.get(pk=case.pk).change_status("waiting_customer", by=ana))
        return found

    with mock.patch.object(silence, "due", due):
        assert silence.sweep(now) == 1
    assert not is_met(case)
    assert met_events(case) == []


@pytest.mark.django_db(transaction=True)
def test_words_and_sweeps_at_once_never_leave_a_met_need_that_was_answered(
    case: Case, billing: Queue, carl: Customer, ana: User
) -> None:
    """Either the word came first, and there is no need met; or the sweep did, and the word took it back."""
    made = many(billing, ana, 12)
    now, ready = timezone.now() + LONG, Barrier(2)

    def write() -> None:
        ready.wait(20)
        for each in made:
            writes(Case.objects.get(pk=each.pk))

    def sweep() -> None:
        ready.wait(20)
        for _round in range(12):
            silence.sweep(now)

    with mock.patch.object(silence, "BATCH", 1), ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(apart, write), pool.submit(apart, sweep)]:
            future.result(timeout=60)
    for each in made:
        assert not is_met(each)
        kinds = list(Event.objects.filter(stream_id=each.pk, kind__in=["need_met", "need_unmet"]).order_by("version"))
        assert [event.kind for event in kinds] in ([], ["need_met", "need_unmet"])


# --- how it is found, and set


def test_the_sweep_reads_its_index_alone_however_many_cases_there_are(case: Case, billing: Queue, ana: User) -> None:
    many(billing, ana, 20)
    Case.objects.bulk_create(
        [Case(queue=billing, subject="Old", status="closed", customer=case.customer) for _n in range(3000)]
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE cases_case")
        sql, values = silence.due(billing, timezone.now() + LONG)[: silence.BATCH].query.sql_with_params()
        cursor.execute(f"EXPLAIN {sql}", values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "case_silent" in plan, plan
    assert "Sort" not in plan, plan
    assert "Seq Scan" not in plan, plan


def test_a_supervisor_sets_it_and_scripts_do(client: Client, case: Case, billing: Queue, sue: User) -> None:
    client.force_login(sue)
    page = client.get(f"/admin/cases/queue/{billing.pk}/change/").content.decode()
    assert "Days of silence after which a need counts as met" in page
    assert "Empty: silence says nothing." in page
    call = Caller(sue)
    assert call.get(f"queues/{billing.pk}/").json()["silence_days"] == DAYS
    assert call.patch(f"queues/{billing.pk}/", {"silence_days": None}).json()["silence_days"] is None
    assert call.patch(f"queues/{billing.pk}/", {"silence_days": 0}).status_code == 400
    billing.refresh_from_db()
    assert billing.silence_days is None
