"""What people change about a customer, and who may."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases.models import Queue
from crm.models import Event, User
from customers import consent
from customers.merging import merge
from customers.models import ContactPoint, Customer, Merge
from tests.builders import make_case, make_customer
from tests.customers.pages import page

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
