"""Configuration and personal fields as they were, kept by database triggers in append-only tables."""

from collections.abc import Callable
from typing import Any

import pghistory

BEFORE = "before"  # rows of this label hold what stood there before a change, others what stood there after it


def tracked(*, exclude: list[str] | None = None, before: bool = False) -> Callable[[Any], Any]:
    """Class decorator: every later change and deletion of a row is kept: what it became, or (`before`) what it had been,
    so that with the row itself no value is missing."""
    update = pghistory.UpdateEvent(BEFORE, row="OLD") if before else pghistory.UpdateEvent()
    return pghistory.track(update, pghistory.DeleteEvent(), exclude=exclude, append_only=True)  # type: ignore[no-any-return]
