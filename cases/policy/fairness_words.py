"""The fairness report in words: each figure with its interval, and with what it is not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.formats import number_format
from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from cases.policy.estimates import Estimate
    from cases.policy.fairness import Report
    from cases.policy.pairing import Gap, Level

LABELS: dict[str, LazyText] = {
    "rep": gettext_lazy("who granted it"),
    "queue": gettext_lazy("the queue"),
    "language": gettext_lazy("the customer’s language"),
    "tier": gettext_lazy("the customer’s tier"),
    "channel": gettext_lazy("the channel"),
}
Naming = Callable[[str, object], str]  # label and value → how people call it


@dataclass(frozen=True)
class Told:
    """One figure: what it is of, the figure, what it says, what it does not, and whether somebody should look at it."""

    title: str
    figure: str
    said: str
    is_not: str
    look: bool = False


_FEW: dict[str, LazyText] = {
    "by_rep": gettext_lazy("Not enough data: 30 are needed, of at least 3 reps with 5 each."),
    "by_feeling": gettext_lazy(
        "Not enough data: 30 are needed in which the feeling is known, 5 of them of another feeling."
    ),
    "by_messages": gettext_lazy("Not enough data: 30 are needed, 5 of them with another number of messages."),
}


def note(found: "Estimate", figure: str = "") -> str:
    """Why no figure is told, by its name in the report; empty where one is."""
    if found.why == "few":
        return str(_FEW.get(figure) or _("Not enough data: 30 are needed."))
    return _("Nothing differs, so that nothing can be told apart.") if found.why else ""


def gap_note(found: "Gap") -> str:
    return "" if found.gap is not None else _("Not enough data: 20 like cases that differ in this are needed.")


def figures(report: "Report", name: Naming) -> list[Told]:
    told = [_as_computed(report.as_computed)]
    told += [_explained(currency, found) for currency, found in report.explained.items()]
    told += [_by_rep(report.by_rep), *(_gap(label, found, name) for label, found in report.gaps.items())]
    return [
        *told,
        _feeling(report.by_feeling),
        _messages(report.by_messages),
        _hours(report.hours),
        _unasked(report.unasked),
    ]


def percent(value: float | None) -> str:
    return _("%(number)s\u00a0%%") % {"number": _digits((value or 0) * 100, 1)}


def _digits(value: float, places: int) -> str:
    """Rounded before it is written: writing alone cuts off, and 98.96 would read 98.9."""
    return number_format(round(value, places), places)


def _between(found: "Estimate", how: Callable[[float | None], str] = percent) -> str:
    said = _("From %(count)d; with 95 %% confidence between %(low)s and %(high)s.")
    return said % {"count": found.count, "low": how(found.low), "high": how(found.high)}


def _told(title: str, found: "Estimate", is_not: str, how: Callable[[float | None], str] = percent, said: str = "",
          *, look: bool = False, name: str = "") -> Told:  # fmt: skip
    if found.value is None:
        there = _("There are %(count)d.") % {"count": found.count}
        return Told(title, "–", f"{note(found, name)} {there}", is_not)
    return Told(title, how(found.value), " ".join(filter(None, (said, _between(found, how)))), is_not, look)


def _as_computed(found: "Estimate") -> Told:
    return _told(
        _("Granted just as the policy computes"),
        found,
        _("Not a target of 100 %: a reason may be good. It says nothing about whether the policy is."),
    )


def _explained(currency: str, found: "Estimate") -> Told:
    return _told(
        _("Amounts in %(currency)s that the policy explains (R²)") % {"currency": currency},
        found,
        _("Not how many are right: one large exception weighs more than many small ones."),
        said=_("Of the differences between amounts, this much comes from the policy and the facts."),
    )


def _by_rep(found: "Estimate") -> Told:
    return _told(
        _("Deviations that depend on who granted (intraclass correlation)"),
        found,
        _("Not whether anybody did wrong: whoever gets the harder cases may deviate with reason. Below 0 is none."),
        said=_("Of how granted amounts differ from computed ones, this much is who granted."),
        look=bool(found.low and found.low > 0),
        name="by_rep",
    )


def _gap(label: str, found: "Gap", name: Naming) -> Told:
    title = _("Like cases, by %(label)s") % {"label": LABELS[label]}
    is_not = _(
        "Not a cause: like here means the same row and the same facts, and what nobody wrote down is in no fact."
    )
    if found.gap is None:
        there = _("There are %(count)d.") % {"count": found.awards}
        return Told(title, "–", f"{gap_note(found)} {there}", is_not)
    said = _(
        "From %(pairs)d pairs; if it made no difference, it would be between %(low)s and %(high)s (p = %(p)s)."
    ) % {
        "pairs": found.pairs,
        "low": percent(found.chance),
        "high": percent(found.chance_most),
        "p": _digits(found.p or 0, 3),
    }
    more = _most_and_least(label, found.highest, found.lowest, name) if found.is_found else ""
    return Told(title, percent(found.gap), f"{said} {more}".strip(), is_not, found.is_found)


def _most_and_least(label: str, high: "Level | None", low: "Level | None", name: Naming) -> str:
    if high is None or low is None:
        return ""
    said = _("Most beyond like cases: %(high)s (%(more)s); least: %(low)s (%(less)s).")
    names = {"high": name(label, high.label) or _("none"), "low": name(label, low.label) or _("none")}
    return said % {**names, "more": _signed(high.beyond), "less": _signed(low.beyond)}


def _signed(value: float | None) -> str:
    return ("+" if (value or 0) > 0 else "") + percent(value)


def _holds_none(found: "Estimate") -> bool:
    return found.low is None or found.high is None or found.low <= 0 <= found.high


def _loud(name: str, title: str, found: "Estimate", is_not: str) -> Told:
    fair = (
        _("The interval holds 0, as it should.")
        if _holds_none(found)
        else _("The interval does not hold 0. It should.")
    )
    return _told(title, found, is_not, _signed, fair, look=not _holds_none(found), name=name)


def _feeling(found: "Estimate") -> Told:
    return _loud(
        "by_feeling",
        _("More of the computed amount for feeling one step better (upset, neutral, good)"),
        found,
        _("Not proof of a fair desk: where nobody marked a feeling it is guessed from the words, which hides a part. "
          "Below 0: who is upset gets more."),
    )  # fmt: skip


def _messages(found: "Estimate") -> Told:
    return _loud(
        "by_messages",
        _("More of the computed amount for each message the customer wrote"),
        found,
        _("Not only insistence: who has more to tell may have been hit harder."),
    )


def _hours(found: "Estimate") -> Told:
    return _told(
        _("Hours from the opened case to the remedy given (median)"),
        found,
        _("Not how long the others will wait: what is not given yet is not in it."),
        lambda value: _digits(value or 0, 1),
    )


def _unasked(found: "Estimate") -> Told:
    return _told(
        _("Given without being asked"),
        found,
        _("Not of all we owed: what nobody noticed is counted nowhere."),
    )
