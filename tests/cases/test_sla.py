"""Calendars and policies: immutable versions, and which policy judges which case."""

import pytest
from django.core.exceptions import ValidationError
from django.db import close_old_connections, connections

from cases.models import BusinessCalendar, Case, Queue, SLAPolicy
from crm.models import User
from tests.builders import make_case, make_customer
from tests.cases.clockwork import OFFICE, make_policy, publish_calendar

pytestmark = pytest.mark.django_db


def test_publishing_a_calendar_makes_a_version_and_keeps_the_old_one(sue: User) -> None:
    calendar = publish_calendar("Shop", tz="Europe/Berlin")
    first = calendar.current
    second = calendar.publish(tz="Europe/Berlin", hours=OFFICE, holidays=["2026-12-26", "2026-12-25"], by=sue)
    assert (second.number, second.created_by, second.holidays) == (2, sue, ["2026-12-25", "2026-12-26"])
    assert calendar.current == second
    assert first is not None
    assert list(calendar.versions.order_by("number")) == [first, second]


def test_publishing_the_same_again_is_quiet() -> None:
    calendar = publish_calendar("Shop", tz="Europe/Berlin")
    again = calendar.publish(tz="Europe/Berlin", hours={**OFFICE, "sat": []}, holidays=[])
    assert again == calendar.current
    assert calendar.versions.count() == 1


def test_a_faulty_calendar_is_refused_in_words_and_changes_nothing() -> None:
    calendar = publish_calendar("Shop", tz="Europe/Berlin")
    with pytest.raises(ValidationError) as refused:
        calendar.publish(tz="Mars/Base", hours={"mon": [["22:00", "06:00"]]}, holidays=["soon"])
    assert len(refused.value.messages) == 3
    with pytest.raises(ValidationError, match="never open"):
        calendar.publish(tz="UTC", hours={})
    assert calendar.versions.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_publish_at_once_make_two_versions() -> None:
    from concurrent.futures import ThreadPoolExecutor

    calendar = publish_calendar("Shop", tz="UTC")

    def publish(day: int) -> int:
        close_old_connections()
        try:
            fresh = BusinessCalendar.objects.get(pk=calendar.pk)
            return fresh.publish(tz="UTC", hours=OFFICE, holidays=[f"2026-12-{day}"]).number
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(publish, range(10, 14))) == [2, 3, 4, 5]


def test_a_policy_has_versions_too_and_the_same_again_is_quiet(billing: Queue) -> None:
    policy = make_policy(first_response=60)
    first = policy.current
    assert policy.publish(targets=[{"kind": "first_response", "minutes": 60}]) == first
    second = policy.publish(targets=[{"kind": "first_response", "minutes": 0.5}])
    assert (second.number, second.target_seconds()) == (2, {"first_response": 30})


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        ([], "at least one target"),
        ("soon", "at least one target"),
        ([{"kind": "coffee", "minutes": 1}], "one of first_response"),
        ([{"kind": "update"}], "minutes of update"),
        ([{"kind": "update", "minutes": -1}], "minutes of update"),
        ([{"kind": "update", "minutes": float("nan")}], "minutes of update"),
        ([{"kind": "update", "minutes": True}], "minutes of update"),
        ([{"kind": "update", "minutes": "60"}], "minutes of update"),
        ([{"kind": "update", "minutes": 10**9}], "minutes of update"),
        ([{"kind": "update", "minutes": 1}, {"kind": "update", "minutes": 2}], "may stand in a policy once"),
    ],
)
def test_faulty_targets_are_refused_in_words(targets: list[dict[str, object]], says: str) -> None:
    policy = SLAPolicy.objects.create(name="Standard")
    with pytest.raises(ValidationError, match=says):
        policy.publish(targets=targets)
    assert policy.versions.count() == 0


def test_only_statuses_of_open_work_may_pause() -> None:
    policy = SLAPolicy.objects.create(name="Standard")
    with pytest.raises(ValidationError, match="“resolved” cannot pause"):
        policy.publish(targets=[{"kind": "update", "minutes": 1}], pause_statuses=["resolved"])


def test_the_first_policy_that_covers_the_case_applies(billing: Queue, technical: Queue) -> None:
    gold = make_policy("Gold", position=1, tiers=["gold"], first_response=5)
    urgent = make_policy("Urgent", position=2, priorities=["urgent"], first_response=10)
    chat = make_policy("Chat", position=3, channels=["chat"], first_response=1)
    elsewhere = make_policy("Elsewhere", position=4, queues=[technical], first_response=15)
    rest = make_policy("Everyone", position=5, first_response=60)
    make_policy("Off", position=0, first_response=1, is_active=False)
    SLAPolicy.objects.create(name="Unpublished", position=0)

    def matched(queue: Queue = billing, tier: str = "", **fields: str) -> object:
        case = make_case(queue, customer=make_customer(tier=tier), **fields)
        found = SLAPolicy.objects.matching(case)
        return found and found.policy

    assert matched() == rest
    assert matched(tier="gold", priority="urgent") == gold
    assert matched(priority="urgent", channel="chat") == urgent
    assert matched(channel="chat") == chat
    assert matched(technical) == elsewhere


def test_a_case_without_a_customer_has_no_tier(billing: Queue) -> None:
    make_policy("Gold", tiers=["gold"], first_response=5)
    assert SLAPolicy.objects.matching(make_case(billing, customer=None)) is None


def test_matching_costs_one_query_however_many_policies(
    billing: Queue, technical: Queue, django_assert_num_queries: object
) -> None:
    for n in range(12):
        make_policy(f"P{n}", position=n, queues=[billing, technical], priorities=["urgent"], first_response=5)
    case = Case.objects.select_related("customer").get(pk=make_case(billing).pk)
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert SLAPolicy.objects.matching(case) is None


def test_the_policys_calendar_counts_before_the_queues_and_round_the_clock_is_last(billing: Queue) -> None:
    policy = make_policy(first_response=60)
    assert policy.current is not None
    assert policy.current.hours_for(billing) is None
    billing.calendar = publish_calendar("Queue's")
    assert policy.current.hours_for(billing) == billing.calendar.current
    own = publish_calendar("Policy's")
    version = policy.publish(targets=policy.current.targets, calendar=own)
    assert version.hours_for(billing) == own.current
