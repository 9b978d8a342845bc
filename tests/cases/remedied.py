"""Policies and what is made good by them, for tests."""

import uuid
from decimal import Decimal
from typing import Any

from cases.models import Case, Queue, RemedyAuthority, RemedyBudget, ServicePolicy
from cases.remedies import granting
from cases.remedies.granting import Wish
from crm.models import User

LATE = {
    "currency": "EUR",
    "inputs": [
        {"name": "impact", "label": "Impact", "kind": "choice",
         "options": [{"value": "small", "label": "a nuisance"}, {"value": "hard", "label": "work stood still"}]},
    ],
    "rows": [
        {"when": {"impact": ["small"]}, "remedy": "credit", "amount": {"base": "10"}, "words": "We are sorry."},
        {"when": {"impact": ["hard"]}, "remedy": "refund", "amount": {"base": "30", "step": "0.5", "most_times": "2"}},
    ],
}  # fmt: skip
BROKEN = {
    "currency": "EUR",
    "inputs": [{"name": "late", "label": "Minutes late", "kind": "number", "from": "minutes_late"}],
    "rows": [{"when": {}, "remedy": "credit", "amount": {"base": "5"}, "unasked": "promise_broken"}],
}


def make_policy(name: str = "Parcel late", table: dict[str, Any] | None = None, *queues: Queue) -> ServicePolicy:
    policy = ServicePolicy.objects.create(name=name)
    policy.queues.set(queues)
    policy.publish(table=table or LATE)
    return policy


def allow(role: str = "rep", **limits: Any) -> RemedyAuthority:
    return RemedyAuthority.objects.update_or_create(role=role, currency="EUR", defaults=limits)[0]


def budget(amount: Any, at: Any) -> RemedyBudget:
    return RemedyBudget.objects.create(month=at.date().replace(day=1), currency="EUR", amount=Decimal(amount))


def wish(impact: str = "small", **more: Any) -> Wish:
    return Wish(**{"given": {"impact": impact}, "key": uuid.uuid4(), **more})


def propose(case: Case, policy: ServicePolicy, by: User, impact: str = "small", **more: Any) -> Any:
    """In a session of its own: the case is read anew."""
    return granting.propose(Case.objects.get(pk=case.pk), policy, wish(impact, **more), by=by)
