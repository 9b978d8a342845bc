"""The bounce of an acknowledgement, as a mail server writes it: it fails in its case, and its report stands there."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cases.conversation import add_inbound
from cases.mail import ids
from cases.models import Case, Dispatch, Queue
from cases.outward import send_due
from crm.models import User
from customers.models import Customer, Suppression
from tests.builders import make_case
from tests.mails import arrived

pytestmark = pytest.mark.django_db

CARL = "carl@example.org"


@pytest.fixture
def case(billing: Queue, carl: Customer) -> Case:
    case = make_case(billing, customer=carl)
    add_inbound(case, text="Twice?", sender=carl.contact_points.get(kind="email"), channel="mail", at=timezone.now())
    return case


@pytest.fixture
def dispatch(case: Case) -> Dispatch:
    """The acknowledgement, on its way."""
    send_due(timezone.now() + timedelta(seconds=1))
    sent = Dispatch.objects.get()
    assert (sent.source, sent.state) == ("acknowledgement", "sent")
    return sent


def bounced(dispatch: Dispatch, *, to: str, named: bool) -> bytes:
    """A delivery report; `named`: it returns the head of our mail."""
    head = (
        f"From: Mail Delivery System <mailer-daemon@mx.example.org>\r\nTo: {to}\r\nSubject: Undelivered\r\n"
        "Message-ID: <b1@mx.example.org>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    )
    parts = [
        "--b\r\nContent-Type: text/plain\r\n\r\nYour mail could not be delivered.\r\n",
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
        f"Final-Recipient: rfc822; {dispatch.address}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n",
    ]
    if named:
        parts.append(f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {ids.message_id(dispatch)}\r\n")
    return (head + "".join(parts) + "--b--\r\n").encode()


def page(user: User, case: Case) -> str:
    client = Client()
    client.force_login(user)
    return client.get(f"/cases/{case.number}/").content.decode()


def test_it_fails_in_its_case_its_report_stands_there_and_the_dead_address_is_written_to_no_more(
    case: Case, dispatch: Dispatch, ana: User
) -> None:
    item = arrived(bounced(dispatch, to="help@brightwave.example", named=True))

    said = case.messages.latest("pk")
    assert (item.state, item.error, item.message, said.is_auto) == ("done", "", said, True)
    dispatch.refresh_from_db()
    assert (dispatch.state, dispatch.reason) == ("failed", "no_address")
    assert Suppression.objects.get().value == CARL
    assert Case.objects.get() == case
    shown = page(ana, case)
    assert "there is no such address; nothing more is sent to it" in shown
    assert "Your mail could not be delivered." in shown


def test_a_report_that_names_only_the_case_and_the_address_settles_it_and_says_nothing_of_the_address(
    case: Case, dispatch: Dispatch
) -> None:
    """Everybody in the case knows where its answers go."""
    item = arrived(bounced(dispatch, to=ids.reply_address(dispatch), named=False))

    dispatch.refresh_from_db()
    assert (item.state, dispatch.state, dispatch.reason) == ("done", "failed", "no_address")
    assert not Suppression.objects.exists()
