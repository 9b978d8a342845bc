"""How much each kind of evidence weighs, and when to say nothing: learned from questions that were held back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from cases.answering.index import FEATURES, Index, Material, build

# What weighs how much before anything was learned, and what learning is drawn back to (in units of the logarithm of odds).
START = np.array([3.0, 0.0, 6.0, 6.0, 8.0, 8.0, 0.5])
STEP = np.array([3.0, 3.0, 6.0, 6.0, 6.0, 6.0, 1.0])  # how far from it is one standard deviation
FOLDS, STRANGE = 5, 3
LEAST_LABELLED = 100
MOST_HELD = 6_000  # questions held back in all
SHOWN = 3
STRANGERS = 0.2  # share of questions no article answers, where history does not tell
NEAR = 60  # candidates a question that are compared
SURE = 0.5  # so probable it must be that the answer is among those shown


@dataclass(frozen=True)
class Judge:
    """`weights` of FEATURES; `calm`: those of `_signs`, with a constant first, and their means and scales."""

    weights: Any
    calm: Any
    means: Any
    scales: Any

    def scores(self, evidence: Any) -> Any:
        """n × K: the logarithm of odds, comparable within a question."""
        return evidence @ self.weights

    def confidence(self, evidence: Any, scores: Any = None) -> Any:
        """n: how probable it is that the answer is among the SHOWN best, by these scores or its own."""
        signs = (_signs(evidence, self.scores(evidence) if scores is None else scores) - self.means) / self.scales
        return 1 / (1 + np.exp(-(self.calm[0] + signs @ self.calm[1:])))


def _signs(evidence: Any, scores: Any) -> Any:
    """n × 10: what tells a question that an article answers from a stranger."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :SHOWN]
    best = np.take_along_axis(evidence, order[:, :1, None], axis=1)[:, 0]
    share = _softmax(scores)
    top = np.take_along_axis(share, order, axis=1)
    return np.column_stack([
        top[:, 0], top.sum(axis=1), best[:, 0], best[:, 2], best[:, 3], best[:, 4], best[:, 5],
        evidence[:, :, 0].max(axis=1), evidence[:, :, 2].max(axis=1), evidence[:, :, 5].max(axis=1),
    ])  # fmt: skip


def _softmax(scores: Any) -> Any:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Held:
    """Questions that were held back, with the evidence of their NEAR best candidates. `right`: its place among them, or -1."""

    evidence: Any
    right: Any


def held_back(material: Material) -> Held:
    """Each of (at most MOST_HELD) answered questions, by an index that did not see it."""
    labelled = np.flatnonzero(material.labelled)
    rng = np.random.default_rng(0)
    chosen = rng.permutation(labelled)[:MOST_HELD]
    fold = np.arange(len(chosen)) % FOLDS
    return _joined([_asked(material, _without(material, part := chosen[fold == n]), part) for n in range(FOLDS)])


def strangers(material: Material) -> Held:
    """Questions whose article, and all it answered, was taken away: nothing that is left answers them."""
    rng = np.random.default_rng(1)
    used = np.unique(material.owner[material.labelled])
    group = rng.permutation(len(used)) % STRANGE
    found = []
    for n in range(STRANGE):
        gone = used[group == n]
        theirs = np.isin(material.owner, gone)
        asked = rng.permutation(np.flatnonzero(theirs))[: MOST_HELD // STRANGE // 2]
        index = build(material, ~theirs, gone)
        found.append(_asked(material, index, asked))
    return _joined(found)


def _without(material: Material, part: Any) -> Index:
    kept = np.ones(len(material.owner), dtype=bool)
    kept[part] = False
    return build(material, kept)


def _asked(material: Material, index: Index, which: Any) -> Held:
    evidence, right = [], []
    for some in _chunks(which, 200):
        rows = material.rows[some]
        queues = [None if q < 0 else int(q) for q in material.asked_in[some]]
        told = index.evidence(rows, material.bare[some], queues)
        near = np.argsort(-(told @ START), axis=1, kind="stable")[:, :NEAR]
        evidence.append(np.take_along_axis(told, near[:, :, None], axis=1))
        hit = index.articles[near] == material.articles[material.owner[some]][:, None]
        right.append(np.where(hit.any(axis=1), hit.argmax(axis=1), -1))
    return Held(np.concatenate(evidence), np.concatenate(right))


def _chunks(which: Any, size: int) -> Iterator[Any]:
    for start in range(0, len(which), size):
        yield which[start : start + size]


def _joined(parts: list[Held]) -> Held:
    width = min(p.evidence.shape[1] for p in parts)
    right = np.concatenate([p.right for p in parts])
    return Held(np.concatenate([p.evidence[:, :width] for p in parts]), np.where(right < width, right, -1))


def weigh(held: Held) -> Any:
    """The weights under which what answered comes out most probable: conditional logit (McFadden 1974) with a normal prior
    around START."""
    among = held.right >= 0
    told, right = held.evidence[among].astype(np.float64), held.right[among]
    rows = np.arange(len(right))

    def loss(step: Any) -> tuple[float, Any]:
        share = _softmax(told @ (START + step * STEP))
        missed = -np.log(np.maximum(share[rows, right], 1e-12)).sum()
        expected = np.einsum("nk,nkf->f", share, told)
        slope = (expected - told[rows, right].sum(axis=0)) * STEP
        return missed + 0.5 * step @ step, slope + step

    found = minimize(loss, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B")
    return START + found.x * STEP


def learn_confidence(weights: Any, known: Held, strange: Held, share: float) -> Judge:
    """When the answer is among those shown: logistic regression on held-back questions and on strangers, these weighed so
    that they are `share` of all."""
    evidence = np.concatenate([known.evidence, strange.evidence[:, : known.evidence.shape[1]]])
    scores = evidence @ weights
    order = np.argsort(-scores, axis=1, kind="stable")[:, :SHOWN]
    right = np.concatenate([known.right, np.full(len(strange.right), -1)])
    good = (order == right[:, None]).any(axis=1)
    signs = _signs(evidence, scores)
    means, scales = signs.mean(axis=0), np.maximum(signs.std(axis=0), 1e-6)
    heft = np.concatenate([
        np.full(len(known.right), (1 - share) / len(known.right)),
        np.full(len(strange.right), share / max(len(strange.right), 1)),
    ]) * len(right)  # fmt: skip
    fit = LogisticRegression(C=1.0, max_iter=500).fit((signs - means) / scales, good, sample_weight=heft)
    return Judge(weights, np.concatenate([fit.intercept_, fit.coef_[0]]), means, scales)


# Before anything was learned: only what an article covers of a question speaks for it.
UNTAUGHT = Judge(START, np.array([-6.0, 0, 0, 0, 0, 0, 6.0, 12.0, 0, 0, 0]), np.zeros(10), np.ones(10))
