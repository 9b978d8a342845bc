"""Articles: versions, who may read them, and which is suggested for which words."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from cases.answers import suggest
from cases.models import Article, Queue
from crm.models import User
from tests.api import Caller
from tests.builders import make_user

pytestmark = pytest.mark.django_db


def write(
    title: str, body: str = "Read this.", *, audience: str = "public", language: str = "en", **fields: Any
) -> Article:
    article = Article.objects.create(audience=audience, **fields)
    article.publish(title=title, body=body, language=language)
    return article


def titles(text: str, **options: Any) -> list[str]:
    return [found.title for found in suggest(text, **options)]


def test_publishing_makes_a_version_and_keeps_the_old_one(sue: User) -> None:
    article = write("Reset the router")
    first = article.current
    second = article.publish(title="Reset the router", body="Hold it for ten seconds.", language="en", by=sue)
    assert (second.number, second.created_by, article.current) == (2, sue, second)
    assert article.publish(title=" Reset the router ", body="Hold it for ten seconds.", language="en") == second
    assert list(article.versions.order_by("number")) == [first, second]


@pytest.mark.parametrize(
    ("title", "body"), [("", "x"), (" \x00 ", "x"), ("x" * 201, "x"), ("x", " "), ("x", "y" * 200_001)]
)
def test_an_article_without_title_or_text_or_with_too_much_is_refused(title: str, body: str) -> None:
    article = Article.objects.create()
    with pytest.raises(ValidationError):
        article.publish(title=title, body=body)
    assert article.versions.count() == 0


def test_the_words_of_a_question_find_the_article_and_say_why() -> None:
    write("Change how you pay", "Card, direct debit or invoice.")
    write("Reset the router", "Hold the button for ten seconds; the light blinks.")
    best = suggest("Hello, the light on my ROUTER blinks and I cannot pay attention").results[0]
    assert best.title == "Reset the router"
    assert best.score > 0
    assert best.because[0] == "router"
    assert "hello" not in best.because


def test_a_rare_word_says_more_than_common_ones() -> None:
    for n in range(8):
        write(f"About the invoice {n}", "How to read the invoice and the dates of the invoice.")
    write("Roaming abroad", "How it works.")
    assert titles("the invoice of the roaming")[0] == "Roaming abroad"


def test_endings_and_accents_matter_little() -> None:
    write("Payments that were declined", "Ask the bank.")
    write("Größe des Pakets", "Siehe unten.", language="de")
    assert titles("my payment got declining") == ["Payments that were declined"]
    assert titles("grosse paket") == ["Größe des Pakets"]


def test_the_same_language_is_preferred() -> None:
    write("Router reset", "router")
    write("Router zurücksetzen", "router", language="de")
    assert titles("router", language="de")[0] == "Router zurücksetzen"
    assert titles("router", language="en")[0] == "Router reset"


def test_the_public_is_offered_only_what_is_public() -> None:
    write("Router for all", "router")
    write("Router for us", "router", audience="internal")
    assert titles("router", audience="public") == ["Router for all"]
    assert len(titles("router", audience="internal")) == len(titles("router")) == 2


def test_a_queue_is_offered_its_own_articles_and_those_of_everyone(billing: Queue, technical: Queue) -> None:
    everyone, ours, theirs = write("Router one"), write("Router two"), write("Router three")
    ours.queues.add(billing)
    theirs.queues.add(technical)
    assert {s.article for s in suggest("router", queue=billing)} == {everyone, ours}


def test_inactive_and_unpublished_articles_are_not_offered() -> None:
    write("Router", is_active=False)
    Article.objects.create()
    assert titles("router") == []


def test_the_newest_version_is_what_is_found() -> None:
    article = write("Router")
    article.publish(title="Modem", body="It is called a modem now.")
    assert titles("router") == []
    assert titles("modem") == ["Modem"]


@pytest.mark.parametrize("text", ["", " ", "'", "\x00", "!&|():*<->", "🙂", "\ud800", "%_\\", "zyzzyva"])
def test_odd_or_unknown_words_suggest_nothing(text: str) -> None:
    write("Router", "It's 100% \\ 'quoted'")
    assert titles(text) == []


def test_ten_megabytes_of_question_are_read_as_far_as_it_makes_sense() -> None:
    write("Router")
    assert titles("router " * 1_500_000) == ["Router"]


def test_suggestions_cost_two_queries_however_many_articles(django_assert_num_queries: Any) -> None:
    for n in range(20):
        write(f"Router {n}")
    suggest("router")  # this process has read the articles
    with django_assert_num_queries(2):
        assert len(titles("router", limit=5)) == 5


def test_over_the_api_too_only_who_steers_a_queue_writes_its_articles(
    billing: Queue, technical: Queue, sue: User
) -> None:
    """Sue supervises Billing alone; she is a rep of Technical, sees what is written for it, and writes nothing there."""
    technical.memberships.create(user=sue, role="rep")
    script, told = Caller(sue), {"title": "Refunds", "body": "Five days."}
    made = script.post("articles/", {**told, "queues": [billing.pk]})
    assert made.status_code == 201, made.content
    for queues in ([], [technical.pk], [billing.pk, technical.pk]):
        assert script.post("articles/", {**told, "queues": queues}).status_code == 400
    theirs, everybodys = write("Router", external_id="T1", source="api"), write("Modem")
    theirs.queues.set([technical])
    for article in (theirs, everybodys):
        assert script.get(f"articles/{article.pk}/").status_code == 200
        for change in ({"body": "Mine."}, {"queues": [billing.pk]}, {"is_active": False}):
            assert script.patch(f"articles/{article.pk}/", change).status_code == 400
    named = {**told, "external_id": "T1", "queues": [billing.pk]}
    assert script.post("articles/", named).status_code == 400
    assert script.patch(f"articles/{made.json()['id']}/", {"queues": [billing.pk, technical.pk]}).status_code == 400
    assert {article.versions.count() for article in (theirs, everybodys)} == {1}
    assert [sorted(q.name for q in a.queues.all()) for a in Article.objects.order_by("pk")] == [
        [billing.name],
        [technical.name],
        [],
    ]


def test_who_leads_a_queue_reads_its_articles_and_writes_none(billing: Queue) -> None:
    dan = make_user("dan")
    billing.memberships.create(user=dan, role="lead")
    article = write("Refunds", "Five days.")
    article.queues.set([billing])
    script = Caller(dan)
    assert script.get(f"articles/{article.pk}/").status_code == 200
    for answer in (
        script.post("articles/", {"title": "Mine", "body": "Mine.", "queues": [billing.pk]}),
        script.patch(f"articles/{article.pk}/", {"body": "Mine."}),
    ):
        assert answer.status_code == 403
    assert (Article.objects.count(), article.versions.count()) == (1, 1)
