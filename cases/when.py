"""Times as people type them: "today 17:00", "tomorrow 9:30", "in 2 h", "fri 14", "2026-04-01 12:00". Pure."""

import re
from datetime import date, datetime, time, timedelta

from django.utils.translation import gettext as _

END_OF_DAY = time(17, 0)  # a day without an hour means by the end of the working day
FARTHEST = timedelta(days=366 * 2)

_DAYS = {
    "today": 0, "tonight": 0, "heute": 0, "hoy": 0,
    "tomorrow": 1, "tmr": 1, "tmrw": 1, "morgen": 1, "mañana": 1, "manana": 1,
    "übermorgen": 2, "pasado": 2,
}  # fmt: skip
_WEEKDAYS = {
    "mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6,
    "mo": 0, "di": 1, "mi": 2, "do": 3, "fr": 4, "sa": 5, "so": 6,
    "lun": 0, "mar": 1, "mié": 2, "mie": 2, "jue": 3, "vie": 4, "sáb": 5, "sab": 5, "dom": 6,
}  # fmt: skip
_IN = re.compile(
    r"(?:in|en|dentro de)?\s*(\d{1,4}(?:[.,]\d)?)\s*"
    r"(m|min|mins|minutes?|minuten|minutos?|h|hr|hrs|hours?|stunden?|std|horas?|d|days?|tage?n?|días?|dias?|w|weeks?|wochen?)\.?"
)
_CLOCK = re.compile(r"(?:at|um|a las|by|bis)?\s*(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm|uhr|h)?")
_ISO_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[t ]+(.+))?")


class NotATime(ValueError):
    """The words are no time we understand, or one that has passed; the text says what to type."""


def parse(text: str, *, now: datetime) -> datetime:
    """The moment `text` names, in the zone of the aware `now`, always later than `now`.

    A bare hour that has passed today means tomorrow; a day without an hour means 17:00. Raises NotATime."""
    words = " ".join(text.casefold().split())
    found = _duration(words, now) or _iso(words, now) or _day(words, now) or _bare_clock(words, now)
    if found is None:
        raise NotATime(_("“%(text)s” is no time. Type “today 17:00”, “tomorrow 9:30”, “in 2 h”.") % {"text": text})
    if found <= now:
        raise NotATime(_("That has already passed. Choose a later time."))
    if found - now > FARTHEST:
        raise NotATime(_("That is more than two years away. Check the date."))
    return found


def _duration(words: str, now: datetime) -> datetime | None:
    match = _IN.fullmatch(words)
    if not match:
        return None
    amount, unit = float(match[1].replace(",", ".")), match[2]
    if unit.startswith("m"):
        return now + timedelta(minutes=amount)
    if unit.startswith(("h", "st")):
        return now + timedelta(hours=amount)
    # Days are days of the calendar: the same hour of the clock, whatever the night did to it.
    later = now.replace(tzinfo=None) + timedelta(days=amount * (7 if unit.startswith("w") else 1))
    return later.replace(tzinfo=now.tzinfo)


def _iso(words: str, now: datetime) -> datetime | None:
    match = _ISO_DAY.fullmatch(words)
    if not match:
        return None
    try:
        exact = datetime.fromisoformat(words.upper()) if match[2] else None
        day = date.fromisoformat(match[1])
    except ValueError:
        return None
    if exact:
        return exact if exact.tzinfo else exact.replace(tzinfo=now.tzinfo)
    return datetime.combine(day, END_OF_DAY, now.tzinfo)


def _day(words: str, now: datetime) -> datetime | None:
    name, _space, rest = words.partition(" ")
    day = _named_day(name.rstrip(",."), now.date())
    if day is None:
        return None
    clock = END_OF_DAY if not rest else _clock(rest)
    return datetime.combine(day, clock, now.tzinfo) if clock else None


def _named_day(name: str, today: date) -> date | None:
    if name in _DAYS:
        return today + timedelta(days=_DAYS[name])
    weekday = _WEEKDAYS.get(name, _WEEKDAYS.get(name[:3]) if name.isalpha() and len(name) > 4 else None)
    if weekday is None:
        return None
    return today + timedelta(days=(weekday - today.weekday()) % 7 or 7)


def _bare_clock(words: str, now: datetime) -> datetime | None:
    clock = _clock(words)
    if clock is None:
        return None
    today = datetime.combine(now.date(), clock, now.tzinfo)
    return today if today > now else datetime.combine(now.date() + timedelta(days=1), clock, now.tzinfo)


def _clock(words: str) -> time | None:
    match = _CLOCK.fullmatch(words)
    if not match:
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    if match[3] in {"am", "pm"}:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match[3] == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None
