"""The clocks of a case: what starts, pauses, resumes, meets and breaches them, each once."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from cases import clocks, conversation, outward
from cases.models import Clock, Queue
from crm.models import Event, User
from customers.models import Customer
from tests.builders import make_case
from tests.cases.clockwork import at, clock_of, happen, kinds, make_policy, opened, publish_calendar

pytestmark = pytest.mark.django_db


# --- starting and meeting


def test_opening_starts_the_clocks_the_policy_has_targets_for(billing: Queue) -> None:
    version = make_policy(first_response=60, next_response=30, resolution=480).current
    case = opened(billing)
    assert set(case.clocks.values_list("kind", flat=True)) == {"first_response", "resolution"}
    first = clock_of(case, "first_response")
    assert (first.due_at, first.warn_at, first.target_seconds) == (at("10:00"), at("09:45"), 3600)
    assert (first.policy_version, first.calendar_version, first.started_at) == (version, None, at("09:00"))
    assert (case.next_due_at, case.attention_at) == (at("10:00"), at("10:00"))
    case.refresh_from_db()
    assert (case.next_due_at, case.attention_at) == (at("10:00"), at("10:00"))


def test_a_case_no_policy_covers_has_no_clocks(billing: Queue) -> None:
    case = opened(billing)
    assert not case.clocks.exists()
    assert case.attention_at is None


def test_due_times_keep_to_the_calendar(billing: Queue) -> None:
    make_policy(first_response=120, calendar=publish_calendar(tz="Europe/Berlin"))
    case = opened(billing, "2035-03-09T15:00")  # Friday 16:00 in Berlin
    assert clock_of(case, "first_response").due_at == at("2035-03-12T09:00")


def test_hours_that_never_hold_the_target_do_not_keep_a_case_from_opening(billing: Queue) -> None:
    seldom = publish_calendar(hours={"sun": [["10:00", "10:01"]]})
    make_policy(first_response=60 * 24 * 366, resolution=1, calendar=seldom)
    case = opened(billing)
    assert (clock_of(case, "first_response").is_running, clock_of(case, "first_response").due_at) == (True, None)
    assert case.attention_at == at("2035-03-11T10:01")
    assert clocks.breach_due(at("2035-03-11T10:01")) == 0


def test_only_an_answer_stops_the_answer_clock(billing: Queue) -> None:
    make_policy(first_response=60, resolution=480)
    case = opened(billing)
    for kind in ("acknowledged", "note_added", "reply_written", "reply_released", "claimed", "tagged"):
        happen(case, kind, "09:10")
    assert clock_of(case, "first_response").is_running
    happen(case, "answer_released", "09:20")
    first = clock_of(case, "first_response")
    assert (first.met_at, first.elapsed_seconds, first.is_running) == (at("09:20"), 1200, False)
    assert clock_of(case, "resolution").is_running
    assert case.next_due_at == at("17:00")


def test_the_next_answer_is_owed_from_the_customers_next_message(billing: Queue) -> None:
    make_policy(first_response=60, next_response=30)
    case = opened(billing)
    happen(case, "message_received", "09:05")
    assert case.clocks.count() == 1  # the first answer is still owed
    happen(case, "answer_released", "09:20")
    happen(case, "message_received", "10:00")
    happen(case, "message_received", "10:10")  # the customer has waited since the first of them
    waiting = clock_of(case, "next_response")
    assert (waiting.started_at, waiting.due_at) == (at("10:00"), at("10:30"))
    happen(case, "answer_released", "10:20")
    assert clock_of(case, "next_response").met_at == at("10:20")
    happen(case, "message_received", "11:00")
    assert case.clocks.filter(kind="next_response").count() == 2


def test_an_automatic_reply_owes_nobody_an_answer(billing: Queue) -> None:
    make_policy(first_response=60, next_response=30)
    case = opened(billing)
    happen(case, "answer_released", "09:20")
    happen(case, "message_received", "10:00", auto=True)
    assert not case.clocks.filter(kind="next_response").exists()


def test_the_update_clock_counts_from_our_last_word_to_the_customer(billing: Queue) -> None:
    make_policy(update=60)
    case = opened(billing)
    assert clock_of(case, "update").due_at == at("10:00")
    happen(case, "reply_released", "09:30")
    assert clock_of(case, "update").due_at == at("10:30")
    happen(case, "message_received", "09:40")
    assert clock_of(case, "update").due_at == at("10:30")
    assert list(case.clocks.values_list("met_at", flat=True).order_by("pk")) == [at("09:30"), None]


# --- pausing, resolving, reopening


def test_a_status_pauses_and_resumes_with_the_time_left(billing: Queue, ana: User) -> None:
    make_policy(resolution=120, pause=("waiting_customer",))
    case = opened(billing)
    case.change_status("open", by=ana, at=at("09:10"))
    case.change_status("waiting_customer", by=ana, at=at("09:30"))
    paused = clock_of(case, "resolution")
    assert (paused.due_at, paused.elapsed_seconds, paused.paused_at) == (None, 1800, at("09:30"))
    assert paused.remaining(at("12:00")) == 5400
    assert case.next_due_at is None
    case.change_status("open", by=ana, at=at("10:30"))
    again = clock_of(case, "resolution")
    assert (again.due_at, again.paused_seconds, again.warn_at) == (at("12:00"), 3600, at("11:30"))


def test_time_paused_and_spent_is_open_time(billing: Queue, ana: User) -> None:
    make_policy(resolution=120, calendar=publish_calendar(), pause=("waiting_internal",))
    case = opened(billing, "16:30")
    case.change_status("open", by=ana, at=at("16:30"))
    case.change_status("waiting_internal", by=ana, at=at("16:45"))
    case.change_status("open", by=ana, at=at("2035-03-06T09:15"))
    clock = clock_of(case, "resolution")
    assert (clock.elapsed_seconds, clock.paused_seconds) == (900, 1800)
    assert clock.due_at == at("2035-03-06T11:00")


def test_a_resolution_that_is_reopened_goes_on_with_the_time_it_had_left(billing: Queue, ana: User) -> None:
    make_policy(first_response=600, resolution=120, pause=("waiting_customer",))
    case = opened(billing)
    case.change_status("waiting_customer", by=ana, at=at("09:30"))
    case.change_status("open", by=ana, at=at("09:45"))
    case.resolve(by=ana, at=at("10:00"))
    done = clock_of(case, "resolution")
    assert (done.met_at, done.elapsed_seconds, done.due_at) == (at("10:00"), 2700, None)
    assert clock_of(case, "first_response").paused_at == at("10:00")  # nobody answered; nothing is owed just now
    case.reopen(by=ana, at=at("10:30"))
    again = clock_of(case, "resolution")
    assert (again.pk, again.met_at, again.due_at) == (done.pk, None, at("11:45"))
    assert clock_of(case, "first_response").is_running


def test_closing_ends_what_was_still_open(billing: Queue, ana: User) -> None:
    make_policy(first_response=600, resolution=120)
    case = opened(billing)
    case.resolve(by=ana, at=at("10:00"))
    case.change_status("closed", by=None, at=at("2035-03-12T10:00"))
    assert clock_of(case, "first_response").cancelled_at == at("2035-03-12T10:00")
    assert clock_of(case, "resolution").met_at == at("10:00")


def test_spam_ends_every_clock_and_a_mistake_brings_them_back(billing: Queue, ana: User) -> None:
    make_policy(first_response=60, resolution=120)
    case = opened(billing)
    case.change_status("spam", by=ana, at=at("09:20"))
    assert not case.clocks.running().exists()
    assert case.attention_at is None
    case.change_status("open", by=ana, at=at("11:20"))
    first = clock_of(case, "first_response")
    assert (first.due_at, first.cancelled_at, first.paused_seconds) == (at("12:00"), None, 7200)
    assert case.clocks.count() == 2


def test_a_bare_reply_that_waits_for_the_customer_does_not_pause_the_answer_clock(
    billing: Queue, ana: User, carl: Customer
) -> None:
    make_policy(first_response=60, resolution=120, pause=("waiting_customer",))
    case = make_case(billing, customer=carl)
    with transaction.atomic():
        case.lock()
        case.record("opened", by=None)
    reply = conversation.reply(case, by=ana, text="We have your mail.", written_against=case.version)
    outward.release_due(timezone.now() + timedelta(minutes=5))
    reply.refresh_from_db()
    case.refresh_from_db()
    assert (reply.released_at is not None, case.status) == (True, "waiting_customer")
    assert clock_of(case, "first_response").is_running
    assert not clock_of(case, "resolution").is_running


def test_a_person_who_sets_the_status_does_pause_it(billing: Queue, ana: User) -> None:
    make_policy(first_response=60, pause=("waiting_customer",))
    case = opened(billing)
    happen(case, "reply_released", "09:10")
    case.change_status("waiting_customer", by=ana, at=at("09:15"))
    assert not clock_of(case, "first_response").is_running


def test_a_message_that_reopens_a_resolved_case_owes_an_answer(billing: Queue, ana: User) -> None:
    make_policy(first_response=60, next_response=30)
    case = opened(billing)
    happen(case, "answer_released", "09:20")
    case.resolve(by=ana, at=at("09:25"))
    conversation.add_inbound(case, text="Still broken.", sender=None, channel="web", at=at("11:00"))
    clock = clock_of(case, "next_response")
    assert (clock.is_running, clock.due_at, case.status) == (True, at("11:30"), "open")


# --- another priority, queue or policy


def test_a_new_policy_version_leaves_running_clocks_as_they_were(billing: Queue, ana: User) -> None:
    policy = make_policy(first_response=60)
    case = opened(billing)
    before = Clock.objects.filter(case=case).values().get()
    policy.publish(targets=[{"kind": "first_response", "minutes": 5}])
    happen(case, "note_added", "09:30")
    assert Clock.objects.filter(case=case).values().get() == before


def test_another_priority_retargets_and_keeps_the_time_spent(billing: Queue, ana: User) -> None:
    make_policy("Urgent", position=1, priorities=["urgent"], first_response=20, resolution=60)
    make_policy("Rest", position=2, first_response=60)
    case = opened(billing)
    case.set_priority("urgent", by=ana, at=at("09:15"))
    first = clock_of(case, "first_response")
    assert (first.target_seconds, first.elapsed_seconds, first.due_at) == (1200, 900, at("09:20"))
    assert clock_of(case, "resolution").started_at == at("09:15")
    case.set_priority("normal", by=ana, at=at("09:18"))
    assert clock_of(case, "first_response").due_at == at("10:00")
    assert clock_of(case, "resolution").cancelled_at == at("09:18")


def test_a_case_that_gets_a_customer_of_a_tier_goes_on_under_that_tiers_targets(billing: Queue, ana: User) -> None:
    make_policy("Everybody", position=1, resolution=480)
    make_policy("Gold", tiers=["gold"], resolution=60)
    case = opened(billing, customer=None)
    case.set_customer(Customer.objects.create(name="Carla", tier="gold"), by=ana, at=at("09:20"))
    clock = clock_of(case, "resolution")
    assert (clock.policy_version.policy.name, clock.due_at) == ("Gold", at("10:00"))
    case.refresh_from_db()
    assert case.next_due_at == at("10:00")


def test_a_transfer_brings_the_other_queues_policy_and_calendar(billing: Queue, technical: Queue, ana: User) -> None:
    make_policy("Billing", queues=[billing], first_response=60)
    technical.calendar = publish_calendar()
    technical.save()
    make_policy("Technical", queues=[technical], first_response=120)
    case = opened(billing, "16:30")
    case.transfer(technical, by=ana, at=at("16:45"))
    clock = clock_of(case, "first_response")
    assert clock.calendar_version == technical.calendar.current
    assert clock.due_at == at("2035-03-06T10:30")  # 105 minutes left, 15 of them today
    assert case.clocks.count() == 1


def test_an_answered_case_owes_no_first_answer_elsewhere(billing: Queue, technical: Queue, ana: User) -> None:
    make_policy("Technical", queues=[technical], first_response=60, resolution=60)
    case = opened(billing)
    happen(case, "answer_released", "09:10")
    case.transfer(technical, by=ana, at=at("09:20"))
    assert list(case.clocks.values_list("kind", flat=True)) == ["resolution"]


# --- history brought in


def test_history_is_judged_by_its_own_times_in_silence(billing: Queue, ana: User) -> None:
    make_policy(first_response=60, resolution=120, pause=("waiting_customer",))
    case = opened(billing, "2024-03-04T09:00", via="import")
    assert clock_of(case, "first_response").breached_at == at("2024-03-04T10:00")
    assert clocks.breach_due(timezone.now()) == 0
    happen(case, "answer_released", "2024-03-04T09:50", via="import")
    first = clock_of(case, "first_response")
    assert (first.met_at, first.breached_at) == (at("2024-03-04T09:50"), None)  # it had been in time after all
    case.change_status("waiting_customer", by=None, at=at("2024-03-04T10:00"), via="import")
    case.change_status("open", by=None, at=at("2024-03-05T10:00"), via="import")
    case.resolve(by=None, at=at("2024-03-05T11:30"), via="import")
    resolution = clock_of(case, "resolution")
    assert (resolution.breached_at, resolution.met_at) == (at("2024-03-05T11:00"), at("2024-03-05T11:30"))
    assert (resolution.elapsed_seconds, resolution.paused_seconds) == (9000, 86400)
    assert clocks.breach_due(timezone.now()) + clocks.warn_due(timezone.now()) == 0
    assert not {"sla_breached", "sla_warned"} & set(kinds(case))


def test_history_lived_through_again_knows_nothing_of_what_came_later(billing: Queue) -> None:
    make_policy(next_response=30)
    case = opened(billing, "2024-03-04T09:00", via="import")
    for kind, when in (("message_received", "09:10"), ("answer_released", "09:20"), ("message_received", "10:00")):
        happen(case, kind, f"2024-03-04T{when}", via="import")
    lived = list(case.clocks.values_list("kind", "started_at"))
    assert lived == [("next_response", at("2024-03-04T10:00"))]
    case.clocks.all().delete()
    for event in Event.objects.filter(stream="case", stream_id=case.pk).order_by("at", "version"):
        Clock.objects.follow(case, event)
    assert list(case.clocks.values_list("kind", "started_at")) == lived


def test_history_whose_time_is_still_to_come_goes_live(billing: Queue) -> None:
    make_policy(first_response=600)
    case = opened(billing, (timezone.now() - timedelta(hours=2)).isoformat(), via="import")
    assert clock_of(case, "first_response").breached_at is None
    assert clocks.breach_due(timezone.now() + timedelta(hours=9)) == 1
    assert kinds(case) == ["opened", "sla_breached"]
