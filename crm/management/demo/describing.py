"""What Brightwave asks of its cases, and what is to be done in some of them."""

from datetime import datetime, timedelta
from random import Random

from cases import fields, reminders, sides, tasks
from cases.models import Case, CaseField, Cause, Dispatch, Disposition, Queue, Tag
from crm.management.demo.company import Company
from crm.models import User
from customers.addresses import normalise

ENGINEERS = "faults@linework.example"

TO_BE_DONE = {
    "Billing": ["Ask accounts for the ledger", "Check the debit date with the bank"],
    "Technical": ["Get a date from the engineer", "Run the line test again", "Send a new router"],
    "Mobile": ["Ask the network about the mast", "Order the new SIM"],
    "Moving home": ["Book the survey", "Tell the old address’s landlord"],
    "Kundenservice": ["Termin mit dem Techniker klären", "Rechnung prüfen lassen"],
}
ABOUT = {
    "Wrong charge": ["Billing"],
    "A question about the bill": ["Billing"],
    "Payment missing": ["Billing"],
    "Line down": ["Technical", "Mobile"],
    "Slow or unstable": ["Technical"],
    "Router": ["Technical"],
}
PREVENTED_BY = [
    "A clearer bill",
    "Telling them before the price changed",
    "Better help on the website",
    "Nothing we know of",
]
HINTS = {"refund": "Money goes back to the customer", "router": "The box itself, not the line"}


def ask(brightwave: Company, cases: list[Case], rng: Random, now: datetime) -> None:
    """Fields, and in a few open cases of each queue what is in them, and what is to be done."""
    _fields(brightwave)
    _endings(brightwave, [case for case in cases if case.resolved_at], rng)
    Tag.objects.known(tag for case in cases for tag in case.tags)
    for name, hint in HINTS.items():
        Tag.objects.update_or_create(name=name, defaults={"hint": hint})
    for name, queue in brightwave.queues.items():
        open_ones = [case for case in cases if case.queue_id == queue.pk and case.is_active and case.assignee_id]
        for case in rng.sample(open_ones, min(3, len(open_ones))):
            _fill(case, name, rng, now)
            _do(Case.objects.get(pk=case.pk), rng.choice(TO_BE_DONE[name]), rng, now)
        if name == "Technical" and open_ones and (by := open_ones[0].assignee):
            _aside(open_ones[0], by, now)


def _endings(brightwave: Company, resolved: list[Case], rng: Random) -> None:
    """What cases are about when they end, where Brightwave asks for it, and what of the past is known."""
    for position, (name, queues) in enumerate(ABOUT.items()):
        Disposition.objects.create(name=name, position=position).queues.set([brightwave.queues[q] for q in queues])
    for position, name in enumerate(PREVENTED_BY):
        Cause.objects.create(name=name, position=position)
    Queue.objects.filter(pk__in=[brightwave.queues[name].pk for name in ("Billing", "Technical")]).update(
        asks_disposition=Queue.Asks.REQUIRED, asks_cause=Queue.Asks.OPTIONAL
    )
    causes = list(Cause.objects.all())
    for case in resolved:
        if offered := list(Disposition.objects.offered(case.queue_id)):
            Case.objects.filter(pk=case.pk).update(
                disposition=rng.choice(offered), cause=rng.choice(causes) if rng.random() < 0.6 else None
            )


def _aside(case: Case, by: User, now: datetime) -> None:
    """The engineers' company was asked, and has answered."""
    asked = sides.begin(
        case,
        to=f"Linework fault desk <{ENGINEERS}>",
        subject="Fault at the cabinet?",
        text="Our customer loses the line several times a day since Monday. Do you see a fault at the cabinet,"
        " and when could somebody look?",
        by=by,
        at=now - timedelta(hours=2),
    )
    sides.hear(
        Dispatch.objects.get(source="side", source_id=asked.pk),
        text="There is corrosion on pair 14. An engineer can be there tomorrow between 8 and 12; please confirm.",
        sender_name="Linework fault desk",
        sender=normalise("email", ENGINEERS),
        at=now - timedelta(minutes=35),
        external_id="demo",
    )


def _fields(brightwave: Company) -> None:
    technical = [brightwave.queues["Technical"], brightwave.queues["Kundenservice"]]
    fault = CaseField.objects.create(
        key="fault", name="What broke", kind="one_of", position=1, required_for=["resolved"],
        help_text="As it turned out, not as it was reported.",
    )  # fmt: skip
    fault.offer(["The line", "The router", "The customer’s own equipment", "Nothing, a question"])
    serial = CaseField.objects.create(
        key="serial", name="Router serial", position=2, help_text="On the label underneath, begins with BW."
    )
    visit = CaseField.objects.create(key="visit", name="Engineer’s visit", kind="date", position=3)
    for field in (fault, serial, visit):
        field.queues.set(technical)
    amount = CaseField.objects.create(key="amount", name="Amount in question", kind="money", unit="GBP", position=4)
    reasons = CaseField.objects.create(key="about", name="About", kind="several_of", position=5)
    reasons.offer(["A bill", "A payment", "A price", "A contract"])
    for field in (amount, reasons):
        field.queues.set([brightwave.queues["Billing"]])
    CaseField.objects.create(key="subscription", name="Which subscription", kind="subscription", position=6)


def _fill(case: Case, queue: str, rng: Random, now: datetime) -> None:
    given = {"amount": str(rng.randint(900, 9000) / 100), "about": ["a_bill"]} if queue == "Billing" else {}
    if queue in {"Technical", "Kundenservice"}:
        visit = (now + timedelta(days=rng.randint(1, 6))).date()
        given = {"serial": f"BW{rng.randint(100000, 999999)}", "visit": str(visit)}
    fields.fill(case, given, by=case.assignee, at=now)


def _do(case: Case, what: str, rng: Random, now: datetime) -> None:
    due = (now + timedelta(days=rng.randint(0, 2))).replace(hour=16, minute=0, second=0, microsecond=0)
    tasks.add(case, what=what, by=case.assignee, due_at=max(due, now + timedelta(hours=1)), at=now)
    if case.assignee and rng.random() < 0.4:
        reminders.remind(case, case.assignee, at=now + timedelta(days=1), note="Still quiet?", now=now)
