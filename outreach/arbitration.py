"""Which offer, if any: pure. The same context and catalogue give the same verdict, so every decision can be replayed.

docs/offers.md has the formula and its sources. Silence is an arm worth 0; an offer worth less is not made.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from customers.models import Consent
from customers.sieve import places
from outreach import choosing, gates, reasons
from outreach.catalogue import Shelf, Standing
from outreach.choosing import Arm, Choice
from outreach.context import Context
from outreach.gates import ELIGIBILITY, PLUGIN, RANK, SCORE, SENTENCE, Shut
from outreach.propensity import START as P_START

FIT = {"words": 1.0, "tag": 0.8, "facts": 0.5}  # they said it; we tagged it; their facts alone ask for it
MINUTE = 0.5  # what a minute of a rep and a customer costs
ANNOYANCE, WORSE = 0.25, 1.3  # of being offered something at all, and how it grows with each refusal in 180 days
NO_EVIDENCE, NOT_ELIGIBLE = "no_evidence", "not_eligible"  # what is said of most
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
    """What is shut for the whole talk, every candidate, and the one to offer, or None: silence; and how it was chosen.

    Of most candidates nothing is to be said but why they are out, and the same is said of many: `same` are those reasons, each
    with the places on the shelf it is said of; `own` are the others, by place."""

    shut: list[Shut]
    shelf: Shelf
    same: Sequence[tuple[Shut, int]]
    own: Mapping[int, Judged]
    best: Judged | None
    choice: Choice = field(default_factory=lambda: Choice(None))

    @cached_property
    def candidates(self) -> list[Judged]:
        found = dict(self.own)
        for shut, where in self.same:
            found |= {place: Judged(self.shelf.offers[place], shut) for place in places(where)}
        return [found[place] for place in range(len(self.shelf.offers))]

    def trace(self) -> list[Any]:
        """Everything a repeat must agree with."""
        told = [_told(j) for j in self.candidates]
        chances = [sorted(self.choice.chances.items())] if self.choice.chances else []
        return [[s.kept() for s in self.shut], told, self.best.offer.version if self.best else None, *chances]

    def trace_as_json(self) -> str:
        """`json.dumps` of the trace, keys sorted, without writing anew what is said of many."""
        lines = list(self._lines())
        for place, judged in self.own.items():
            lines[place] = json.dumps(_told(judged), sort_keys=True)
        chances = [sorted(self.choice.chances.items())] if self.choice.chances else []
        rest = [self.best.offer.version if self.best else None, *chances]
        shut = json.dumps([s.kept() for s in self.shut], sort_keys=True)
        return f"[{shut}, [{', '.join(lines)}], {json.dumps(rest)[1:]}"

    def _lines(self) -> list[str]:
        """A line for each place, right where `same` says why it is out. What is usually said of each is written once a
        catalogue."""
        offers, asking = self.shelf.offers, self.shelf.asking
        lines = self._usual()
        for shut, where in self.same:
            usual = {NO_EVIDENCE: asking, NOT_ELIGIBLE: ~asking}.get(shut.reason, 0)
            said = _said(shut) if where & ~usual else ""
            for place in places(where & ~usual):
                lines[place] = f"[{offers[place].version}, {said}"
        return lines

    def _usual(self) -> list[str]:
        memo = self.shelf.memo
        if "usual" not in memo:
            unasked, others = _said(Shut(ELIGIBILITY, NO_EVIDENCE)), _said(Shut(ELIGIBILITY, NOT_ELIGIBLE))
            memo["usual"] = [f"[{o.version}, {unasked if o.terms.need_tags else others}" for o in self.shelf.offers]
        return list(memo["usual"])


def _said(shut: Shut) -> str:
    """The end of a line of the trace of whoever is out before there are scores."""
    return f'{json.dumps(shut.kept(), sort_keys=True)}, {{}}, ""]'


def _told(judged: Judged) -> list[Any]:
    return [judged.offer.version, judged.shut.kept() if judged.shut else [], dict(judged.scores), judged.sentence]


def judge(context: Context, shelf: Shelf) -> Verdict:
    """The verdict. A score is worth × chance − effort:

    score = p · fit · (value + gain) − minutes · MINUTE − ANNOYANCE · 1.3^refusals, in the house's currency;
    p is what answers taught (outreach.lessons), or P_START. Of those that stand the first is taken, or one by lot.
    """
    bench = _Bench(context, shelf)
    same, own = bench.sorted_out()
    standing = sorted((place for place, j in own.items() if j.shut is None), key=lambda place: own[place].order)
    choice = choosing.choose([_arm(own[place]) for place in standing], context.learned)
    taken = next((place for place in standing if own[place].offer.version == choice.taken), None)
    lower = Shut(RANK, _why_not(context, standing, taken))
    own |= {place: _with(own[place], lower) for place in standing if place != taken}
    return Verdict(bench.shut, shelf, same, own, None if taken is None else own[taken], choice)


def _arm(judged: Judged) -> Arm:
    return Arm(judged.offer.version, judged.score * judged.scores["factor"], judged.scores.get("spread", 0.0))


def _why_not(context: Context, standing: list[int], taken: int | None) -> str:
    """Why the others were not taken."""
    if context.learned.get("held_out"):
        return "held_out"
    return "lower" if not standing or taken == standing[0] else "tried"


def _with(judged: Judged, shut: Shut) -> Judged:
    return Judged(judged.offer, shut, judged.scores, judged.sentence)


class _Bench:
    """What is the same for every candidate of one talk, worked out once."""

    def __init__(self, context: Context, shelf: Shelf) -> None:
        self.context, self.shelf = context, shelf
        asked = _agreements(shelf)
        self.shut = gates.whole_talk(context, asked)
        self.early = next((s for s in self.shut if s.stage in {gates.REFUSAL, gates.NEED}), None)
        each = {purpose: gates.whole_talk(context, [purpose]) for purpose in asked}
        late = {p: next((s for s in shut if s.stage == gates.GATE), None) for p, shut in each.items()}
        self.late = [(shut, asked[purpose]) for purpose, shut in late.items() if shut is not None]
        self.known = reasons.Known(
            dict(context.facts) | reasons.of_subscription(context.facts.get("subscriptions", ()))
        )
        self.annoyance = ANNOYANCE * WORSE**context.refusals

    def sorted_out(self) -> tuple[list[tuple[Shut, int]], dict[int, Judged]]:
        """Whoever is out for a reason that many share, and each of the others. A reason comes in the order of the stages:
        whether an offer is for them, what is shut for the talk, what is shut for this one."""
        every = (1 << len(self.shelf.offers)) - 1
        if self.early is not None:
            return _said_of(every, self.early), {}
        known = self.context
        open_to, gone = self.shelf.open_to(known.facts, known.evidence)
        unasked = self.shelf.unasked(known.evidence)
        out = every & ~unasked & ~open_to
        rests = self.shelf.resting(known.facts, out & ~gone)
        same = [
            *_said_of(unasked, Shut(ELIGIBILITY, NO_EVIDENCE)),
            *_said_of(out & gone, Shut(ELIGIBILITY, "fact_gone")),
            *_said_of(rests, Shut(ELIGIBILITY, "fact_rests")),
            *_said_of(out & ~gone & ~rests, Shut(ELIGIBILITY, NOT_ELIGIBLE)),
        ]
        for shut, theirs in self.late:
            same += _said_of(open_to & theirs, shut)
            open_to &= ~theirs
        return same, {place: self._judged(self.shelf.offers[place]) for place in places(open_to)}

    def _judged(self, offer: Standing) -> Judged:
        """One that is for them."""
        first = next(gates.of_offer(self.context, offer), None)
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


def _agreements(shelf: Shelf) -> dict[str, int]:
    """To what customers must have agreed for what stands on the shelf, each with the places of those offers."""
    memo = shelf.memo
    if "asked" not in memo:
        found: dict[str, int] = {}
        for place, offer in enumerate(shelf.offers):
            purpose = gates.agreement(offer.terms)
            found[purpose] = found.get(purpose, 0) | 1 << place
        memo["asked"] = dict(sorted(found.items())) or {Consent.Purpose.MARKETING.value: 0}
    known: dict[str, int] = memo["asked"]
    return known


def _said_of(offers: int, shut: Shut) -> list[tuple[Shut, int]]:
    return [(shut, offers)] if offers else []


def bounded(factor: float) -> float:
    """What a scorer said, within what it may do; nonsense changes nothing."""
    return min(MOST_FACTOR, max(LEAST_FACTOR, factor)) if math.isfinite(factor) else 1.0
