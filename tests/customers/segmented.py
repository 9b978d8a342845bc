"""Segments as tests make them and look at them."""

from datetime import UTC, datetime
from typing import Any

from customers import segments
from customers.models import Segment, SegmentMember
from tests.cases.told import number_events

AT = datetime(2026, 5, 17, 12, 30, tzinfo=UTC)
GOLD = {"fact": "tier", "op": "is", "value": "gold"}
BUYS = {"count": "orders", "within_days": 30, "op": "at_least", "value": 2}


def segment(key: str, condition: Any, **more: Any) -> Segment:
    made = Segment.objects.create(key=key, name=key.title(), **more)
    made.publish(condition, at=AT)
    return made


def rows() -> dict[str, set[int]]:
    """Who is in which by the rows."""
    found: dict[str, set[int]] = {each.key: set() for each in Segment.objects.active()}
    for key, customer in SegmentMember.objects.values_list("segment__key", "customer_id"):
        found[key].add(customer)
    return found


def recomputed(at: datetime) -> dict[str, set[int]]:
    """Who is in which, asked of the database anew."""
    return {each.key: set(segments.members(each, at).values_list("pk", flat=True)) for each in Segment.objects.active()}


def keep_up(now: datetime) -> None:
    number_events()
    while segments.keep_up(now):
        pass
