"""The clocks of a case: what starts, pauses, resumes, meets and breaches them, each once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import close_old_connections, connections, transaction
from django.utils import timezone

from cases import clocks, conversation, outward
from cases.models import Case, Clock, Queue
from cases.models import clock as clock_module
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


# --- the sweeps


def test_a_breach_is_one_event_dated_when_it_fell_due(billing: Queue) -> None:
    make_policy(first_response=60)
    case = opened(billing)
    assert clocks.breach_due(at("10:00")) == 0  # exactly on time is in time
    assert clocks.breach_due(at("12:00")) == 1
    assert clocks.breach_due(at("12:00")) == 0
    event = Event.objects.get(kind="sla_breached")
    clock = clock_of(case, "first_response")
    assert (event.at, event.via, event.actor) == (at("10:00"), "clock", None)
    assert event.data == {"clock": clock.pk, "target": "first_response"}
    assert clock.breached_at == at("10:00")
    case.refresh_from_db()
    assert case.attention_at == at("10:00")  # the longest overdue stays first


def test_a_warning_comes_once_with_a_quarter_left_and_not_after_the_breach(billing: Queue) -> None:
    make_policy(first_response=60)
    case, late = opened(billing), opened(billing)
    assert clocks.warn_due(at("09:44")) == 0
    assert clocks.warn_due(at("09:45")) == 2
    assert clocks.warn_due(at("09:50")) == 0
    slept = opened(billing, "11:00")
    assert clocks.warn_due(at("12:30")) == 0
    assert kinds(slept) == ["opened"]
    assert kinds(case) == kinds(late) == ["opened", "sla_warned"]


def test_a_target_of_no_time_at_all_breaches_at_once(billing: Queue) -> None:
    make_policy(first_response=0)
    case = opened(billing)
    assert clock_of(case, "first_response").due_at == at("09:00")
    assert clocks.breach_due(at("09:00:01")) == 1


def test_a_paused_or_met_clock_never_breaches(billing: Queue, ana: User) -> None:
    make_policy(first_response=60, resolution=60, pause=("waiting_internal",))
    case = opened(billing)
    happen(case, "answer_released", "09:30")
    case.change_status("waiting_internal", by=ana, at=at("09:40"))
    assert clocks.breach_due(at("23:00")) + clocks.warn_due(at("23:00")) == 0


def test_an_answer_after_its_time_breaches_even_if_no_sweep_looked(billing: Queue) -> None:
    make_policy(first_response=60)
    case = opened(billing)
    happen(case, "answer_released", "11:00")
    assert kinds(case) == ["opened", "answer_released", "sla_breached"]
    clock = clock_of(case, "first_response")
    assert (clock.met_at, clock.breached_at, clock.elapsed_seconds) == (at("11:00"), at("10:00"), 7200)
    assert clocks.breach_due(at("12:00")) == 0


def test_a_breached_clock_that_pauses_and_resumes_stays_breached_once(billing: Queue, ana: User) -> None:
    make_policy(resolution=60, pause=("waiting_internal",))
    case = opened(billing)
    clocks.breach_due(at("10:30"))
    case.change_status("waiting_internal", by=ana, at=at("10:40"))
    case.change_status("open", by=ana, at=at("10:50"))
    assert clocks.breach_due(at("12:00")) == 0
    clock = clock_of(case, "resolution")
    assert (clock.breached_at, clock.due_at) == (at("10:00"), at("10:00"))
    assert kinds(case).count("sla_breached") == 1


@pytest.mark.parametrize("night", ["2035-03-25T00:30+01:00", "2035-10-28T00:30+02:00"])
def test_clocks_fall_due_exactly_over_the_nights_clocks_change(billing: Queue, night: str) -> None:
    always = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    make_policy(first_response=240, calendar=publish_calendar(tz="Europe/Berlin", hours=always))
    case = opened(billing, night)
    due = at(night) + timedelta(hours=4)
    assert clock_of(case, "first_response").due_at == due
    assert (clocks.breach_due(due), clocks.breach_due(due + timedelta(seconds=1))) == (0, 1)
    assert kinds(case) == ["opened", "sla_breached"]


def test_a_sweep_that_dies_in_the_middle_leaves_nothing_half_done(
    billing: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_policy(first_response=60)
    cases = [opened(billing) for _n in range(3)]
    real, calls = clocks.report_breach, []

    def dies(clock: Clock, case: Case) -> None:
        calls.append(clock)
        if len(calls) == 2:
            raise RuntimeError("killed")
        real(clock, case)

    monkeypatch.setattr(clocks, "report_breach", dies)
    with pytest.raises(RuntimeError), transaction.atomic():
        clocks.breach_due(at("11:00"))
    assert not Clock.objects.exclude(breached_at=None).exists()
    assert not Event.objects.filter(kind="sla_breached").exists()
    monkeypatch.undo()
    assert clocks.breach_due(at("11:00")) == 3
    assert [kinds(case).count("sla_breached") for case in cases] == [1, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_many_sweeps_and_verbs_at_once_make_one_event_a_clock(billing: Queue, ana: User) -> None:
    make_policy(first_response=60, resolution=60)
    cases = [opened(billing) for _n in range(12)]

    def sweep(_n: int) -> int:
        return _apart(lambda: sum(clocks.breach_due(at("11:00")) + clocks.warn_due(at("11:00")) for _round in "abc"))

    def work(case: Case) -> int:
        return _apart(lambda: Case.objects.get(pk=case.pk).claim(by=ana) or 0)

    with ThreadPoolExecutor(6) as pool:
        done = [*pool.map(sweep, range(4)), *pool.map(work, cases)]
    done.append(sweep(0))
    assert sum(done) == 24
    assert [kinds(case).count("sla_breached") for case in cases] == [2] * 12


@pytest.mark.django_db(transaction=True)
def test_a_case_somebody_holds_is_left_for_the_next_turn(billing: Queue) -> None:
    make_policy(first_response=60)
    held, free = opened(billing), opened(billing)
    with transaction.atomic():
        Case.objects.select_for_update(no_key=True).get(pk=held.pk)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(_apart, lambda: clocks.breach_due(at("11:00"))).result(timeout=5) == 1
    assert kinds(free) == ["opened", "sla_breached"]
    assert clocks.breach_due(at("11:00")) == 1
    assert kinds(held) == ["opened", "sla_breached"]


def _apart(act: Any) -> Any:
    close_old_connections()
    try:
        return act()
    finally:
        connections.close_all()


# --- what it costs and how it looks


def test_an_event_that_moves_no_clock_asks_the_database_nothing(billing: Queue, django_assert_num_queries: Any) -> None:
    make_policy(first_response=60)
    case = opened(billing)
    event = Event.objects.filter(stream_id=case.pk).get()
    event.kind = "tagged"
    with django_assert_num_queries(0):
        Clock.objects.follow(case, event)


def test_clocks_met_long_ago_are_not_read_again(billing: Queue, django_assert_max_num_queries: Any) -> None:
    make_policy(first_response=60, next_response=30, update=60)
    case = opened(billing)
    for hour in range(10, 20):
        happen(case, "message_received", f"{hour}:00")
        happen(case, "answer_released", f"{hour}:10")
    with django_assert_max_num_queries(14):
        happen(case, "message_received", "20:00")


@pytest.mark.parametrize(
    ("when", "state"),
    [("09:00", "calm"), ("09:29", "calm"), ("09:30", "soon"), ("09:45", "soon"), ("09:46", "amber"), ("10:01", "red")],
)
def test_a_chip_says_how_much_is_left(billing: Queue, when: str, state: str) -> None:
    make_policy(first_response=60)
    chip = clocks.display(clock_of(opened(billing), "first_response"), at(when))
    assert (chip.label, chip.state, chip.at) == ("first answer", state, at("10:00"))


def test_a_chip_of_a_stopped_clock(billing: Queue, ana: User) -> None:
    make_policy(first_response=60, resolution=60, pause=("waiting_internal",))
    case = opened(billing)
    happen(case, "answer_released", "09:20")
    case.change_status("waiting_internal", by=ana, at=at("09:30"))
    assert clocks.display(clock_of(case, "first_response"), at("12:00")).state == "met"
    assert clocks.display(clock_of(case, "resolution"), at("12:00")).state == "paused"
    late = opened(billing)
    happen(late, "answer_released", "11:00")
    assert clocks.display(clock_of(late, "first_response"), at("12:00")).state == "missed"


def test_round_the_clock_is_what_no_calendar_means(billing: Queue) -> None:
    make_policy(first_response=60 * 24 * 30)
    case = opened(billing)
    assert clock_of(case, "first_response").due_at == at("09:00") + timedelta(days=30)
    assert clock_module.ALWAYS.is_round_the_clock
