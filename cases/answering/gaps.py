"""Questions that come again and that no article answers, alike ones together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cases.answering.space import Row
from cases.answering.wording import telling

ALIKE = 0.3  # cosine from which two questions ask one thing
FEWEST = 3
MOST = 100


@dataclass(frozen=True)
class Gap:
    """`places`: of the questions, the most typical first; `words`: what most of them say."""

    places: list[int]
    words: tuple[str, ...]


def find(texts: Sequence[str], rows: Row) -> list[Gap]:
    """The largest groups of alike questions, each question in one: the one with most like it first, with all of these, then
    of what is left the next."""
    near = _neighbours(rows)
    free, found = set(range(len(texts))), []
    counts = {n: len(near[n]) for n in free}
    for place in sorted(free, key=lambda n: (-counts[n], n)):
        mine = [n for n in near[place] if n in free]
        if place in free and len(mine) >= FEWEST:
            found.append(Gap(mine, _common([texts[n] for n in mine])))
            free -= {*mine}
    return sorted(found, key=lambda gap: -len(gap.places))[:MOST]


def _neighbours(rows: Row) -> list[list[int]]:
    """Of each question those that are ALIKE, itself first, then by how much."""
    found: list[list[int]] = []
    turned = rows.T.tocsr()
    for start in range(0, rows.shape[0], 500):
        sims: Any = (rows[start : start + 500] @ turned).toarray() / 2
        for n, row in enumerate(sims, start):
            row[n] = 2
            alike = np.flatnonzero(row >= ALIKE)
            found.append([int(m) for m in alike[np.argsort(-row[alike], kind="stable")]])
    return found


def _common(texts: list[str]) -> tuple[str, ...]:
    held = Counter(word for text in texts for word in {*_plain(text)})
    most = [word for word, count in held.most_common(12) if count * 2 >= len(texts)]
    return tuple(most or [word for word, _count in held.most_common(3)])[:6]


def _plain(text: str) -> list[str]:
    return [bare for word in telling(text).split() if len(bare := word.strip(".,;:!?()\"'-")) > 2]
