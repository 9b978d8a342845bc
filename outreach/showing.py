"""What a rep, and a script, reads of a decision: the card, and why nothing, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from cases.models import Case, Contact
from crm.database.prepared import Prepared, together
from customers.customer_hooks import money
from outreach import asking, gates, parity, shared
from outreach.deciding import Look, candidates_of, decision_of, look
from outreach.models import (
    Decision,
    DecisionCandidate,
    OfferPresentation,
    OfferResponse,
    OfferVersion,
    QuestionAnswer,
)
from outreach.responding import NEWEST, newest

MOST_TOLD = 30  # candidates of a trace on the screen


@dataclass(frozen=True)
class Card:
    """One offer in three lines, and what was answered."""

    presentation: OfferPresentation
    version: OfferVersion
    sentence: str
    answer: OfferResponse | None
    told: str = ""  # what they answered, where it is a question
    public_from: datetime | None = None  # when strangers get it too, while that is ahead
    early_days: int = 0  # until then, whole ones

    @property
    def price(self) -> str:
        return money(self.version.price, self.version.currency) if self.version.price else ""

    @property
    def steps(self) -> range:
        """Of a scale."""
        return range(asking.LEAST, asking.MOST + 1)


def card(case: Case) -> Card | None:
    """The presentation of the talk, while the very need that earned it is met; nothing the moment it is not."""
    shown = _SHOWN.first(case.pk, case.need_met_event_id) if case.need_met_event_id else None
    if shown is None:
        return None
    version, now = shown.candidate.offer_version, timezone.now()
    with together():
        answers, openings = NEWEST.later(shown.pk), parity.OPENINGS.later(version.offer_id, now)
    said, opens = newest(shown, answers()), parity.earliest(openings())
    told = QuestionAnswer.objects.filter(response=said).first() if said and version.question else None
    words, days = told.words if told else "", (opens - now).days if opens else 0
    return Card(shown, version, shown.candidate.sentence, said, words, opens, days)


_SHOWN = Prepared(
    lambda case, need: (
        OfferPresentation.objects.select_related("candidate__offer_version__offer", "case", "by")
        .filter(
            contact__in=Contact.objects.filter(case=case).order_by("-last_at", "-pk").values("pk")[:1],
            need_met_event=need,
        )
        .order_by("pk")
    ),
    int,
    int,
)


@dataclass(frozen=True)
class Line:
    """One offer of a trace."""

    name: str
    stage: str
    words: str


@dataclass(frozen=True)
class Trace:
    """Why nothing: what is shut for the whole talk, then offer by offer what else kept it back."""

    shut: list[str]
    lines: list[Line]
    more: int
    best: str


def trace(case: Case, at: datetime) -> Trace:
    """As it stands now; nothing is kept of it."""
    seen = look(case, at)
    shut = [gates.words(s.reason, s.detail) for s in seen.verdict.shut]
    told = [line for line in _lines(seen) if line.words not in shut]
    best = seen.verdict.best.offer.name if seen.verdict.best else ""
    return Trace(shut, told[:MOST_TOLD], max(len(told) - MOST_TOLD, 0), best)


def _lines(seen: Look) -> Iterable[Line]:
    for judged in seen.verdict.candidates:
        if shut := judged.shut:
            yield Line(judged.offer.name, str(gates.STAGES[shut.stage]), gates.words(shut.reason, shut.detail))


def shut_words(decision: Decision) -> list[dict[str, Any]]:
    return [{"stage": s, "reason": r, "words": gates.words(r, detail)} for s, r, detail in decision.gates]


def candidates(decision: Decision) -> list[DecisionCandidate]:
    """In the order they were looked at; of one that is not kept, as they would be."""
    return shared.every(decision, _rows(decision))


def _rows(decision: Decision) -> Iterable[DecisionCandidate]:
    return decision.looked_at if hasattr(decision, "looked_at") else decision.candidates.all()


def told(decision: Decision) -> list[dict[str, Any]]:
    """The same as scripts read them, thousands of them: what is said of many is put in words once, and no row is made of it."""
    rows = [(row.offer_version_id, {name: getattr(row, name) for name in _COLUMNS}) for row in _rows(decision)]
    lines = [*rows, *shared.without_rows(decision)]
    stood = OfferVersion.objects.filter(pk__in=[version for version, _about in lines])
    named = {pk: of for pk, *of in stood.values_list("pk", "offer_id", "offer__name")}
    words = {id(about): gates.words(about["reason"], about["detail"]) if about["reason"] else "" for _v, about in lines}
    found = [
        {"offer": named[version][0], "name": named[version][1], "offer_version": version}
        | {"stage": about["stage"], "reason": about["reason"], "words": words[id(about)]}
        | {name: about.get(name, none) for name, none in _SCORES.items()}
        for version, about in lines
    ]
    return sorted(found, key=lambda line: line["offer"])


_SCORES: dict[str, Any] = {"scores": {}, "score": None, "rank": None, "probability": 0.0, "sentence": ""}
_COLUMNS = ("stage", "reason", "detail", *_SCORES)


def decided(case: Case, at: datetime) -> Decision:
    """The decision that stands in this talk, or (without a key) what would be decided now; nothing is kept of that."""
    if shown := card(case):
        return shown.presentation.decision
    seen = look(case, at)
    best = seen.verdict.best
    outcome = Decision.Outcome.PRESENTED if best else Decision.Outcome.SILENCE
    would = decision_of(case, seen, outcome)
    rows = [DecisionCandidate(decision=would, **columns) for columns in candidates_of(seen.verdict, best)]
    would.looked_at = rows  # type: ignore[attr-defined]
    return would
