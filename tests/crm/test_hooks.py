"""A broken or slow plugin cannot break its host, and the example plugin fills every hook there is."""

import time

import pytest
from django.db import DatabaseError, connection, transaction

import cases.hooks
import crm.hooks
import customers.hooks
import outreach.hooks
from crm.hooks import Hook
from crm.models import User


def declared() -> list[Hook]:
    modules = (cases.hooks, customers.hooks, outreach.hooks)
    return [hook for module in modules for hook in vars(module).values() if isinstance(hook, Hook)]


def test_contributions_come_in_their_order() -> None:
    hook: Hook[[int], int] = Hook("sums")
    hook.register(lambda n: n + 1, order=2, name="second")
    hook.register(lambda n: n * 2, order=1, name="first")

    assert hook.collect(5) == [10, 6]


def test_a_contribution_can_be_left_out_by_name_and_its_rest_is_kept() -> None:
    hook: Hook[[int], int] = Hook("sums")
    hook.register(lambda n: n + 1, name="one")
    hook.register(lambda n: n + 2, name="two")
    rested = hook.without("one")
    assert rested.collect(5) == [7]
    assert hook.collect(5) == [6, 7]
    assert rested._rests is hook._rests


def test_one_that_raises_is_left_out_with_its_failure() -> None:
    hook: Hook[[int], float] = Hook("halves")
    hook.register(lambda n: 1 / n, name="broken")
    hook.register(lambda n: n, name="whole", order=1)

    assert hook.collect(0) == [0]
    assert hook.run(0)[0].failure == "ZeroDivisionError"


def test_a_failed_query_does_not_poison_the_hosts_transaction(db: None) -> None:
    hook: Hook[[], None] = Hook("queries")

    def broken() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")

    hook.register(broken)
    with transaction.atomic():
        assert hook.run()[0].failure in {"ProgrammingError", DatabaseError.__name__}
        assert User.objects.count() == 0


def test_a_slow_one_rests_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crm.hooks, "SLOW", 0.01)
    monkeypatch.setattr(crm.hooks, "REST", 0.2)
    hook: Hook[[], str] = Hook("slow")
    hook.register(lambda: time.sleep(0.02) or "late", name="slow")

    assert hook.collect() == ["late"]
    assert hook.run()[0].failure == "rests"
    time.sleep(0.25)
    assert hook.collect() == ["late"]


def test_ours_never_rest_because_they_say_who_may_see_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crm.hooks, "SLOW", -1.0)  # however quick it was
    hook: Hook[[], str] = Hook("ours")

    def said() -> str:
        return "still"

    said.__module__ = "cases.roles"
    hook.register(said)
    assert [hook.collect(), hook.collect()] == [["still"], ["still"]]


@pytest.mark.parametrize("hook", declared(), ids=lambda hook: hook.name)
def test_the_example_plugin_fills_every_hook(hook: Hook) -> None:
    assert any(getattr(fill, "__module__", "").startswith("tests.plugin") for _name, fill in hook)
