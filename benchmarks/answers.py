"""Suggestions: which article answers, from ten thousand of them and a million messages of the past.

Articles of 120 words drawn from a skewed vocabulary, each about words of its own; cases with a question of the customer and an
answer of ours, a fifth of them with the article that answered. Trained as `manage.py train` does, then asked in this process
through cases.answers.suggest, as the panel and the API do: questions that nobody asked before, half of them strangers. Beside
it, in turn, the same question as one bare full-text statement that votes by words (what suggestions were before).
"""

import json
import random
import resource
import time
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
import psycopg
from scipy import sparse

from benchmarks import data
from benchmarks.queue import quiet
from benchmarks.stage import database, percentile, spread

NAME = "answers"
# articles, cases of the past, questions a repeat, repeats
SIZES = {"small": (300, 3_000, 40, 3), "default": (2_000, 50_000, 100, 5), "full": (10_000, 500_000, 100, 5)}
VOCABULARY = 30_000
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
ANSWERED_OF_TEN = 2  # of ten cases so many name the article that answered
BARE = """
SELECT a.id, sum(ts_rank(a.document, asked.query, 1)) FROM unnest(%s::text[]) word
CROSS JOIN LATERAL to_tsquery('simple', word) asked(query) JOIN bare a ON a.document @@ asked.query
GROUP BY a.id ORDER BY 2 DESC LIMIT 5
"""
# What the bare statement votes over: kept for it alone.
DOCUMENTS = """
CREATE TABLE bare AS SELECT a.id, setweight(to_tsvector('simple', v.title), 'A') || setweight(to_tsvector('simple', v.body), 'D') AS document
  FROM cases_article a JOIN cases_articleversion v ON v.id = a.current_id;
CREATE INDEX ON bare USING gin (document)
"""
MESSAGES = """
INSERT INTO cases_message (case_id, direction, channel, sender_name, text, html, language, at, created_at, case_version,
    is_auto, is_answer, next_step, sent_anyway, then_status, token, source, subject, mail_id, mail_hash, feeling, folds, flags)
SELECT c.id, d.direction, 'mail', '', CASE d.direction WHEN 'inbound' THEN q.text ELSE 'It is answered: ' || q.text END, '', 'en',
       c.opened_at, c.opened_at, 0, false, d.direction = 'outbound', '', false, '', left(md5(c.id || d.direction), 20), '', '', '', '',
       '', '[]', '{}'
  FROM asked q JOIN cases_case c ON c.external_id = q.external_id CROSS JOIN (VALUES ('inbound'), ('outbound')) d(direction)
"""


class Words:
    """A skewed vocabulary; each article has twelve words of its own, which its questions use."""

    def __init__(self, articles: int) -> None:
        self.dice = random.Random(11)
        weights = 1 / np.arange(1, VOCABULARY + 1) ** 0.8
        self.common = self._drawn(np.cumsum(weights / weights.sum()))
        self.own = [[self.dice.randrange(VOCABULARY) for _n in range(12)] for _article in range(articles)]

    @staticmethod
    def _drawn(shares: Any) -> Iterator[int]:
        """Common words without end, a hundred thousand at a time."""
        dice = np.random.default_rng(11)
        while True:
            yield from np.searchsorted(shares, dice.random(100_000)).tolist()

    def some(self, count: int) -> list[str]:
        return [self.word(next(self.common)) for _n in range(count)]

    @staticmethod
    @cache
    def word(n: int) -> str:
        """Three syllables that look like no other word's: the number, stirred."""
        n = n * 7_919 % 343_000
        return "".join(SYLLABLES[n // 70**k % 70] for k in range(3))

    def article(self, n: int) -> tuple[str, str]:
        own = [self.word(word) for word in self.own[n]]
        return " ".join(own[:4]), " ".join(self.some(100) + own * 2)

    def question(self, n: int) -> str:
        told = self.some(14) + [self.word(word) for word in self.dice.sample(self.own[n], 4)]
        self.dice.shuffle(told)
        return " ".join(told)

    def strange(self) -> str:
        return " ".join([self.word(self.dice.randrange(VOCABULARY, 2 * VOCABULARY)) for _n in range(6)] + self.some(12))


def run(scale: str = "default") -> dict[str, Any]:
    """Figures in ms, and how often the first is right."""
    articles, cases, asked, repeats = SIZES.get(scale, SIZES["default"])
    with database(NAME), quiet():
        words = Words(articles)
        _build(words, articles, cases)
        learned = _learned()
        found = []
        for repeat in range(repeats + 1):
            say(f"asking, {repeat} of {repeats}")
            found.append(_asked(words, articles, asked))
    did = (
        f"{articles:,} articles, {cases:,} cases with {2 * cases:,} messages, {cases * ANSWERED_OF_TEN // 10:,} of them with the article that answered; "
        f"trained; {asked} questions a repeat, half of them strangers, {repeats} repeats after one that warms; suggest() in process, "
        "DEBUG off; floor: the votes of words in one bare statement"
    )
    return {"name": NAME, "did": did, "figures": _figures(found[1:], learned)}


def say(line: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')} {line}", flush=True)


def _build(words: Words, articles: int, cases: int) -> None:
    from tests.builders import make_queue

    say(f"writing {articles:,} articles and {cases:,} cases")
    queue = make_queue("Bench").pk
    _written(words, articles)
    people = data.reps(2)
    data.customers(max(1_000, cases // 10))
    data.cases(queue, people, cases, max(1_000, cases // 10), 1)
    data.sql(
        "UPDATE cases_case SET source = 'bench', external_id = id::text, status = 'closed', resolved_at = opened_at, closed_at = opened_at"
    )
    data.sql("CREATE TABLE asked (external_id text, text text, article bigint)")
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT id::text FROM cases_case ORDER BY id")
        keys = [key for (key,) in cursor.fetchall()]
        cursor.execute("SELECT id FROM cases_article ORDER BY id")
        pks = [pk for (pk,) in cursor.fetchall()]
        with cursor.copy("COPY asked FROM STDIN") as copy:
            for n, key in enumerate(keys):
                copy.write_row(
                    [
                        key,
                        words.question(n % articles),
                        pks[n % articles] if n // articles % 10 < ANSWERED_OF_TEN else None,
                    ]
                )
    say("writing messages and indexes")
    data.sql(MESSAGES)
    data.sql(
        "INSERT INTO cases_articleuse (case_id, article_id, how, at) SELECT c.id, q.article, 'answered', c.opened_at "
        "FROM asked q JOIN cases_case c ON c.external_id = q.external_id WHERE q.article IS NOT NULL"
    )
    data.sql(DOCUMENTS)
    data.settled()


def _written(words: Words, articles: int) -> None:
    from cases.models import Article, ArticleVersion

    made = Article.objects.bulk_create(
        Article(audience="public", source="bench", external_id=str(n)) for n in range(articles)
    )
    texts = (words.article(n) for n in range(articles))
    ArticleVersion.objects.bulk_create(
        ArticleVersion(article=article, number=1, title=title, body=body)
        for article, (title, body) in zip(made, texts, strict=True)
    )
    data.sql("UPDATE cases_article a SET current_id = v.id FROM cases_articleversion v WHERE v.article_id = a.id")


def _learned() -> dict[str, float]:
    """How long learning takes, its processor time, the memory this process had at most until then, and what it came to."""
    from cases.answering import suggesting
    from crm import learning

    began, worked = time.monotonic(), time.process_time()
    row = learning.train("answers", say)
    assert row is not None
    assert row.in_use, row.why
    took, work = time.monotonic() - began, time.process_time() - worked
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    suggesting.forget()
    memory = suggesting.knowledge()[1]
    assert memory is not None
    loaded = sum(_bytes(getattr(memory.index, field.name)) for field in fields(memory.index))
    return {"took": took, "work": work, "most": most, "kept": len(row.content or b"") / 1e6, "loaded": loaded / 1e6}


def _bytes(held: Any) -> int:
    parts = [held.data, held.indices, held.indptr] if sparse.issparse(held) else [held]
    return sum(getattr(part, "nbytes", 0) for part in parts)


def _asked(words: Words, articles: int, count: int) -> dict[str, Any]:
    from cases import answers
    from cases.models import Article
    from tests import processes

    pks = list(Article.objects.order_by("pk").values_list("pk", flat=True))
    ours, bare, right, told = [], [], 0, 0
    line = psycopg.connect(processes.database_url(), autocommit=True)
    for n in range(count):
        which = None if n % 2 else words.dice.randrange(articles)
        text = words.strange() if which is None else words.question(which)
        began = time.perf_counter()
        found = answers.suggest(text)
        ours.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        line.execute(BARE, [text.split()], prepare=True).fetchall()
        bare.append((time.perf_counter() - began) * 1000)
        told += which is None and found.refused
        right += which is not None and bool(found.results) and found.results[0].article.pk == pks[which]
    line.close()
    return {"ours": ours, "bare": bare, "right": right / (count / 2), "told": told / (count / 2)}


def _figures(found: list[dict[str, Any]], learned: dict[str, float]) -> list[dict[str, Any]]:
    figures: list[dict[str, Any]] = []
    for label, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        ours = spread([percentile(one["ours"], share) for one in found])
        floor = spread([percentile(one["bare"], share) for one in found])
        figure = {"metric": f"a suggestion, {label}", "unit": "ms", "ours": ours, "floor": floor, "peer": None}
        figures.append(figure | ({"target": "≤ 50 ms", "met": ours["median"] <= 50} if label == "p95" else {}))
    alone = {"floor": None, "peer": None}
    return [
        *figures,
        {"metric": "the first is right", "unit": "share", "ours": spread([one["right"] for one in found]), **alone},
        {"metric": "strangers told", "unit": "share", "ours": spread([one["told"] for one in found]), **alone},
        {"metric": "learning", "unit": "s", "ours": round(learned["took"], 1), **alone},
        {"metric": "learning, processor", "unit": "s", "ours": round(learned["work"], 1), **alone},
        {"metric": "memory of the process, at most", "unit": "MB", "ours": round(learned["most"]), **alone},
        {"metric": "what is kept of it", "unit": "MB", "ours": round(learned["kept"], 1), **alone},
        {"metric": "the same, loaded", "unit": "MB", "ours": round(learned["loaded"]), **alone},
    ]


if __name__ == "__main__":
    print(json.dumps(run("small"), indent=1))
