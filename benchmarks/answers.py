"""Suggestions: which article answers, from ten thousand of them and a million messages of the past.

Articles of 120 words drawn from a skewed vocabulary, each about words of its own; cases with a question of the customer and an
answer of ours, a tenth of them with the article that answered. Trained as `manage.py train` does, then asked in this process
through cases.answers.suggest, as the panel and the API do: questions that nobody asked before, half of them strangers. Beside
it, in turn, the same question as one bare full-text statement that votes by words (what suggestions were before).
"""

import json
import random
import time
from typing import Any

import numpy as np
import psycopg

from benchmarks import data
from benchmarks.queue import quiet
from benchmarks.stage import database, percentile, spread

NAME = "answers"
# articles, cases of the past, questions a repeat, repeats
SIZES = {"small": (300, 3_000, 40, 3), "default": (2_000, 50_000, 100, 5), "full": (10_000, 500_000, 200, 5)}
VOCABULARY = 30_000
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
ASKED_OF_TEN = 1  # of ten cases so many name the article that answered
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
        self.common = np.cumsum(weights / weights.sum())
        self.own = [[self.dice.randrange(VOCABULARY) for _n in range(12)] for _article in range(articles)]

    def some(self, count: int) -> list[str]:
        return [self.word(int(np.searchsorted(self.common, self.dice.random()))) for _n in range(count)]

    @staticmethod
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
        took, size = _trained()
        found = [_asked(words, articles, asked) for _repeat in range(repeats + 1)][1:]
    did = (
        f"{articles:,} articles, {cases:,} cases with {2 * cases:,} messages, {cases * ASKED_OF_TEN // 10:,} with the article that answered; "
        f"trained; {asked} questions a repeat, half of them strangers, {repeats} repeats after one that warms; suggest() in process, "
        "DEBUG off; floor: the votes of words in one bare statement"
    )
    return {"name": NAME, "did": did, "figures": _figures(found, took, size)}


def _build(words: Words, articles: int, cases: int) -> None:
    from cases.models import Article
    from tests.builders import make_queue

    queue = make_queue("Bench").pk
    for n in range(articles):
        title, body = words.article(n)
        Article.objects.create(audience="public", source="bench", external_id=str(n)).publish(title=title, body=body)
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
                    [key, words.question(n % articles), pks[n % articles] if n % 10 < ASKED_OF_TEN else None]
                )
    data.sql(MESSAGES)
    data.sql(
        "INSERT INTO cases_articleuse (case_id, article_id, how, at) SELECT c.id, q.article, 'answered', c.opened_at "
        "FROM asked q JOIN cases_case c ON c.external_id = q.external_id WHERE q.article IS NOT NULL"
    )
    data.sql(DOCUMENTS)
    data.settled()


def _trained() -> tuple[float, int]:
    from cases.answering import suggesting
    from crm import learning

    began = time.monotonic()
    row = learning.train("answers")
    assert row is not None
    assert row.in_use, row.why
    suggesting.forget()
    return time.monotonic() - began, len(row.content or b"")


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


def _figures(found: list[dict[str, Any]], took: float, size: int) -> list[dict[str, Any]]:
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
        {"metric": "training", "unit": "s", "ours": round(took, 1), **alone},
        {"metric": "what is kept of it", "unit": "MB", "ours": round(size / 1e6, 1), **alone},
    ]


if __name__ == "__main__":
    print(json.dumps(run("small"), indent=1))
