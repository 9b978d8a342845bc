"""Keeps contacts arriving at the demo company, through the same door as the contact form."""

import time
import uuid
from collections.abc import Callable
from random import Random

from django.utils import timezone

from cases import conversation
from cases.intake import open_case
from cases.models import Case, Queue
from crm.management.demo.history import blanks_for, filled
from crm.management.demo.phrases import FOLLOW_UPS
from crm.management.demo.words import SCENES
from customers.models import Customer


def arrive(rng: Random) -> Case:
    """One contact: mostly a new case, sometimes a further word in one that waits for its customer."""
    waiting = (
        Case.objects.filter(status="waiting_customer", source="demo").order_by("?").select_related("customer").first()
    )
    if waiting and rng.random() < 0.35:
        return _say(waiting, rng.choice(FOLLOW_UPS[waiting.language]))
    scene = rng.choice(SCENES)
    customer = Customer.objects.current().filter(language=scene.language, source="demo").order_by("?").first()
    if customer is None:
        raise LookupError("There is no demo company here: run `manage.py demo` first.")
    blanks = blanks_for(scene, customer, rng)
    case = open_case(
        queue=Queue.objects.get(name=scene.queue), customer=customer, subject=filled(scene.subject, blanks).capitalize(),
        channel="web", at=timezone.now(), via="channel", language=scene.language, source="demo", external_id=str(uuid.uuid4()),
    )  # fmt: skip
    return _say(case, filled(scene.turns[0][1], blanks))


def _say(case: Case, text: str) -> Case:
    sender = case.customer.contact_points.filter(kind="email").first() if case.customer else None
    name = case.customer.name if case.customer else ""
    conversation.add_inbound(case, text=text, sender=sender, sender_name=name, channel=case.channel, at=timezone.now())
    return case


def keep_arriving(every: float, rng: Random, say: Callable[[str], object]) -> None:
    """Contacts at random moments, one each `every` seconds on average, until interrupted."""
    while True:
        case = arrive(rng)
        say(f"#{case.number} {case.queue}: {case.preview[:60]}")
        time.sleep(rng.expovariate(1 / every))
