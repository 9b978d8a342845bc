"""Articles that answer: suggested from the words of a case, or none; and what reps say of them (docs/answers.md).

What compares and learns is read only when somebody asks: it brings libraries that take a second to begin."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import F, QuerySet

from cases.answering.asked import SHOWN, question
from cases.models import Article, ArticleUse, Case, KnowledgeGap, Queue
from crm.models import Event, User

__all__ = ["Alike", "Found", "Suggestion", "alike", "gaps", "mark", "question", "suggest", "worth_learning"]

WORTH = 0.05  # how probable one beside the first must be
LEAST = 30  # answered questions from which training is worth its time
MOST_UNREAD = 200  # articles a process reads by itself before anything was learned


@dataclass(frozen=True)
class Suggestion:
    """An article, how probable it is among these that it answers (0 to 1), and the words that say so, best first."""

    article: Article
    score: float
    because: tuple[str, ...]

    @property
    def external_id(self) -> str | None:
        return self.article.external_id

    @property
    def title(self) -> str:
        return str(self.article)


@dataclass(frozen=True)
class Found:
    """What comes nearest, best first. `refused`: none of it is near enough to be offered to anybody who did not ask for it;
    `confidence`: how probable it is that the answer is among the first SHOWN; `version`: of what was learned, 0 before."""

    results: list[Suggestion] = field(default_factory=list)
    refused: bool = True
    confidence: float = 0.0
    version: int = 0

    @property
    def offered(self) -> list[Suggestion]:
        """The first, and those beside it that may well be right."""
        if self.refused:
            return []
        return self.results[:1] + [found for found in self.results[1:SHOWN] if found.score >= WORTH]

    def __iter__(self) -> Iterator[Suggestion]:
        return iter(self.results)


@dataclass(frozen=True)
class Alike:
    """A past case that asked much the same, how much (0 to 1), and what resolved it: an article, or our last answer."""

    case: Case
    score: float
    article: str  # its title
    answer: str


def suggest(
    text: str,
    *,
    queue: Queue | None = None,
    audience: str | None = None,
    among: QuerySet[Article] | None = None,
    limit: int = 5,
    language: str = "",
) -> Found:
    """The articles that come nearest to a question, and whether any is near enough.

    `audience` "public" leaves out what is only for us; `among` are the articles this person may read (all by default);
    `language` prefers articles written in it.
    """
    from cases.answering import suggesting

    offered = Article.objects.offered(queue=queue, audience=audience)
    if among is not None:
        offered = offered.filter(pk__in=among.values("pk"))
    return suggesting.suggest(text, queue.pk if queue else None, offered, limit, language)


def alike(text: str, user: User, *, but: int = 0, limit: int = 5) -> list[Alike]:
    """Resolved cases this person may see that asked much the same, most alike first."""
    from cases.answering import suggesting

    return suggesting.alike(text, user, but, limit)


# --- what reps say of them


def mark(case: Case, article: Article, how: str, by: User | None) -> None:
    """It was put into a reply, answered, or did not fit (`ArticleUse.How`): counted once a case."""
    use, fresh = ArticleUse.objects.get_or_create(case=case, article=article, how=how, defaults={"by": by})
    if fresh and how != ArticleUse.How.UNFIT:
        column = "answered_count" if how == ArticleUse.How.ANSWERED else "sent_count"
        Article.objects.filter(pk=article.pk).update(**{column: F(column) + 1})
    if how == ArticleUse.How.ANSWERED:
        ArticleUse.objects.filter(case=case, article=article, how=ArticleUse.How.UNFIT).delete()
    elif how == ArticleUse.How.UNFIT:
        _unsay(case, article)


def _unsay(case: Case, article: Article) -> None:
    """Who says that it did not fit takes back that it answered."""
    gone, _kinds = ArticleUse.objects.filter(case=case, article=article, how=ArticleUse.How.ANSWERED).delete()
    if gone:
        Article.objects.filter(pk=article.pk, answered_count__gt=0).update(answered_count=F("answered_count") - 1)


def gaps(user: User) -> QuerySet[KnowledgeGap]:
    """What the last training found no article for, in queues this person steers; across queues only administrators."""
    rows = KnowledgeGap.objects.select_related("queue")
    return rows if user.is_administrator else rows.filter(queue__in=Queue.objects.steered_by(user).values("pk"))


def worth_learning() -> bool:
    """Whether enough questions are known to have been answered by an article; or so many articles wait to be read."""
    if ArticleUse.objects.exclude(how=ArticleUse.How.UNFIT)[:LEAST].count() >= LEAST:
        return True
    told = Event.objects.filter(stream="case", kind="resolved", data__has_key="article")
    return Article.objects.count() > MOST_UNREAD or told[:LEAST].count() >= LEAST
