"""Words about something else become a case of their own, and cases that belong together say so (A10)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases import conversation, linking, merging, promises, splitting
from cases.intake import open_case
from cases.models import Case, CaseLink, Queue
from cases.models.case import Refusal
from crm.models import Event, User
from customers.models import Customer
from tests.builders import make_case
from tests.cases.clockwork import make_policy

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(billing: Queue, carl: Customer) -> Case:
    """The customer wrote of one thing yesterday, of another an hour ago, and once more since."""
    billing.acknowledges = False
    billing.save(update_fields=["acknowledges"])
    make_policy(queues=[billing], first_response=90, resolution=60 * 24 * 3)
    now = timezone.now()
    case = open_case(queue=billing, customer=carl, subject="Bill", channel="mail", at=now, via="channel")
    for text, hours in (("Charged twice", 20), ("And my router is dead", 1), ("Both lamps are off", 0)):
        sender = carl.contact_points.get(kind="email")
        conversation.add_inbound(case, text=text, sender=sender, channel="mail", at=now - timedelta(hours=hours))
    return Case.objects.get(pk=case.pk)


def test_a_message_becomes_a_case_in_which_the_customer_waits_since_they_wrote_it(case: Case, ana: User) -> None:
    message = case.messages.get(text="And my router is dead")

    fresh = splitting.split(message, subject="Router is dead", by=ana)

    message.refresh_from_db()
    assert (message.case, message.contact.case) == (fresh, fresh)  # type: ignore[union-attr]
    assert (fresh.queue, fresh.customer, fresh.subject) == (case.queue, case.customer, "Router is dead")
    assert fresh.waiting_since == message.at
    clock = fresh.clocks.get(kind="first_response")
    assert clock.due_at == message.at + timedelta(minutes=90)
    assert CaseLink.objects.get(case=fresh).other == case
    case.refresh_from_db()
    assert [m.text for m in case.messages.all()] == ["Charged twice", "Both lamps are off"]
    assert Event.objects.get(stream="case", stream_id=case.pk, kind="split_off").data["into"] == fresh.number


def test_with_what_was_said_after_it(case: Case, ana: User) -> None:
    conversation.add_note(case, by=ana, text="Sounds like lot 7")
    fresh = splitting.split(case.messages.get(text="And my router is dead"), subject="", with_later=True, by=ana)
    assert [m.text for m in fresh.messages.all()] == [
        "And my router is dead",
        "Both lamps are off",
        "Sounds like lot 7",
    ]
    assert fresh.preview == "Both lamps are off"
    case.refresh_from_db()
    assert (case.preview, case.waiting_since) == ("Charged twice", case.messages.get().at)


def test_merging_it_back_undoes_it(case: Case, ana: User) -> None:
    texts = [m.text for m in case.messages.all()]
    fresh = splitting.split(case.messages.get(text="Both lamps are off"), subject="Lamps", by=ana)
    merging.merge(fresh, case, by=ana)
    assert [m.text for m in case.messages.all()] == texts


@pytest.mark.parametrize("what", ["everything", "ours", "on its way", "over"])
def test_what_cannot_be_split_off_stays_and_says_why(what: str, case: Case, ana: User) -> None:
    message, later = case.messages.get(text="Charged twice"), what in {"everything", "on its way"}
    if what == "ours":
        message = conversation.add_note(case, by=ana, text="Hm")
    if what == "on its way":
        message = case.messages.get(text="Both lamps are off")
        conversation.reply(case, by=ana, text="Coming", written_against=case.version)
    if what == "over":
        case.resolve(by=ana)
    count = Case.objects.count()
    with pytest.raises(Refusal):
        splitting.split(message, subject="", with_later=later, by=ana)
    assert (Case.objects.count(), case.messages.filter(pk=message.pk).exists()) == (count, True)


def test_a_promise_made_in_it_goes_with_it(case: Case, ana: User) -> None:
    now = timezone.now()
    message = case.messages.get(text="And my router is dead")
    promises.make(case, what="A router", due_at=now + timedelta(hours=9), owner=ana, made_by=message, at=now)
    fresh = splitting.split(message, subject="", by=ana)
    case.refresh_from_db()
    assert (fresh.promises.count(), case.promise_due_at) == (1, None)


# --- links


def test_a_link_reads_from_both_ends_once_and_can_be_taken_off(case: Case, billing: Queue, ana: User) -> None:
    outage = make_case(billing, "Outage", customer=case.customer)
    for _twice in range(2):
        link = linking.link(case, outage, "caused_by", by=ana)
    assert [(other, words) for _link, other, words in linking.of(case, ana)] == [(outage, "caused by")]
    assert [(other, words) for _link, other, words in linking.of(outage, ana)] == [(case, "is the cause of")]
    assert Event.objects.filter(kind="linked").count() == 2  # one in each case
    linking.unlink(link, by=ana)
    linking.unlink(link, by=ana)
    assert linking.of(case, ana) == []
    assert Event.objects.filter(kind="unlinked").count() == 2


def test_a_link_shows_nobody_what_they_may_not_see(case: Case, technical: Queue, ana: User, root: User) -> None:
    hidden = make_case(technical, "Secret")
    linking.link(case, hidden, "follows", by=root)
    assert linking.of(case, ana) == []
    assert len(linking.of(case, root)) == 1


@pytest.mark.parametrize(("kind", "itself"), [("cousin_of", False), ("follows", True)])
def test_a_link_that_makes_no_sense_is_refused(kind: str, itself: bool, case: Case, billing: Queue, ana: User) -> None:
    with pytest.raises(Refusal):
        linking.link(case, case if itself else make_case(billing), kind, by=ana)
