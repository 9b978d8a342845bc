"""A customer writes, and what has to leave leaves."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from cases import conversation, outward
from cases.intake import open_case
from cases.models import Case, Message, Queue, QueuePace
from customers.models import Customer

SECRET = "My sister's lodger is behind this."


def arrive(queue: Queue, customer: Customer, *, text: str = SECRET, at: datetime | None = None, **fields: Any) -> Case:
    """A mail of this customer that opens a case."""
    at = at or timezone.now()
    fields = {"subject": "Double charge", "channel": "mail", "via": "channel"} | fields
    case = open_case(queue=queue, customer=customer, at=at, **fields)
    write(case, text=text, at=at, via=fields["via"])
    return case


def write(case: Case, *, text: str = "And another thing", at: datetime | None = None, **fields: Any) -> Message:
    assert case.customer
    fields = {"via": "channel", "sender": case.customer.contact_points.filter(kind="email").first()} | fields
    return conversation.add_inbound(case, text=text, channel=case.channel, at=at or timezone.now(), **fields)


def paced(queue: Queue, *, rate: float = 3.0, people: float = 2.0) -> QueuePace:
    usual = {f"{day}:{hour}": people for day in range(7) for hour in range(24)}
    return QueuePace.objects.create(
        queue=queue, overall=rate, usual=usual, people=people, sampled_at=timezone.now(), measured_at=timezone.now()
    )


def verified(customer: Customer) -> Customer:
    customer.contact_points.update(verified_at=timezone.now())
    return customer


def leave(now: datetime | None = None) -> None:
    outward.send_due(now or timezone.now())
