"""What we may write to somebody about: by signed link, at once, and only when they post."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from crm.models import Event
from crm.secrets import sign
from customers import consent, preferences
from customers.merging import merge
from customers.models import Consent, Customer
from tests.builders import make_customer
from tests.racing import outcomes


def path(customer: Customer, purpose: str = "") -> str:
    """The page's address without the house."""
    return "/" + preferences.link(customer, purpose=purpose).split("/", 3)[3]


def says(customer: Customer, purpose: str, channel: str = "mail") -> bool | None:
    return consent.state(customer, purpose, channel, timezone.now())


def test_opening_the_link_changes_nothing_and_names_nobody(client: Client, carl: Customer) -> None:
    consent.record(carl, "marketing", "mail", granted=True, source="rep")
    before = Consent.objects.count(), Event.objects.count()
    for method in (client.get, client.head):
        answer = method(path(carl) + "?nothing=1&List-Unsubscribe=One-Click")
        assert answer.status_code == 200
        assert "no-store" in answer["Cache-Control"]
        assert answer["Referrer-Policy"] == "no-referrer"
    html = client.get(path(carl)).content.decode()
    assert "Carl" not in html
    assert "carl@example.org" not in html
    assert html.count(" checked") == 1
    assert (Consent.objects.count(), Event.objects.count()) == before


def test_saving_writes_what_differs_with_the_wording_shown(client: Client, carl: Customer) -> None:
    answer = client.post(path(carl), {"research.mail": "on"})
    assert answer["Location"].endswith("?saved=1")
    (row,) = Consent.objects.all()
    assert (row.purpose, row.channel, row.granted, row.source) == ("research", "mail", True, "preference_page")
    assert row.wording == "Ask me to take part in surveys and trials."
    assert Event.objects.get(kind="consent_recorded").via == "customer"
    client.post(path(carl), {"research.mail": "on"})
    assert Consent.objects.count() == 1
    client.post(path(carl), {})
    assert says(carl, "research") is False


def test_the_page_speaks_the_customers_language(client: Client, carl: Customer) -> None:
    Customer.objects.update(language="tlh")
    assert client.get(path(carl)).status_code == 200


def test_one_button_stops_everything_but_service(client: Client, carl: Customer) -> None:
    for purpose in Consent.Purpose.values:
        consent.record(carl, purpose, "any", granted=True, source="import")
    client.post(path(carl), {"nothing": "1", "marketing.mail": "on"})
    assert {p: says(carl, p) for p in Consent.Purpose.values} == {
        "service": True, "advice": False, "marketing": False, "research": False,
    }  # fmt: skip


def test_one_click_of_a_mail_program_stops_what_the_link_is_for(carl: Customer) -> None:
    for purpose in ("marketing", "advice"):
        consent.record(carl, purpose, "mail", granted=True, source="rep")
    robot = Client(enforce_csrf_checks=True)  # no session, no cookie, no token: RFC 8058
    answer = robot.post(path(carl, "marketing"), {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert (says(carl, "marketing"), says(carl, "advice")) == (False, True)
    assert Consent.objects.latest("pk").source == "unsubscribe"
    robot.post(path(carl), {"List-Unsubscribe": "One-Click"})
    assert says(carl, "advice") is False


def test_a_withdrawal_counts_at_once_and_against_every_channel(client: Client, carl: Customer) -> None:
    consent.record(carl, "marketing", "mail", granted=True, source="rep")
    client.post(path(carl), {"nothing": "1"})
    for channel in (*consent.CHANNELS, "pigeon"):
        assert says(carl, "marketing", channel) is False


def test_the_link_of_a_merged_customer_speaks_for_who_they_are_now(client: Client, carl: Customer) -> None:
    twin = make_customer("C. Jensen")
    link = path(twin)
    merge(carl, twin, by=None)
    client.post(link, {"nothing": "1"})
    assert says(carl, "marketing") is False


def test_a_bent_foreign_or_erased_link_opens_nothing(client: Client, carl: Customer) -> None:
    good = path(carl)
    foreign = sign([carl.pk, ""], purpose="contact form")
    for bent in (good[:-3] + "/", "/preferences/x/", f"/preferences/{carl.pk}/", f"/preferences/{foreign}/"):
        assert client.get(bent).status_code == 404
        assert client.post(bent, {"nothing": "1"}).status_code == 404
    Customer.objects.update(erased_at=timezone.now())
    assert client.post(good, {"nothing": "1"}).status_code == 404
    assert not Consent.objects.exists()


def test_agreeing_all_day_is_held_up_and_refusing_never(
    client: Client, carl: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preferences, "CHANGES_AN_HOUR", 2)
    for _time in range(2):
        assert client.post(path(carl), {"marketing.mail": "on", "research.mail": "on"}).status_code == 302
        assert client.post(path(carl), {"research.mail": "on"}).status_code == 302
    answer = client.post(path(carl), {"marketing.mail": "on"})  # one yes too many, and a no
    assert answer.status_code == 429
    assert (says(carl, "marketing"), says(carl, "research")) == (False, False)


# --- the record


def test_the_newest_statement_for_the_channel_or_for_any_counts(carl: Customer) -> None:
    now = timezone.now()
    assert says(carl, "marketing") is None
    consent.record(carl, "marketing", "mail", granted=True, source="rep", at=now - timedelta(days=3))
    consent.record(carl, "marketing", "any", granted=False, source="rep", at=now - timedelta(days=2))
    assert (says(carl, "marketing"), says(carl, "marketing", "sms")) == (False, False)
    consent.record(carl, "marketing", "sms", granted=True, source="rep", at=now - timedelta(days=1))
    assert (says(carl, "marketing"), says(carl, "marketing", "sms")) == (False, True)
    assert consent.state(carl, "marketing", "mail", now - timedelta(days=2, hours=1)) is True
    assert consent.state(carl, "marketing", "mail", now - timedelta(days=4)) is None


def test_the_same_statement_again_is_quiet_and_an_unknown_purpose_is_refused(carl: Customer) -> None:
    first = consent.record(carl, "advice", "mail", granted=True, source="rep")
    assert consent.record(carl, "advice", "mail", granted=True, source="rep") == first
    assert Event.objects.filter(kind="consent_recorded").count() == 1
    with pytest.raises(ValueError, match="unknown purpose"):
        consent.record(carl, "world_domination", "mail", granted=True, source="rep")


@pytest.mark.django_db(transaction=True)
def test_a_storm_of_the_same_click_is_one_statement() -> None:
    customer = make_customer("Storm")

    def click(_i: int) -> None:
        consent.withdraw(customer, ["marketing"], source="preference_page")

    assert outcomes(8, click) == [None] * 8
    assert Consent.objects.count() == Event.objects.count() == 1
