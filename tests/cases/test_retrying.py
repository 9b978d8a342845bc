"""A6: what did not arrive says why, where it stands and in the list; Retry really retries, or says that it does not."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases import conversation, outward
from cases.models import Case, Dispatch, Message, Queue
from cases.models.refusals import Refusal
from crm.models import Event, User
from customers.models import Customer, Suppression
from tests.builders import make_case
from tests.cases.told import signed_in, told, waiting
from tests.channels import callback, make_channel
from tests.mailserver import DROP, MailServer, mail_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def smtp(settings: Any) -> Iterator[MailServer]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_TIMEOUT = 2
    with mail_server() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.fixture
def case(billing: Queue, carl: Customer) -> Case:
    return make_case(billing, customer=carl, channel="mail", status="open")


def replied(case: Case, by: User) -> Message:
    case.refresh_from_db()
    message = conversation.reply(case, by=by, text="Refunded.", written_against=case.version)
    go_on()
    message.refresh_from_db()
    return message


def go_on(after: timedelta = timedelta(minutes=1)) -> None:
    """The loops of the keeper, once each."""
    outward.release_due(timezone.now() + after)
    outward.send_due(timezone.now() + after)


def state(message: Message) -> str:
    return Dispatch.objects.get(message=message).state


def test_a_server_that_refuses_then_accepts_gets_it_once_and_everybody_reads_so(
    smtp: MailServer, case: Case, ana: User, lee: User
) -> None:
    smtp.says["rcpt"] = "550 5.2.2 mailbox full"
    case.claim(by=lee)
    message = replied(case, ana)
    assert waiting(ana) == waiting(lee) == ["delivery_failed"], "who wrote it, and whose case it is"
    desk = signed_in(ana)
    for page in (f"/queues/{case.queue_id}/?view=all", f"/cases/{case.number}/"):
        assert "the mailbox is full" in desk.get(page).content.decode(), page
    assert waiting(ana) == [], "she has opened it"
    panel = signed_in(lee).get("/notifications/").content.decode()
    assert "Not delivered: the mailbox is full" in panel

    smtp.says.pop("rcpt")
    answer = signed_in(lee, htmx=True).post(f"/cases/{case.number}/messages/{message.pk}/retry/")
    assert "It is being sent again." in answer.headers["HX-Trigger"]
    assert waiting(ana) == waiting(lee) == [], "it is tried: nothing to do"
    go_on()
    assert state(message) == "sent"
    (letter,) = smtp.mails
    assert letter.get_content().strip().startswith("Refunded.")
    page = desk.get(f"/cases/{case.number}/").content.decode()
    assert "the mailbox is full" not in page
    assert [kind for _reason, kind in told(ana)] == ["send_failed"]


def test_one_that_fails_again_is_told_again(smtp: MailServer, case: Case, ana: User) -> None:
    smtp.says["rcpt"] = "550 5.2.2 mailbox full"
    message = replied(case, ana)
    conversation.retry(message, by=ana)
    go_on()
    assert state(message) == "failed"
    assert waiting(ana) == ["delivery_failed"]
    assert [kind for _reason, kind in told(ana)] == ["send_failed", "send_failed"]


def test_a_line_that_broke_may_have_arrived_and_says_so(smtp: MailServer, case: Case, ana: User) -> None:
    smtp.says["end"] = DROP
    message = replied(case, ana)
    assert state(message) == "unknown"
    assert waiting(ana) == ["delivery_failed"]
    smtp.says.pop("end")
    conversation.retry(message, by=ana)
    go_on()
    assert state(message) == "sent"
    assert waiting(ana) == []


def test_a_call_back_that_is_down_for_long_gets_all_its_tries_again(
    settings: Any, billing: Queue, ana: User, carl: Customer
) -> None:
    settings.CALLBACK_HOSTS = ["127.0.0.1"]
    with callback() as side:
        shop = make_channel(billing, callback_url=side.url)
        case = make_case(billing, customer=carl, channel=shop.slug, status="open")
        side.answers += [(503, {}, b"")] * 8
        message = replied(case, ana)
        for hours in range(1, 9):
            go_on(timedelta(hours=hours))
        assert (state(message), len(side.got)) == ("failed", 8)
        side.answers += [(503, {}, b"")]
        conversation.retry(message, by=ana)
        go_on()
        assert state(message) == "held", "one hiccup does not end it"
        go_on(timedelta(hours=1))
        assert (state(message), len(side.got)) == ("sent", 10)
        keys = {headers["webhook-id"] for headers, _body in side.got}
    assert len(keys) == 1, "one message, however often it is posted"


# --- never “done” when nothing is


@pytest.mark.parametrize("how", ["suppressed", "no channel", "sent", "taken back", "on its way"])
def test_retry_never_says_done_and_sends_nothing(
    smtp: MailServer, settings: Any, case: Case, ana: User, how: str
) -> None:
    smtp.says["rcpt"] = "550 5.2.2 mailbox full"
    message = replied(case, ana)
    row = Dispatch.objects.filter(message=message)
    {
        "suppressed": lambda: Suppression.objects.create(kind="email", value="carl@example.org", reason="asked"),
        "no channel": lambda: row.update(channel="gone"),
        "sent": lambda: row.update(state="sent"),
        "taken back": lambda: row.update(state="undone"),
        "on its way": lambda: row.update(state="claimed"),
    }[how]()
    before = (row.get().state, Event.objects.count())
    answer = signed_in(ana, htmx=True).post(f"/cases/{case.number}/messages/{message.pk}/retry/")
    said = answer.headers["HX-Trigger"]
    assert "being sent again" not in said
    assert ("on its way already" in said) == (how == "on its way")
    assert answer.status_code == (200 if how == "on its way" else 409)
    assert (row.get().state, Event.objects.count()) == before


def test_why_it_is_not_tried_is_said_in_words(smtp: MailServer, case: Case, ana: User) -> None:
    smtp.says["rcpt"] = "550 5.2.2 mailbox full"
    message = replied(case, ana)
    Suppression.objects.create(kind="email", value="carl@example.org", reason="asked")
    with pytest.raises(Refusal, match="asked not to be written to, or bounced"):
        conversation.retry(message, by=ana)


def test_every_word_for_a_cause_is_a_sentence() -> None:
    from cases.undelivered import _REASONS, cause

    assert all(" " in cause(reason) for reason in _REASONS)
