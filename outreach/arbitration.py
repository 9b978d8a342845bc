"""Which offer, if any: pure. The same context and catalogue give the same verdict, so every decision can be replayed.

docs/offers.md has the formula and its sources. Silence is an arm worth 0; an offer worth less is not made.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from outreach import gates, reasons
from outreach.catalogue import Shelf, Standing
from outreach.context import Context
from outreach.gates import ELIGIBILITY, PLUGIN, RANK, SCORE, SENTENCE, Shut

P_START = 0.10  # how likely a yes is until answers teach better: a start that is stated, not learned
FIT = {"words": 1.0, "tag": 0.8, "facts": 0.5}  # they said it; we tagged it; their facts alone ask for it
MINUTE = 0.5  # what a minute of a rep and a customer costs
ANNOYANCE, WORSE = 0.25, 1.3  # of being offered something at all, and how it grows with each refusal in 180 days
LEAST_FACTOR, MOST_FACTOR = 0.5, 2.0  # what a plugin's scorer may do


@dataclass(frozen=True)
class Judged:
    """One candidate: shut (and why), or its scores and the sentence by which it would be offered."""

    offer: Standing
    shut: Shut | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    sentence: str = ""

    @property
    def score(self) -> float:
        return self.scores["score"]

    @property
    def order(self) -> tuple[float, int]:
        """Best first; of equals the one that is longer there."""
        return (-self.score * self.scores["factor"], self.offer.offer)


@dataclass(frozen=True)
class Verdict:
    """What is shut for the whole talk, every candidate, and the one to offer, or None: silence."""

    shut: list[Shut]
    candidates: list[Judged]
    best: Judged | None

    def trace(self) -> list[Any]:
        """Everything a repeat must agree with."""
        told = [[j.offer.version, j.shut.kept() if j.shut else [], dict(j.scores), j.sentence] for j in self.candidates]
        return [[s.kept() for s in self.shut], told, self.best.offer.version if self.best else None]


def judge(context: Context, shelf: Shelf) -> Verdict:
    """The verdict. A score is worth × chance − effort:

    score = p · fit · (value + gain) − minutes · MINUTE − ANNOYANCE · 1.3^refusals, in the house's currency.
    """
    shut = gates.whole_talk(context)
    judged = [_judge(context, shelf, offer, shut) for offer in shelf.offers]
    standing = sorted((j for j in judged if j.shut is None), key=lambda j: j.order)
    best = standing[0] if standing else None
    lower = {j.offer.version for j in standing[1:]}
    told = [_with(j, Shut(RANK, "lower")) if j.offer.version in lower else j for j in judged]
    return Verdict(shut, told, best)


def _with(judged: Judged, shut: Shut) -> Judged:
    return Judged(judged.offer, shut, judged.scores, judged.sentence)


def _judge(context: Context, shelf: Shelf, offer: Standing, whole: Sequence[Shut]) -> Judged:
    first = next(_shut(context, shelf, offer, whole), None)
    if first is not None:
        return Judged(offer, first)
    sentence = _sentence(context, offer)
    scores = _scores(context, offer)
    if not sentence:
        return Judged(offer, Shut(SENTENCE, "no_sentence"), scores)
    if scores["score"] <= 0:
        return Judged(offer, Shut(SCORE, "not_worth_it"), scores, sentence)
    return Judged(offer, _by_plugin(context, offer), scores, sentence)


def _shut(context: Context, shelf: Shelf, offer: Standing, whole: Sequence[Shut]) -> Iterator[Shut]:
    """In the order of the stages: what is shut before eligibility, eligibility, what is shut after."""
    yield from (s for s in whole if s.stage in {gates.REFUSAL, gates.NEED})
    yield from _not_for_them(context, shelf, offer)
    own = list(gates.of_offer(context, offer))
    yield from (s for s in own if s.stage == ELIGIBILITY)
    yield from (s for s in whole if s.stage == gates.GATE)
    yield from (s for s in own if s.stage != ELIGIBILITY)


def _not_for_them(context: Context, shelf: Shelf, offer: Standing) -> Iterator[Shut]:
    condition = shelf.conditions[offer.version]
    if condition is None or not condition.names <= context.facts.keys():
        yield Shut(ELIGIBILITY, "fact_gone")
    elif not condition.holds(context.facts):
        yield Shut(ELIGIBILITY, "not_eligible")


def _by_plugin(context: Context, offer: Standing) -> Shut | None:
    """What a plugin's gate or scorer said of it, if they were asked (outreach.deciding)."""
    said = context.removed.get(str(offer.version))
    return Shut(PLUGIN, said[0], said[1]) if said else None


def _sentence(context: Context, offer: Standing) -> str:
    known = dict(context.facts) | reasons.of_subscription(context.facts.get("subscriptions", ()))
    quote = context.evidence.get(str(offer.version), {}).get("quote", "")
    return reasons.sentence(offer.terms.why, known, quote)


def _scores(context: Context, offer: Standing) -> dict[str, float]:
    terms = offer.terms
    fit = FIT[context.evidence.get(str(offer.version), {}).get("by", "facts")]
    worth = float(terms.value + terms.gain)
    effort = float(terms.minutes) * MINUTE + ANNOYANCE * WORSE**context.refusals
    score = P_START * fit * worth - effort
    factor = context.factors.get(str(offer.version), 1.0)
    told = {"p": P_START, "fit": fit, "worth": worth, "effort": effort, "factor": factor, "score": score}
    return {name: round(value, 6) for name, value in told.items()}


def bounded(factor: float) -> float:
    """What a scorer said, within what it may do; nonsense changes nothing."""
    return min(MOST_FACTOR, max(LEAST_FACTOR, factor)) if math.isfinite(factor) else 1.0
