"""What is compared: articles as they are written, and questions that an article answered before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.svm import LinearSVC

from cases.answering import space as spaces
from cases.answering.asked import LONGEST_ARTICLE, Document, Example
from cases.answering.space import Row, Space
from cases.answering.wording import telling

FEATURES = (
    *("machine", "trained", "bayes", "nearest", "sense", "title", "covered", "usual"),
    *("new", "title of new", "covered of new"),  # of articles that answered nothing yet
)
HALF = ("machine", "held", "turn", "senses", "questions", "titles", "covers")  # what is kept in half precision
DIRECTIONS = 150  # of the space of senses
WIDEST = 60_000  # features it is made of, those in most questions
FEWEST, ENOUGH = 60, 20_000  # questions from which it is made: at least, and drawn where there are more
ALPHA = 0.05  # what naive Bayes takes as seen of everything
LEAST = 3  # questions an article answered, from which a machine is trained for it
RIVALS = 30  # articles a machine tells its own from: those whose questions are most like its own
CROWD = 500  # questions of any kind it is shown beside
MOST_WORK = 1_000_000  # questions shown to machines in all; then articles of fewer questions go without
_NO_WEIGHTS: tuple[Any, Any] = np.zeros(0, dtype=np.int32), np.zeros(0)
NOBODY = np.iinfo(np.int32).max  # the owner of a question no article answered; sorts last
PRIOR = 20.0  # questions of a queue that weigh as much as what is usual everywhere


@dataclass(frozen=True)
class Index:
    """F features, K articles, N questions, Q queues. Matrices are sparse with F rows, so that one question is one product.
    Articles are told by their place, 0 to K.

    `machine` (F × K) and `bias` (K): linear support vector machines, each article against its rivals, for those in `trained`; `held` (F × K)
    and `bare` (K): naive Bayes, `every` (F) of all questions together; `turn` (W × D) of the features in `wide` (W) and `senses` (N × D): the
    questions in few directions (latent semantics);
    `questions` (F × N), sorted by `owner` (N, ascending); `titles`, `covers` (F × K): its title, and how well its text covers each feature; `length`: how long
    a usual one is; `usual` (Q + 1 × K): the logarithm of
    how often it is the answer in each queue, the last row everywhere."""

    space: Space
    articles: Any
    machine: Row
    bias: Any
    trained: Any
    held: Row
    bare: Any
    every: Any
    wide: Any
    turn: Any
    senses: Any
    questions: Row
    owner: Any
    cases: Any
    titles: Row
    covers: Row
    length: float
    queues: Any
    usual: Any

    def evidence(self, asked: Row, bare: Row, queues: Sequence[int | None]) -> Any:
        """What speaks for each article: n × K × FEATURES, float32. `asked`: the questions as rows; `bare`: without the words
        that say nothing."""
        told = np.zeros((asked.shape[0], len(self.articles), len(FEATURES)), dtype=np.float32)
        told[:, :, 0] = np.where(self.trained, np.clip(_dense(asked @ self.machine) + self.bias, -2, 2), -1)
        told[:, :, 1] = self.trained
        told[:, :, 2] = self._bayes(asked)
        told[:, :, 3] = self._most(_dense(asked @ self.questions) / 2)
        told[:, :, 4] = self._most(turned(asked, self.wide, self.turn) @ self.senses.T) * known_share(asked)[:, None]
        told[:, :, 5] = _dense(bare @ self.titles)
        told[:, :, 6] = _dense(_shares(bare) @ self.covers)
        at = {int(queue): n for n, queue in enumerate(self.queues)}
        told[:, :, 7] = self.usual[[len(at) if queue is None else at.get(queue, len(at)) for queue in queues]]
        new = self.bare == 0
        told[:, :, 8] = new
        told[:, :, 9], told[:, :, 10] = told[:, :, 5] * new, told[:, :, 6] * new
        return told

    def without(self, gone: Any) -> "Index":
        """The same but for the articles in these places."""
        stay = np.setdiff1d(np.arange(len(self.articles)), gone)
        columns = {name: getattr(self, name)[:, stay] for name in ("machine", "held", "titles", "covers", "usual")}
        each = {name: getattr(self, name)[stay] for name in ("articles", "bias", "trained", "bare")}
        return replace(self, owner=_placed(self.owner, stay), **columns, **each)

    def _bayes(self, asked: Row) -> Any:
        """ln P(article given the question) of naive Bayes, a fifth of it, -4 at least. All questions together are one kind more:
        what an article that answered nothing yet may be, so that no other is probable for want of a better."""
        total = np.asarray(asked.sum(axis=1))
        told = _dense(asked @ self.held) + total * self.bare
        told[:, self.bare == 0] = -np.inf
        every = _dense(asked @ self.every[:, None])
        told = np.hstack([told, every])
        told -= told.max(axis=1, keepdims=True)
        told -= np.log(np.exp(told).sum(axis=1, keepdims=True))
        told[:, :-1][:, self.bare == 0] = told[:, -1:]
        return np.clip(told[:, :-1], -20, 0) / 5

    def _most(self, alike: Any) -> Any:
        """Of each article's questions, how alike the most alike is: n × N to n × K."""
        nearest = np.zeros((len(alike), len(self.articles)), dtype=np.float32)
        mine = int(np.searchsorted(self.owner, NOBODY))
        if mine:
            owners, begins = np.unique(self.owner[:mine], return_index=True)
            nearest[:, owners] = np.maximum.reduceat(alike[:, :mine], begins, axis=1)
        return nearest


@dataclass(frozen=True)
class Material:
    """What an index is made of, as numbers, made once: `held` questions are left out without reading anything again."""

    space: Space
    articles: Any  # K
    rows: Row  # N × F
    texts: Sequence[str]  # N
    owner: Any  # N
    asked_in: Any  # N; -1 where no queue is known
    cases: Any  # N
    titles: Row  # K × F
    covers: Row  # K × F
    length: float
    wide: Any  # W
    turn: Any  # W × D
    senses: Any  # N × D

    @property
    def labelled(self) -> Any:
        """Which questions an article answered."""
        return self.owner != NOBODY

    def bare(self, which: Any) -> Row:
        """These questions as rows, without the words that say nothing."""
        return self.space.rows([telling(self.texts[n]) for n in which])


def gather(documents: Sequence[Document], examples: Sequence[Example]) -> Material:
    """Deterministic: the same documents and examples, in any order, make the same material."""
    written = sorted(documents, key=lambda d: d.article)
    at = {document.article: n for n, document in enumerate(written)}
    ordered = sorted(examples, key=lambda e: (at.get(e.article or 0, NOBODY), e.case, e.text))
    bare = [(telling(d.title), telling(d.body, LONGEST_ARTICLE)) for d in written]
    space = spaces.learn([e.text for e in ordered] + [text for pair in bare for text in pair])
    texts = [f"{title} {title} {body}" for title, body in bare]
    counts = space.counts(texts, LONGEST_ARTICLE)
    length = float(counts.sum() / max(len(texts), 1)) or 1.0
    rows = space.rows([e.text for e in ordered])
    wide, turn = _turn(rows)
    return Material(
        space=space,
        articles=np.array([d.article for d in written], dtype=np.int64),
        rows=rows,
        texts=[e.text for e in ordered],
        owner=np.array([at.get(e.article or 0, NOBODY) for e in ordered], dtype=np.int64),
        asked_in=np.array([-1 if e.queue is None else e.queue for e in ordered], dtype=np.int64),
        cases=np.array([e.case for e in ordered], dtype=np.int64),
        titles=space.pieces([title for title, _body in bare]),
        covers=covering(counts, length),
        length=length,
        wide=wide,
        turn=turn,
        senses=turned(rows, wide, turn),
    )


def build(material: Material, kept: Any = None) -> Index:
    """An index of the questions in `kept` (a mask of N; all by default) and all articles."""
    kept = np.ones(len(material.owner), dtype=bool) if kept is None else kept
    count = len(material.articles)
    rows, owner, asked_in = material.rows[kept], material.owner[kept], material.asked_in[kept]
    machine, bias, trained = _machine(rows, owner, material.senses[kept], count)
    held, bare = _bayes(rows, owner, count)
    queues = np.unique(asked_in[asked_in >= 0])
    return Index(
        space=material.space,
        articles=material.articles,
        machine=_half(machine),
        bias=bias,
        trained=trained,
        held=_half(held),
        bare=bare,
        every=_every(rows),
        wide=material.wide,
        turn=material.turn,
        senses=_half(material.senses[kept]),
        questions=_half(sparse.csr_matrix(rows.T)),
        owner=owner,
        cases=material.cases[kept],
        titles=_half(sparse.csr_matrix(material.titles.T)),
        covers=_half(sparse.csr_matrix(material.covers.T)),
        length=material.length,
        queues=queues,
        usual=_usual(owner, asked_in, queues, count),
    )


def _half(matrix: Any) -> Any:
    """As precise as it is kept."""
    if not sparse.issparse(matrix):
        return matrix.astype(np.float16).astype(np.float32)
    return sparse.csr_matrix((_half(matrix.data), matrix.indices, matrix.indptr), matrix.shape)


def _placed(owner: Any, stay: Any) -> Any:
    """Owners by their place among those that stay; `owner` is ascending, and so is what comes."""
    at = np.searchsorted(stay, owner)
    known = at < len(stay)
    known[known] = stay[at[known]] == owner[known]
    return np.where(known, at, NOBODY)


def _machine(rows: Row, owner: Any, senses: Any, count: int) -> tuple[Row, Any, Any]:
    """Coefficients F × K, biases and for which articles there are any: the most used, as far as the work allows. Each is taught on
    the article's questions against those of its RIVALS and a CROWD: of what is far from an article anyway, a little is enough."""
    held = np.bincount(owner[owner != NOBODY], minlength=count)
    trained, bias = np.zeros(count, dtype=bool), np.zeros(count, dtype=np.float32)
    begins = np.searchsorted(owner, np.arange(count + 1))  # `owner` is ascending
    crowd = np.random.default_rng(0).permutation(len(owner))[:CROWD]
    centres = _centres(senses, owner, count)
    work, found = 0, [_NO_WEIGHTS] * count
    for article in np.argsort(-held, kind="stable"):
        if held[article] < LEAST or work >= MOST_WORK:
            break
        mine = np.arange(begins[article], begins[article + 1])
        rivals = np.argsort(-(centres @ centres[article]), kind="stable")[: RIVALS + 1]
        shown = np.unique(np.concatenate([mine, crowd, *(np.arange(begins[r], begins[r + 1]) for r in rivals)]))
        work += len(shown)
        if len(shown) > len(mine):
            svc = LinearSVC(C=1.0, tol=0.1, random_state=0).fit(rows[shown], owner[shown] == article)
            large = np.flatnonzero(np.abs(svc.coef_[0]) >= 0.01)  # the rest changes no order, and is most of the size
            found[article] = large, svc.coef_[0][large]
            trained[article], bias[article] = True, svc.intercept_[0]
    ends = np.cumsum([0, *(len(at) for at, _weights in found)])
    at, weights = (np.concatenate([_NO_WEIGHTS[n], *(one[n] for one in found)]) for n in range(2))
    return sparse.csc_matrix((weights.astype(np.float32), at, ends), (rows.shape[1], count)).tocsr(), bias, trained


def _centres(senses: Any, owner: Any, count: int) -> Any:
    """Where each article's questions lie in the few directions: K × D, each of length 1 or 0."""
    mine = int(np.searchsorted(owner, NOBODY))
    centres = np.zeros((count, senses.shape[1]), dtype=np.float32)
    np.add.at(centres, owner[:mine], senses[:mine])
    lengths = np.linalg.norm(centres, axis=1, keepdims=True)
    return np.divide(centres, lengths, out=centres, where=lengths > 0)


def _bayes(rows: Row, owner: Any, count: int) -> tuple[Row, Any]:
    """Multinomial naive Bayes on weighed features: ln(1 + c/α), F × K, and ln(α / (n + αF)), K; 0 where nothing is known."""
    mine = np.flatnonzero(owner != NOBODY)
    choose = sparse.csr_matrix((np.ones(len(mine), dtype=np.float32), (owner[mine], mine)), (count, len(owner)))
    counts = sparse.csr_matrix((choose @ rows).T, dtype=np.float32)
    totals = np.asarray(counts.sum(axis=0)).ravel()
    unseen = np.where(totals > 0, np.log(ALPHA / (totals + ALPHA * rows.shape[1])), 0)
    counts.data = np.log1p(counts.data / ALPHA)
    return counts, unseen.astype(np.float32)


def _every(rows: Row) -> Any:
    """ln P(feature) over all questions, F."""
    counts = np.asarray(rows.sum(axis=0)).ravel() + ALPHA
    return np.log(counts / counts.sum()).astype(np.float32)


def _turn(rows: Row) -> tuple[Any, Any]:
    """The features in most questions, W, and W × D: the directions in which questions differ most (truncated singular value
    decomposition; Deerwester et al. 1990), of ENOUGH questions."""
    count, size = rows.shape
    held = np.bincount(rows.indices, minlength=size)
    widest = np.sort(np.argsort(-held, kind="stable")[:WIDEST])
    if count < FEWEST:
        return widest, np.zeros((len(widest), 1), dtype=np.float32)
    some = np.sort(np.random.default_rng(0).permutation(count)[:ENOUGH])
    found = TruncatedSVD(min(DIRECTIONS, count - 1), random_state=0).fit(rows[some][:, widest])
    return widest, _half(np.ascontiguousarray(found.components_.T))


def turned(rows: Row, wide: Any, turn: Any) -> Any:
    """Rows in few directions, each of length 1."""
    told = np.asarray(rows[:, wide] @ turn, dtype=np.float32)
    lengths = np.linalg.norm(told, axis=1, keepdims=True)
    return np.divide(told, lengths, out=np.zeros_like(told), where=lengths > 0)


def known_share(asked: Row) -> Any:
    """How much of each question is known, 0 to 1: what is not known shortens its row."""
    return np.sqrt(np.asarray(asked.multiply(asked).sum(axis=1)).ravel() / 2)


def covering(counts: Row, usual: float) -> Row:
    """How well each text covers each feature, 0 to 1, K × F: the saturation of BM25 (Robertson and Zaragoza 2009) with k1
    1.2 and b 0.5, on counts taken as 1 + ln(n); `usual` is the sum of these in a usual article."""
    room = 1.2 * (0.5 + 0.5 * np.asarray(counts.sum(axis=1)).ravel() / usual)
    counts.data = np.minimum(1.1 * counts.data / (counts.data + np.repeat(room, np.diff(counts.indptr))), 1.0)
    return sparse.csr_matrix(counts, dtype=np.float32)


def _shares(asked: Row) -> Row:
    """Each question's features by their share in it, so that covering all of them is 1."""
    total = np.asarray(asked.sum(axis=1)).ravel()
    return sparse.diags(np.divide(1, total, out=np.zeros_like(total), where=total > 0)) @ asked


def _usual(owner: Any, asked_in: Any, queues: Any, count: int) -> Any:
    """ln P(article | queue), smoothed towards ln P(article), which is smoothed towards even: Q + 1 × K."""
    mine = owner != NOBODY
    everywhere = np.bincount(owner[mine], minlength=count) + 1.0
    everywhere /= everywhere.sum() or 1
    counts = np.zeros((len(queues) + 1, count))
    known = mine & (asked_in >= 0)
    np.add.at(counts, (np.searchsorted(queues, asked_in[known]), owner[known]), 1)
    told = (counts + PRIOR * everywhere) / (counts.sum(axis=1, keepdims=True) + PRIOR)
    return np.log(np.maximum(told, 1e-9)).astype(np.float32)


def _dense(product: Any) -> Any:
    return product.toarray() if sparse.issparse(product) else np.asarray(product)
