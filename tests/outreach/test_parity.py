"""Existing customers first: no public offer is active without a twin at least as good, whoever writes, in whatever order."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.models import User
from outreach import parity
from outreach.hooks import Terms
from outreach.models import Offer, PublicOffer
from tests.api import Caller
from tests.outreach.conftest import TERMS, make_offer
from tests.racing import outcomes

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=60)


def twin(key: str = "twin", **terms: Any) -> Offer:
    offer = make_offer(key, **{"price": Decimal(20), **terms})
    Offer.objects.filter(pk=offer.pk).update(created_at=LONG_AGO)
    offer.refresh_from_db()
    return offer


def public(offer: Offer | None, **fields: Any) -> PublicOffer:
    told = {"price": Decimal(20), "valid_from": NOW, "is_active": True, "name": "Spring", "lead_days": 14, **fields}
    return PublicOffer(twin=offer, **told)


def settle() -> None:
    """What happens at the end of a transaction, now."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def refused(do: Callable[[], Any]) -> None:
    with pytest.raises(DatabaseError, match="twin"), transaction.atomic():
        do()
        settle()


# --- the arithmetic


@pytest.mark.parametrize(
    ("price", "months", "gifts", "fees", "told"),
    [
        ("20", 1, "0", "0", "20"),
        ("20", 12, "0", "0", "20"),
        ("20", 12, "60", "0", "15"),  # a voucher of 60 over a year
        ("20", 24, "120", "48", "17"),
        ("0", 6, "30", "0", "-5"),
    ],
)
def test_what_a_month_costs_with_gifts_and_fees(price: str, months: int, gifts: str, fees: str, told: str) -> None:
    assert parity.effective(Decimal(price), months, Decimal(gifts), Decimal(fees)) == Decimal(told)


# --- the rules, in words and in the database

WORSE: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("dearer", {"price": Decimal(21)}, {}),
    ("dearer", {}, {"gifts": Decimal("0.01")}),
    ("dearer", {"fees": Decimal(1)}, {}),
    ("dearer", {"months": 12, "gifts": Decimal(50)}, {"months": 12, "gifts": Decimal(60)}),
    ("currency", {"currency": "EUR"}, {}),
    ("not_for_all", {"eligibility": {"fact": "case_count", "op": "at_least", "value": 1}}, {}),
    ("stock", {"stock": 100}, {}),
    ("too_late", {"valid_from": NOW - timedelta(days=13)}, {}),
    ("ends_early", {"valid_until": NOW + timedelta(days=5)}, {"valid_until": NOW + timedelta(days=6)}),
    ("ends_early", {"valid_until": NOW + timedelta(days=5)}, {}),
    ("less", {"extras": {"data GB": 10}}, {"extras": {"data GB": 20}}),
    ("less", {}, {"extras": {"support hours": 1}}),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("word", "terms", "fields"), WORSE)
def test_a_twin_that_is_worse_is_none_by_sql_and_in_words(
    word: str, terms: dict[str, Any], fields: dict[str, Any]
) -> None:
    row = public(twin(**terms), **fields)
    assert word in list(parity.breaches(row))
    refused(row.save)
    row.is_active = False
    row.save()
    settle()
    refused(lambda: PublicOffer.objects.update(is_active=True))


@pytest.mark.django_db
def test_without_a_twin_or_with_one_that_is_not_offered_nothing_is_active() -> None:
    refused(public(None).save)
    gone = twin()
    gone.describe(is_active=False)
    assert list(parity.breaches(public(gone))) == ["no_twin"]
    refused(public(gone).save)


@pytest.mark.django_db
def test_a_twin_as_good_or_better_holds() -> None:
    public(twin()).save()
    public(twin("b", price=Decimal(12), months=12, extras={"data GB": 30}), extras={"data GB": 20}, name="B").save()
    settle()
    assert PublicOffer.objects.filter(is_active=True).count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(("word", "terms", "fields"), WORSE)
def test_a_twin_cannot_become_worse_while_it_is_needed(
    word: str, terms: dict[str, Any], fields: dict[str, Any]
) -> None:
    """Not by a new version, not by SQL."""
    good = {name: value for name, value in fields.items() if name == "extras"}
    offer = twin(extras=good.get("extras", {}), gifts=fields.get("gifts", 0), months=fields.get("months", 1))
    public(offer, **fields).save()
    settle()
    worse = Terms(**{**TERMS, "price": Decimal(20), **terms})
    with pytest.raises(ValidationError), transaction.atomic():
        offer.publish(worse)
    offer.refresh_from_db()

    def past_the_verb() -> None:
        kept = {name: getattr(worse, name) for name in Terms.__dataclass_fields__} | {"need_tags": ["refund"]}
        version = offer.versions.create(number=99, **kept)
        Offer.objects.filter(pk=offer.pk).update(current=version)

    refused(past_the_verb)


@pytest.mark.django_db
def test_a_twin_cannot_be_taken_away_while_it_is_needed() -> None:
    offer = twin()
    public(offer).save()
    settle()
    with pytest.raises(ValidationError, match="Spring"), transaction.atomic():
        offer.describe(is_active=False)
    refused(lambda: Offer.objects.filter(pk=offer.pk).update(is_active=False))
    refused(lambda: Offer.objects.filter(pk=offer.pk).update(current=None))
    PublicOffer.objects.update(is_active=False)
    settle()
    offer.refresh_from_db()
    offer.describe(is_active=False)
    settle()


@pytest.mark.django_db
def test_both_sides_may_change_in_one_transaction_in_any_order() -> None:
    offer = twin()
    public(offer).save()
    settle()
    with transaction.atomic():
        PublicOffer.objects.update(price=Decimal(10))
        offer.publish(Terms(**{**TERMS, "price": Decimal(10)}))
    settle()
    assert list(parity.breaches(PublicOffer.objects.get())) == []


amounts = st.decimals(0, 100, places=2)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    theirs=st.tuples(amounts, st.integers(1, 24), amounts, amounts),
    ours=st.tuples(amounts, st.integers(1, 24), amounts, amounts),
    more=st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 3)),
    less=st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 3)),
    lead=st.integers(0, 90),
)
def test_the_words_and_the_database_agree(theirs: Any, ours: Any, more: Any, less: Any, lead: int) -> None:
    with transaction.atomic():
        fields = dict(zip(("price", "months", "gifts", "fees"), theirs, strict=True))
        terms = dict(zip(("price", "months", "gifts", "fees"), ours, strict=True))
        row = public(twin(**terms, extras=more), **fields, extras=less, lead_days=lead)
        told = list(parity.breaches(row))
        try:
            with transaction.atomic():
                row.save()
                settle()
        except DatabaseError:
            assert told
        else:
            assert not told
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_of_who_worsens_the_twin_and_who_opens_to_the_public_one_is_refused() -> None:
    for _round in range(5):
        offer = twin(f"twin-{_round}")
        row = public(offer, is_active=False, name=f"P{_round}")
        row.save()

        def one(side: int, row: PublicOffer = row, offer: Offer = offer) -> None:
            with transaction.atomic():
                if side:
                    Offer.objects.get(pk=offer.pk).publish(Terms(**{**TERMS, "price": Decimal(90)}))
                else:
                    PublicOffer.objects.filter(pk=row.pk).update(is_active=True)

        failures = [found for found in outcomes(2, one) if found is not None]
        assert len(failures) == 1
        row.refresh_from_db()
        row.twin.refresh_from_db()  # type: ignore[union-attr]
        assert not row.is_active or list(parity.breaches(PublicOffer.objects.get(pk=row.pk))) == []


# --- as its users meet it


@pytest.mark.django_db
def test_the_attestation_names_every_pair_and_carries_its_digest(root: User) -> None:
    public(twin(), extras={}).save()
    public(twin("other", price=Decimal(5)), name="Autumn", is_active=False).save()
    settle()
    told = Caller(root).get("offers/parity/").json()  # type: ignore[attr-defined]
    assert (told["checked"], told["violations"]) == (1, 0)
    assert told["pairs"][0]["twin_effective_price"] == "20.0000"
    assert len(told["sha256"]) == 64
    assert parity.attestation(NOW)["sha256"] == parity.attestation(NOW)["sha256"]
    assert parity.attestation(NOW)["sha256"] != parity.attestation(NOW + timedelta(seconds=1))["sha256"]


@pytest.mark.django_db
def test_over_the_api_a_fault_is_told_in_words(root: User) -> None:
    script = Caller(root)
    offer = twin(price=Decimal(30))
    body = {"name": "Spring", "price": "20", "twin": offer.pk, "valid_from": NOW.isoformat(), "is_active": True}
    answer = script.post("offers/public/", body)
    assert answer.status_code == 400
    assert "costs existing customers more" in answer.content.decode()
    made = script.post("offers/public/", {**body, "price": "30"})
    assert made.status_code == 201, made.content
    pk = made.json()["id"]  # type: ignore[attr-defined]
    assert script.patch(f"offers/public/{pk}/", {"gifts": "5"}).status_code == 400
    assert script.patch(f"offers/public/{pk}/", {"twin": 0}).status_code == 400
    assert script.patch(f"offers/public/{pk}/", {"price": "35"}).json()["price"] == "35.0000"  # type: ignore[attr-defined]
    terms = {"what": "x", "benefit": "y", "why": "{words}", "gain": "5", "need_tags": ["refund"]}
    worse = script.patch(f"offers/{offer.pk}/", {**terms, "price": "50"}, if_match="*")
    assert worse.status_code == 400, worse.content
    assert "Spring" in worse.content.decode()


@pytest.mark.django_db
def test_in_the_admin_a_fault_stands_beside_the_twin_and_the_proof_is_a_file(
    client: Client, sue: User, billing: Any
) -> None:
    client.force_login(sue)
    offer = twin(price=Decimal(30))
    form = {
        "name": "Spring", "where": "", "twin": str(offer.pk), "price": "20", "months": "1", "gifts": "0", "fees": "0",
        "currency": "gbp", "extras": "data GB: 5", "valid_from_0": f"{NOW:%Y-%m-%d}", "valid_from_1": f"{NOW:%H:%M}",
        "valid_until_0": "", "valid_until_1": "", "lead_days": "14", "owner": "", "is_active": "on",
    }  # fmt: skip
    place = "/admin/outreach/publicoffer/"
    page = client.post(f"{place}add/", form)
    assert page.status_code == 200
    assert "costs existing customers more" in page.content.decode()
    assert "gives less of something" in page.content.decode()
    assert client.post(f"{place}add/", {**form, "price": "30", "extras": ""}).status_code == 302
    assert "Save the attestation" in client.get(place).content.decode()
    file = client.get(f"{place}attestation/")
    assert file["Content-Disposition"].startswith("attachment")
    assert file.json()["checked"] == 1
    assert client.post(f"{place}add/", {**form, "extras": "twenty"}).context["adminform"].form.errors["extras"]
