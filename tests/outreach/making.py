"""What tests of known problems and notices need: routers, their owners, a problem, a notice on its way."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from cases import outward, sending
from cases.models import Dispatch
from crm.models import User
from customers.models import Customer, Product, Subscription
from outreach import delivery, exposure
from outreach.models import KnownProblem, Notice
from tests.builders import make_customer

FAULTY = {
    "exists": "subscriptions",
    "where": {
        "all": [
            {"fact": "device", "op": "is", "value": "Hub 5"},
            {"fact": "version", "op": "starts_with", "value": "2.3"},
        ]
    },
}
TEXTS = {
    "en": {
        "subject": "Your Hub 5 drops the line: restart it once",
        "body": "Hub 5 routers with firmware 2.3 drop the line at night. Please restart yours once.",
        "next_step": "We repair the firmware",
    },
    "de": {
        "subject": "Ihr Hub 5 verliert die Verbindung: bitte einmal neu starten",
        "body": "Router vom Typ Hub 5 mit Firmware 2.3 verlieren nachts die Verbindung.",
        "next_step": "",
    },
}
NOON = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)


def make_owner(n: int, *, version: str = "2.3.1", device: str = "Hub 5", **fields: Any) -> Customer:
    """Somebody with a router."""
    fields.setdefault("email", f"owner{n}@example.org")
    customer = make_customer(f"Owner {n}", **fields)
    product, _fresh = Product.objects.get_or_create(name="Fibre 100", kind="broadband")
    Subscription.objects.create(customer=customer, product=product, device=device, version=version)
    return customer


def make_problem(by: User, *, condition: dict[str, Any] | None = FAULTY, **fields: Any) -> KnownProblem:
    """Safe from quiet hours unless the test is about them."""
    words = {
        "title": "Hub 5 drops the line",
        "cause": "Firmware 2.3 leaks memory",
        "workaround": "Restart the router once",
        "next_update_at": timezone.now() + timedelta(days=1),
        "is_safety": True,
        **fields,
    }
    problem = KnownProblem.declare(by=by, **words)
    if condition is not None:
        exposure.aim(problem, condition, by=by)
    return problem


def make_notice(problem: KnownProblem, by: User, **texts: Any) -> Notice:
    return Notice.write(problem, texts or TEXTS, by=by)


def approved(problem: KnownProblem, by: User, now: datetime | None = None) -> Notice:
    notice = make_notice(problem, by)
    delivery.approve(notice, by=by, now=now or timezone.now())
    return notice


def run(now: datetime | None = None, *, rounds: int = 30) -> None:
    """What the keeper does until nothing more happens: hand over, send on one line, count."""
    for _round in range(rounds):
        at = now or timezone.now()
        made = delivery.deliver_due(at)
        sent = sending._side_by_side([("mail", True)], at)
        if not made and not sent:
            break
    for notice in Notice.objects.select_related("problem"):
        delivery.follow(notice, now or timezone.now(), anyway=True)


def stands(notice: Notice) -> dict[str, int]:
    notice.refresh_from_db()
    return dict(notice.numbers)


def told(notice: Notice) -> list[str]:
    """The addresses its mails went to, as far as we know."""
    sent = Dispatch.objects.filter(source=delivery.SOURCE, source_id=notice.problem_id, state="sent")
    return sorted(sent.values_list("address", flat=True))


__all__ = ["FAULTY", "NOON", "TEXTS", "approved", "make_notice", "make_owner", "make_problem", "outward", "run"]
