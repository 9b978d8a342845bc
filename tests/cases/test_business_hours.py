"""Open time, as tables of examples and as laws that hold for any calendar."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cases.business_hours import DAYS, ROUND_THE_CLOCK, TICK, Hours, NeverOpen, validate

OFFICE = {day: [["09:00", "17:00"]] for day in DAYS[:5]}
BERLIN = Hours("Europe/Berlin", OFFICE)
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Pacific/Apia",  # 2011-12-30 never happened there
    "Africa/Casablanca",  # back for Ramadan, forward after it
    "Asia/Kathmandu",  # +05:45
    "America/St_Johns",  # until 2011 its clocks went back over midnight
    "UTC",
]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def night(*periods: tuple[str, str], tz: str) -> Hours:
    return Hours(tz, {day: [list(p) for p in periods] for day in DAYS})


# --- examples


def test_a_deadline_moves_over_the_night_and_the_weekend() -> None:
    assert BERLIN.add(at("2026-03-06T16:30+01:00"), 3600) == at("2026-03-09T09:30+01:00")


def test_a_deadline_exactly_on_closing_stays_on_closing() -> None:
    assert BERLIN.add(at("2026-03-06T16:00+01:00"), 3600) == at("2026-03-06T17:00+01:00")


def test_one_microsecond_more_than_closing_is_the_next_opening_and_a_microsecond() -> None:
    start = at("2026-03-06T16:00+01:00")
    assert BERLIN.add(start, Decimal("3600.000001")) == at("2026-03-09T09:00+01:00") + TICK


def test_no_time_at_all_is_now_when_open_and_the_next_opening_when_closed() -> None:
    assert BERLIN.add(at("2026-03-06T10:00+01:00"), 0) == at("2026-03-06T10:00+01:00")
    assert BERLIN.add(at("2026-03-06T17:00+01:00"), 0) == at("2026-03-09T09:00+01:00")


def test_holidays_are_closed_all_day() -> None:
    hours = Hours("Europe/Berlin", OFFICE, ["2026-04-03", "2026-04-06"])
    assert hours.add(at("2026-04-02T16:59+02:00"), 120) == at("2026-04-07T09:01+02:00")
    assert hours.elapsed(at("2026-04-03T00:00+02:00"), at("2026-04-07T00:00+02:00")) == 0


def test_open_includes_the_opening_and_not_the_closing() -> None:
    assert BERLIN.is_open(at("2026-03-06T09:00+01:00"))
    assert not BERLIN.is_open(at("2026-03-06T17:00+01:00"))
    assert BERLIN.next_opening(at("2026-03-06T17:00+01:00")) == at("2026-03-09T09:00+01:00")


def test_overlapping_and_touching_shifts_count_once() -> None:
    hours = night(("06:00", "14:00"), ("13:00", "21:00"), ("21:00", "22:00"), tz="UTC")
    assert hours.elapsed(at("2026-03-02T00:00Z"), at("2026-03-03T00:00Z")) == 16 * 3600


def test_a_shift_over_midnight_is_two_periods_without_a_gap() -> None:
    hours = night(("00:00", "06:00"), ("22:00", "24:00"), tz="Europe/Berlin")
    assert hours.add(at("2026-03-02T23:00+01:00"), 2 * 3600) == at("2026-03-03T01:00+01:00")
    assert hours.add(at("2026-03-02T23:00+01:00"), 3600) == at("2026-03-03T00:00+01:00")


# (zone, the day its clocks change, how long that day is in minutes)
CHANGES = [
    ("Europe/Berlin", "2026-03-29", 1380),
    ("Europe/Berlin", "2026-10-25", 1500),
    ("America/New_York", "2026-03-08", 1380),
    ("America/New_York", "2026-11-01", 1500),
    ("Australia/Lord_Howe", "2026-04-05", 1470),
    ("Australia/Lord_Howe", "2026-10-04", 1410),
    ("Africa/Casablanca", "2026-02-15", 1500),
    ("Africa/Casablanca", "2026-03-22", 1380),
    ("Pacific/Apia", "2011-12-30", 0),
    ("Asia/Kathmandu", "2026-03-29", 1440),
    ("America/St_Johns", "2010-11-07", 1441),  # at 00:01, back to 23:01 of the day before
]


@pytest.mark.parametrize(("tz", "day", "length"), CHANGES)
def test_a_whole_day_lasts_as_long_as_it_really_does(tz: str, day: str, length: int) -> None:
    only = Hours(tz, ROUND_THE_CLOCK, [])
    others = sorted({(at(day) + timedelta(days=n)).date().isoformat() for n in range(-3, 4)} - {day})
    this_day = Hours(tz, ROUND_THE_CLOCK, others)
    around = at(f"{day}T00:00Z") - timedelta(days=1.5), at(f"{day}T00:00Z") + timedelta(days=2.5)
    assert this_day.elapsed(*around) == length * 60
    assert only.elapsed(*around) == 4 * 86400


@pytest.mark.parametrize(
    ("periods", "day", "seconds"),
    [
        ([("02:15", "02:45")], "2026-03-29", 0),  # never happens
        ([("01:00", "02:30")], "2026-03-29", 3600),
        ([("02:30", "04:00")], "2026-03-29", 3600),
        ([("02:15", "02:45")], "2026-10-25", 3600),  # happens twice
        ([("00:00", "02:00")], "2026-10-25", 7200),  # ends before the hour that repeats
        ([("02:00", "03:00")], "2026-10-25", 7200),
        ([("03:00", "05:00")], "2026-10-25", 7200),
    ],
)
def test_hours_that_happen_twice_or_never(periods: list[tuple[str, str]], day: str, seconds: int) -> None:
    hours = night(*periods, tz="Europe/Berlin")
    begin = datetime.combine(at(day).date(), at(day).time(), ZoneInfo("Europe/Berlin"))
    assert hours.elapsed(begin, begin.astimezone(UTC) + timedelta(hours=23)) == seconds


def test_a_deadline_over_the_night_the_clocks_go_forward_is_an_hour_less_by_the_wall() -> None:
    hours = Hours("Europe/Berlin", ROUND_THE_CLOCK)
    assert hours.add(at("2026-03-28T20:00+01:00"), 12 * 3600) == at("2026-03-29T09:00+02:00")
    assert hours.add(at("2026-10-24T20:00+02:00"), 12 * 3600) == at("2026-10-25T07:00+01:00")


# --- refusals


@pytest.mark.parametrize("hours", [{}, {"mon": []}])
def test_an_empty_calendar_is_refused_instead_of_searched_for_ever(hours: dict[str, list[list[str]]]) -> None:
    never = Hours("UTC", hours)
    with pytest.raises(NeverOpen, match="not enough open time"):
        never.add(at("2026-03-02T00:00Z"), 1)
    assert not never.is_open(at("2026-03-02T00:00Z"))
    assert never.elapsed(at("2026-03-02T00:00Z"), at("2027-03-02T00:00Z")) == 0
    assert validate(hours, "UTC") == [
        "These hours are never open. Give at least one day a period, like 09:00 to 17:00."
    ]


def test_a_search_through_closed_years_ends() -> None:
    begin = at("2026-01-01T00:00Z")
    sundays = [(begin + timedelta(days=n)).date().isoformat() for n in range(366 * 50 + 1)]
    with pytest.raises(NeverOpen):
        Hours("UTC", {"sun": [["10:00", "11:00"]]}, sundays).add(begin, 60)


def test_targets_and_stretches_beyond_reason_are_refused() -> None:
    with pytest.raises(NeverOpen):
        BERLIN.add(at("2026-01-01T00:00Z"), 10**10)
    with pytest.raises(ValueError, match="two hundred years"):
        BERLIN.elapsed(at("2026-01-01T00:00Z"), at("9999-12-31T00:00Z"))


def test_times_at_the_ends_of_the_calendar_are_taken() -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert BERLIN.add(first, 3600) == at("1900-01-01T10:00+01:00")
    assert BERLIN.elapsed(first, at("1900-01-02T00:00Z")) == 8 * 3600
    with pytest.raises(NeverOpen):
        BERLIN.add(last, 3600)


def test_time_is_never_taken_away() -> None:
    with pytest.raises(ValueError, match="never taken away"):
        BERLIN.add(at("2026-01-01T00:00Z"), -1)
    assert BERLIN.elapsed(at("2026-03-06T12:00Z"), at("2026-03-06T10:00Z")) == 0


@pytest.mark.parametrize(
    ("hours", "tz", "holidays", "says"),
    [
        ({"mon": [["22:00", "06:00"]]}, "UTC", [], "write 22:00 to 24:00, and 00:00 to 06:00 on the next day"),
        ({"mon": [["09:00", "09:00"]]}, "UTC", [], "no time at all"),
        ({"mon": [["09:00", "25:00"]]}, "UTC", [], "write times as 09:00"),
        ({"mon": [["09:00", "24:30"]]}, "UTC", [], "write times as 09:00"),
        ({"mon": [["nine", "five"]]}, "UTC", [], "write times as 09:00"),
        ({"mon": [["٠٩:00", "17:00"]]}, "UTC", [], "write times as 09:00"),
        ({"mon": [["09:00"]]}, "UTC", [], "two times, from and to"),
        ({"mon": ["09:00-17:00"]}, "UTC", [], "two times, from and to"),
        ({"mon": [[9, 17]]}, "UTC", [], "write times as 09:00"),
        ({"mon": "09:00"}, "UTC", [], "list of periods"),
        ({"mon": None}, "UTC", [], "list of periods"),
        ({"Montag": [["09:00", "17:00"]]}, "UTC", [], "is not a day"),
        ([["09:00", "17:00"]], "UTC", [], "given by day"),
        (OFFICE, "Europe/Bielefeld", [], "is not a time zone"),
        (OFFICE, "../../etc/passwd", [], "is not a time zone"),
        (OFFICE, "", [], "is not a time zone"),
        (OFFICE, None, [], "is not a time zone"),
        (OFFICE, "UTC", ["2026-02-30"], "is not a date"),
        (OFFICE, "UTC", ["20261225"], "is not a date"),
        (OFFICE, "UTC", [20261225], "is not a date"),
        (OFFICE, "UTC", "2026-12-25", "list of dates"),
    ],
)
def test_what_is_wrong_is_said_in_words(hours: object, tz: object, holidays: object, says: str) -> None:
    errors = validate(hours, tz, holidays)
    assert len(errors) == 1
    assert says in errors[0]
    with pytest.raises(ValueError, match=r".") as refused:
        Hours(tz, hours, holidays)  # type: ignore[arg-type]
    assert str(refused.value) == errors[0]


# --- laws


MINUTES = st.integers(0, 24 * 60)
PERIODS = st.lists(st.tuples(MINUTES, MINUTES).filter(lambda p: p[0] < p[1]), max_size=3)
WEEKS = st.fixed_dictionaries({}, optional=dict.fromkeys(DAYS, PERIODS))
MOMENTS = st.datetimes(datetime(2010, 10, 1), datetime(2012, 2, 1)) | st.datetimes(  # noqa: DTZ001
    datetime(2026, 1, 1),  # noqa: DTZ001
    datetime(2026, 12, 1),  # noqa: DTZ001
)
LAWS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


def wall(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@st.composite
def calendars(draw: st.DrawFn) -> Hours:
    week = {day: [[wall(a), wall(b)] for a, b in periods] for day, periods in draw(WEEKS).items()}
    holidays = draw(st.sets(st.sampled_from(["2011-12-29", "2026-03-29", "2026-10-25", "2026-04-05"])))
    return Hours(draw(st.sampled_from(ZONES)), week, holidays)


@LAWS
@given(calendars(), st.lists(MOMENTS, min_size=3, max_size=3))
def test_two_stretches_make_the_whole(hours: Hours, moments: list[datetime]) -> None:
    a, b, c = sorted(m.replace(tzinfo=UTC) for m in moments)
    assert hours.elapsed(a, b) + hours.elapsed(b, c) == hours.elapsed(a, c)


@LAWS
@given(calendars(), MOMENTS, st.decimals(0, 500_000, places=6))
def test_what_was_added_has_elapsed(hours: Hours, moment: datetime, seconds: Decimal) -> None:
    assume(any(hours.hours.values()))
    start = moment.replace(tzinfo=UTC)
    due = hours.add(start, seconds)
    assert hours.elapsed(start, due) == seconds
    if seconds:  # and not a tick earlier
        assert hours.elapsed(start, due - TICK) == seconds - Decimal("0.000001")


@LAWS
@given(calendars(), MOMENTS, st.integers(0, 60))
def test_an_instant_is_open_exactly_when_the_wall_clock_says_so(hours: Hours, moment: datetime, minute: int) -> None:
    instant = moment.replace(tzinfo=UTC, second=0, microsecond=0) + timedelta(minutes=minute)
    local = instant.astimezone(ZoneInfo(hours.tz))
    shown = local.hour * 60 + local.minute
    periods = hours.hours.get(DAYS[local.weekday()], [])
    inside = any(_minute(a) <= shown < _minute(b) for a, b in periods)
    assert hours.is_open(instant) == (inside and local.date().isoformat() not in hours.holidays)


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(CHANGES), PERIODS)
def test_a_changing_day_agrees_with_counting_it_minute_by_minute(
    change: tuple[str, str, int], periods: list[tuple[int, int]]
) -> None:
    tz, day, _length = change
    hours = Hours(tz, {d: [[wall(a), wall(b)] for a, b in periods] for d in DAYS})
    begin = at(f"{day}T00:00Z") - timedelta(hours=20)
    minutes = [begin + timedelta(minutes=n) for n in range(48 * 60)]
    assert hours.elapsed(begin, begin + timedelta(hours=48)) == 60 * sum(map(hours.is_open, minutes))
