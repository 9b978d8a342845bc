"""Granting a remedy: at once where the table says it and one's authority holds, else by somebody who leads.

Locks are taken in one order everywhere: the person (their day), the customer (their year), the case, the month's budget, the
remedy. Under them limits are counted and used in one breath, so that two at once cannot both have the last of anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from cases import transitions
from cases.models import Case, Remedy, ServicePolicy
from cases.models.refusals import Refusal
from cases.policy import words
from cases.policy.table import NONE
from cases.remedies import alike, limits, quoting
from cases.remedies.deciders import answer_by, deciders
from cases.remedies.quoting import CLOSE, DEVIATION, Quote
from crm.database.deadlocks import transacted
from crm.models import User
from customers.folding import clean
from customers.models import Customer

State, Why = Remedy.State, Remedy.Why


@dataclass(frozen=True)
class Wish:
    """What somebody wants granted. Without `amount` and `kind`: what the table gives. `version` as it was looked at: a
    table that changed since is refused."""

    given: Mapping[str, Any]
    key: UUID
    amount: Decimal | None = None
    kind: str = ""
    reason: str = ""
    note: str = ""
    version: int | None = None


def propose(
    case: Case, policy: ServicePolicy, wish: Wish, *, by: User, at: datetime | None = None, via: str = "person"
) -> Remedy:
    """Grant it, or ask for approval where it needs that (`needs` says why). The same key again returns the same remedy.
    Raises Refusal in words."""
    return transacted(lambda: _propose(case, policy, wish, by, at or timezone.now(), via))


def _propose(case: Case, policy: ServicePolicy, wish: Wish, by: User, at: datetime, via: str) -> Remedy:
    _lock_person(by)
    lock_case(case)
    if earlier := Remedy.objects.filter(key=wish.key).first():
        if earlier.case_id != case.pk or earlier.policy_id != policy.pk:
            raise Refusal(_("This key was used for another remedy."))
        return earlier
    _must_be_possible(case, policy)
    if policy.current:
        limits.left_of_month(policy.current.read.currency, at, locked=True)
    found = quoting.quote(case, policy, wish.given, by=by, at=at)
    amount, kind = _wanted(found, wish)
    _must_say_why(found, wish, amount, kind)
    needs = _needs(found, amount)
    return _written(case, found, wish, amount, kind, needs, by=by, at=at, via=via)


def _lock_person(person: User) -> None:
    User.objects.select_for_update(no_key=True, of=("self",)).get(pk=person.pk)


def lock_case(case: Case) -> None:
    """The customer first, and then the case, whose customer may have become another meanwhile."""
    if case.customer_id is not None:
        Customer.objects.select_for_update(no_key=True, of=("self",)).get(pk=case.customer_id)
    was = case.customer_id
    case.lock()
    if case.customer_id != was:
        raise Refusal(_("Whose case this is has just changed. Look again."))


def _must_be_possible(case: Case, policy: ServicePolicy) -> None:
    if case.status in {transitions.SPAM, transitions.MERGED}:
        told = _("Case #%(number)s is %(status)s.")
        raise Refusal(told % {"number": case.number, "status": case.get_status_display()})
    if case.customer_id is None:
        raise Refusal(_("Say first whose case this is: a remedy is somebody’s."))
    if not ServicePolicy.objects.offered(case.queue_id).filter(pk=policy.pk).exists():
        raise Refusal(_("This policy is not for cases of this queue, or is active no more."))
    if there := quoting.standing(case, policy):
        told = _("By this policy %(amount)s is here already (%(state)s): nobody is paid twice for one thing.")
        amount = words.money(there.granted, there.currency)
        raise Refusal(told % {"amount": amount, "state": there.get_state_display()})
    policy.refresh_from_db(fields=["current"])


def _wanted(found: Quote, wish: Wish) -> tuple[Decimal, str]:
    if wish.version is not None and wish.version != found.version.number:
        raise Refusal(_("The policy has changed since you looked. Look at what it gives now."))
    if found.decision is None:
        told = ", ".join(each.label for each in found.missing)
        raise Refusal(_("Say first: %(inputs)s.") % {"inputs": told})
    amount = found.decision.amount if wish.amount is None else wish.amount
    kind = wish.kind or found.kind
    if kind == NONE or (amount == 0 and kind != Remedy.Kind.REPLACEMENT):
        raise Refusal(_("There is nothing to grant. Say the policy’s words, or say what you want to give and why."))
    if kind not in Remedy.Kind.values:
        raise Refusal(_("Choose a kind of remedy: credit, refund, waiver or replacement."))
    if not 0 <= amount < Decimal(10) ** 10 or amount != amount.quantize(Decimal("0.01")):
        raise Refusal(_("An amount is not below 0 and has at most two decimals."))
    return amount, kind


def _must_say_why(found: Quote, wish: Wish, amount: Decimal, kind: str) -> None:
    """Where the table, or like cases, would have it otherwise: one of the coded reasons, so that they can be counted."""
    if wish.reason and wish.reason not in Why.values:
        raise Refusal(_("Choose one of the reasons: %(reasons)s.") % {"reasons": ", ".join(Why.values)})
    if wish.reason == Why.OTHER and not wish.note.strip():
        raise Refusal(_("Note the other reason in a few words."))
    if wish.reason:
        return
    if amount != found.amount or kind != found.kind:
        raise Refusal(_("Choose a reason: this is not what the policy gives."))
    if alike.is_unlike(amount, found.amount or Decimal(0), found.awards):
        raise Refusal(_("Choose a reason: like cases got noticeably more or less than this."))


def _needs(found: Quote, amount: Decimal) -> list[str]:
    """Why somebody else must approve it."""
    computed = found.amount or Decimal(0)
    far = [DEVIATION] if abs(amount - computed) > CLOSE * computed or found.kind == NONE else []
    return far + found.left.exceeded(amount)


def _written(
    case: Case,
    found: Quote,
    wish: Wish,
    amount: Decimal,
    kind: str,
    needs: list[str],
    *,
    by: User,
    at: datetime,
    via: str,
) -> Remedy:
    assert found.decision is not None  # noqa: S101 - for the type checker; `_wanted` refused where there is none
    assert case.customer_id is not None  # noqa: S101 - and `_must_be_possible`
    remedy = Remedy.objects.create(
        case=case,
        customer_id=case.customer_id,
        policy=found.policy,
        policy_version=found.version,
        row=found.decision.place,
        facts=found.facts(),
        computed=found.decision.amount,
        granted=amount,
        currency=found.table.currency,
        kind=kind,
        override_reason=wish.reason,
        override_note=clean(wish.note).strip()[:300],
        needs=needs,
        like=[{"remedy": a.remedy, "case": a.case, "granted": f"{a.granted:.2f}"} for a in found.awards],
        state=State.WAITING if needs else State.APPROVED,
        asked_by=by,
        asked_at=at,
        decided_by=None if needs else by,
        decided_at=None if needs else at,
        answer_by=answer_by(case, at) if needs else None,
        due_at=at,
        key=wish.key,
    )
    tell_begun(remedy, case, by=by, at=at, via=via)
    return remedy


def tell_begun(remedy: Remedy, case: Case, *, by: User | None, at: datetime, via: str) -> None:
    """The case says that it is granted, or that somebody must decide; those who may hear of that at once."""
    told = about(remedy)
    if remedy.state == State.APPROVED:
        case.record("remedy_granted", by=by, at=at, via=via, **told)
    else:
        leads = deciders(case, but=by.pk if by else 0)
        case.record("remedy_asked", by=by, at=at, via=via, leads=leads, **told)


def about(remedy: Remedy) -> dict[str, Any]:
    return {
        "remedy": remedy.pk,
        "policy": remedy.policy_id,
        "gives": remedy.kind,
        "amount": f"{remedy.granted:.2f}",
        "currency": remedy.currency,
    }


# --- deciding


def approve(remedy: Remedy, *, by: User, note: str = "", at: datetime | None = None, via: str = "person") -> Remedy:
    """Give it. Quiet if it is approved already; raises Refusal where somebody decided otherwise, above one's own
    authority, above what is left of the month, and of what one asked for oneself."""
    return transacted(lambda: _approve(remedy, by, note, at or timezone.now(), via))


def _approve(remedy: Remedy, by: User, note: str, at: datetime, via: str) -> Remedy:
    _lock_person(by)
    case, remedy = taken(remedy)
    if remedy.state in {State.APPROVED, State.PAID, State.BY_HAND, State.FAILED}:
        return remedy
    _must_wait(remedy)
    if remedy.asked_by_id == by.pk:
        raise Refusal(_("Somebody else decides about what you asked for."))
    limits.left_of_month(remedy.currency, at, locked=True)
    left = limits.left(by, case, remedy.currency, at, but=remedy.pk)
    if above := left.exceeded(remedy.granted):
        raise Refusal(above_words(above, left, remedy.currency))
    remedy.state, remedy.due_at = State.APPROVED, at
    _decided(remedy, by, note, at)
    case.record("remedy_approved", by=by, at=at, via=via, asker=remedy.asked_by_id, **about(remedy))
    return remedy


def refuse(remedy: Remedy, *, by: User, note: str, at: datetime | None = None, via: str = "person") -> Remedy:
    """Do not give it, and say why. Quiet if it is refused already."""
    return transacted(lambda: _refuse(remedy, by, note, at or timezone.now(), via))


def _refuse(remedy: Remedy, by: User, note: str, at: datetime, via: str) -> Remedy:
    if not note.strip():
        raise Refusal(_("Say why not: whoever asked must tell the customer something."))
    case, remedy = taken(remedy)
    if remedy.state == State.REFUSED:
        return remedy
    _must_wait(remedy)
    remedy.state = State.REFUSED
    _decided(remedy, by, note, at)
    case.record("remedy_refused", by=by, at=at, via=via, asker=remedy.asked_by_id, **about(remedy))
    return remedy


def call_off(remedy: Remedy, *, by: User, at: datetime | None = None, via: str = "person") -> Remedy:
    """Not after all, as long as nothing has been given. Quiet if it is called off already."""
    return transacted(lambda: _call_off(remedy, by, at or timezone.now(), via))


def _call_off(remedy: Remedy, by: User, at: datetime, via: str) -> Remedy:
    case, remedy = taken(remedy)
    if remedy.state == State.CALLED_OFF:
        return remedy
    begun = remedy.state == State.APPROVED and remedy.attempts > 0
    if begun or remedy.state in {State.PAID, State.REFUSED, State.FAILED}:
        raise Refusal(_("It is too late to call it off: it is %(state)s.") % {"state": remedy.get_state_display()})
    remedy.state = State.CALLED_OFF
    remedy.save(update_fields=["state"])
    case.record("remedy_called_off", by=by, at=at, via=via, **about(remedy))
    return remedy


def taken(remedy: Remedy) -> tuple[Case, Remedy]:
    """Both under their locks, as they are now. The customer's comes first: their year is counted."""
    case = Case.objects.get(pk=remedy.case_id)
    lock_case(case)
    fresh = Remedy.objects.select_for_update(of=("self",)).select_related("policy", "policy_version").get(pk=remedy.pk)
    fresh.case = case
    return case, fresh


def _must_wait(remedy: Remedy) -> None:
    if remedy.state != State.WAITING:
        told = _("Nothing is to be decided any more: it is %(state)s.")
        raise Refusal(told % {"state": remedy.get_state_display()})


def _decided(remedy: Remedy, by: User, note: str, at: datetime) -> None:
    remedy.decided_by, remedy.decided_at, remedy.decision_note = by, at, clean(note).strip()[:300]
    remedy.save(update_fields=["state", "due_at", "decided_by", "decided_at", "decision_note"])


def above_words(above: list[str], left: limits.Left, currency: str) -> str:
    """Which limits it is above, and what is left of each."""
    return " ".join(_above(name, left, currency) for name in above)


def _above(name: str, left: limits.Left, currency: str) -> str:
    if name == limits.NO_AUTHORITY:
        return _("Your role has no authority to grant this in %(currency)s.") % {"currency": currency}
    told = {
        limits.PER_CASE: _("In this case %(left)s is left to you."),
        limits.PER_DAY: _("Today %(left)s is left to you."),
        limits.PER_CUSTOMER: _("For this customer %(left)s is left to you within twelve months."),
        limits.BUDGET: _("Of this month’s budget %(left)s is left: a supervisor can raise it."),
    }[name]
    return told % {"left": words.money(max(Decimal(0), getattr(left, name) or Decimal(0)), currency)}
