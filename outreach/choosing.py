"""Which of the arms that stand is taken: pure. The first, or one of them by lot, each with a chance that is known exactly.

Silence is one of the arms. By lot only once there is something to learn from (outreach.lessons), and never where the gates
have anything against an offer: what does not stand is no arm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SILENCE = -1


@dataclass(frozen=True)
class Arm:
    """What it is worth, and the standard deviation of that belief."""

    key: int
    worth: float
    spread: float = 0.0


@dataclass(frozen=True)
class Choice:
    """`taken`: the key of the arm, SILENCE, or None where there was nothing to choose from; `chances` by key."""

    taken: int | None
    chances: Mapping[int, float] = field(default_factory=dict)

    @property
    def chance(self) -> float:
        """With which this outcome came about."""
        return self.chances.get(self.taken, 1.0) if self.taken is not None else 1.0


def choose(arms: Sequence[Arm], learned: Mapping[str, Any]) -> Choice:
    """`arms` best first. `learned`: `way` ("" or "start": the first, always; "constant": the first but for a floor; "model":
    by how probable each is to be the best), `floor`, `lot` in [0, 1), `held_out`."""
    if not arms:
        return Choice(None)
    way = learned.get("way") or "start"
    if learned.get("held_out"):
        return Choice(SILENCE, {SILENCE: 1.0})
    if way == "start":
        return Choice(arms[0].key)
    floor = float(learned["floor"])
    silent = Arm(SILENCE, 0.0)
    every = [*arms, silent]
    if way == "model":
        from outreach import exploration  # brings numpy and scipy, which only this way needs

        chances = exploration.chances([a.worth for a in every], [a.spread for a in every], floor)
    else:
        floor = min(floor, 1 / len(every))
        chances = [1 - floor * (len(every) - 1), *[floor] * (len(every) - 1)]
    taken = every[drawn(chances, float(learned["lot"]))].key
    return Choice(taken, {arm.key: round(p, 12) for arm, p in zip(every, chances, strict=True)})


def drawn(probabilities: Sequence[float], lot: float) -> int:
    """The arm that a lot in [0, 1) falls on: the same lot falls on the same arm."""
    total = 0.0
    for k, p in enumerate(probabilities):
        total += p
        if lot < total:
            return k
    return len(probabilities) - 1
