"""What could not be read, at /admin/: why, by which two lines it is told apart, the original, another try, set aside."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from cases import house_hooks, intake
from cases.models import Channel, InboundItem, Mailbox, MailboxMail, Queue
from crm.models import User
from tests.builders import make_queue
from tests.mails import letter
from tests.screen import parse

pytestmark = pytest.mark.django_db
LIST = "/admin/cases/inbounditem/"
HOSTILE = b"<script>alert(1)</script>"


def kept(queue: Queue | None, raw: bytes = b"", **fields: Any) -> InboundItem:
    number = InboundItem.objects.count()
    told = {"channel": "mail", "external_id": f"{number}", "state": "kept", "error": "memory", "attempts": 2}
    return InboundItem.objects.create(queue=queue, raw=raw or letter(f"Mail {number}"), **{**told, **fields})


@pytest.fixture
def desk(sue: User, billing: Queue) -> Client:
    """Sue at the admin."""
    client = Client()
    client.force_login(sue)
    return client


def act(desk: Client, action: str, *items: InboundItem, became: str = "") -> str:
    chosen = {"action": action, "_selected_action": [item.pk for item in items]}
    return desk.post(f"{LIST}?became={became}" if became else LIST, chosen, follow=True).content.decode()


def test_the_list_says_when_by_which_mailbox_from_whom_and_why(desk: Client, billing: Queue) -> None:
    item = kept(billing, letter(sender="=?utf-8?q?M=C3=ADa?= <mia@example.org>", subject="Router & me"))
    box = Mailbox.objects.create(queue=billing, name="Help", address="help@a.example", host="x", user="help")
    MailboxMail.objects.create(mailbox=box, uidvalidity=1, uid=7, item=item)
    page = desk.get(LIST).content.decode()
    for words in (
        "help@a.example",
        "Mía &lt;mia@example.org&gt;",
        "Router &amp; me",
        "too much memory",
        "Open as a file",
    ):
        assert words in page, words
    assert timezone.localtime(item.next_try_at).strftime("%Y-%m-%d %H:%M") in page


def test_nothing_kept_is_said_in_words(desk: Client) -> None:
    assert "Nothing waits here" in desk.get(LIST).content.decode()


def test_what_it_says_beyond_two_lines_is_on_no_page_and_those_run_nothing(desk: Client, billing: Queue) -> None:
    raw = b"From: " + HOSTILE + b"\r\nSubject: " + b"s" * 100_000 + b"\r\n\r\ncanary " + HOSTILE
    item = kept(billing, raw)
    for address in (LIST, f"{LIST}{item.pk}/change/"):
        page = desk.get(address).content
        assert HOSTILE not in page
        assert b"canary" not in page
        assert b"s" * 121 not in page


@pytest.mark.parametrize("raw", [b"\x00\xff" * 40_000, b"from", b"\r\n\r\n", b"From:" + b"=?utf-8?q?" * 9_000])
def test_bytes_that_are_no_mail_are_listed_all_the_same(desk: Client, billing: Queue, raw: bytes) -> None:
    kept(billing, raw)
    assert desk.get(LIST).status_code == 200


def test_the_original_is_a_file_and_nothing_a_browser_opens(desk: Client, sue: User, billing: Queue) -> None:
    item = kept(billing, HOSTILE)
    answer = desk.get(f"{LIST}{item.pk}/raw/")
    assert answer.content == HOSTILE
    assert answer["Content-Disposition"] == f'attachment; filename="mail-{item.pk}.eml"'
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "no-store" in answer["Cache-Control"]
    assert LogEntry.objects.get().user == sue, "who took it is known"


def test_what_is_not_theirs_is_not_there(desk: Client, sue: User, technical: Queue, billing: Queue) -> None:
    theirs = kept(technical)
    Channel.objects.create(slug="shop", name="Shop", queue=technical)
    Channel.objects.create(slug="till", name="Till", queue=billing)
    shop, till = kept(None, channel="shop", external_id="1"), kept(None, channel="till", external_id="1")
    page = desk.get(LIST).content.decode()
    for item in (theirs, shop):
        assert desk.get(f"{LIST}{item.pk}/raw/").status_code == 404
        act(desk, "retry", item)
        act(desk, "set_aside_as_junk", item)
        item.refresh_from_db()
        assert item.state == "kept"
        assert f"{LIST}{item.pk}/" not in page
    assert f"{LIST}{till.pk}/" in page


def test_what_is_known_of_no_queue_is_for_who_steers_where_it_would_go(desk: Client, sue: User) -> None:
    item = kept(None)
    assert f"{LIST}{item.pk}/" in desk.get(LIST).content.decode(), "Billing is the only queue"
    make_queue("Inbox")
    assert f"{LIST}{item.pk}/" not in desk.get(LIST).content.decode()


def test_it_is_tried_again_and_becomes_a_message(desk: Client, billing: Queue) -> None:
    item = kept(billing)
    assert "1 item is in line again" in act(desk, "retry", item)
    intake.sweep_inbound(timezone.now())
    item.refresh_from_db()
    assert item.state == "done"


@pytest.mark.parametrize(("how", "said"), [("junk", "nothing for us"), ("handled", "dealt with in another way")])
def test_it_is_set_aside_with_a_reason_and_may_come_back(desk: Client, billing: Queue, how: str, said: str) -> None:
    item, other = kept(billing), kept(billing, state="ignored", error="own_mail")
    act(desk, f"set_aside_as_{how}", item, other)
    item.refresh_from_db()
    other.refresh_from_db()
    assert (item.state, item.error, other.error) == ("ignored", how, "own_mail")
    assert not InboundItem.objects.kept().exists()
    assert LogEntry.objects.count() == 1
    ignored = desk.get(f"{LIST}?became=ignored").content.decode()
    assert said in ignored
    assert "Our own mail came back" in ignored
    assert f"{LIST}{item.pk}/" not in desk.get(LIST).content.decode()

    act(desk, "retry", item, other, became="ignored")
    item.refresh_from_db()
    other.refresh_from_db()
    assert (item.state, other.state) == ("stored", "ignored")


def buttons(desk: Client, item: InboundItem) -> tuple[str, str, set[str]]:
    """Where the page of an item sends its buttons, for which item, and what they do."""
    page = parse(desk.get(f"{LIST}{item.pk}/change/").content.decode())
    for form in (node for node in page.all() if node.tag == "form"):
        chosen = [node.attrs["value"] for node in form.all() if node.attrs.get("name") == "_selected_action"]
        if chosen:
            does = {n.attrs["value"] for n in form.all() if n.tag == "button" and n.attrs.get("name") == "action"}
            return form.attrs["action"], chosen[0], does
    return "", "", set()


def test_the_page_of_an_item_has_the_same_three_steps(desk: Client, billing: Queue) -> None:
    item = kept(billing)
    action, chosen, does = buttons(desk, item)
    assert (action, does) == (LIST, {"retry", "set_aside_as_junk", "set_aside_as_handled"})
    told = desk.post(action, {"action": "set_aside_as_junk", "_selected_action": chosen}, follow=True)
    assert "1 item is set aside" in told.content.decode()
    item.refresh_from_db()
    assert (item.state, item.error) == ("ignored", "junk")

    action, chosen, does = buttons(desk, item)
    assert (action, does) == (f"{LIST}?became=ignored", {"retry"})
    desk.post(action, {"action": "retry", "_selected_action": chosen})
    item.refresh_from_db()
    assert item.state == "stored"


def test_what_the_house_ignored_has_no_buttons(desk: Client, billing: Queue) -> None:
    assert buttons(desk, kept(billing, state="ignored", error="own_mail")) == ("", "", set())


def test_the_console_says_that_something_is_kept_and_shows_a_supervisor_the_way(
    desk: Client, ana: User, billing: Queue
) -> None:
    def lines() -> list[str]:
        return [stall.say() for stall in house_hooks.standing_still(timezone.now()) if stall.kind == "kept"]

    assert lines() == []
    kept(billing)
    kept(billing)
    assert lines() == ["2 messages could not be read and are in no case, the oldest for {time}: a supervisor decides."]
    assert f'href="{LIST}"' in desk.get("/", follow=True).content.decode()
    rep = Client()
    rep.force_login(ana)
    assert f'href="{LIST}"' not in rep.get("/", follow=True).content.decode()
