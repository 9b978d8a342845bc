"""Deciding whether to offer anything in a talk, and showing it: one decision a question, kept with all it was made from.

The case's row is locked first, so that of two screens one presents and the other finds it; the database's own trigger
refuses whatever would get past this (outreach.models.decision).
"""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case
from cases.models.case import Refusal
from crm.database.prepared import Prepared, planned_once, together
from crm.models import User
from crm.roles import may
from customers import resting
from outreach import arbitration, catalogue, context, gates, lessons, shared, writing
from outreach.arbitration import Judged, Verdict
from outreach.catalogue import Shelf
from outreach.context import Context, Said
from outreach.gates import NEED, RANK, REFUSAL
from outreach.hooks import Candidate, Situation, offer_gates, offer_scorers
from outreach.models import Decision

ASKED_AT_ONCE = 20  # candidates whose plugins are asked before the next ones


@dataclass(frozen=True)
class Look:
    """A verdict with what it was made from; nothing is kept of it yet. `said`: what was decided last in the same talk."""

    context: Context
    shelf: Shelf
    verdict: Verdict
    said: Said | None = None


@resting.again
def look(case: Case, at: datetime) -> Look:
    """What would be decided now. Before the need is met nobody's facts are looked at."""
    beforehand = context.beforehand(case, catalogue.held() if case.need_met_event_id is not None else None)
    with together():
        asked, beside = context.asked(case, at), beforehand()
    known, said = asked()
    words = beside()
    shelf = catalogue.shelf(known.edition, known.catalogue, at)
    if _is_shut_early(known):
        return Look(known, shelf, arbitration.judge(known, shelf), said)
    known = lessons.told(context.with_what_is_known(known, case, shelf, words), shelf)
    return _with_plugins(Look(known, shelf, arbitration.judge(known, shelf), said))


def _is_shut_early(known: Context) -> bool:
    return any(shut.stage in {REFUSAL, NEED} for shut in gates.whole_talk(known))


# --- what plugins say


def _with_plugins(seen: Look) -> Look:
    """Ask their gates and scorers about the best candidates, until the best one left was asked about; about all of them where
    one is taken by lot, so that the chances are of what may be taken."""
    asked: set[int] = set()
    while _is_to_be_asked(seen, asked):
        fresh = [j for j in _standing(seen.verdict) if j.offer.version not in asked][:ASKED_AT_ONCE]
        asked |= {j.offer.version for j in fresh}
        known = _told_by_plugins(seen.context, fresh)
        if known is seen.context:
            break
        seen = replace(seen, context=known, verdict=arbitration.judge(known, seen.shelf))
    return seen


def _is_to_be_asked(seen: Look, asked: set[int]) -> bool:
    if seen.verdict.choice.chances:
        return any(judged.offer.version not in asked for judged in _standing(seen.verdict))
    return seen.verdict.best is not None and seen.verdict.best.offer.version not in asked


def _standing(verdict: Verdict) -> list[Judged]:
    left = [j for j in verdict.own.values() if j.shut is None or j.shut.stage == RANK]
    return sorted(left, key=lambda j: j.order)


def _told_by_plugins(known: Context, fresh: Sequence[Judged]) -> Context:
    if not len(offer_gates) and not len(offer_scorers):
        return known
    removed, factors = dict(known.removed), dict(known.factors)
    for judged in fresh:
        version = str(judged.offer.version)
        situation, candidate = _situation(known), _candidate(judged)
        if (no := _refused(situation, candidate)) is not None:
            removed[version] = no
            continue
        factor, failed = _factor(situation, candidate)
        factors[version] = factor
        if failed is not None:
            removed[version] = failed
    return replace(known, removed=removed, factors=factors)


def _situation(known: Context) -> Situation:
    return Situation(
        known.case, known.customer or 0, known.contact or 0, known.at, known.need_met_event or 0, known.tags
    )


def _candidate(judged: Judged) -> Candidate:
    offer = judged.offer
    return Candidate(offer.key, offer.version, offer.terms, judged.score)


def _refused(situation: Situation, candidate: Candidate) -> list[Any] | None:
    """The first plugin's no, or that one could not answer: either removes."""
    for said in offer_gates.run(situation, candidate):
        if said.failure:
            return ["plugin_failed", {"plugin": said.name}]
        if said.value:
            return ["plugin", {"words": str(said.value)[:200], "plugin": said.name}]
    return None


def _factor(situation: Situation, candidate: Candidate) -> tuple[float, list[Any] | None]:
    factor = 1.0
    for said in offer_scorers.run(situation, candidate):
        if said.failure:
            return 1.0, ["plugin_failed", {"plugin": said.name}]
        if isinstance(said.value, int | float):
            factor *= arbitration.bounded(float(said.value))
    return arbitration.bounded(factor), None


# --- deciding for good


@transaction.atomic
def decide(
    case: Case, *, by: User, asked: str = Decision.Asked.PANEL, wanted: int | None = None, at: datetime | None = None
) -> Decision:
    """Decide, keep the decision with its trace, and present the winner, if there is one, to `by`.

    `wanted`: the version somebody tries to present; unless it is the winner nothing is, and the try is kept. Asking again
    in one contact returns the presentation there is, or the decision there is if nothing changed.
    """
    started = time.perf_counter()
    with together():
        planned_once()
        locked = case.locking()
    locked()
    if not may(by, "offer.respond", case.queue_id):
        raise Refusal(_("Your role here does not allow this."))
    seen = look(case, at or timezone.now())
    if (there := _shown(seen.context)) is not None and wanted in {
        None,
        there.candidates.get(stage="").offer_version_id,
    }:
        return there
    best = seen.verdict.best
    if wanted is not None and (best is None or best.offer.version != wanted):
        asked, best = Decision.Asked.TRY, None
    return _kept(case, seen, best, by, asked, started)


def _shown(known: Context) -> Decision | None:
    """The decision by which this contact has its one presentation, while the very evidence that earned it stands."""
    if known.shown is None or known.need_met_event is None:
        return None
    return _EARNED.first(known.shown, known.need_met_event)


_EARNED = Prepared(
    lambda shown, event: Decision.objects.filter(presentation=shown, need_met_event=event).select_related(
        "presentation"
    ),
    int,
    int,
)


def _kept(case: Case, seen: Look, best: Judged | None, by: User, asked: str, started: float) -> Decision:
    outcome = Decision.Outcome.PRESENTED if best else Decision.Outcome.SILENCE
    mark = digest(seen.verdict, outcome)
    if not best and asked != Decision.Asked.TRY and (there := _said_already(seen, mark)):
        return there
    decision = decision_of(case, seen, outcome)
    decision.by, decision.asked, decision.digest = by, asked, mark
    decision.latency_ms = round((time.perf_counter() - started) * 1000, 3)
    shown = writing.keep(decision, candidates_of(seen.verdict, best), best.offer.version if best else None)
    if best:
        of: dict[str, Any] = {"presentation": shown, "version_of_offer": best.offer.version}
        why = "question" if best.offer.terms.question else ""
        case.record("offer_presented", by=by, at=decision.at, reason=why, **of)
    elif asked == Decision.Asked.TRY:
        case.record("offer_refused", by=by, at=decision.at, decision=decision.pk, shut=_first_word(seen.verdict))
    return decision


def decision_of(case: Case, seen: Look, outcome: str) -> Decision:
    """Not kept yet."""
    known = seen.context
    return Decision(
        case=case,
        contact_id=known.contact,
        customer_id=known.customer,
        at=known.at,
        catalogue_version=known.catalogue,
        need_met_event_id=known.need_met_event,
        outcome=outcome,
        probability=seen.verdict.choice.chance,
        gates=[shut.kept() for shut in seen.verdict.shut],
        shared=shared.said_once(seen.verdict),
        context=known.kept(),
    )


def _said_already(seen: Look, mark: str) -> Decision | None:
    """The newest decision of the talk, if it says the same of the same."""
    if seen.said is None:
        return None
    key, said, catalogue_version, evidence, asked = seen.said
    of_the_same = (said, catalogue_version, evidence) == (mark, seen.context.catalogue, seen.context.need_met_event)
    return _DECISION.first(key) if of_the_same and asked != Decision.Asked.TRY else None


_DECISION = Prepared(lambda key: Decision.objects.filter(pk=key), int)


def digest(verdict: Verdict, outcome: str) -> str:
    """Of everything that was decided: a replay must come to the same."""
    return hashlib.sha256(f"[{json.dumps(outcome)}, {verdict.trace_as_json()}]".encode()).hexdigest()


def candidates_of(verdict: Verdict, best: Judged | None) -> list[dict[str, Any]]:
    """The columns of those of whom the decision itself does not say it all (outreach.shared)."""
    ranks = {j.offer.version: n for n, j in enumerate(_standing(verdict), 1)}
    return [
        {
            "offer_version_id": j.offer.version,
            "stage": j.shut.stage if j.shut else "",
            "reason": j.shut.reason if j.shut else "",
            "detail": dict(j.shut.detail) if j.shut else {},
            "scores": dict(j.scores),
            "score": j.scores.get("score"),
            "rank": ranks.get(j.offer.version),
            "probability": verdict.choice.chances.get(j.offer.version, 1.0 if best is j else 0.0),
            "sentence": j.sentence[:600],
        }
        for j in shared.apart(verdict)
    ]


def _first_word(verdict: Verdict) -> str:
    shut = verdict.shut[0] if verdict.shut else next((c.shut for c in verdict.candidates if c.shut), None)
    return shut.reason if shut else "not_the_best"


# --- again


def replay(decision: Decision) -> Verdict:
    """Decide again from what was kept: the same context, the same versions."""
    known = Context.again(decision.context)
    offers = [catalogue.of_version(row.offer_version.offer, row.offer_version) for row in shared.again(decision)]
    moment = known.at.replace(second=0, microsecond=0)
    return arbitration.judge(known, Shelf(decision.catalogue_version, moment, offers, rested=known.resting))


def is_replayed(decision: Decision) -> bool:
    return digest(replay(decision), decision.outcome) == decision.digest
