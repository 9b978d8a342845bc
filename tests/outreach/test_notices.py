"""A notice: whoever is exposed is told once, and whoever may not be written to is not, whatever happens in between."""

from datetime import UTC, datetime
from unittest import mock

import pytest
from django.core import mail
from django.utils import timezone

from cases import sending
from cases.models import Dispatch
from cases.models.case import Refusal
from crm.models import Event, User
from customers import consent, merging, reach
from customers.addresses import normalise
from customers.models import ContactPoint, Customer, Subscription, Suppression
from outreach import delivery, exposure
from outreach.models import Exposure, Notice, NoticeDelivery
from tests.builders import make_customer
from tests.outreach.making import (
    TEXTS,
    approved,
    make_notice,
    make_owner,
    make_problem,
    run,
    stands,
    told,
)

pytestmark = pytest.mark.django_db


def address(n: int) -> str:
    return f"owner{n}@example.org"


# --- what may be approved


def test_it_needs_words_in_english_whole_in_each_language(sue: User) -> None:
    problem = make_problem(sue)
    for texts in ({}, {"de": TEXTS["de"]}, {"en": {"subject": "Only that"}}, {"xx": TEXTS["en"]}):
        with pytest.raises(Refusal):
            Notice.write(problem, texts, by=sue)
    with pytest.raises(Refusal):
        Notice.write(problem, {"en": {"subject": "x" * 200, "body": "y"}}, by=sue)
    assert Notice.objects.count() == 0


def test_what_is_written_is_kept_without_lines_in_the_subject(sue: User) -> None:
    notice = Notice.write(make_problem(sue), {"en": {"subject": "A\r\nBcc: b@x", "body": "B\x00\r\nC"}}, by=sue)
    assert notice.texts["en"]["subject"] == "A Bcc: b@x"
    assert "\x00" not in notice.texts["en"]["body"]


@pytest.mark.parametrize(
    "without", [{"workaround": ""}, {"next_update_at": None}, {"next_update_at": datetime(2020, 1, 1, tzinfo=UTC)}]
)
def test_nobody_is_told_without_help_and_a_time(sue: User, without: dict) -> None:
    make_owner(1)
    notice = make_notice(make_problem(sue, **without), sue)
    with pytest.raises(Refusal):
        delivery.approve(notice, by=sue, now=timezone.now())
    assert NoticeDelivery.objects.count() == 0


def test_a_fixed_problem_needs_no_time(sue: User) -> None:
    make_owner(1)
    approved(make_problem(sue, state="fixed", fix="Firmware 2.3.2", next_update_at=None), sue)
    assert NoticeDelivery.objects.count() == 1


def test_approved_it_keeps_its_words_and_is_approved_once(sue: User) -> None:
    make_owner(1)
    notice = approved(make_problem(sue), sue)
    delivery.approve(notice, by=sue, now=timezone.now())
    with pytest.raises(Refusal):
        notice.rewrite(TEXTS, by=sue)
    assert Event.objects.filter(stream="notice", kind="approved").count() == 1


# --- who is told


def test_everyone_exposed_is_told_once_and_nobody_else(sue: User) -> None:
    for n in range(3):
        make_owner(n)
    make_owner(9, version="2.4.0")
    notice = approved(make_problem(sue), sue)
    run()
    assert told(notice) == [address(0), address(1), address(2)]
    assert sorted(m.to[0] for m in mail.outbox) == [f"Owner {n} <{address(n)}>" for n in range(3)]
    assert stands(notice) == {"sent": 3}
    assert notice.state == "done"
    run()
    assert len(mail.outbox) == 3


def test_why_somebody_is_not_written_to_is_known_before_and_kept_after(sue: User) -> None:
    for n in range(2):
        make_owner(n)
    make_owner(2, email="")
    refused, bounced = make_owner(3), make_owner(4)
    consent.withdraw(refused, ["service"], source="rep")
    Suppression.objects.create(kind="email", value=address(4), reason="bounced")
    problem = make_problem(sue)
    look = exposure.outlook(problem, timezone.now())
    assert (look.size, look.reachable, look.told) == (5, 2, 0)
    assert look.withheld == {"consent_withdrawn": 1, "no_address": 1, "suppressed": 1}
    assert exposure.tried(problem, problem.condition, timezone.now()) == look
    notice = approved(problem, sue)
    run()
    assert stands(notice) == {
        "sent": 2,
        "withheld.consent_withdrawn": 1,
        "withheld.no_address": 1,
        "withheld.suppressed": 1,
    }
    assert bounced.pk
    assert exposure.outlook(problem, timezone.now()).told == 2


def test_an_address_we_may_write_to_goes_before_one_that_bounced(sue: User) -> None:
    owner = make_owner(1)
    ContactPoint.objects.filter(customer=owner).update(is_preferred=True)
    reach.add(owner, normalise("email", "second@example.org"), by=sue)
    Suppression.objects.create(kind="email", value=address(1), reason="bounced")
    notice = approved(make_problem(sue), sue)
    run()
    assert told(notice) == ["second@example.org"]


def test_nobody_exposed_is_done_at_once(sue: User) -> None:
    notice = approved(make_problem(sue), sue)
    run()
    assert stands(notice) == {}
    assert notice.state == "done"
    assert mail.outbox == []


def test_two_exposures_of_one_customer_are_told_of_each_problem_once(sue: User) -> None:
    make_owner(1)
    first, second = make_problem(sue), make_problem(sue, title="Another")
    approved(first, sue)
    approved(second, sue)
    run()
    assert len(mail.outbox) == 2


def test_a_second_notice_of_a_problem_reaches_only_those_not_told(sue: User) -> None:
    make_owner(1)
    late = make_owner(2, email="")
    problem = make_problem(sue)
    approved(problem, sue)
    run()
    ContactPoint.objects.create(customer=late, kind="email", value=address(2))
    make_owner(3)
    second = approved(problem, sue)
    run()
    assert told(second) == [address(1), address(2), address(3)]
    assert len(mail.outbox) == 3
    assert stands(second) == {"sent": 2}


def test_an_address_that_passed_to_another_customer_is_told_once(sue: User) -> None:
    first = make_owner(1)
    problem = make_problem(sue)
    approved(problem, sue)
    run()
    reach.end(first.contact_points.get(), by=sue)
    make_owner(2, email=address(1))
    second = approved(problem, sue)
    run()
    assert len(mail.outbox) == 1
    assert stands(second) == {"withheld.same_address": 1}


# --- what changes in between


def test_a_condition_changed_in_the_run_keeps_out_who_is_no_longer_meant(sue: User) -> None:
    keeps, leaves = make_owner(1), make_owner(2)
    problem = make_problem(sue)
    notice = approved(problem, sue)
    Subscription.objects.filter(customer=leaves).update(version="2.4.0")
    exposure.refresh(problem, timezone.now())
    make_owner(3)
    run()
    assert told(notice) == [address(1)]
    assert stands(notice) == {"sent": 1, "withheld.not_exposed": 1}
    assert keeps.pk


def test_who_leaves_after_the_dispatch_was_made_is_kept_out_by_the_claim(sue: User) -> None:
    make_owner(1)
    opted, gone, moved = make_owner(2), make_owner(3), make_owner(4)
    problem = make_problem(sue)
    notice = approved(problem, sue)
    delivery.deliver_due(timezone.now())
    assert Dispatch.objects.filter(state="held").count() == 4
    consent.withdraw(opted, ["service"], source="unsubscribe")
    Customer.objects.filter(pk=gone.pk).update(erased_at=timezone.now())
    Exposure.objects.filter(customer=moved).delete()
    run()
    assert told(notice) == [address(1)]
    kept = {"suppressed.consent_withdrawn": 1, "suppressed.erased": 1, "suppressed.not_exposed": 1}
    assert stands(notice) == {"sent": 1, **kept}


def test_of_two_records_merged_in_the_run_one_is_told(sue: User) -> None:
    one, two = make_owner(1), make_owner(2)
    problem = make_problem(sue)
    notice = approved(problem, sue)
    merging.merge(one, two, by=sue)
    run()
    assert len(mail.outbox) == 1
    assert stands(notice) == {"sent": 1, "withheld.merged": 1}


def test_a_person_told_under_one_record_is_not_told_again_under_the_record_it_became_part_of(sue: User) -> None:
    told_already, other, root = make_owner(1), make_owner(2), make_owner(3)
    problem = make_problem(sue)
    notice = approved(problem, sue)
    with mock.patch.object(delivery, "AHEAD", 1):
        delivery.deliver_due(timezone.now())
    sending._side_by_side([("mail", True)], timezone.now())
    assert told(notice) == [address(1)]
    merging.merge(other, told_already, by=sue)
    merging.merge(root, other, by=sue)
    run()
    assert told(notice) == [address(1)]
    assert len(mail.outbox) == 1


def test_a_merge_moves_what_was_told_and_undoing_it_moves_it_back(sue: User) -> None:
    owner, plain = make_owner(1), make_customer("Plain", email="plain@example.org")
    problem = make_problem(sue)
    approved(problem, sue)
    run()
    merge = merging.merge(plain, owner, by=sue)
    row = NoticeDelivery.objects.get()
    assert row.customer == plain
    assert Exposure.objects.get().customer == plain
    merging.undo(merge, by=sue)
    row.refresh_from_db()
    assert row.customer == owner
