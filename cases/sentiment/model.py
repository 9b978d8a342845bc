"""A small linear model of how words sound: three classes, with probabilities that hold."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import optimize
from sklearn.linear_model import LogisticRegression

from cases.answering import space as spaces
from cases.answering.space import Row, Space
from cases.sentiment.lexicon import FEELINGS
from crm import arrays

FORM = 1  # of what is kept
STRENGTH = 4.0  # inverse of how strongly weights are drawn to nothing (C of scikit-learn)
PRIOR = 0.01  # how strongly a calibration is drawn to changing nothing, a message


@dataclass(frozen=True)
class Calibration:
    """Logits become probabilities as softmax(logits / `warmth` + `shift`): temperature scaling (Guo et al. 2017) with a
    shift of each class (Alexandari et al. 2020), for weights that were trained as if classes were equally frequent."""

    warmth: float = 1.0
    shift: Any = (0.0, 0.0, 0.0)

    def probabilities(self, logits: Any) -> Any:
        """n × 3, in the order of FEELINGS."""
        told = logits / self.warmth + np.asarray(self.shift)
        odds = np.exp(told - told.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)


def calibrate(logits: Any, right: Any) -> Calibration:
    """The calibration by which held-back logits would have been least surprised."""

    def made(x: Any) -> Calibration:
        return Calibration(float(np.exp(x[0])), np.array([x[1], 0.0, x[2]]))

    def surprise(x: Any) -> float:
        given = made(x).probabilities(logits)[np.arange(len(right)), right]
        return float(-np.log(np.maximum(given, 1e-12)).mean() + PRIOR * (x**2).sum())

    return made(optimize.minimize(surprise, np.zeros(3), method="L-BFGS-B", bounds=[(-3, 3)] * 3).x)


@dataclass(frozen=True)
class Model:
    """`weights` (F × 3) and `bias` (3) make logits of a text's features; `calibration` makes them probabilities."""

    space: Space
    weights: Any
    bias: Any
    calibration: Calibration = Calibration()

    def logits(self, texts: Sequence[str]) -> Any:
        return _dense(self.space.rows(texts) @ self.weights) + self.bias

    def probabilities(self, texts: Sequence[str]) -> Any:
        return self.calibration.probabilities(self.logits(texts))

    def pack(self) -> bytes:
        space = {f"space_{f.name}": getattr(self.space, f.name) for f in fields(Space)}
        how = {"warmth": self.calibration.warmth, "shift": [float(x) for x in self.calibration.shift]}
        return arrays.pack({"form": FORM, "weights": self.weights, "bias": self.bias, **how, **space})


def unpack(content: bytes) -> Model:
    """What `Model.pack` kept. Raises ValueError where it is of another form."""
    held = arrays.unpack(content)
    if held.pop("form") != FORM:
        raise ValueError("kept by another version")
    space = Space(**{f.name: held.pop(f"space_{f.name}") for f in fields(Space)})
    calibration = Calibration(held["warmth"], np.array(held["shift"]))
    return Model(space, held["weights"], held["bias"], calibration)


def fit(texts: Sequence[str], right: Any) -> Model:
    """Learn from texts and the places of their feelings in FEELINGS, each class as weighty as the others; not calibrated."""
    space = spaces.learn(texts)
    machine = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=300).fit(space.rows(texts), right)
    weights, bias = _spread(machine)
    return Model(space, weights, bias)


def _spread(machine: LogisticRegression) -> tuple[Any, Any]:
    """Coefficients of all three classes. One that was never seen is never told; of two, scikit-learn keeps one column."""
    known = machine.classes_
    rows, bias = machine.coef_, machine.intercept_
    if len(known) == 2:
        rows, bias = np.vstack([-rows / 2, rows / 2]), np.concatenate([-bias / 2, bias / 2])
    weights = np.zeros((rows.shape[1], len(FEELINGS)), dtype=np.float32)
    least = np.full(len(FEELINGS), -20.0, dtype=np.float32)
    weights[:, known], least[known] = rows.T, bias
    return weights, least


def _dense(what: Row | Any) -> Any:
    return np.asarray(what.toarray() if hasattr(what, "toarray") else what, dtype=np.float32)
