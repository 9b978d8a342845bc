"""Answers by signed call-back: signed, keyed, and every word of the other side understood."""

import base64
import json
import socket
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from cases.channels import Failed, Later, adapter_for, generic
from cases.channels.generic import Generic
from cases.compose import compose
from cases.conversation import reply
from cases.hooks import Adapter, File, Outgoing, channels, composers
from cases.intake import process, store
from cases.models import Case, Channel, Dispatch, Queue
from cases.outward import release_due, send_due
from crm import outbound
from crm.models import User
from tests.channels import Callback, callback, make_channel, message, self_signed

pytestmark = pytest.mark.django_db

LETTER = Outgoing(
    key="6f1c3f6e-0000-4000-8000-000000000001",
    to="@mia",
    to_name="Mia Wölff",
    subject="Re: Router",
    text="Press reset.\nThen wait.",
    language="en",
    thread="t1",
    files=(File("how.pdf", "application/pdf", b"%PDF-"),),
)


@pytest.fixture
def side():
    with callback() as listening:
        yield listening


@pytest.fixture
def shop(billing: Queue, side: Callback) -> Channel:
    return permitted(make_channel(billing, callback_url=side.url))


def permitted(channel: Channel) -> Channel:
    """A channel through which the letter is permitted to leave, and whose turn it is."""
    told = {"channel": channel.slug, "address": LETTER.to, "message_class": "answer", "source": "letter"}
    Dispatch.objects.create(key=LETTER.key, source_id=1, state="claimed", **told)
    return channel


@pytest.mark.parametrize(
    "other", [{"state": "held"}, {"state": "sent"}, {"address": "@else"}, {"channel": "mail"}, {"key": "0" * 32}]
)
def test_nothing_is_posted_that_was_not_permitted_to_this_address(
    shop: Channel, side: Callback, other: dict[str, str]
) -> None:
    Dispatch.objects.update(**other)

    with pytest.raises(Failed) as told:
        Generic().send(LETTER, shop)

    assert told.value.reason == "not_permitted"
    assert not side.got


def test_an_answer_is_posted_signed_with_its_key_and_everything_in_it(shop: Channel, side: Callback) -> None:
    old = shop.active_secrets()[0]
    new = shop.add_secret()

    assert Generic().send(LETTER, shop) == "theirs-1"

    headers, body = side.got[0]
    Webhook(new).verify(body, headers)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(old).verify(body, headers)
    assert headers["webhook-id"] == LETTER.key
    told = json.loads(body)
    assert (told["id"], told["thread"], told["to"], told["to_name"]) == (LETTER.key, "t1", "@mia", "Mia Wölff")
    assert told["text"] == LETTER.text
    assert base64.b64decode(told["attachments"][0]["content"]) == b"%PDF-"


@pytest.mark.parametrize(
    ("said", "theirs"),
    [(b"", ""), (b"ok", ""), (b'{"id": 7}', ""), (b"[1]", ""), (b'{"id": "a\\u0000\\ud800b"}', "ab"),
     (b'{"id": "' + b"x" * 900 + b'"}', "x" * 250), (b"[" * 60_000, ""), (b"\xff\xfe", "")],
)  # fmt: skip
def test_a_yes_counts_whatever_it_says(shop: Channel, side: Callback, said: bytes, theirs: str) -> None:
    side.answers.append((202, {}, said))

    assert Generic().send(LETTER, shop) == theirs


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 422, 301, 302, 307, 308])
def test_a_no_is_failed_and_says_why(shop: Channel, side: Callback, status: int) -> None:
    side.answers.append((status, {"location": "http://127.0.0.1:1/elsewhere"}, b"No such\r\nperson"))

    with pytest.raises(Failed) as told:
        Generic().send(LETTER, shop)

    assert told.value.reason == f"status_{status}"
    assert len(side.got) == 1, "redirects are not followed"
    assert "No such person" in str(told.value) or status < 400


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_later(shop: Channel, side: Callback, status: int) -> None:
    side.answers.append((status, {"retry-after": "120"}, b""))

    with pytest.raises(Later) as told:
        Generic().send(LETTER, shop)

    assert (told.value.reason, told.value.after) == (f"status_{status}", timedelta(seconds=120))


@pytest.mark.parametrize("told", ["soon", "-5", "Wed, 21 Oct 2026 07:28:00 GMT", "99999999999", "²"])
def test_a_strange_wish_when_to_come_back_is_bounded(shop: Channel, side: Callback, told: str) -> None:
    side.answers.append((429, {"retry-after": told.encode("latin-1").decode("latin-1")}, b""))

    with pytest.raises(Later) as later:
        Generic().send(LETTER, shop)

    assert later.value.after in {None, timedelta(hours=1)}


def test_a_lost_answer_is_sent_again_with_the_same_key(shop: Channel, side: Callback) -> None:
    side.answers.append((0, {}, b""))  # takes it and hangs up

    with pytest.raises(Later) as told:
        Generic().send(LETTER, shop)
    Generic().send(LETTER, shop)

    assert told.value.reason == "no_answer"
    assert [headers["webhook-id"] for headers, _body in side.got] == [LETTER.key, LETTER.key]
    assert Generic.honours_key


def test_nobody_there_and_silence_are_tried_later(shop: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        shop.callback_url = f"http://127.0.0.1:{port}/"
        with pytest.raises(Later) as refused:
            Generic().send(LETTER, shop)
        deaf.listen()
        monkeypatch.setattr(generic, "TIMEOUT", httpx.Timeout(0.3))
        with pytest.raises(Later) as silent:
            Generic().send(LETTER, shop)

    assert (refused.value.reason, silent.value.reason) == ("no_connection", "no_answer")


@pytest.mark.parametrize(("certified", "name"), [("localhost", "localhost"), ("elsewhere.example", "localhost")])
def test_over_https_the_name_is_certified_though_the_address_is_pinned(
    shop: Channel, monkeypatch: pytest.MonkeyPatch, tmp_path, certified: str, name: str
) -> None:
    trusted = self_signed(tmp_path, certified)
    monkeypatch.setattr(outbound, "authorities", lambda: trusted)
    with callback(tls=tmp_path / "server.pem") as secure:
        shop.callback_url = secure.url.replace("http://127.0.0.1", f"https://{name}")
        if certified == name:
            assert Generic().send(LETTER, shop) == "theirs-1"
            assert secure.got[0][0]["host"].startswith("localhost:")
        else:
            with pytest.raises(Later):
                Generic().send(LETTER, shop)
            assert not secure.got


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://169.254.169.254/latest/", "http://[::1]:1/", "ftp://x/"])
def test_call_backs_into_our_own_network_are_refused(billing: Queue, settings, url: str) -> None:
    settings.DEBUG = settings.DEMO = False

    with pytest.raises(Failed) as told:
        Generic().send(LETTER, permitted(make_channel(billing, callback_url=url)))

    assert told.value.reason == "forbidden_address"


def test_a_channel_without_address_or_secret_says_so(shop: Channel, side: Callback) -> None:
    for change, reason in (({"callback_url": ""}, "no_callback"), ({"secrets": ""}, "no_secret")):
        Channel.objects.update(**change)
        shop.refresh_from_db()
        with pytest.raises(Failed) as told:
            Generic().send(LETTER, shop)
        assert told.value.reason == reason
        Channel.objects.update(callback_url=side.url)
    with pytest.raises(Failed):
        Generic().send(LETTER, None)
    assert not side.got


# --- which way out


def test_each_channel_has_its_adapter_and_plugins_bring_theirs(shop: Channel, billing: Queue) -> None:
    class Owl:
        kind = "owl"

        def send(self, _outgoing: Outgoing, _channel: Channel | None) -> str:
            return "released"

    def owls() -> Adapter:
        return Owl()

    make_channel(billing, "loft", kind="owl")
    assert adapter_for("mail").kind == "mail"
    assert adapter_for("shop").kind == "generic"
    with pytest.raises(Failed, match="owl"):
        adapter_for("loft")
    with channels.registered(owls):
        assert adapter_for("loft").kind == "owl"
    with pytest.raises(Failed):
        adapter_for("nowhere")
    Channel.objects.update(is_active=False)
    with pytest.raises(Failed):
        adapter_for("shop")


def test_a_question_by_channel_is_answered_there_once(shop: Channel, side: Callback, ana: User) -> None:
    Queue.objects.update(acknowledges=False)
    sender = {"name": "Mia", "kind": "handle", "value": "@mia"}
    item, _fresh = store("shop", "m1", json.dumps(message(thread="t1", **{"from": sender})).encode())
    process(item.pk)
    case = Case.objects.get()
    reply(case, by=ana, text="Press reset.", written_against=case.version, is_answer=True)
    later = timezone.now() + timedelta(seconds=11)
    side.answers.append((503, {}, b""))

    release_due(later)
    send_due(later)
    Dispatch.objects.update(release_at=later)  # its pause is over
    send_due(later)
    send_due(later)

    sent = Dispatch.objects.get(source="message")
    assert (sent.state, sent.provider_id, sent.attempts) == ("sent", "theirs-1", 2)
    assert len(side.got) == 2
    bodies = [json.loads(body) for _headers, body in side.got]
    assert {(b["id"], b["thread"], b["to"], b["text"]) for b in bodies} == {
        (str(sent.key), "t1", "mia", "Press reset.")
    }


@pytest.mark.parametrize("changed", [{"to": "@else"}, {"key": "6f1c3f6e-0000-4000-8000-000000000002"}])
def test_whoever_composes_chooses_words_and_not_whom_they_go_to(
    shop: Channel, side: Callback, changed: dict[str, str]
) -> None:
    """A plugin's composer was asked for the text of a message to @mia."""

    def composed(dispatch: Dispatch) -> Outgoing | None:
        return replace(LETTER, **changed) if dispatch.source == "letter" else None

    letter = Dispatch.objects.get()
    with composers.registered(composed), pytest.raises(Failed) as told:
        compose(letter)

    assert told.value.reason == "not_permitted"
