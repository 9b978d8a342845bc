"""What is owed without anybody asking: a promise of ours was broken, and a row of a policy pays for that. Whoever complains
must not be better off than whoever does not. The customer hears nothing of it by itself: the rep sees it in the case."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from cases import transitions
from cases.models import Case, Entitlement, Promise, Remedy, ServicePolicy
from cases.policy import amounts, facts
from cases.policy.table import PROMISE_BROKEN
from cases.remedies import limits, quoting
from cases.remedies.deciders import answer_by
from cases.remedies.granting import lock_case, tell_begun
from crm.database.deadlocks import transacted
from crm.hooks import REST

BATCH = 100
LOOKED_BACK = timedelta(days=30)
State, Outcome = Remedy.State, Entitlement.Outcome


def grant_due(now: datetime) -> int:
    """Look at each promise broken since a policy pays for that, once a policy; how many were looked at."""
    paying = ServicePolicy.objects.filter(is_active=True, unasked_since__isnull=False, current__isnull=False)
    return sum(_of(policy, now) for policy in paying.select_related("current").order_by("pk"))


def _of(policy: ServicePolicy, now: datetime) -> int:
    found = _broken(policy, now).order_by("due_at", "pk").values_list("pk", flat=True)[:BATCH]
    return sum(transacted(lambda pk=pk: _look_at(policy, pk, now)) for pk in list(found))  # type: ignore[misc]


def _broken(policy: ServicePolicy, now: datetime) -> QuerySet[Promise]:
    looked_at = Entitlement.objects.filter(policy=policy, promise=OuterRef("pk"))
    looked_at = looked_at.exclude(outcome=Outcome.WAITS, at__lte=now)
    since = max(policy.unasked_since or now, now - LOOKED_BACK)
    rows = Promise.objects.filter(state=Promise.State.BROKEN, settled_at__gte=since, case__customer__isnull=False)
    rows = rows.exclude(case__status__in=[transitions.SPAM, transitions.MERGED])
    queues = list(policy.queues.values_list("pk", flat=True))
    if queues:
        rows = rows.filter(case__queue__in=queues)
    return rows.filter(~Exists(looked_at))


def _look_at(policy: ServicePolicy, pk: int, now: datetime) -> int:
    """Under the locks of granting: whatever comes of it, a row says that it was looked at, and there is one a promise."""
    case = Case.objects.get(promises=pk)
    lock_case(case)
    promise = Promise.objects.filter(pk=pk, case=case, state=Promise.State.BROKEN).first()
    if promise is None:
        return 0
    rows = Entitlement.objects.filter(policy=policy, promise=promise)
    seen = rows.first() or Entitlement(policy=policy, promise=promise, outcome=Outcome.WAITS, at=now)
    if seen.outcome != Outcome.WAITS or seen.at > now:
        return 0
    seen.outcome, seen.at = Outcome.NOTHING, now
    _grant(seen, case, now)
    seen.save()
    return 1


def _grant(seen: Entitlement, case: Case, now: datetime) -> None:
    policy = seen.policy
    version = policy.current
    if version is None:
        return
    if Remedy.objects.standing().filter(policy=policy, unasked=False, case__in=quoting.family(case)).exists():
        seen.outcome = Outcome.GIVEN
        return
    occasion = facts.Occasion(case=case, policy=policy, at=now, currency=version.read.currency, promise=seen.promise)
    (known, later), prior = facts.told(version.read, occasion, {}), facts.prior(occasion)
    decision = amounts.decide_unasked(version.read, known, PROMISE_BROKEN, prior=prior)
    if decision is None and later & amounts.read_unasked(version.read, PROMISE_BROKEN):
        seen.outcome, seen.at = Outcome.WAITS, now + _pause(seen.promise, now)
    if decision is None or (decision.amount == 0 and decision.row.remedy != Remedy.Kind.REPLACEMENT):
        return
    kept: dict[str, Any] = {name: str(value) for name, value in known.items()} | {"prior": prior}
    seen.remedy = _written(case, policy, decision, kept, now)
    seen.outcome = Outcome.GRANTED


def _pause(promise: Promise, now: datetime) -> timedelta:
    """Until a plugin is asked again what it did not answer: as it rests, and longer the longer it has been so."""
    waited = now - (promise.settled_at or now)
    return min(max(timedelta(seconds=REST), waited / 8), timedelta(days=1))


@transaction.atomic
def _written(
    case: Case, policy: ServicePolicy, decision: amounts.Decision, known: dict[str, Any], now: datetime
) -> Remedy:
    """Nobody’s authority is used, for nobody decides; the month’s budget is, and above it somebody must."""
    version = policy.current
    assert version is not None  # noqa: S101 - for the type checker; the callers looked
    assert case.customer_id is not None  # noqa: S101
    left = limits.left_of_month(version.read.currency, now, locked=True)
    needs = [limits.BUDGET] if left is not None and decision.amount > max(left, Decimal(0)) else []
    remedy = Remedy.objects.create(
        case=case,
        customer_id=case.customer_id,
        policy=policy,
        policy_version=version,
        row=decision.place,
        facts=known,
        computed=decision.amount,
        granted=decision.amount,
        currency=version.read.currency,
        kind=decision.row.remedy,
        needs=needs,
        state=State.WAITING if needs else State.APPROVED,
        unasked=True,
        asked_at=now,
        decided_at=None if needs else now,
        answer_by=answer_by(case, now) if needs else None,
        due_at=now,
    )
    tell_begun(remedy, case, by=None, at=now, via="system")
    return remedy
