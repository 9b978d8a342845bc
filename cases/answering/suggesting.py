"""Suggestions as they are asked for, from what this process knows (the door is cases/answers.py)."""

import threading
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery

from cases.answering.asked import LONGEST, Document
from cases.answering.index import build, gather
from cases.answering.judge import NEAR, SURE, UNTAUGHT
from cases.answering.memory import Memory, unpack
from cases.answers import MOST_UNREAD, Alike, Found, Suggestion
from cases.models import Article, ArticleUse, Case, Message
from crm.learning import Reader
from crm.models import User
from customers.folding import clean

SAME_LANGUAGE = 3.0  # in the logarithm of odds: of two much alike, the one they can read
ALIKE = 0.25  # from which a past case is worth a look
NEARNESS = [3, 5, 6]  # of FEATURES: what is next to nothing where no word is known
LEAST = 0.1  # of these together
FIRST = 8  # articles that are read at once
CANDIDATES = (100, 2_000, 1_000_000)  # how many of the best are asked about until enough may be shown


def suggest(text: str, queue: int | None, offered: QuerySet[Article], limit: int, language: str) -> Found:
    """See cases.answers."""
    question = clean(text)
    version, memory = knowledge()
    if memory is None or not any(c.isalnum() for c in question[:LONGEST]):
        return Found(version=version)
    asked = memory.asked(question)
    evidence = memory.evidence(asked, queue)
    scores = memory.judge.scores(evidence)
    near = np.flatnonzero(evidence[:, NEARNESS].sum(axis=1) >= LEAST)
    places, articles = _allowed(memory, near[np.argsort(-scores[near], kind="stable")], offered, limit)
    if not articles:
        return Found(version=version)
    for place, article in articles.items():
        if language and article.current and article.current.language == language:
            scores[place] += SAME_LANGUAGE
    confidence = float(memory.judge.confidence(evidence[None, places], scores[None, places])[0])
    share = np.exp(scores[places] - scores[places].max())
    told = dict(zip(places.tolist(), (share / share.sum()).tolist(), strict=True))
    best = sorted(articles, key=lambda place: (-told[place], place))[:limit]
    words = memory.because(asked, best)
    results = [Suggestion(articles[p], round(told[p], 4), why) for p, why in zip(best, words, strict=True)]
    return Found(results, confidence < SURE, round(confidence, 4), version)


def _allowed(memory: Memory, order: Any, offered: QuerySet[Article], limit: int) -> tuple[Any, dict[int, Article]]:
    """The places of the best that may be offered, at most NEAR, and the articles of the first of them. Mostly all may be: then
    that is one query."""
    first = max(limit, FIRST)
    articles = _articles(memory, order[:first], offered)
    if len(articles) == len(order[:first]):
        return order[:NEAR], articles
    for most in CANDIDATES:
        pks = set(offered.filter(pk__in=memory.index.articles[order[:most]].tolist()).values_list("pk", flat=True))
        places = np.array([place for place in order[:most] if int(memory.index.articles[place]) in pks], dtype=int)
        if len(places) >= NEAR or most >= len(order):
            break
    return places[:NEAR], _articles(memory, places[:first], offered)


def _articles(memory: Memory, places: Any, offered: QuerySet[Article]) -> dict[int, Article]:
    pks = memory.index.articles[places].tolist()
    found = offered.select_related("current").in_bulk(pks)
    return {int(place): found[pk] for place, pk in zip(places, pks, strict=True) if pk in found}


# --- what is known in this process

_reader = Reader("answers", unpack)
_lock = threading.Lock()
_held: tuple[tuple[int, int], Memory | None] = ((0, 0), None)


_NOW = """
SELECT COALESCE((SELECT max(id) FROM cases_articleversion), 0),
       COALESCE((SELECT max(id) FROM crm_learned WHERE kind = 'answers' AND in_use), 0)
"""


def knowledge() -> tuple[int, Memory | None]:
    """(version, memory): what was learned, with the articles as they are now. None where there is no article."""
    global _held
    with connection.cursor() as cursor:
        cursor.execute(_NOW)
        newest, version = cursor.fetchone()
    if _held[0] != (version, newest):
        with _lock:
            if _held[0] != (version, newest):
                learned = _reader.of(version)
                _held = ((version, newest), _known(learned[1] if learned else None, newest))
    return version, _held[1]


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
    memory = _held[1] or knowledge()[1]
    if memory is None or not clean(text).strip():
        return []
    near = {case: score for case, score in memory.alike(clean(text), 50) if score >= ALIKE and case != but}
    if not near:
        return []
    said = Message.objects.filter(case=OuterRef("pk"), direction="outbound", is_answer=True, taken_back_at=None)
    uses = ArticleUse.objects.filter(case=OuterRef("pk"), how=ArticleUse.How.ANSWERED).order_by("-at")
    rows = (
        Case.objects.visible_to(user)
        .filter(pk__in=[*near], merged_into=None)
        .annotate(
            answer=Subquery(said.order_by("-at", "-id").values("text")[:1]),
            answered_title=Subquery(uses.values("article__current__title")[:1]),
        )
    )
    seen: list[Any] = sorted(rows, key=lambda case: -near[case.pk])[:limit]
    return [Alike(case, round(near[case.pk], 4), case.answered_title or "", case.answer or "") for case in seen]
