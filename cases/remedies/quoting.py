"""What a policy gives in a case: asked as often as one likes, changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from cases.models import Case, Remedy, ServicePolicy, ServicePolicyVersion
from cases.models.refusals import Refusal
from cases.policy import amounts, facts, shape, words
from cases.policy.table import NUMBER, YES, YES_NO, Input, Known, Table
from cases.remedies import alike, limits
from cases.remedies.alike import Award
from cases.remedies.limits import Left
from crm.models import User

CLOSE = Decimal("0.25")  # how far from the computed amount somebody may go within their own authority
DEVIATION = "deviation"


@dataclass(frozen=True)
class Quote:
    """What is known, what is still to be said, and, once all is, what the table gives."""

    policy: ServicePolicy
    version: ServicePolicyVersion
    known: dict[str, Known]
    missing: list[Input]
    left: Left
    prior: int = 0
    decision: amounts.Decision | None = None
    awards: list[Award] = field(default_factory=list)

    @property
    def table(self) -> Table:
        return self.version.read

    @property
    def amount(self) -> Decimal | None:
        return self.decision.amount if self.decision else None

    @property
    def kind(self) -> str:
        return self.decision.row.remedy if self.decision else ""

    @property
    def words(self) -> str:
        return self.decision.row.words if self.decision else ""

    @property
    def because(self) -> str:
        """When the row is for a case."""
        return words.row(self.table, self.decision.place) if self.decision else ""

    @property
    def steps(self) -> list[str]:
        return words.steps(self.table, self.decision) if self.decision else []

    @property
    def needs(self) -> list[str]:
        """Why what the table gives would have to be approved; empty: it is granted at once."""
        return self.left.exceeded(self.decision.amount) if self.decision else []

    @property
    def is_unlike(self) -> bool:
        return self.decision is not None and alike.is_unlike(self.decision.amount, self.decision.amount, self.awards)

    def facts(self) -> dict[str, Any]:
        """As they are kept with the remedy."""
        return {name: str(value) for name, value in self.known.items()} | {"prior": self.prior}


def quote(case: Case, policy: ServicePolicy, given: Mapping[str, Any], *, by: User, at: datetime) -> Quote:
    """What the policy's current version gives for what is computed and what is `given`. Raises Refusal in words where
    what is given is no value of its input."""
    version = policy.current
    if version is None:
        raise Refusal(_("This policy has no table yet."))
    table = version.read
    occasion = facts.Occasion(case=case, policy=policy, at=at, currency=table.currency)
    known = facts.of(table, occasion, read_given(table, given))
    missing = [each for each in table.inputs if each.name not in known]
    left = limits.left(by, case, table.currency, at)
    if missing:
        return Quote(policy, version, known, missing, left)
    prior = facts.prior(occasion)
    decision = amounts.decide(table, known, prior=prior)
    awards = alike.nearest(version, decision.place, known, prior)
    return Quote(policy, version, known, missing, left, prior, decision, awards)


def read_given(table: Table, given: Mapping[str, Any]) -> dict[str, Known]:
    """What somebody said, as the table holds it; empty answers are none."""
    found: dict[str, Known] = {}
    for name, value in given.items():
        each = table.input(name)
        if each is None:
            raise Refusal(_("This policy asks nothing named %(name)s.") % {"name": str(name)[:60]})
        if value is not None and str(value).strip():
            found[name] = _read(each, value)
    return found


def _read(each: Input, value: Any) -> Known:
    if each.kind == NUMBER:
        return _number(each, value)
    said = {True: YES, False: "no"}.get(value, value) if isinstance(value, bool) and each.kind == YES_NO else value
    if said not in each.values:
        told = _("%(label)s is one of: %(values)s.")
        raise Refusal(told % {"label": each.label, "values": ", ".join(each.values)})
    return str(said)


def _number(each: Input, value: Any) -> Decimal:
    number = shape.number(value.replace(",", ".") if isinstance(value, str) else value)
    if number is None or number < each.least or (each.most is not None and number > each.most):
        bounds = {"label": each.label, "least": words.plain(each.least)}
        if each.most is None:
            raise Refusal(_("%(label)s is a number from %(least)s.") % bounds)
        raise Refusal(
            _("%(label)s is a number from %(least)s to %(most)s.") % {**bounds, "most": words.plain(each.most)}
        )
    return number


def standing(case: Case, policy: ServicePolicy) -> Remedy | None:
    """What is given, or about to be, by this policy in this case or in one that was merged into it."""
    return Remedy.objects.standing().filter(policy=policy, case__in=family(case)).order_by("pk").first()


def family(case: Case) -> list[int]:
    """The case and those that were merged into it, however deep."""
    found, fresh = [case.pk], [case.pk]
    while fresh:
        fresh = list(Case.objects.filter(merged_into__in=fresh).values_list("pk", flat=True))
        found += fresh
    return found
