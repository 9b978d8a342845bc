"""L25 in the admins: two people with one page open never write over each other without a word."""

import re
from types import SimpleNamespace

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from cases.models import Article, Queue
from crm.models import User
from tests.builders import make_user

pytestmark = pytest.mark.django_db
BODY = "Refunds take three days."


@pytest.fixture
def article(billing: Queue, cast: SimpleNamespace) -> Article:
    row = Article.objects.create(audience="internal")
    row.queues.add(billing)
    row.publish(title="Refunds", body=BODY, by=cast.sue)
    return row


@pytest.fixture
def both(cast: SimpleNamespace) -> tuple[Client, Client]:
    other = make_user("Tom Reed", role=User.Role.ADMINISTRATOR)
    clients = Client(), Client()
    clients[0].force_login(cast.root)
    clients[1].force_login(other)
    return clients


def opened(client: Client, article: Article) -> dict[str, str]:
    """What the page would send if nothing were typed."""
    page = client.get(f"/admin/cases/article/{article.pk}/change/").content.decode()
    fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    fields |= {n: v for v, n in re.findall(r'<input[^>]*value="([^"]*)"[^>]*name="([^"]+)"', page)}
    kept = {name: fields.get(name, "") for name in ("title", "seen")}
    queue = article.queues.get()
    return kept | {"body": article.current.body, "language": "en", "audience": "internal", "queues": str(queue.pk)}  # type: ignore[union-attr]


def saved(client: Client, article: Article, **fields: str) -> tuple[int, str]:
    answer = client.post(f"/admin/cases/article/{article.pk}/change/", fields)
    return answer.status_code, answer.content.decode()


def test_who_saves_second_reads_what_the_first_changed_and_keeps_their_words(
    article: Article, both: tuple[Client, Client]
) -> None:
    one, other = (opened(client, article) for client in both)
    assert saved(both[0], article, **one | {"body": "Refunds take two days."})[0] == 302
    status, page = saved(both[1], article, **other | {"body": "Refunds take a week."})
    article.refresh_from_db()
    assert status == 409
    assert article.current.body == "Refunds take two days."  # type: ignore[union-attr]
    assert "Somebody changed this while you had it open" in page
    assert "It says now: Refunds take two days." in page
    assert "Refunds take a week." in page


def test_who_was_told_may_save_all_the_same(article: Article, both: tuple[Client, Client]) -> None:
    one, other = (opened(client, article) for client in both)
    saved(both[0], article, **one | {"body": "Two days."})
    _status, page = saved(both[1], article, **other | {"body": "A week."})
    (seal,) = set(
        re.findall(r'name="seen"[^>]*value="([^"]*)"', page) or re.findall(r'value="([^"]*)"[^>]*name="seen"', page)
    )
    assert saved(both[1], article, **other | {"body": "A week.", "seen": seal})[0] == 302
    article.refresh_from_db()
    assert [v.body for v in article.versions.order_by("number")] == [BODY, "Two days.", "A week."]
    assert not LogEntry.objects.filter(change_message__contains="seen").exists()


def test_a_page_on_which_nothing_changed_is_saved_at_once(article: Article, both: tuple[Client, Client]) -> None:
    fields = opened(both[0], article)
    assert fields["seen"]
    assert saved(both[0], article, **fields | {"title": "Money back"})[0] == 302
