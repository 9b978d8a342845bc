"""How much each kind of evidence weighs, and when to say nothing: learned from questions that were held back."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from cases.answering.asked import SHOWN
from cases.answering.index import FEATURES, Index, Material, build

# What weighs how much before anything was learned, and what learning is drawn back to (in units of the logarithm of odds).
START = np.array([3.0, 0.0, 1.0, 3.0, 4.0, 8.0, 8.0, 0.3, 0.0, 0.0, 0.0])
STEP = np.array([3.0, 3.0, 2.0, 6.0, 6.0, 6.0, 6.0, 1.0, 3.0, 6.0, 6.0])  # how far from it is one standard deviation
FOLDS, STRANGE = 5, 3  # one of so many questions, and of so many articles, at most, is held back at a time
LEAST_LABELLED = 100
MOST_HELD = 6_000  # questions held back in all
NEW = 0.1  # share of questions whose article is new
STRANGERS = 0.2  # share of questions no article answers, where history does not tell
NEAR = 60  # candidates a question that are compared
SURE = 0.4  # so probable it must be that the answer is among those shown: three titles are read in a moment


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


def best(scores: Any, count: int) -> Any:
    """The places of so many highest scores of each row, best first."""
    if scores.shape[1] <= count:
        return np.argsort(-scores, axis=1, kind="stable")
    near = np.sort(np.argpartition(-scores, count, axis=1)[:, :count], axis=1)
    order = np.argsort(-np.take_along_axis(scores, near, axis=1), axis=1, kind="stable")
    return np.take_along_axis(near, order, axis=1)


def _signs(evidence: Any, scores: Any) -> Any:
    """n × 12: what tells a question that an article answers from a stranger."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :SHOWN]
    best = np.take_along_axis(evidence, order[:, :1, None], axis=1)[:, 0]
    share = _softmax(scores)
    top = np.take_along_axis(share, order, axis=1)
    return np.column_stack([
        top[:, 0], top.sum(axis=1), best[:, 0], best[:, 2], best[:, 3], best[:, 4], best[:, 5], best[:, 6],
        evidence[:, :, 0].max(axis=1), evidence[:, :, 3].max(axis=1), evidence[:, :, 4].max(axis=1), evidence[:, :, 6].max(axis=1),
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
    """Each of (at most MOST_HELD) answered questions, by an index that did not see it. Where there are many, all of them are a
    small part, and one index does for all."""
    labelled = np.flatnonzero(material.labelled)
    rng = np.random.default_rng(0)
    chosen = rng.permutation(labelled)[:MOST_HELD]
    folds = math.ceil(FOLDS * len(chosen) / len(labelled))
    found = []
    for n in range(folds):
        part = chosen[n::folds]
        kept = np.ones(len(material.owner), dtype=bool)
        kept[part] = False
        found.append(_asked(material, build(material, kept), part, _heard(material, kept)))
    return joined(found)


def taken_away(material: Material) -> tuple[Held, Held]:
    """Questions of articles whose whole past was taken away. First, as if the article had never answered one: what is written must
    be able to win against what answered before (NEW of all that are held back). Then as strangers: the article is gone too,
    and nothing that is left answers them. A third of the articles at a time, until half of MOST_HELD are found."""
    rng = np.random.default_rng(1)
    used = np.unique(material.owner[material.labelled])
    group = rng.permutation(len(used)) % STRANGE
    most = MOST_HELD // 2
    fresh = int(min(int(material.labelled.sum()), MOST_HELD) * NEW)
    new, strange = [], []
    for n in range(STRANGE):
        gone = used[group == n]
        theirs = np.isin(material.owner, gone)
        asked = rng.permutation(np.flatnonzero(theirs))[:most]
        if not len(asked):
            continue
        index, heard = build(material, ~theirs), _heard(material, ~theirs)
        new.append(_asked(material, index, asked[: max(1, fresh * len(asked) // (MOST_HELD // 2))], heard))
        strange.append(_asked(material, index.without(gone), asked, heard))
        most -= len(asked)
    return joined(new), joined(strange)


def _heard(material: Material, kept: Any) -> Any:
    """F × F that leaves in rows what questions said that are kept, or articles say: the rest is not known, as of a question
    nobody has seen."""
    heard = np.zeros(material.space.size, dtype=np.float32)
    heard[material.rows[kept].indices] = 1
    heard[material.covers.indices] = 1
    return sparse.diags(heard)


def _asked(material: Material, index: Index, which: Any, heard: Any) -> Held:
    evidence, right = [], []
    for some in chunks(which):
        rows, bare = (sparse.csr_matrix(part @ heard) for part in (material.rows[some], material.bare(some)))
        queues = [None if q < 0 else int(q) for q in material.asked_in[some]]
        told = index.evidence(rows, bare, queues)
        near = best(told @ START, NEAR)
        evidence.append(np.take_along_axis(told, near[:, :, None], axis=1))
        hit = index.articles[near] == material.articles[material.owner[some]][:, None]
        right.append(np.where(hit.any(axis=1), hit.argmax(axis=1), -1))
    return Held(np.concatenate(evidence), np.concatenate(right))


def chunks(which: Any) -> Iterator[Any]:
    """So few at once that what speaks for ten thousand articles has room."""
    for start in range(0, len(which), 100):
        yield which[start : start + 100]


def joined(parts: list[Held]) -> Held:
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
    scores = known.evidence @ weights
    order = np.argsort(-scores, axis=1, kind="stable")[:, :SHOWN]
    right = (order == known.right[:, None]).any(axis=1)
    good = np.concatenate([right, np.zeros(len(strange.right), dtype=bool)])
    signs = np.concatenate([_signs(known.evidence, scores), _signs(strange.evidence, strange.evidence @ weights)])
    means, scales = signs.mean(axis=0), np.maximum(signs.std(axis=0), 0.05)  # what hardly varied tells nothing
    each = [(1 - share) / len(known.right), share / max(len(strange.right), 1)]
    heft = np.repeat(each, [len(known.right), len(strange.right)]) * len(good)
    fit = LogisticRegression(C=1.0, max_iter=500).fit((signs - means) / scales, good, sample_weight=heft)
    return Judge(weights, np.concatenate([fit.intercept_, fit.coef_[0]]), means, scales)


# Before anything was learned: only how alike the title is and what the text covers speak for an article. Of 250 questions of
# Stack Exchange in other people's words this keeps 75 of the 76 % that come first, and refuses 78 % of what bank and desk
# customers ask who have nothing to do with it.
UNTAUGHT = Judge(START, np.array([-2.71, 0, 0, 0, 0, 0, 0, 9.0, 2.0, 0, 0, 0, 0]), np.zeros(12), np.ones(12))
