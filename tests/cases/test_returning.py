"""What comes back: to an owner who is there, else after a while to the queue."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases import conversation
from cases.models import Case, Queue, Return
from cases.routing import send_back, wake_due
from cases.templatetags.console import told
from crm.models import Event, User
from tests.builders import make_customer
from tests.cases.test_routing import MINUTE, arrive, go, here, owners, pushing

__all__ = ["pushing"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def theirs(pushing: Queue, ana: User) -> Case:
    """A case of Ana's that waits for its customer."""
    case = arrive(pushing, 60, status="open", assignee=ana, customer=make_customer(email="c@example.org"))
    case.change_status("waiting_customer", by=ana)
    return case


def customer_writes(case: Case, minutes_ago: float) -> None:
    sender = case.customer.contact_points.get() if case.customer else None
    at = timezone.now() - minutes_ago * MINUTE
    conversation.add_inbound(case, text="And now?", sender=sender, channel="mail", at=at)


@pytest.mark.parametrize("state", ["online", "busy"])
def test_what_comes_back_is_its_owners_who_is_there(theirs: Case, ana: User, state: str) -> None:
    here(ana, state=state)
    customer_writes(theirs, 30)
    assert Return.objects.exists()
    assert send_back(timezone.now()) == 0
    assert not Return.objects.exists()
    here(ana, state="offline")
    assert send_back(timezone.now() + timedelta(days=1)) == 0
    assert owners(theirs) == ["ana"]


@pytest.mark.parametrize("state", ["away", "offline"])
def test_what_comes_back_to_an_owner_who_is_away_goes_to_the_queue_after_a_while(
    theirs: Case, ana: User, lee: User, state: str
) -> None:
    here(ana, state=state)
    here(lee)
    customer_writes(theirs, 14.5)
    assert send_back(timezone.now()) == 0
    assert owners(theirs) == ["ana"]
    assert send_back(timezone.now() + MINUTE) == 1
    assert told(Event.objects.get(kind="released")) == "Back to the queue: Ana Lind was away"
    assert go() == 1
    assert owners(theirs) == ["lee"]
    assert not Return.objects.exists()


def test_an_owner_nobody_ever_saw_is_away(theirs: Case) -> None:
    customer_writes(theirs, 20)
    assert send_back(timezone.now()) == 1


def test_woken_and_reopened_cases_come_back_too(pushing: Queue, ana: User) -> None:
    now = timezone.now()
    asleep, done = arrive(pushing, 90, assignee=ana), arrive(pushing, 90, assignee=ana)
    asleep.snooze(now - 20 * MINUTE, by=ana, at=now - 60 * MINUTE)
    done.resolve(by=ana, at=now - 30 * MINUTE)
    wake_due(now)
    done.reopen(by=None, at=now - 20 * MINUTE)
    assert send_back(now) == 2
    assert owners(asleep, done) == ["", ""]


def test_what_its_owner_is_rid_of_meanwhile_is_left_alone(theirs: Case, ana: User, lee: User) -> None:
    customer_writes(theirs, 20)
    theirs.refresh_from_db()
    theirs.change_status("waiting_customer", by=lee)
    assert send_back(timezone.now()) == 0
    assert owners(theirs) == ["ana"]
    assert not Return.objects.exists()
