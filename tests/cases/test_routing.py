"""Cases given out by the house: to whom, in which order, why, and back again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import desks, skills, thread
from cases.house_hooks import NOTICED_AFTER, nobody_gives_out, routing_examined
from cases.intake import open_case
from cases.models import Capacity, Case, PersonSkill, Presence, Queue, Skill
from cases.routing import overlooked, route
from cases.templatetags.console import told
from crm.models import Event, User
from tests.builders import make_case, make_user
from tests.cases.clockwork import make_policy

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def pushing(billing: Queue) -> Queue:
    billing.assignment, billing.capacity = "least_loaded", 2
    billing.save()
    return billing


def here(*people: User, state: str = "online") -> None:
    for user in people:
        Presence.objects.of(user).choose(state, by=user)


def arrive(queue: Queue, minutes_ago: float = 0, **fields: Any) -> Case:
    at = timezone.now() - minutes_ago * MINUTE
    return make_case(queue, waiting_since=at, opened_at=at, **fields)


def owners(*cases: Case) -> list[str]:
    found = Case.objects.select_related("assignee").in_bulk([case.pk for case in cases])
    return [owner.username if (owner := found[case.pk].assignee) else "" for case in cases]


def go() -> int:
    return route(timezone.now())


# --- to whom


def test_cases_are_given_oldest_first_to_the_least_loaded_until_everyone_is_full(
    pushing: Queue, ana: User, lee: User
) -> None:
    here(ana, lee)
    newest, oldest, *between = [arrive(pushing, m) for m in (1, 50, 40, 30, 20)]
    assert go() == 4
    assert owners(oldest, *between) == ["ana", "lee", "ana", "lee"]
    assert owners(newest) == [""]
    assert go() == 0


def test_a_queue_by_hand_gives_out_nothing(billing: Queue, ana: User) -> None:
    here(ana)
    case = arrive(billing)
    assert go() == 0
    assert owners(case) == [""]


@pytest.mark.parametrize("state", ["busy", "away", "offline"])
def test_only_who_is_online_is_given_anything(pushing: Queue, ana: User, state: str) -> None:
    here(ana, state=state)
    case = arrive(pushing)
    go()
    assert owners(case) == [""]


def test_who_lost_their_console_is_given_nothing(pushing: Queue, ana: User) -> None:
    here(ana)
    Presence.objects.update(lost_at=timezone.now())
    case = arrive(pushing)
    go()
    assert owners(case) == [""]


def test_nobody_is_given_what_they_may_not_see_or_did_not_choose(
    pushing: Queue, ben: User, sue: User, eve: User, root: User
) -> None:
    off = make_user("Off Duty", is_active=False)
    pushing.memberships.create(user=off, role="rep")
    pushing.memberships.create(user=eve, role="rep")  # an executive, however they are listed
    pushing.join(eve, mode="work")
    here(ben, sue, eve, root, off)
    case = arrive(pushing)
    assert go() == 0
    assert owners(case) == [""]


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({"status": "open", "waiting_since": None, "next_due_at": None}, False),
        ({"status": "waiting_customer", "waiting_since": None, "next_due_at": None}, False),
        ({"status": "waiting_customer", "waiting_since": None, "next_due_at": timezone.now()}, True),
        ({"status": "open", "waiting_since": timezone.now()}, True),
        ({"status": "new", "waiting_since": None}, True),
        ({"status": "open", "snoozed_until": timezone.now() + timedelta(days=1)}, False),
        ({"status": "resolved", "resolved_at": timezone.now()}, False),
    ],
)
def test_what_waits_for_us_or_whose_clock_runs_is_load_and_is_given_out_and_nothing_else(
    pushing: Queue, ana: User, lee: User, change: dict[str, Any], counts: bool
) -> None:
    theirs, free = arrive(pushing, assignee=lee), arrive(pushing)
    Case.objects.filter(pk__in=[theirs.pk, free.pk]).update(**change)
    found = desks.of(lee, timezone.now())
    assert found is not None
    assert found.load == int(counts)
    here(ana)
    assert go() == int(counts)


def test_a_clock_that_stands_still_makes_room(pushing: Queue, ana: User) -> None:
    make_policy(first_response=60, resolution=600, pause=("waiting_customer",))
    here(ana)
    now = timezone.now()
    cases = [open_case(queue=pushing, customer=None, subject=s, channel="mail", at=now, via="channel") for s in "abc"]
    assert go() == 2
    cases[0].change_status("waiting_customer", by=ana)
    assert go() == 1
    assert owners(*cases) == ["ana", "ana", "ana"]


# --- how much


def test_a_persons_own_figure_goes_before_the_queues_and_that_before_the_houses(
    pushing: Queue, ana: User, lee: User
) -> None:
    Capacity.objects.create(channel="", most=7)
    Capacity.objects.create(user=lee, channel="", most=4)
    now = timezone.now()
    assert [d.limits[pushing.pk] for d in (desks.of(u, now) for u in (ana, lee)) if d] == [2, 4]
    Queue.objects.update(capacity=None)
    assert [d.limits[pushing.pk] for d in (desks.of(u, now) for u in (ana, lee)) if d] == [7, 4]
    Capacity.objects.all().delete()
    assert [d.limits[pushing.pk] for d in (desks.of(u, now) for u in (ana, lee)) if d] == [5, 5]


def test_what_one_has_in_other_queues_counts_and_what_one_takes_oneself(
    pushing: Queue, technical: Queue, ana: User
) -> None:
    technical.memberships.create(user=ana, role="rep")
    here(ana)
    arrive(technical, assignee=ana)
    mine = arrive(pushing, 10)
    mine.claim(by=ana)
    case = arrive(pushing)
    assert go() == 0
    Capacity.objects.create(user=ana, channel="", most=3)
    assert go() == 1
    assert owners(case) == ["ana"]


def test_a_full_channel_lets_the_cases_of_others_pass(pushing: Queue, ana: User) -> None:
    Capacity.objects.create(user=None, channel="chat", most=1)
    here(ana)
    first, second, mail = (arrive(pushing, m, channel=c) for m, c in ((9, "chat"), (8, "chat"), (1, "mail")))
    assert go() == 2
    assert owners(first, second, mail) == ["ana", "", "ana"]


# --- skills


@pytest.fixture
def spanish(lee: User) -> Skill:
    skill = Skill.objects.create(name="Spanish", languages=["es"])
    PersonSkill.objects.create(user=lee, skill=skill)
    return skill


def test_a_case_waits_for_somebody_who_can_do_it_and_others_pass_it(
    pushing: Queue, ana: User, lee: User, spanish: Skill
) -> None:
    here(ana)
    hard, easy = arrive(pushing, 5, language="es-MX"), arrive(pushing, 1)
    assert go() == 1
    assert owners(hard, easy) == ["", "ana"]
    here(lee)
    assert go() == 1
    assert owners(hard) == ["lee"]
    assert Event.objects.get(stream_id=hard.pk, kind="assigned").data["skills"] == [spanish.pk]


def test_after_some_minutes_anybody_will_do(pushing: Queue, ana: User, spanish: Skill) -> None:
    here(ana)
    case = arrive(pushing, 9.9, language="es")
    assert go() == 0
    assert route(timezone.now() + MINUTE) == 1
    event = Event.objects.get(stream_id=case.pk, kind="assigned")
    assert (event.data["relaxed"], event.data["skills"]) == (True, [])
    assert told(event).endswith("it had waited long enough for its skills")


def test_a_skill_is_asked_for_by_hand_by_tag_or_by_queue(pushing: Queue, ana: User, spanish: Skill) -> None:
    here(ana)
    by_hand, tagged = arrive(pushing, 3), arrive(pushing, 2, tags=["madrid"])
    skills.ask_for(by_hand, [spanish], by=ana)
    spanish.tags = ["madrid"]
    spanish.save()
    assert go() == 0
    skills.ask_for(by_hand, [], by=ana)
    assert go() == 1
    Skill.objects.update(is_active=False)
    assert go() == 1
    assert owners(by_hand, tagged) == ["ana", "ana"]
    third = arrive(pushing)
    Skill.objects.update(is_active=True)
    spanish.queues.add(pushing)
    Capacity.objects.create(user=ana, channel="", most=9)
    assert go() == 0
    assert owners(third) == [""]


# --- why


def test_each_gift_says_why(pushing: Queue, ana: User) -> None:
    here(ana)
    first, second = arrive(pushing, 2), arrive(pushing)
    go()
    events = Event.objects.filter(kind="assigned").order_by("id")
    assert [told(event) for event in thread.named(list(events))] == [
        "Assigned to Ana Lind: least loaded, 1 of 2",
        "Assigned to Ana Lind: least loaded, 2 of 2",
    ]
    assert {(e.via, e.reason, e.actor_id) for e in events} == {("routing", "least_loaded", None)}
    assert events[0].data == {
        "assignee": ana.pk, "was": None, "load": 1, "capacity": 2, "skills": [], "relaxed": False,
    }  # fmt: skip
    Queue.objects.update(assignment="round_robin", capacity=9)
    third = arrive(pushing)
    go()
    assert told(Event.objects.get(kind="assigned", stream_id=third.pk)) == "Assigned to Ana Lind: round robin, 3 of 9"
    assert owners(first, second) == ["ana", "ana"]


# --- room that comes free


@pytest.mark.parametrize(
    "free",
    [
        lambda case, ana, lee: case.resolve(by=ana),
        lambda case, ana, lee: case.change_status("waiting_customer", by=ana),
        lambda case, ana, lee: case.snooze(timezone.now() + timedelta(days=1), by=ana),
        lambda case, ana, lee: here(lee),
        lambda case, ana, lee: Capacity.objects.create(user=ana, channel="", most=3),
        lambda case, ana, lee: Queue.objects.update(capacity=3),
        lambda case, ana, lee: (here(newcomer := make_user("New Comer")), case.queue.admit(newcomer, "rep", by=None)),
    ],
    ids=["resolved", "waits for customer", "snoozed", "presence", "own capacity", "queue's capacity", "new member"],
)
def test_whatever_frees_room_the_longest_wait_gets_it(
    pushing: Queue, ana: User, lee: User, free: Callable[[Case, User, User], Any]
) -> None:
    here(ana)
    held = [arrive(pushing, 60), arrive(pushing, 50)]
    go()
    older, newer = arrive(pushing, 40), arrive(pushing, 30)
    assert go() == 0
    free(held[0], ana, lee)
    assert go() >= 1
    assert owners(older) != [""]
    assert owners(newer) == [""] or go() == 0


# --- what stands still is told


def test_a_case_that_waits_although_somebody_is_free_is_told_after_a_while(pushing: Queue, ana: User) -> None:
    now = timezone.now()
    here(ana)
    assert nobody_gives_out(now) == []
    case = arrive(pushing)
    found = overlooked(now)
    assert found is not None
    assert found.case == case.pk
    assert nobody_gives_out(now) == []
    [stall] = nobody_gives_out(now + NOTICED_AFTER + MINUTE)
    assert (stall.kind, stall.since) == ("routing", now)
    assert "somebody is free" in stall.say()
    go()
    assert nobody_gives_out(now + NOTICED_AFTER + 2 * MINUTE) == []


def test_waiting_in_order_behind_full_hands_is_no_stall(pushing: Queue, ana: User) -> None:
    here(ana)
    for minutes in range(5):
        arrive(pushing, minutes)
    go()
    later = timezone.now() + timedelta(hours=1)
    assert nobody_gives_out(later) == nobody_gives_out(later + timedelta(hours=1)) == []
    [finding] = routing_examined()
    assert finding.text == "Routing: 3 cases wait; 1 people are online, 0 of them have room."


# --- what it costs


def test_looking_costs_the_same_however_many_wait_and_work(
    pushing: Queue, ana: User, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):
        go()
    here(ana)
    for people in (1, 30):
        for n in range(people):
            user = make_user(f"Rep{people} No{n}", username=f"r{people}-{n}")
            pushing.memberships.create(user=user, role="rep")
            here(user)
            Capacity.objects.create(user=user, channel="", most=0)
            arrive(pushing, 5, language="xx")
        Skill.objects.get_or_create(name="X", languages=["xx"])
        with django_assert_num_queries(10):
            go()


def test_while_everyone_is_full_nobody_reads_what_waits(
    pushing: Queue, ana: User, django_assert_num_queries: Any
) -> None:
    here(ana)
    for minutes in range(30):
        arrive(pushing, minutes)
    assert go() == 2
    with django_assert_num_queries(6):
        assert go() == 0


def test_the_rail_and_the_counts_say_how_much_is_in_hand(
    pushing: Queue, technical: Queue, ana: User, ben: User
) -> None:
    arrive(pushing, assignee=ana)
    desk = Client()
    desk.force_login(ana)
    assert "<span data-load>1 / 2</span>" in desk.get(f"/queues/{pushing.pk}/").content.decode()
    assert desk.get(f"/queues/{pushing.pk}/counts/").json()["load"] == "1 / 2"
    desk.force_login(ben)
    assert "data-load" not in desk.get(f"/queues/{technical.pk}/").content.decode()
    assert "load" not in desk.get(f"/queues/{technical.pk}/counts/").json()


def test_who_gives_a_case_by_hand_sees_who_is_there_and_what_they_have(
    pushing: Queue, ana: User, lee: User, django_assert_max_num_queries: Any
) -> None:
    here(lee, state="busy")
    case = arrive(pushing, assignee=lee)
    desk = Client(headers={"HX-Request": "true"})
    desk.force_login(ana)
    with django_assert_max_num_queries(9):
        form = desk.get(f"/cases/{case.number}/assignment/").content.decode()
    assert "Busy" in form
    assert "1 / 2" in form
    assert "0 / 2" in form
