"""The last ticks a hub keeps: bounded by their number of events and by what was rendered of them."""

from types import SimpleNamespace
from typing import Any, cast

from crm.live.recent import MOST_BYTES, MOST_EVENTS, Recent, Tick


def tick(before: int, events: int, size: int = 0) -> Tick:
    made = Tick(before, cast(Any, [SimpleNamespace(pos=before + n + 1, via="person") for n in range(events)]))
    made.parts["queue.1", "en"] = {cast(Any, ("queue.1", "row")): b"x" * size}
    return made


def test_a_short_absence_is_answered_from_the_last_ticks() -> None:
    recent = Recent()
    for n in range(10):
        recent.add(tick(n * 2, 2))
    assert [t.before for t in recent.after(15) or []] == [14, 16, 18]
    assert recent.after(20) == []


def test_what_is_kept_is_bounded_by_events() -> None:
    recent = Recent()
    for n in range(30):
        recent.add(tick(n * 100, 100))
    assert recent.after(3000 - MOST_EVENTS) is not None
    assert recent.after(3000 - MOST_EVENTS - 1) is None


def test_what_is_kept_is_bounded_by_bytes_and_the_newest_always_stays() -> None:
    recent = Recent()
    for n in range(10):
        recent.add(tick(n, 1, MOST_BYTES // 4))
    assert recent.after(5) is None
    assert len(recent.after(6) or []) == 4
    recent.add(tick(10, 1, MOST_BYTES * 2))
    assert recent.after(9) is None
    assert len(recent.after(10) or []) == 1
