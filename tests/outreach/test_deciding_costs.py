"""What a decision asks of the database: how many questions, in how many journeys, and of whose past."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks import data, talks
from cases.models import Case
from crm.models import User
from outreach import context, deciding
from tests.builders import make_queue
from tests.outreach.conftest import make_offer, open_gates

pytestmark = pytest.mark.django_db


def asked(case: Case, by: User) -> tuple[str, list[str]]:
    """What was decided, and what it took: the example plugin's own questions are not ours."""
    with CaptureQueriesContext(connection) as captured:
        outcome = deciding.decide(case, by=by).outcome
    return outcome, [q["sql"] for q in captured if "SAVEPOINT" not in q["sql"] and "loyalty" not in q["sql"]]


def test_it_asks_the_same_however_many_offers_there_are(case: Case, ana: User) -> None:
    open_gates(case, ana)
    wanted = {"fact": "plans", "op": "has", "value": "Fibre 900"}
    make_offer("other", eligibility=wanted)
    deciding.look(case, timezone.now())  # the catalogue is read
    # How it is planned, the lock, the rights, the talk, the past, subscriptions, words, and what is kept.
    assert [len(told) if isinstance(told, list) else told for told in asked(case, ana)] == ["silence", 8]
    # The same again is not kept: the decision there is comes back.
    assert len(asked(case, ana)[1]) == 8
    for n in range(40):
        make_offer(f"other-{n}", gain=Decimal(30 + n), eligibility=wanted)
    make_offer()
    deciding.look(case, timezone.now())
    outcome, told = asked(case, ana)
    assert (outcome, len(told)) == ("presented", 9)  # and the event
    assert sum("INSERT INTO outreach_decision " in sql for sql in told) == 1


def test_nobodys_facts_are_looked_at_before_the_need_is_met(case: Case, ana: User) -> None:
    make_offer(eligibility={"fact": "plans", "op": "has", "value": "Fibre 100"})
    deciding.look(case, timezone.now())
    outcome, told = asked(case, ana)
    assert outcome == "silence"
    assert not any('FROM "customers_subscription"' in sql for sql in told)


def test_what_only_a_new_offer_reads_is_asked_for_when_it_is_missed(case: Case, ana: User) -> None:
    make_offer("other", need_tags=("spaceship",))
    open_gates(case, ana)
    assert deciding.look(case, timezone.now()).verdict.best is None
    make_offer(need_tags=(), why="You have {plan}", eligibility={"fact": "plans", "op": "has", "value": "Fibre 100"})
    outcome, told = asked(case, ana)
    assert outcome == "presented"
    assert sum('FROM "customers_subscription"' in sql for sql in told) == 1


def test_it_reads_its_own_past_however_long_that_of_all_others_is() -> None:
    """Row by row: what the questions touch is counted by the server."""
    people = data.reps(2)
    queue = make_queue("Bench", reps=list(User.objects.filter(pk__in=people)))
    talks.people(2_000)
    versions = talks.offers(60, 60)
    talks.past(8_000, 2_000, versions, people[0])
    (key,) = talks.talks(1, 2_000, queue.pk, people)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    case = Case.objects.select_related("customer").get(pk=key)
    known = context.read(case, timezone.now())
    assert sum(known.taken.values()) > 100
    assert len(known.answers) >= 1
    for sql, values in questions(case):
        touched: dict[str, float] = {}
        for node in nodes(explained(sql, values)):
            if "Relation Name" in node:
                rows = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
                touched[node["Relation Name"]] = touched.get(node["Relation Name"], 0) + rows
        assert touched
        theirs = {
            name: rows for name, rows in touched.items() if name not in {"outreach_offer", "outreach_offerversion"}
        }
        assert max(theirs.values()) <= 60, touched


def questions(case: Case) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []

    def noted(execute: Any, sql: str, params: Any, many: bool, told: Any) -> Any:
        found.append((sql, params))
        return execute(sql, params, many, told)

    with connection.execute_wrapper(noted):
        context.read(case, timezone.now())
    assert len(found) == 2
    return found


def explained(sql: str, values: Any) -> dict[str, Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values)
        (told,) = cursor.fetchone()
    plan: dict[str, Any] = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)
