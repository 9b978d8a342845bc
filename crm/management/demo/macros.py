"""What Brightwave's people do again and again, in one: (title, queues, what opens next, actions)."""

from random import Random
from typing import Any

from django.utils import timezone

from cases.models import Macro
from crm.management.demo.company import Company

Steps = list[dict[str, Any]]
MACROS: list[tuple[str, tuple[str, ...], str, Steps]] = [
    (
        "Refund is on its way",
        ("Billing",),
        "next",
        [
            {
                "do": "reply",
                "texts": {
                    "en": "Hello {customer.first_name},\n\nthe second debit was our mistake. The money goes back today; your bank shows it within two working days.\n\n{rep.first_name}",
                    "es": "Hola, {customer.first_name}:\n\nel segundo cargo fue un error nuestro. El importe sale hoy; su banco lo muestra en dos días laborables.\n\n{rep.first_name}",
                },
                "send": True,
                "is_answer": True,
            },
            {"do": "add_tags", "tags": ["refund"]},
            {"do": "status", "status": "resolved"},
        ],
    ),
    (
        "Wait for the bank",
        ("Billing",),
        "list",
        [
            {"do": "note", "text": "Asked the bank about {case.number}. Looking again in two days."},
            {"do": "add_tags", "tags": ["bank"]},
            {"do": "status", "status": "waiting_internal"},
            {"do": "snooze", "until": "in 2 days"},
        ],
    ),
    (
        "Book an engineer",
        ("Technical",),
        "stay",
        [
            {
                "do": "reply",
                "texts": {
                    "en": "Hello {customer.first_name},\n\nI book an engineer for your line now and tell you the day by {promise.due}.\n\n{rep.first_name}",
                    "es": "Hola, {customer.first_name}:\n\nreservo un técnico para su línea y le digo el día antes del {promise.due}.\n\n{rep.first_name}",
                },
                "next_step": "the day of the engineer",
                "by_when": "in 2 h",
            },
            {"do": "assign", "to": "me"},
            {"do": "add_tags", "tags": ["engineer"]},
            {"do": "priority", "priority": "high"},
        ],
    ),
    (
        "Phone lost: block it and send a SIM",
        ("Mobile",),
        "next",
        [
            {
                "do": "reply",
                "texts": {
                    "en": "Hello {customer.first_name},\n\nthe SIM is blocked as of now, and one with the same number is in the next post.\n\n{rep.first_name}",
                    "es": "Hola, {customer.first_name}:\n\nla SIM está bloqueada desde ahora y otra con el mismo número sale en el próximo correo.\n\n{rep.first_name}",
                },
                "send": True,
                "is_answer": True,
                "next_step": "the new SIM in the post",
                "by_when": "tomorrow 17:00",
            },
            {"do": "add_tags", "tags": ["lost", "sim"]},
        ],
    ),
    (
        "Not a customer: spam",
        (),
        "next",
        [{"do": "add_tags", "tags": ["spam"]}, {"do": "status", "status": "spam"}],
    ),
    (
        "Rückruf zugesagt",
        ("Kundenservice",),
        "stay",
        [
            {
                "do": "reply",
                "texts": {
                    "de": "Guten Tag {customer.name},\n\nich rufe Sie bis {promise.due} an.\n\n{rep.name}, {company.name}"
                },
                "send": True,
                "next_step": "ein Anruf von uns",
                "by_when": "in 3 h",
            },
            {"do": "assign", "to": "me"},
            {"do": "add_tags", "tags": ["rückruf"]},
        ],
    ),
]


def save(brightwave: Company, rng: Random) -> None:
    for title, queues, then, steps in MACROS:
        macro = Macro.objects.create(used_count=rng.randint(2, 60), used_at=timezone.now())
        macro.queues.set([brightwave.queues[name] for name in queues])
        macro.publish(title=title, steps=steps, opens_next=then, by=brightwave.users["sue"])
