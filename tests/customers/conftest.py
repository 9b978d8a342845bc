"""Carl as a company knows him, and the people at its desks."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cases.models import Queue
from crm.models import User
from customers import consent
from customers.models import Customer, Order, Organization, Product, Subscription
from tests.builders import make_case, make_message
from tests.customers.pages import signed_in


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
