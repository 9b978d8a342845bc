"""A notice: whoever is exposed is told once, and whoever may not be written to is not, whatever happens in between."""

from datetime import UTC, datetime, timedelta
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from cases import conversation, sending
from cases.channels import Failed, Unknown
from cases.hooks import answered
from cases.models import Dispatch, Queue
from cases.models.case import Refusal
from crm.models import Event, User
from customers import consent, merging, reach
from customers.addresses import normalise
from customers.models import ContactPoint, Customer, Subscription, Suppression
from outreach import delivery, exposure
from outreach.models import Exposure, Notice, NoticeDelivery, ProblemCase
from tests.builders import make_case, make_customer
from tests.outreach.making import (
    NOON,
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


# --- night


def test_nobody_is_woken_unless_somebody_could_get_hurt(sue: User) -> None:
    night = datetime(2026, 3, 27, 23, 30, tzinfo=UTC)
    make_owner(1, tz="UTC")
    make_owner(2, tz="America/New_York")
    make_owner(3, tz="Nowhere/Land")
    problem = make_problem(sue, is_safety=False, next_update_at=night + timedelta(days=2))
    approved(problem, sue, now=night)
    by_tz = dict(NoticeDelivery.objects.values_list("customer__tz", "not_before"))
    assert by_tz["America/New_York"] == night
    assert by_tz["UTC"] == by_tz["Nowhere/Land"] == datetime(2026, 3, 28, 8, tzinfo=UTC)
    safety = make_problem(sue, title="Fire", is_safety=True, next_update_at=night + timedelta(days=2))
    approved(safety, sue, now=night)
    assert set(safety.deliveries.values_list("not_before", flat=True)) == {night}


def test_a_line_that_runs_into_the_night_stops_at_the_claim(sue: User) -> None:
    evening = datetime(2026, 3, 27, 21, 59, tzinfo=UTC)
    make_owner(1)
    problem = make_problem(sue, is_safety=False, next_update_at=evening + timedelta(days=2))
    approved(problem, sue, now=evening)
    delivery.deliver_due(evening)
    (row,) = Dispatch.objects.all()
    verdict = delivery.may_leave([row], evening + timedelta(minutes=2))[row.pk]
    assert (verdict.reason, verdict.until) == ("quiet_hours", datetime(2026, 3, 28, 8, tzinfo=UTC))
    assert delivery.may_leave([row], evening) == {}


@pytest.mark.parametrize(
    ("tz", "local", "until"),
    [
        ("Europe/Berlin", "2026-03-28 22:00", "2026-03-29 08:00"),  # an hour is missing
        ("Europe/Berlin", "2026-10-25 01:00", "2026-10-25 08:00"),  # an hour comes twice
        ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-05 08:00"),  # half an hour
        ("Asia/Kathmandu", "2026-06-01 07:59", "2026-06-01 08:00"),
        ("Africa/Casablanca", "2026-03-22 00:00", "2026-03-22 08:00"),  # Ramadan ends
        ("Europe/Berlin", "2026-06-01 08:00", None),
        ("Europe/Berlin", "2026-06-01 21:59", None),
    ],
)
def test_quiet_hours_are_those_of_the_wall_clock(tz: str, local: str, until: str | None) -> None:
    from outreach import quiet

    zone = ZoneInfo(tz)
    found = quiet.over_at(tz, datetime.fromisoformat(local).replace(tzinfo=zone))
    assert (f"{found.astimezone(zone):%Y-%m-%d %H:%M}" if found else None) == until


# --- stop, pause, opt-out in the run (L17)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A way out on which something can happen between two mails: every claim is asked about afresh after each."""
    monkeypatch.setattr(sending, "FRESH", 0.0)


def between(n: int, act: object) -> mock.Mock:
    """An adapter that does something once n mails are out."""
    out: list[str] = []

    def send(outgoing, channel):  # type: ignore[no-untyped-def]
        out.append(outgoing.to)
        if len(out) == n:
            act()  # type: ignore[operator]
        return "id"

    adapter = mock.Mock(honours_key=False, send=mock.Mock(side_effect=send))
    adapter.out = out
    return adapter


def test_stop_is_honoured_by_the_next_claim(sue: User, slow: None) -> None:
    for n in range(20):
        make_owner(n)
    notice = approved(make_problem(sue), sue)
    adapter = between(5, lambda: Notice.objects.get(pk=notice.pk).stop(by=sue))
    with mock.patch("cases.sending.adapter_for", return_value=adapter):
        run()
    assert len(adapter.out) == 5
    assert stands(notice)["sent"] == 5
    assert notice.state == "stopped"
    assert sum(stands(notice).values()) == 20
    with pytest.raises(Refusal):
        notice.resume(by=sue)


def test_who_was_in_line_when_it_was_stopped_can_be_told_by_another(sue: User, slow: None) -> None:
    for n in range(6):
        make_owner(n)
    problem = make_problem(sue)
    notice = approved(problem, sue)
    adapter = between(2, lambda: Notice.objects.get(pk=notice.pk).stop(by=sue))
    with mock.patch("cases.sending.adapter_for", return_value=adapter):
        run()
    assert exposure.outlook(problem, timezone.now()).reachable == 4
    second = approved(problem, sue)
    run()
    assert len(mail.outbox) == 4
    assert stands(second) == {"sent": 4}
    assert len(told(second)) == 6


def test_pause_holds_and_resume_lets_go(sue: User, slow: None) -> None:
    for n in range(8):
        make_owner(n)
    notice = approved(make_problem(sue), sue)
    adapter = between(3, lambda: Notice.objects.get(pk=notice.pk).pause(by=sue))
    with mock.patch("cases.sending.adapter_for", return_value=adapter):
        run()
        assert len(adapter.out) == 3
        delivery.resume(Notice.objects.get(pk=notice.pk), by=sue, now=timezone.now())
        run()
    assert sorted(adapter.out) == sorted(address(n) for n in range(8))
    assert stands(notice) == {"sent": 8}


def test_an_opt_out_by_the_mails_own_link_counts_for_the_next_claim(sue: User, slow: None) -> None:
    for n in range(3):
        make_owner(n)
    notice = approved(make_problem(sue), sue)
    last = Customer.objects.order_by("-pk").first()
    assert last is not None

    def leave() -> None:
        from customers import unsubscribe

        link = unsubscribe.link(last.pk, last.contact_points.get().pk, "service")
        Client().post("/" + link.split("/", 3)[3], {"List-Unsubscribe": "One-Click"})

    adapter = between(1, leave)
    with mock.patch("cases.sending.adapter_for", return_value=adapter):
        run()
    assert address(2) not in adapter.out
    assert stands(notice) == {"sent": 2, "suppressed.suppressed": 1}


def test_a_problem_is_not_closed_while_a_notice_is_on_its_way(sue: User) -> None:
    make_owner(1)
    problem = make_problem(sue)
    notice = approved(problem, sue)
    with pytest.raises(Refusal):
        problem.close(by=sue)
    notice.stop(by=sue)
    problem.close(by=sue)


# --- what nobody can know (L16)


def test_what_broke_off_is_shown_as_unknown_and_goes_again_only_by_a_persons_word(sue: User) -> None:
    for n in range(3):
        make_owner(n)
    notice = approved(make_problem(sue), sue)
    adapter = mock.Mock(honours_key=False)
    adapter.send.side_effect = ["a", Unknown("silence", reason="no_answer"), Failed("550 no", reason="smtp_550")]
    with mock.patch("cases.sending.adapter_for", return_value=adapter):
        run()
    assert stands(notice) == {"sent": 1, "unknown.no_answer": 1, "failed.smtp_550": 1}
    assert notice.state == "done"
    run()
    assert mail.outbox == []
    unknown = NoticeDelivery.objects.get(dispatch__state="unknown")
    key = unknown.dispatch.key
    delivery.send_again(unknown, by=sue, now=timezone.now())
    delivery.send_again(unknown, by=sue, now=timezone.now())
    run()
    assert len(mail.outbox) == 1
    unknown.refresh_from_db()
    assert unknown.dispatch.key == key, "the same message, so that a mailbox can tell a repeat"
    assert stands(notice) == {"sent": 2, "failed.smtp_550": 1}
    assert Event.objects.filter(stream="notice", kind="send_again_asked").count() == 1


# --- what is read, and what comes back


def test_the_mail_says_what_to_do_the_next_step_by_their_clock_and_how_to_stop(sue: User) -> None:
    make_owner(1, language="de-CH", tz="Europe/Zurich")
    problem = make_problem(sue, next_update_at=timezone.now().replace(hour=12, minute=0) + timedelta(days=1))
    approved(problem, sue)
    run()
    (said,) = mail.outbox
    assert said.subject == TEXTS["de"]["subject"]
    assert said.body.startswith(TEXTS["de"]["body"])
    assert "CET" in said.body or "CEST" in said.body
    assert "/unsubscribe/" in said.body
    assert said.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert said.extra_headers["List-Unsubscribe"].strip("<>") in said.body
    assert said.extra_headers["Auto-Submitted"] == "auto-generated"


def test_a_language_nobody_wrote_in_gets_english(sue: User) -> None:
    make_owner(1, language="es")
    approved(make_problem(sue), sue)
    run()
    (said,) = mail.outbox
    assert said.subject == TEXTS["en"]["subject"]
    assert "Next step: We repair the firmware, by" in said.body


def test_a_name_cannot_break_the_mail(sue: User) -> None:
    owner = make_owner(1)
    Customer.objects.filter(pk=owner.pk).update(name="Eve\r\nBcc: all@example.org {{ settings.SECRET_KEY }}")
    approved(make_problem(sue), sue)
    run()
    (said,) = mail.outbox
    assert said.recipients() == ["Eve Bcc: all@example.org {{ settings.SECRET_KEY }} <owner1@example.org>"] or all(
        "\n" not in to for to in said.recipients()
    )
    assert "Bcc" not in said.message()


def test_an_answer_links_its_case_and_a_closed_problem_takes_none(sue: User, billing: Queue) -> None:
    for n in range(2):
        make_owner(n)
    problem = make_problem(sue)
    approved(problem, sue)
    run()
    first, second = Dispatch.objects.order_by("pk")
    case = make_case(billing, customer=first.customer)
    answered.run(first, case)
    answered.run(first, case)
    link = ProblemCase.objects.get()
    assert (link.case, link.via, link.linked_by) == (case, "reply", None)
    assert NoticeDelivery.objects.exclude(answered_at=None).count() == 1
    problem.close(by=sue)
    assert [f.failure for f in answered.run(second, make_case(billing))] == ["", ""]
    assert ProblemCase.objects.count() == 1


def test_an_answer_in_a_case_of_another_problem_leaves_it_there(sue: User, billing: Queue) -> None:
    make_owner(1)
    problem, other = make_problem(sue), make_problem(sue, title="Other", condition=None)
    case = make_case(billing)
    other.link(case, by=sue)
    approved(problem, sue)
    run()
    answered.run(Dispatch.objects.get(), case)
    assert ProblemCase.objects.get().problem == other


def test_told_first_counts_who_had_not_yet_written_to_us_about_it(sue: User, billing: Queue) -> None:
    wrote, silent, later = (make_owner(n) for n in range(3))
    problem = make_problem(sue)
    problem.link(make_case(billing, customer=wrote, opened_at=timezone.now() - timedelta(hours=1)), by=sue)
    approved(problem, sue)
    run()
    case = make_case(billing, customer=later, opened_at=timezone.now() + timedelta(hours=1))
    problem.link(case, by=sue)
    delivery.recount(problem, timezone.now())
    assert (problem.told, problem.told_first) == (3, 2)
    assert silent.pk


def test_a_bounce_that_comes_later_is_no_longer_counted_as_told(sue: User) -> None:
    make_owner(1)
    problem = make_problem(sue)
    notice = approved(problem, sue)
    run()
    Dispatch.objects.update(state="failed", reason="undelivered")
    delivery.follow_ended(timezone.now())
    problem.refresh_from_db()
    assert problem.told == 0
    assert stands(notice) == {"failed.undelivered": 1}


def test_what_they_were_told_is_in_their_timeline(sue: User) -> None:
    from customers.hooks import timeline

    owner = make_owner(1)
    approved(make_problem(sue), sue)
    run()
    entries = [e for part in timeline.collect(owner, sue, timezone.now() + timedelta(1), 10, "notice") for e in part]
    assert [e.title for e in entries] == [f"Told: {TEXTS['en']['subject']}"]


def test_a_hundred_waits_in_batches_ahead_of_the_loop_by_a_bounded_number(sue: User) -> None:
    for n in range(30):
        make_owner(n)
    notice = approved(make_problem(sue), sue)
    with mock.patch.object(delivery, "AHEAD", 10), mock.patch.object(delivery, "BATCH", 4):
        for _round in range(6):
            delivery.deliver_due(timezone.now())
        assert Dispatch.objects.count() == 10
    run()
    assert len(told(notice)) == 30


def test_an_answer_to_a_customer_overtakes_a_notice(sue: User, ana: User, billing: Queue, carl: Customer) -> None:
    from tests.builders import make_message

    for n in range(5):
        make_owner(n)
    approved(make_problem(sue), sue)
    delivery.deliver_due(timezone.now())
    case = make_case(billing, customer=carl)
    make_message(case, sender=carl.contact_points.get(kind="email"))
    case.refresh_from_db()
    conversation.reply(case, by=ana, text="Five days.", written_against=case.version)
    Dispatch.objects.filter(source="message").update(release_at=NOON - timedelta(days=1), released_at=NOON)
    from cases import outward

    outward.send_due(timezone.now())
    assert [m.to for m in mail.outbox] == [["Carl Jensen <carl@example.org>"]]
