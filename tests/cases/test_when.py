"""Times as people type them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from cases.when import NotATime, parse

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 4, 1, 14, 3, tzinfo=LONDON)  # a Wednesday


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("today 17:00", "2026-04-01T17:00"),
        ("today", "2026-04-01T17:00"),
        ("Today at 5pm", "2026-04-01T17:00"),
        ("tomorrow 9:30", "2026-04-02T09:30"),
        ("tomorrow", "2026-04-02T17:00"),
        ("morgen 9.30", "2026-04-02T09:30"),
        ("mañana 9:30", "2026-04-02T09:30"),
        ("in 2 h", "2026-04-01T16:03"),
        ("2h", "2026-04-01T16:03"),
        ("in 45 min", "2026-04-01T14:48"),
        ("in 1.5 hours", "2026-04-01T15:33"),
        ("in 3 days", "2026-04-04T14:03"),
        ("in 2 weeks", "2026-04-15T14:03"),
        ("in 2 Stunden", "2026-04-01T16:03"),
        ("fri 14", "2026-04-03T14:00"),
        ("Friday 14:00", "2026-04-03T14:00"),
        ("wed 9:00", "2026-04-08T09:00"),
        ("17:00", "2026-04-01T17:00"),
        ("9:30", "2026-04-02T09:30"),
        ("12am", "2026-04-02T00:00"),
        ("2026-04-01 18:00", "2026-04-01T18:00"),
        ("2026-04-02T09:00", "2026-04-02T09:00"),
        ("2026-04-05", "2026-04-05T17:00"),
    ],
)
def test_what_people_type_is_the_moment_they_mean(typed: str, meant: str) -> None:
    assert parse(typed, now=NOW) == datetime.fromisoformat(meant).replace(tzinfo=LONDON)


@pytest.mark.parametrize("typed", ["", "soon", "25:00", "in x h", "2026-13-01", "today 99", "13pm", "99999999 d", "—"])
def test_what_is_no_time_says_what_to_type(typed: str) -> None:
    with pytest.raises(NotATime, match="today 17:00"):
        parse(typed, now=NOW)


@pytest.mark.parametrize("typed", ["today 9:00", "2026-03-31 10:00", "in 0 min"])
def test_a_time_that_has_passed_is_refused(typed: str) -> None:
    with pytest.raises(NotATime, match="already passed"):
        parse(typed, now=NOW)


def test_a_time_in_another_decade_is_a_slip() -> None:
    with pytest.raises(NotATime, match="two years"):
        parse("2036-04-01", now=NOW)


def test_a_day_is_the_same_hour_of_the_clock_over_the_night_the_clocks_change() -> None:
    before = datetime(2026, 10, 24, 12, 0, tzinfo=LONDON)
    assert parse("in 1 day", now=before).isoformat() == "2026-10-25T12:00:00+00:00"
    assert parse("tomorrow 9:00", now=before).isoformat() == "2026-10-25T09:00:00+00:00"


def test_an_offset_in_an_iso_time_is_kept() -> None:
    assert parse("2026-04-01T18:00+02:00", now=NOW).utcoffset().total_seconds() == 7200  # type: ignore[union-attr]
