"""Lengths of time and days in filters: `<2h`, `>1d`, `today`, `>=2026-01-01`, `2026-01-01..2026-02-01`. Pure."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from django.utils.translation import gettext as _

_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LENGTH = re.compile(r"(\d{1,5})\s?(min|m|h|d|w)")
_SIGN = re.compile(r"(<=|>=|<|>)?(.+)")
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
LONGEST = timedelta(days=36_500)


class NotASpan(ValueError):
    """It is no length of time and no day; the text says what to type."""


@dataclass(frozen=True)
class Span:
    """From `since` on and before `until`; None: without an end on that side."""

    since: datetime | None = None
    until: datetime | None = None

    def on(self, column: str) -> dict[str, datetime]:
        """As conditions on a column."""
        bounds = {f"{column}__gte": self.since, f"{column}__lt": self.until}
        return {name: at for name, at in bounds.items() if at is not None}


def ahead(text: str, at: datetime, zone: tzinfo) -> Span:
    """What lies before us: `<2h` is due within two hours or overdue, `>1d` later than that. Raises NotASpan."""
    return _span(text, at, zone, 1)


def ago(text: str, at: datetime, zone: tzinfo) -> Span:
    """What lies behind us: `>7d` is longer ago than seven days, `<7d` not as long. Raises NotASpan."""
    return _span(text, at, zone, -1)


def _span(text: str, at: datetime, zone: tzinfo, way: int) -> Span:
    given = text.strip().lower()
    first, dots, last = given.partition("..")
    if dots:
        return Span(_day(first, at, zone), _after(_day(last, at, zone)))
    sign, what = _SIGN.fullmatch(given).groups() if given else ("", "")  # type: ignore[union-attr] # it matches anything
    length = _length(what)
    if length is not None:
        return _by_length(sign or "<", at + way * length, way)
    return _by_day(sign, _day(what, at, zone))


def _length(text: str) -> timedelta | None:
    match = _LENGTH.fullmatch(text)
    return min(timedelta(**{_UNITS[match[2]]: int(match[1])}), LONGEST) if match else None


def _by_length(sign: str, moment: datetime, way: int) -> Span:
    """Shorter is nearer: ahead of us that is earlier, behind us later."""
    return Span(until=moment) if ("<" in sign) == (way > 0) else Span(since=moment)


def _by_day(sign: str | None, day: datetime) -> Span:
    bounds = {
        "<": Span(until=day),
        "<=": Span(until=_after(day)),
        ">": Span(since=_after(day)),
        ">=": Span(since=day),
    }
    return bounds.get(sign or "", Span(day, _after(day)))


def _day(text: str, at: datetime, zone: tzinfo) -> datetime:
    """When a day begins where the person is."""
    if text in _DAYS:
        day = at.astimezone(zone).date() + timedelta(days=_DAYS[text])
    else:
        day = _date(text)
    return datetime.combine(day, time(), zone)


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 1970 <= day.year <= 2200:
        raise NotASpan(
            _("“%(text)s” is no time. Type a length (30m, 2h, 1d, 2w), today, or a day as 2026-01-31.") % {"text": text}
        )
    return day


def _after(day: datetime) -> datetime:
    """When the next day begins: nights may have 23 or 25 hours of their own."""
    return datetime.combine(day.date() + timedelta(days=1), time(), day.tzinfo)
