"""/sent/ of a demo: everybody reads the mail of what they may see, and of nothing else."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cases import conversation
from cases.mail import ids
from cases.models import Case, Dispatch, Queue
from cases.outward import release_due
from crm.models import SentMail, User
from customers.models import Customer
from tests.builders import make_case, make_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def mail(billing: Queue, carl: Customer, ana: User, settings) -> SentMail:
    """An answer of Billing's that left."""
    settings.DEMO = True
    case = make_case(billing, customer=carl)
    make_message(case, sender=carl.contact_points.get(kind="email"))
    case = Case.objects.get(pk=case.pk)
    conversation.reply(case, by=ana, text="Five days.", written_against=case.version)
    release_due(timezone.now() + timedelta(minutes=1))
    return sent(Dispatch.objects.get(), "Your refund")


def sent(dispatch: Dispatch, subject: str) -> SentMail:
    return SentMail.objects.create(
        sender="help@x",
        recipients=[dispatch.address],
        subject=subject,
        message_id=ids.message_id(dispatch),
        raw=b"",
    )


def reads(user: User, mail: SentMail) -> bool:
    """The list and the mail's own page agree."""
    client = Client()
    client.force_login(user)
    listed = mail.subject in client.get("/sent/").content.decode()
    assert client.get(f"/sent/{mail.pk}/").status_code == (200 if listed else 404)
    return listed


def test_an_answer_is_read_by_whoever_may_see_its_case(
    mail: SentMail, billing: Queue, ana: User, ben: User, sue: User, root: User
) -> None:
    assert reads(ana, mail)
    assert reads(root, mail)
    assert not reads(ben, mail)
    assert reads(sue, mail) is Case.objects.visible_to(sue).exists()


def test_an_executive_reads_none_for_mail_shows_addresses(mail: SentMail, billing: Queue, eve: User) -> None:
    billing.join(eve, mode="work")
    assert not reads(eve, mail)


def test_other_mail_to_a_customer_is_read_by_whoever_may_see_the_customer(
    mail: SentMail, ana: User, ben: User, carl: Customer
) -> None:
    dispatch = Dispatch.objects.create(
        customer=carl, channel="mail", address="carl@example.org", message_class="notice", source="notice", source_id=1
    )
    notice = sent(dispatch, "A notice")
    assert reads(ana, notice)
    assert reads(ben, notice) is Customer.objects.visible_to(ben).filter(pk=carl.pk).exists()


@pytest.mark.parametrize("named", ["", "<x@y>", f"<{uuid.UUID(int=7)}@y>", "<------------------------------------@y>"])
def test_mail_of_nothing_we_know_is_the_administrators(mail: SentMail, ana: User, root: User, named: str) -> None:
    strange = SentMail.objects.create(sender="help@x", recipients=["a@x"], subject="Strange", message_id=named, raw=b"")
    assert not reads(ana, strange)
    assert reads(root, strange)


def test_the_page_asks_as_much_for_fifty_mails_as_for_one(
    mail: SentMail, ana: User, django_assert_max_num_queries
) -> None:
    for _n in range(50):
        sent(Dispatch.objects.get(), "Again")
    client = Client()
    client.force_login(ana)
    with django_assert_max_num_queries(12):
        client.get("/sent/")
