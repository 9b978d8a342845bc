"""What mail systems tell about mails we sent: it counts when it names one by what we signed, and for no more than that."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases.conversation import add_inbound, reply, retry
from cases.hooks import File
from cases.mail import ids, refusals
from cases.mail.bounces import take
from cases.mail.parsed import ParsedMail, Person, Report
from cases.models import Acknowledgement, Case, Dispatch, Message, Queue
from cases.models.case import Refusal
from cases.outward import release_due, send_due
from crm.models import Event, User
from customers.models import Customer, Suppression
from tests.builders import make_case, make_customer
from tests.mailserver import mail_server

pytestmark = pytest.mark.django_db

CARL = "carl@example.org"


@pytest.fixture
def case(billing: Queue, carl: Customer) -> Case:
    case = make_case(billing, customer=carl)
    add_inbound(case, text="Twice?", sender=carl.contact_points.get(kind="email"), channel="mail", at=timezone.now())
    return case


@pytest.fixture
def sent(case: Case, ana: User) -> Message:
    """An answer that left by mail; the case waits for Carl."""
    return answer(case, ana)


def answer(case: Case, by: User, text: str = "Once.") -> Message:
    case.refresh_from_db()
    said = reply(case, by=by, text=text, written_against=case.version)
    release_due(timezone.now() + timedelta(seconds=11))
    send_due(timezone.now() + timedelta(seconds=11))
    said.dispatch.refresh_from_db()
    return said


def notice(address: str = CARL, customer: Customer | None = None) -> Dispatch:
    return Dispatch.objects.create(
        customer=customer, channel="mail", address=address, message_class="notice", source="notice", source_id=1,
        state="sent", sent_at=timezone.now(),
    )  # fmt: skip


def bounce(name: str = "", *, auto: str = "bounce", text: str = "", **fields: Any) -> ParsedMail:
    """A delivery report about the mail of that Message-ID: there is no such address, unless `fields` say else."""
    told = {"recipient": CARL, "action": "failed", "status": "5.1.1", "diagnostic": "smtp; 550 5.1.1 User unknown"}
    said = {key: fields.pop(key, value) for key, value in told.items()}
    reports = fields.pop("reports", (Report(**said, original_id=name.strip("<>")),))
    daemon = Person("Mail Delivery System", "mailer-daemon@mx.example.org")
    return ParsedMail(daemon, True, "Undelivered", text, auto=auto, reports=reports, **fields)


def told(parsed: ParsedMail) -> Message | Acknowledgement | None:
    """What had been said by the mail a report is about, where that is in a case."""
    about = take(parsed, at=timezone.now())
    return ids.said_by(about) if about else None


def fate(message: Message) -> tuple[str, str, str, str]:
    message.dispatch.refresh_from_db()
    case = Case.objects.get(pk=message.case_id)
    return message.dispatch.state, message.dispatch.reason, case.status, case.send_state


def test_a_dead_address_fails_the_answer_opens_the_case_and_is_written_to_no_more(sent: Message, ana: User) -> None:
    assert fate(sent) == ("sent", "", "waiting_customer", "")

    assert told(bounce(sent.dispatch.provider_id)) == sent

    assert fate(sent) == ("failed", "no_address", "open", "failed")
    assert sent.dispatch.detail == "smtp; 550 5.1.1 User unknown"
    assert Case.objects.get().waiting_since is not None
    stopped = Suppression.objects.get()
    assert (stopped.kind, stopped.value, stopped.purpose, stopped.reason) == ("email", CARL, "", "hard_bounce")
    kinds = (
        Event.objects.filter(stream="case", stream_id=sent.case_id).order_by("version").values_list("kind", flat=True)
    )
    assert list(kinds)[-2:] == ["send_failed", "status_changed"]
    assert "user unknown" not in str(list(Event.objects.values_list("data", flat=True))).lower()


def test_the_rep_reads_why_in_words_and_no_address(sent: Message, ana: User) -> None:
    told(bounce(sent.dispatch.provider_id))
    client = Client()
    client.force_login(ana)
    page = client.get(f"/cases/{sent.case.number}/").content.decode()
    assert "there is no such address; nothing more is sent to it" in page
    assert "User unknown" not in page


def test_a_lifted_address_is_written_to_again_and_may_bounce_again(sent: Message, ana: User) -> None:
    told(bounce(sent.dispatch.provider_id))
    with pytest.raises(Refusal, match="asked not to be written to, or bounced"):
        retry(sent, by=ana)
    assert fate(sent)[:2] == ("failed", "no_address")

    Suppression.objects.update(lifted_at=timezone.now())
    retry(sent, by=ana)
    send_due(timezone.now() + timedelta(minutes=1))
    assert fate(sent)[0] == "sent"
    told(bounce(sent.dispatch.provider_id))
    assert fate(sent)[:2] == ("failed", "no_address")
    assert Suppression.objects.filter(lifted_at=None).count() == 1


@pytest.mark.parametrize(
    ("said", "reason", "stops"),
    [
        ({"status": "5.1.10", "diagnostic": "domain does not accept mail"}, "no_address", True),
        ({"status": "5.1.2", "diagnostic": "host not found"}, "no_host", False),
        ({"status": "5.2.2", "diagnostic": "mailbox full"}, "mailbox_full", False),
        ({"status": "5.7.1", "diagnostic": "blocked: user unknown to us"}, "blocked", False),
        ({"status": "5.3.4", "diagnostic": "too big"}, "too_large", False),
        ({"status": "4.4.7", "diagnostic": "delivery time expired"}, "gave_up", False),
        ({"status": "5.0.0", "diagnostic": "550 No such user here"}, "no_address", True),
        ({"status": "5.4.1", "diagnostic": "Recipient address rejected: Access denied"}, "no_address", True),
        (
            {"status": "5.2.1", "diagnostic": "The email account that you tried to reach is disabled"},
            "no_address",
            True,
        ),
        ({"status": "5.2.1", "diagnostic": "receiving mail at a rate that prevents"}, "undelivered", False),
        ({"status": "", "diagnostic": ""}, "undelivered", False),
        ({"status": "5.9.9", "diagnostic": "x"}, "undelivered", False),
    ],
)
def test_only_an_address_that_does_not_exist_is_written_to_no_more(
    sent: Message, said: dict[str, str], reason: str, stops: bool
) -> None:
    told(bounce(sent.dispatch.provider_id, **said))
    assert fate(sent)[:2] == ("failed", reason)
    assert Suppression.objects.exists() is stops


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<carl@example.org>: host mx.example.org said: 550 5.1.1 unknown", "no_address"),
        ("550 5.1.1 <carl@example.org>: Recipient address rejected: User unknown in table", "no_address"),
        ("552 Requested mail action aborted: exceeded storage allocation", "mailbox_full"),
        ("550 5.7.26 unauthenticated mail is blocked", "blocked"),
        ("version 5.1.1.2 of our server was away", ""),
        ("ip 192.5.1.1 is bad", ""),
        ("Empfänger unbekannt", "no_address"),
        ("", ""),
    ],
)
def test_sentences_without_a_report_are_read_too(text: str, reason: str) -> None:
    assert refusals.reason("", text) == reason


@pytest.mark.parametrize("action", ["delayed", "Delayed"])
def test_a_delay_is_only_shown(sent: Message, action: str) -> None:
    before = Event.objects.count()
    assert told(bounce(sent.dispatch.provider_id, action=action.lower(), status="4.4.1")) == sent
    assert fate(sent) == ("sent", "", "waiting_customer", "")
    assert Event.objects.count() == before


def test_a_warning_in_prose_is_a_delay_and_not_a_failure(sent: Message) -> None:
    text = f"Your message has not yet been delivered.\n------ This is a copy ------\nMessage-ID: {sent.dispatch.provider_id}"
    assert told(bounce(text=text, reports=())) == sent
    assert fate(sent)[0] == "sent"


@pytest.mark.parametrize("where", ["text", "file", "reply", "references", "upper"])
def test_the_mail_is_found_by_its_id_wherever_the_report_names_it(sent: Message, where: str) -> None:
    """Beside the ids of earlier mails, which the returned mail's own references name."""
    earlier = notice("dora@example.org")
    name, other = sent.dispatch.provider_id, ids.message_id(earlier)
    returned = f"References: {other}\r\nMessage-ID:\r\n {name}\r\nSubject: x\r\n\r\nHello {other}"
    fields: dict[str, Any] = {
        "text": {"text": f"user unknown\n--- Below this line is a copy of the message.\n\n{returned}"},
        "upper": {"text": f"user unknown\n--- Below\n{returned.upper()}"},
        "file": {"files": (File("", "message/rfc822", returned.encode()),), "text": "user unknown"},
        "reply": {"in_reply_to": (name.strip("<>"),), "text": "user unknown"},
        "references": {"references": (other.strip("<>"), name.strip("<>")), "text": "user unknown"},
    }[where]

    assert told(bounce(reports=(), **fields)) == sent

    assert fate(sent)[:2] == ("failed", "no_address")
    earlier.refresh_from_db()
    assert earlier.state == "sent"


def test_forgeries_change_nothing(sent: Message, case: Case) -> None:
    """Unsigned, signed for another, nearly right; a public case number; our ids before they were signed."""
    name, other = sent.dispatch.provider_id, ids.message_id(notice("dora@example.org"))
    mark = other.partition(".")[2]
    before = Event.objects.count()
    for forged in (
        f"<{sent.dispatch.key}@brightwave.example>",
        f"<{sent.dispatch.key}.{mark}",
        name.replace(name[40], "a" if name[40] != "a" else "b"),
        "<something@else.example>",
        "",
    ):
        assert told(bounce(forged, text=f"[#{case.number}] {forged}", to=(Person("", "help+c1@x"),))) is None
    assert fate(sent) == ("sent", "", "waiting_customer", "")
    assert Event.objects.count() == before
    assert not Suppression.objects.exists()


def test_an_address_we_signed_finds_the_mail_but_cannot_speak_for_another_s_address(sent: Message, case: Case) -> None:
    """Everybody who takes part in a case knows its address."""
    address = ids.reply_address(sent.dispatch)
    to = {"to": (Person("", address),)}
    assert told(bounce(recipient="else@example.org", **to)) is None
    assert told(bounce(**to)) == sent
    assert fate(sent)[:2] == ("failed", "no_address")
    assert not Suppression.objects.exists()


def test_the_envelope_counts_where_the_header_names_another(sent: Message) -> None:
    headers = {
        "delivered-to": ("help@brightwave.example",),
        "x-original-to": (ids.reply_address(sent.dispatch).upper(),),
    }
    assert told(bounce(headers=headers, to=(Person("", "undisclosed"),))) == sent


def test_a_report_for_where_it_was_forwarded_to_is_about_ours(sent: Message) -> None:
    told(bounce(sent.dispatch.provider_id, recipient="carl@elsewhere.example"))
    assert fate(sent)[0] == "failed"


def test_of_several_recipients_ours_counts(sent: Message) -> None:
    name = sent.dispatch.provider_id.strip("<>")
    other = Report("dora@example.org", "failed", "5.1.1", "User unknown", name)
    ours = Report("CARL@example.org", "delayed", "4.4.1", "busy", name)
    told(bounce(reports=(other, ours)))
    assert fate(sent)[0] == "sent"


def test_what_arrived_is_marked_and_no_late_failure_undoes_it(sent: Message) -> None:
    name = sent.dispatch.provider_id
    assert told(bounce(name, auto="receipt", action="relayed", status="2.1.5", diagnostic="")) == sent
    sent.dispatch.refresh_from_db()
    assert sent.dispatch.delivered_at is None

    told(bounce(name, auto="receipt", action="delivered", status="2.1.5", diagnostic=""))
    told(bounce(name))
    assert fate(sent)[0] == "sent"
    assert sent.dispatch.delivered_at is not None
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    ("said", "is_read"),
    [("manual-action/MDN-sent-manually; displayed", True), ("automatic-action/MDN-sent-automatically; deleted", False)],
)
def test_a_receipt_tells_reading_from_throwing_away(sent: Message, said: str, is_read: bool) -> None:
    part = f"Original-Message-ID: {sent.dispatch.provider_id}\r\nDisposition: {said}\r\n"
    told(bounce(auto="receipt", reports=(), files=(File("", "message/disposition-notification", part.encode()),)))
    sent.dispatch.refresh_from_db()
    assert (sent.dispatch.read_at is not None) is is_read
    assert sent.dispatch.delivered_at is not None


def test_a_complaint_stops_all_but_answers(sent: Message, ana: User) -> None:
    report = {"headers": {"content-type": ("multipart/report; report-type=feedback-report",)}}
    assert told(bounce(sent.dispatch.provider_id, **report)) == sent
    assert fate(sent)[0] == "sent"
    assert set(Suppression.objects.values_list("purpose", "reason")) == {
        (purpose, "complaint") for purpose in ("service", "advice", "marketing", "research")
    }
    assert answer(sent.case, ana, "Again.").dispatch.state == "sent"


def test_a_mail_of_no_case_is_settled_the_same_way(carl: Customer) -> None:
    told_of = notice()
    assert take(bounce(ids.message_id(told_of)), at=timezone.now()) == told_of
    assert told(bounce(ids.message_id(told_of))) is None
    told_of.refresh_from_db()
    assert (told_of.state, told_of.reason) == ("failed", "no_address")
    assert Suppression.objects.get().value == CARL


def test_a_repeat_is_quiet_and_so_is_the_bounce_of_a_bounce(sent: Message) -> None:
    told(bounce(sent.dispatch.provider_id))
    before = Event.objects.count()
    for _more in range(3):
        assert told(bounce(sent.dispatch.provider_id)) == sent
    assert told(bounce("<bounce-7@mx.example.org>", text="Undelivered: Undelivered: x")) is None
    assert Event.objects.count() == before
    assert Suppression.objects.count() == 1


@pytest.mark.parametrize("state", ["claimed", "unknown"])
def test_a_bounce_quicker_than_our_own_commit_settles_it(sent: Message, state: str) -> None:
    """The server took it and we died, or have not yet written it down: the bounce proves that it left."""
    Dispatch.objects.update(state=state, sent_at=None, lease_until=timezone.now() + timedelta(minutes=1))
    told(bounce(sent.dispatch.provider_id))
    assert fate(sent)[0] == "failed"
    send_due(timezone.now() + timedelta(hours=1))
    assert fate(sent)[0] == "failed"
    assert sent.dispatch.sent_at is not None


@pytest.mark.parametrize("state", ["held", "undone", "suppressed"])
def test_a_bounce_of_what_never_left_changes_nothing(sent: Message, state: str) -> None:
    Dispatch.objects.update(state=state)
    told(bounce(sent.dispatch.provider_id))
    assert fate(sent)[0] == state
    assert not Suppression.objects.exists()


def test_a_closed_case_shows_the_failure_and_stays_closed(sent: Message) -> None:
    Case.objects.update(status="closed")
    told(bounce(sent.dispatch.provider_id))
    assert fate(sent) == ("failed", "no_address", "closed", "failed")


def test_ours_is_told_at_once_that_there_is_no_such_address(case: Case, ana: User, settings) -> None:
    """The server we hand it to may know already."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with mail_server(rcpt="550 5.1.1 User unknown") as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        send_due(timezone.now() + timedelta(seconds=1))
    acknowledgement = Dispatch.objects.get()
    assert (acknowledgement.state, acknowledgement.reason) == ("failed", "no_address")
    assert Suppression.objects.get().value == CARL
    assert [line for line in server.talk if line.startswith("rcpt")] == [f"rcpt TO:<{CARL}>"]
    with pytest.raises(Refusal, match="suppressed"):
        answer(case, ana)


def test_a_flood_asks_as_little_for_each_as_for_one(
    sent: Message, case: Case, billing: Queue, django_assert_max_num_queries
) -> None:
    """5,000 in a minute: a handful of indexed questions each, and a repeat asks less."""
    many = [make_customer(email=f"c{n}@example.org") for n in range(20)]
    mails = [notice(f"c{n}@example.org", customer) for n, customer in enumerate(many)]
    for dispatch in mails:
        with django_assert_max_num_queries(15):
            told(bounce(ids.message_id(dispatch), recipient=dispatch.address))
    assert Dispatch.objects.filter(state="failed").count() == 20
    with django_assert_max_num_queries(26):  # its case is told, opens again, and its clocks follow
        told(bounce(sent.dispatch.provider_id))
    with django_assert_max_num_queries(8):
        told(bounce(sent.dispatch.provider_id))


@pytest.mark.parametrize("size", [1, 1000])
def test_a_report_of_thousands_is_looked_at_within_limits(
    sent: Message, size: int, django_assert_max_num_queries
) -> None:
    junk = tuple(
        Report(f"c{n}@example.org", "failed", "5.1.1", "x" * 1000, f"{sent.dispatch.key}.{'a' * 26}@x")
        for n in range(size)
    )
    text = f"{sent.dispatch.key}.{'b' * 26}@x " * size
    with django_assert_max_num_queries(25):
        assert told(bounce(reports=junk, text=text, files=(File("", "text/plain", text.encode()),) * size)) is None
