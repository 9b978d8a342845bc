"""The clocks of a case: what starts, pauses, resumes, meets and breaches them, each once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import close_old_connections, connections, transaction

from cases import clocks
from cases.models import Case, Clock, Queue
from cases.models import clock as clock_module
from crm.models import Event, User
from tests.cases.clockwork import at, clock_of, happen, kinds, make_policy, opened, publish_calendar

pytestmark = pytest.mark.django_db


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
