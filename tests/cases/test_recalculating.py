"""A changed calendar or policy and the clocks that run: measured before, moved afterwards, and nothing that was is rewritten."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import close_old_connections, connections, transaction
from django.test import Client
from django.urls import reverse

from cases import clocks, recalculating
from cases.models import BusinessCalendar, Case, Clock, Queue, Recalculation, SLAPolicy, SLAPolicyVersion
from crm.models import Event, User
from tests.api import Caller
from tests.cases.clockwork import OFFICE, at, clock_of, happen, kinds, make_policy, opened, publish_calendar

pytestmark = pytest.mark.django_db
Subject = BusinessCalendar | SLAPolicy


def again(policy: SLAPolicy, pause: tuple[str, ...] = (), **targets: float) -> SLAPolicyVersion:
    """The policy with other targets."""
    wanted = [{"kind": kind, "minutes": minutes} for kind, minutes in targets.items()]
    current = policy.current
    return policy.publish(targets=wanted, calendar=current.calendar if current else None, pause_statuses=pause, by=None)


def apply(subject: Subject, when: str, by: User | None = None) -> Recalculation:
    """Until it is done."""
    task = recalculating.begin(subject, by=by, at=at(when))
    for _turn in range(100):
        recalculating.recalculate(at(when))
        task.refresh_from_db()
        if task.state == Recalculation.State.DONE:
            return task
    raise AssertionError("never done")


def due(case: Case, kind: str = "resolution") -> datetime | None:
    return clock_of(case, kind).due_at


def test_running_clocks_go_on_under_the_new_target_with_what_they_have_spent(billing: Queue, sue: User) -> None:
    policy = make_policy(resolution=480)
    case = opened(billing)
    version = again(policy, resolution=240)
    effect = recalculating.effect(policy, at("10:00"))
    assert (effect.cases, effect.clocks, effect.overdue, effect.is_complete) == (1, 1, 0, True)
    assert [(m.was.due_at, m.clock.due_at) for m in effect.moves] == [(at("17:00"), at("13:00"))]
    assert due(case) == at("17:00")  # measuring changes nothing
    task = apply(policy, "10:00", by=sue)
    clock = clock_of(case, "resolution")
    assert (clock.due_at, clock.policy_version, clock.elapsed_seconds) == (at("13:00"), version, 3600)
    assert (task.looked, task.changed, task.finished_at) == (1, 1, at("10:00"))
    event = Event.objects.get(kind="sla_recomputed")
    assert (event.actor, event.data) == (sue, {"recalculation": task.pk, "clocks": 1})
    case.refresh_from_db()
    assert case.next_due_at == at("13:00")


def test_a_clock_whose_time_is_over_with_the_change_falls_due_then_and_no_earlier(billing: Queue) -> None:
    policy = make_policy(resolution=480)
    case = opened(billing)
    again(policy, resolution=30)
    assert recalculating.effect(policy, at("10:00")).overdue == 1
    apply(policy, "10:00")
    assert due(case) == at("10:00")
    assert clocks.breach_due(at("10:00:01")) == 1
    assert clock_of(case, "resolution").breached_at == at("10:00")


def test_what_has_ended_or_run_out_stays_as_it_was_judged(billing: Queue, ana: User) -> None:
    policy = make_policy(first_response=60, resolution=120)
    met, breached, unseen, resolved = [opened(billing) for _n in "abcd"]
    for case in (met, unseen, resolved):
        happen(case, "answer_released", "09:30")
    resolved.resolve(by=ana, at=at("09:40"))
    clocks.breach_due(at("10:30"))  # the first answer of `breached`
    before = {clock.pk: clock.state() for clock in Clock.objects.exclude(kind="resolution", case__in=[met, breached])}
    Clock.objects.filter(case=unseen, kind="resolution").update(due_at=at("10:44"))
    before |= {c.pk: c.state() for c in Clock.objects.filter(case=unseen)}
    again(policy, first_response=10, resolution=600)
    assert recalculating.effect(policy, at("10:45")).clocks == 2
    apply(policy, "10:45")
    assert {c.pk: c.state() for c in Clock.objects.filter(pk__in=before)} == before
    assert due(met) == due(breached) == at("19:00")
    assert "sla_recomputed" not in kinds(resolved) + kinds(unseen)


def test_a_warning_given_is_not_given_again_nor_taken_back(billing: Queue) -> None:
    policy = make_policy(resolution=60)
    case = opened(billing)
    clocks.warn_due(at("09:50"))
    again(policy, resolution=240)
    apply(policy, "09:55")
    clock = clock_of(case, "resolution")
    assert (clock.warned_at, clock.warn_at, clock.due_at) == (at("09:50"), None, at("13:00"))
    assert clocks.warn_due(at("12:30")) == 0


def test_a_holiday_moves_what_is_left_and_counts_what_was_spent_as_it_was(billing: Queue) -> None:
    calendar = publish_calendar()
    make_policy(calendar=calendar, resolution=480)
    case = opened(billing)  # Monday 9:00
    other = opened(billing, "08:00")
    calendar.publish(tz="UTC", hours=OFFICE, holidays=["2035-03-05"])
    assert recalculating.effect(calendar, at("11:00")).cases == 2
    apply(calendar, "11:00")
    assert due(case) == due(other) == at("2035-03-06T15:00")  # two of eight hours are spent
    assert clock_of(case, "resolution").calendar_version == calendar.current


def test_a_queues_own_calendar_moves_its_clocks_and_those_of_others_stay(billing: Queue, technical: Queue) -> None:
    calendar = publish_calendar()
    Queue.objects.filter(pk=billing.pk).update(calendar=calendar)
    make_policy(resolution=60)
    inside, outside = opened(Queue.objects.get(pk=billing.pk)), opened(technical)
    calendar.publish(tz="UTC", hours={"mon": [["09:30", "17:00"]]})
    effect = recalculating.effect(calendar, at("09:10"))
    assert (effect.cases, effect.total) == (1, 1)
    apply(calendar, "09:10")
    assert (due(inside), due(outside)) == (at("10:20"), at("10:00"))


def test_a_policy_that_lets_in_less_hands_its_clocks_on_or_ends_them_and_starts_none(
    billing: Queue, technical: Queue
) -> None:
    wide = make_policy("Wide", position=0, first_response=60, resolution=480)
    make_policy("Rest", position=1, queues=[billing], resolution=60, update=30)
    taken, lost = opened(billing), opened(technical)
    wide.is_active = False
    wide.save()
    effect = recalculating.effect(wide, at("09:10"))
    assert (effect.cases, effect.clocks, effect.ending) == (2, 4, 3)
    apply(wide, "09:10")
    assert due(taken) == at("10:00")
    assert set(taken.clocks.filter(met_at=None, cancelled_at=None).values_list("kind", flat=True)) == {"resolution"}
    assert not lost.clocks.filter(cancelled_at=None).exists()


def test_a_status_that_stops_clocks_now_stops_and_one_that_no_longer_does_lets_go(billing: Queue, ana: User) -> None:
    policy = make_policy(resolution=60, pause=("waiting_internal",))
    stopped, running = opened(billing), opened(billing)
    stopped.change_status("waiting_internal", by=ana, at=at("09:10"))
    running.change_status("waiting_customer", by=ana, at=at("09:10"))
    again(policy, pause=("waiting_customer",), resolution=60)
    effect = recalculating.effect(policy, at("09:20"))
    assert (effect.clocks, effect.standing) == (2, 1)
    apply(policy, "09:20")
    assert (due(stopped), due(running)) == (at("10:10"), None)
    assert clock_of(running, "resolution").elapsed_seconds == 20 * 60


def test_a_preview_costs_the_same_for_many_and_says_when_it_counted_only_some(
    billing: Queue, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = make_policy(resolution=480)
    queries = []
    for number in (1, 20):
        for _n in range(number):
            opened(billing)
        again(policy, resolution=240 + number)
        with django_assert_num_queries(queries[0] if queries else 6) as asked:
            assert recalculating.effect(policy, at("10:00")).is_complete
        queries.append(len(asked))
    monkeypatch.setattr(recalculating, "MEASURED", 5)
    effect = recalculating.effect(policy, at("10:00"))
    assert (effect.cases, effect.looked, effect.total, effect.is_complete) == (5, 5, 21, False)


# --- in pieces


def test_it_is_done_in_pieces_may_be_stopped_and_goes_on_where_it_was(
    billing: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recalculating, "BATCH", 2)
    policy = make_policy(resolution=480)
    cases = [opened(billing) for _n in range(5)]
    again(policy, resolution=240)
    task = recalculating.begin(policy, by=None, at=at("10:00"))
    assert (task.total, recalculating.recalculate(at("10:00"))) == (5, 2)
    assert recalculating.stop(task)
    assert recalculating.recalculate(at("10:00")) == 0
    assert [due(case) for case in cases] == [at("13:00")] * 2 + [at("17:00")] * 3
    assert recalculating.go_on(task)
    assert not recalculating.go_on(task)
    assert [recalculating.recalculate(at("10:00")) for _n in range(4)] == [2, 1, 0, 0]
    task.refresh_from_db()
    assert (task.state, task.looked, task.changed) == ("done", 5, 5)
    apply(policy, "10:05")  # a second time moves nothing
    assert [due(case) for case in cases] == [at("13:00")] * 5
    assert Event.objects.filter(kind="sla_recomputed").count() == 5


def test_who_dies_in_the_middle_has_done_nothing_and_the_next_goes_on(
    billing: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = make_policy(resolution=480)
    cases = [opened(billing) for _n in range(3)]
    again(policy, resolution=240)
    recalculating.begin(policy, by=None, at=at("10:00"))
    real, calls = recalculating._change, []

    def dies(case: Case, *rest: Any) -> bool:
        done = real(case, *rest)
        calls.append(case)
        if len(calls) == 2:
            raise RuntimeError("killed")
        return done

    monkeypatch.setattr(recalculating, "_change", dies)
    with pytest.raises(RuntimeError):
        recalculating.recalculate(at("10:00"))
    assert [due(case) for case in cases] == [at("17:00")] * 3
    assert recalculating.recalculate(at("10:00")) == 3
    assert [due(case) for case in cases] == [at("13:00")] * 3
    assert Event.objects.filter(kind="sla_recomputed").count() == 3


@pytest.mark.django_db(transaction=True)
def test_several_workers_and_a_case_in_use_move_each_clock_once(
    billing: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recalculating, "BATCH", 2)
    policy = make_policy(resolution=480)
    cases = [opened(billing) for _n in range(9)]
    again(policy, resolution=240)
    task = recalculating.begin(policy, by=None, at=at("10:00"))

    def work(_n: int) -> int:
        """Until all but the case in use are looked at, however often others hold the work, and once more."""
        close_old_connections()
        moved, deadline = 0, time.monotonic() + 60
        try:
            while Recalculation.objects.get().looked < 8 and time.monotonic() < deadline:
                moved += recalculating.recalculate(at("10:00"))
            return moved + recalculating.recalculate(at("10:00"))
        finally:
            connections.close_all()

    with transaction.atomic():
        Case.objects.select_for_update(no_key=True).get(pk=cases[0].pk)
        with ThreadPoolExecutor(3) as pool:
            done = sum(pool.map(work, range(3)))
        task.refresh_from_db()
        assert (done, task.state, task.left) == (8, "going", [cases[0].pk])
    assert [recalculating.recalculate(at("10:00")) for _n in range(2)] == [1, 0]
    task.refresh_from_db()
    assert (task.state, task.looked, task.changed) == ("done", 9, 9)
    assert [kinds(case).count("sla_recomputed") for case in cases] == [1] * 9


# --- in the admin


@pytest.fixture
def desk(sue: User, billing: Queue) -> Client:
    """Sue at the admin."""
    client = Client()
    client.force_login(sue)
    return client


@pytest.fixture
def policy(billing: Queue) -> SLAPolicy:
    return make_policy("Quick", queues=[billing], resolution=480)


def form(queue: Queue, **fields: Any) -> dict[str, Any]:
    return {"name": "Quick", "is_active": "on", "position": 0, "queues": [queue.pk], "resolution": "30", **fields}


def change(row: Any) -> str:
    return reverse(f"admin:cases_{row._meta.model_name}_change", args=[row.pk])


@pytest.mark.parametrize("choice", ["change", "keep"])
def test_what_a_change_does_is_shown_before_it_is_saved(
    desk: Client, billing: Queue, technical: Queue, policy: SLAPolicy, sue: User, choice: str
) -> None:
    with time_machine.travel(at("10:00"), tick=False):
        desk.force_login(sue)
        case = opened(billing)
        page = desk.post(change(policy), form(billing, _continue="1"))
        assert page.status_code == 200
        said = " ".join(page.content.decode().split())
        assert "This would move 1 case" in said
        assert "1 service time would be overdue at once" in said
        assert f"#{case.number}" in said
        policy.refresh_from_db()
        assert policy.current is not None
        assert (policy.current.number, SLAPolicyVersion.objects.count()) == (1, 1)
        assert not Recalculation.objects.exists()
        sent = dict(page.context["again"])
        assert sent["resolution"] == "30"
        answer = desk.post(change(policy), {**sent, page.context["choice"]: choice})
        assert answer["Location"] == change(policy)  # as the first button asked
    policy.refresh_from_db()
    assert policy.current.number == 2
    assert Recalculation.objects.filter(policy=policy, asked_by=sue).count() == (choice == "change")
    assert desk.get(reverse("admin:cases_slapolicy_history", args=[policy.pk])).content.decode().count("480 → 30") == 1


def test_a_change_that_moves_nothing_is_saved_at_once(desk: Client, billing: Queue, policy: SLAPolicy) -> None:
    assert desk.post(change(policy), form(billing)).status_code == 302
    assert SLAPolicyVersion.objects.count() == 2


def test_a_change_of_what_is_done_moves_no_time_and_still_asks(
    desk: Client, billing: Queue, policy: SLAPolicy, sue: User
) -> None:
    with time_machine.travel(at("10:00"), tick=False):
        desk.force_login(sue)
        opened(billing)
        page = desk.post(change(policy), form(billing, resolution="480", breach_priority="high"))
    assert "This moves no time. 1 running clock would go by the new rules." in " ".join(page.content.decode().split())
    assert page.context["moves"] == []


def test_a_new_policy_that_takes_over_clocks_says_so_too(desk: Client, billing: Queue, sue: User) -> None:
    make_policy("Old", position=5, resolution=480)
    with time_machine.travel(at("10:00"), tick=False):
        desk.force_login(sue)
        opened(billing)
        page = desk.post(reverse("admin:cases_slapolicy_add"), form(billing))
    assert "This would move 1 case" in " ".join(page.content.decode().split())
    assert SLAPolicy.objects.count() == 1


def test_a_supervisor_sees_how_far_it_is_and_stops_it(
    desk: Client, billing: Queue, policy: SLAPolicy, sue: User
) -> None:
    others = make_policy("Others", resolution=1)
    recalculating.begin(others, by=None, at=at("10:00"))
    task = recalculating.begin(policy, by=sue, at=at("10:00"))
    place = reverse("admin:cases_recalculation_changelist")
    page = desk.get(place).content.decode()
    assert "Quick" in page
    assert "Others" not in page
    for action, state in (("stop", "stopped"), ("go_on", "going")):
        desk.post(place, {"action": action, "_selected_action": [task.pk]})
        task.refresh_from_db()
        assert task.state == state


# --- over REST


def test_a_script_asks_first_and_then_lets_running_clocks_follow(sue: User, billing: Queue, policy: SLAPolicy) -> None:
    with time_machine.travel(at("10:00"), tick=False):
        call, case = Caller(sue), opened(billing)
        body = {"targets": [{"kind": "resolution", "minutes": 30}]}
        told = call.post(f"sla-policies/{policy.pk}/preview/", body)
        assert told.status_code == 200, told.content
        effect = told.json()
        moves = effect.pop("moves")
        assert effect == {
            "cases": 1, "clocks": 1, "overdue_now": 1, "ending": 0, "standing": 0,
            "looked_at": 1, "of": 1, "complete": True,
        }  # fmt: skip
        assert [(m["case"], m["kind"], m["overdue"], m["ends"]) for m in moves] == [
            (case.number, "resolution", True, False)
        ]
        assert call.get(f"sla-policies/{policy.pk}/").json()["version"] == 1
        kept = call.patch(f"sla-policies/{policy.pk}/", body).json()
        assert (kept["version"], kept["recalculation"]) == (2, None)
        asked = call.patch(f"sla-policies/{policy.pk}/", {**body, "change_running": True}).json()
        place = f"recalculations/{asked['recalculation']}/"
        assert call.get(place).json()["state"] == "going"
        assert call.patch(place, {"state": "stopped"}).json()["state"] == "stopped"
        assert recalculating.recalculate(at("10:00")) == 0
        assert call.patch(place, {"state": "going"}).json()["state"] == "going"
        recalculating.recalculate(at("10:00"))
        recalculating.recalculate(at("10:00"))
        assert call.get(place).json()["state"] == "done"
        assert call.get("recalculations/").json()["results"][0]["changed"] == 1
        (clock,) = call.get(f"cases/{case.number}/").json()["clocks"]
        assert (clock["policy"], clock["policy_version"]) == (policy.pk, 2)
        assert datetime.fromisoformat(clock["due_at"]) == at("10:00")


def test_a_calendars_preview_counts_all_and_names_what_one_may_see(sue: User, billing: Queue, technical: Queue) -> None:
    calendar = publish_calendar()
    make_policy(calendar=calendar, resolution=480)
    with time_machine.travel(at("10:00"), tick=False):
        mine, _theirs = opened(billing), opened(technical)
        told = Caller(sue).post(f"calendars/{calendar.pk}/preview/", {"holidays": ["2035-03-05"]}).json()
    assert (told["cases"], [m["case"] for m in told["moves"]]) == (2, [mine.number])
    assert calendar.versions.count() == 1
    moved = datetime.fromisoformat(told["moves"][0]["due_at"]) - at("17:00")
    assert moved == timedelta(hours=23)  # an hour of eight is spent
