"""One line of time for a customer, out of what every app has to say (the `timeline` hook)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from crm.models import User
from customers.hooks import Entry, timeline, timeline_kinds
from customers.models import Customer

PAGE = 30
_MOST = 2000  # entries of one app looked at for one page


@dataclass(frozen=True)
class Page:
    """Entries newest first; `before` asks for the next page, None at the beginning of time."""

    entries: list[Entry]
    before: datetime | None

    @property
    def until(self) -> datetime | None:
        """The moment this page reaches down to."""
        return self.entries[-1].at if self.entries else None


def kinds() -> list[tuple[str, Any]]:
    """The filters: (kind, words), each kind once."""
    return list(dict(chain.from_iterable(timeline_kinds.collect())).items())


def page(customer: Customer, user: User, before: datetime, *, kind: str = "", size: int = PAGE) -> Page:
    """The newest `size` entries strictly before `before`; entries of one moment are never torn apart.

    An app that filled its limit may know more of the same moment, so only what lies above every such last moment is
    sure; when that is nothing (hundreds of entries of one moment, out of an import) more is asked for."""
    limit = size + 1
    while True:
        parts = timeline.collect(customer, user, before, limit, kind)
        sure, floor = _sure(parts, limit)
        if sure or floor is None or limit >= _MOST:
            return _cut(sure, floor, size)
        limit = min(limit * 4, _MOST)


def _sure(parts: Sequence[Sequence[Entry]], limit: int) -> tuple[list[Entry], datetime | None]:
    floor = max((part[-1].at for part in parts if len(part) >= limit), default=None)
    found = [e for part in parts for e in part if floor is None or e.at > floor or limit >= _MOST]
    return sorted(found, key=lambda e: e.at, reverse=True), floor


def _cut(sure: list[Entry], floor: datetime | None, size: int) -> Page:
    shown = sure[:size]
    while len(shown) < len(sure) and sure[len(shown)].at == shown[-1].at:
        shown.append(sure[len(shown)])
    is_more = floor is not None or len(shown) < len(sure)
    return Page(shown, shown[-1].at if shown and is_more else None)


def down_to(customer: Customer, user: User, now: datetime, to: datetime, *, kind: str = "", most: int = 200) -> Page:
    """What a page that reaches down to the moment `to` shows now: its own entries and those that came since."""
    found = page(customer, user, now, kind=kind, size=most)
    shown = [e for e in found.entries if e.at >= to]
    is_more = len(shown) < len(found.entries) or found.before is not None
    return Page(shown, shown[-1].at if shown and is_more else None)
