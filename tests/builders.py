"""Plain functions that make what a test needs, with believable defaults."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from cases import conversation, promises
from cases.models import Case, Macro, Message, Promise, Queue, QueueMembership, SavedReply
from crm.models import User
from customers.models import ContactPoint, Customer

_count = itertools.count(1)


def make_user(name: str = "", *, role: str = User.Role.STAFF, **fields: Any) -> User:
    first, _, last = (name or f"Person Number{next(_count)}").partition(" ")
    username = fields.pop("username", first.lower())
    return User.objects.create_user(
        username=username, password="correct horse battery", first_name=first, last_name=last, role=role, **fields
    )


# username → name and what else they are. A test asks for them by the fixtures of tests/conftest.py.
CAST: dict[str, tuple[str, dict[str, Any]]] = {
    "ana": ("Ana Lind", {}),
    "lee": ("Lee Hart", {}),
    "ben": ("Ben Osei", {}),
    "sue": ("Sue Park", {"role": User.Role.SUPERVISOR, "is_staff": True}),
    "eve": ("Eve Moreau", {"role": User.Role.EXECUTIVE}),
    "root": ("Root Admin", {"role": User.Role.ADMINISTRATOR, "is_staff": True, "is_superuser": True}),
}


def make_one_of_the_cast(username: str) -> User:
    name, fields = CAST[username]
    return make_user(name, username=username, **fields)


def make_carl() -> Customer:
    return make_customer("Carl Jensen", email="carl@example.org", phone="+442079460123")


def make_billing(ana: User, lee: User, sue: User) -> Queue:
    queue = make_queue("Billing", reps=[ana, lee])
    QueueMembership.objects.create(queue=queue, user=sue, role=QueueMembership.Role.SUPERVISOR)
    return queue


def make_queue(
    name: str = "", *, reps: list[User] | None = None, leads: list[User] | None = None, **fields: Any
) -> Queue:
    queue = Queue.objects.create(name=name or f"Queue {next(_count)}", **fields)
    for user in reps or []:
        QueueMembership.objects.create(queue=queue, user=user, role="rep")
    for user in leads or []:
        QueueMembership.objects.create(queue=queue, user=user, role="lead")
    return queue


def make_customer(name: str = "Ana Torres", *, email: str = "", phone: str = "", **fields: Any) -> Customer:
    customer = Customer.objects.create(name=name, **fields)
    if email:
        ContactPoint.objects.create(customer=customer, kind="email", value=email.lower(), display=email)
    if phone:
        ContactPoint.objects.create(customer=customer, kind="phone", value=phone, display=phone)
    return customer


def make_case(queue: Queue, subject: str = "Double charge on April invoice", **fields: Any) -> Case:
    if "customer" not in fields:
        fields["customer"] = make_customer()
    case = Case.objects.create(queue=queue, subject=subject, **fields)
    case.refresh_from_db()
    return case


def make_message(
    case: Case,
    text: str = "You took it twice.",
    *,
    direction: str = "inbound",
    at: datetime | None = None,
    **fields: Any,
) -> Message:
    if at:
        fields["at"] = at
    return Message.objects.create(case=case, direction=direction, text=text, **fields)


def make_question(queue: Queue, customer: Customer, assignee: User) -> Case:
    """A case in somebody's hands to which its customer has just written, by mail. Its queue acknowledges nothing: what
    leaves is what people write."""
    queue.acknowledges = False
    queue.save(update_fields=["acknowledges"])
    case = make_case(queue, "Where is my refund?", customer=customer, channel="mail", assignee=assignee)
    sender = customer.contact_points.get(kind="email")
    conversation.add_inbound(case, text="Well?", sender=sender, channel="mail", at=timezone.now())
    return case


def make_promise(case: Case, owner: User) -> Promise:
    """Due in two hours."""
    now = timezone.now()
    return promises.make(case, what="The refund", due_at=now + timedelta(hours=2), owner=owner, made_by=None, at=now)


def make_saved_reply(
    title: str, text: str = "", *, queues: list[Queue] | None = None, texts: dict[str, str] | None = None, **fields: Any
) -> SavedReply:
    """One of a person (`owner`), of queues, or of the house."""
    reply = SavedReply.objects.create(**fields)
    reply.queues.set(queues or [])
    reply.publish(title=title, texts=texts or {"en": text})
    return reply


def make_macro(
    title: str,
    steps: list[dict[str, Any]],
    *,
    queues: list[Queue] | None = None,
    opens_next: str = "stay",
    **fields: Any,
) -> Macro:
    """For cases of these queues, or of every one."""
    macro = Macro.objects.create(**fields)
    macro.queues.set(queues or [])
    macro.publish(title=title, steps=steps, opens_next=opens_next)
    return macro
