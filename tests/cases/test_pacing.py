"""What a queue's pace is measured from: answers of the log, people and what waits, and how earlier times were met."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from cases import pace, pacing
from cases.models import Acknowledgement, Case, PaceHour, Queue, QueuePace
from crm.models import Presence, User
from tests.builders import make_case, make_message
from tests.cases.clockwork import publish_calendar

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 3, 3, 14, 30, 20, tzinfo=UTC)  # a Wednesday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def answered(case: Case, by: User, at: datetime) -> None:
    with transaction.atomic():
        case.lock()
        case.record("answer_released", by=by, at=at, via="import")


def present(user: User, topic: str = "case.1", until: datetime = NOW + HOUR) -> None:
    Presence.objects.create(socket=f"s{user.pk}{topic}", topic=topic, user=user, state="open", expires_at=until)


def hour_of(queue: Queue, began: datetime) -> PaceHour:
    return PaceHour.objects.get(queue=queue, began=began)


def test_answers_are_counted_by_the_hour_and_again_without_harm(billing: Queue, ana: User, lee: User) -> None:
    case = make_case(billing, waiting_since=None)
    for by, minutes in ((ana, 5), (ana, 20), (lee, 50), (ana, 65)):
        answered(case, by, NOW - timedelta(hours=3) + timedelta(minutes=minutes - 30))
    began = datetime(2027, 3, 3, 11, tzinfo=UTC)
    assert pacing.count_answers(NOW - DAY, NOW) == 2
    assert (hour_of(billing, began).answers, set(hour_of(billing, began).who)) == (3, {ana.pk, lee.pk})
    assert hour_of(billing, began + HOUR).answers == 1
    assert pacing.count_answers(NOW - DAY, NOW) == 0


def test_a_queue_is_sampled_once_a_minute_however_many_sweep(billing: Queue, ana: User, lee: User, ben: User) -> None:
    for waiting in (NOW, NOW, NOW, None):
        make_case(billing, waiting_since=waiting)
    present(ana)
    present(ana, "case.2")
    present(lee, until=NOW - HOUR)  # gone
    present(ben)  # works elsewhere
    pacing.sweep(NOW)
    pacing.sweep(NOW + timedelta(seconds=20))
    hour = hour_of(billing, NOW.replace(minute=0, second=0))
    assert (hour.samples, hour.people, hour.busy) == (1, 1, 1)
    assert QueuePace.objects.get(queue=billing).people == 1
    pacing.sweep(NOW + timedelta(seconds=60))
    hour.refresh_from_db()
    assert (hour.samples, hour.people) == (2, 2)


def test_who_answered_within_the_hour_is_at_work_without_a_screen(billing: Queue, ana: User) -> None:
    answered(make_case(billing), ana, NOW - timedelta(minutes=10))
    pacing.sweep(NOW)
    assert pacing.at_work(NOW) == {billing.pk: 1}
    assert QueuePace.objects.get(queue=billing).people == 1


def history(queue: Queue, by: User, *, hours: int = 40, answers: int = 3) -> None:
    """Worked hours of the past weekdays from nine on, newest last."""
    begins = [
        NOW.replace(hour=hour, minute=0, second=0) - days * DAY
        for days in range(1, 60)
        for hour in range(9, 17)
        if (NOW - days * DAY).weekday() < 5
    ]
    PaceHour.objects.bulk_create(
        PaceHour(queue=queue, began=began, answers=answers, who=[by.pk]) for began in begins[:hours]
    )


def test_a_pace_is_measured_from_the_past_hours_and_kept_for_arrivals(billing: Queue, ana: User) -> None:
    history(billing, ana)
    pacing.sweep(NOW)
    row = QueuePace.objects.get(queue=billing)
    assert row.overall == 3
    assert row.usual["2:10"] == 1
    case = make_case(billing, waiting_since=NOW)
    make_case(billing, waiting_since=NOW)
    found = pacing.expect(case, NOW)
    assert (found.basis, found.inputs["waiting"], found.inputs["rate"]) == ("pace", 1, 3)


def test_a_queue_without_a_past_has_none(billing: Queue) -> None:
    pacing.sweep(NOW)
    assert QueuePace.objects.get(queue=billing).overall is None
    assert pacing.expect(make_case(billing, waiting_since=NOW), NOW) == pace.Expectation(None, "none")


def test_an_hour_that_was_sampled_says_how_much_of_it_was_busy(billing: Queue, ana: User) -> None:
    history(billing, ana)
    PaceHour.objects.update(samples=60, people=120, busy=30)
    pacing.sweep(NOW)
    row = QueuePace.objects.get(queue=billing)
    assert (row.overall, row.usual["2:10"]) == (6, 2)


def test_what_nobody_believes_any_more_is_who_was_there_long_ago(billing: Queue, ana: User) -> None:
    history(billing, ana)
    pacing.sweep(NOW)
    QueuePace.objects.update(people=9)
    case = make_case(billing, waiting_since=NOW)
    assert pacing.expect(case, NOW).inputs["people"] == 9
    assert pacing.expect(case, NOW + HOUR).inputs["people"] == 1


def named(queue: Queue, at: datetime, *, due: datetime, answered_at: datetime | None) -> Acknowledgement:
    case = make_case(queue, waiting_since=None)
    contact = case.contacts.create(channel="mail", started_at=at, last_at=at)
    return Acknowledgement.objects.create(
        contact=contact, case=case, queue=queue, message=make_message(case, at=at), at=at, expected_at=due,
        basis="pace", inputs={"need": 1.0, "people": 1, "crowd": 0}, answered_at=answered_at,
    )  # fmt: skip


def test_it_learns_from_the_times_it_named(billing: Queue, ana: User) -> None:
    """Answers came after half the work foreseen, so half is foreseen; and slower ones bring it back."""
    calendar = publish_calendar()
    Queue.objects.update(calendar=calendar)
    history(billing, ana)
    morning = NOW.replace(hour=9, minute=0, second=0)
    for day in range(1, 30):
        at = morning - day * DAY
        named(billing, at, due=at + HOUR, answered_at=at + timedelta(minutes=30))
    pacing.sweep(NOW)
    row = QueuePace.objects.get(queue=billing)
    assert row.factors["0"] == pytest.approx(0.5, abs=0.01)
    assert set(Acknowledgement.objects.filter(at__week_day=4).values_list("met", flat=True)) == {True}

    for _ in range(60):
        named(billing, morning, due=morning + HOUR, answered_at=None)  # and nothing came for five hours
    pacing.measure(Queue.objects.get(pk=billing.pk), NOW)
    row.refresh_from_db()
    assert row.factors["0"] > 4


def test_what_has_not_passed_teaches_nothing_yet(billing: Queue, ana: User) -> None:
    history(billing, ana)
    for _ in range(30):
        named(billing, NOW - HOUR, due=NOW + HOUR, answered_at=NOW - timedelta(minutes=50))
    pacing.sweep(NOW)
    assert QueuePace.objects.get(queue=billing).factors == {}


def test_a_case_that_ended_without_an_answer_owed_teaches_nothing(billing: Queue, ana: User) -> None:
    history(billing, ana)
    for _ in range(30):
        named(billing, NOW - 3 * HOUR, due=NOW - HOUR, answered_at=None)
    Case.objects.update(status="spam")
    pacing.sweep(NOW)
    assert QueuePace.objects.get(queue=billing).factors == {}


def test_old_hours_go_and_history_that_came_in_is_counted(billing: Queue, ana: User) -> None:
    now = timezone.now()
    PaceHour.objects.create(queue=billing, began=now - timedelta(weeks=11))
    answered(make_case(billing), ana, now - timedelta(weeks=3))
    pacing.recount(now)
    assert PaceHour.objects.get().answers == 1
