"""What makes routing look at once: a case that may need hands now, hands that may be free now. It only wakes (crm.events);
whatever it misses is found by the sweep within a second."""

import time
from typing import Any

from cases import desks
from crm.events import happened
from crm.jobs import nudge
from crm.models import Event

SWEEP = "cases.routing"
KNOWN_FOR = 5.0  # seconds for which it is remembered whether any queue gives out cases: most houses' do not
KINDS = frozenset({
    "opened", "released", "reopened", "woken", "transferred", "status_changed", "resolved", "closed", "marked_spam",
    "merged", "unmerged", "snoozed", "answer_released", "reply_released", "message_received", "tagged",
    "presence_changed", "queue_changed", "member_set", "skills_set",
})  # fmt: skip
_known: tuple[float, bool] = (0.0, False)


def wake(sender: object, event: Event, **_told: Any) -> None:
    if event.kind in KINDS and _is_wanted(event):
        nudge(SWEEP)


def _is_wanted(event: Event) -> bool:
    global _known
    asked_at, wanted = _known
    if event.kind == "queue_changed" or time.monotonic() - asked_at > KNOWN_FOR:
        wanted = bool(desks.rules())
        _known = (time.monotonic(), wanted)
    return wanted


happened.connect(wake, dispatch_uid="cases.routing")
