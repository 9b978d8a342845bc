"""Texts as rows of numbers: words and pairs of words, and pieces of words, each weighed by how rare it is.

Features are hashed, so nothing a customer wrote is kept in a model: only which columns there are and what they weigh."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

from cases.answering.asked import LONGEST, LONGEST_ARTICLE
from customers.folding import fold

Row = Any  # scipy's csr matrix, which has no types
BITS = 21
MOST_FEATURES = 300_000
FEW = 2_000  # texts, of which every piece is kept; of more, those that two share
COMMON = 20_000  # texts that have a feature, above which it tells too little for its work: a question reads them all
AT_ONCE = 5_000  # texts that are counted at once
_OPTIONS = {"n_features": 2**BITS, "alternate_sign": False, "norm": None, "dtype": np.float32, "lowercase": False}
_WORDS = HashingVectorizer(token_pattern=r"\b\w[\w']*\b", ngram_range=(1, 2), **_OPTIONS)  # noqa: S106 - a pattern
_PIECES = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5), **_OPTIONS)


def prepared(text: str, longest: int = LONGEST) -> str:
    """As it is compared: without accents and case, one space between."""
    return " ".join(fold(text[:longest]).split())


@dataclass(frozen=True)
class Space:
    """`columns`: the hashed features that are kept, ascending; `weights`: what each weighs (inverse document frequency,
    smoothed: ln((1 + n) / (1 + df)) + 1, Salton and Buckley 1988), 0 where more than COMMON texts have it: known, and left
    out of every row."""

    columns: Any  # int32, F
    weights: Any  # float32, F
    strangest: float  # what a feature weighs that no text had

    @property
    def size(self) -> int:
        return len(self.columns)

    def wider(self, texts: Sequence[str]) -> tuple["Space", Any]:
        """The space with columns for what these texts have beside, as rare as can be; and where its own columns are in it."""
        words, pieces = _counted(texts, LONGEST_ARTICLE)
        columns = np.union1d(self.columns, np.concatenate([words.indices, pieces.indices + 2**BITS])).astype(np.int32)
        kept = np.searchsorted(columns, self.columns)
        weights = np.full(len(columns), self.strangest, dtype=np.float32)
        weights[kept] = self.weights
        return Space(columns, weights, self.strangest), kept

    def counts(self, texts: Sequence[str], longest: int = LONGEST) -> Row:
        """n texts as n rows: how often each feature comes, taken as 1 + ln(n)."""
        words, pieces = _counted(texts, longest)
        return sparse.csr_matrix(self._known(words, 0)[0] + self._known(pieces, 2**BITS)[0])

    def rows(self, texts: Sequence[str]) -> Row:
        """n texts as n rows of `size` columns, float32. Words and pieces each have length 1, less what is not known."""
        parts = [self._rows(texts[start : start + AT_ONCE]) for start in range(0, max(len(texts), 1), AT_ONCE)]
        return parts[0] if len(parts) == 1 else sparse.vstack(parts, "csr")

    def _rows(self, texts: Sequence[str]) -> Row:
        words, pieces = _counted(texts, LONGEST)
        joined = sparse.csr_matrix(self._weighed(words, 0) + self._weighed(pieces, 2**BITS))
        joined.sort_indices()
        return joined

    def pieces(self, texts: Sequence[str]) -> Row:
        """The same with pieces alone: how two short texts say a thing in other forms of its words."""
        _words, pieces = _counted(texts, LONGEST)
        return self._weighed(pieces, 2**BITS)

    def _weighed(self, counts: Row, offset: int) -> Row:
        """Of length 1 with what is not known: it counts as the rarest, so that a text of unknown words is like nothing."""
        known, unknown = self._known(counts, offset)
        known.data *= self.weights[known.indices]
        where = np.repeat(np.arange(known.shape[0]), np.diff(known.indptr))
        squares = np.bincount(where, weights=known.data**2, minlength=known.shape[0])
        lengths = np.sqrt(squares + self.strangest**2 * unknown)
        factors = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        known.data *= factors[where].astype(np.float32)
        return known

    def _known(self, counts: Row, offset: int) -> tuple[Row, Any]:
        """What has a column and weighs something, taken as 1 + ln(n); and of what has none, how much there is in each text,
        squared."""
        at = np.searchsorted(self.columns, counts.indices + offset)
        known = at < self.size
        known[known] = self.columns[at[known]] == counts.indices[known] + offset
        where = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
        values = 1 + np.log(counts.data)
        shape = (counts.shape[0], self.size)
        unknown = np.bincount(where[~known], weights=values[~known] ** 2, minlength=shape[0])
        known[known] = self.weights[at[known]] > 0
        kept = sparse.csr_matrix((values[known], (where[known], at[known])), shape, dtype=np.float32)
        return kept, unknown


def learn(texts: Sequence[str], longest: int = LONGEST) -> Space:
    """The space of these texts: words and pieces; the rarest go where there are too many."""
    held = np.zeros(2 * 2**BITS, dtype=np.int64)  # texts that have it
    for start in range(0, len(texts), AT_ONCE):
        for offset, counts in enumerate(_counted(texts[start : start + AT_ONCE], longest)):
            held[offset * 2**BITS : (offset + 1) * 2**BITS] += np.bincount(counts.indices, minlength=2**BITS)
    if len(texts) >= FEW:
        held[2**BITS :][held[2**BITS :] < 2] = 0
    columns = np.flatnonzero(held)
    if len(columns) > MOST_FEATURES:
        columns = np.sort(columns[np.argsort(-held[columns], kind="stable")[:MOST_FEATURES]])
    held = held[columns]
    weights = np.where(held > COMMON, 0, np.log((1 + len(texts)) / (1 + held)) + 1)
    return Space(columns.astype(np.int32), weights.astype(np.float32), float(np.log(1 + len(texts)) + 1))


def word_columns(space: Space, text: str) -> dict[str, int]:
    """Each single word of a text that the space knows → its column: for saying what spoke for an article."""
    words = dict.fromkeys(_WORDS.build_tokenizer()(prepared(text)))
    if not words:
        return {}
    counts = _WORDS.transform([*words])
    hashed = [int(counts.indices[counts.indptr[n]]) for n in range(len(words))]
    at = np.searchsorted(space.columns, hashed)
    return {w: int(a) for w, a, h in zip(words, at, hashed, strict=True) if a < space.size and space.columns[a] == h}


def _counted(texts: Sequence[str], longest: int) -> tuple[Row, Row]:
    if not texts:
        return tuple(sparse.csr_matrix((0, 2**BITS), dtype=np.float32) for _block in range(2))
    ready = [prepared(text, longest) for text in texts]
    return _WORDS.transform(ready), _pieced(ready)


def _pieced(ready: Sequence[str]) -> Row:
    """How often each piece comes in each text. A word is taken to pieces once, however many texts have it."""
    places: dict[str, int] = {}
    said = [[places.setdefault(word, len(places)) for word in text.split()] for text in ready]
    if not places:
        return sparse.csr_matrix((len(ready), 2**BITS), dtype=np.float32)
    ends = np.cumsum([0, *map(len, said)])
    words = np.array([word for text in said for word in text], dtype=np.int32)
    spread = sparse.csr_matrix((np.ones(len(words), dtype=np.float32), words, ends), (len(ready), len(places)))
    pieces = _PIECES.transform([*places])
    # A product takes time for every column, the empty ones too.
    columns, at = np.unique(pieces.indices, return_inverse=True)
    narrow = sparse.csr_matrix((pieces.data, at, pieces.indptr), (len(places), len(columns)))
    counts = spread @ narrow
    return sparse.csr_matrix((counts.data, columns[counts.indices], counts.indptr), (len(ready), 2**BITS))
