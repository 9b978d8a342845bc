"""Keeps contacts arriving at the demo company: by mail through the door a mailbox uses, and as on the contact form."""

import time
import uuid
from collections.abc import Callable
from random import Random

from django.utils import timezone

from cases import conversation
from cases.intake import open_case, process
from cases.mail import arriving
from cases.models import Case, Queue
from crm.management.demo import letters
from crm.management.demo.history import blanks_for, filled
from crm.management.demo.phrases import FOLLOW_UPS
from crm.management.demo.words import SCENES
from customers.models import Customer

BY_MAIL = 0.6  # of the contacts


def arrive(rng: Random) -> Case | None:
    """One contact: mostly a new case, sometimes a further word in one that waits for its customer."""
    waiting = Case.objects.filter(status="waiting_customer").order_by("?").select_related("customer").first()
    if waiting and rng.random() < 0.35:
        return _further(waiting, rng)
    scene = rng.choice(SCENES)
    customer = Customer.objects.current().filter(language=scene.language, source="demo").order_by("?").first()
    if customer is None:
        raise LookupError("There is no demo company here: run `manage.py demo` first.")
    blanks = blanks_for(scene, customer, rng)
    queue = Queue.objects.get(name=scene.queue)
    subject, text = filled(scene.subject, blanks).capitalize(), filled(scene.turns[0][1], blanks)
    if rng.random() < BY_MAIL and (raw := letters.new(customer, subject, text, at=timezone.now(), rng=rng)):
        return _deliver(raw, queue)
    case = open_case(
        queue=queue, customer=customer, subject=subject,
        channel="web", at=timezone.now(), via="channel", language=scene.language, source="demo", external_id=str(uuid.uuid4()),
    )  # fmt: skip
    return _say(case, text)


def _further(case: Case, rng: Random) -> Case | None:
    text = rng.choice(FOLLOW_UPS.get(case.language, FOLLOW_UPS["en"]))
    raw = letters.answer(case, text, at=timezone.now(), rng=rng)
    return _deliver(raw, case.queue) if raw else _say(case, text)


def _deliver(raw: bytes, queue: Queue) -> Case | None:
    """Stored, then read, as whatever a mailbox fetched; who loses the race against the keeper finds its case."""
    item, _fresh = arriving.store(raw, queue=queue)
    received = process(item.pk)
    if received is not None:
        return received.case
    item.refresh_from_db()
    return item.message.case if item.message else None


def _say(case: Case, text: str) -> Case:
    sender = letters.address_of(case.customer) if case.customer else None
    name = case.customer.name if case.customer else ""
    conversation.add_inbound(case, text=text, sender=sender, sender_name=name, channel=case.channel, at=timezone.now())
    return case


def keep_arriving(every: float, rng: Random, say: Callable[[str], object]) -> None:
    """Contacts at random moments, one each `every` seconds on average, until interrupted."""
    while True:
        if (case := arrive(rng)) is not None:
            say(f"#{case.number} {case.queue} ({case.channel}): {case.preview[:60]}")
        time.sleep(rng.expovariate(1 / every))
