"""The floor at this moment: who is there, what arrives just now, what a lead says over a shoulder."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random

from cases import conversation, tasks, whispering
from cases.intake import open_case
from cases.models import Case, Presence, PresenceReason
from crm.management.demo import letters
from crm.management.demo.company import Company
from crm.models import User
from customers.models import Customer

# Nobody has a console open yet. They are as another program said, until one of theirs opens.
THERE = {
    "rosa": "online",
    "lee": "online",
    "dana": "online",
    "omar": "online",
    "tess": "busy",
    "kai": "online",
    "ines": "away",
}
LUNCH = ("joao", "Lunch")
# The rules of the house have something to do as soon as it runs.
ARRIVING = (
    ("Billing", "Charged twice again", "You took 42.10 twice this month. I want my money back, please."),
    ("Billing", "Refund?", "I sent the router back three weeks ago and still wait for the refund."),
    ("Technical", "No internet since noon", "The router blinks red and keeps dropping the line every few minutes."),
)
SHOULDER = "They have been with us since 2016 and rang twice. Give them the month, I cover it."


def open_up(company: Company, rng: Random, now: datetime) -> None:
    _people(company.users)
    _arrivals(company, rng, now)
    _over_a_shoulder(company.users, now)
    _due_soon(company.users["rosa"], now)


def _people(users: Mapping[str, User]) -> None:
    for name, state in THERE.items():
        Presence.objects.of(users[name]).choose(state, by=users[name], via="api")
    name, reason = LUNCH
    Presence.objects.of(users[name]).choose("away", PresenceReason.objects.get(name=reason), by=users[name], via="api")


def _arrivals(company: Company, rng: Random, now: datetime) -> None:
    people = Customer.objects.current().filter(source="demo", language="en").order_by("pk")
    for (name, subject, text), customer in zip(ARRIVING, rng.sample(list(people[:200]), len(ARRIVING)), strict=True):
        case = open_case(
            queue=company.queues[name], customer=customer, subject=subject, channel="mail", at=now, via="channel",
            language="en", source="demo", external_id=f"now-{subject}",
        )  # fmt: skip
        conversation.add_inbound(
            case, text=text, sender=letters.address_of(customer), sender_name=customer.name, channel="mail", at=now
        )


def _of(rep: User, queue: str) -> Case | None:
    """What this person would open first."""
    return Case.objects.active().filter(assignee=rep, queue__name=queue, status="open").in_order().first()


def _over_a_shoulder(users: Mapping[str, User], now: datetime) -> None:
    if case := _of(users["rosa"], "Billing"):
        whispering.say(case, by=users["dana"], text=SHOULDER, at=now - timedelta(minutes=4))


def _due_soon(rep: User, now: datetime) -> None:
    if case := _of(rep, "Billing"):
        tasks.add(case, what="Ring the bank about the second debit", by=rep, due_at=now + timedelta(minutes=40), at=now)
