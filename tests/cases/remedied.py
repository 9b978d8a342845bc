"""Policies and what is made good by them, for tests."""

import uuid
from decimal import Decimal
from typing import Any

from django.utils import timezone

from cases.models import Case, Queue, Remedy, RemedyAuthority, RemedyBudget, ServicePolicy
from cases.remedies import granting
from cases.remedies.granting import Wish
from crm.models import User
from tests.builders import make_case, make_customer

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


def override(policy: ServicePolicy, queue: Queue, by: User, count: int) -> None:
    """So many times its first row was overridden for one reason, in cases that are over: 12 instead of 10."""
    now = timezone.now()
    told = {"row": 0, "computed": 10, "granted": 12, "currency": "EUR", "kind": "credit", "override_reason": "repeated"}
    for n in range(count):
        case = make_case(queue, customer=make_customer(f"Given {n}"), status="closed", resolved_at=now, closed_at=now)
        about = {"case": case, "customer": case.customer, "policy": policy, "policy_version": policy.current}
        Remedy.objects.create(**about, **told, state="paid", asked_by=by, decided_by=by, decided_at=now)
