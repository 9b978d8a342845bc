"""A mail as it came, in a frame of its own: for who may see the case, unable to do anything, its pictures by seal only."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from cases import conversation
from cases.hooks import File
from cases.mail import shown
from cases.models import Case, Message, Queue
from cases.views import mail
from crm import fetching
from crm.models import User
from customers.models import Customer
from tests.builders import make_case, make_message

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
HTML = (
    '<p>See <b>this</b>:</p><img src="cid:Shot%40x" alt="Screenshot" width=40><img src="https://t.example/logo.png" alt="Logo">'
    '<img src="https://t.example/count.gif"><a href="https://evil.example/">https://bank.example/</a>'
)


@pytest.fixture
def case(billing: Queue, carl: Customer) -> Case:
    return make_case(billing, customer=carl, channel="mail")


@pytest.fixture
def message(case: Case) -> Message:
    files = [File("shot.png", "image/png", PNG, "<shot@x>"), File("evil.png", "image/png", b"<script>", "evil@x")]
    return conversation.add_inbound(
        case, text="See this:", html=HTML, sender=None, channel="mail", at=timezone.now(), files=files
    )


def of(user: User | None) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client


def body(user: User | None, message: Message, query: str = "") -> Any:
    return of(user).get(f"/messages/{message.token}/body/{query}")


def sources(page: Any) -> list[str]:
    return [unescape(found) for found in re.findall(r'<img src="([^"]+)"', page.content.decode())]


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pictures from elsewhere, without going there: what was asked for."""
    asked: list[str] = []

    async def picture(url: str) -> fetching.Picture:
        asked.append(url)
        if "gone" in url:
            raise fetching.NoPicture("gone")
        return fetching.Picture(PNG, "image/png")

    monkeypatch.setattr(fetching, "picture", picture)
    return asked


# --- the page


def test_it_is_shown_to_who_may_see_the_case_and_nobody_learns_more(
    message: Message, ana: User, ben: User, eve: User, root: User
) -> None:
    assert "<b>this</b>" in body(ana, message).content.decode()
    assert body(root, message).status_code == 200
    unknown = Client().get("/messages/nothing/body/")
    for stranger in (ben, eve, None):
        refused = body(stranger, message)
        assert refused.status_code == unknown.status_code == 404
        assert b"See" not in refused.content


def test_its_response_can_do_nothing(message: Message, ana: User) -> None:
    page = body(ana, message)
    policy = dict(part.strip().partition(" ")[::2] for part in page["content-security-policy"].split(";"))

    assert policy == {
        "default-src": "'none'",
        "img-src": "'self'",
        "style-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
        "sandbox": "allow-popups allow-popups-to-escape-sandbox",
    }
    assert page["x-frame-options"] == "SAMEORIGIN"
    assert page["referrer-policy"] == "no-referrer"
    assert page["cache-control"] == "private, no-store"
    assert b"<script" not in page.content


def test_a_message_without_html_has_no_page(case: Case, ana: User) -> None:
    assert body(ana, make_message(case)).status_code == 404
    assert body(ana, make_message(case, html="<script>x</script>")).status_code == 404


def test_what_an_older_rule_let_through_is_made_harmless_when_shown(case: Case, ana: User) -> None:
    old = make_message(case, html='<p onclick="x()">Words<script>alert(1)</script><img src=x onerror=y></p>')

    shown = body(ana, old).content.decode()

    assert "<p>Words</p>" in shown
    assert "alert" not in shown
    assert "onerror" not in shown


def test_a_link_that_lies_says_where_it_leads(message: Message, ana: User) -> None:
    assert 'data-elsewhere="evil.example"' in body(ana, message).content.decode()


def test_nothing_changes_by_looking_and_nothing_else_is_offered(message: Message, ana: User) -> None:
    for method in ("post", "put", "delete"):
        assert getattr(of(ana), method)(f"/messages/{message.token}/body/").status_code == 405
        assert getattr(of(ana), method)(f"/messages/{message.token}/picture/").status_code == 405


# --- its own pictures


def test_a_picture_of_the_mail_is_shown_in_its_place(message: Message, ana: User) -> None:
    page = body(ana, message)
    (source,) = sources(page)

    picture = Client().get(source)  # a sandboxed frame sends no cookie

    assert 'alt="Screenshot"' in page.content.decode()
    assert 'width="40"' in page.content.decode()
    assert b"".join(picture.streaming_content) == PNG
    assert picture["content-type"] == "image/png"
    assert picture["content-security-policy"] == "sandbox; default-src 'none'"
    assert picture["x-content-type-options"] == "nosniff"


def test_a_file_that_is_no_picture_is_none_here(case: Case, ana: User) -> None:
    files = [File("a.png", "image/png", b"<svg onload=alert(1)>", "a")]
    message = conversation.add_inbound(
        case, text="x", html="<img src=cid:a>", sender=None, channel="mail", at=timezone.now(), files=files
    )
    (source,) = sources(body(ana, message))

    assert Client().get(source).status_code == 404


def test_a_seal_opens_what_it_was_made_for_and_for_a_while_only(message: Message, ana: User, case: Case) -> None:
    (source,) = sources(body(ana, message))
    other = make_message(case, html=HTML)

    assert Client().get(source.replace(message.token, other.token)).status_code == 404
    for broken in (source[:-1], source + "x", source.partition("?")[0], source.partition("=")[0] + "="):
        assert Client().get(broken).status_code == 404
    with time_machine.travel(timezone.now() + timedelta(seconds=shown.SECONDS + 5)):
        assert Client().get(source).status_code == 404


def test_who_may_not_see_the_case_any_more_is_shown_nothing(message: Message, ana: User, far: list[str]) -> None:
    page = body(ana, message, "?pictures=shown")
    ana.memberships.all().delete()

    assert [Client().get(source).status_code for source in sources(page)] == [404] * 3
    assert far == []
    User.objects.filter(pk=ana.pk).update(is_active=False)
    assert Client().get(sources(page)[0]).status_code == 404


# --- pictures from elsewhere


def test_pictures_from_elsewhere_wait_until_they_are_asked_for(message: Message, ana: User, far: list[str]) -> None:
    page = body(ana, message).content.decode()

    assert "t.example" not in page
    assert "2 pictures from elsewhere are not shown" in page
    assert '<span class="absent">Logo</span>' in page
    assert far == []


def test_who_asks_is_shown_them_without_a_cookie_and_others_are_not(
    message: Message, ana: User, far: list[str]
) -> None:
    first = body(ana, message).content.decode()
    again = unescape(re.search(r'href="(\?pictures=shown[^"]+)"', first)[1])  # type: ignore[index]

    page = body(None, message, again)

    assert page.status_code == 200
    assert "not shown" not in page.content.decode()
    pictures = [Client().get(source) for source in sources(page)[1:]]
    assert [p.status_code for p in pictures] == [200, 200]
    assert pictures[0].content == PNG
    assert pictures[0]["content-type"] == "image/png"
    assert pictures[0]["referrer-policy"] == "no-referrer"
    assert far == ["https://t.example/logo.png", "https://t.example/count.gif"]
    assert "not shown" in body(ana, message).content.decode()


def test_only_addresses_of_the_mail_are_fetched(message: Message, ana: User, far: list[str]) -> None:
    """The address lies in the seal: nobody can put another one there."""
    forged = shown.sign({"message": message.pk, "user": ana.pk, "url": "https://x.example/"}, purpose="another")

    for seal in (forged, "https://x.example/", ""):
        assert Client().get(f"/messages/{message.token}/picture/", {"seal": seal}).status_code == 404
    assert Client().get(f"/messages/{message.token}/picture/", {"seal": shown.seal(message, ana)}).status_code == 404
    assert far == []


def test_a_picture_that_cannot_be_had_is_missing(case: Case, ana: User, far: list[str]) -> None:
    message = make_message(case, html='<img src="https://t.example/gone.png" alt="x">')
    (source,) = sources(body(ana, message, "?pictures=shown"))

    assert Client().get(source).status_code == 404
    assert far == ["https://t.example/gone.png"]


def test_one_mail_cannot_make_us_fetch_without_end(case: Case, ana: User, far: list[str], monkeypatch) -> None:
    many = "".join(f'<img src="https://t.example/{n}.png" alt="x">' for n in range(shown.MOST_REMOTE + 50))
    page = body(ana, make_message(case, html=many), "?pictures=shown")
    monkeypatch.setattr(mail, "PICTURES_PER_READER", 2)

    answers = [Client().get(source).status_code for source in sources(page)[:3]]

    assert len(sources(page)) == shown.MOST_REMOTE
    assert answers == [200, 200, 429]
    assert len(far) == 2


# --- in the thread


def thread(user: User, case: Case) -> str:
    return of(user).get(f"/cases/{case.number}/").content.decode()


def test_the_thread_shows_the_words_and_offers_the_frame(message: Message, ana: User, case: Case) -> None:
    make_message(case, "plain")
    html = thread(ana, case)

    assert html.count("<iframe") == 1
    assert (
        f'<iframe src="/messages/{message.token}/body/" sandbox="allow-popups allow-popups-to-escape-sandbox"' in html
    )
    assert 'loading="lazy"' in html
    assert "<b>this</b>" not in html


def test_quotes_and_signatures_stand_folded_where_they_stood(case: Case, ana: User) -> None:
    text = "Yes.\n\n> Did you?\n\nThank <you>\n-- \nAna"
    quote, signature = text.index("> Did"), text.index("-- ")
    make_message(case, text, folds=[[quote, quote + 11, "quote"], [signature, len(text), "signature"]])
    html = thread(ana, case)

    assert re.search(
        r"<div>Yes\.</div><details[^>]*><summary[^>]*>.*?What was said before.*?</summary>&gt; Did you\?</details>",
        html,
    )
    assert "<div>Thank &lt;you&gt;</div>" in html
    assert re.search(r"Signature</span></summary>-- \nAna</details>", html)


def test_folds_that_no_longer_fit_the_text_lose_nothing(case: Case, ana: User) -> None:
    make_message(case, "Short", folds=[[2, 500, "quote"], [900, 950, "signature"]])

    assert re.search(r"<div>Sh</div>.*?</summary>ort</details></div>", thread(ana, case))


def test_warnings_and_a_mails_own_subject_are_words(case: Case, ana: User) -> None:
    make_message(case, "x", flags=["sender_unverified", "message_id_reused", "clipped"], subject="Something <else>")
    make_message(case, "y", subject=case.subject)
    html = thread(ana, case)

    for words in ("the sender is not proven", "this mail uses the id of another one", "not all of it is shown"):
        assert words in html
    assert html.count('class="own-subject"') == 1
    assert "Something &lt;else&gt;" in html


def test_the_html_of_a_long_thread_is_not_read_for_the_page(
    case: Case, ana: User, django_assert_max_num_queries
) -> None:
    for n in range(60):
        make_message(case, f"{n}", html=f"<p>{n}</p>")
    client = of(ana)
    with django_assert_max_num_queries(16) as asked:
        html = client.get(f"/cases/{case.number}/").content.decode()

    assert html.count("<iframe") == 50
    assert not any('."html",' in query["sql"] for query in asked.captured_queries)


def test_a_thread_shows_the_beginning_of_a_very_long_message_and_where_all_of_it_is(case: Case, ana: User) -> None:
    text = "word " * 30_000 + "and <the> end"
    message = make_message(case, text, folds=[[140_000, 150_000, "quote"]])
    make_message(case, "short")
    html = thread(ana, case)

    assert "&lt;the&gt; end" not in html
    assert html.count("Read all of it") == 1
    client = Client()
    client.force_login(ana)
    whole = client.get(f"/messages/{message.token}/text/")
    assert whole.content.decode() == text
    assert (whole["Content-Type"], whole["X-Content-Type-Options"]) == ("text/plain; charset=utf-8", "nosniff")
    assert "sandbox" in whole["Content-Security-Policy"]
