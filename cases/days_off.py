"""Days on which a calendar is closed: what a country's law says, and what an iCalendar file says. Pure, and within bounds:
what comes in from outside is refused with a sentence that says what to do instead (docs/clocks.md)."""

import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

YEARS_BACK, YEARS_AHEAD = 5, 5  # of this year: clocks of imported histories, and the farthest target there may be
LARGEST_FILE = 256 * 1024
MOST_ENTRIES = 1000  # in one file
LONGEST = 366  # days of one entry
EARLIEST = 1970  # a repeated entry that began before is written anew by whoever keeps that file
REPEATS = ("YEARLY", "MONTHLY")
WITHIN_A_DAY = {"BYHOUR", "BYMINUTE", "BYSECOND"}
BUDGET = 3.0  # seconds of the processor for one file
NAME = 80  # characters of a day's name that are kept
Days = dict[str, str]  # ISO date → its name


class Unreadable(ValueError):
    """The file is no calendar we can take days from; the message says what to do."""


def span(this_year: int) -> range:
    """The years for which days are worked out."""
    return range(this_year - YEARS_BACK, this_year + YEARS_AHEAD + 1)


# --- by country


@cache
def _supported() -> dict[str, list[str]]:
    import holidays  # here, for it costs a start 30 ms and few processes need it

    return dict(holidays.list_supported_countries(include_aliases=False))


def countries() -> list[tuple[str, str]]:
    """Code and name of every country whose public holidays are known, by name."""
    return sorted(((code, country_name(code)) for code in _supported()), key=lambda pair: pair[1])


def country_name(code: str) -> str:
    """In the reader's language, as far as the tables of telephone numbers know it."""
    from phonenumbers.geodata.locale import LOCALE_DATA

    names = LOCALE_DATA.get(code, {})
    found = names.get((get_language() or "en")[:2], names.get("en", code))
    return str(names.get(found[1:], code) if found.startswith("*") else found)


def subdivisions(country: str) -> dict[str, str]:
    """Code → name of the states, provinces or regions that have holidays of their own."""
    import holidays

    if country not in _supported():
        return {}
    aliases = getattr(holidays.country_holidays(country), "subdivisions_aliases", {})
    named = {code: name for name, code in aliases.items()}
    return {code: named.get(code, code) for code in _supported()[country]}


def faults(country: object, subdivision: object) -> list[str]:
    """What is wrong with a choice of country, a sentence each."""
    if not country:
        return [_("A state or region needs its country.")] if subdivision else []
    if not isinstance(country, str) or country not in _supported():
        return [
            _("No public holidays are known of “%(code)s”. Use a code like DE or GB.") % {"code": str(country)[:20]}
        ]
    known = subdivisions(country)
    if not subdivision or subdivision in known:
        return []
    if not known:
        return [
            _("The public holidays of %(country)s are the same everywhere: leave the region empty.")
            % {"country": country_name(country)}
        ]
    listed = ", ".join(code if code == name else f"{code} ({name})" for code, name in known.items())
    return [
        _("“%(code)s” is no part of %(country)s. Use one of: %(known)s.")
        % {"code": str(subdivision)[:20], "country": country_name(country), "known": listed}
    ]


def public(country: str, subdivision: str, years: range, *, observed: bool) -> Days:
    """The public holidays of these years; `observed`: with the days off in place of those that fall on a weekend."""
    if not country:
        return {}
    import holidays

    languages = holidays.country_holidays(country).supported_languages
    language = "en_US" if "en_US" in languages else None
    found = holidays.country_holidays(
        country, subdiv=subdivision or None, years=years, observed=observed, language=language
    )
    return {day.isoformat(): name[:NAME] for day, name in sorted(found.items()) if day.year in years}


# --- from an iCalendar file


def read(raw: bytes, years: range) -> Days:
    """The days that the whole-day entries of an iCalendar file fall on in these years, with their names. Entries with a
    time of day, and cancelled ones, are no days off. Raises Unreadable."""
    if len(raw) > LARGEST_FILE:
        raise Unreadable(
            _("This file is larger than %(size)d kB. Export only the calendar of the holidays.")
            % {"size": LARGEST_FILE // 1024}
        )
    if b"BEGIN:VCALENDAR" not in raw.upper():
        raise Unreadable(_("This is no iCalendar file. Export the holidays as .ics, and choose that file."))
    try:
        return _read(raw.decode("utf-8-sig"), years)
    except Unreadable:
        raise
    except Exception as error:  # whatever a stranger's file does to the library is the file's fault
        raise Unreadable(
            _("This file is damaged, or not in the iCalendar format. Export it again, as UTF-8, and choose that file.")
        ) from error


def _read(text: str, years: range) -> Days:
    import recurring_ical_events  # here, as above
    from icalendar import Calendar

    calendar = Calendar.from_ical(text)
    _within_bounds(calendar.walk("VEVENT"))
    begin, end = date(years.start, 1, 1), date(years.stop, 1, 1)
    days: Days = {}
    until = time.thread_time() + BUDGET
    for series in _series(calendar):
        for entry in recurring_ical_events.of(series).between(begin, end):
            days |= {day: _name(entry) for day in _days(entry) if begin.isoformat() <= day < end.isoformat()}
        if time.thread_time() > until:
            raise Unreadable(_("This file takes too long to read. Leave out what is not a holiday."))
    return dict(sorted(days.items()))


def _series(calendar: Any) -> Iterator[Any]:
    """A calendar for each entry with all that repeats or changes it."""
    from icalendar import Calendar

    together: dict[str, Any] = {}
    for number, entry in enumerate(calendar.walk("VEVENT")):
        together.setdefault(str(entry.get("UID", number)), Calendar()).add_component(entry)
    yield from together.values()


def _within_bounds(entries: list[Any]) -> None:
    if not entries:
        raise Unreadable(_("There is no entry in this calendar. Choose a file with the holidays as whole-day entries."))
    if len(entries) > MOST_ENTRIES:
        raise Unreadable(
            _("There are more than %(count)d entries in this file. Export only the calendar of the holidays.")
            % {"count": MOST_ENTRIES}
        )
    for entry in entries:
        fault = _fault(entry)
        if fault:
            raise Unreadable(fault)


def _fault(entry: Any) -> str:
    """What makes an entry one that is not taken, in words."""
    start = entry.get("DTSTART")
    if start is None or not isinstance(getattr(start, "dt", None), date):
        return _("“%(name)s” has no day. Give it one, or leave it out.") % {"name": _name(entry)}
    rules = entry.get("RRULE") or []
    rules = rules if isinstance(rules, list) else [rules]
    parts = {str(part).upper() for rule in rules for part in rule}
    kinds = {str(kind).upper() for rule in rules for kind in rule.get("FREQ", [])}
    if kinds - set(REPEATS) or parts & WITHIN_A_DAY:
        return _("“%(name)s” repeats more often than once a month. Holidays come once a year: leave it out.") % {
            "name": _name(entry)
        }
    if rules and start.dt.year < EARLIEST:
        return _("“%(name)s” repeats since before %(year)d. Let it begin later.") % {
            "name": _name(entry),
            "year": EARLIEST,
        }
    return ""


def _days(entry: Any) -> Iterator[str]:
    """The days of one entry: those between its start and its end, which is the first day after it."""
    first, last = entry["DTSTART"].dt, entry["DTEND"].dt if "DTEND" in entry else None
    if str(entry.get("STATUS", "")).upper() == "CANCELLED" or not _is_whole(first):
        return
    first, last = _day(first), _day(last) if last is not None and _is_whole(last) else None
    count = max((last - first).days, 1) if last else 1
    if count > LONGEST:
        raise Unreadable(_("“%(name)s” lasts longer than a year. Leave it out.") % {"name": _name(entry)})
    yield from ((first + timedelta(days=n)).isoformat() for n in range(count))


def _is_whole(at: date) -> bool:
    """A day, or as some programs write it, the midnight it begins with."""
    return not isinstance(at, datetime) or (at.hour, at.minute, at.second) == (0, 0, 0)


def _day(at: date) -> date:
    return at.date() if isinstance(at, datetime) else at


def _name(entry: Any) -> str:
    return " ".join(str(entry.get("SUMMARY", "")).split())[:NAME]
