"""Mail out: threaded, unforgeable from inside, and honest about what happened on the wire."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.utils import timezone

from cases.channels import Failed, Later, Unknown
from cases.channels.mail import MOST_REFERENCES, Mail
from cases.conversation import add_inbound, reply
from cases.hooks import File, Outgoing
from cases.mail import ids
from cases.models import Case, Dispatch, Queue
from cases.outward import release_due, send_due
from crm.models import User
from customers.models import Customer
from tests.builders import make_case, make_customer, make_message
from tests.mailserver import DROP, MailServer, mail_server

pytestmark = pytest.mark.django_db

KEY = "6f1c3f6e-0000-4000-8000-000000000001"


def letter(**fields: object) -> Outgoing:
    given = {
        "key": KEY,
        "to": "carl@example.org",
        "to_name": "Carl Jensen",
        "subject": "Re: Bill [#7]",
        "text": "We took it once.\nGrüße",
        "language": "en",
        "thread": "7",
    }
    return Outgoing(**{**given, **fields})


def claimed(
    key: str = KEY, address: str = "carl@example.org", message_class: str = "answer", **fields: Any
) -> Dispatch:
    """What the outward door permits: a dispatch whose turn it is."""
    given = {"source": "letter", "source_id": 1, "channel": "mail", "state": "claimed"}
    return Dispatch.objects.create(key=key, address=address, message_class=message_class, **{**given, **fields})


def send(**fields: object) -> str:
    """Send a letter that was permitted to the address it names."""
    outgoing = letter(**fields)
    claimed(outgoing.key, outgoing.to)
    return Mail().send(outgoing, None)


@pytest.fixture
def smtp(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_TIMEOUT = 2
    settings.COMPANY, settings.DEFAULT_FROM_EMAIL = "Brightwave", "help@brightwave.example"
    with mail_server() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


def test_a_letter_arrives_as_it_was_written(smtp: MailServer) -> None:
    given = send(files=(File("Rechnung März.pdf", "application/pdf", b"%PDF-"),))

    got = smtp.mails[0]
    sent = Dispatch.objects.get()
    assert given == got["Message-ID"] == ids.message_id(sent)
    assert given.startswith(f"<{KEY}.")
    assert got["From"] == "Brightwave <help@brightwave.example>"
    assert got["Reply-To"] == f"Brightwave <{ids.reply_address(sent)}>"
    assert got["To"] == "Carl Jensen <carl@example.org>"
    assert got["Subject"] == "Re: Bill [#7]"
    assert got["Auto-Submitted"] is None
    body, attached = got.get_payload()
    assert body.get_content_type() == "text/plain"
    assert body.get_content().splitlines() == ["We took it once.", "Grüße"]
    assert (attached.get_filename(), attached.get_content()) == ("Rechnung März.pdf", b"%PDF-")
    assert "mail FROM:<help@brightwave.example>" in " ".join(smtp.talk)


@pytest.mark.parametrize(
    "field",
    [
        {"subject": "Hi\r\nBcc: victim@example.org"},
        {"to_name": "Carl\r\nBcc: victim@example.org"},
        {"to_name": 'Carl" <victim@example.org>, "x'},
        {"subject": "Hi\u2028Bcc: victim@example.org\x00"},
        {"headers": {"X-Note": "a\r\nBcc: victim@example.org"}},
        {"headers": {"To": "victim@example.org", "bcc": "victim@example.org", "From": "ceo@example.org"}},
        {"text": "Hello\r\n.\r\nMAIL FROM:<x@example.org>\r\nRCPT TO:<victim@example.org>\r\n"},
        {"files": (File("a\r\nBcc: victim@example.org.txt", "text/plain\r\nBcc: x", b"x"),)},
    ],
)
def test_no_field_can_add_a_header_or_an_addressee(smtp: MailServer, field: dict[str, object]) -> None:
    send(**field)

    assert [line for line in smtp.talk if line.lower().startswith("rcpt")] == ["rcpt TO:<carl@example.org>"]
    got = smtp.mails[0]
    assert got["Bcc"] is None
    assert [a.addr_spec for a in got["To"].addresses] == ["carl@example.org"]
    assert [a.addr_spec for a in got["From"].addresses] == ["help@brightwave.example"]
    assert len(smtp.got) == 1


def test_long_lines_stay_within_what_mail_servers_take(smtp: MailServer) -> None:
    subject = "Rechnungsüberprüfung 請求書 " * 20
    send(subject=subject, text="x" * 5000 + "\nÜ")

    lines = smtp.got[0].split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert [line for line in lines if line.lower().startswith(b"message-id: <")]
    assert smtp.mails[0]["Subject"] == subject.strip()
    assert smtp.mails[0].get_content().splitlines() == ["x" * 5000, "Ü"]


@pytest.mark.parametrize(
    "address",
    ["", "carl", "a@b.example, c@d.example", "a@b.example\r\nBcc: c@d.example", "<a@b.example>", "a b@c.example"],
)
def test_what_is_no_single_address_is_not_written_to(smtp: MailServer, address: str) -> None:
    with pytest.raises(Failed) as told:
        send(to=address)

    assert told.value.reason == "bad_address"
    assert not smtp.talk


@pytest.mark.parametrize(
    ("says", "outcome", "reason"),
    [
        ({"greet": "554 go away"}, Later, "no_connection"),
        ({"greet": DROP}, Later, "no_connection"),
        ({"mail": "550 no relay"}, Failed, "smtp_550"),
        ({"mail": "451 busy"}, Later, "smtp_451"),
        ({"mail": DROP}, Later, "no_connection"),
        ({"rcpt": "550 no such person"}, Failed, "smtp_550"),
        ({"rcpt": "450 greylisted"}, Later, "smtp_450"),
        ({"rcpt": "421 closing"}, Later, "smtp_421"),
        ({"rcpt": DROP}, Later, "no_connection"),
        ({"data": "554 no"}, Failed, "smtp_554"),
        ({"data": "451 wait"}, Later, "smtp_451"),
        ({"end": "554 looks like spam"}, Failed, "blocked"),
        ({"end": "452 disk full"}, Later, "smtp_452"),
        ({"end": DROP}, Unknown, "no_answer"),
    ],
)
def test_every_way_to_fail_is_told_apart(smtp: MailServer, says, outcome, reason: str) -> None:
    smtp.says.update(says)

    with pytest.raises(outcome) as told:
        send()

    assert told.value.reason == reason
    assert not smtp.got


def test_a_server_that_takes_the_text_and_falls_silent_leaves_it_unknown(smtp: MailServer, settings) -> None:
    settings.EMAIL_TIMEOUT = 0.3
    smtp.says["end"] = "250-"  # the answer never ends

    with pytest.raises(Unknown):
        send()


def test_a_taken_mail_is_sent_however_the_line_ends(smtp: MailServer) -> None:
    smtp.says["quit"] = DROP

    assert send()
    assert len(smtp.got) == 1


def test_nobody_there_is_tried_later_and_no_server_at_all_is_said(smtp: MailServer, settings) -> None:
    import socket

    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = deaf.getsockname()[1]
        with pytest.raises(Later):
            send()
    settings.EMAIL_PORT = 0
    with pytest.raises(Failed, match="SMTP_HOST") as told:
        Mail().send(letter(), None)
    assert told.value.reason == "no_mail_server"


# --- in a case


@pytest.fixture
def case(billing: Queue, carl: Customer) -> Case:
    billing.acknowledges = False  # what leaves here is what people wrote
    billing.save()
    case = make_case(billing, customer=carl)
    point = carl.contact_points.get(kind="email")
    add_inbound(case, text="You took it twice.", sender=point, channel="web", at=timezone.now())
    return case


def answer(case: Case, by: User, text: str, at: timedelta = timedelta(seconds=11)) -> Dispatch:
    case.refresh_from_db()
    said = reply(case, by=by, text=text, written_against=case.version)
    release_due(timezone.now() + at)
    send_due(timezone.now() + at)
    return Dispatch.objects.get(message=said)


def test_each_answer_refers_to_the_mails_before_it(case: Case, ana: User) -> None:
    first, second, third = (answer(case, ana, text) for text in ("one", "two", "three"))

    got = [m.message() for m in outbox.outbox]
    names = [ids.message_id(d) for d in (first, second, third)]
    assert [m["Message-ID"] for m in got] == names == [d.provider_id for d in (first, second, third)]
    assert [m["In-Reply-To"] for m in got] == [None, names[0], names[1]]
    assert [m["References"] for m in got] == [None, names[0], f"{names[0]} {names[1]}"]
    assert {d.state for d in (first, second, third)} == {"sent"}
    assert {m["Reply-To"] for m in got} == {f"Brightwave <{ids.reply_address(first)}>"}


def test_an_answer_hangs_under_the_mail_it_answers(case: Case, ana: User, carl: Customer) -> None:
    """Their last mail at the end, ours before it: mail programs take the last of the references for the parent."""
    point = carl.contact_points.get(kind="email")
    stranger = make_customer("Bea", email="bea@example.org").contact_points.get()
    began = timezone.now() - timedelta(hours=3)
    make_message(case, sender=point, channel="mail", mail_id="one@home.example", at=began)
    first = answer(case, ana, "one")
    make_message(case, sender=point, channel="mail", mail_id="two@home.example", at=timezone.now())
    make_message(case, sender=stranger, channel="mail", mail_id="else@home.example", at=began)
    make_message(case, sender=point, channel="mail", mail_id="ooo@home.example", is_auto=True, at=timezone.now())
    second, third = answer(case, ana, "two"), answer(case, ana, "three")

    got = [m.message() for m in outbox.outbox]
    assert [m["In-Reply-To"] for m in got] == ["<one@home.example>", "<two@home.example>", "<two@home.example>"]
    assert got[1]["References"].split() == ["<one@home.example>", first.provider_id, "<two@home.example>"]
    assert got[2]["References"].split() == [
        "<one@home.example>",
        first.provider_id,
        second.provider_id,
        "<two@home.example>",
    ]
    assert third.state == "sent"


@pytest.mark.parametrize("name", ["a b@x", "a>\r\nBcc: victim@example.org", "ä@x", "<a@x>", "a@x\u2028", "\x00"])
def test_a_name_of_theirs_that_would_break_our_header_is_left_out(
    case: Case, ana: User, carl: Customer, name: str
) -> None:
    make_message(case, sender=carl.contact_points.get(kind="email"), channel="mail", mail_id=name.replace("\x00", " "))

    answer(case, ana, "Hello")

    got = outbox.outbox[0].message()
    assert (got["In-Reply-To"], got["References"], got["Bcc"]) == (None, None, None)


def test_a_hundred_mails_are_not_all_named(case: Case, ana: User, carl: Customer) -> None:
    point, began = carl.contact_points.get(kind="email"), timezone.now() - timedelta(days=1)
    for n in range(100):
        make_message(case, sender=point, channel="mail", mail_id=f"{n}@home.example", at=began + timedelta(minutes=n))

    answer(case, ana, "Hello")

    named = outbox.outbox[0].message()["References"].split()
    assert len(named) == MOST_REFERENCES
    assert named[-2:] == ["<98@home.example>", "<99@home.example>"]


@pytest.mark.parametrize(
    ("message_class", "says"), [("acknowledgement", "auto-replied"), ("notice", "auto-generated"), ("answer", None)]
)
def test_what_no_person_wrote_says_so(message_class: str, says: str | None) -> None:
    kept = claimed(message_class=message_class)

    Mail().send(letter(to=kept.address), None)

    got = outbox.outbox[0].message()
    assert got["Auto-Submitted"] == says
    assert got["X-Auto-Response-Suppress"] == (says and "OOF, AutoReply")


@pytest.mark.parametrize(
    "other",
    [
        {"state": "held"},
        {"state": "sent"},
        {"state": "suppressed"},
        {"address": "else@example.org"},
        {"channel": "partner"},
        {"key": "6f1c3f6e-0000-4000-8000-000000000002"},
    ],
)
def test_nothing_leaves_that_was_not_permitted_to_this_address(smtp: MailServer, other: dict[str, str]) -> None:
    """Whoever calls the adapter past the outward door, or composes for another address than the one it asked about."""
    claimed(**other)

    with pytest.raises(Failed) as told:
        Mail().send(letter(), None)

    assert told.value.reason == "not_permitted"
    assert not smtp.talk


def test_the_name_stays_the_same_for_every_try(case: Case, ana: User, smtp: MailServer, settings) -> None:
    """Even when the key that signs it is renewed, or the sender's domain changes, in between."""
    smtp.says["end"] = "452 disk full"
    sent = answer(case, ana, "We took it once.")
    first = ids.message_id(sent)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, [settings.SECRET_KEY]
    settings.DEFAULT_FROM_EMAIL = "help@elsewhere.example"
    smtp.says.clear()

    send_due(timezone.now() + timedelta(hours=1))

    assert [m["Message-ID"] for m in smtp.mails] == [first]
    assert ids.dispatch_of(first) == sent


def test_an_interrupted_send_is_shown_and_never_silently_repeated(case: Case, ana: User, smtp: MailServer) -> None:
    smtp.says["end"] = DROP

    sent = answer(case, ana, "We took it once.")
    smtp.says.clear()
    for _more in range(3):
        send_due(timezone.now() + timedelta(hours=1))

    sent.refresh_from_db()
    assert (sent.state, sent.attempts) == ("unknown", 1)
    assert not smtp.got
