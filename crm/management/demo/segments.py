"""Customers of Brightwave who have something in common: what supervisors say in conditions by one name."""

from typing import Any

from crm.models import User
from customers.models import Segment

# key → name, what it is for, condition
SEGMENTS: dict[str, tuple[str, str, Any]] = {
    "hub-5": (
        "Has a Hub 5",
        "Whom an update of the Hub 5 touches, and who may have a Hub 6 for it.",
        {"exists": "subscriptions", "where": {"all": [{"fact": "device", "op": "is", "value": "Hub 5"}]}},
    ),
    "five-years": (
        "With us for five years",
        "Whom we ask first, and show what is new before it is sold.",
        {"fact": "since", "op": "before", "value": {"days_ago": 365 * 5}},
    ),
    "line-and-sim": (
        "A line and a SIM, two bills",
        "Who could have both on one bill.",
        {"all": [
            {"fact": "products", "op": "has", "value": "broadband"},
            {"fact": "products", "op": "has", "value": "mobile"},
        ]},
    ),
    "loyal-and-not-waiting": (
        "Loyal, and waiting for nothing",
        "Whom news may be sent to: with us for five years, and no case of theirs is open.",
        {"all": [{"segment": "five-years"}, {"fact": "open_cases", "op": "is", "value": 0}]},
    ),
}  # fmt: skip


def publish(by: User) -> None:
    for key, (name, description, condition) in SEGMENTS.items():
        segment = Segment.objects.create(key=key, name=name, description=description, owner=by)
        segment.publish(condition, by=by)
