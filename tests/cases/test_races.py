"""Two at once, for real: threads on connections of their own."""

import pytest
from django.utils import timezone

from cases import conversation, outward, routing, whose
from cases.models import Case, Dispatch, Queue
from cases.models.case import AlreadyClaimed, AlreadyTheirs
from crm.models import Event, User
from customers.models import Customer
from tests.builders import make_case, make_queue, make_user
from tests.racing import outcomes

pytestmark = pytest.mark.django_db(transaction=True)


def gapless(case: Case) -> bool:
    versions = list(
        Event.objects.filter(stream="case", stream_id=case.pk).order_by("version").values_list("version", flat=True)
    )
    return versions == list(range(1, len(versions) + 1))


def test_twenty_claims_of_one_case_have_one_winner_and_the_others_hear_who() -> None:
    reps = [make_user(f"Rep{n} Smith", username=f"rep{n}") for n in range(20)]
    case = make_case(make_queue("Billing", reps=reps))

    results = outcomes(20, lambda n: Case.objects.get(pk=case.pk).claim(by=reps[n]))

    case.refresh_from_db()
    lost = [r for r in results if isinstance(r, AlreadyClaimed)]
    assert results.count(None) == 1
    assert len(lost) == 19
    assert {r.holder.pk for r in lost} == {case.assignee_id}
    assert case.version == 1


def test_of_many_who_say_whose_a_case_is_one_is_believed_and_the_others_make_nobody() -> None:
    reps = [make_user(f"Rep{n} Smith", username=f"rep{n}") for n in range(8)]
    case = make_case(make_queue("Billing", reps=reps))
    Case.objects.update(customer=None)
    known = Customer.objects.count()

    results = outcomes(
        8,
        lambda n: whose.newcomer(Case.objects.get(pk=case.pk), name=f"C{n}", mail=f"c{n}@example.org", by=reps[n]),
    )

    winner = next(made for made in results if isinstance(made, Customer))
    case.refresh_from_db()
    assert case.customer == winner
    assert sum(isinstance(lost, AlreadyTheirs) for lost in results) == 7
    assert Customer.objects.count() == known + 1
    assert gapless(case)


def test_twenty_who_ask_for_the_next_case_get_twenty_cases_oldest_first() -> None:
    reps = [make_user(f"Rep{n} Smith", username=f"rep{n}") for n in range(20)]
    queue = make_queue("Billing", reps=reps)
    start = timezone.now()
    cases = [make_case(queue, waiting_since=start + timezone.timedelta(minutes=n)) for n in range(25)]

    taken = outcomes(20, lambda n: routing.claim_next(queue, reps[n]))

    assert {c.pk for c in taken} == {c.pk for c in cases[:20]}


def test_writers_of_one_case_leave_gapless_versions() -> None:
    rep = make_user("Ana Lind", username="ana")
    case = make_case(make_queue("Billing", reps=[rep]))

    outcomes(
        8, lambda n: [conversation.add_note(Case.objects.get(pk=case.pk), by=rep, text=f"{n}.{i}") for i in range(5)]
    )

    case.refresh_from_db()
    assert case.version == 40
    assert gapless(case)


def test_a_reply_released_and_taken_back_at_once_is_one_of_the_two() -> None:
    rep = make_user("Ana Lind", username="ana")
    queue: Queue = make_queue("Billing", reps=[rep])
    case = make_case(queue)
    case.customer.contact_points.create(kind="email", value="a@example.org")
    message = conversation.reply(case, by=rep, text="Hello", written_against=0)
    Dispatch.objects.update(release_at=timezone.now())
    author = User.objects.get(pk=rep.pk)

    outcomes(2, lambda n: outward.release_due(timezone.now()) if n else conversation.take_back(message, by=author))

    message.refresh_from_db()
    assert (message.released_at is None) != (message.taken_back_at is None)
    assert gapless(case)
