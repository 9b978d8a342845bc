"""One effect for one key, whatever happens in between."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from crm import commands
from crm.models import CommandKey, User
from customers.models import Customer
from tests.builders import make_customer, make_user


def make_one() -> tuple[int, dict[str, str]]:
    Customer.objects.create(name="Carl")
    return 201, {"name": "Carl"}


def test_the_second_call_gets_the_first_answer(ana: User) -> None:
    first = commands.once(ana, "k", "same", make_one)
    second = commands.once(ana, "k", "same", make_one)
    assert (first.status, first.response, first.replayed) == (201, {"name": "Carl"}, False)
    assert (second.status, second.response, second.replayed) == (201, {"name": "Carl"}, True)
    assert Customer.objects.count() == 1


def test_keys_are_a_persons_own(ana: User, lee: User) -> None:
    commands.once(ana, "k", "same", make_one)
    assert not commands.once(lee, "k", "same", make_one).replayed


def test_the_same_key_for_something_else_is_refused(ana: User) -> None:
    commands.once(ana, "k", "this", make_one)
    with pytest.raises(commands.OtherCommand):
        commands.once(ana, "k", "that", make_one)
    assert Customer.objects.count() == 1


def test_what_raises_leaves_nothing_and_may_be_tried_again(ana: User) -> None:
    def fails() -> tuple[int, None]:
        make_one()
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        commands.once(ana, "k", "same", fails)
    assert not Customer.objects.exists()
    assert not commands.once(ana, "k", "same", make_one).replayed


def test_a_crash_blocks_only_until_its_lease_ends(ana: User) -> None:
    now = timezone.now()
    CommandKey.objects.create(user=ana, key="k", fingerprint="same", lease_until=now + commands.LEASE)
    with pytest.raises(commands.StillRunning):
        commands.once(ana, "k", "same", make_one, now=now)
    assert not commands.once(ana, "k", "same", make_one, now=now + commands.LEASE).replayed
    assert Customer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_lost_the_lease_undoes_its_effect_and_gives_the_winners_answer() -> None:
    user = make_user("Ana Lind")

    def somebody_else_finishes() -> None:
        CommandKey.objects.update(status=200, response={"by": "the other"}, lease_until=timezone.now())
        connections.close_all()

    def slow() -> tuple[int, dict[str, str]]:
        other = threading.Thread(target=somebody_else_finishes)
        other.start()
        other.join()
        return make_one()

    answer = commands.once(user, "k", "same", slow)
    assert (answer.response, answer.replayed) == ({"by": "the other"}, True)
    assert not Customer.objects.exists()


def test_after_seven_days_a_key_is_new_and_the_sweep_forgets_it(ana: User) -> None:
    commands.once(ana, "k", "same", make_one)
    CommandKey.objects.update(created_at=timezone.now() - timedelta(days=7, minutes=1))
    assert not commands.once(ana, "k", "other", make_one).replayed
    CommandKey.objects.update(created_at=timezone.now() - timedelta(days=7, minutes=1))
    assert commands.forget_old(timezone.now()) == 1
    assert commands.forget_old(timezone.now()) == 0


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_have_one_effect() -> None:
    user = make_user("Ana Lind")
    answers: list[object] = []
    start = threading.Barrier(20)

    def call() -> None:
        start.wait()
        try:
            answers.append(commands.once(user, "k", "same", make_one).response)
        except commands.StillRunning:
            answers.append("running")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=call) for _ in range(20)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(answers) == 20
    assert {str(a) for a in answers} <= {"{'name': 'Carl'}", "running"}
    assert {"name": "Carl"} in answers
    assert Customer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_commands_that_wait_for_each_other_neither_is_lost() -> None:
    """PostgreSQL undoes one of the two; it is done again."""
    user = make_user("Ana Lind")
    names = [make_customer(name).pk for name in ("Carl Jensen", "Mia Holm")]
    met = threading.Barrier(2)
    runs: list[str] = []
    answers: list[int] = []

    def command(first: int, second: int, word: str) -> tuple[int, dict[str, str]]:
        runs.append(word)
        rows = Customer.objects.select_for_update()
        rows.get(pk=first)
        if runs.count(word) == 1:
            met.wait(20)
        other = rows.get(pk=second)
        other.name += word
        other.save(update_fields=["name"])
        return 200, {}

    def call(first: int, second: int, word: str) -> None:
        try:
            answers.append(commands.once(user, word, word, lambda: command(first, second, word)).status)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=call, args=(*order, word)) for order, word in ((names, "!"), (names[::-1], "?"))]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert answers == [200, 200]
    assert len(runs) == 3, "one of them ran again"
    assert sorted(Customer.objects.values_list("name", flat=True)) == ["Carl Jensen?", "Mia Holm!"]
