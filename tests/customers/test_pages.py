"""The customers' pages: what they show, to whom, at what cost, and what they change."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from cases.models import Queue, QueueSession
from crm.models import Event, User
from customers import consent
from customers.merging import merge
from customers.models import Consent, ContactPoint, Customer, Merge, Order, Organization, Product, Subscription
from customers.preferences import link
from tests.builders import make_case, make_customer, make_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def known(carl: Customer, billing: Queue) -> Customer:
    """Carl with a case in Billing, a plan, an order, an organization."""
    carl.organization = Organization.objects.create(name="Ravn Shipping", domain="ravn.example")
    carl.tier, carl.tz, carl.city, carl.pronunciation = "gold", "Asia/Tokyo", "Osaka", "YEN-sen"
    carl.cue = "Thanked us for the loan router."
    carl.save()
    fibre = Product.objects.create(name="Fibre 300", kind="broadband")
    Subscription.objects.create(customer=carl, product=fibre, plan="Fibre 300", price="42.90")
    Subscription.objects.create(customer=carl, product=fibre, plan="Old plan", price="99", status="ended")
    Order.objects.create(customer=carl, number="A-1", total="17.50", placed_at=timezone.now() - timedelta(days=2))
    consent.record(carl, "marketing", "mail", granted=True, source="rep")
    consent.record(carl, "marketing", "mail", granted=False, source="rep")
    make_message(make_case(billing, "Double charge", customer=carl), "You took it twice.", sender_name="Carl")
    return carl


@pytest.fixture
def desk(client: Client, ana: User, known: Customer) -> Client:
    client.force_login(ana)
    return client


@pytest.fixture
def watching(client: Client, eve: User, billing: Queue, known: Customer) -> Client:
    QueueSession.objects.create(queue=billing, user=eve, mode="watch")
    client.force_login(eve)
    return client


def address(customer: Customer) -> str:
    return link(customer).removeprefix(settings.PUBLIC_URL)


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.content.decode()


def test_the_card_is_a_piece_with_the_head_and_how_to_reach_them(desk: Client, known: Customer) -> None:
    ContactPoint.objects.filter(kind="email").update(verified_at=timezone.now())
    html = page(desk, f"/customers/{known.pk}/card/?case=10001")
    assert "<html" not in html
    for word in ("CJ", "Carl Jensen", "Osaka", "gold", "42.90", "carl@example.org", "loan router"):
        assert word in html
    assert html.count("verified</span>") == 1
    assert f'href="/customers/{known.pk}/"' in html


def test_an_executive_gets_neither_addresses_nor_payment(watching: Client, known: Customer) -> None:
    for path in (f"/customers/{known.pk}/", f"/customers/{known.pk}/card/", f"/customers/{known.pk}/timeline/"):
        html = page(watching, path)
        for hidden in ("carl@example.org", "2079460123", "42.9", "17.5"):
            assert hidden not in html, (path, hidden)
    assert "Carl Jensen" in page(watching, f"/customers/{known.pk}/")
    assert "Carl Jensen" not in page(watching, "/customers/?q=carl@example.org")


def test_whoever_is_not_signed_in_is_led_to_the_door(client: Client, known: Customer) -> None:
    for path in ("/customers/", f"/customers/{known.pk}/", f"/customers/{known.pk}/card/"):
        assert client.get(path).status_code == 302


def test_the_timeline_is_filtered_by_kind(desk: Client, known: Customer) -> None:
    assert "A-1" in page(desk, f"/customers/{known.pk}/timeline/?kind=order")
    assert "You took it" not in page(desk, f"/customers/{known.pk}/timeline/?kind=order")
    assert "A-1" not in page(desk, f"/customers/{known.pk}/timeline/?kind=message")
    assert "A-1" in page(desk, f"/customers/{known.pk}/timeline/?kind=nonsense")


@pytest.mark.parametrize("before", ["", "soon", "2026-13-45T00:00:00Z", "2026-01-01", "\x00"])
def test_an_odd_moment_is_no_error(desk: Client, known: Customer, before: str) -> None:
    assert desk.get(f"/customers/{known.pk}/timeline/", {"before": before}).status_code == 200


@pytest.mark.parametrize(
    "q", ["carl", "JENS car", "Carl@Example.org", "+44 20 7946 0123", "0044 (20) 79460123", "ravn"]
)
def test_a_customer_is_found_by_name_address_or_organization(desk: Client, billing: Queue, q: str) -> None:
    make_case(billing, customer=make_customer("Somebody Else", email="else@example.org"))
    html = page(desk, "/customers/?" + "q=" + q.replace("+", "%2B").replace(" ", "+"))
    assert "Carl Jensen" in html
    assert "Somebody Else" not in html


@pytest.mark.parametrize("q", ["zzz", "%", "***", "\x00", "a" * 5000])
def test_nothing_found_is_said(desk: Client, q: str) -> None:
    html = desk.get("/customers/", {"q": q}).content.decode()
    assert "Carl Jensen" not in html or not q.strip("\x00")


# --- merging


@pytest.fixture
def twin(billing: Queue, known: Customer) -> Customer:
    twin = make_customer("C. Jensen", email="carl@work.example")
    make_case(billing, "Again", customer=twin)
    return twin


def test_an_executive_merges_and_undoes_nothing(watching: Client, known: Customer, twin: Customer) -> None:
    assert watching.post(f"/customers/{known.pk}/merges/", {"gone": twin.pk}).status_code == 403
    assert not Merge.objects.exists()
    made = merge(known, twin, by=None)
    assert watching.post(f"/customers/merges/{made.pk}/undoing/").status_code == 403
    made.refresh_from_db()
    assert made.undone_at is None


# --- preferences


def test_opening_the_preferences_changes_nothing(client: Client, known: Customer) -> None:
    before = Consent.objects.count(), Event.objects.count()
    html = page(client, address(known))
    page(client, address(known) + "?none=1&yes=marketing.mail")
    assert client.head(address(known)).status_code == 200
    assert (Consent.objects.count(), Event.objects.count()) == before
    assert "Carl" not in html
    assert "carl@example.org" not in html


def test_nothing_at_all_is_a_no_to_everything_but_service(client: Client, known: Customer) -> None:
    client.post(address(known), {"nothing": "1", "yes": ["marketing.mail"]})
    for purpose in ("advice", "marketing", "research"):
        for channel in consent.CHANNELS:
            assert consent.state(known, purpose, channel, timezone.now()) is False


def test_a_link_of_a_merged_customer_speaks_for_who_they_are_now(client: Client, known: Customer) -> None:
    twin = make_customer("C. Jensen")
    path = address(twin)
    merge(known, twin, by=None)
    client.post(path, {"nothing": "1"})
    assert consent.state(known, "marketing", "mail", timezone.now()) is False


def test_a_bent_link_opens_nothing(client: Client, known: Customer) -> None:
    token, count = address(known).split("/")[2], Consent.objects.count()
    for bent in ("x", token[:-2], f"{known.pk}"):
        page(client, f"/preferences/{bent}/", 404)
        assert client.post(f"/preferences/{bent}/", {"nothing": "1"}).status_code == 404
    assert Consent.objects.count() == count
