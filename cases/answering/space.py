"""Texts as rows of numbers: words and pairs of words, and pieces of words, each weighed by how rare it is.

Features are hashed, so nothing a customer wrote is kept in a model: only which columns there are and what they weigh."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

from cases.answering.asked import LONGEST
from customers.folding import fold

Row = Any  # scipy's csr matrix, which has no types
BITS = 21
MOST_FEATURES = 300_000
_OPTIONS = {"n_features": 2**BITS, "alternate_sign": False, "norm": None, "dtype": np.float32, "lowercase": False}
_WORDS = HashingVectorizer(token_pattern=r"\b\w[\w']*\b", ngram_range=(1, 2), **_OPTIONS)  # noqa: S106 - a pattern
_PIECES = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5), **_OPTIONS)


def prepared(text: str) -> str:
    """As it is compared: without accents and case, one space between."""
    return " ".join(fold(text[:LONGEST]).split())


@dataclass(frozen=True)
class Space:
    """`columns`: the hashed features that are kept, ascending; `weights`: what each weighs (inverse document frequency,
    smoothed: ln((1 + n) / (1 + df)) + 1, Salton and Buckley 1988)."""

    columns: Any  # int32, F
    weights: Any  # float32, F

    @property
    def size(self) -> int:
        return len(self.columns)

    def counts(self, texts: Sequence[str]) -> Row:
        """n texts as n rows: how often each feature comes, taken as 1 + ln(n)."""
        words, pieces = _counted(texts)
        return sparse.csr_matrix(self._known(words, 0) + self._known(pieces, 2**BITS))

    def rows(self, texts: Sequence[str]) -> Row:
        """n texts as n rows of `size` columns, float32. Words and pieces each have length 1, or 0 where none is known."""
        words, pieces = _counted(texts)
        blocks = [self._kept(words, 0), self._kept(pieces, 2**BITS)]
        joined = sparse.csr_matrix(blocks[0] + blocks[1])
        joined.sort_indices()
        return joined

    def _kept(self, counts: Row, offset: int) -> Row:
        return _of_length_one(self._known(counts, offset) @ sparse.diags(self.weights))

    def _known(self, counts: Row, offset: int) -> Row:
        at = np.searchsorted(self.columns, counts.indices + offset)
        known = at < self.size
        known[known] = self.columns[at[known]] == counts.indices[known] + offset
        where = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))[known]
        values = 1 + np.log(counts.data[known])
        return sparse.csr_matrix((values, (where, at[known])), (counts.shape[0], self.size), dtype=np.float32)


def learn(texts: Sequence[str]) -> Space:
    """The space of these texts: every word, pieces that two texts share; the rarest go where there are too many."""
    words, pieces = _counted(texts)
    found = [_frequencies(words, 0, 1), _frequencies(pieces, 2**BITS, 2)]
    columns = np.concatenate([part[0] for part in found])
    held = np.concatenate([part[1] for part in found])
    if len(columns) > MOST_FEATURES:
        keep = np.sort(np.argsort(-held, kind="stable")[:MOST_FEATURES])
        columns, held = columns[keep], held[keep]
    weights = np.log((1 + len(texts)) / (1 + held)) + 1
    return Space(columns.astype(np.int32), weights.astype(np.float32))


def word_columns(space: Space, text: str) -> dict[str, int]:
    """Each single word of a text that the space knows → its column: for saying what spoke for an article."""
    words = dict.fromkeys(_WORDS.build_tokenizer()(prepared(text)))
    if not words:
        return {}
    counts = _WORDS.transform([*words])
    hashed = [int(counts.indices[counts.indptr[n]]) for n in range(len(words))]
    at = np.searchsorted(space.columns, hashed)
    return {w: int(a) for w, a, h in zip(words, at, hashed, strict=True) if a < space.size and space.columns[a] == h}


def _counted(texts: Sequence[str]) -> tuple[Row, Row]:
    ready = [prepared(text) for text in texts]
    return _WORDS.transform(ready), _PIECES.transform(ready)


def _frequencies(counts: Row, offset: int, least: int) -> tuple[Any, Any]:
    columns, held = np.unique(counts.indices, return_counts=True)
    kept = held >= least
    return columns[kept] + offset, held[kept]


def _of_length_one(rows: Row) -> Row:
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    factors = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return sparse.diags(factors.astype(np.float32)) @ rows
