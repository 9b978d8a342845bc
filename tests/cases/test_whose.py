"""Whose a case of nobody is: said once, by a person, and then it is answered at an address of that customer's record."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import conversation, search, whose
from cases.models import Case, Message, Queue
from cases.models.case import AlreadyTheirs, Refusal
from crm.models import Event, User
from customers import merging
from customers.models import ContactPoint, Customer
from tests.api import Caller
from tests.builders import make_customer
from tests.mails import letter, taken

pytestmark = pytest.mark.django_db

UNSURE = "Carl Jensen <carl@example.org>, ceo@example.net"


@pytest.fixture
def house(settings: Any) -> None:
    settings.DEFAULT_FROM_EMAIL = "Brightwave <help@brightwave.example>"
    settings.MAIL_REPLY_SEPARATOR = "+"


@pytest.fixture
def case(billing: Queue, house: None) -> Case:
    """A mail that names two senders."""
    return taken(letter(sender=UNSURE)).case


def answer(case: Case, by: User) -> Message:
    case.refresh_from_db()
    return conversation.reply(case, by=by, text="On its way", written_against=case.version)


def desk(user: User) -> Client:
    client = Client(headers={"HX-Request": "true"})
    client.force_login(user)
    return client


# --- the verb


def test_it_is_said_once_with_who_said_it_and_everything_follows(case: Case, carl: Customer, ana: User) -> None:
    before = case.version

    whose.belongs_to(case, carl, by=ana)

    case.refresh_from_db()
    event = Event.objects.get(stream="case", stream_id=case.pk, kind="customer_set")
    assert (case.customer, case.version, event.version) == (carl, before + 1, before + 1)
    assert (event.actor, event.data) == (ana, {"customer": carl.pk})
    assert case.issue is not None
    assert case.issue.customer == carl
    assert {(c.customer, c.issue) for c in case.contacts.all()} == {(carl, case.issue)}
    assert search.search_cases(ana, "jensen blinks") == [case]


def test_saying_the_same_again_is_quiet_and_another_is_refused(
    case: Case, carl: Customer, ana: User, lee: User
) -> None:
    mia = make_customer("Mia Wolff", email="mia@example.org")
    whose.belongs_to(case, carl, by=ana)
    version = case.version

    whose.belongs_to(case, carl, by=lee)
    with pytest.raises(AlreadyTheirs, match="Carl Jensen"):
        whose.belongs_to(case, mia, by=lee)

    case.refresh_from_db()
    assert (case.customer, case.version) == (carl, version)


def test_it_is_the_record_a_merged_one_lives_on_in(case: Case, carl: Customer, ana: User) -> None:
    double = make_customer("Karl Jensen", email="karl@example.org")
    merging.merge(carl, double, by=ana)

    whose.belongs_to(case, double, by=ana)

    case.refresh_from_db()
    assert case.customer == carl


@pytest.mark.parametrize("status", ["spam", "merged"])
def test_what_is_no_case_of_its_own_is_given_to_nobody(case: Case, carl: Customer, ana: User, status: str) -> None:
    Case.objects.filter(pk=case.pk).update(status=status)
    with pytest.raises(Refusal):
        whose.belongs_to(case, carl, by=ana)
    case.refresh_from_db()
    assert case.customer is None


def test_nobody_is_given_a_case_whose_data_were_erased(case: Case, carl: Customer, ana: User) -> None:
    Customer.objects.filter(pk=carl.pk).update(erased_at=timezone.now())
    with pytest.raises(Refusal, match="erased"):
        whose.belongs_to(case, carl, by=ana)
    assert not Event.objects.filter(kind="customer_set").exists()


# --- what it does to answers and to proof


def test_before_nothing_leaves_and_the_reason_is_said(case: Case, ana: User) -> None:
    with pytest.raises(Refusal, match="whose this case is"):
        answer(case, ana)


def test_afterwards_it_is_answered_at_the_customers_own_address(case: Case, carl: Customer, ana: User) -> None:
    """The mail claims carl@example.org, which is one of his: he is answered there, though he prefers another."""
    ContactPoint.objects.create(customer=carl, kind="email", value="boss@example.org", is_preferred=True)

    whose.belongs_to(case, carl, by=ana)

    assert answer(case, ana).dispatch.address == "carl@example.org"  # type: ignore[union-attr]


def test_an_address_the_mail_only_claims_is_neither_answered_nor_kept(case: Case, ana: User) -> None:
    mia = make_customer("Mia Wolff", email="mia@example.org")

    whose.belongs_to(case, mia, by=ana)

    assert answer(case, ana).dispatch.address == "mia@example.org"  # type: ignore[union-attr]
    assert list(mia.contact_points.values_list("value", flat=True)) == ["mia@example.org"]
    assert not ContactPoint.objects.filter(value="carl@example.org").exists()


def test_what_was_not_proven_stays_so(case: Case, carl: Customer, ana: User) -> None:
    carl.contact_points.update(verified_at=None)

    whose.belongs_to(case, carl, by=ana)

    assert not carl.contact_points.exclude(verified_at=None).exists()
    assert "sender_unverified" in case.messages.get().flags


def test_somebody_new_is_reached_where_the_mail_says_and_that_is_not_proven(case: Case, ana: User) -> None:
    claim = whose.claim(case)
    assert (claim.name, claim.mail, claim.is_mail) == ("Carl Jensen", "carl@example.org", True)

    made = whose.newcomer(case, name=claim.name, mail=claim.mail, by=ana)

    point = made.contact_points.get()
    assert (made.name, point.value, point.verified_at) == ("Carl Jensen", "carl@example.org", None)
    assert answer(case, ana).dispatch.address == "carl@example.org"  # type: ignore[union-attr]


def test_a_new_record_takes_nobodys_address(case: Case, carl: Customer, ana: User) -> None:
    with pytest.raises(Refusal, match="a customer’s already"):
        whose.newcomer(case, name="Carl", mail="CARL@example.org", by=ana)
    assert list(Customer.objects.all()) == [carl]
    assert not Event.objects.filter(kind="customer_set").exists()


def test_our_own_address_is_no_customers(billing: Queue, house: None, ana: User) -> None:
    case = taken(letter(sender="Help <help@brightwave.example>")).case
    assert whose.claim(case).mail == ""
    with pytest.raises(Refusal, match="an address of ours"):
        whose.newcomer(case, name="Help", mail="help@brightwave.example", by=ana)
    assert not Customer.objects.exists()


def test_without_name_and_address_nobody_is_made(case: Case, ana: User) -> None:
    with pytest.raises(Refusal, match="a name or a mail address"):
        whose.newcomer(case, name=" ", mail="", by=ana)
    assert not Customer.objects.exists()


def test_of_two_who_say_it_at_once_the_second_makes_nobody(case: Case, carl: Customer, ana: User, lee: User) -> None:
    stale = Case.objects.get(pk=case.pk)
    whose.belongs_to(case, carl, by=ana)
    with pytest.raises(AlreadyTheirs):
        whose.newcomer(stale, name="Somebody", mail="some@example.org", by=lee)
    assert list(Customer.objects.all()) == [carl]


# --- on the desk


def test_the_panel_says_that_the_sender_is_not_proven_and_offers_the_question(case: Case, ana: User) -> None:
    page = desk(ana).get(f"/cases/{case.number}/nobody/").content.decode()
    assert "the sender is not proven" in page
    assert "carl@example.org" in page
    assert "Whose is it?" in page


def test_who_only_watches_is_told_and_not_asked(case: Case, eve: User) -> None:
    case.queue.join(eve, mode="watch")
    page = desk(eve).get(f"/cases/{case.number}/nobody/").content.decode()
    assert "the sender is not proven" in page
    assert "Whose is it?" not in page
    assert desk(eve).post(f"/cases/{case.number}/customer/", {"customer": 1}).status_code == 403


def test_the_form_offers_who_holds_the_address_and_finds_others(case: Case, carl: Customer, ana: User) -> None:
    mia = make_customer("Mia Wolff", email="mia@example.org")
    form = desk(ana).get(f"/cases/{case.number}/customer/").content.decode()
    found = desk(ana).get(f"/cases/{case.number}/customer/?q=wolff", headers={"HX-Target": "whose-found"})
    assert f'value="{carl.pk}"' in form
    assert f'value="{mia.pk}"' not in form
    assert f'value="{mia.pk}"' in found.content.decode()
    assert "<form" not in found.content.decode()


def test_it_is_chosen_on_the_desk_and_the_panel_becomes_their_card(case: Case, carl: Customer, ana: User) -> None:
    answer = desk(ana).post(f"/cases/{case.number}/customer/", {"customer": carl.pk})
    panel = desk(ana).get(f"/cases/{case.number}/nobody/")
    assert answer.status_code == 200
    assert f'data-customer="{carl.pk}"' in answer.content.decode()
    assert panel["Location"].startswith(f"/customers/{carl.pk}/card/")


def test_the_desk_says_who_was_quicker(case: Case, carl: Customer, ana: User, lee: User) -> None:
    mia = make_customer("Mia Wolff", email="mia@example.org")
    whose.belongs_to(case, carl, by=lee)
    answer = desk(ana).post(f"/cases/{case.number}/customer/", {"customer": mia.pk})
    assert answer.status_code == 409
    assert "Carl Jensen" in answer["HX-Trigger"]


def test_a_new_customer_is_made_on_the_desk(case: Case, ana: User) -> None:
    answer = desk(ana).post(f"/cases/{case.number}/customer/", {"name": "Carl", "mail": "carl@example.org"})
    case.refresh_from_db()
    assert answer.status_code == 200
    assert str(case.customer) == "Carl"


# --- over HTTP


def test_a_script_says_it_by_id_or_by_address(case: Case, billing: Queue, carl: Customer, ana: User) -> None:
    api = Caller(ana)
    told = api.post(f"cases/{case.number}/customer/", {"customer": carl.pk, "version": case.version})
    assert (told.status_code, told.json()["customer"], told.json()["version"]) == (200, carl.pk, case.version + 1)

    other = taken(letter(sender="a@example.org, b@example.org", text="Hello?", message_id="<two@example.org>")).case
    points = [{"kind": "email", "value": "carl@example.org"}]
    told = api.post(f"cases/{other.number}/customer/", {"customer": {"name": "", "contact_points": points}})
    assert (told.status_code, told.json()["customer"]) == (200, carl.pk)


def test_a_script_hears_of_an_old_version_and_of_another_owner(case: Case, carl: Customer, ana: User) -> None:
    mia = make_customer("Mia Wolff", email="mia@example.org")
    api, path = Caller(ana), f"cases/{case.number}/customer/"
    assert api.post(path, {"customer": carl.pk, "version": case.version - 1}).status_code == 409
    case.refresh_from_db()
    assert case.customer is None
    api.post(path, {"customer": carl.pk})
    refused = api.post(path, {"customer": mia.pk})
    assert (refused.status_code, refused.json()["customer"]) == (409, carl.pk)
    assert refused.json()["type"].endswith("already_theirs")
