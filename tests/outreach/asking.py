"""A question that earns something, and a customer who agreed to be asked."""

from decimal import Decimal
from typing import Any

from cases.models import Case, Queue
from crm.models import User
from customers import consent
from outreach import deciding, responding
from outreach.hooks import Terms
from outreach.models import Offer, QuestionAnswer
from tests.builders import make_customer, make_question
from tests.outreach.conftest import TERMS, open_gates

ASKED: dict[str, Any] = {
    **TERMS,
    "what": "One question about refunds",
    "benefit": "A month of Fibre 100 for free",
    "question": "How would you like to hear about a refund?",
    "answer_kind": "choice",
    "choices": ("by mail", "by text message", "not at all"),
    "gifts": Decimal(30),
}
SCALE = {"answer_kind": "scale", "choices": ()}
TEXT = {"answer_kind": "text", "choices": ()}


def make_asking(key: str = "refund-question", **terms: Any) -> Offer:
    """A question to whoever asks for a refund."""
    offer, _fresh = Offer.objects.get_or_create(key=key, defaults={"name": "Refund question", "purpose": "question"})
    offer.publish(Terms(**ASKED | terms))
    return offer


def agree(case: Case, by: User) -> None:
    """Everything is open but marketing: they agreed to be asked, and not to hear about offers."""
    open_gates(case, by)
    assert case.customer is not None
    consent.record(case.customer, "marketing", "any", granted=False, source="rep", by=by)
    consent.record(case.customer, "research", "any", granted=True, source="rep", by=by)


def answered(queue: Queue, by: User) -> QuestionAnswer:
    """Somebody was asked in a talk of this queue, and answered."""
    make_asking()
    case = make_question(queue, make_customer("Karl Ohm", email="karl.ohm@example.org"), by)
    case.messages.update(text="My refund?")
    agree(case, by)
    responding.respond(deciding.decide(case, by=by).presentation, "accepted", by=by, answer="by mail")
    return QuestionAnswer.objects.latest("pk")
