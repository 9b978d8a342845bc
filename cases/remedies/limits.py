"""How far somebody may go by themselves, and what is left of the month. Call under the locks of `granting`: what is counted
here must not change before it is used."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import QuerySet, Sum
from django.utils import timezone

from cases.models import Case, Remedy, RemedyAuthority, RemedyBudget
from crm.models import User
from crm.roles import ADMINISTRATOR, LEAD, REP, SUPERVISOR, roles_of

NO_AUTHORITY, PER_CASE, PER_DAY, PER_CUSTOMER, BUDGET = "no_authority", "per_case", "per_day", "per_customer", "budget"
_HIGHEST = (SUPERVISOR, LEAD, REP)
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Left:
    """What is left to somebody of each limit; None: no limit. `authority` is false where nothing is said of their role."""

    authority: bool
    per_case: Decimal | None = None
    per_day: Decimal | None = None
    per_customer: Decimal | None = None
    budget: Decimal | None = None

    @property
    def least(self) -> Decimal | None:
        """The most they may grant now by themselves; None: whatever it is."""
        if not self.authority:
            return Decimal(0)
        return min((left for left in self._all().values() if left is not None), default=None)

    def exceeded(self, amount: Decimal) -> list[str]:
        """The limits this amount is above, in enumerated words."""
        if not self.authority:
            return [NO_AUTHORITY]
        return [name for name, left in self._all().items() if left is not None and amount > left]

    def _all(self) -> dict[str, Decimal | None]:
        return {PER_CASE: self.per_case, PER_DAY: self.per_day, PER_CUSTOMER: self.per_customer, BUDGET: self.budget}


def left(user: User, case: Case, currency: str, at: datetime, *, but: int = 0) -> Left:
    """To this person, in this case; `but` is a remedy that is not counted, for it is the one decided about."""
    budget = left_of_month(currency, at, but=but)
    rule = authority(user, case.queue_id, currency)
    if rule is None:
        return Left(authority=False, budget=budget)
    granted = Remedy.objects.granted().filter(currency=currency).exclude(pk=but)
    day = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    return Left(
        authority=True,
        per_case=_less(rule.per_case, granted.filter(case=case)),
        per_day=_less(rule.per_day, granted.filter(decided_by=user, decided_at__gte=day)),
        per_customer=_less(rule.per_customer_year, granted.filter(customer=case.customer_id, decided_at__gt=at - YEAR)),
        budget=budget,
    )


def authority(user: User, queue: int, currency: str) -> RemedyAuthority | None:
    """Of their highest role in the queue. Administrators have what supervisors have."""
    held = {SUPERVISOR if role == ADMINISTRATOR else role for role in roles_of(user, queue)}
    role = next((role for role in _HIGHEST if role in held), None)
    return RemedyAuthority.objects.filter(role=role, currency=currency).first() if role else None


def left_of_month(currency: str, at: datetime, *, but: int = 0, locked: bool = False) -> Decimal | None:
    """What is left of the month's budget; None where there is none. `locked`: nobody else counts it until we are done, so
    that its last pound is given once."""
    month = month_of(at)
    rows = RemedyBudget.objects.filter(month=month, currency=currency)
    budget = (rows.select_for_update() if locked else rows).first()
    if budget is None:
        return None
    until = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    granted = Remedy.objects.granted().filter(currency=currency).exclude(pk=but)
    return _less(budget.amount, granted.filter(decided_at__gte=_midnight(month), decided_at__lt=_midnight(until)))


def month_of(at: datetime) -> date:
    return at.astimezone(timezone.get_default_timezone()).date().replace(day=1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_default_timezone())


def _less(limit: Decimal | None, granted: QuerySet[Remedy]) -> Decimal | None:
    if limit is None:
        return None
    return limit - (granted.aggregate(sum=Sum("granted"))["sum"] or Decimal(0))
