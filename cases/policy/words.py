"""Tables, their faults and their decisions in words a supervisor and a rep read."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.policy import amounts
from cases.policy.table import NO, NUMBER, YES, YES_NO, Cell, Input, Known, Span, Table

if TYPE_CHECKING:
    from cases.policy.proving import Gap, Overlap

REMEDIES: dict[str, LazyText] = {
    "none": gettext_lazy("nothing"),
    "credit": gettext_lazy("credit"),
    "refund": gettext_lazy("refund"),
    "waiver": gettext_lazy("waived charge"),
    "replacement": gettext_lazy("replacement"),
}


def overlap(table: Table, found: "Overlap") -> str:
    told = _("Rows %(first)d and %(second)d are both for this: %(where)s.")
    return told % {"first": found.first + 1, "second": found.second + 1, "where": combination(table, found.where)}


def gap(table: Table, found: "Gap") -> str:
    return _("No row is for this: %(where)s.") % {"where": combination(table, found.where)}


def combination(table: Table, where: Mapping[str, Cell | None]) -> str:
    """Each input that is not any, with what it is; “in every case” if all are."""
    said = [f"{each.label}: {cell(each, given)}" for each in table.inputs if (given := where.get(each.name))]
    return "; ".join(said) or _("in every case")


def cell(each: Input, given: Cell | None) -> str:
    if given is None:
        return _("any")
    if isinstance(given, Span):
        return span(given, each)
    return _(" or ").join(value(each, known) for known in each.values if known in given)


def span(given: Span, each: Input) -> str:
    if given.low is not None and given.below is not None:
        return _("from %(low)s and below %(below)s") % {"low": plain(given.low), "below": plain(given.below)}
    if given.below is not None:
        return _("below %(below)s") % {"below": plain(given.below)}
    if given.low is not None and given.low == each.most:
        return _("exactly %(low)s") % {"low": plain(given.low)}
    return _("from %(low)s") % {"low": plain(given.low if given.low is not None else each.least)}


def value(each: Input, known: Known) -> str:
    """A value as people read it."""
    if each.kind == NUMBER:
        return plain(Decimal(known))
    if each.kind == YES_NO:
        return {YES: _("yes"), NO: _("no")}.get(str(known), str(known))
    return dict(each.options).get(str(known), str(known))


def plain(number: Decimal) -> str:
    """Without noughts at the end, and without exponent."""
    return f"{number.normalize():f}"


def money(amount: Decimal, currency: str) -> str:
    return f"{amount:.2f} {currency}"


def steps(table: Table, decision: amounts.Decision) -> list[str]:
    """How the amount came about, a sentence a step."""
    if not decision.steps:
        return [_("This row gives nothing.")]
    return [_step(table, step) for step in decision.steps]


def _step(table: Table, step: amounts.Step) -> str:
    each = table.input(step.of)
    told = {
        "by": plain(step.by),
        "made": money(amounts.rounded(step.made), table.currency),
        "what": each.label if each else "",
        "value": value(each, step.value) if each else step.value,
    }
    return str(_STEPS[step.kind]) % told


_STEPS: dict[str, LazyText] = {
    amounts.BASE: gettext_lazy("Base: %(made)s"),
    amounts.EACH: gettext_lazy("and %(by)s for each of %(value)s (%(what)s): %(made)s"),
    amounts.FACTOR: gettext_lazy("times %(by)s, for %(what)s is %(value)s: %(made)s"),
    amounts.PRIOR: gettext_lazy("times %(by)s, for the same was made good %(value)s times in twelve months: %(made)s"),
    amounts.LEAST: gettext_lazy("never less than %(made)s"),
    amounts.MOST: gettext_lazy("never more than %(made)s"),
}


def row(table: Table, place: int) -> str:
    """When a row is for a case."""
    return combination(table, table.rows[place].when)
