"""The expected time to first answer: the arithmetic, and whether the times it names are met."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases import pace
from cases.business_hours import ROUND_THE_CLOCK, Hours
from tests.cases import companies
from tests.faults import figures

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
OFFICE = Hours("UTC", {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}, ["2026-03-10"])
HOUR = timedelta(hours=1)
YEAR = datetime(2026, 1, 1), datetime(2027, 1, 1)  # noqa: DTZ001 - hypothesis wants them naive


def paced(people: float = 4, rate: float = 3, hours: Hours = OFFICE) -> pace.Pace:
    return pace.Pace(hours, rate, {}, {(day, hour): people for day in range(5) for hour in range(9, 17)})


def when(at: datetime = MONDAY, *, waiting: int = 0, people: float = 4, **fields: object) -> datetime:
    fields = {"pace": paced()} | fields
    found = pace.expected(at, pace.State(waiting, people, **fields))  # type: ignore[arg-type]
    assert (found.basis, bool(found.at)) == ("pace", True)
    assert found.at
    return found.at


@pytest.mark.parametrize(("shape", "point"), [(1, 1.6094), (2, 2.9943), (5, 6.7210), (20, 23.6338), (300, 314.4)])
def test_the_point_of_a_gamma_is_within_a_hundredth(shape: float, point: float) -> None:
    found = pace.gamma_point(0.8, mean=shape / 3, variance=shape / 9)
    assert found * 3 == pytest.approx(point, rel=0.012)


def test_with_a_free_person_it_is_the_time_one_answer_takes() -> None:
    # One answer of 20 minutes, exponential: 80 % are done after 20 min × ln 5, here 32 minutes.
    assert when() - MONDAY == pytest.approx(timedelta(minutes=32.2), abs=timedelta(minutes=1))


def test_more_ahead_is_later_and_more_people_are_sooner() -> None:
    lengths = [when(waiting=n) for n in (0, 3, 4, 10, 30)]
    assert lengths == sorted(lengths)
    assert lengths[0] == lengths[1] < lengths[2]
    assert when(waiting=20, people=8) < when(waiting=20, people=4) < when(waiting=20, people=2)


def test_a_queue_is_worked_off_by_all_together() -> None:
    # 96 ahead of 4 people at 3 an hour is a day of 8 hours; its 80 % point a good half hour more.
    assert when(waiting=96).date() == MONDAY.date() + timedelta(days=1)
    assert when(waiting=60) < MONDAY + 8 * HOUR


def test_closed_hours_do_not_count() -> None:
    friday = datetime(2026, 3, 6, 16, 50, tzinfo=UTC)
    assert when(friday) == datetime(2026, 3, 9, 9, tzinfo=UTC) + (when() - MONDAY - timedelta(minutes=10))
    # The tenth is a holiday.
    assert when(datetime(2026, 3, 9, 18, tzinfo=UTC), people=0).date() == datetime(2026, 3, 11, tzinfo=UTC).date()


def test_a_night_on_which_clocks_change_moves_the_wall_not_the_length() -> None:
    hours = Hours("Europe/Berlin", {"sat": [["09:00", "17:00"]], "sun": [["09:00", "17:00"]]})
    usual = {(day, hour): 4.0 for day in (5, 6) for hour in range(9, 17)}
    known = pace.Pace(hours, 3, {}, usual)
    at = datetime(2026, 3, 28, 16, tzinfo=UTC)  # 17:00: closed, and the clocks go forward in the night
    assert when(at, people=0, pace=known).astimezone(ZoneInfo("Europe/Berlin")).hour == 9
    assert when(at, people=0, pace=known) < datetime(2026, 3, 29, 8, tzinfo=UTC)


def test_at_night_nobody_works_though_nobody_closed() -> None:
    known = paced(hours=Hours("UTC", ROUND_THE_CLOCK))
    assert when(datetime(2026, 3, 2, 22, tzinfo=UTC), people=0, pace=known) > datetime(2026, 3, 3, 9, tzinfo=UTC)


def test_half_of_them_ill_today_is_not_half_tomorrow() -> None:
    known = paced()
    today = pace.worked(MONDAY, MONDAY + 8 * HOUR, known, 2)
    both = pace.worked(MONDAY, MONDAY + 32 * HOUR, known, 2)
    assert (today, both - today) == (16, 32)


@given(st.integers(0, 400), st.floats(0, 30), st.integers(0, 10_000))
def test_work_laid_on_time_is_the_time_of_that_work(waiting: int, people: float, minutes: int) -> None:
    at = MONDAY + timedelta(minutes=minutes)
    need = pace.work_before(waiting, people or 4, 3)
    reached = pace.reached(at, need, paced(), people)
    if reached is not None:
        assert reached > at
        assert pace.worked(at, reached, paced(), people) == pytest.approx(need, abs=1e-6)


def test_where_the_past_is_thin_it_is_the_target_and_else_nothing() -> None:
    target = MONDAY + 4 * HOUR
    assert pace.expected(MONDAY, pace.State(3, 2, None, target=target)) == pace.Expectation(target, "target")
    assert pace.expected(MONDAY, pace.State(3, 2, None)) == pace.Expectation(None, "none")
    assert pace.expected(target, pace.State(3, 2, None, target=target)).at is None
    nobody = pace.Pace(OFFICE, 3, {}, {})
    assert pace.expected(MONDAY, pace.State(3, 0, nobody)).basis == "none"
    assert pace.expected(MONDAY, pace.State(100_000, 1, paced())).basis == "none"


# --- measuring


def past(
    days: int, *, people: float = 3, busy: float = 2, answers: int = 6, hours: range = range(9, 17)
) -> list[pace.Worked]:
    """Newest first, every day of so many back from MONDAY."""
    begins = [MONDAY.replace(hour=hour) - timedelta(days=day) for day in range(1, days + 1) for hour in reversed(hours)]
    return [pace.Worked(at, people, busy, answers) for at in begins]


def test_a_rate_is_answers_over_the_time_in_which_there_was_something_to_do() -> None:
    known = pace.measured(past(60), OFFICE)
    assert known
    assert known.overall == 3
    assert known.rate[0, 9] == 3
    assert known.usual[4, 9] == 3
    assert (5, 9) not in known.usual  # closed on Saturdays


def test_shifts_differ_by_weekday() -> None:
    alone = [pace.Worked(h.began, 1 if h.began.weekday() == 2 else 3, 1, 3) for h in past(60)]
    known = pace.measured(alone, OFFICE)
    assert known
    assert 1 < known.usual[2, 10] < 1.6 < 2.6 < known.usual[3, 10] < 3


def test_like_hours_are_the_newest_28_open_ones() -> None:
    new, old = past(90), [pace.Worked(hour.began, 30, 30, 0) for hour in past(90)]
    days = {hour.began.date() for hour in new if pace.kind_of(hour.began)[0] == 0}
    border = sorted(days)[-28]
    mixed = [a if a.began.date() >= border else b for a, b in zip(new, old, strict=True)]
    known = pace.measured(mixed, OFFICE)
    assert known
    assert (known.usual[0, 10], known.overall) == (3, 3)


@pytest.mark.parametrize("hours", [[], past(1, busy=0.1), past(30, answers=0)])
def test_too_little_is_no_pace(hours: list[pace.Worked]) -> None:
    assert pace.measured(hours, OFFICE) is None


def outcomes(met: Callable[[int], bool], crowd: int = 1, most: int = 100) -> list[pace.Outcome]:
    return [pace.Outcome(n / 100, met(n), crowd) for n in range(1, most + 1)]


def test_what_is_learned_is_the_point_of_the_shares() -> None:
    known = pace.learned(outcomes(lambda n: n <= 80))
    assert known == dict.fromkeys((0, 1, 2), pytest.approx(0.81, abs=0.011))
    assert pace.learned(outcomes(lambda _n: True, most=10)) == {}
    missed, met = (pace.learned(outcomes(lambda _n, met=met: met)) for met in (False, True))
    assert missed[1] > known[1] > met[1]
    wild = pace.learned([pace.Outcome(1e9, met=False)] * 50)
    assert wild[0] == 10


def test_a_full_queue_teaches_nothing_about_an_empty_one() -> None:
    full = [pace.Outcome(outcome.share * 4, outcome.met, 2) for outcome in outcomes(lambda n: n <= 80)]
    known = pace.learned(outcomes(lambda n: n <= 80, crowd=0) + full)
    assert (known[0], known[2]) == (pytest.approx(0.81), pytest.approx(3.24))
    assert known[0] < known[1] < known[2]  # where it has seen too few, all speak


@given(st.datetimes(*YEAR), st.floats(1, 10_000), st.sampled_from(["UTC", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"]))  # fmt: skip
def test_a_time_is_rounded_up_to_what_people_say(naive: datetime, minutes: float, name: str) -> None:
    now, zone = naive.replace(tzinfo=UTC), ZoneInfo(name)
    at = now + timedelta(minutes=minutes)
    told = pace.rounded(at, now, zone)
    step = 5 if minutes <= 60 else 15 if minutes <= 1440 else 30
    assert at <= told < at + timedelta(minutes=step)
    assert told.astimezone(zone).second == 0


# --- the month


@pytest.mark.parametrize("make", companies.COMPANIES)
def test_of_a_months_times_about_four_in_five_are_met(make: Callable[[], companies.Company], *, full: bool) -> None:
    """Product C1: 75 to 85 %, in companies that have little in common, each with a bad day and a holiday."""
    begin, month = datetime(2026, 8, 24, tzinfo=UTC), datetime(2026, 9, 21, tzinfo=UTC)
    for seed in range(1, 6 if full else 2):
        run = companies.Run(make(), seed=seed, begin=begin, days=66).run()
        met, named = companies.met(run.told, month, month + timedelta(days=30))
        share = met / named
        figures.tell(f"{run.company.name}, seed {seed}: {share:.1%} of {named} times met", full=full)
        assert 0.75 <= share <= 0.85, f"{met} of {named}"
