"""What Brightwave's house does by itself: four rules that are on, and one that waits for somebody to look at it."""

from typing import Any

from cases.models import Rule
from crm.management.demo.company import Company

MONEY = ["refund", "money back", "charged twice", "double charge"]
LINE = ["router", "no internet", "keeps dropping", "disconnect"]


def _contains(words: list[str]) -> dict[str, Any]:
    found = [{"fact": fact, "op": "contains_any", "value": words} for fact in ("subject", "message")]
    return {"any": found}


RULES: list[dict[str, Any]] = [
    {
        "name": "Refunds go first",
        "queues": ["Billing"],
        "when": {"events": ["opened", "message_received"]},
        "condition": {"all": [_contains(MONEY), {"fact": "priority", "op": "in", "value": ["low", "normal"]}]},
        "then": [{"do": "priority", "to": "high"}, {"do": "tag", "add": ["refund"]}],
    },
    {
        "name": "Router trouble: the line test comes first",
        "queues": ["Technical"],
        "when": {"events": ["opened"]},
        "condition": _contains(LINE),
        "then": [
            {"do": "tag", "add": ["router"]},
            {"do": "note", "text": "Run the line test before you ask the customer to restart anything."},
        ],
    },
    {
        "name": "Nobody waits half a day unseen",
        "queues": ["Billing", "Technical", "Mobile", "Moving home"],
        "when": {"events": [], "unanswered": 6},
        "condition": {"all": [{"fact": "open_now", "op": "is", "value": True}]},
        "then": [{"do": "escalate"}],
    },
    {
        "name": "Solved, and back again",
        "queues": ["Billing", "Technical", "Mobile", "Moving home", "Kundenservice"],
        "when": {"events": ["reopened"]},
        "condition": {"not": {"fact": "tags", "op": "has", "value": "came-back"}},
        "then": [{"do": "tag", "add": ["came-back"]}, {"do": "notify", "roles": ["owner", "leads"]}],
    },
    {
        "name": "A week without a word",
        "queues": ["Kundenservice"],
        "when": {"events": [], "quiet": 168},
        "condition": {"not": {"fact": "promised", "op": "is", "value": True}},
        "then": [{"do": "status", "to": "resolved"}],
        "off": True,
    },
]


def set_up(company: Company) -> None:
    """What lies in the demo's past asks none of them."""
    for position, told in enumerate(RULES, start=1):
        rule = Rule.objects.create(name=told["name"], position=position)
        rule.queues.set([company.queues[name] for name in told["queues"]])
        rule.publish(when=told["when"], condition=told["condition"], then=told["then"], by=company.users["sue"])
        if not told.get("off"):
            rule.switch_on()
