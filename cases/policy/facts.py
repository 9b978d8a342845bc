"""The facts a policy may go by without asking the rep: what happened, computed from what stands. A list, not whatever the
database holds: what a customer is worth, how they sound and how far they are heard is not on it and cannot get on it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Min
from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext_lazy as _

from cases.hooks import policy_facts
from cases.models import Case, Message, Promise, Remedy, ServicePolicy
from cases.policy.forbidden import speaks_of
from cases.policy.table import NO, NUMBER, YES, YES_NO, Input, Known, Table
from crm.models import Event
from customers import resting

YEAR = timedelta(days=365)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Occasion:
    """What is decided about: the case, the policy, and the broken promise where one is the cause."""

    case: Case
    policy: ServicePolicy
    at: datetime
    currency: str
    promise: Promise | None = None


@dataclass(frozen=True)
class PolicyFact:
    """One fact: `compute` gives a number (kind `number`), True or False (`yes_no`), or None where nobody can know; then
    the rep is asked. A plugin's may fail or take too long: it is unknown then, and its plugin rests (crm.hooks)."""

    name: str
    label: LazyText | str
    kind: str
    compute: Callable[[Occasion], Decimal | int | bool | None]
    of: str = ""  # the contribution of a plugin it is from
    rests: bool = False  # which does not answer just now


def known() -> dict[str, PolicyFact]:
    """Every fact by its name, those of plugins among them; one that speaks of what no policy may go by is left out."""
    found = {fact.name: fact for fact in _OURS}
    for fact in resting.gathered(policy_facts, _unknown):
        if speaks_of(fact.name, str(fact.label)) or fact.name in found or fact.kind not in {NUMBER, YES_NO}:
            log.warning("policy fact %s is left out: no policy may go by it, or it is there already", fact.name[:40])
        else:
            found[fact.name] = fact
    return found


def _unknown(fact: PolicyFact, _of: str) -> PolicyFact:
    """Its plugin does not answer just now: the rep is asked, and a table that goes by it is as right as it was."""
    return replace(fact, rests=True)


def of(table: Table, occasion: Occasion, given: Mapping[str, Known]) -> dict[str, Known]:
    """What is known for each input of the table: computed where it comes from a fact, else as it was given. An input that
    nobody has said yet is left out."""
    return told(table, occasion, given)[0]


def told(table: Table, occasion: Occasion, given: Mapping[str, Known]) -> tuple[dict[str, Known], frozenset[str]]:
    """The same, and of what is left out the inputs that may be known once their plugin answers."""
    facts, lost = known(), resting.is_silent(policy_facts)
    found: dict[str, Known] = {}
    later: set[str] = set()
    for each in table.inputs:
        fact = facts.get(each.source)
        value, fails = _computed(each, fact, occasion) if fact else (None, lost and not each.is_asked)
        value = given.get(each.name) if value is None else value
        if value is not None:
            found[each.name] = value
        elif fails:
            later.add(each.name)
    return found, frozenset(later)


def _computed(each: Input, fact: PolicyFact, occasion: Occasion) -> tuple[Known | None, bool]:
    """Its value as the table holds it, and whether its plugin failed to say."""
    if fact.rests:
        return None, True
    if not fact.of:
        return _held(each, fact.compute(occasion)), False
    filled = policy_facts.ask(fact.of, fact.compute, occasion)
    try:
        return _held(each, filled.value), bool(filled.failure)
    except (ArithmeticError, TypeError, ValueError):
        log.warning("policy fact %s: its plugin says %s, which is no value", fact.name, type(filled.value).__name__)
        return None, True


def prior(occasion: Occasion) -> int:
    """How many remedies this customer has had for the same within twelve months."""
    if occasion.case.customer_id is None:
        return 0
    same = Remedy.objects.granted().filter(customer=occasion.case.customer_id, policy=occasion.policy)
    return same.filter(asked_at__gt=occasion.at - YEAR, asked_at__lte=occasion.at).count()


def _held(each: Input, value: Decimal | int | bool | None) -> Known | None:
    """As the table holds it; a number beyond the input's bounds counts as the bound."""
    if value is None:
        return None
    if each.kind == NUMBER:
        number = max(Decimal(value), each.least)
        if not number.is_finite():
            raise ValueError(value)
        return number if each.most is None else min(number, each.most)
    return YES if value else NO


# --- ours


def _minutes_late(occasion: Occasion) -> int | None:
    """How long after its time the worst promise of the case was kept, or is still owed. None was broken: 0."""
    broken = [occasion.promise] if occasion.promise else occasion.case.promises.filter(state=Promise.State.BROKEN)
    return max((_late(promise, occasion) for promise in broken), default=0)


def _late(promise: Promise, occasion: Occasion) -> int:
    answers = Message.objects.filter(case=promise.case_id, direction="outbound", taken_back_at=None)
    answered = answers.filter(at__gte=promise.due_at).aggregate(first=Min("at"))["first"]
    return max(0, int(((answered or occasion.at) - promise.due_at).total_seconds() // 60))


def _broke(occasion: Occasion) -> bool:
    return occasion.promise is not None or occasion.case.promises.filter(state=Promise.State.BROKEN).exists()


def _reopened(occasion: Occasion) -> bool:
    return Event.objects.filter(stream="case", stream_id=occasion.case.pk, kind="reopened").exists()


def _price(occasion: Occasion) -> Decimal | None:
    """The price a month of the one thing they have. With several it is for the rep to say which."""
    if occasion.case.customer is None:
        return None
    held = occasion.case.customer.subscriptions.filter(status="active", currency=occasion.currency)
    prices = list(held.values_list("price", flat=True)[:2])
    return prices[0] if len(prices) == 1 else None


def _days_open(occasion: Occasion) -> int:
    return max(0, (occasion.at - occasion.case.opened_at).days)


_OURS = (
    PolicyFact("prior_remedies", _("remedies for the same in twelve months"), NUMBER, prior),
    PolicyFact("minutes_late", _("minutes a promise of ours was late"), NUMBER, _minutes_late),
    PolicyFact("promise_broken", _("whether we broke a promise in the case"), YES_NO, _broke),
    PolicyFact("reopened", _("whether the case had to be opened again"), YES_NO, _reopened),
    PolicyFact("days_open", _("days since the case was opened"), NUMBER, _days_open),
    PolicyFact("plan_price", _("price a month of what they have"), NUMBER, _price),
)
