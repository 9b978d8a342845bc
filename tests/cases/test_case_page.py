"""The case as it is read: thread, panels, bounds, cost."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import conversation
from cases.hooks import Banner, case_banners
from cases.models import Article, ArticleVersion, Case, Mention, Queue
from crm.models import User
from tests.builders import make_case, make_customer, make_message

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def case(billing: Queue) -> Case:
    return make_case(billing, status="open", waiting_since=timezone.now())


@pytest.fixture
def desk(client: Client, ana: User, case: Case) -> Client:
    client.force_login(ana)
    return client


def messages(html: str) -> list[int]:
    return [int(n) for n in re.findall(r'id="message-(\d+)"', html)]


def test_a_case_shows_its_thread_with_words_notes_and_what_happened(
    desk: Client, case: Case, ana: User, lee: User
) -> None:
    make_message(case, "You took it <b>twice</b>.", sender_name="Ana Torres")
    conversation.add_note(case, by=lee, text="BW-31, @ana look")
    case.assign(ana, by=lee)
    html = desk.get(f"/cases/{case.number}/").content.decode()
    assert f"#{case.number}" in html
    assert "You took it &lt;b&gt;twice&lt;/b&gt;." in html
    assert 'class="msg note"' in html
    assert "<mark>@ana</mark>" in html
    assert "Lee Hart gave it to Ana Lind" in html


def test_from_the_list_only_the_room_comes(desk: Client, case: Case) -> None:
    html = desk.get(f"/cases/{case.number}/", headers=HTMX).content.decode()
    assert html.lstrip().startswith("<title>")
    assert "<html" not in html
    whole = desk.get(f"/cases/{case.number}/", headers={**HTMX, "HX-History-Restore-Request": "true"})
    assert "<html" in whole.content.decode()


def test_the_page_carries_the_position_it_was_rendered_at(desk: Client, case: Case) -> None:
    html = desk.get(f"/cases/{case.number}/").content.decode()
    assert re.search(r'data-epoch="[0-9a-f-]{36}" data-pos="\d+"', html)
    assert f'data-topics="case.{case.number} queue.{case.queue_id} me"' in html
    assert f'data-version="{case.version}"' in html


def test_a_number_no_case_can_have_is_nobodys(desk: Client) -> None:
    for number in (0, 2**63 - 1, 2**63, 10**30):
        assert desk.get(f"/cases/{number}/").status_code == 404
        assert desk.post(f"/cases/{number}/claim/", headers=HTMX).status_code == 404


def test_a_stranger_gets_404_everywhere_in_it(client: Client, ben: User, case: Case) -> None:
    client.force_login(ben)
    for part in ("", "earlier/", "fragments/", "people/", "answers/", "since/", "others/", "assignment/", "status/"):
        page = client.get(f"/cases/{case.number}/{part}")
        assert page.status_code == 404, part
        assert "Double charge" not in page.content.decode()


def test_opening_a_case_answers_the_notes_that_name_me(desk: Client, case: Case, ana: User, lee: User) -> None:
    conversation.add_note(case, by=lee, text="@ana and @lee")
    desk.get(f"/cases/{case.number}/")
    assert Mention.objects.get(user=ana).seen_at is not None


def test_a_long_thread_comes_in_pieces_without_gap(desk: Client, case: Case) -> None:
    start = timezone.now() - timedelta(days=3)
    made = [make_message(case, f"line {n}", at=start + timedelta(minutes=n)).pk for n in range(120)]
    html = desk.get(f"/cases/{case.number}/").content.decode()
    assert messages(html) == made[-50:]
    middle = desk.get(f"/cases/{case.number}/earlier/?before={made[-50]}").content.decode()
    assert messages(middle) == made[20:70]
    first = desk.get(f"/cases/{case.number}/earlier/?before={made[20]}").content.decode()
    assert messages(first) == made[:20]
    assert "Earlier messages" not in first


@pytest.mark.parametrize("size", [4, 400])
def test_the_page_costs_the_same_however_long(
    desk: Client, case: Case, ana: User, lee: User, size: int, django_assert_max_num_queries: Any
) -> None:
    for n in range(size):
        make_message(case, "word", direction=["inbound", "note"][n % 2], author=lee if n % 2 else None)
    case.assign(lee, by=ana)
    # 11 with the banner of known problems, and the test plugin's 2 fills with a savepoint each
    with django_assert_max_num_queries(15):
        desk.get(f"/cases/{case.number}/")


def test_only_reps_are_given_buttons(client: Client, eve: User, case: Case, billing: Queue) -> None:
    billing.join(eve, mode="watch")
    client.force_login(eve)
    html = client.get(f"/cases/{case.number}/").content.decode()
    assert "You are watching" in html
    assert 'data-action="claim"' not in html
    assert 'id="composer"' not in html


def test_a_banner_stands_above_the_thread_and_a_broken_one_hurts_nothing(desk: Client, case: Case) -> None:
    def broken(_case: Case, _user: User) -> Banner:
        raise ValueError

    with case_banners.registered(lambda _c, _u: Banner("Known problem BW-31")), case_banners.registered(broken):
        page = desk.get(f"/cases/{case.number}/")
    assert page.status_code == 200
    assert "Known problem BW-31" in page.content.decode()


def test_panels_load_by_themselves(desk: Client, case: Case) -> None:
    html = desk.get(f"/cases/{case.number}/").content.decode()
    for noun in ("answers", "since", "others"):
        assert f'hx-get="/cases/{case.number}/{noun}/"' in html
        assert desk.get(f"/cases/{case.number}/{noun}/", headers=HTMX).status_code == 200


def test_an_article_that_was_sent_is_counted(desk: Client, case: Case) -> None:
    article = Article.objects.create(audience="public")
    article.current = ArticleVersion.objects.create(article=article, number=1, title="Twice", body="We pay it back.")
    article.save()
    desk.post(f"/cases/{case.number}/answers/{article.pk}/use/", {"how": "sent"})
    desk.post(f"/cases/{case.number}/answers/{article.pk}/use/", {"how": "answered"})
    article.refresh_from_db()
    assert (article.sent_count, article.answered_count) == (1, 1)


def test_other_cases_are_only_those_i_may_see(desk: Client, case: Case, billing: Queue, technical: Queue) -> None:
    make_case(billing, "Seen elsewhere", customer=case.customer)
    make_case(technical, "Hidden from me", customer=case.customer)
    html = desk.get(f"/cases/{case.number}/others/").content.decode()
    assert "Seen elsewhere" in html
    assert "Hidden from me" not in html


def test_search_finds_a_case_by_number_and_says_when_it_finds_nothing(desk: Client, case: Case) -> None:
    found = desk.get(f"/search/?q=%23{case.number}").content.decode()
    assert "Double charge on April invoice" in found
    assert "Nothing you may see" in desk.get("/search/?q=zzzzqqq").content.decode()
    assert "<html" not in desk.get("/search/?q=x1", headers={**HTMX, "HX-Target": "found"}).content.decode()


def test_what_customers_are_called_cannot_run(desk: Client, billing: Queue) -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    case = make_case(billing, evil, customer=make_customer(evil), tags=[evil[:60]], preview=evil)
    make_message(case, evil, sender_name=evil)
    for path in (f"/cases/{case.number}/", f"/queues/{billing.pk}/?view=all"):
        html = desk.get(path).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html


def test_who_may_not_see_addresses_gets_none_in_the_case_or_the_list(
    client: Client, eve: User, carl: Any, billing: Queue
) -> None:
    case = make_case(billing, status="open", customer=carl, channel="mail")
    sender = carl.contact_points.get(kind="email")
    conversation.add_inbound(
        case, text="Hello", sender=sender, sender_name="Carl Jensen", channel="mail", at=timezone.now()
    )
    billing.join(eve, mode="work")
    client.force_login(eve)
    paths = [f"/queues/{billing.pk}/?view=all", f"/search/?q={case.number}"]
    paths += [f"/cases/{case.number}/{part}" for part in ("", "fragments/", "since/", "others/", "answers/")]
    for path in paths:
        html = client.get(path).content.decode()
        assert "carl@example.org" not in html, path
        assert "2079460123" not in html, path
