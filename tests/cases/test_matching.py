"""Who gets which waiting case: the arithmetic, without a database."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases.matching import LEAST_LOADED, ROUND_ROBIN, Desk, Need, Waiting, choose, needed

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
METHODS = (LEAST_LOADED, ROUND_ROBIN)


def desk(user: int, load: int = 0, limit: int = 5, **more: Any) -> Desk:
    more.setdefault("in_hand", Counter({"mail": load}))
    return Desk(user, frozenset({1}), {1: limit}, **more)


def waiting(**more: Any) -> Waiting:
    return Waiting(**{"case": 7, "queue": 1, "channel": "mail", "since": NOON, **more})


def chosen(waiting: Waiting, desks: list[Desk], method: str = LEAST_LOADED) -> int | None:
    found = choose(waiting, desks, method)
    return found.user if found else None


def test_the_least_loaded_has_the_smallest_part_of_what_they_may_have() -> None:
    assert chosen(waiting(), [desk(1, 2, 10), desk(2, 1, 2), desk(3, 3, 12)]) == 1


def test_among_equals_it_is_who_was_given_something_longest_ago_and_who_never_was_comes_first() -> None:
    early, late = NOON - timedelta(hours=2), NOON - timedelta(hours=1)
    assert chosen(waiting(), [desk(1, routed_at=late), desk(2, routed_at=early)]) == 2
    assert chosen(waiting(), [desk(1, routed_at=early), desk(2)]) == 2


def test_round_robin_goes_round_whatever_anybody_has() -> None:
    people = [desk(1, 4), desk(2, 0), desk(3, 1)]
    turns = []
    for minute in range(4):
        found = choose(waiting(), people, ROUND_ROBIN)
        if found:
            found.take(waiting(), NOON + timedelta(minutes=minute))
            turns.append(found.user)
    assert turns == [1, 2, 3, 2]  # the first is full after one more


@pytest.mark.parametrize("method", METHODS)
def test_who_is_full_gets_nothing(method: str) -> None:
    assert chosen(waiting(), [desk(1, 5), desk(2, 9), desk(3, limit=0)], method) is None


@pytest.mark.parametrize("method", METHODS)
def test_a_channel_may_be_full_while_there_is_room_for_others(method: str) -> None:
    one = desk(1, in_hand=Counter(chat=2, mail=1), channel_limits={"chat": 2})
    assert chosen(waiting(channel="chat"), [one], method) is None
    assert chosen(waiting(channel="mail"), [one], method) == 1


@pytest.mark.parametrize("method", METHODS)
def test_who_lacks_a_skill_or_does_not_work_there_gets_nothing(method: str) -> None:
    people = [desk(1), desk(2, 4, skills=frozenset({8, 9})), Desk(3, frozenset({2}), {2: 5}, skills=frozenset({8}))]
    assert chosen(waiting(needs=frozenset({8})), people, method) == 2
    assert chosen(waiting(needs=frozenset({8, 10})), people, method) is None


def test_a_case_needs_a_skill_by_its_language_a_tag_or_its_queue() -> None:
    rules = [
        Need(1, languages=frozenset({"es"})),
        Need(2, languages=frozenset({"pt-br"})),
        Need(3, tags=frozenset({"refund", "chargeback"})),
        Need(4, queues=frozenset({5})),
        Need(5),
    ]

    def of(queue: int = 1, language: str = "en", tags: tuple[str, ...] = ()) -> set[int]:
        return set(needed(rules, queue=queue, language=language, tags=tags))

    assert of() == set()
    assert of(language="es") == of(language="es-MX") == {1}
    assert (of(language="pt"), of(language="pt-BR")) == (set(), {2})
    assert of(queue=5, tags=("refund", "vip")) == {3, 4}
