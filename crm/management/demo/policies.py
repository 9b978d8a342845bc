"""What Brightwave gives for what went wrong, how much who may grant, and what the month allows."""

from decimal import Decimal
from typing import Any

from django.utils import timezone

from cases.models import RemedyAuthority, RemedyBudget, ServicePolicy
from crm.management.demo.company import Company

IMPACT = {
    "name": "impact",
    "label": "How hard it hit",
    "kind": "choice",
    "options": [
        {"value": "small", "label": "a nuisance"},
        {"value": "some", "label": "plans had to change"},
        {"value": "hard", "label": "work stood still"},
    ],
}
FACTORS = {"factor_of": "impact", "factors": {"some": "1.5", "hard": "2"}, "step": "0.5", "most_times": "2"}
WORDS = "You could not use what you pay for. That is our fault, and you should not have to ask for this."
# issue → inputs, rows
TABLES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "The line was down": (
        [IMPACT, {"name": "days", "label": "Whole days without a line", "kind": "number", "most": "365"}],
        [
            {"when": {"days": {"below": "1"}, "impact": ["small"]}, "remedy": "none", "words": "It was short. I am sorry."},
            {"when": {"days": {"below": "1"}, "impact": ["some", "hard"]}, "remedy": "credit",
             "amount": {"base": "5", **FACTORS, "most": "25"}, "words": WORDS},
            {"when": {"days": {"from": "1"}}, "remedy": "credit",
             "amount": {"each": "9", "of": "days", **FACTORS, "least": "9", "most": "250"}, "words": WORDS},
        ],
    ),
    "Charged twice": (
        [{"name": "amount", "label": "What was taken too much", "kind": "number", "most": "2000"}],
        [{"when": {}, "remedy": "refund", "amount": {"each": "1", "of": "amount", "least": "1"},
          "words": "You paid twice. The second payment is on its way back to you."}],
    ),
    "A promise we did not keep": (
        [{"name": "late", "label": "Minutes it was late", "kind": "number", "from": "minutes_late"}],
        [{"when": {}, "remedy": "credit", "amount": {"base": "5", "step": "1", "most_times": "3"}, "unasked": "promise_broken",
          "words": "I said you would hear from us by then, and you did not. Something is on your account for it."}],
    ),
}  # fmt: skip
# role → in one case, a day, to one customer in twelve months
LIMITS = {"rep": (25, 150, 75), "lead": (150, 1000, 400), "supervisor": (1000, 5000, 2000)}


def set_up(company: Company) -> None:
    """Before the past is told, which goes by them; promises of that past were broken before anything was paid for them unasked."""
    queues = list(company.queues.values())
    for issue, (inputs, rows) in TABLES.items():
        policy = ServicePolicy.objects.create(name=issue)
        policy.queues.set(queues)
        policy.publish(table={"currency": "GBP", "inputs": inputs, "rows": rows}, by=company.users["sue"])
    for role, (case, day, customer) in LIMITS.items():
        RemedyAuthority.objects.create(
            role=role, currency="GBP", per_case=case, per_day=day, per_customer_year=customer
        )
    month = timezone.localdate().replace(day=1)
    RemedyBudget.objects.create(month=month, currency="GBP", amount=Decimal(4000))
