"""What waits for approval, and is not answered in time: the customer waits with it. It is raised once, to one person by name
who has the authority; whoever asked reads what they may give at once by themselves (docs/policies.md)."""

from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from cases.models import Case, Presence, QueueMembership, Remedy
from cases.policy.amounts import CENT
from cases.remedies import granting, limits
from cases.remedies.deciders import DECIDING
from cases.remedies.quoting import CLOSE
from crm.database.deadlocks import transacted
from crm.models import User

BATCH = 100


def raise_due(now: datetime) -> int:
    """Raise what nobody decided about in time; how many were. Once each: under the remedy's lock it is looked at again."""
    late = Remedy.objects.waiting().filter(answer_by__lte=now, raised_at=None).order_by("answer_by", "pk")
    return sum(transacted(lambda pk=pk: _raise(pk, now)) for pk in list(late.values_list("pk", flat=True)[:BATCH]))  # type: ignore[misc]


def _raise(pk: int, now: datetime) -> int:
    case, remedy = granting.taken(Remedy.objects.get(pk=pk))
    if remedy.state != Remedy.State.WAITING or remedy.raised_at is not None:
        return 0
    remedy.raised_at, remedy.raised_to = now, next_one(remedy, case, now)
    remedy.save(update_fields=["raised_at", "raised_to"])
    people, reason = ([remedy.raised_to.pk], "") if remedy.raised_to else ([], "nobody")
    told = granting.about(remedy) | {"people": people, "asker": remedy.asked_by_id}
    case.record("remedy_raised", by=None, at=now, via="clock", reason=reason, **told)
    return 1


def next_one(remedy: Remedy, case: Case, at: datetime) -> User | None:
    """Whose authority holds for this, but whoever asked: of those who are at their desk first, in the order of DECIDING,
    administrators last. The month's budget is not asked: who may grant it sees that it is used up, and may raise it."""
    asked = (user for user in _candidates(case, but=remedy.asked_by_id) if _has_authority(user, remedy, case, at))
    return next(asked, None)


def _candidates(case: Case, *, but: int | None) -> list[User]:
    rows = QueueMembership.objects.filter(queue=case.queue_id, role__in=DECIDING, user__is_active=True)
    ranked = {row.user: DECIDING.index(QueueMembership.Role(row.role)) for row in rows.select_related("user")}
    for user in User.objects.filter(is_active=True, role=User.Role.ADMINISTRATOR):
        ranked.setdefault(user, len(DECIDING))
    here = set(Presence.objects.here().filter(user__in=ranked).values_list("user", flat=True))
    return sorted((user for user in ranked if user.pk != but), key=lambda u: (u.pk not in here, ranked[u], u.pk))


def _has_authority(user: User, remedy: Remedy, case: Case, at: datetime) -> bool:
    left = limits.left(user, case, remedy.currency, at, but=remedy.pk)
    return not {*left.exceeded(remedy.granted)} - {limits.BUDGET}


def at_once(remedy: Remedy, user: User, at: datetime) -> Decimal:
    """The most this person may grant by themselves instead of it: within their authority, and as near to the table as nobody
    need approve. 0: nothing, also where what is left to them is so little that it would be far from the table."""
    left = limits.left(user, remedy.case, remedy.currency, at, but=remedy.pk).least
    near = remedy.computed * (1 + CLOSE)
    most = (near if left is None else min(near, left)).quantize(CENT, ROUND_DOWN)
    return most if most > 0 and most >= remedy.computed * (1 - CLOSE) else Decimal(0)
