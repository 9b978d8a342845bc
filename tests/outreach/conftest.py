"""A talk in which everything is open: the customer has what they came for, is glad, and agreed to hear about offers."""

from decimal import Decimal
from typing import Any

import pytest

from cases import feelings
from cases.models import Case, Queue
from crm.models import User
from customers import consent
from customers.models import Customer, Product, Subscription
from outreach.hooks import Terms
from outreach.models import Offer
from tests.builders import make_question

TERMS: dict[str, Any] = {
    "what": "Fibre 500 for the price of Fibre 100",
    "benefit": "Five times the speed, nothing more to pay",
    "why": "You said: “{words}”",
    "gain": Decimal(60),
    "need_tags": ("refund",),
}


def make_offer(key: str = "fibre-500", *, by: User | None = None, **terms: Any) -> Offer:
    """An offer for whoever asks for a refund, unless the terms say otherwise."""
    offer, _fresh = Offer.objects.get_or_create(key=key, defaults={"name": key.replace("-", " ").title()})
    offer.publish(Terms(**TERMS | terms), by=by)
    return offer


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    """Carl asked where his refund is, Ana has the case."""
    case = make_question(billing, carl, ana)
    message = case.messages.get()
    message.text = "Hello. Where is my refund? The line is slow too."
    message.save(update_fields=["text"])
    product = Product.objects.create(name="Fibre", kind="broadband")
    Subscription.objects.create(customer=carl, product=product, plan="Fibre 100", price=Decimal("29.90"))
    return case


def open_gates(case: Case, by: User) -> None:
    """Everything a rep and a customer do until something may be offered."""
    assert case.customer is not None
    consent.record(case.customer, "marketing", "any", granted=True, source="rep", by=by)
    feelings.mark(newest_words(case), "good", by=by)
    case.refresh_from_db()
    case.mark_need_met(by=by, how="customer_said")


def newest_words(case: Case) -> Any:
    return feelings.words_of(case).select_related("case").latest("at", "id")
