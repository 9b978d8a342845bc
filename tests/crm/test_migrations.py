"""A new database takes the short way: one migration an app for all that came before it. Who runs already goes on by
those it replaces, from wherever they stand. (`docs/database.md` says how the two ways' tables were held together.)"""

from typing import Any

import pytest
from django.db import connection
from django.db.migrations import RunSQL
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

from crm.database.together import Together

OURS = ["crm", "customers", "cases", "outreach"]
# What changed rows on the way, and what takes away the half of an index whose making was broken off: a new database has none.
ON_THE_WAY = (
    "UPDATE cases_dispatch SET begun_at = now() WHERE state = 'claimed'",
    "DROP INDEX CONCURRENTLY IF EXISTS ",
    "INSERT INTO cases_tag (name, hint, is_active) SELECT DISTINCT",
    "INSERT INTO cases_surveyasking (case_id, at) SELECT",
    "INSERT INTO outreach_taken (offer_id, many) SELECT",
)

Name = tuple[str, str]


def standing_at(applied: list[Name], monkeypatch: pytest.MonkeyPatch) -> MigrationExecutor:
    """As `migrate` finds a database in which these are applied."""
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda _recorder: dict.fromkeys(applied))
    return MigrationExecutor(connection)


def way(executor: MigrationExecutor, *, whole: bool = False) -> list[Migration]:
    leaves = executor.loader.graph.leaf_nodes()
    return [migration for migration, _backwards in executor.migration_plan(leaves, clean_start=whole)]


def long_way(monkeypatch: pytest.MonkeyPatch) -> list[Migration]:
    """That of a database which began before the short one was there: nothing is replaced where something is applied."""
    short = [one for one in way(standing_at([], monkeypatch)) if one.replaces]
    return way(standing_at([one.replaces[0] for one in short], monkeypatch), whole=True)


def names(migrations: list[Migration]) -> list[Name]:
    """Those that are recorded by them."""
    return [name for one in migrations for name in one.replaces or [(one.app_label, one.name)]]


def ends_in(migrations: list[Migration]) -> dict[Name, Any]:
    """Each model in full, its columns in their order."""
    state = ProjectState()
    for migration in migrations:
        state = migration.mutate_state(state, preserve=False)
    spelled = MigrationAutodetector(ProjectState(), state).deep_deconstruct
    return {
        label: (
            [(name, spelled(field)) for name, field in model.fields.items()],
            model.options,
            model.bases,
            model.managers,
        )
        for label, model in state.models.items()
    }


def statements(migrations: list[Migration]) -> set[str]:
    ours = [one for one in migrations if one.app_label in OURS]
    return {operation.sql for one in ours for operation in one.operations if isinstance(operation, RunSQL)}


def test_a_new_database_takes_one_migration_an_app(monkeypatch: pytest.MonkeyPatch) -> None:
    short = [one for one in way(standing_at([], monkeypatch)) if one.replaces and one.app_label in OURS]
    assert sorted(one.app_label for one in short) == sorted(OURS)
    assert all(any(isinstance(operation, Together) for operation in one.operations) for one in short)


def test_both_ways_end_in_the_same_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Order of columns, indexes, constraints, triggers and what is said by hand included."""
    short, long = way(standing_at([], monkeypatch)), long_way(monkeypatch)
    assert len(short) < len(long)
    assert ends_in(short) == ends_in(long)
    assert statements(short) <= statements(long)
    left_out = {" ".join(sql.split()) for sql in statements(long) - statements(short)}
    assert {sql for sql in left_out if not sql.startswith(ON_THE_WAY)} == set()
    assert all(any(sql.startswith(one) for sql in left_out) for one in ON_THE_WAY)


def test_who_has_gone_all_the_long_way_has_nothing_left_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    assert way(standing_at(names(long_way(monkeypatch)), monkeypatch)) == []


def test_who_stands_in_the_middle_goes_on_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each of our migrations, with all that needs it not: what is left is done, all of it, nothing twice. A short
    way that was whole by then is recorded, too."""
    long, short = long_way(monkeypatch), way(standing_at([], monkeypatch))
    whole = names(long)
    graph = standing_at([one.replaces[0] for one in short if one.replaces], monkeypatch).loader.graph
    for before in [key for key in graph.nodes if key[0] in OURS]:
        left = names([graph.nodes[key] for key in graph.backwards_plan(before)])
        done = [name for name in whole if name not in left]
        recorded = [(one.app_label, one.name) for one in short if one.replaces and {*one.replaces} <= {*done}]
        executor = standing_at([*done, *recorded], monkeypatch)
        executor.loader.check_consistent_history(connection)
        assert sorted(names(way(executor))) == sorted(left)


def test_a_shorter_way_depends_on_none_that_may_be_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end moves when it is made to go further; who has taken it as far as it went would have come before it."""
    short = [one for one in way(standing_at([], monkeypatch)) if one.replaces and one.app_label in OURS]
    assert not [on for one in short for on in one.dependencies if "squashed" in on[1]]
