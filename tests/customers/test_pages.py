"""The customers' pages: what they show, to whom, at what cost, and what they change."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases.models import Queue, QueueSession
from crm.models import Event, User
from customers import consent
from customers.merging import merge
from customers.models import Consent, ContactPoint, Customer, Merge, Order, Organization, Product, Subscription
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


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.content.decode()


def test_the_page_tells_everything_about_a_customer(desk: Client, known: Customer) -> None:
    html = page(desk, f"/customers/{known.pk}/")
    for word in ("Carl Jensen", "YEN-sen", "Osaka", "gold", "Ravn Shipping", "carl@example.org", "+442079460123"):
        assert word in html
    for word in (
        "Fibre 300",
        "42.90 GBP a month",
        "A-1",
        "17.50",
        "You took it twice.",
        "Double charge",
        "loan router",
    ):
        assert word in html
    assert f'data-topic="customer.{known.pk}"' in html
    assert 'data-pos="' in html
    assert 'class="chip red">no<' in html  # the newest statement, not the yes before it
    assert 'class="chip ok">yes<' not in html


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


def test_a_customer_of_another_queue_is_not_there(client: Client, ben: User, technical: Queue, known: Customer) -> None:
    client.force_login(ben)
    for part in ("", "card/", "timeline/", "merges/"):
        page(client, f"/customers/{known.pk}/{part}", 404)
    page(client, "/customers/99999999/", 404)
    assert "Carl" not in page(client, "/customers/?q=carl")


def test_whoever_is_not_signed_in_is_led_to_the_door(client: Client, known: Customer) -> None:
    for path in ("/customers/", f"/customers/{known.pk}/", f"/customers/{known.pk}/card/"):
        assert client.get(path).status_code == 302


def test_a_merged_customer_leads_to_who_they_are_now(desk: Client, known: Customer, billing: Queue) -> None:
    twin = make_customer("C. Jensen")
    make_case(billing, customer=twin)
    merge(known, twin, by=None)
    assert desk.get(f"/customers/{twin.pk}/")["Location"] == f"/customers/{known.pk}/"
    assert "Carl Jensen" in page(desk, f"/customers/{twin.pk}/card/")


def test_an_erased_customer_is_gone_for_reps(desk: Client, known: Customer) -> None:
    Customer.objects.filter(pk=known.pk).update(erased_at=timezone.now())
    page(desk, f"/customers/{known.pk}/", 404)
    page(desk, f"/preferences/{token(known)}/", 404)


def test_the_timeline_is_filtered_by_kind(desk: Client, known: Customer) -> None:
    assert "A-1" in page(desk, f"/customers/{known.pk}/timeline/?kind=order")
    assert "You took it" not in page(desk, f"/customers/{known.pk}/timeline/?kind=order")
    assert "A-1" not in page(desk, f"/customers/{known.pk}/timeline/?kind=message")
    assert "A-1" in page(desk, f"/customers/{known.pk}/timeline/?kind=nonsense")


def test_older_pieces_bring_every_entry_once(desk: Client, known: Customer) -> None:
    now = timezone.now()
    for i in range(45):
        at = now - timedelta(hours=i // 3 + 1)  # three of one moment
        Order.objects.create(customer=known, number=f"N{i:02}", placed_at=at)
    seen, path = [], f"/customers/{known.pk}/timeline/?kind=order"
    for _piece in range(10):
        html = page(desk, path)
        seen += [n for n in (f"N{i:02}" for i in range(45)) if f" {n}<" in html]
        if 'hx-target="closest li"' not in html:
            break
        path = html.split('hx-get="')[-1].split('"')[0].replace("&amp;", "&")
    assert sorted(seen) == [f"N{i:02}" for i in range(45)]


@pytest.mark.parametrize("before", ["", "soon", "2026-13-45T00:00:00Z", "2026-01-01", "\x00"])
def test_an_odd_moment_is_no_error(desk: Client, known: Customer, before: str) -> None:
    assert desk.get(f"/customers/{known.pk}/timeline/", {"before": before}).status_code == 200


@pytest.mark.parametrize("size", [3, 60])
def test_the_page_costs_the_same_at_any_size(
    desk: Client, known: Customer, billing: Queue, size: int, django_assert_max_num_queries: Any
) -> None:
    product = Product.objects.create(name="Box")
    for i in range(size):
        Subscription.objects.create(customer=known, product=product, plan=f"P{i}")
        Order.objects.create(customer=known, number=f"N{i}")
        make_message(make_case(billing, f"C{i}", customer=known), "Hello")
    with django_assert_max_num_queries(PAGE_QUERIES):
        page(desk, f"/customers/{known.pk}/")
    with django_assert_max_num_queries(CARD_QUERIES):
        page(desk, f"/customers/{known.pk}/card/")
    with django_assert_max_num_queries(LIST_QUERIES):
        page(desk, "/customers/?q=carl")


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


def test_the_list_comes_in_pages(desk: Client, billing: Queue) -> None:
    for i in range(55):
        make_case(billing, customer=make_customer(f"Person {i:02}"))
    assert "Page 1 of 2" in page(desk, "/customers/")
    assert "Page 2 of 2" in page(desk, "/customers/?page=2")


# --- merging


@pytest.fixture
def twin(billing: Queue, known: Customer) -> Customer:
    twin = make_customer("C. Jensen", email="carl@work.example")
    make_case(billing, "Again", customer=twin)
    return twin


def test_a_rep_looks_merges_and_takes_it_back(desk: Client, known: Customer, twin: Customer) -> None:
    assert "C. Jensen" in page(desk, f"/customers/{known.pk}/merges/?q=jens")
    asked = page(desk, f"/customers/{known.pk}/merges/?gone={twin.pk}")
    assert "<b>1</b> contact points" in asked
    assert not Merge.objects.exists()
    done = desk.post(f"/customers/{known.pk}/merges/", {"gone": twin.pk})
    assert done["Location"] == f"/customers/{known.pk}/"
    assert ContactPoint.objects.get(value="carl@work.example").customer == known
    made = Merge.objects.get()
    assert f"/customers/merges/{made.pk}/undoing/" in page(desk, f"/customers/{known.pk}/")
    desk.post(f"/customers/merges/{made.pk}/undoing/")
    assert ContactPoint.objects.get(value="carl@work.example").customer == twin


def test_merging_twice_by_an_impatient_click_is_one_merge(desk: Client, known: Customer, twin: Customer) -> None:
    assert [desk.post(f"/customers/{known.pk}/merges/", {"gone": twin.pk}).status_code for _ in range(2)] == [302, 409]
    assert Merge.objects.count() == 1


def test_the_same_record_nobody_or_nonsense_is_refused(desk: Client, known: Customer) -> None:
    for gone, status in ((known.pk, 409), ("", 400), ("x", 404), ("²", 404), ("9" * 30, 404)):
        assert desk.post(f"/customers/{known.pk}/merges/", {"gone": gone}).status_code == status
    assert not Merge.objects.exists()


def test_only_what_one_may_see_can_be_merged(desk: Client, known: Customer, technical: Queue) -> None:
    hidden = make_customer("Hidden")
    make_case(technical, customer=hidden)
    assert desk.post(f"/customers/{known.pk}/merges/", {"gone": hidden.pk}).status_code == 404
    assert desk.get(f"/customers/{known.pk}/merges/?gone={hidden.pk}").status_code == 404
    assert not Merge.objects.exists()


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
    html = page(client, f"/preferences/{token(known)}/")
    page(client, f"/preferences/{token(known)}/?none=1&yes=marketing.mail")
    assert client.head(f"/preferences/{token(known)}/").status_code == 200
    assert (Consent.objects.count(), Event.objects.count()) == before
    assert "Carl" not in html
    assert "carl@example.org" not in html


def test_saving_writes_only_what_differs(client: Client, known: Customer) -> None:
    path, count = f"/preferences/{token(known)}/", Consent.objects.count()
    service = [f"service.{channel}" for channel in consent.CHANNELS]
    answer = client.post(path, {"yes": [*service, "research.mail"]})
    assert answer["Location"] == f"{path}?saved=1"
    (new,) = Consent.objects.order_by("pk")[count:]
    assert (new.purpose, new.channel, new.granted, new.source) == ("research", "mail", True, "preference_page")
    assert new.wording
    client.post(path, {"yes": [*service, "research.mail"]})
    assert Consent.objects.count() == count + 1


def test_nothing_at_all_is_a_no_to_everything(client: Client, known: Customer) -> None:
    client.post(f"/preferences/{token(known)}/", {"none": "1", "yes": ["marketing.mail"]})
    for purpose in Consent.Purpose.values:
        for channel in consent.CHANNELS:
            assert consent.state(known, purpose, channel, timezone.now()) is False


def test_a_link_of_a_merged_customer_speaks_for_who_they_are_now(client: Client, known: Customer) -> None:
    twin = make_customer("C. Jensen")
    token = token(twin)
    merge(known, twin, by=None)
    client.post(f"/preferences/{token}/", {"none": "1"})
    assert consent.state(known, "service", "mail", timezone.now()) is False


def test_a_bent_link_opens_nothing_and_a_foreign_form_changes_nothing(known: Customer) -> None:
    client, token = Client(enforce_csrf_checks=True), token(known)
    for bent in ("x", token[:-2], f"{known.pk}"):
        page(client, f"/preferences/{bent}/", 404)
    count = Consent.objects.count()
    assert client.post(f"/preferences/{token}/", {"none": "1"}).status_code == 403
    assert Consent.objects.count() == count
