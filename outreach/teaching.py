"""One training of what answers to offers teach: from decisions as they were logged to the way that may run (crm.learning).

Beliefs are learned from every presentation. Which way runs is asked only of decisions that were taken by lot, of the later part
of time, by a belief that saw only the earlier part: nothing is judged by what it was learned from.

What the rep did not mention says nothing of the customer: no belief learns from it. A decision that ended so stays among those
that are judged, with neither gain nor effort, which is what it brought: left out, offers that reps dare not mention would look
better than they are."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.utils import timezone

from crm.learning import Lesson, Say
from outreach import evaluation, lessons
from outreach.choosing import SILENCE, Arm, choose
from outreach.context import Context
from outreach.evaluation import Logged
from outreach.gates import RANK
from outreach.models import Decision, DecisionCandidate, OfferPresentation, OfferResponse, PastResponse
from outreach.propensity import Answer, Belief, share_answered

WINDOW = 24.0 * 30  # hours in which an answer is waited for
FEWEST = 200  # decisions taken by lot, from which a way is judged
EARLIER = 0.6  # of time, from which the belief that is judged learns
NEWEST = 50_000  # presentations, and decisions, that are read


@dataclass(frozen=True)
class Past:
    """One decision taken by lot. `arms` (key of the version → what speaks for it) are those that stood; `reward` in money."""

    at: datetime
    customer: int
    context: Context
    taken: int
    chances: dict[int, float]
    arms: dict[int, dict[str, Any]]
    reward: float


def learn(say: Say) -> Lesson:
    now = timezone.now()
    answers = answers_given(now)
    counts = {"presentations": len(answers), "answers": sum(a.weight > 0 for _at, a in answers)}
    if len(answers) < lessons.FIRST:
        why = f"{len(answers)} offers were presented; from {lessons.FIRST} on there is something to learn"
        return Lesson(counts, why=why)
    say(f"reading {len(answers):,} presentations")
    belief = Belief().learn([answer for _at, answer in answers])
    past = list(decisions())
    counts["decisions by lot"] = len(past)
    way, figures = ruled(past, answers)
    return Lesson(counts, figures | _rates(answers), lessons.pack(way, belief))


def answers_given(now: datetime) -> list[tuple[datetime, Answer]]:
    """Each presentation that was mentioned as a lesson, oldest first: answered, or not yet and counted by its age."""
    newest = OfferPresentation.objects.select_related("decision", "candidate__offer_version__offer").order_by("-pk")
    rows = list(newest[:NEWEST])
    said = _answers([row.pk for row in rows])
    rows = [row for row in rows if said.get(row.pk, ("",))[0] != OfferResponse.Kind.WITHHELD]
    delays = [_hours(at - row.presented_at) for row in rows if (found := said.get(row.pk)) and (at := found[1])]
    told = []
    for row in rows:
        context = Context.again(row.decision.context) if row.decision.context else None
        if context is None:
            continue  # erased: nobody's answer is learned from after they are gone
        offer = row.candidate.offer_version.offer
        by = context.evidence.get(str(row.candidate.offer_version_id), {}).get("by", "facts")
        yes, weight = row.pk in said and said[row.pk][0] == OfferResponse.Kind.ACCEPTED, 1.0
        if row.pk not in said:
            weight = share_answered(_hours(now - row.presented_at), delays, WINDOW)
        told.append((row.presented_at, Answer(lessons.features(offer.key, by, context), yes, weight)))
    told += [(at, Answer({f"offer:{key}": 1.0}, kind == "accepted", 1.0)) for key, kind, at in _earlier()]
    return sorted(told, key=lambda pair: pair[0])


def _earlier() -> Any:
    """What customers said before they came to us: of the talk nothing is known."""
    return PastResponse.objects.order_by("-at").values_list("offer__key", "kind", "at")[:NEWEST]


def _answers(presentations: list[int]) -> dict[int, tuple[str, datetime]]:
    rows = OfferResponse.objects.filter(presentation__in=presentations).order_by("presentation", "-number")
    return {p: (kind, at) for p, kind, at in rows.distinct("presentation").values_list("presentation", "kind", "at")}


def _hours(span: timedelta) -> float:
    return span.total_seconds() / 3600


def decisions() -> Iterator[Past]:
    """Decisions taken by lot whose answer has had its time, oldest first; one a contact."""
    until = timezone.now() - timedelta(hours=WINDOW)
    rows = Decision.objects.filter(probability__lt=1, at__lt=until, contact__isnull=False).order_by("contact", "-pk")
    newest = rows.distinct("contact")[:NEWEST]
    found = {d.pk: d for d in newest if d.context}
    candidates: dict[int, list[DecisionCandidate]] = {pk: [] for pk in found}
    standing = DecisionCandidate.objects.filter(decision__in=[*found], stage__in=["", RANK])
    for row in standing.select_related("offer_version__offer").order_by("pk"):
        candidates[row.decision_id].append(row)
    shown = dict(OfferPresentation.objects.filter(decision__in=[*found]).values_list("decision", "pk"))
    said = _answers([*shown.values()])
    for pk, decision in sorted(found.items(), key=lambda item: item[1].at):
        yield _past(decision, candidates[pk], said.get(shown.get(pk, 0), ("", None))[0])


def _past(decision: Decision, rows: Sequence[DecisionCandidate], answer: str) -> Past:
    context = Context.again(decision.context)
    arms = {
        row.offer_version_id: {
            **row.scores,
            "key": row.offer_version.offer.key,
            "by": context.evidence.get(str(row.offer_version_id), {}).get("by", "facts"),
        }
        for row in rows
    }
    chances = {row.offer_version_id: row.probability for row in rows}
    taken = next((row.offer_version_id for row in rows if row.stage == ""), SILENCE)
    chances[SILENCE] = max(1.0 - sum(chances.values()), 0.0)
    scores = arms.get(taken)
    reward = 0.0
    if scores and answer != OfferResponse.Kind.WITHHELD:
        reward = (scores["worth"] * scores["fit"] if answer == OfferResponse.Kind.ACCEPTED else 0.0) - scores["effort"]
    return Past(decision.at, decision.customer_id or 0, context, taken, chances, arms, reward)


# --- which way may run


def ruled(past: list[Past], answers: list[tuple[datetime, Answer]]) -> tuple[str, dict[str, Any]]:
    """The way that runs from now on, and why in figures."""
    if len(past) < FEWEST:
        return "constant", {"way": "constant", "fewest to judge by": FEWEST}
    border = past[int(len(past) * EARLIER)].at
    earlier = Belief().learn([answer for at, answer in answers if at < border])
    later = [p for p in past if p.at >= border]
    model, constants = logs(later, earlier)
    ruling = evaluation.rule(model, constants)
    way = "model" if ruling.may_run else "constant"
    ways = {"model": model, **constants}
    surely = evaluation.winner({key: evaluation.snips(log) for key, log in ways.items()})
    figures: dict[str, Any] = {"way": way, "judged on": len(later), "best that is always the same": ruling.against}
    figures |= {
        "model brings more, a decision": _told(ruling.difference),
        "surely best by chances alone": surely or "none",
    }
    return way, figures | {f"value of {key}": _worth(log) for key, log in ways.items()}


def _worth(log: Logged) -> dict[str, str]:
    """By the estimate that decides, and by the two that trust no model, so that people see where they lie apart."""
    return {
        "doubly robust": _told(evaluation.doubly_robust(log)),
        "IPS": _told(evaluation.ips(log)),
        "SNIPS": _told(evaluation.snips(log)),
    }


def logs(later: list[Past], belief: Belief) -> tuple[Logged, dict[str, Logged]]:
    """The same decisions as the model would have taken them, and as each way would that is always the same."""
    reward = np.array([p.reward for p in later])
    chance = np.array([p.chances[p.taken] for p in later])
    who = np.array([p.customer for p in later])
    expects = [{key: _expected(belief, p, arm) for key, arm in p.arms.items()} | {SILENCE: (0.0, 0.0)} for p in later]
    predicted = np.array([e[p.taken][0] for p, e in zip(later, expects, strict=True)])

    def log(ways: list[dict[int, float]]) -> Logged:
        target = np.array([way.get(p.taken, 0.0) for p, way in zip(later, ways, strict=True)])
        expected = np.array(
            [sum(x * e[key][0] for key, x in way.items()) for way, e in zip(ways, expects, strict=True)]
        )
        return Logged(reward, chance, target, predicted, expected, who)

    names = sorted({arm["key"] for p in later for arm in p.arms.values()})
    constants = {f"always {name}": log([_always(name, p) for p in later]) for name in names}
    constants["silence"] = log([{SILENCE: 1.0} for _p in later])
    return log([_by_model(e) for e in expects]), constants


def _expected(belief: Belief, past: Past, arm: dict[str, Any]) -> tuple[float, float]:
    p, spread = belief.chance(lessons.features(arm["key"], arm["by"], past.context))
    worth = arm["fit"] * arm["worth"]
    return p * worth - arm["effort"], spread * worth


def _by_model(expects: dict[int, tuple[float, float]]) -> dict[int, float]:
    arms = sorted(
        (Arm(key, *e) for key, e in expects.items() if key != SILENCE and e[0] > 0), key=lambda a: (-a.worth, a.key)
    )
    if not arms:
        return {SILENCE: 1.0}
    return dict(choose(arms, {"way": "model", "floor": lessons.FLOOR, "lot": 0.0}).chances)


def _always(name: str, past: Past) -> dict[int, float]:
    key = next((key for key, arm in past.arms.items() if arm["key"] == name), SILENCE)
    return {key: 1.0}


def _told(found: evaluation.Estimate) -> str:
    """The value, its interval, and of how many decisions of that way how many are worth."""
    if found.effective == 0:
        return f"– (0/{found.n})"  # the log has none of that way
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}] ({found.effective:.0f}/{found.n})"


def _rates(answers: list[tuple[datetime, Answer]]) -> dict[str, Any]:
    """Of each offer how often it was presented and taken."""
    shown: Counter[str] = Counter()
    yes: Counter[str] = Counter()
    for _at, answer in answers:
        key = next(name for name in answer.known if name.startswith("offer:"))
        shown[key] += 1
        yes[key] += answer.yes
    return {key: f"{yes[key]} of {shown[key]}" for key in sorted(shown)}
