"""Which offer, if any: pure. The same context and catalogue give the same verdict, so every decision can be replayed.

docs/offers.md has the formula and its sources. Silence is an arm worth 0; an offer worth less is not made.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from customers.models import Consent
from outreach import choosing, gates, reasons
from outreach.catalogue import Shelf, Standing
from outreach.choosing import Arm, Choice
from outreach.context import Context
from outreach.gates import ELIGIBILITY, PLUGIN, RANK, SCORE, SENTENCE, Shut
from outreach.propensity import START as P_START

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
    """What is shut for the whole talk, every candidate, and the one to offer, or None: silence; and how it was chosen."""

    shut: list[Shut]
    candidates: list[Judged]
    best: Judged | None
    choice: Choice = field(default_factory=lambda: Choice(None))

    def trace(self) -> list[Any]:
        """Everything a repeat must agree with."""
        told = [[j.offer.version, j.shut.kept() if j.shut else [], dict(j.scores), j.sentence] for j in self.candidates]
        chances = [sorted(self.choice.chances.items())] if self.choice.chances else []
        return [[s.kept() for s in self.shut], told, self.best.offer.version if self.best else None, *chances]


def judge(context: Context, shelf: Shelf) -> Verdict:
    """The verdict. A score is worth × chance − effort:

    score = p · fit · (value + gain) − minutes · MINUTE − ANNOYANCE · 1.3^refusals, in the house's currency;
    p is what answers taught (outreach.lessons), or P_START. Of those that stand the first is taken, or one by lot.
    """
    bench = _Bench(context, shelf)
    shut, judged = bench.shut, [bench.judge(offer) for offer in shelf.offers]
    standing = sorted((j for j in judged if j.shut is None), key=lambda j: j.order)
    choice = choosing.choose([_arm(j) for j in standing], context.learned)
    best = next((j for j in standing if j.offer.version == choice.taken), None)
    reason = _why_not(context, standing, best)
    told = [_with(j, Shut(RANK, reason)) if j.shut is None and j is not best else j for j in judged]
    return Verdict(shut, told, best, choice)


def _arm(judged: Judged) -> Arm:
    return Arm(judged.offer.version, judged.score * judged.scores["factor"], judged.scores.get("spread", 0.0))


def _why_not(context: Context, standing: list[Judged], best: Judged | None) -> str:
    """Why the others were not taken."""
    if context.learned.get("held_out"):
        return "held_out"
    return "lower" if not standing or best is standing[0] else "tried"


def _with(judged: Judged, shut: Shut) -> Judged:
    return Judged(judged.offer, shut, judged.scores, judged.sentence)


class _Bench:
    """What is the same for every candidate of one talk, worked out once."""

    def __init__(self, context: Context, shelf: Shelf) -> None:
        self.context, self.shelf = context, shelf
        asked = sorted({gates.agreement(offer.terms) for offer in shelf.offers}) or [Consent.Purpose.MARKETING]
        self.shut = gates.whole_talk(context, asked)
        self.early = next((s for s in self.shut if s.stage in {gates.REFUSAL, gates.NEED}), None)
        each = {purpose: gates.whole_talk(context, [purpose]) for purpose in asked}
        self.late = {p: next((s for s in shut if s.stage == gates.GATE), None) for p, shut in each.items()}
        self.known = dict(context.facts) | reasons.of_subscription(context.facts.get("subscriptions", ()))
        self.annoyance = ANNOYANCE * WORSE**context.refusals

    def judge(self, offer: Standing) -> Judged:
        first = self.early or next(self._shut(offer), None)
        if first is not None:
            return Judged(offer, first)
        evidence = self.context.evidence.get(str(offer.version), {})
        sentence = reasons.sentence(offer.terms.why, self.known, evidence.get("quote", ""))
        scores = self._scores(offer, FIT[evidence.get("by", "facts")])
        if not sentence:
            return Judged(offer, Shut(SENTENCE, "no_sentence"), scores)
        if scores["score"] <= 0:
            return Judged(offer, Shut(SCORE, "not_worth_it"), scores, sentence)
        said = self.context.removed.get(str(offer.version))  # a plugin's gate or scorer, if they were asked
        return Judged(offer, Shut(PLUGIN, said[0], said[1]) if said else None, scores, sentence)

    def _shut(self, offer: Standing) -> Iterator[Shut]:
        """In the order of the stages: whether it is for them, what is shut for the talk, what is shut for this one."""
        yield from gates.evidence(self.context, offer)
        yield from self._not_for_them(offer)
        if (late := self.late[gates.agreement(offer.terms)]) is not None:
            yield late
        yield from gates.of_offer(self.context, offer)

    def _not_for_them(self, offer: Standing) -> Iterator[Shut]:
        condition = self.shelf.condition(offer)
        if condition is None or not condition.names <= self.context.facts.keys():
            yield Shut(ELIGIBILITY, "fact_gone")
        elif not condition.holds(self.context.facts):
            yield Shut(ELIGIBILITY, "not_eligible")

    def _scores(self, offer: Standing, fit: float) -> dict[str, float]:
        terms = offer.terms
        worth = float(terms.value + terms.gain)
        effort = float(terms.minutes) * MINUTE + self.annoyance
        factor = self.context.factors.get(str(offer.version), 1.0)
        p, spread = self.context.learned.get("arms", {}).get(str(offer.version), (P_START, 0.0))
        told = {"p": p, "fit": fit, "worth": worth, "effort": effort, "factor": factor}
        if spread:
            told["spread"] = spread * fit * worth * factor
        return {name: round(value, 6) for name, value in (told | {"score": p * fit * worth - effort}).items()}


def bounded(factor: float) -> float:
    """What a scorer said, within what it may do; nonsense changes nothing."""
    return min(MOST_FACTOR, max(LEAST_FACTOR, factor)) if math.isfinite(factor) else 1.0
