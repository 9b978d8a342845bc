"""What policies do at the warning and at the breach: as their version says, once, and nothing holds up the rest."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, close_old_connections, connections

from cases import clocks, escalation
from cases.models import Case, ClockAction, Queue, SLAPolicy
from crm.models import Event, User
from tests.cases.clockwork import at, clock_of, happen, kinds, make_policy, opened

pytestmark = pytest.mark.django_db
TARGET = {"targets": [{"kind": "first_response", "minutes": 60}]}


def doing(policy: SLAPolicy, **actions: Any) -> SLAPolicy:
    """The same policy, with these actions."""
    current = policy.current
    assert current is not None
    policy.publish(targets=current.targets, pause_statuses=current.pause_statuses, actions=actions)
    return policy


def states() -> dict[str, str]:
    return dict(ClockAction.objects.values_list("action", "state"))


def breach(when: str = "11:00") -> int:
    return clocks.breach_due(at(when)) + escalation.act_due(at(when))


def test_a_breach_tells_raises_moves_and_gives(
    billing: Queue, technical: Queue, ana: User, lee: User, ben: User
) -> None:
    billing.memberships.filter(user=lee).update(role="lead")
    block = {"notify": ["owner", "leads"], "priority": "higher", "queue": technical.pk, "assignee": ben.pk}
    doing(make_policy(first_response=60), breach=block)
    case = opened(billing)
    case.claim(by=ana, at=at("09:05"))
    assert breach() == 1 + 4
    case.refresh_from_db()
    assert (case.queue, case.priority, case.assignee) == (technical, "high", ben)
    assert states() == dict.fromkeys(["notify", "raise", "move", "assign"], "done")
    told = Event.objects.get(kind="notified")
    assert (told.data["people"], told.reason, told.via) == (sorted([ana.pk, lee.pk]), "sla_breached", "clock")
    assert kinds(case)[2:] == ["sla_breached", "notified", "transferred", "priority_changed", "assigned"]
    assert breach("12:00") == 0


def test_a_warning_does_its_own(billing: Queue, ana: User) -> None:
    doing(make_policy(first_response=60), warn={"priority": "urgent"}, breach={"release": True})
    case = opened(billing)
    case.claim(by=ana, at=at("09:05"))
    assert clocks.warn_due(at("09:50")) + escalation.act_due(at("09:50")) == 2
    case.refresh_from_db()
    assert (case.priority, case.assignee) == ("urgent", ana)
    assert breach() == 2
    case.refresh_from_db()
    assert case.assignee is None


def test_only_the_clocks_that_are_named_act(billing: Queue) -> None:
    doing(make_policy(first_response=60, resolution=60), breach={"kinds": ["resolution"], "priority": "high"})
    opened(billing)
    breach()
    assert list(ClockAction.objects.values_list("clock__kind", "action")) == [("resolution", "raise")]


def test_a_priority_is_never_lowered(billing: Queue) -> None:
    doing(make_policy(first_response=60), breach={"priority": "high"})
    case = opened(billing, priority="urgent")
    breach()
    case.refresh_from_db()
    assert (case.priority, states()) == ("urgent", {"raise": "done"})


def test_what_is_nobodys_is_told_to_the_leads_else_to_who_steers(billing: Queue, sue: User) -> None:
    doing(make_policy(first_response=60), warn={"notify": ["owner"]})
    case = opened(billing)
    clocks.warn_due(at("09:50"))
    escalation.act_due(at("09:50"))
    assert Event.objects.get(stream_id=case.pk, kind="notified").data["people"] == [sue.pk]


def test_it_is_done_as_the_version_says_that_stood_then(billing: Queue) -> None:
    policy = doing(make_policy(first_response=60), breach={"priority": "urgent"})
    case = opened(billing)
    clocks.breach_due(at("11:00"))
    doing(policy, breach={"priority": "higher"})
    escalation.act_due(at("11:01"))
    case.refresh_from_db()
    assert case.priority == "urgent"


def test_a_late_answer_breaches_and_acts_though_no_sweep_looked(billing: Queue, ana: User, sue: User) -> None:
    doing(make_policy(first_response=60), breach={"notify": ["leads"]})
    case = opened(billing)
    happen(case, "answer_released", "11:00")
    assert escalation.act_due(at("11:01")) == 1
    assert kinds(case)[-2:] == ["sla_breached", "notified"]


def test_the_past_does_nothing(billing: Queue) -> None:
    doing(make_policy(first_response=60), warn={"priority": "high"}, breach={"priority": "urgent"})
    case = opened(billing, "2020-03-02T09:00", via="import")
    happen(case, "answer_released", "2020-03-02T12:00", via="import")
    assert clocks.warn_due(at("12:00")) + breach() == 0
    assert not ClockAction.objects.exists()


# --- what fails


def test_one_that_fails_holds_up_nothing_is_shown_and_tried_again(billing: Queue, technical: Queue) -> None:
    doing(make_policy(first_response=60), breach={"queue": technical.pk, "priority": "high", "notify": ["leads"]})
    Queue.objects.filter(pk=technical.pk).update(is_active=False)
    case = opened(billing)
    assert breach() == 1 + 3
    assert states() == {"notify": "done", "move": "waiting", "raise": "done"}
    move = ClockAction.objects.in_trouble().get()
    assert (move.attempts, move.due_at) == (1, at("11:01"))
    assert "no longer there" in move.error
    assert escalation.act_due(at("11:00:59")) == 0
    assert escalation.act_due(at("11:01")) == 1
    assert kinds(case).count("sla_action_failed") == 1
    Queue.objects.filter(pk=technical.pk).update(is_active=True)
    assert escalation.act_due(at("11:06")) == 1
    case.refresh_from_db()
    assert (case.queue, states()["move"]) == (technical, "done")
    assert not ClockAction.objects.in_trouble().exists()


def test_it_is_given_up_after_half_a_day_until_a_person_asks_again(billing: Queue, technical: Queue) -> None:
    doing(make_policy(first_response=60), breach={"queue": technical.pk})
    Queue.objects.filter(pk=technical.pk).update(is_active=False)
    opened(billing)
    breach()
    for when in ("11:05", "11:30", "12:30", "15:00", "23:30"):
        assert escalation.act_due(at(when)) == 1
    action = ClockAction.objects.get()
    assert (action.state, action.attempts) == ("failed", 6)
    assert escalation.act_due(at("2036-01-01T00:00")) == 0
    Queue.objects.filter(pk=technical.pk).update(is_active=True)
    assert escalation.try_again(action, now=at("23:40"))
    assert escalation.act_due(at("23:40")) == 1
    assert states() == {"move": "done"}
    assert not escalation.try_again(action, now=at("23:50"))


def test_any_fault_of_one_leaves_the_others_alone(billing: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    doing(make_policy(first_response=60), breach={"priority": "high", "notify": ["leads"], "release": True})

    def explodes(*_args: Any) -> None:
        Case.objects.update(subject="half done")
        raise ZeroDivisionError

    monkeypatch.setitem(escalation._DOING, "raise", explodes)
    case = opened(billing)
    breach()
    assert states() == {"notify": "done", "raise": "waiting", "release": "done"}
    case.refresh_from_db()
    assert case.subject != "half done"


def test_a_cut_connection_counts_no_attempt(billing: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    doing(make_policy(first_response=60), breach={"priority": "high", "notify": ["leads"]})

    def cut(*_args: Any) -> None:
        raise OperationalError

    monkeypatch.setitem(escalation._DOING, "notify", cut)
    opened(billing)
    with pytest.raises(OperationalError):
        breach()
    assert states() == {"notify": "waiting", "raise": "done"}
    assert not ClockAction.objects.in_trouble().exists()


def test_what_is_over_needs_no_action(billing: Queue, ana: User) -> None:
    doing(make_policy(first_response=60), warn={"priority": "high"}, breach={"release": True})
    answered, closed = opened(billing), opened(billing)
    clocks.warn_due(at("09:50"))
    happen(answered, "answer_released", "09:51")
    closed.change_status("spam", by=ana, at=at("09:51"))
    assert escalation.act_due(at("09:52")) == 2
    assert set(states().values()) == {"moot"}
    answered.refresh_from_db()
    assert answered.priority == "normal"


def test_two_policies_do_not_send_a_case_to_and_fro_for_ever(billing: Queue, technical: Queue) -> None:
    there = make_policy("There", queues=[billing], first_response=1)
    back = make_policy("Back", queues=[technical], resolution=1)
    doing(there, breach={"queue": technical.pk})
    doing(back, breach={"queue": billing.pk})
    case = opened(billing)
    for minute in range(2, 40, 2):
        breach(f"09:{minute:02}")
    assert kinds(case).count("transferred") == escalation.MOST_MOVES
    assert "several times today" in ClockAction.objects.in_trouble().get().error


# --- once


class Killed(BaseException):
    """No handler of the product sees it, and nothing of its transaction is committed."""


def kill_every_third(monkeypatch: pytest.MonkeyPatch) -> None:
    """An action in three ends with its process, after all its work and before the commit."""
    deaths = count()

    def dying(function: Any) -> Any:
        def call(*args: Any) -> None:
            function(*args)
            if next(deaths) % 3 == 0:
                raise Killed

        return call

    for action, function in list(escalation._DOING.items()):
        monkeypatch.setitem(escalation._DOING, action, dying(function))


def sweep(_n: int) -> int:
    """In a process of its own, as far as the database can tell."""
    close_old_connections()
    try:
        return breach()
    except Killed:
        return 0
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_many_sweeps_that_die_anywhere_do_each_action_once(
    billing: Queue, technical: Queue, root: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = {"people": [root.pk], "priority": "higher", "queue": technical.pk}
    doing(make_policy(first_response=60, resolution=60), breach=block)
    cases = [opened(billing) for _n in range(6)]
    kill_every_third(monkeypatch)
    with ThreadPoolExecutor(4) as pool:
        for _round in range(40):
            list(pool.map(sweep, range(4)))
    for case in cases:
        told = kinds(case)
        assert [told.count(kind) for kind in ("sla_breached", "transferred")] == [2, 1]
        case.refresh_from_db()
        assert case.priority == "urgent"  # raised by one step for each of two clocks, and no further
        assert told.count("priority_changed") == 2
    assert set(ClockAction.objects.values_list("state", "attempts")) == {("done", 0)}
    assert ClockAction.objects.count() == 6 * 2 * 3


# --- what is set


@pytest.mark.parametrize(
    ("actions", "fault"),
    [
        ({"later": {}}, "warn, breach"),
        ({"warn": {"shout": True}}, "An action has some of"),
        ({"warn": {"notify": ["boss"]}}, "notify is a list"),
        ({"warn": {"kinds": ["lunch"]}}, "kinds is a list"),
        ({"breach": {"priority": "low"}}, "raised to one of"),
        ({"breach": {"queue": 10**6}}, "no active queue"),
        ({"breach": {"people": [10**6]}}, "no active person"),
        ({"breach": {"assignee": True}}, "no active person"),
        ({"breach": {"release": True, "assignee": 1}}, "not both"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(actions: Any, fault: str) -> None:
    policy = SLAPolicy.objects.create(name="Standard")
    with pytest.raises(ValidationError, match=fault):
        policy.publish(**TARGET, actions=actions)


def test_the_same_actions_in_another_spelling_make_no_version(billing: Queue, ana: User, lee: User) -> None:
    policy = SLAPolicy.objects.create(name="Standard")
    first = policy.publish(
        **TARGET, actions={"warn": {"people": [lee.pk, ana.pk]}, "breach": {"kinds": ["resolution"]}}
    )
    again = policy.publish(**TARGET, actions={"warn": {"people": [ana.pk, lee.pk], "queue": None, "release": False}})
    assert first == again
    assert first.actions == {"warn": {"people": sorted([ana.pk, lee.pk])}}


def test_a_breach_without_actions_asks_nothing_for_them(billing: Queue, django_assert_num_queries: Any) -> None:
    make_policy(first_response=60)
    clock = clock_of(opened(billing), "first_response")
    assert clock.policy_version
    with django_assert_num_queries(0):
        ClockAction.objects.plan(clock, "breach", at("11:00"))
