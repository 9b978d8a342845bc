"""Whether like cases got alike: what can be said of a period's granted remedies (docs/policies.md, “Fairness”). Pure: awards
in, a Report out. It shows where to look; it says of nobody that they did wrong.

What was paid unasked was nobody's choice: it is counted in `unasked` and left out of everything that tells how people
chose, which it would make look fairer than it is."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from cases.policy import estimates, pairing
from cases.policy.estimates import Estimate
from cases.policy.pairing import Gap

LABELS = ("rep", "queue", "language", "tier", "channel")
ROW_ABOVE = 0.05  # a reason that is given oftener should become a row of the policy
PAIRS = 10


@dataclass(frozen=True)
class Award:
    """One granted remedy, with what it went by (`row` and `alike`: the keys of its row, and of its row with its facts), who
    chose its amount (`rep`: whoever asked for it; who approves only says yes or no) and for whom."""

    remedy: int
    case: int
    row: Hashable
    alike: Hashable
    granted: Decimal
    computed: Decimal
    currency: str
    rep: int | None
    queue: int
    language: str
    tier: str
    channel: str
    reason: str = ""
    feeling: int | None = None  # of the customer's latest message before it: -1, 0, 1
    messages: int = 0  # that the customer had written until then
    hours: float | None = None  # from the opened case until it was given; None: not given yet
    unasked: bool = False

    @property
    def share(self) -> float:
        """Granted of computed; only where something was computed."""
        return float(self.granted / self.computed)


@dataclass(frozen=True)
class Reason:
    """How often a coded reason was given; its share is None where there is not enough data. `is_row`: above ROW_ABOVE, it should become a row of the policy."""

    reason: str
    count: int
    share: float | None
    is_row: bool


@dataclass(frozen=True)
class Report:
    awards: int  # all that were granted
    chosen: int  # of these, by somebody
    as_computed: Estimate
    explained: dict[str, Estimate]  # by currency: amounts of several have no common spread
    by_rep: Estimate
    gaps: dict[str, Gap]  # by LABELS
    by_feeling: Estimate
    by_messages: Estimate
    hours: Estimate
    unasked: Estimate
    reasons: list[Reason]
    pairs: list[tuple[Award, Award]]  # like cases, unlike outcomes: who got less, who got more


def report(awards: Sequence[Award]) -> Report:
    chosen = [each for each in awards if not each.unasked]
    shared = [each for each in chosen if each.computed > 0]
    same = sum(each.granted == each.computed for each in chosen)
    return Report(
        awards=len(awards),
        chosen=len(chosen),
        as_computed=estimates.share(same, len(chosen)),
        explained=_explained(chosen),
        by_rep=_by_rep([each for each in shared if each.rep is not None]),
        gaps={label: _gap(shared, label) for label in LABELS},
        by_feeling=_slope([(each, each.feeling) for each in shared if each.feeling is not None]),
        by_messages=_slope([(each, each.messages) for each in shared]),
        hours=estimates.median([each.hours for each in awards if each.hours is not None]),
        unasked=estimates.share(len(awards) - len(chosen), len(awards)),
        reasons=_reasons(chosen),
        pairs=unlike(shared),
    )


def _explained(awards: Sequence[Award]) -> dict[str, Estimate]:
    by_currency: dict[str, list[Award]] = {}
    for each in awards:
        by_currency.setdefault(each.currency, []).append(each)
    return {
        currency: estimates.explained([float(a.granted) for a in mine], [float(a.computed) for a in mine])
        for currency, mine in sorted(by_currency.items())
    }


def _by_rep(awards: Sequence[Award]) -> Estimate:
    return estimates.by_person([each.share - 1 for each in awards], [each.rep for each in awards])


def _gap(awards: Sequence[Award], label: str) -> Gap:
    known = [each for each in awards if getattr(each, label) is not None]
    labels = [getattr(each, label) for each in known]
    return pairing.gap([each.share for each in known], labels, [each.alike for each in known])


def _slope(told: Sequence[tuple[Award, int]]) -> Estimate:
    return estimates.slope([a.share for a, _by in told], [float(by) for _a, by in told], [a.row for a, _by in told])


def _reasons(awards: Sequence[Award]) -> list[Reason]:
    """The most frequent first. With too few awards no reason is frequent."""
    counts = Counter(each.reason for each in awards if each.reason)
    enough = len(awards) >= estimates.FEWEST
    return [
        Reason(
            reason, count, round(count / len(awards), 4) if enough else None, enough and count / len(awards) > ROW_ABOVE
        )
        for reason, count in counts.most_common()
    ]


def unlike(awards: Sequence[Award], most: int = PAIRS) -> list[tuple[Award, Award]]:
    """Pairs of like cases with unlike outcomes, the most unlike first; never two awards of one case."""
    found = pairing.unlike([each.share for each in awards], [each.alike for each in awards], most * 2)
    pairs = [(awards[low], awards[high]) for low, high in found]
    return [(low, high) for low, high in pairs if low.case != high.case][:most]
