"""Answers to questions: kept with the yes that carries them, and counted for who asked."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from cases.models import Case
from cases.models.case import Refusal
from cases.shares import Share, share
from outreach import asking
from outreach.asking import Answer
from outreach.models import Offer, OfferPresentation, OfferResponse, OfferVersion, QuestionAnswer


def read(version: OfferVersion, kind: str, given: str | int | None) -> Answer | None:
    """The answer that comes with a yes to a question; None with anything else. Refusal where one is missing, is none, or was
    given to something that asks nothing."""
    if version.question and kind == OfferResponse.Kind.ACCEPTED:
        return asking.read(version, given)
    if given not in {None, ""}:
        raise Refusal(_("Only a question that was answered has an answer."))
    return None


def is_said(was: OfferResponse, told: Answer | None) -> bool:
    """Whether this very answer stands."""
    kept = QuestionAnswer.objects.filter(response=was).first()
    return told == (Answer(kept.text, kept.choice, kept.scale) if kept else None)


def keep(said: OfferResponse, told: Answer | None) -> None:
    """In the transaction of the response. What was answered before in this talk stands no longer; of two talks with one customer,
    one keeps its answer: the constraint decides, and who is later is told."""
    shown = said.presentation
    QuestionAnswer.objects.filter(response__presentation=shown, stands=True).update(stands=False)
    if told is None:
        return
    version = shown.candidate.offer_version
    try:
        with transaction.atomic():
            QuestionAnswer.objects.create(
                response=said,
                offer_id=version.offer_id,
                offer_version=version,
                customer_id=shown.customer_id,
                case_id=shown.case_id,
                by=said.by,
                at=said.at,
                **vars(told),
            )
    except IntegrityError:
        raise Refusal(_("They answered this in another conversation already: once is enough.")) from None


# --- what came of it


@dataclass(frozen=True)
class Line:
    """How often one answer was given, of all that were, with Wilson's 95 % interval."""

    label: str
    told: Share

    @property
    def percent(self) -> str:
        return _percent(self.told)


@dataclass(frozen=True)
class Tally:
    """What came of one question, over the cases somebody may see. `asked`: how often a rep asked; `answered`: how many
    answers stand, with their share of those; `lines`: each choice or each step of the scale, none where words are free;
    `mean` of a scale, with `low` and `high` around it from two answers on (Student's t, 95 %)."""

    offer: Offer
    asked: int
    answered: Share
    lines: list[Line]
    mean: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def percent(self) -> str:
        return _percent(self.answered)


def _percent(told: Share) -> str:
    """The share and where it lies: “40 % (12–77 %)”."""
    if told.share is None or told.low is None or told.high is None:
        return "–"
    return f"{told.share:.0%} ({told.low * 100:.0f}–{told.high:.0%})".replace("%", " %")


def tallies(cases: QuerySet[Case], only: Sequence[int] | None = None) -> list[Tally]:
    """Of every question that was ever asked or stands now; three queries, however many there are."""
    offers = Offer.objects.filter(purpose=Offer.Purpose.QUESTION, current__isnull=False).select_related("current")
    offers = offers if only is None else offers.filter(pk__in=only)
    asked = _asked(cases)
    given = _given(cases)
    return [_tally(offer, asked.get(offer.pk, 0), given.get(offer.pk, Counter())) for offer in offers]


def _asked(cases: QuerySet[Case]) -> dict[int, int]:
    """Presentations that were mentioned, by offer."""
    newest = OfferResponse.objects.filter(presentation=OuterRef("pk")).order_by("-number").values("kind")[:1]
    shown = OfferPresentation.objects.filter(case__in=cases.order_by().values("pk")).alias(
        said=Coalesce(Subquery(newest), Value(""))
    )
    of = "candidate__offer_version__offer"
    heard = shown.filter(**{f"{of}__purpose": Offer.Purpose.QUESTION}).exclude(said=OfferResponse.Kind.WITHHELD)
    return dict(heard.values_list(of).annotate(n=Count("pk")).order_by())


def _given(cases: QuerySet[Case]) -> dict[int, Counter[str]]:
    """How often each answer stands, by offer; free words count together under ""."""
    rows = QuestionAnswer.objects.filter(stands=True, case__in=cases.order_by().values("pk"))
    told: dict[int, Counter[str]] = defaultdict(Counter)
    for offer, choice, scale, count in rows.values_list("offer", "choice", "scale").annotate(n=Count("pk")).order_by():
        told[offer][choice if scale is None else str(scale)] += count
    return told


def _tally(offer: Offer, asked: int, given: Counter[str]) -> Tally:
    version = offer.current
    answers = given.total()
    lines = [Line(label, share(given[label], answers)) for label in _labels(version, given)]
    told = Tally(offer, asked, share(answers, asked), lines)
    return replace(told, **_mean(given)) if version and version.answer_kind == asking.SCALE and answers else told


def _labels(version: OfferVersion | None, given: Counter[str]) -> list[str]:
    """What may be answered now, in order, then what earlier wordings let people answer."""
    now = list(version.choices) if version else []
    if version and version.answer_kind == asking.SCALE:
        now = [str(step) for step in range(asking.LEAST, asking.MOST + 1)]
    return now + sorted(label for label in given if label and label not in now)


def _mean(given: Counter[str]) -> dict[str, Any]:
    from scipy.stats import t  # brings libraries that nothing else on the page needs

    steps = {int(label): n for label, n in given.items() if label.isdigit()}
    n = sum(steps.values())
    if not n:
        return {}
    mean = sum(step * count for step, count in steps.items()) / n
    if n < 2:
        return {"mean": round(mean, 2)}
    spread = math.sqrt(sum(count * (step - mean) ** 2 for step, count in steps.items()) / (n - 1))
    reach = float(t.ppf(0.975, n - 1)) * spread / math.sqrt(n)
    ends = (max(mean - reach, asking.LEAST), min(mean + reach, asking.MOST))
    return {"mean": round(mean, 2), "low": round(ends[0], 2), "high": round(ends[1], 2)}
