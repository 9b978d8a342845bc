"""L26: merges, transfers, answers and mail at the same moment: every word is kept, in one case, with one owner."""

import pytest
from django.utils import timezone

from cases import conversation, merging
from cases.models import Case, CaseMerge, Message, Queue, QueueMembership
from cases.models.case import Refusal
from crm.models import User
from customers.models import Customer
from tests.builders import make_case
from tests.cases.test_races import gapless
from tests.racing import outcomes

pytestmark = pytest.mark.django_db(transaction=True)


def test_merged_into_each_other_while_words_arrive_nothing_is_lost(
    billing: Queue, technical: Queue, carl: Customer, ana: User, lee: User
) -> None:
    billing.acknowledges = False
    billing.save(update_fields=["acknowledges"])
    QueueMembership.objects.create(queue=technical, user=ana)
    sender = carl.contact_points.get(kind="email")
    one, other = (make_case(billing, name, customer=carl, channel="mail") for name in ("One", "Other"))
    for case in (one, other):
        conversation.add_inbound(case, text=case.subject, sender=sender, channel="mail", at=timezone.now())

    def act(n: int) -> object:
        this, that = (Case.objects.get(pk=case.pk) for case in ((one, other) if n % 2 else (other, one)))
        match n // 2:
            case 0:
                return merging.merge(this, that, by=ana)
            case 1:
                return conversation.add_inbound(
                    this, text=f"More {n}", sender=sender, channel="mail", at=timezone.now()
                )
            case 2:
                return conversation.add_note(this, by=lee, text=f"Note {n}")
            case 3:
                return this.claim(by=lee)
            case _:
                return this.transfer(technical, by=ana)

    results = outcomes(10, act)

    faults = [r for r in results if isinstance(r, Exception) and not isinstance(r, Refusal)]
    assert faults == []
    said = [r for r in results if isinstance(r, Message)]
    assert CaseMerge.objects.count() == 1
    gone, kept = (Case.objects.get(pk=pk) for pk in CaseMerge.objects.values_list("gone", "kept")[0])
    assert (gone.status, gone.merged_into) == ("merged", kept)
    # Words for the case that has gone are refused to whoever says them; intake takes them to the kept one.
    assert {message.pk for message in said} <= set(kept.messages.values_list("pk", flat=True))
    assert kept.messages.count() == 2 + len(said)
    assert not gone.messages.exists()
    assert gapless(kept)
    assert gapless(gone)
