"""Suggestions as they are asked for, from what this process knows (the door is cases/answers.py)."""

import threading
from typing import Any

import numpy as np
from django.db.models import OuterRef, QuerySet, Subquery

from cases.answering.asked import Document
from cases.answering.index import build, gather
from cases.answering.judge import NEAR, SURE, UNTAUGHT
from cases.answering.memory import Memory, unpack
from cases.answers import MOST_UNREAD, Alike, Found, Suggestion
from cases.models import Article, ArticleUse, ArticleVersion, Case, Message
from crm.learning import Reader
from crm.models import User
from customers.folding import clean

SAME_LANGUAGE = 0.7  # in the logarithm of odds: written in the customer's language, twice as probable
ALIKE = 0.25  # from which a past case is worth a look
NEARNESS = slice(2, 6)  # of FEATURES: what is nothing where no word is known
CANDIDATES = (100, 2_000, 1_000_000)  # how many of the best are asked about until enough may be shown


def suggest(text: str, queue: int | None, offered: QuerySet[Article], limit: int, language: str) -> Found:
    """See cases.answers."""
    question = clean(text)
    version, memory = knowledge()
    if memory is None or not question.strip():
        return Found(version=version)
    evidence = memory.evidence(question, queue)
    if not evidence[:, NEARNESS].any():
        return Found(version=version)  # not a word of it is known
    scores = memory.judge.scores(evidence)
    places = _allowed(memory, scores, offered, language)
    if not len(places):
        return Found(version=version)
    confidence = float(memory.judge.confidence(evidence[None, places], scores[None, places])[0])
    share = np.exp(scores[places] - scores[places].max())
    share /= share.sum()
    best = np.argsort(-share, kind="stable")[:limit]
    articles = (
        Article.objects.select_related("current")
        .defer("document")
        .in_bulk([int(memory.index.articles[places[n]]) for n in best])
    )
    told = [
        Suggestion(article, round(float(share[n]), 4), memory.because(question, int(places[n])))
        for n in best
        if (article := articles.get(int(memory.index.articles[places[n]])))
    ]
    return Found(told, not told or confidence < SURE, round(confidence, 4), version)


def _allowed(memory: Memory, scores: Any, offered: QuerySet[Article], language: str) -> Any:
    """The places of the NEAR best that may be offered; `scores` of those in this language are raised."""
    order = np.argsort(-scores, kind="stable")
    for most in CANDIDATES:
        best = order[:most]
        found = dict(
            offered.filter(pk__in=memory.index.articles[best].tolist())
            .values_list("pk", "current__language")
            .distinct()
        )
        if len(found) >= NEAR or most >= len(order):
            break
    for place in best:
        if language and found.get(int(memory.index.articles[place])) == language:
            scores[place] += SAME_LANGUAGE
    there = [int(place) for place in best if int(memory.index.articles[place]) in found]
    return np.array(sorted(there, key=lambda place: -scores[place])[:NEAR], dtype=int)


# --- what is known in this process

_reader = Reader("answers", unpack)
_lock = threading.Lock()
_held: tuple[tuple[int, int], Memory | None] = ((0, 0), None)


def knowledge() -> tuple[int, Memory | None]:
    """(version, memory): what was learned, with the articles as they are now. None where there is no article."""
    global _held
    newest = ArticleVersion.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    learned = _reader.current()
    key = (learned[0] if learned else 0, newest)
    if _held[0] != key:
        with _lock:
            if _held[0] != key:
                _held = (key, _known(learned[1] if learned else None, newest))
    return key[0], _held[1]


def _known(memory: Memory | None, newest: int) -> Memory | None:
    since = Article.objects.filter(current__pk__gt=memory.seen if memory else 0).order_by("-current_id")[:MOST_UNREAD]
    documents = [Document(*row) for row in since.values_list("pk", "current__title", "current__body")]
    if memory:
        return memory.with_documents(documents, newest)
    return Memory(build(gather(documents, [])), UNTAUGHT, newest) if documents else None


def forget() -> None:
    """Look anew at the next question, in this process."""
    global _held
    _held = ((0, 0), None)
    _reader.forget()


# --- past cases


def alike(text: str, user: User, but: int, limit: int) -> list[Alike]:
    """See cases.answers."""
    _version, memory = knowledge()
    if memory is None or not clean(text).strip():
        return []
    near = {case: score for case, score in memory.alike(clean(text), 50) if score >= ALIKE and case != but}
    answered = Message.objects.filter(case=OuterRef("pk"), direction="outbound", is_answer=True, taken_back_at=None)
    rows = (
        Case.objects.visible_to(user)
        .filter(pk__in=[*near], merged_into=None)
        .annotate(answer=Subquery(answered.order_by("-at", "-id").values("text")[:1]))
    )
    seen = sorted(rows, key=lambda case: -near[case.pk])[:limit]
    uses = (
        ArticleUse.objects.filter(case__in=seen, how=ArticleUse.How.ANSWERED)
        .select_related("article__current")
        .defer("article__document")
    )
    said = {use.case_id: use.article for use in uses}
    return [Alike(case, round(near[case.pk], 4), said.get(case.pk), case.answer or "") for case in seen]  # type: ignore[attr-defined]
