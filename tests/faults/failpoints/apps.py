"""Steps of fetching at which this very process dies, as by kill -9."""

import os
import signal
from collections.abc import Callable
from typing import Any

from django.apps import AppConfig

_passed = [0]


class FailpointsConfig(AppConfig):
    name = "tests.faults.failpoints"

    def ready(self) -> None:
        from cases import mailboxes
        from cases.mail.imap import Line

        steps: dict[str, tuple[Any, str, bool]] = {
            "before store": (mailboxes.Visit, "_store", False),
            "after store": (mailboxes.Visit, "_store", True),
            "after row": (mailboxes.Visit, "_keep", True),
            "before mark seen": (Line, "mark_seen", False),
        }
        if step := os.environ.get("DIE_AT"):
            owner, name, after = steps[step]
            setattr(owner, name, _dying(getattr(owner, name), after=after))
        if os.environ.get("NO_IDLE"):
            Line.has_idle = property(lambda _self: False, lambda _self, _value: None)  # type: ignore[assignment]


def _dying(function: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    def dying(*args: Any, **kwargs: Any) -> Any:
        _passed[0] += 1
        last = _passed[0] >= int(os.environ["DIE_AFTER"])
        if last and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **kwargs)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return dying
