"""Two cases about one thing become one (A10): nothing is lost, nothing read by a stranger, and a day's undo gives all back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases import conversation, drafts, merging, outward, promises, search
from cases.intake import open_case
from cases.models import Case, CaseMerge, CaseSearch, Queue
from cases.models.case import Refusal
from crm.models import Event, User
from customers.models import Customer
from outreach.models import ProblemCase
from tests.builders import make_case, make_customer
from tests.cases.clockwork import make_policy
from tests.cases.merged import everything
from tests.outreach.making import make_problem
from tests.plugin.case_hooks import JOINED

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(billing: Queue, carl: Customer) -> tuple[Case, Case]:
    """The older is to be kept; the customer wrote in both."""
    billing.acknowledges = False
    billing.save(update_fields=["acknowledges"])
    make_policy(queues=[billing], pause=("waiting_customer",), first_response=60, next_response=90, resolution=600)
    return _written(billing, carl, "Charged twice", hours=3), _written(billing, carl, "And again!", hours=1)


def _written(queue: Queue, customer: Customer | None, subject: str, *, hours: int) -> Case:
    at = timezone.now() - timedelta(hours=hours)
    case = open_case(queue=queue, customer=customer, subject=subject, channel="mail", at=at, via="channel")
    sender = customer.contact_points.get(kind="email") if customer else None
    conversation.add_inbound(case, text=f"{subject} please", sender=sender, channel="mail", at=at)
    return Case.objects.get(pk=case.pk)


def test_words_promises_and_followers_move_and_the_number_that_went_leads_on(
    pair: tuple[Case, Case], ana: User, lee: User
) -> None:
    kept, gone = pair
    conversation.add_note(gone, by=ana, text="@lee knows this one")
    promise = promises.make(
        gone, what="Call", due_at=timezone.now() + timedelta(hours=2), owner=ana, made_by=None, at=timezone.now()
    )
    drafts.save(gone, author=lee, kind="reply", text="Dear Carl")

    merging.merge(gone, kept, by=ana)

    kept.refresh_from_db()
    gone.refresh_from_db()
    assert (gone.status, gone.merged_into) == ("merged", kept)
    texts = ["Charged twice please", "And again! please", "@lee knows this one"]
    assert [m.text for m in kept.messages.all()] == texts
    assert not gone.messages.exists()
    assert kept.promise_due_at == promise.due_at
    assert [w.user for w in kept.watches.all()] == [lee]
    assert drafts.of(kept, lee)[0]["reply"].text == "Dear Carl"
    assert [case.pk for case in search.search_cases(ana, "again")] == [kept.pk]


def test_a_merge_that_is_undone_gives_back_everything(pair: tuple[Case, Case], ana: User, lee: User) -> None:
    kept, gone = pair
    gone.set_priority("urgent", by=ana)
    gone.set_tags(["refund"], by=ana)
    gone.claim(by=lee)
    kept.mark_need_met(by=ana, how="customer_said")
    kept.change_status("waiting_customer", by=ana)
    drafts.save(gone, author=ana, kind="reply", text="Two")
    drafts.save(kept, author=ana, kind="reply", text="One")
    before = everything(kept, gone)

    done = merging.merge(gone, kept, by=ana)
    kept.refresh_from_db()
    assert (kept.status, kept.priority, kept.tags, kept.assignee) == ("open", "urgent", ["refund"], lee)
    assert kept.need_met_event is None
    here, left_over = drafts.of(kept, ana)
    assert here["reply"].text == "One"
    assert [(draft.case, draft.text) for draft in left_over] == [(gone, "Two")]

    merging.undo(done, by=lee)

    after = everything(kept, gone)
    assert after == before
    merging.undo(done, by=lee)
    assert everything(kept, gone) == before


def test_no_merge_buys_time_the_clock_that_is_due_first_goes_on(pair: tuple[Case, Case], ana: User) -> None:
    older, newer = pair
    soonest = older.clocks.get(kind="first_response").due_at

    merging.merge(older, newer, by=ana)  # the newer is kept

    newer.refresh_from_db()
    running = newer.clocks.running().filter(kind="first_response")
    assert [clock.due_at for clock in running] == [soonest]
    assert newer.waiting_since == newer.messages.earliest("at").at


def test_what_happened_in_the_kept_case_since_stays_when_they_part(pair: tuple[Case, Case], ana: User) -> None:
    kept, gone = pair
    done = merging.merge(gone, kept, by=ana)
    kept.set_priority("high", by=ana)
    conversation.add_inbound(kept, text="Still here", sender=None, channel="mail", at=timezone.now())

    merging.undo(done, by=ana)

    kept.refresh_from_db()
    assert kept.priority == "high"
    assert [m.text for m in kept.messages.all()] == ["Charged twice please", "Still here"]
    assert kept.preview == "Still here"


@pytest.mark.parametrize("who", ["another", "nobody"])
def test_nobody_reads_anothers_words_by_a_merge(who: str, pair: tuple[Case, Case], billing: Queue, ana: User) -> None:
    kept, _gone = pair
    other = make_customer("Mia", email="mia@example.org") if who == "another" else None
    theirs = _written(billing, other, "Mine", hours=2)
    gone, into = (theirs, kept) if who == "another" else (kept, theirs)
    before = everything(kept, theirs)

    with pytest.raises(Refusal):
        merging.merge(gone, into, by=ana)

    assert everything(kept, theirs) == before


def test_words_of_nobody_may_join_a_customers_case(pair: tuple[Case, Case], billing: Queue, ana: User) -> None:
    kept, _gone = pair
    nobodys = _written(billing, None, "Me again", hours=2)
    merging.merge(nobodys, kept, by=ana)
    assert kept.messages.filter(text="Me again please", sender=None).exists()


@pytest.mark.parametrize("status", ["resolved", "spam"])
def test_only_open_cases_merge(status: str, pair: tuple[Case, Case], ana: User) -> None:
    kept, gone = pair
    kept.change_status(status, by=ana)
    with pytest.raises(Refusal, match=f"#{kept.number} is {status}"):
        merging.merge(gone, kept, by=ana)


def test_an_answer_on_its_way_leaves_first(pair: tuple[Case, Case], ana: User) -> None:
    kept, gone = pair
    conversation.reply(gone, by=ana, text="On its way", written_against=gone.version)
    with pytest.raises(Refusal, match="on its way"):
        merging.merge(gone, kept, by=ana)
    outward.release_due(timezone.now() + timedelta(seconds=11))
    gone.messages.get(direction="outbound").dispatch.__class__.objects.update(state="sent")
    merging.merge(gone, kept, by=ana)
    assert kept.messages.filter(text="On its way").exists()


def test_merging_twice_is_once_and_a_day_later_it_stays(pair: tuple[Case, Case], ana: User) -> None:
    kept, gone = pair
    done = merging.merge(gone, kept, by=ana)
    events = Event.objects.count()
    assert merging.merge(gone, kept, by=ana) == done
    assert (CaseMerge.objects.count(), Event.objects.count()) == (1, events)
    with pytest.raises(Refusal, match="for a day"):
        merging.undo(done, by=ana, at=timezone.now() + timedelta(hours=25))


def test_of_a_chain_the_later_merge_is_undone_first(pair: tuple[Case, Case], billing: Queue, ana: User) -> None:
    kept, gone = pair
    last = make_case(billing, customer=kept.customer, status="open")
    first = merging.merge(gone, kept, by=ana)
    second = merging.merge(Case.objects.get(pk=kept.pk), last, by=ana)
    with pytest.raises(Refusal, match="undo that first"):
        merging.undo(first, by=ana)
    merging.undo(second, by=ana)
    merging.undo(first, by=ana)
    assert gone.messages.get().text == "And again! please"


def test_the_guard_shows_what_came_over_to_whoever_was_writing(pair: tuple[Case, Case], ana: User, lee: User) -> None:
    kept, gone = pair
    against = kept.version
    merging.merge(gone, kept, by=ana)
    with pytest.raises(conversation.Stale) as stale:
        conversation.reply(kept, by=lee, text="As I said", written_against=against)
    assert [m.text for m in stale.value.newer] == ["And again! please"]


def test_what_others_hold_of_a_case_goes_with_it_and_comes_back(pair: tuple[Case, Case], sue: User) -> None:
    kept, gone = pair
    problem = make_problem(sue, condition=None)
    problem.link(gone, by=sue)

    done = merging.merge(gone, kept, by=sue)
    assert ProblemCase.objects.get(case=kept).problem == problem
    assert (kept.pk, gone.pk) in JOINED

    merging.undo(done, by=sue)
    assert not ProblemCase.objects.filter(case=kept).exists()
    assert ProblemCase.objects.get(case=gone).problem == problem
    assert (kept.pk, gone.pk) not in JOINED


def test_what_went_is_found_in_a_case_that_had_no_words_of_its_own_yet(pair: tuple[Case, Case], ana: User) -> None:
    kept, gone = pair
    CaseSearch.objects.filter(case=kept).delete()
    merging.merge(gone, kept, by=ana)
    assert [case.pk for case in search.search_cases(ana, "again")] == [kept.pk]
