"""How feelings change, told to people: a line a queue, with its interval and with what it takes until it says anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from cases.models import Queue

if TYPE_CHECKING:
    from cases.sentiment.change import Change

SPAN = timedelta(days=90)
FRESH = timedelta(minutes=10)  # so old may be what a process tells
_told: dict[tuple[int, ...], tuple[datetime, "list[Change]"]] = {}


@dataclass(frozen=True)
class Line:
    """Of one queue: the figure (empty where nothing can be told), what it says, and its tone."""

    queue: Queue
    cases: int
    figure: str
    said: str
    tone: str = ""


def lines(queues: Sequence[Queue], now: datetime) -> list[Line]:
    """Of the last ninety days; the same figures as `measures/sentiment/`."""
    from cases.sentiment.change import Change  # brings libraries that only this needs

    found = {each.queue: each for each in _changes(tuple(queue.pk for queue in queues), now)}
    return [_line(queue, found.get(queue.pk, Change(queue.pk, 0))) for queue in queues]


def _changes(queues: tuple[int, ...], now: datetime) -> "list[Change]":
    from cases.sentiment import change

    at, kept = _told.get(queues, (now - 2 * FRESH, []))
    if now - at < FRESH:
        return kept
    found = change.changes(change.talks(queues, now - SPAN, now))
    if len(_told) >= 100:
        _told.clear()
    _told[queues] = (now, found)
    return found


def _line(queue: Queue, found: "Change") -> Line:
    if found.change is None or found.low is None or found.high is None:
        return Line(queue, found.cases, "", few(found.cases))
    between = _("From %(count)d cases; with 95 %% confidence between %(low)s and %(high)s.") % {
        "count": found.cases,
        "low": signed(found.low),
        "high": signed(found.high),
    }
    tone = "ok" if found.low > 0 else "red" if found.high < 0 else ""
    words = {"ok": _("better"), "red": _("worse"), "": _("no change that can be told from chance")}[tone]
    return Line(queue, found.cases, signed(found.change), f"{words}. {between}", tone)


def few(count: int) -> str:
    from cases.sentiment.change import FEWEST

    said = _("Not enough data: %(fewest)d cases are needed in which both are known. There are %(count)d.")
    return said % {"fewest": FEWEST, "count": count}


def signed(value: float) -> str:
    shown = round(value, 2)
    told = number_format(f"{abs(shown):.2f}")
    return f"−{told}" if shown < 0 else f"+{told}" if shown > 0 else told


def forget() -> None:
    """Ask anew at the next look, in this process."""
    _told.clear()
