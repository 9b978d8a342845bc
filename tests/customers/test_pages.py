"""The customers' pages: what they show, to whom, at what cost, and what they change."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import Queue
from crm.models import Event, User
from customers import consent
from customers.hooks import Entry
from customers.hooks import timeline as timeline_hook
from customers.merging import merge
from customers.models import ContactPoint, Customer, Merge, Order, Organization, Product, Subscription
from tests.builders import make_case, make_customer, make_message, make_user

SECTIONS = ["reach", "holdings", "orders", "consent", "organization", "merges"]
ADDRESSES = ["carl@example.org", "2079460123"]
PAYMENT = ["42.9", "17.5"]


@pytest.fixture
def known(carl: Customer, billing: Queue) -> Customer:
    """Carl with a case in Billing, a plan, an order, an organization."""
    carl.organization = Organization.objects.create(name="Ravn Shipping", domain="ravn.example")
    carl.tier, carl.tz, carl.city, carl.pronunciation = "gold", "Asia/Tokyo", "Osaka", "YEN-sen"
    carl.cue = "Thanked us for the loan router."
    carl.save()
    fibre = Product.objects.create(name="Fibre", kind="broadband")
    Subscription.objects.create(customer=carl, product=fibre, plan="Fibre 300", price="42.90")
    Subscription.objects.create(customer=carl, product=fibre, plan="Old plan", price="99", status="ended")
    Order.objects.create(customer=carl, number="A-1", total="17.50", placed_at=timezone.now() - timedelta(days=2))
    consent.record(carl, "marketing", "mail", granted=True, source="rep")
    consent.record(carl, "marketing", "mail", granted=False, source="rep")
    case = make_case(billing, "Double charge", customer=carl)
    make_message(case, "You took it twice.", sender_name="Carl")
    make_message(case, "Only for us.", direction="note")
    return carl


@pytest.fixture
def desk(client: Client, ana: User, known: Customer) -> Client:
    client.force_login(ana)
    return client


@pytest.fixture
def sitting(eve: User, billing: Queue, known: Customer) -> Client:
    """An executive who works in Billing now."""
    billing.join(eve, mode="work")
    return signed_in(eve)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.content.decode()


def parts(customer: Customer) -> list[str]:
    """Every address that shows something about this customer."""
    own = f"/customers/{customer.pk}/"
    return [own, f"{own}card/", f"{own}since/", f"{own}timeline/", *(f"{own}panels/{name}/" for name in SECTIONS)]


# --- what is shown


def test_the_page_tells_everything_about_a_customer(desk: Client, known: Customer) -> None:
    html = "".join(page(desk, path) for path in parts(known))
    for word in (*ADDRESSES, *PAYMENT, "Carl Jensen", "YEN-sen", "Osaka", "gold", "Ravn Shipping", "Fibre 300", "A-1"):
        assert word in html, word
    for word in ("You took it twice.", "Only for us.", "Double charge", "loan router", "1 case, 1 open"):
        assert word in html, word
    whole = page(desk, f"/customers/{known.pk}/")
    assert f'data-topic="customer.{known.pk}"' in whole
    assert 'data-pos="' in whole


def test_the_card_is_a_piece_that_says_who_this_is(desk: Client, known: Customer) -> None:
    ContactPoint.objects.filter(kind="email").update(verified_at=timezone.now())
    html = page(desk, f"/customers/{known.pk}/card/?case=10001")
    assert "<html" not in html
    for word in ("CJ", "Carl Jensen", "in Osaka", "42.90 GBP a month", "carl@example.org", "loan router"):
        assert word in html, word
    assert html.count("verified</span>") == 1
    assert "Old plan" not in html
    assert f'href="/customers/{known.pk}/"' in html


def test_their_own_clock_is_shown_and_a_broken_zone_is_left_out(desk: Client, known: Customer) -> None:
    hour = timezone.now().astimezone(__import__("zoneinfo").ZoneInfo("Asia/Tokyo")).strftime("%H:")
    assert f"{hour}" in page(desk, f"/customers/{known.pk}/card/")
    Customer.objects.update(tz="../../etc/passwd")
    assert "in Osaka" not in page(desk, f"/customers/{known.pk}/card/")


def test_the_newest_statement_of_consent_counts(desk: Client, known: Customer) -> None:
    html = page(desk, f"/customers/{known.pk}/panels/consent/")
    assert ">no<" in html
    assert '<span class="ok">yes</span>' not in html


def test_words_of_a_customer_are_text_never_markup(desk: Client, known: Customer) -> None:
    Customer.objects.update(name="<script>alert(1)</script>", cue="<img src=x onerror=alert(1)>", city='"><b>')
    ContactPoint.objects.update(display="<svg onload=alert(1)>")
    for path in [*parts(known), "/customers/", f"/customers/{known.pk}/profile/", f"/customers/{known.pk}/merges/?q=x"]:
        html = page(desk, path)
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "<svg onload" not in html


def test_since_we_last_spoke_leaves_out_what_came_before(desk: Client, known: Customer, ana: User) -> None:
    path = f"/customers/{known.pk}/since/"
    assert "We have not spoken yet" in page(desk, path)
    assert "A-1" in page(desk, path)
    case = known.cases.get()
    make_message(case, "We see to it.", direction="outbound", author=ana, at=timezone.now() - timedelta(hours=1))
    html = page(desk, path)
    assert "A-1" not in html
    assert "You took it twice" not in html  # what was said is in the thread beside it
    Order.objects.create(customer=known, number="A-2")
    assert "A-2" in page(desk, path)


# --- the timeline


def test_the_timeline_is_filtered_by_kind(desk: Client, known: Customer) -> None:
    assert "A-1" in page(desk, f"/customers/{known.pk}/timeline/?kind=order")
    assert "You took it" not in page(desk, f"/customers/{known.pk}/timeline/?kind=order")
    assert "A-1" not in page(desk, f"/customers/{known.pk}/timeline/?kind=message")
    assert "A-1" in page(desk, f"/customers/{known.pk}/timeline/?kind=nonsense")


def walk(client: Client, path: str) -> tuple[str, int]:
    """The timeline from here to the beginning, by its own "older" links; and how many pieces that took."""
    whole, pieces = "", 0
    while pieces < 20:
        html = page(client, path)
        whole, pieces = whole + html, pieces + 1
        if 'class="older"' not in html:
            break
        path = html.split('class="older"')[1].split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    return whole, pieces


def test_older_pieces_bring_every_entry_once(desk: Client, known: Customer) -> None:
    now = timezone.now()
    for i in range(95):
        Order.objects.create(customer=known, number=f"N{i:02}", placed_at=now - timedelta(hours=i // 7 + 1))
    whole, pieces = walk(desk, f"/customers/{known.pk}/timeline/")
    assert pieces > 2
    assert [whole.count(f"Order N{i:02} ") for i in range(95)] == [1] * 95
    assert whole.count("You took it twice.") == 1


def test_hundreds_of_entries_of_one_moment_are_all_there(desk: Client, known: Customer) -> None:
    at = timezone.now() - timedelta(days=30)
    Order.objects.bulk_create(Order(customer=known, number=f"I{i:03}", placed_at=at) for i in range(200))
    whole, _pieces = walk(desk, f"/customers/{known.pk}/timeline/?kind=order")
    assert [whole.count(f"Order I{i:03} ") for i in range(200)] == [1] * 200


def test_a_piece_renews_itself_down_to_its_own_end(desk: Client, known: Customer) -> None:
    html = page(desk, f"/customers/{known.pk}/timeline/")
    again = html.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    assert "to=" in unquote(again)
    Order.objects.create(customer=known, number="A-9")
    Order.objects.create(customer=known, number="OLD", placed_at=timezone.now() - timedelta(days=900))
    renewed = page(desk, again)
    assert "A-9" in renewed
    assert "A-1" in renewed
    assert "OLD" not in renewed


def test_a_broken_plugin_leaves_the_rest_of_the_timeline(desk: Client, known: Customer) -> None:
    def broken(*_args: Any) -> list[Entry]:
        raise ValueError("plugin")

    with timeline_hook.registered(broken):
        assert "A-1" in page(desk, f"/customers/{known.pk}/")


@pytest.mark.parametrize("odd", ["", "soon", "2026-13-45T00:00:00Z", "2026-01-01", "\x00", "0001-01-01T00:00:00+14:00"])
def test_an_odd_moment_is_no_error(desk: Client, known: Customer, odd: str) -> None:
    for name in ("before", "to"):
        assert desk.get(f"/customers/{known.pk}/timeline/", {name: odd}).status_code == 200


# --- to whom


def test_an_executive_gets_neither_addresses_nor_payment(sitting: Client, known: Customer) -> None:
    assert "Carl Jensen" in page(sitting, f"/customers/{known.pk}/")
    for path in [*parts(known), "/customers/", "/customers/?q=carl"]:
        html = page(sitting, path)
        for hidden in (*ADDRESSES, *PAYMENT):
            assert hidden not in html, (path, hidden)
    assert "You took it twice." in page(sitting, f"/customers/{known.pk}/timeline/")


def test_an_executive_cannot_find_out_who_has_an_address(sitting: Client, known: Customer) -> None:
    for q in ("carl@example.org", "%2B442079460123", "020 7946 0123"):
        assert "Carl Jensen" not in page(sitting, f"/customers/?q={q}")


def test_an_executive_sees_only_customers_of_a_queue_they_sit_in(
    eve: User, known: Customer, technical: Queue, billing: Queue
) -> None:
    client = signed_in(eve)
    technical.join(eve, mode="work")
    for path in parts(known):
        page(client, path, 404)
    assert "Carl Jensen" not in page(client, "/customers/?q=carl")
    session = billing.join(eve, mode="watch")
    page(client, f"/customers/{known.pk}/")
    session.seen_at = timezone.now() - timedelta(minutes=5)  # their laptop closed
    session.save()
    page(client, f"/customers/{known.pk}/", 404)


def test_a_rep_of_another_queue_may_look_them_up_but_not_read_what_was_said(
    ben: User, technical: Queue, known: Customer
) -> None:
    client = signed_in(ben)
    html = "".join(page(client, path) for path in parts(known))
    assert "carl@example.org" in html
    for said in ("You took it twice.", "Only for us.", "Double charge", "1 case"):
        assert said not in html


def test_staff_in_no_queue_and_strangers_see_nobody(known: Customer) -> None:
    client = signed_in(make_user("Nell New", username="nell"))
    for path in parts(known):
        page(client, path, 404)
        assert Client().get(path).status_code == 302
    assert "Carl" not in page(client, "/customers/?q=carl")


def test_a_supervisor_and_the_administrator_see_them(sue: User, root: User, known: Customer) -> None:
    for user in (sue, root):
        assert "carl@example.org" in page(signed_in(user), f"/customers/{known.pk}/card/")


def test_a_merged_customer_leads_to_who_they_are_now(desk: Client, known: Customer) -> None:
    twin = make_customer("C. Jensen")
    merge(known, twin, by=None)
    for part in ("", "card/", "timeline/", "panels/reach/"):
        assert desk.get(f"/customers/{twin.pk}/{part}")["Location"] == f"/customers/{known.pk}/{part}"
    assert "C. Jensen" not in page(desk, "/customers/?q=jensen")


def test_an_erased_customer_is_gone_for_reps(desk: Client, known: Customer) -> None:
    Customer.objects.filter(pk=known.pk).update(erased_at=timezone.now())
    for path in parts(known):
        page(desk, path, 404)


# --- found


@pytest.mark.parametrize(
    "q", ["carl", "JENS car", "Cárl", "Carl@Example.org", "+44 20 7946 0123", "0044 (20) 79460123", "ravn"]
)
def test_a_customer_is_found_by_name_address_or_organization(desk: Client, q: str) -> None:
    make_customer("Somebody Else", email="else@example.org")
    html = desk.get("/customers/", {"q": q}).content.decode()
    assert "Carl Jensen" in html
    assert "Somebody Else" not in html


@pytest.mark.parametrize("q", ["zzz", "%", "***", "_", "a" * 5000, "@nobody"])
def test_nothing_found_is_said(desk: Client, q: str) -> None:
    html = desk.get("/customers/", {"q": q}).content.decode()
    assert "Carl Jensen" not in html
    assert "Nobody you may see" in html


def test_the_list_comes_in_pages_that_neither_repeat_nor_skip(desk: Client, known: Customer) -> None:
    for i in range(110):
        make_customer(f"Person {i:03}")
    seen, path = "", "/customers/"
    for size in (50, 50, 11):
        html = page(desk, path)
        assert html.count("<li><a") == size
        seen += html
        if 'id="more"' in html:
            path = html.split('id="more"')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
            make_customer("Newcomer")  # a list that grows neither repeats nor skips
    assert [seen.count(f"Person {i:03}") for i in range(110)] == [1] * 110
    assert "Newcomer" not in seen


@pytest.mark.parametrize("after", ["x", "-1", "²", "9" * 40, "\x00"])
def test_an_odd_cursor_is_no_error(desk: Client, after: str) -> None:
    assert desk.get("/customers/", {"after": after}).status_code == 200


# --- at what cost


def asked(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        page(client, path)
    return sum(query["sql"].startswith("SELECT") for query in queries)


@pytest.mark.parametrize(
    ("part", "most"),
    [("", 22), ("card/", 7), ("since/", 15), ("timeline/", 15), *((f"panels/{name}/", 6) for name in SECTIONS)],
)
def test_a_page_asks_as_much_for_many_rows_as_for_few(
    desk: Client, known: Customer, billing: Queue, part: str, most: int
) -> None:
    path = f"/customers/{known.pk}/{part}"
    few = asked(desk, path)
    product = Product.objects.create(name="Box")
    for i in range(30):
        Subscription.objects.create(customer=known, product=product, plan=f"P{i}", started_on="2026-01-01")
        Order.objects.create(customer=known, number=f"N{i}")
        make_message(make_case(billing, f"C{i}", customer=known), "Hello")
        make_customer(f"Colleague {i}", organization=known.organization)
        ContactPoint.objects.create(customer=known, kind="email", value=f"carl{i}@example.org")
        consent.record(known, "advice", "mail", granted=i % 2 == 0, source="rep")
    many = asked(desk, path)
    assert many <= few + 2  # a first merge or promise may be looked up, a row never
    assert many <= most


def test_the_list_asks_as_much_for_fifty_as_for_one(desk: Client, known: Customer) -> None:
    few = asked(desk, "/customers/")
    for i in range(60):
        make_customer(f"Person {i}", email=f"p{i}@example.org", organization=known.organization)
    assert asked(desk, "/customers/") == few <= 7


# --- merging


@pytest.fixture
def twin(billing: Queue, known: Customer) -> Customer:
    twin = make_customer("C. Jensen", email="carl@work.example")
    make_case(billing, "Again", customer=twin)
    return twin


def test_a_rep_looks_merges_and_takes_it_back(desk: Client, known: Customer, twin: Customer) -> None:
    own = f"/customers/{known.pk}/"
    assert "C. Jensen" in page(desk, f"{own}merges/?q=jens")
    looked = page(desk, f"{own}merges/?other={twin.pk}")
    assert "1 contact points" in looked
    assert "1 cases" in looked
    assert not Merge.objects.exists()
    assert desk.post(f"{own}merges/", {"gone": twin.pk})["Location"] == own
    made = Merge.objects.get()
    assert ContactPoint.objects.get(value="carl@work.example").customer == known
    assert f"/customers/merges/{made.pk}/undoing/" in page(desk, f"{own}panels/merges/")
    assert desk.post(f"/customers/merges/{made.pk}/undoing/")["Location"] == own
    assert ContactPoint.objects.get(value="carl@work.example").customer == twin


def test_an_impatient_second_click_is_quiet(desk: Client, known: Customer, twin: Customer) -> None:
    own = f"/customers/{known.pk}/"
    assert [desk.post(f"{own}merges/", {"gone": twin.pk})["Location"] for _ in range(2)] == [own, own]
    assert Merge.objects.count() == 1


def test_the_same_record_or_nonsense_is_refused(desk: Client, known: Customer) -> None:
    path = f"/customers/{known.pk}/merges/"
    answer = desk.post(path, {"gone": known.pk}, follow=True)
    assert "Choose another customer" in answer.content.decode()
    for gone in ("", "x", "²", "9" * 30):
        assert desk.post(path, {"gone": gone}).status_code == 404
    assert not Merge.objects.exists()


def test_an_executive_merges_and_undoes_nothing(sitting: Client, known: Customer, twin: Customer) -> None:
    assert sitting.get(f"/customers/{known.pk}/merges/").status_code == 403
    assert sitting.post(f"/customers/{known.pk}/merges/", {"gone": twin.pk}).status_code == 403
    assert not Merge.objects.exists()
    made = merge(known, twin, by=None)
    assert sitting.post(f"/customers/merges/{made.pk}/undoing/").status_code == 403
    made.refresh_from_db()
    assert made.undone_at is None


# --- changing


def test_a_rep_edits_who_somebody_is(desk: Client, known: Customer, ana: User) -> None:
    path = f"/customers/{known.pk}/profile/"
    known.refresh_from_db()
    posted = {"version": known.version, "name": "Karl Jensen", "language": "de", "tz": "Europe/Berlin", "country": "de"}
    assert desk.post(path, posted).status_code == 302
    known.refresh_from_db()
    assert (known.name, known.country, known.tz) == ("Karl Jensen", "DE", "Europe/Berlin")
    assert list(Customer.objects.named_like("karl")) == [known]
    event = Event.objects.get(kind="edited")
    assert event.actor == ana
    assert "Karl" not in str(event.data)


def test_two_who_edit_at_once_lose_no_words(desk: Client, known: Customer, ana: User) -> None:
    path = f"/customers/{known.pk}/profile/"
    known.refresh_from_db()
    base = {"version": known.version, "language": "en", "tz": "Asia/Tokyo", "name": "Carl Jensen"}
    desk.post(path, {**base, "cue": "First words", "city": "Osaka", "tier": "gold", "pronunciation": "YEN-sen"})
    answer = desk.post(path, {**base, "cue": "Second words", "city": "Osaka"})
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "First words" in html
    assert "Second words" in html
    known.refresh_from_db()
    assert known.cue == "First words"


def test_bad_input_to_the_profile_says_what_to_do(desk: Client, known: Customer) -> None:
    answer = desk.post(f"/customers/{known.pk}/profile/", {"version": 1, "name": "x", "country": "Denmark"})
    assert answer.status_code == 422
    known.refresh_from_db()
    assert known.name == "Carl Jensen"


def test_a_rep_adds_verifies_and_ends_an_address(desk: Client, known: Customer) -> None:
    htmx = {"HX-Request": "true"}
    add = f"/customers/{known.pk}/contact-points/"
    html = desk.post(add, {"kind": "phone", "value": "020 7946 0777"}, headers=htmx).content.decode()
    assert "020 7946 0777" in html
    point = ContactPoint.objects.get(value="+442079460777")
    assert not point.is_verified
    desk.post(f"/customers/contact-points/{point.pk}/verification/", headers=htmx)
    point.refresh_from_db()
    assert point.is_verified
    desk.post(f"/customers/contact-points/{point.pk}/ending/", headers=htmx)
    point.refresh_from_db()
    assert point.ended_at is not None
    kinds = Event.objects.filter(stream="customer").values_list("kind", flat=True)
    assert {"contact_points_added", "contact_point_verified", "contact_point_ended"} <= set(kinds)


def test_an_address_of_somebody_else_names_them_and_stays_theirs(desk: Client, known: Customer) -> None:
    other = make_customer("Ola Nord", email="ola@example.org")
    path, htmx = f"/customers/{known.pk}/contact-points/", {"HX-Request": "true"}
    html = desk.post(path, {"kind": "email", "value": "OLA@example.org"}, headers=htmx).content.decode()
    assert "Ola Nord" in html
    assert f"?other={other.pk}" in html
    assert ContactPoint.objects.get(value="ola@example.org").customer == other
    bad = desk.post(path, {"kind": "email", "value": "nonsense"}, headers=htmx).content.decode()
    assert "name@example.org" in bad


def test_a_rep_writes_down_what_they_agreed_to(desk: Client, known: Customer, ana: User) -> None:
    path = f"/customers/{known.pk}/consents/"
    desk.post(path, {"purpose": "advice", "channel": "phone", "granted": "yes", "wording": "Do ring me"})
    assert consent.state(known, "advice", "phone", timezone.now()) is True
    assert known.consents.get(purpose="advice").source == "rep"
    count = known.consents.count()
    desk.post(path, {"purpose": "world", "channel": "phone", "granted": "yes"})
    assert known.consents.count() == count


@pytest.mark.parametrize(
    "post",
    [
        lambda c, known: c.post(f"/customers/{known.pk}/profile/", {"name": "Mine"}),
        lambda c, known: c.post(f"/customers/{known.pk}/contact-points/", {"kind": "email", "value": "m@example.org"}),
        lambda c, known: c.post(f"/customers/{known.pk}/consents/", {"purpose": "advice", "channel": "any", "granted": "yes"}),
        lambda c, known: c.post(f"/customers/contact-points/{known.contact_points.first().pk}/ending/"),
        lambda c, known: c.post(f"/customers/contact-points/{known.contact_points.first().pk}/verification/"),
    ],
)  # fmt: skip
def test_an_executive_changes_nothing(sitting: Client, known: Customer, post: Callable[..., Any]) -> None:
    before = Event.objects.count()
    assert post(sitting, known).status_code == 403
    assert Event.objects.count() == before
    known.refresh_from_db()
    assert known.name == "Carl Jensen"
    assert known.contact_points.filter(ended_at=None, verified_at=None).count() == 2
