"""Articles that answer: suggested from the words of a case (docs/search.md, Articles)."""

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import F

from cases.models import Article, Queue
from customers.folding import clean, words

LONGEST = 4000  # characters of a question that are read
MOST_WORDS = 60
# Folded words that say nothing about what is asked, in the languages of the house. Rarity alone cannot tell them where
# there are few articles.
EMPTY = frozenset(
    """
    a about after all also am an and any are as at be because been before but by can cannot could did do does doing done
    dont for from get getting got had has have having hello hey hi how i if im in into is isn it its ive just know like
    me more my need no not now of off on one only or other our out please so some still than thank thanks that the their
    them then there these they thing this to too up us use using want was way we were what when where which while who
    why will with without would yes you your
    aber alle als am an auch auf aus bei bin bis bitte da damit danke das dass dem den der des die dies diese doch du ein
    eine einen einer eines er es fur hab habe haben hallo hat ich ihr ihre im in ist ja kann kein keine konnen man mein
    meine meinen mich mir mit nach nicht noch nun nur ob oder ohne schon sehr sein seit sich sie sind so uber um und uns
    vom von vor war warum was wenn wer werden wie wir wird wo zu zum zur
    al algo como con cual cuando de del desde donde el ella en entre era es esta estan estar este esto fue gracias ha
    hacer hasta hay he hola la las le les lo los mas me mi mis muy nada ni no nos o para pero por porque puedo que quien
    quiero se ser si sin sobre son su sus tambien tengo tiene todo tu un una uno y ya yo
    """.split()  # noqa: SIM905 - a list of words is read as words
)
BECAUSE = 4  # words named
SAME_LANGUAGE = 1.3


@dataclass(frozen=True)
class Suggestion:
    """An article, how well it fits (comparable within one list only), and the words that say so, best first."""

    article: Article
    score: float
    because: tuple[str, ...]

    @property
    def external_id(self) -> str | None:
        return self.article.external_id

    @property
    def title(self) -> str:
        return str(self.article)


# Every word votes for the articles that hold it: by how rare it is among them (Robertson's inverse document frequency),
# three times as much in a title, less in a long text (ts_rank's normalisation 1).
_VOTES = """
WITH asked (word, query) AS (
    SELECT word, query::tsquery FROM unnest(%(words)s::text[], %(queries)s::text[]) AS pair (word, query)
), eligible AS MATERIALIZED (
    SELECT id, document FROM cases_article WHERE id = ANY(%(articles)s)
), hits AS (
    SELECT a.id, asked.word, ts_rank('{0.2, 0.2, 0.2, 0.6}', a.document, asked.query, 1) AS fit
      FROM asked JOIN eligible a ON a.document @@ asked.query
), rarity AS (
    SELECT word, ln(1 + (%(total)s - count(*) + 0.5) / (count(*) + 0.5)) AS weight FROM hits GROUP BY word
)
SELECT hits.id, sum(fit * weight)::float, array_agg(word ORDER BY weight * fit DESC, word)
  FROM hits JOIN rarity USING (word)
 GROUP BY hits.id
"""


def suggest(
    text: str, *, queue: Queue | None = None, audience: str | None = None, limit: int = 5, language: str = ""
) -> list[Suggestion]:
    """The articles that fit a question best, best first; none when no word of it is in any.

    `audience` "public" leaves out what is only for us; `language` prefers articles written in it.
    """
    asked = [word for word in words(clean(text)[:LONGEST]) if word not in EMPTY]
    queries = {word: _query(word) for word in asked[:MOST_WORDS]}
    offered = dict(Article.objects.offered(queue=queue, audience=audience).values_list("pk", "current__language"))
    if not queries or not offered:
        return []
    votes = [
        (score * (SAME_LANGUAGE if language and offered[pk] == language else 1), pk, because[:BECAUSE])
        for pk, score, because in _votes(queries, list(offered))
    ]
    best = sorted(votes, key=lambda vote: (-vote[0], vote[1]))[:limit]
    articles = Article.objects.select_related("current").in_bulk([pk for _score, pk, _because in best])
    return [Suggestion(articles[pk], round(score, 4), tuple(because)) for score, pk, because in best]


def _votes(queries: dict[str, str], articles: list[int]) -> list[tuple[int, float, list[str]]]:
    params: dict[str, Any] = {
        "words": list(queries),
        "queries": list(queries.values()),
        "articles": articles,
        "total": len(articles),
    }
    with connection.cursor() as cursor:
        cursor.execute(_VOTES, params)
        return list(cursor.fetchall())


def _query(word: str) -> str:
    """A word as a tsquery: longer ones by their beginning, so that endings (paid, paying, payment) matter less."""
    if len(word) >= 7:
        return f"'{word[:-2]}':*"
    return f"'{word[:-1]}':*" if len(word) >= 5 else f"'{word}'"


def mark_sent(article: Article) -> None:
    """It went into a reply."""
    Article.objects.filter(pk=article.pk).update(sent_count=F("sent_count") + 1)


def mark_answered(article: Article) -> None:
    """It answered the customer."""
    Article.objects.filter(pk=article.pk).update(answered_count=F("answered_count") + 1)
