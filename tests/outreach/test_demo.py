"""The demo company's offers, each asked for in a talk where every gate is open, by a customer it is meant for."""

import random
from collections.abc import Iterator

import pytest
from django.utils import timezone

from cases import conversation, feelings
from cases.models import Case, Message, Queue
from crm.management.demo import customers, offers
from crm.models import User
from customers import consent
from customers.models import Customer, Subscription
from outreach import deciding, qualifying
from outreach.models import Offer
from tests.builders import make_case


@pytest.fixture
def brightwave(billing: Queue, ana: User, sue: User) -> Iterator[Queue]:
    """Its people, what they have, and its offers."""
    customers.populate(400, random.Random(7), timezone.now())
    offers.publish(sue)
    return billing


def _talk(queue: Queue, customer: Customer, rep: User, words: str, agreed: str) -> Case:
    """They said this, were glad of the answer, and agreed to hear about offers, or only to be asked."""
    case = make_case(queue, customer=customer, assignee=rep)
    sender = customer.contact_points.filter(kind="email").get()
    conversation.add_inbound(case, text=words, sender=sender, channel="web", at=timezone.now())
    for purpose in ("marketing", "research"):
        consent.record(customer, purpose, "any", granted=purpose == agreed, source="rep", by=rep)
    said: Message = feelings.words_of(case).latest("at", "id")
    feelings.mark(said, "good", by=rep)
    case.refresh_from_db()
    case.mark_need_met(by=rep, how="customer_said")
    return case


def _best(queue: Queue, rep: User, offer: Offer) -> list[str]:
    """What is offered to three customers this offer is meant for, who ask for just that."""
    version = offer.current
    assert version is not None
    meant = list(qualifying.who(version.eligibility, at=timezone.now()).order_by("pk")[:3])
    assert meant, offer.key
    word = version.need_tags[0] if version.need_tags else "thanks"
    agreed = "research" if version.question else "marketing"
    found = []
    for customer in meant:
        talk = _talk(queue, customer, rep, f"It is about {word}.", agreed)
        best = deciding.look(talk, timezone.now()).verdict.best
        found.append(best.offer.key if best else "")
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("key", sorted(set(offers.OFFERS) - set(offers.NEVER)))
def test_each_offer_surfaces_for_somebody_who_asks_for_it(brightwave: Queue, ana: User, key: str) -> None:
    assert key in _best(brightwave, ana, Offer.objects.get(key=key))


@pytest.mark.django_db
@pytest.mark.parametrize("key", offers.NEVER)
def test_two_never_surface_whoever_asks(brightwave: Queue, ana: User, key: str) -> None:
    assert key not in _best(brightwave, ana, Offer.objects.get(key=key))


@pytest.mark.django_db
def test_one_router_in_twenty_five_has_the_faulty_update(brightwave: Queue) -> None:
    device, version = customers.FAULTY
    routers = Subscription.objects.exclude(device="")
    assert routers.filter(device=device, version=version).count() == round(routers.count() * customers.FAULTY_SHARE)
