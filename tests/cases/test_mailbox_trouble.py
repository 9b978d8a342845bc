"""Mailboxes that cannot be reached, mails that are not handed out: a word for each, and nothing else waits for them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.utils import timezone

from cases import fetching, mailboxes
from cases.mail.imap import Access, Line, Trouble
from cases.models import Mailbox, MailboxMail, Queue
from crm.secrets import encrypt
from tests.imapserver import PASSWORD, ImapServer
from tests.mailboxes import Clock, look, mail, make_mailbox, raws

pytestmark = pytest.mark.django_db(transaction=True)
State = MailboxMail.State


# --- what is wrong, in a word


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"password": encrypt("another")}, "sign_in"),
        ({"password": encrypt("pässwört")}, "sign_in"),
        ({"password": "not one of ours"}, "unreadable"),
        ({"folder": "Nowhere"}, "no_folder"),
        ({"port": 1}, "unreachable"),
        ({"host": "no-such-host.invalid"}, "unreachable"),
        ({"tls": "starttls"}, "tls"),
    ],
)
def test_what_is_wrong_has_a_word(imap: ImapServer, billing: Queue, wrong: dict[str, Any], word: str) -> None:
    """STARTTLS here fails over a certificate nobody vouches for."""
    with pytest.raises(Trouble) as trouble:
        mailboxes.connect(make_mailbox(imap, billing, **wrong), now=timezone.now())
    assert trouble.value.word == word
    assert PASSWORD not in trouble.value.detail


def test_a_certificate_that_is_vouched_for_opens_a_secure_line(
    imap: ImapServer, billing: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(imap.certificate[0]))
    imap.append(mail(1))
    assert look(make_mailbox(imap, billing, tls="starttls")) == 1
    if imap.name == "dovecot":  # pymap has no door of its own for TLS
        assert look(make_mailbox(imap, billing, tls="tls", port=imap.tls_port)) == 1


def test_without_tls_only_this_machine_is_trusted_with_a_password(billing: Queue) -> None:
    with pytest.raises(Trouble) as trouble:
        Line(Access("192.0.2.1", 143, "none", "help", "secret"), timeout=1)
    assert trouble.value.word == "not_encrypted"


# --- a server that misbehaves


class Stubborn(Line):
    """A real line to a real server, with mails that break it or are withheld."""

    breaks: ClassVar[set[int]] = set()
    refuses: ClassVar[set[int]] = set()
    withholds: ClassVar[set[int]] = set()

    def bodies(self, uids: Any) -> dict[int, bytes]:
        if self.breaks & set(uids):
            self.client.shutdown()
            raise Trouble("lost")
        if self.refuses & set(uids):
            raise Trouble("refused")
        return {uid: raw for uid, raw in super().bodies(uids).items() if uid not in self.withholds}


@pytest.mark.parametrize("how", ["breaks", "refuses", "withholds"])
def test_a_mail_the_server_does_not_deliver_is_given_up_after_its_tries_and_never_blocks_the_next(
    imap: ImapServer, billing: Queue, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    box = make_mailbox(imap, billing)
    imap.append(*(mail(n) for n in range(4)))
    bad = imap.uids()[1]
    monkeypatch.setattr(mailboxes, "Line", type("Bad", (Stubborn,), {how: {bad}}))
    clock = Clock()
    for _round in range(16):
        try:
            look(box, clock=clock)
        except Trouble as trouble:
            assert how == "breaks"
            box.failed(trouble.word, "", now=clock(), pause=timedelta(0))
        clock.at += timedelta(minutes=31)
    row = MailboxMail.objects.get(uid=bad)
    assert (row.state, row.attempts) == (State.SKIPPED, len(mailboxes.PAUSES) + 1)
    assert raws() == [mail(n) for n in (0, 2, 3)]
    assert (box.last_uid, box.waiting, box.failures) == (max(imap.uids()), 0, 0)
    monkeypatch.undo()
    row.retry()
    assert look(box) == 1, "a person may have it asked for again"
    assert raws()[-1] == mail(1)


def test_a_server_gone_for_an_hour_is_asked_ever_less_often_and_found_within_half_a_minute(
    imap: ImapServer, billing: Queue
) -> None:
    """The hour is told, not waited for; the server is really gone and really back with what came meanwhile."""
    box = make_mailbox(imap, billing)
    imap.append(mail(1))
    look(box)
    imap.append(mail(2), mail(3))
    imap.stop()
    clock = Clock()
    began, pauses = clock.at, []
    while clock.at - began < timedelta(hours=1):
        with pytest.raises(Trouble) as trouble:
            mailboxes.connect(box, now=clock.at)
        pause = fetching.pause_after(box.failures, trouble.value.word)
        box.failed(trouble.value.word, trouble.value.detail, now=clock.at, pause=pause)
        pauses.append(pause.total_seconds())
        clock.at += pause
    assert pauses[0] <= 1
    assert 15 <= max(pauses) <= 30
    assert len(pauses) < 260
    assert box.failing_since == began
    assert box.silent_since(clock.at) is not None
    imap.start()
    assert look(box, clock=clock) == 2
    assert raws() == [mail(1), mail(2), mail(3)]
    assert (box.failing_since, box.failures, box.last_error) == (None, 0, "")


def test_a_wrong_password_is_not_hammered(db: None) -> None:
    pauses = [fetching.pause_after(n, "sign_in", lambda: 1.0).total_seconds() for n in range(12)]
    assert pauses[:3] == [1, 2, 4]
    assert pauses[-1] == 300


def test_the_lease_goes_to_one_and_to_another_when_it_is_not_renewed(billing: Queue) -> None:
    box = Mailbox.objects.create(queue=billing, name="Help", address="help@x.example", host="x", user="help")
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(take_alone, [(box.pk, f"keeper {n}") for n in range(8)]))
    assert sum(won) == 1
    owner = Mailbox.objects.get().lease_owner
    assert Mailbox.objects.renew(owner, [box.pk]) == 1
    assert Mailbox.objects.renew("another", [box.pk]) == 0
    Mailbox.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert box.take("another")
    assert Mailbox.objects.renew(owner, [box.pk]) == 0, "who comes back late holds nothing"


def take_alone(what: tuple[int, str]) -> bool:
    try:
        return Mailbox.objects.get(pk=what[0]).take(what[1])
    finally:
        connection.close()
