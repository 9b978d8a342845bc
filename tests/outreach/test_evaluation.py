"""What another way of deciding would have brought: estimators against what is true, and who may run."""

import csv
import math
from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from outreach import choosing, evaluation, exploration
from outreach.evaluation import Estimate, Logged
from tests import data


def simulated(n: int, seed: int = 0) -> tuple[Logged, float]:
    """A log of three arms with known chances, judged for a way that prefers the best; and that way's true value."""
    chance = np.random.default_rng(seed)
    rates, ran, judged = np.array([0.1, 0.2, 0.4]), np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.1, 0.8])
    arm = chance.choice(3, n, p=ran)
    reward = (chance.random(n) < rates[arm]).astype(float)
    guess = np.array([0.15, 0.15, 0.3])
    log = Logged(reward, ran[arm], judged[arm], guess[arm], np.full(n, judged @ guess), np.arange(n))
    return log, float(judged @ rates)


@pytest.mark.parametrize("estimate", [evaluation.ips, evaluation.snips, evaluation.doubly_robust])
def test_the_interval_holds_what_is_true_as_often_as_it_says(estimate: Any) -> None:
    hits = 0
    for seed in range(300):
        log, true = simulated(400, seed)
        found = estimate(log)
        hits += found.low <= true <= found.high
    assert 0.91 <= hits / 300 <= 0.98


def test_a_log_of_the_way_that_is_judged_is_its_mean() -> None:
    reward = np.array([0.0, 1.0, 1.0, 0.0])
    log = Logged(reward, np.full(4, 0.25), np.full(4, 0.25))
    assert evaluation.ips(log).value == evaluation.snips(log).value == 0.5
    assert evaluation.ips(log).effective == 4


def test_one_customers_decisions_count_together() -> None:
    """The same rows, each ten times over, tell no more than once where they are of one customer each."""
    log, _true = simulated(200)
    ten = Logged(
        *(np.repeat(getattr(log, name), 10) for name in ("reward", "chance", "target", "predicted", "expected", "who"))
    )
    alone, over = evaluation.doubly_robust(log), evaluation.doubly_robust(ten)
    assert over.value == pytest.approx(alone.value)
    assert over.high - over.low == pytest.approx(alone.high - alone.low, rel=1e-9)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"reward": [], "chance": [], "target": []}, "nothing was logged"),
        ({"reward": [1], "chance": [0.0], "target": [1]}, "above 0"),
        ({"reward": [1], "chance": [1.5], "target": [1]}, "at most 1"),
        ({"reward": [1], "chance": [0.5], "target": [-1]}, "not below 0"),
    ],
)
def test_a_log_that_cannot_be_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Logged(**{name: np.array(row) for name, row in values.items()})


def test_without_a_model_there_is_no_doubly_robust_value() -> None:
    with pytest.raises(ValueError, match="what a model predicts"):
        evaluation.doubly_robust(Logged(np.ones(2), np.ones(2), np.ones(2)))


def constants(log: Logged, arms: Any) -> dict[str, Logged]:
    return {
        f"arm {arm}": Logged(
            log.reward, log.chance, evaluation.constant(arm, arms), log.predicted, np.full(len(arms), 0.2), log.who
        )
        for arm in range(3)
    }


def personal(n: int, gain: float, seed: int = 5) -> tuple[Logged, dict[str, Logged]]:
    """Two kinds of customers; the way that is judged gives each its own arm, which brings `gain` more than the other."""
    chance = np.random.default_rng(seed)
    kind, arm = chance.integers(0, 2, n), chance.integers(0, 2, n)
    reward = (chance.random(n) < 0.3 + gain * (kind == arm)).astype(float)
    guess, half = np.full(n, 0.3), np.full(n, 0.5)
    ways = {
        f"always {a}": Logged(reward, half, evaluation.constant(a, arm), guess, guess, np.arange(n)) for a in (0, 1)
    }
    return Logged(reward, half, (kind == arm).astype(float), guess, guess, np.arange(n)), ways


def test_a_model_runs_only_where_it_is_surely_better_than_the_best_constant_arm() -> None:
    assert evaluation.rule(*personal(4000, 0.3)).may_run
    same = evaluation.rule(*personal(4000, 0.0))
    assert not same.may_run
    assert same.difference.low <= 0 <= same.difference.high
    assert not evaluation.rule(*personal(40, 0.05)).may_run


def test_of_models_that_are_no_better_hardly_one_runs() -> None:
    assert sum(evaluation.rule(*personal(500, 0.0, seed)).may_run for seed in range(200)) <= 10


def test_nobody_wins_where_intervals_overlap() -> None:
    def est(low: float, high: float) -> Estimate:
        return Estimate((low + high) / 2, low, high, 10, 10)

    assert evaluation.winner({"a": est(0.1, 0.3), "b": est(0.2, 0.4)}) is None
    assert evaluation.winner({"a": est(0.1, 0.2), "b": est(0.3, 0.4)}) == "b"
    assert evaluation.winner({"a": est(0.1, 0.2), "b": est(0.2, 0.4)}) is None
    assert evaluation.winner({}) is None


# --- chances


beliefs = st.lists(
    st.tuples(st.floats(-20, 20), st.floats(0, 10)), min_size=1, max_size=12
)  # mean and deviation of each arm


@given(beliefs)
@settings(max_examples=150, deadline=None)
def test_chances_add_up_and_no_arm_is_forgotten(arms: list[tuple[float, float]]) -> None:
    found = exploration.chances([m for m, _s in arms], [s for _m, s in arms])
    assert math.isclose(sum(found), 1, abs_tol=1e-12)
    assert min(found) >= min(exploration.FLOOR, 1 / len(arms)) - 1e-12


def test_chances_are_how_often_each_draw_is_the_highest() -> None:
    means, deviations = [0.0, 0.4, -0.3, 0.0], [0.5, 0.3, 1.0, 0.0]
    chance = np.random.default_rng(0)
    draws = chance.normal(means, deviations, (400_000, 4)).argmax(axis=1)
    counted = np.bincount(draws, minlength=4) / 400_000
    assert exploration.chances(means, deviations, floor=0) == pytest.approx(counted, abs=0.03)


@given(beliefs)
@settings(max_examples=100, deadline=None)
def test_chances_are_to_the_last_bit_what_they_were_arm_by_arm(arms: list[tuple[float, float]]) -> None:
    """Decisions that were kept are made again from these."""
    mean, deviation = (np.array(column, dtype=float) for column in zip(*arms, strict=True))
    for k, below in enumerate(exploration._below(mean, deviation)):
        draws = mean[k] + math.sqrt(2) * exploration.NODES * deviation[k]
        wanted = np.ones_like(draws)
        for i in range(len(mean)):
            if i != k and deviation[i] > exploration.CERTAIN:
                wanted *= ndtr((draws - mean[i]) / deviation[i])
            elif i != k:
                wanted *= np.where(draws > mean[i], 1.0, np.where(draws == mean[i], 0.5, 0.0))
        assert below.tolist() == wanted.tolist()


def test_the_better_arm_is_the_more_probable_one() -> None:
    low, high = exploration.chances([0.0, 1.0], [0.5, 0.5])
    assert high > 0.9 > 0.1 > low >= exploration.FLOOR
    assert exploration.chances([1.0, 1.0], [0.2, 0.2]) == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("bad", [([float("nan")], [1.0]), ([0.0], [-1.0]), ([0.0], [float("inf")])])
def test_beliefs_that_are_none_are_refused(bad: tuple[list[float], list[float]]) -> None:
    with pytest.raises(ValueError, match="finite"):
        exploration.chances(*bad)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6), st.floats(0, 0.999999))
def test_a_lot_falls_on_one_arm_and_always_on_the_same(raw: list[float], lot: float) -> None:
    shares = [p / sum(raw) for p in raw]
    assert choosing.drawn(shares, lot) == choosing.drawn(shares, lot)
    assert 0 <= choosing.drawn(shares, lot) < len(raw)


def test_lots_fall_as_often_as_the_chances_say() -> None:
    shares, chance = [0.2, 0.5, 0.3], np.random.default_rng(1)
    counted = np.bincount([choosing.drawn(shares, lot) for lot in chance.random(20_000)], minlength=3) / 20_000
    assert counted == pytest.approx(shares, abs=0.01)


# --- real logs


def men(policy: str) -> list[dict[str, str]]:
    with data.find("open_bandit", policy, "men", "men.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.realdata
def test_on_open_bandit_the_estimators_are_their_definitions_and_nobody_wins() -> None:
    """The log of the random policy, judged for what Bernoulli Thompson sampling chose: by item and position, as it was
    logged. Against a plain sum, and against what that policy brought where it ran."""
    random, bts = men("random"), men("bts")
    held: dict[tuple[str, str], int] = {}
    shown: dict[str, int] = {}
    for row in bts:
        held[row["item_id"], row["position"]] = held.get((row["item_id"], row["position"]), 0) + 1
        shown[row["position"]] = shown.get(row["position"], 0) + 1
    reward = np.array([float(row["click"]) for row in random])
    chance = np.array([float(row["propensity_score"]) for row in random])
    target = np.array([held.get((r["item_id"], r["position"]), 0) / shown[r["position"]] for r in random])
    log = Logged(reward, chance, target)
    top = bottom = 0.0
    for r, p, t in zip(reward, chance, target, strict=True):
        top, bottom = top + t / p * r, bottom + t / p
    assert evaluation.ips(log).value == pytest.approx(top / len(random), abs=1e-9)
    assert evaluation.snips(log).value == pytest.approx(top / bottom, abs=1e-9)
    ran = np.array([float(row["click"]) for row in bts])
    found = {
        "random": evaluation.ips(Logged(reward, chance, chance)),
        "sampling, by snips": evaluation.snips(log),
        "sampling, as it ran": evaluation.ips(Logged(ran, np.ones(len(ran)), np.ones(len(ran)))),
    }
    print({key: (round(e.value * 100, 3), round(e.low * 100, 3), round(e.high * 100, 3)) for key, e in found.items()})
    assert evaluation.winner(found) is None


def cells(rows: list[dict[str, str]]) -> dict[tuple[str, str], tuple[int, int]]:
    """Of each item and place how often it was shown, and clicked."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for row in rows:
        shown, clicked = found.get((row["item_id"], row["position"]), (0, 0))
        found[row["item_id"], row["position"]] = shown + 1, clicked + int(row["click"])
    return found


@pytest.mark.realdata
def test_on_open_bandit_the_estimates_are_those_of_exact_fractions() -> None:
    """Nobody publishes IPS or SNIPS of this part of the data (obp's documentation and the paper give relative errors, of all
    items and from simulated chances), so they are held to 1e-6 against another way to them: no row by row and no floating
    point, but sums of whole numbers over items and places, in fractions. The random way takes each of 34 items with chance 1/34."""
    random, bts = men("random"), men("bts")
    logged, judged = cells(random), cells(bts)
    assert {row["propensity_score"] for row in random} == {repr(1 / 34)}
    in_place = Counter(row["position"] for row in bts)
    weight = {cell: Fraction(34 * judged.get(cell, (0, 0))[0], in_place[cell[1]]) for cell in logged}
    n = len(random)
    total = sum((weight[cell] * shown for cell, (shown, _clicked) in logged.items()), Fraction(0))
    brought = sum((weight[cell] * clicked for cell, (_shown, clicked) in logged.items()), Fraction(0))
    squares = sum((weight[cell] ** 2 * clicked for cell, (_shown, clicked) in logged.items()), Fraction(0))
    target = [float(weight[row["item_id"], row["position"]]) / 34 for row in random]
    log = Logged(np.array([float(r["click"]) for r in random]), np.full(n, 1 / 34), np.array(target))
    ips, snips = evaluation.ips(log), evaluation.snips(log)
    assert ips.value == pytest.approx(float(brought / n), abs=1e-6)
    assert snips.value == pytest.approx(float(brought / total), abs=1e-6)
    error = math.sqrt((squares / n - (brought / n) ** 2) / (n - 1))  # of a mean of w r, by its moments
    assert (ips.low, ips.high) == pytest.approx((ips.value - 1.959964 * error, ips.value + 1.959964 * error), abs=1e-6)
    print({"IPS": float(brought / n), "SNIPS": float(brought / total)})


@pytest.mark.realdata
def test_on_open_bandit_one_item_always_is_its_own_clicks() -> None:
    """Of a way that always takes one item SNIPS is how often that item was clicked, and IPS 34 times its clicks of all rows."""
    random = men("random")
    reward, chance = (
        np.array([float(r["click"]) for r in random]),
        np.array([float(r["propensity_score"]) for r in random]),
    )
    chosen = [int(row["item_id"]) for row in random]
    for item in range(34):
        mine = [row for row in random if row["item_id"] == str(item)]
        clicks = sum(int(row["click"]) for row in mine)
        log = Logged(reward, chance, evaluation.constant(item, chosen))
        assert evaluation.snips(log).value == pytest.approx(clicks / len(mine), abs=1e-6)
        assert evaluation.ips(log).value == pytest.approx(34 * clicks / len(random), abs=1e-6)
