"""One click out (RFC 8058): a POST of the one word acts at once; everything else that follows the link changes nothing."""

import pytest
from django.test import Client
from django.utils import timezone

from customers import consent, merging, unsubscribe
from customers.models import Consent, Customer, Suppression
from tests.builders import make_customer

pytestmark = pytest.mark.django_db
WORD = {"List-Unsubscribe": "One-Click"}


def path(customer: Customer, purpose: str = "service") -> str:
    point = customer.contact_points.get(kind="email")
    return "/" + unsubscribe.link(customer.pk, point.pk, purpose).split("/", 3)[3]


def refused(customer: Customer, purpose: str) -> bool:
    return consent.state(customer, purpose, "mail", timezone.now()) is False


def rows() -> tuple[int, int]:
    return Consent.objects.count(), Suppression.objects.count()


def test_one_click_without_a_session_stops_that_purpose_for_person_and_address(carl: Customer) -> None:
    consent.record(carl, "service", "mail", True, source="rep")
    answer = Client(enforce_csrf_checks=True).post(path(carl), WORD)
    assert answer.status_code == 200
    assert refused(carl, "service")
    assert not refused(carl, "marketing")
    assert Consent.objects.latest("pk").source == "unsubscribe"
    row = Suppression.objects.get()
    assert (row.kind, row.value, row.purpose, row.reason) == ("email", "carl@example.org", "service", "unsubscribe")


def test_twice_is_once(carl: Customer) -> None:
    client, where = Client(), path(carl)
    client.post(where, WORD)
    told = rows()
    assert client.post(where, WORD).status_code == 200
    assert rows() == told


def test_mail_programs_may_post_it_as_a_form_with_parts(carl: Customer) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    Client().generic("POST", path(carl), body, content_type="multipart/form-data; boundary=x")
    assert refused(carl, "service")


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing(carl: Customer, method: str) -> None:
    before = rows()
    answer = getattr(Client(), method)(path(carl), WORD)
    assert answer.status_code == 200
    assert rows() == before


@pytest.mark.parametrize(
    "body", [{}, {"List-Unsubscribe": "one-click"}, {"List-Unsubscribe": ""}, {**WORD, "also": "this"}, {"x": "y"}]
)
def test_any_other_word_changes_nothing(carl: Customer, body: dict[str, str]) -> None:
    before = rows()
    assert Client().post(path(carl), body).status_code == 200
    assert rows() == before


def test_a_bad_token_gets_the_same_answer_and_changes_nothing(carl: Customer) -> None:
    good = path(carl)
    before = rows()
    for bad in (f"{good[:-2]}x/", "/unsubscribe/nonsense/", good.replace("unsubscribe/", "unsubscribe/x")):
        answer = Client().post(bad, WORD)
        assert answer.status_code == 200, bad
        assert b"Stopped" in answer.content
    assert rows() == before


def test_a_token_of_another_purpose_opens_nothing(carl: Customer) -> None:
    from customers import preferences

    token = preferences.link(carl).split("/")[-2]
    Client().post(f"/unsubscribe/{token}/", WORD)
    assert rows() == (0, 0)


def test_the_page_has_a_button_that_stops_and_the_way_to_the_preferences(carl: Customer) -> None:
    page = Client().get(path(carl)).content.decode()
    assert 'name="List-Unsubscribe" value="One-Click"' in page
    assert "/preferences/" in page
    assert "carl@example.org" not in page
    assert "Carl" not in page


def test_the_page_speaks_the_customers_language(carl: Customer) -> None:
    Customer.objects.filter(pk=carl.pk).update(language="de-AT")
    assert '<html lang="de"' in Client().get(path(carl)).content.decode()


def test_the_link_tells_no_address(carl: Customer) -> None:
    import base64

    payload = path(carl).split("/")[2].split(":")[0]
    assert b"carl" not in base64.urlsafe_b64decode(payload + "==")


def test_a_merged_record_withdraws_for_who_they_are_now(carl: Customer) -> None:
    other = make_customer("C. Jensen", email="cj@example.org")
    where = path(other)
    merging.merge(carl, other, by=None)
    Client().post(where, WORD)
    assert refused(carl, "service")
    assert Suppression.objects.get().value == "cj@example.org"


def test_an_erased_person_is_not_written_about_again(carl: Customer) -> None:
    where = path(carl)
    Customer.objects.filter(pk=carl.pk).update(erased_at=timezone.now())
    assert Client().post(where, WORD).status_code == 200
    assert Consent.objects.count() == 0
    assert Suppression.objects.count() == 1
