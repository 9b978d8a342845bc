"""Whoever sends is killed at each step of the talk with the mail server: no answer is lost, none is sent twice by itself (L16)."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from cases import conversation, sending
from cases.mail import ids
from cases.models import Case, Dispatch, Message, Queue
from cases.models.refusals import Refusal
from cases.outward import release_due
from crm.models import User
from tests.builders import make_customer, make_question
from tests.faults.figures import tell
from tests.faults.sender import dead, in_a_process
from tests.mailserver import MailServer, mail_server
from tests.processes import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

# In order: connected, greeted, sender, recipient, text announced, within it, all of it taken, taken and said so.
STEPS = ["greet", "ehlo", "mail", "rcpt", "data", "text", "end", "after", "quit"]
TAKEN = {"end", "after", "quit"}


@pytest.fixture
def server(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_TIMEOUT = 20
    with mail_server() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


def answers(billing: Queue, by: User, how_many: int) -> list[Dispatch]:
    """Answers in as many cases, released and due."""
    for n in range(how_many):
        case = make_question(billing, make_customer(f"Nr {n}", email=f"nr{n}@example.org"), by)
        conversation.reply(case, by=by, text=f"Answer {n}", written_against=Case.objects.get(pk=case.pk).version)
    while release_due(timezone.now() + timedelta(minutes=1)):
        pass
    Dispatch.objects.update(release_at=timezone.now() - timedelta(seconds=1))
    return list(Dispatch.objects.order_by("pk"))


def sends() -> None:
    for _round in range(200):
        sending.send_due(timezone.now())
        time.sleep(0.02)


def _wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)


def lease_is_over() -> None:
    """A minute later."""
    Dispatch.objects.filter(state="claimed").update(lease_until=timezone.now() - timedelta(seconds=1))
    for _round in range(3):
        sending.send_due(timezone.now())


def names(server: MailServer) -> Counter[str]:
    return Counter(str(mail["Message-ID"]).strip() for mail in server.mails)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_is_sent_once_or_shown_as_unknown(
    server: MailServer, billing: Queue, ana: User, step: str
) -> None:
    (dispatch,) = answers(billing, ana, 1)
    sender: list[int] = []
    died = threading.Event()

    def at(now: str) -> None:
        if now == step and sender and not died.is_set():
            dead(sender[0])
            died.set()

    server.at = at
    sender.append(in_a_process(sends))
    wait_until(died.is_set, 60, f"the sender to reach {step}")
    server.at = lambda _step: None
    lease_is_over()

    dispatch.refresh_from_db()
    case = Case.objects.get()
    assert len(server.got) == (1 if step in TAKEN else 0), "nobody sends it again"
    if dispatch.state == "sent":
        assert step in {"after", "quit"}, "it was quick enough to write it down"
    else:
        assert (dispatch.state, dispatch.reason, case.send_state) == ("unknown", "interrupted", "unknown")
    assert dispatch.attempts == 1

    message = Message.objects.get(dispatch=dispatch)
    if dispatch.state == "sent":
        with pytest.raises(Refusal, match="nothing to send again"):
            conversation.retry(message, by=ana)
    else:
        conversation.retry(message, by=ana)
    sending.send_due(timezone.now() + timedelta(seconds=1))
    dispatch.refresh_from_db()
    assert dispatch.state == "sent"
    assert set(names(server)) == {ids.message_id(dispatch)}, "a repeat by a person's word has the same name"


def test_killed_before_it_was_begun_it_goes_back_into_the_line(server: MailServer, billing: Queue, ana: User) -> None:
    """Claimed with others, and not yet its turn."""
    answers(billing, ana, 5)
    sender: list[int] = []
    server.at = lambda now: dead(sender.pop()) if now == "rcpt" and sender else None
    sender.append(in_a_process(sends))
    wait_until(lambda: not sender, 60, "the sender to die")
    lease_is_over()

    assert Counter(Dispatch.objects.values_list("state", flat=True)) == {"sent": 4, "unknown": 1}
    assert len(server.got) == len(names(server)) == 4


def test_killed_again_and_again_every_answer_leaves_once_or_is_shown(
    server: MailServer, billing: Queue, ana: User, full: bool
) -> None:
    how_many, chance = (300 if full else 25), random.Random(16)
    made = answers(billing, ana, how_many)
    kills = 0
    while Dispatch.objects.filter(state__in=["held", "claimed"]).exists():
        heard = len(server.talk) + chance.randrange(1, 40)
        pid = in_a_process(sends)
        _wait_for(lambda heard=heard: len(server.talk) >= heard, 5)  # the last ones say less
        time.sleep(chance.uniform(0, 0.02))
        dead(pid)
        kills += 1
        Dispatch.objects.filter(state="claimed").update(lease_until=timezone.now() - timedelta(seconds=1))
        sending.settle_broken_leases(timezone.now())
        assert kills < 40 * how_many

    got = names(server)
    states = Counter(Dispatch.objects.values_list("state", flat=True))
    for dispatch in Dispatch.objects.all():
        here = got[ids.message_id(dispatch)]
        assert here == 1 if dispatch.state == "sent" else here <= 1, dispatch.pk
    assert set(states) <= {"sent", "unknown"}
    assert sum(states.values()) == len(made)
    assert states["unknown"] <= kills, "one that was in the line at each kill, at most"
    assert Case.objects.filter(send_state="unknown").count() == states["unknown"]
    tell(
        f"{how_many} answers, sender killed -9 {kills} times: {states['sent']} sent once, {states['unknown']} shown as unknown "
        f"({sum(got[ids.message_id(d)] for d in Dispatch.objects.filter(state='unknown'))} of them had arrived), 0 twice, 0 lost",
        full=full,
    )
