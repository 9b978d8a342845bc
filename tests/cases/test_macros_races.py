"""L24: one key pressed twice at once is one run; and a macro beside other hands loses nothing."""

import pytest

from cases import conversation, macros
from cases.macro_doing import Order
from cases.models import Case, Message, Queue
from cases.models.case import Refusal
from crm.commands import StillRunning
from crm.models import Event, User
from customers.models import Customer
from tests.builders import make_case, make_macro
from tests.cases.test_races import gapless
from tests.racing import outcomes

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = [
    {"do": "reply", "texts": {"en": "On its way, {customer.first_name}."}, "send": True},
    {"do": "add_tags", "tags": ["refund"]},
    {"do": "priority", "priority": "high"},
]


def test_the_same_key_at_once_is_one_run_and_others_hands_lose_nothing(
    billing: Queue, carl: Customer, ana: User, lee: User
) -> None:
    case = make_case(billing, customer=carl, channel="mail", assignee=ana)
    macro = make_macro("Refund", STEPS)

    def act(n: int) -> object:
        mine = Case.objects.get(pk=case.pk)
        if n % 4 == 3:
            return conversation.add_note(mine, by=lee, text=f"Note {n}")
        return macros.run(mine, macro, by=ana, key="same", order=Order(anyway=True))

    results = outcomes(12, act)
    runs = [result for result in results if isinstance(result, macros.Done)]
    wrong = [r for r in results if isinstance(r, Exception) and not isinstance(r, StillRunning | Refusal)]
    assert wrong == []
    assert len([done for done in runs if not done.replayed]) == 1
    assert len({tuple(done.messages) for done in runs}) == 1
    assert Message.objects.filter(direction="outbound").count() == 1
    assert Message.objects.filter(direction="note").count() == 3
    assert Event.objects.filter(kind="macro_used").count() == 1
    macro.refresh_from_db()
    assert macro.used_count == 1
    case.refresh_from_db()
    assert (case.tags, case.priority) == (["refund"], "high")
    assert gapless(case)
