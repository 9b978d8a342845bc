"""L30: however machines answer, no loop takes more than three mails of ours in a simulated hour, and nothing that came
back reopens anything."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.utils import timezone

from cases.models import Case, Dispatch, Queue
from cases.sending import send_due
from tests.mails import answer_to, arrived, letter, taken

pytestmark = pytest.mark.django_db

MINUTES = 60


def mails_of_ours(address: str) -> list[Dispatch]:
    return list(Dispatch.objects.filter(address=address).exclude(state="suppressed").order_by("pk"))


@pytest.mark.parametrize("threads", [True, False])
def test_a_robot_that_answers_everything_gets_three_mails_at_most(billing: Queue, threads: bool) -> None:
    """It says nowhere what it is, answers each of our mails at once, in the same conversation or always in a new one."""
    began, robot = timezone.now() - timedelta(minutes=MINUTES), "Robot <robot@example.net>"
    taken(letter("Hello", sender=robot), queue=billing, now=began)
    answered = 0
    for minute in range(1, MINUTES):
        sent = mails_of_ours("robot@example.net")
        for dispatch in sent[answered:]:
            at, text = began + timedelta(minutes=minute), f"Thank you for your mail {minute}"
            raw = answer_to(dispatch, text, sender=robot) if threads else letter(text, sender=robot)
            taken(raw, queue=billing, now=at)
        answered = len(sent)

    ours = len(mails_of_ours("robot@example.net"))
    assert 1 <= ours <= 3
    assert Case.objects.count() == (1 if threads else 1 + ours), "its first mail, and an answer to each of ours"


def test_our_own_acknowledgement_to_another_house_like_ours_is_where_it_ends(billing: Queue, settings: Any) -> None:
    """Two of our systems facing each other: what we acknowledge with is known as a machine's when it comes in."""
    taken(letter("Hello", sender="Other house <help@other.example>"), queue=billing)
    assert len(mails_of_ours("help@other.example")) == 1
    send_due(timezone.now() + timedelta(seconds=1))
    ours = outbox.outbox[-1].message()
    ours.replace_header("From", "Other house <help@other.example>")  # as theirs would come to us
    ours.replace_header("Message-ID", "<theirs@other.example>")
    del ours["Reply-To"], ours["To"]
    ours["To"] = settings.DEFAULT_FROM_EMAIL

    came = arrived(ours.as_bytes(), queue=billing)

    assert came.message is None or came.message.is_auto
    assert len(mails_of_ours("help@other.example")) == 1


def test_a_bounce_of_a_bounce_ends_nowhere(billing: Queue) -> None:
    report = (
        b"From: MAILER-DAEMON@example.net\r\nTo: help@brightwave.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        b"Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nYour delivery report could not be delivered.\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        b"Final-Recipient: rfc822; MAILER-DAEMON@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n"
    )

    came = arrived(report, queue=billing)

    assert (came.state, came.error) == ("ignored", "bounce_to_nothing")
    assert not Case.objects.exists()
    assert not Dispatch.objects.exists()
