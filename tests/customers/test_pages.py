"""The customers' pages: what they show, to whom, and at what cost."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import Queue
from crm.hooks import is_ours
from crm.models import User
from customers import consent
from customers.hooks import Entry, customer_access
from customers.hooks import timeline as timeline_hook
from customers.merging import merge
from customers.models import ContactPoint, Customer, Order, Product, Subscription
from customers.views import doors
from tests.builders import make_case, make_customer, make_message, make_user
from tests.customers.pages import SECTIONS, page, parts, signed_in

ADDRESSES = ["carl@example.org", "2079460123"]
PAYMENT = ["42.9", "17.5"]


@pytest.fixture(autouse=True)
def ours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As most houses are: no plugin says who may open whom (elsewhere in these tests one does)."""
    ours = [fill for fill in customer_access._fills if is_ours(fill[1])]
    monkeypatch.setattr(customer_access, "_fills", ours)


@pytest.mark.parametrize("who", ["ana", "ben", "sue", "eve", "root", "nell"])
def test_the_question_written_once_sees_whom_the_door_sees(
    known: Customer, cast: SimpleNamespace, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.nell = make_user("Nell New")
    gone, erased = make_customer("Gone"), make_customer("Erased", erased_at=timezone.now())
    merge(known, gone, by=None)
    user, every = getattr(cast, who), [known.pk, gone.pk, erased.pk, 0]
    found = [doors._found(user, pk) for pk in every]
    monkeypatch.setattr(doors, "is_ours", lambda _name: False)
    asked = [doors._found(user, pk) for pk in every]
    assert found == asked
    told = [vars(one) for one in found if one]
    assert [{k: v for k, v in one.items() if k != "_state"} for one in told] == [
        {k: v for k, v in vars(one).items() if k != "_state"} for one in asked if one
    ]


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
    hour = timezone.now().astimezone(ZoneInfo("Asia/Tokyo")).strftime("%H:")
    assert hour in page(desk, f"/customers/{known.pk}/card/")
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
