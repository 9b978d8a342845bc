"""What was learned as one thing that is kept, and what became of its articles since."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from scipy import sparse

from cases.answering.asked import LONGEST_ARTICLE, Document
from cases.answering.index import FEATURES, HALF, Index, covering
from cases.answering.judge import NEAR, SURE, Judge, best
from cases.answering.space import Space, word_columns
from cases.answering.wording import is_empty, telling
from crm import arrays

BECAUSE = 4  # words named


@dataclass(frozen=True)
class Asked:
    """A question: as it is, without the words that say nothing, and its telling words with their columns."""

    row: Any
    bare: Any
    words: dict[str, int]


@dataclass(frozen=True)
class Memory:
    """An index and how to judge by it. `seen`: the newest version of an article that is in it."""

    index: Index
    judge: Judge
    seen: int

    def pack(self) -> bytes:
        index = {f.name: getattr(self.index, f.name) for f in fields(Index) if f.name != "space"}
        judge = {f"judge_{f.name}": getattr(self.judge, f.name) for f in fields(Judge)}
        space = {f"space_{f.name}": getattr(self.index.space, f.name) for f in fields(Space)}
        return arrays.pack({"form": FORM, "seen": self.seen, **index, **judge, **space}, HALF)

    def asked(self, text: str) -> "Asked":
        """A question as the index reads it, once."""
        space = self.index.space
        words = {word: column for word, column in word_columns(space, text).items() if not is_empty(word)}
        return Asked(space.rows([text]), space.rows([telling(text)]), words)

    def evidence(self, asked: "Asked", queue: int | None) -> Any:
        """What speaks for each article: K × FEATURES."""
        return self.index.evidence(asked.row, asked.bare, [queue])[0]

    def answered(self, rows: Any, bare: Any, queues: Any) -> Any:
        """n: for which of these questions an article is so near that it would be shown; a queue below 0 is not known."""
        evidence = self.index.evidence(rows, bare, [None if queue < 0 else int(queue) for queue in queues])
        near = best(self.judge.scores(evidence), NEAR)
        return self.judge.confidence(np.take_along_axis(evidence, near[:, :, None], axis=1)) >= SURE

    def alike(self, text: str, limit: int) -> list[tuple[int, float]]:
        """The past cases whose question is most like this one, with how much, 0 to 1, best first."""
        sims = (self.index.space.rows([text]) @ self.index.questions).toarray() / 2
        near = [(int(self.index.cases[n]), float(sims[0, n])) for n in best(sims, limit)[0]]
        return [(case, alike) for case, alike in near if alike > 0 and case]

    def because(self, asked: "Asked", places: Sequence[int]) -> list[tuple[str, ...]]:
        """The words of a question that speak most for the article in each of these places, best first."""
        if not asked.words or not len(places):
            return [() for _place in places]
        index, weights = self.index, dict(zip(FEATURES, self.judge.weights, strict=True))
        at = list(asked.words.values())
        row, bare = _at(asked.row, at)[:, None], _at(asked.bare, at)[:, None]
        speaks = (
            row * weights["machine"] * _of(index.machine, at, places)
            + row * max(weights["bayes"], 0.5) / 5 * _of(index.held, at, places)
            + bare * weights["title"] * _of(index.titles, at, places)
            + bare / (asked.bare.sum() or 1) * weights["covered"] * _of(index.covers, at, places)
        )
        return [_best(asked.words, speaks[:, n]) for n in range(len(places))]

    def with_documents(self, documents: Sequence[Document], seen: int) -> "Memory":
        """The same with these articles as they are now: those it knew are read anew, new ones are added."""
        if not documents:
            return self
        written = sorted(documents, key=lambda d: d.article)
        bare = [(telling(d.title), telling(d.body, LONGEST_ARTICLE)) for d in written]
        index = self._with_words([text for pair in bare for text in pair])
        at = {int(article): n for n, article in enumerate(index.articles)}
        new = [d for d in written if d.article not in at]
        places = np.array([at.get(d.article, -1) for d in written])
        places[places < 0] = len(at) + np.arange(len(new))
        wider = (index.space.size, len(at) + len(new))
        titles = index.space.pieces([title for title, _body in bare])
        covers = covering(
            index.space.counts([f"{title} {title} {body}" for title, body in bare], LONGEST_ARTICLE), index.length
        )
        nothing = np.zeros(len(new), dtype=np.float32)
        return Memory(
            replace(
                index,
                articles=np.concatenate([index.articles, np.array([d.article for d in new], dtype=np.int64)]),
                machine=_widened(index.machine, wider),
                bias=np.concatenate([index.bias, nothing]),
                held=_widened(index.held, wider),
                bare=np.concatenate([index.bare, nothing]),
                trained=np.concatenate([index.trained, nothing.astype(bool)]),
                titles=_set(index.titles, wider, places, titles),
                covers=_set(index.covers, wider, places, covers),
                usual=np.hstack([index.usual, np.repeat(_least(index.usual), len(new), axis=1)]),
            ),
            self.judge,
            seen,
        )

    def _with_words(self, texts: Sequence[str]) -> Index:
        """The index with columns for what only these texts say; nothing that was learned speaks of them."""
        index = self.index
        wider, kept = index.space.wider(texts)
        if wider.size == index.space.size:
            return index
        spread = sparse.csr_matrix(
            (np.ones(len(kept), dtype=np.float32), (kept, np.arange(len(kept)))), (wider.size, len(kept))
        )
        every = np.full(wider.size, index.every.min(initial=0), dtype=np.float32)
        every[kept] = index.every
        moved = {
            n: sparse.csr_matrix(spread @ getattr(index, n))
            for n in ("machine", "held", "questions", "titles", "covers")
        }
        return replace(index, space=wider, wide=kept[index.wide], every=every, **moved)


FORM = 2  # of what is kept; another one is read by the code that wrote it, and learned anew


def unpack(content: bytes) -> Memory:
    """What `Memory.pack` kept. Raises ValueError where it is of another form."""
    held = arrays.unpack(content)
    if held.pop("form") != FORM:
        raise ValueError("kept by another version")
    seen = held.pop("seen")
    space = Space(**{f.name: held.pop(f"space_{f.name}") for f in fields(Space)})
    judge = Judge(**{f.name: held.pop(f"judge_{f.name}") for f in fields(Judge)})
    return Memory(Index(space=space, **held), judge, seen)


def _at(row: Any, columns: list[int]) -> Any:
    return row[:, columns].toarray()[0]


def _of(matrix: Any, rows: list[int], places: Sequence[int]) -> Any:
    return matrix[rows][:, list(places)].toarray()


def _best(words: Iterable[str], speaks: Any) -> tuple[str, ...]:
    found = sorted(zip(-speaks, words, strict=True))
    return tuple(word for weight, word in found[:BECAUSE] if weight < 0)


def _widened(matrix: Any, shape: tuple[int, int]) -> Any:
    return sparse.hstack([matrix, sparse.csr_matrix((shape[0], shape[1] - matrix.shape[1]), dtype=np.float32)], "csr")


def _set(matrix: Any, shape: tuple[int, int], places: Any, rows: Any) -> Any:
    """F × K with the columns at `places` as `rows` has them."""
    kept = np.ones(shape[1])
    kept[places] = 0
    spread = sparse.csr_matrix((np.ones(len(places)), (places, np.arange(len(places)))), (shape[1], len(places)))
    return sparse.csr_matrix(_widened(matrix, shape) @ sparse.diags(kept) + (spread @ rows).T, dtype=np.float32)


def _least(usual: Any) -> Any:
    """What nobody used yet is as usual as what was used least."""
    return usual.min(axis=1, keepdims=True) if usual.shape[1] else np.zeros((len(usual), 1), dtype=np.float32)
