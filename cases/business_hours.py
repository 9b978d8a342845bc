"""Open time, exactly. Pure: instants in, instants or seconds out; nothing here knows the database or the present.

The one rule everything follows from: **an instant is open when the clock on the wall of the calendar's zone shows a
time within that weekday's periods, and the day is no holiday.** So a night of 23 or 25 hours counts what it really
lasts, an hour that happens twice is open twice, one that never happens is never open (docs/clocks.md).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_NAMES = {
    "mon": gettext_lazy("Monday"),
    "tue": gettext_lazy("Tuesday"),
    "wed": gettext_lazy("Wednesday"),
    "thu": gettext_lazy("Thursday"),
    "fri": gettext_lazy("Friday"),
    "sat": gettext_lazy("Saturday"),
    "sun": gettext_lazy("Sunday"),
}
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
TICK = timedelta(microseconds=1)
HORIZON = timedelta(days=366 * 50)  # how far a deadline may reach: no search runs for ever
LONGEST = timedelta(days=366 * 200)  # a stretch that is measured
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)  # what is dated before (by mistake, mostly) counts from here
ROUND_THE_CLOCK = {day: [["00:00", "24:00"]] for day in DAYS}

Stretch = tuple[datetime, datetime]
Periods = Mapping[str, Sequence[Sequence[str]]]


class NeverOpen(ValueError):
    """There is not that much open time ahead; the message says so."""


@dataclass(frozen=True, eq=False)
class Hours:
    """Opening hours of one place: zone, `{"mon": [["09:00", "17:00"]]}` in wall-clock times, ISO dates of holidays.

    Overlapping or touching periods count once. Raises ValueError with the first thing wrong (see `validate`).
    """

    tz: str
    hours: Periods
    holidays: Collection[str] = field(default=())

    def __post_init__(self) -> None:
        errors = validate(self.hours, self.tz, self.holidays, may_be_empty=True)
        if errors:
            raise ValueError(errors[0])

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.tz)

    @cached_property
    def _week(self) -> list[list[tuple[timedelta, timedelta]]]:
        return [_joined([(_wall(a), _wall(b)) for a, b in self.hours.get(day, ())]) for day in DAYS]

    @cached_property
    def _closed(self) -> frozenset[date]:
        return frozenset(date.fromisoformat(day) for day in self.holidays)

    @cached_property
    def is_round_the_clock(self) -> bool:
        return not self._closed and all(periods == [(timedelta(0), DAY)] for periods in self._week)

    def add(self, start: datetime, seconds: Decimal | float) -> datetime:
        """The instant by which `seconds` of open time have passed since `start`, exact to the microsecond.

        A deadline exactly on closing stays on closing; no time at all means `start`, or the next opening if closed.
        Raises NeverOpen when that lies beyond HORIZON or the calendar never opens, ValueError for negative seconds.
        """
        left = timedelta(microseconds=round(Decimal(str(seconds)) * 1_000_000))
        if left < timedelta(0):
            raise ValueError("open time is added, never taken away")
        start = max(start, EARLIEST)
        if left > HORIZON:
            raise NeverOpen(_("A target of more than fifty years is not a target."))
        if self.is_round_the_clock:
            return start + left
        for opens, closes in self.stretches(start, _later(start, HORIZON)):
            if left <= closes - opens:
                return opens + left
            left -= closes - opens
        raise NeverOpen(_("There is not enough open time in these hours to reach that target."))

    def elapsed(self, since: datetime, until: datetime) -> Decimal:
        """Seconds of open time between two instants, exact to the microsecond; 0 when `until` is not after `since`."""
        since = max(since, EARLIEST)
        if until <= since:
            return Decimal(0)
        if until - since > LONGEST:
            raise ValueError(_("These two times are more than two hundred years apart."))
        if self.is_round_the_clock:
            return _seconds(until - since)
        return _seconds(sum((closes - opens for opens, closes in self.stretches(since, until)), timedelta(0)))

    def is_open(self, at: datetime) -> bool:
        return any(self.stretches(at, at + TICK))

    def next_opening(self, at: datetime) -> datetime:
        """`at` itself when open, else the next instant that is. Raises NeverOpen."""
        return self.add(at, 0)

    def stretches(self, since: datetime, until: datetime) -> Iterator[Stretch]:
        """The open stretches between two instants, in order, as UTC; one may be cut in two at a midnight."""
        if not any(self._week):
            return
        begin, until = since.astimezone(UTC), until.astimezone(UTC)
        while begin < until:
            end = min(_later(begin, WEEK), until)
            for first, last, offset in _even(self._zone, begin, end):
                yield from self._open_within(first, last, offset)
            begin = end

    def _open_within(self, first: datetime, last: datetime, offset: timedelta) -> Iterator[Stretch]:
        """The open stretches of a span through which the zone's offset stands still, so that its wall clock runs evenly."""
        midnight = (first + offset).replace(hour=0, minute=0, second=0, microsecond=0) - offset
        while midnight < last:
            day = (midnight + offset).date()
            for opens, closes in () if day in self._closed else self._week[day.weekday()]:
                stretch = max(midnight + opens, first), min(midnight + closes, last)
                if stretch[0] < stretch[1]:
                    yield stretch
            midnight = _later(midnight, DAY)


def _even(zone: ZoneInfo, begin: datetime, end: datetime) -> list[tuple[datetime, datetime, timedelta]]:
    """The spans of constant offset that make up at most a week."""
    before, after = _offset(zone, begin), _offset(zone, end - TICK)
    if before == after:
        return [(begin, end, before)]
    early, late = begin, end - TICK
    while late - early > TICK:
        middle = early + (late - early) / 2
        early, late = (middle, late) if _offset(zone, middle) == before else (early, middle)
    return [(begin, late, before), *_even(zone, late, end)]


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _later(at: datetime, by: timedelta) -> datetime:
    """`at + by`, or the end of the calendar we can name."""
    last = datetime.max.replace(tzinfo=at.tzinfo) - 2 * DAY
    return at + by if at < last - by else max(last, at)


def _seconds(stretch: timedelta) -> Decimal:
    return Decimal(stretch // TICK) / 1_000_000


def _wall(text: str) -> timedelta:
    """ "17:30" as the time since midnight; "24:00" is the end of the day. Raises ValueError."""
    hour, minute = (_digits(part) for part in text.split(":"))
    if minute > 59 or hour > 24 or (hour == 24 and minute):
        raise ValueError(text)
    return timedelta(hours=hour, minutes=minute)


def _digits(text: str) -> int:
    if not (1 <= len(text) <= 2 and text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


def _joined(periods: list[tuple[timedelta, timedelta]]) -> list[tuple[timedelta, timedelta]]:
    """In order, with what overlaps or touches made one."""
    joined: list[tuple[timedelta, timedelta]] = []
    for opens, closes in sorted(periods):
        if joined and opens <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], closes)
        else:
            joined.append((opens, closes))
    return joined


# --- what is wrong with it, in words


def validate(hours: object, tz: object, holidays: object = (), *, may_be_empty: bool = False) -> list[str]:
    """Everything wrong with these opening hours, a sentence each; an empty list means they are good."""
    errors = [*_zone_errors(tz), *_hours_errors(hours), *_holiday_errors(holidays)]
    if not errors and not may_be_empty and isinstance(hours, Mapping) and not any(hours.values()):
        errors.append(_("These hours are never open. Give at least one day a period, like 09:00 to 17:00."))
    return errors


def _zone_errors(tz: object) -> list[str]:
    try:
        ZoneInfo(str(tz or "?"))
    except (OSError, ValueError, KeyError):
        return [_("“%(tz)s” is not a time zone. Write one like Europe/Berlin.") % {"tz": str(tz)[:80]}]
    return []


def _hours_errors(hours: object) -> list[str]:
    if not isinstance(hours, Mapping):
        return [_("Opening hours are given by day: mon, tue, wed, thu, fri, sat, sun.")]
    errors = [
        _("“%(day)s” is not a day. Use mon, tue, wed, thu, fri, sat, sun.") % {"day": str(day)[:40]}
        for day in hours
        if day not in DAYS
    ]
    return errors + [error for day in DAYS if day in hours for error in _day_errors(day, hours[day])]


def _day_errors(day: str, periods: object) -> list[str]:
    if isinstance(periods, str) or not isinstance(periods, Sequence):
        return [_("%(day)s needs a list of periods, each from and to.") % {"day": DAY_NAMES[day]}]
    return [error for error in (_period_error(day, period) for period in periods) if error]


def _period_error(day: str, period: object) -> str:
    words: dict[str, object] = {"day": DAY_NAMES[day]}
    if isinstance(period, str) or not isinstance(period, Sequence) or len(period) != 2:
        return _("%(day)s: a period has two times, from and to, like 09:00 and 17:00.") % words
    words |= {"opens": str(period[0])[:20], "closes": str(period[1])[:20]}
    try:
        opens, closes = _wall(str(period[0])), _wall(str(period[1]))
    except ValueError:
        return (
            _("%(day)s: write times as 09:00; 24:00 is the end of the day. “%(opens)s”, “%(closes)s” are not.") % words
        )
    if closes == opens:
        return _("%(day)s: %(opens)s to %(closes)s is no time at all.") % words
    if closes < opens:
        return (
            _(
                "%(day)s: %(closes)s comes before %(opens)s. For a night, write %(opens)s to 24:00, and 00:00 to %(closes)s on the next day."
            )
            % words
        )
    return ""


def _holiday_errors(holidays: object) -> list[str]:
    if isinstance(holidays, str) or not isinstance(holidays, Collection):
        return [_("Holidays are a list of dates, like 2026-12-25.")]
    return [
        _("“%(day)s” is not a date. Write holidays like 2026-12-25.") % {"day": str(day)[:40]}
        for day in holidays
        if not _is_iso_date(day)
    ]


def _is_iso_date(day: object) -> bool:
    try:
        return isinstance(day, str) and date.fromisoformat(day).isoformat() == day
    except ValueError:
        return False
