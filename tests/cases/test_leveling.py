"""Levelling the load of a queue: who has more gives what is not begun to who has room, as it was shown, and back."""

import random
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cases import drafts, figures, leveling
from cases.leveling import Move
from cases.models import Capacity, Case, CaseSkill, PersonSkill, Presence, Queue, QueueMembership, Skill
from cases.models.case import Refusal
from crm.models import Event, User
from tests.api import Caller
from tests.builders import make_case, make_message, make_queue, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def lea(billing: Queue) -> User:
    user = make_user("Lea Voss", username="lea")
    QueueMembership.objects.create(queue=billing, user=user, role="lead")
    return user


def come(*people: User) -> None:
    for user in people:
        Presence.objects.of(user).choose("online", by=user, via="api")


def pressing(queue: Queue, assignee: User | None, how_many: int = 1, **fields: object) -> list[Case]:
    now = timezone.now()
    return [
        make_case(queue, assignee=assignee, status="open", customer=None, **{
            "waiting_since": now - timedelta(minutes=n), "attention_at": now + timedelta(minutes=n), **fields,
        })
        for n in range(how_many)
    ]  # fmt: skip


def test_the_most_urgent_goes_first_until_nobody_has_two_more(billing: Queue, ana: User, lee: User, lea: User) -> None:
    come(ana, lee)
    cases = pressing(billing, ana, 5)
    plan = leveling.plan(billing, timezone.now())
    assert plan.moves == tuple(Move(case.number, ana.pk, lee.pk) for case in cases[:2])
    assert (plan.before[ana.pk], plan.before[lee.pk]) == (5, 0)
    assert (plan.after[ana.pk], plan.after[lee.pk]) == (3, 2)
    assert Case.objects.filter(assignee=ana).count() == 5  # only shown


def test_what_somebody_has_begun_stays_with_them(billing: Queue, ana: User, lee: User, lea: User) -> None:
    come(ana, lee)
    writing, answered, noted, *_rest = pressing(billing, ana, 5)
    drafts.save(writing, author=ana, kind="reply", text="Dear", written_against=1)
    make_message(answered, "On its way", direction="outbound", author=ana)
    make_message(noted, "Asked the bank", direction="note", author=ana)
    moved = {move.number for move in leveling.plan(billing, timezone.now()).moves}
    assert len(moved) == 2
    assert not moved & {writing.number, answered.number, noted.number}


def test_nobody_gets_what_they_cannot_do_may_not_have_or_are_not_there_for(
    billing: Queue, ana: User, lee: User, lea: User
) -> None:
    come(ana, lee)
    spanish = Skill.objects.create(name="Spanish")
    PersonSkill.objects.create(user=ana, skill=spanish)
    first, *_rest = pressing(billing, ana, 6)
    CaseSkill.objects.create(case=first, skill=spanish)
    Capacity.objects.create(user=lee, most=1)
    moves = leveling.plan(billing, timezone.now()).moves
    assert [move.to for move in moves] == [lee.pk]
    assert first.number not in {move.number for move in moves}
    Presence.objects.of(lee).choose("busy", by=lee, via="api")
    assert leveling.plan(billing, timezone.now()).moves == ()


def test_all_that_presses_of_somebody_goes_to_others_and_the_rest_to_the_queue(
    billing: Queue, ana: User, lee: User, lea: User
) -> None:
    come(lee)
    Capacity.objects.create(user=lee, most=2)
    cases = pressing(billing, ana, 3)
    drafts.save(cases[0], author=ana, kind="reply", text="Dear", written_against=1)
    elsewhere = make_queue("Elsewhere", reps=[ana])
    pressing(elsewhere, ana)
    quiet = make_case(billing, assignee=ana, status="waiting_customer")
    plan = leveling.plan(billing, timezone.now(), of=ana)
    assert [(move.number, move.to) for move in plan.moves] == [
        (case.number, to) for case, to in zip(cases, (lee.pk, lee.pk, None), strict=True)
    ]
    leveling.carry_out(billing, plan.moves, by=lea)
    assert set(Case.objects.filter(assignee=ana).values_list("pk", flat=True)) == {
        quiet.pk, Case.objects.get(queue=elsewhere).pk,
    }  # fmt: skip


def test_what_is_posted_is_done_told_why_and_undone(billing: Queue, ana: User, lee: User, lea: User) -> None:
    come(ana, lee)
    pressing(billing, ana, 5)
    before = dict(Case.objects.values_list("number", "assignee"))
    plan = leveling.plan(billing, timezone.now())
    done = leveling.carry_out(billing, leveling.parse([str(move) for move in plan.moves]), by=lea)
    assert set(done) == set(plan.moves)
    assert {(e.actor, e.reason) for e in Event.objects.filter(kind="assigned")} == {(lea, "leveled")}
    back = leveling.parse([str(move.back) for move in done])
    assert len(leveling.carry_out(billing, back, by=lea)) == 2
    assert dict(Case.objects.values_list("number", "assignee")) == before


def test_a_case_that_changed_meanwhile_stays_and_others_do_not_care(
    billing: Queue, technical: Queue, ana: User, lee: User, ben: User, lea: User
) -> None:
    taken, moved, over, fine = pressing(billing, ana, 4)
    moves = [Move(case.number, ana.pk, lee.pk) for case in (taken, moved, over, fine)]
    taken.assign(lea, by=lea)
    moved.transfer(technical, by=lea)
    over.resolve(by=lea)
    stranger = Move(fine.number, lee.pk, ben.pk)  # does not work here
    nobody = Move(0, ana.pk, lee.pk)
    assert leveling.carry_out(billing, [*moves, stranger, nobody], by=lea) == [moves[-1]]
    fine.refresh_from_db()
    assert fine.assignee == lee


@pytest.mark.parametrize("words", ["1:2", "a:b:c", "1:2:3:4", "-1:2:3", f"{'9' * 20}:1:2"])
def test_what_are_no_moves_is_refused(words: str) -> None:
    with pytest.raises(Refusal, match="cannot be read"):
        leveling.parse([words])
    with pytest.raises(Refusal, match="at most 50"):
        leveling.parse([f"{n}::" for n in range(1, 52)])


@pytest.mark.parametrize("seed", range(4))
def test_levelling_evens_out_moves_nothing_twice_and_overfills_nobody(seed: int) -> None:
    dice = random.Random(seed)
    people = [make_user(f"P{n} Rep", username=f"p{n}") for n in range(4)]
    queue = make_queue("Level", reps=people)
    Capacity.objects.create(most=6)
    come(*people)
    for user in people:
        pressing(queue, user, dice.randint(0, 9))
    plan = leveling.plan(queue, timezone.now())
    numbers = [move.number for move in plan.moves]
    assert len(numbers) == len(set(numbers))
    assert sum(plan.after.values()) == sum(plan.before.values())
    grew = [user for user in plan.after if plan.after[user] > plan.before[user]]
    assert all(plan.after[user] <= 6 for user in grew)
    room = [n for n in plan.after.values() if n < 6]
    assert not room or max(plan.after.values()) - min(room) <= 1
    assert max(plan.after.values()) - min(plan.after.values()) <= max(plan.before.values()) - min(plan.before.values())


def test_the_page_shows_what_it_does_and_offers_it_back(billing: Queue, ana: User, lee: User, lea: User) -> None:
    come(ana, lee)
    first, *_rest = pressing(billing, ana, 2)
    desk = Client(headers={"HX-Request": "true"})
    desk.force_login(lea)
    path = f"/queues/{billing.pk}/leveling/"
    shown = desk.get(path).content.decode()
    assert f'name="moves" value="{first.number}:{ana.pk}:{lee.pk}"' in shown
    answer = desk.post(path, {"moves": [f"{first.number}:{ana.pk}:{lee.pk}", f"{first.number}:{ana.pk}:{lea.pk}"]})
    assert answer.content.decode() == "1 case moved. 1 had changed meanwhile and stays."
    assert f"{first.number}:{lee.pk}:{ana.pk}" in answer["HX-Trigger"]
    assert "It is level" in desk.get(path).content.decode()


def test_the_board_over_http_tells_what_the_page_tells(billing: Queue, ana: User, lee: User, lea: User) -> None:
    come(ana, lee)
    cases = pressing(billing, ana, 3)
    (stand,) = Caller(lea).get("board/").json()["results"]
    assert set(stand["figures"]) == set(figures.NAMES)
    assert (stand["queue"], stand["figures"]["waiting"], stand["service_level"]) == (billing.pk, 3, None)
    assert {person["name"]: person["load"] for person in stand["people"]} == {
        "Ana Lind": 3,
        "Lee Hart": 0,
        "Lea Voss": 0,
    }
    moves = Caller(lea).get(f"queues/{billing.pk}/leveling/").json()
    assert moves == {"moves": [{"number": cases[0].number, "was": ana.pk, "to": lee.pk}]}
    assert Caller(lea).post(f"queues/{billing.pk}/leveling/", moves).json() == moves
    assert Caller(lea).post(f"queues/{billing.pk}/leveling/", moves).json() == {"moves": []}
    assert Caller(ana).get("board/").status_code == 403
