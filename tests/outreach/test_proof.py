"""No offer before the need is met: not by raw SQL, not by a race, not after a reopening, not with another case's evidence.

The database itself refuses: these tests write past every verb of ours.
"""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases import conversation, feelings
from cases.models import Case, Contact, Queue
from crm.models import Event, User
from customers import consent, merging
from customers.models import Customer
from outreach import deciding
from outreach.models import Decision, DecisionCandidate, Offer, OfferPresentation, OfferVersion
from tests.builders import make_case, make_customer, make_question
from tests.outreach.conftest import make_offer, newest_words, open_gates
from tests.racing import outcomes

_INSERT = """
INSERT INTO outreach_offerpresentation (decision_id, candidate_id, case_id, contact_id, customer_id, need_met_event_id,
                                        presented_at, by_id)
VALUES (%s, %s, %s, %s, %s, %s, now(), %s)
"""


def a_decision(case: Case, offer: Offer, outcome: str = "presented") -> DecisionCandidate:
    """Rows as a script would forge them."""
    decision = Decision.objects.create(case=case, catalogue_version=1, outcome=outcome)
    return DecisionCandidate.objects.create(decision=decision, offer_version=offer.current)


def insert(case: Case, candidate: DecisionCandidate, event: int | None, by: User, contact: int | None = None) -> None:
    talk = contact or case.contacts.latest("pk").pk
    row = [candidate.decision_id, candidate.pk, case.pk, talk, case.customer_id, event, by.pk]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_INSERT, row)


def refused(do: Callable[[], Any]) -> None:
    before = OfferPresentation.objects.count()
    with pytest.raises(DatabaseError):
        do()
    assert OfferPresentation.objects.count() == before


# --- raw SQL


@pytest.mark.django_db
def test_raw_sql_before_the_need_is_met_is_refused(case: Case, ana: User) -> None:
    candidate = a_decision(case, make_offer())
    received = Event.objects.get(stream="case", stream_id=case.pk, kind="message_received")
    for event in (None, received.pk, 0):
        refused(lambda event=event: insert(case, candidate, event, ana))  # type: ignore[misc]


@pytest.mark.django_db
def test_raw_sql_with_the_standing_evidence_is_let_in_and_without_it_is_not(
    case: Case, ana: User, billing: Queue, carl: Customer
) -> None:
    candidate = a_decision(case, make_offer())
    other = make_question(billing, carl, ana)
    other.mark_need_met(by=ana, how="customer_said")
    refused(lambda: insert(case, candidate, other.need_met_event_id, ana))
    case.mark_need_met(by=ana, how="customer_said")
    old = case.need_met_event_id
    refused(lambda: insert(case, candidate, old, ana, contact=other.contacts.get().pk))
    refused(lambda: insert(other, candidate, other.need_met_event_id, ana))
    case.mark_need_unmet(by=ana)
    refused(lambda: insert(case, candidate, old, ana))
    case.mark_need_met(by=ana, how="customer_said")
    refused(lambda: insert(case, candidate, old, ana))
    insert(case, candidate, case.need_met_event_id, ana)
    assert OfferPresentation.objects.get().need_met_event_id == case.need_met_event_id


@pytest.mark.django_db
def test_a_silence_cannot_be_made_a_presentation(case: Case, ana: User) -> None:
    case.mark_need_met(by=ana, how="customer_said")
    silent = a_decision(case, make_offer(), outcome="silence")
    refused(lambda: insert(case, silent, case.need_met_event_id, ana))
    removed = a_decision(case, make_offer())
    dropped = DecisionCandidate.objects.create(
        decision=removed.decision, offer_version=make_offer("other").current, stage="gate", reason="no_consent"
    )
    refused(lambda: insert(case, dropped, case.need_met_event_id, ana))


@pytest.mark.django_db
def test_one_offer_a_contact_is_a_constraint(case: Case, ana: User) -> None:
    case.mark_need_met(by=ana, how="customer_said")
    insert(case, a_decision(case, make_offer()), case.need_met_event_id, ana)
    refused(lambda: insert(case, a_decision(case, make_offer("other")), case.need_met_event_id, ana))


@pytest.mark.django_db
def test_what_was_decided_shown_and_answered_is_history(case: Case, ana: User) -> None:
    make_offer()
    open_gates(case, ana)
    decision = deciding.decide(case, by=ana)
    version = OfferVersion.objects.get()
    changes: list[Callable[[], Any]] = [
        lambda: OfferVersion.objects.filter(pk=version.pk).update(price=9),
        lambda: Decision.objects.filter(pk=decision.pk).update(outcome="silence"),
        lambda: DecisionCandidate.objects.update(score=99),
        lambda: OfferPresentation.objects.update(presented_at=timezone.now()),
        lambda: OfferPresentation.objects.all()._raw_delete("default"),
        lambda: Decision.objects.all()._raw_delete("default"),
    ]
    for change in changes:
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert deciding.is_replayed(Decision.objects.get())


# --- races, on the real database


def _held(case: Case, change: Callable[[Case], Any], then: Callable[[], Any]) -> tuple[Any, bool]:
    """`change` in a transaction that is held open while `then` runs in another: its result, and whether it waited."""
    changed, let_go, done = threading.Event(), threading.Event(), threading.Event()
    told: list[Any] = []

    def other() -> None:
        try:
            with transaction.atomic():
                change(Case.objects.get(pk=case.pk))
                changed.set()
                let_go.wait(30)
        finally:
            connection.close()

    def mine() -> None:
        try:
            told.append(then())
        except Exception as error:  # noqa: BLE001 - a refusal is a result here
            told.append(error)
        finally:
            connection.close()
            done.set()

    first = threading.Thread(target=other)
    first.start()
    assert changed.wait(30)
    second = threading.Thread(target=mine)
    second.start()
    waited = not done.wait(1.0)
    let_go.set()
    first.join(30)
    second.join(30)
    return told[0], waited


def race_world() -> tuple[Case, User]:
    from tests.builders import make_queue, make_user

    ana = make_user("Ana Lind", username="ana")
    carl = make_customer("Carl Jensen", email="carl@example.org")
    case = make_question(make_queue("Billing", reps=[ana]), carl, ana)
    case.messages.update(text="Where is my refund?")
    make_offer()
    open_gates(case, ana)
    return case, ana


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["verb", "sql"])
def test_a_reopening_in_flight_is_waited_for_and_then_counts(how: str) -> None:
    """The reopening came first and has not committed: whoever presents waits, reads what it left, and is refused."""
    case, ana = race_world()
    case.resolve(by=ana)
    event = case.need_met_event_id
    candidate = a_decision(case, Offer.objects.get())

    def present() -> Any:
        if how == "verb":
            return deciding.decide(Case.objects.get(pk=case.pk), by=ana)
        return insert(case, candidate, event, ana)

    told, waited = _held(case, lambda c: c.reopen(by=ana), present)
    assert waited
    if how == "verb":
        assert (told.outcome, told.gates[0][1]) == ("silence", "need_unmet")
    else:
        assert isinstance(told, DatabaseError)
    assert not OfferPresentation.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["verb", "sql"])
def test_a_presentation_in_flight_holds_the_reopening_until_it_stands(how: str) -> None:
    """The other order: the offer was shown first, on evidence that stood; the reopening waits and ends what is shown."""
    case, ana = race_world()
    event = case.need_met_event_id
    candidate = a_decision(case, Offer.objects.get())

    def present(c: Case) -> None:
        if how == "verb":
            deciding.decide(c, by=ana)
        else:
            insert(c, candidate, event, ana)

    _told, waited = _held(case, present, lambda: Case.objects.get(pk=case.pk).mark_need_unmet(by=ana))
    assert waited
    case.refresh_from_db()
    assert case.need_met_event_id is None
    assert OfferPresentation.objects.get().need_met_event_id == event


@pytest.mark.django_db(transaction=True)
def test_many_screens_at_once_make_one_presentation() -> None:
    case, ana = race_world()
    decisions = outcomes(8, lambda _n: deciding.decide(Case.objects.get(pk=case.pk), by=ana).pk)
    assert len(set(decisions)) == 1
    assert OfferPresentation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_presenting_and_reopening_at_random_never_shows_what_was_not_earned() -> None:
    """Eight presents against eight changes of mind, all let go together: whatever wins, evidence stood."""
    case, ana = race_world()

    def work(n: int) -> Any:
        mine = Case.objects.get(pk=case.pk)
        if n % 2:
            return deciding.decide(mine, by=ana)
        return mine.mark_need_unmet(by=ana) if n % 4 else mine.mark_need_met(by=ana, how="customer_said")

    told = outcomes(16, work)
    assert [t for t in told if isinstance(t, Exception)] == []
    assert earned_all(case)


def earned_all(case: Case) -> bool:
    """By the log alone: at the presentation's event the need was met by the event it points at, and by none since."""
    log = list(Event.objects.filter(stream="case", stream_id=case.pk).order_by("version"))
    met: int | None = None
    for event in log:
        if event.kind == "need_met":
            met = event.pk
        elif event.kind in {"need_unmet", "reopened", "marked_spam"}:
            met = None
        elif event.kind == "offer_presented":
            shown = OfferPresentation.objects.get(pk=event.data["presentation"])
            if shown.need_met_event_id != met or met is None:
                return False
    return True


# --- again after a reopening, and merges


@pytest.mark.django_db
def test_met_again_after_a_reopening_it_may_be_offered_again(case: Case, ana: User) -> None:
    make_offer()
    open_gates(case, ana)
    case.resolve(by=ana)
    conversation.add_inbound(case, text="My refund is wrong", sender=None, channel="mail", at=timezone.now())
    case.refresh_from_db()
    assert deciding.decide(case, by=ana).outcome == "silence"
    feelings.mark(newest_words(case), "neutral", by=ana)
    case.refresh_from_db()
    case.mark_need_met(by=ana, how="customer_said")
    assert deciding.decide(case, by=ana).outcome == "presented"


@pytest.mark.django_db
def test_a_shown_offer_is_gone_from_sight_when_the_need_is_not_met_after_all(case: Case, ana: User) -> None:
    from outreach import showing

    make_offer()
    open_gates(case, ana)
    deciding.decide(case, by=ana)
    assert showing.card(case) is not None
    case.mark_need_unmet(by=ana)
    assert showing.card(case) is None
    case.mark_need_met(by=ana, how="customer_said")
    assert showing.card(case) is None  # earned by evidence that was taken back
    assert deciding.decide(case, by=ana).gates[0][1] == "one_a_contact"


@pytest.mark.django_db
def test_a_case_that_lives_on_in_another_offers_nothing(case: Case, ana: User, billing: Queue) -> None:
    make_offer()
    open_gates(case, ana)
    event = case.need_met_event_id
    candidate = a_decision(case, Offer.objects.get())
    case.merged_into = make_case(billing, customer=case.customer, status="resolved", resolved_at=timezone.now())
    case.save(update_fields=["merged_into"])
    case.change_status("merged", by=ana)
    assert deciding.decide(case, by=ana).gates[0][1] == "not_a_talk"
    refused(lambda: insert(case, candidate, event, ana))


@pytest.mark.django_db
def test_when_two_records_become_one_their_nos_become_one_too(case: Case, ana: User, carl: Customer) -> None:
    """The other record said never; merged, the offer is never made to this person; unmerged, each has their own say."""
    make_offer()
    double = make_customer("Karl Jensen", email="karl@example.org")
    theirs = make_question(case.queue, double, ana)
    theirs.messages.update(text="My refund?")
    open_gates(theirs, ana)
    deciding.decide(theirs, by=ana)
    from outreach import responding

    responding.respond(OfferPresentation.objects.get(), "never", by=ana)
    theirs.resolve(by=ana)
    open_gates(case, ana)
    merge = merging.merge(carl, double, by=ana)
    case.refresh_from_db()
    assert deciding.decide(case, by=ana).candidates.get().reason == "never"
    merging.undo(merge, by=ana)
    case.refresh_from_db()
    assert deciding.decide(case, by=ana).outcome == "presented"


# --- any order of everything

STEPS = ["met", "unmet", "resolve", "reopen", "writes", "good", "bad", "decide", "try", "agrees", "withdraws", "sql"]


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), min_size=3, max_size=25))
def test_whatever_is_done_in_whatever_order_nothing_unearned_is_shown(
    steps: list[str], case: Case, ana: User, carl: Customer
) -> None:
    with transaction.atomic():
        make_offer()
        case.refresh_from_db()
        for step in steps:
            _step(step, case, ana, carl)
            case.refresh_from_db()
        assert earned_all(case)
        shown = OfferPresentation.objects.filter(case=case)
        assert len({p.contact_id for p in shown}) == len(shown)
        assert all(deciding.is_replayed(decision) for decision in Decision.objects.filter(case=case).exclude(digest=""))
        transaction.set_rollback(True)


def _step(step: str, case: Case, ana: User, carl: Customer) -> None:
    from cases.models.case import Refusal

    acts: dict[str, Callable[[], Any]] = {
        "met": lambda: case.mark_need_met(by=ana, how="customer_said"),
        "unmet": lambda: case.mark_need_unmet(by=ana),
        "resolve": lambda: case.resolve(by=ana),
        "reopen": lambda: case.reopen(by=ana),
        "writes": lambda: conversation.add_inbound(
            case, text="My refund?", sender=None, channel="mail", at=timezone.now()
        ),
        "good": lambda: feelings.mark(newest_words(case), "good", by=ana),
        "bad": lambda: feelings.mark(newest_words(case), "bad", by=ana),
        "decide": lambda: _decided(case, ana),
        "try": lambda: deciding.decide(case, by=ana, asked="try"),
        "agrees": lambda: consent.record(carl, "marketing", "any", granted=True, source="rep"),
        "withdraws": lambda: consent.record(carl, "marketing", "any", granted=False, source="rep"),
        "sql": lambda: _forced(case, ana),
    }
    with contextlib.suppress(Refusal):
        acts[step]()


def _decided(case: Case, ana: User) -> None:
    """An offer is only made with a good or neutral word, a yes, and the need met; checked without our gates."""
    before = set(OfferPresentation.objects.values_list("pk", flat=True))
    deciding.decide(case, by=ana)
    for shown in OfferPresentation.objects.exclude(pk__in=before):
        case.refresh_from_db()
        assert shown.need_met_event_id == case.need_met_event_id
        assert newest_words(case).feeling in {"good", "neutral"}
        assert consent.state(case.customer, "marketing", "mail", timezone.now()) is True  # type: ignore[arg-type]


def _forced(case: Case, ana: User) -> None:
    """A row forged with the newest evidence there ever was: let in only while that very evidence stands."""
    ever = Event.objects.filter(stream="case", stream_id=case.pk, kind="need_met").order_by("-version").first()
    if (
        ever is None
        or OfferPresentation.objects.filter(contact=Contact.objects.filter(case=case).latest("pk")).exists()
    ):
        return
    candidate = a_decision(case, Offer.objects.get())
    if case.need_met_event_id == ever.pk:
        with transaction.atomic():
            insert(case, candidate, ever.pk, ana)
            transaction.set_rollback(True)
    else:
        refused(lambda: insert(case, candidate, ever.pk, ana))
