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
from tests.reports import bounced

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
