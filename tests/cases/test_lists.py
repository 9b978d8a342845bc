"""The views of a queue: every count is the length of its list, and neither reads the cases that are done with."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from cases import lists
from cases.models import Case, Mention, Queue, Watch
from crm.models import User
from tests.builders import make_case, make_message, make_user

pytestmark = pytest.mark.django_db


def anything(seed: int, queues: list[Queue], people: list[User], at: datetime) -> None:
    """Thirty cases of every kind, some named twice in notes, some watched."""
    dice = random.Random(seed)
    moments = [None, at - timedelta(hours=1), at, at + timedelta(hours=1)]
    for _ in range(30):
        case = make_case(
            dice.choice(queues),
            customer=None,
            status=dice.choice(Case.Status.values),
            assignee=dice.choice([None, *people]),
            snoozed_until=dice.choice(moments),
            promise_due_at=dice.choice(moments),
            resolved_at=at,
        )
        for person in people:
            for _mention in range(dice.choice([0, 0, 1, 2])):
                note = make_message(case, "look", direction="note")
                Mention.objects.create(case=case, message=note, user=person, seen_at=dice.choice([None, None, at]))
            if dice.random() < 0.4:
                Watch.objects.create(case=case, user=person)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_count_is_the_length_of_its_list_whatever_the_cases(
    billing: Queue, technical: Queue, ana: User, lee: User, seed: int
) -> None:
    at = timezone.now()
    anything(seed, [billing, technical], [ana, lee], at)
    for queue in (billing, technical):
        for person in (ana, lee):
            expected = {name: lists.view(name, queue, person, at=at).count() for name in lists.NAMES}
            assert lists.counts(queue, person, at=at) == expected
            assert sum(expected.values())


def test_what_waits_beside_a_queue_is_what_nobody_has(billing: Queue, ana: User, lee: User) -> None:
    at = timezone.now()
    anything(4, [billing], [ana, lee], at)
    (queue,) = lists.queues_of(ana, at=at)
    assert queue.waiting == lists.counts(billing, ana, at=at)["unassigned"] > 0  # type: ignore[attr-defined]


def plan(sql: str, values: Any = None) -> str:
    """As PostgreSQL would go about it, knowing the rows of this test and not those of one before."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE cases_case")
        cursor.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"
        )  # a test is too small
        cursor.execute(f"EXPLAIN {sql}", values)
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize(
    ("view", "index"), [("mine", "case_mine"), ("unassigned", "case_free"), ("all", "case_queue_order")]
)
def test_a_list_reads_its_first_rows_in_order_from_an_index_of_active_cases(
    billing: Queue, ana: User, view: str, index: str
) -> None:
    others = [make_user(f"Rep {n}", username=f"rep{n}") for n in range(5)]
    for seed in range(3):
        anything(seed, [billing], [ana, *others], timezone.now())
    found = lists.view(view, billing, ana, at=timezone.now()).in_order()[: lists.PAGE]
    shown = plan(*found.query.sql_with_params())
    assert f"using {index}" in shown
    assert "Sort" not in shown
