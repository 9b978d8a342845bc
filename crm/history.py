"""Before and after of configuration and personal fields, kept by database triggers in append-only tables."""

from collections.abc import Callable
from typing import Any

import pghistory


def tracked(*, exclude: list[str] | None = None) -> Callable[[Any], Any]:
    """Class decorator: every later change and deletion of a row keeps what stood there before."""
    return pghistory.track(pghistory.UpdateEvent(), pghistory.DeleteEvent(), exclude=exclude, append_only=True)  # type: ignore[no-any-return]
