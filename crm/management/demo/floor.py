"""The floor at this moment: who is there, what arrives just now, what a lead says over a shoulder, what waits for a lead."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random

from cases import conversation, tasks, whispering
from cases.intake import open_case
from cases.models import Case, Presence, PresenceReason, Remedy, ServicePolicy
from cases.remedies import granting
from crm.management.demo import letters
from crm.management.demo.company import Company
from crm.management.demo.people import STAFF
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
# tag → policy, what the rep said of the case, and why like cases may have got less or more
WAITING = {
    "no connection": ("The line was down", {"impact": "hard", "days": "3"}, Remedy.Why.HARDER),
    "double debit": ("Charged twice", {"amount": "49.90"}, Remedy.Why.REPEATED),
}
SHOULDER = "They had to ask twice, and they are right. Give them the month, I cover it."


def open_up(company: Company, rng: Random, now: datetime) -> None:
    _people(company.users)
    _arrivals(company, rng, now)
    _over_a_shoulder(company.users, now)
    _due_soon(company.users["rosa"], now)
    _ask_a_lead(company, now)


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


def _ask_a_lead(company: Company, now: datetime) -> None:
    """More than a rep may give by themselves: one of each policy waits for who leads the queue."""
    reps = [company.users[colleague.username] for colleague in STAFF if colleague.queue_role == "rep"]
    for tag, (name, given, why) in WAITING.items():
        policy = ServicePolicy.objects.get(name=name)
        with_reps = Case.objects.active().filter(queue__in=company.queues.values(), assignee__in=reps)
        found = with_reps.filter(tags__contains=[tag]).exclude(customer=None)
        case = found.select_related("assignee").order_by("-opened_at", "-pk").first()
        if case and case.assignee:
            wish = granting.Wish(given=given, key=uuid.uuid4(), reason=why)
            granting.propose(case, policy, wish, by=case.assignee, at=now - timedelta(minutes=3))
