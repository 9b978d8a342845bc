"""One training of how words sound: judged on what was held back, and live only where it beats the lists of words."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cases.sentiment import lexicon, model
from cases.sentiment.gathering import LEAST, LEAST_OF_ONE, WORTH, Marked, marked
from cases.sentiment.guessing import TOLD
from cases.sentiment.lexicon import FEELINGS
from crm.learning import Lesson, Say

FOLDS = 5
BINS = 10  # of confidence, in which calibration is looked at


@dataclass(frozen=True)
class Held:
    """What came of messages that were held back, each in its turn: n × 3 probabilities, and the place of what was right."""

    given: Any
    right: Any


def learn(say: Say) -> Lesson:
    """Only reads. What it learned is used where enough was marked and it does better than the lists of words."""
    examples = marked()
    counts = Counter(each.feeling for each in examples)
    told = sum(each.survey for each in examples)
    seen = (
        {"marked messages": len(examples) - told}
        | ({"survey answers": told} if told else {})
        | {feeling: counts[feeling] for feeling in FEELINGS}
    )
    if len(examples) < WORTH or min(counts[feeling] for feeling in FEELINGS) < FOLDS:
        return Lesson(seen, why=_too_few(counts))
    say(f"reading {len(examples):,} marked messages and answers to surveys, a fifth held back in turn")
    logits, right = held_back(examples)
    held = Held(cross_calibrated(logits, right, _folds(examples)), right)
    figures = measure(held, [lexicon.judge(each.text) for each in examples])
    made = replace(model.fit([each.text for each in examples], right), calibration=model.calibrate(logits, right))
    return Lesson(seen, figures, made.pack(), why=why_not(counts, figures))


def why_not(counts: Counter[str], figures: dict[str, Any]) -> str:
    """Why what was learned is not used yet, in a sentence; empty where it is."""
    if sum(counts.values()) < LEAST or min(counts[feeling] for feeling in FEELINGS) < LEAST_OF_ONE:
        return _too_few(counts)
    if figures["macro-F1"] <= figures["macro-F1 of the word lists"]:
        return (
            f"it does no better than the lists of words on what was held back"
            f" (macro-F1 {figures['macro-F1']} against {figures['macro-F1 of the word lists']})"
        )
    return ""


def _too_few(counts: Counter[str]) -> str:
    told = ", ".join(f"{counts[feeling]} {feeling}" for feeling in FEELINGS)
    return (
        f"{sum(counts.values())} messages are marked ({told});"
        f" it takes {LEAST}, and {LEAST_OF_ONE} of each, until they speak for themselves"
    )


def held_back(examples: Sequence[Marked]) -> tuple[Any, Any]:
    """Logits of every message by a model that saw none of its case, and the places of what was right."""
    texts = [each.text for each in examples]
    right = np.array([FEELINGS.index(each.feeling) for each in examples])
    folds, logits = _folds(examples), np.zeros((len(examples), len(FEELINGS)))
    for fold in range(FOLDS):
        out = np.flatnonzero(folds == fold)
        kept = np.flatnonzero(folds != fold)
        if len(out) and len({*right[kept]}) > 1:
            logits[out] = model.fit([texts[n] for n in kept], right[kept]).logits([texts[n] for n in out])
    return logits, right


def cross_calibrated(logits: Any, right: Any, folds: Any) -> Any:
    """Probabilities of each message, calibrated on the folds it is not in: what is told of calibration is held out too."""
    given = np.zeros_like(logits)
    for fold in range(FOLDS):
        out = folds == fold
        if out.any():
            given[out] = model.calibrate(logits[~out], right[~out]).probabilities(logits[out])
    return given


def _folds(examples: Sequence[Marked]) -> Any:
    """All of a case's messages in one: what was said of one thing must not teach and be asked."""
    return np.array([each.case * 2654435761 % 2**32 % FOLDS for each in examples])


def measure(held: Held, listed: Sequence[str]) -> dict[str, Any]:
    """How well, on what was held back; `listed`: what the lists of words make of the same messages."""
    best = held.given.argmax(axis=1)
    lists = np.array([FEELINGS.index(feeling) for feeling in listed])
    sure = held.given.max(axis=1) >= TOLD
    upset = held.right == FEELINGS.index("bad")
    return {
        "held back": len(held.right),
        "accuracy": _share(best == held.right),
        "macro-F1": macro_f1(best, held.right),
        "calibration error": calibration_error(held.given, held.right),
        "told": _share(sure),
        "accuracy where told": _share((best == held.right)[sure]),
        "upset ones found": _share((best == held.right)[upset]),
        "accuracy of the word lists": _share(lists == held.right),
        "macro-F1 of the word lists": macro_f1(lists, held.right),
    }


def macro_f1(told: Any, right: Any) -> float:
    """The mean of each feeling's F1, 2 tp / (2 tp + fp + fn), so that rare ones count as much as frequent ones."""
    each = []
    for place in range(len(FEELINGS)):
        hit = ((told == place) & (right == place)).sum()
        wrong = ((told == place) != (right == place)).sum()
        each.append(2 * hit / (2 * hit + wrong) if hit or wrong else 0.0)
    return round(float(np.mean(each)), 4)


def calibration_error(given: Any, right: Any) -> float:
    """Expected calibration error (Naeini et al. 2015): how far, on average, the probability told is from how often it was
    right, over ten bins of equal width."""
    sure, hit = given.max(axis=1), given.argmax(axis=1) == right
    places = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = [(places == n).mean() * abs(sure[places == n].mean() - hit[places == n].mean()) for n in {*places.tolist()}]
    return round(float(sum(gaps)), 4)


def _share(what: Any) -> float | None:
    return round(float(what.mean()), 4) if len(what) else None
