"""A pytest plugin: the throw-away PostgreSQL of a test run, and how a transactional test leaves it empty.

One server a run, whether pytest is called by `make test` or by hand, with xdist's workers or without; with DATABASE_URL
that server is used instead. It goes with the run, Ctrl-C and kill -9 included: nobody holds it any more.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections, transaction
from django.db.backends.base.creation import BaseDatabaseCreation
from django.test import TransactionTestCase

from crm import embedded
from tests import template

# What migrations put there, and no test takes away.
KEPT = ["django_migrations", "django_content_type", "auth_permission", "crm_installation"]

# Deleting from a hundred tables of which most are empty takes milliseconds where TRUNCATE takes a file each; triggers
# and foreign keys rest meanwhile, so that append-only tables can be emptied.
EMPTY = """
SET LOCAL session_replication_role = replica;
SET LOCAL lock_timeout = '20s';
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL ({kept}) LOOP
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
END $$;
"""


def pytest_configure(config: pytest.Config) -> None:
    TransactionTestCase._fixture_teardown = _empty  # type: ignore[method-assign]
    BaseDatabaseCreation._destroy_test_db = _drop  # type: ignore[method-assign]


_HELD = pytest.StashKey[embedded.Hold]()
_MIGRATES = pytest.StashKey["subprocess.Popen[bytes]"]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """The first process of the run keeps the server for all of it; the others join when they connect."""
    config = session.config
    if settings.FIRST_OF_RUN and not config.option.collectonly and "EMBEDDED" in settings.DATABASES["default"]:
        config.stash[_HELD] = embedded.hold(Path(os.environ["FOREFRONT_TEST_VAR"]))
        if config.getoption("numprocesses", None):
            config.stash[_MIGRATES] = template.begin()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Where there are several processes, each one's database begins as a copy of one that was migrated."""
    if "EMBEDDED" in settings.DATABASES["default"] and "PYTEST_XDIST_WORKER" in os.environ:
        connections["default"].settings_dict["TEST"]["TEMPLATE"] = template.wait()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The server and its folder go with the last one who holds it."""
    if migrates := config.stash.get(_MIGRATES, None):
        migrates.terminate()
        migrates.wait()
    if held := config.stash.get(_HELD, None):
        connections.close_all()
        held.release()


@pytest.fixture(scope="module")
def kept(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A transaction around all tests of a file that need no other: what its fixtures of that scope make is made once, each
    test works in a savepoint, and what it did is undone to there."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


def _drop(self: Any, name: str, verbosity: int) -> None:
    """The run's database goes, whichever background thread of a test still listens on it."""
    with self._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {self.connection.ops.quote_name(name)} WITH (FORCE)")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """The faults of an earlier test may have cut this process's own connection: the next one opens another."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and not connection.is_usable():
            connection.close()


# Somebody else who is at work in this database: what they commit later would be the next test's. Whoever waits for a lock is
# left out (a standby waits for as long as it lives), unless they wrote.
AT_WORK = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
   AND (backend_xid IS NOT NULL OR state = 'active' AND wait_event_type IS DISTINCT FROM 'Lock')
"""


def _let_others_finish(cursor: Any, seconds: float = 5) -> None:
    """A process that was killed leaves the server with its last statement, which commits when it is done."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        cursor.execute(AT_WORK)
        if cursor.fetchone() == (0,):
            return
        time.sleep(0.02)


def _empty(self: Any) -> None:
    """What Django's flush does after a transactional test, but for what migrations put there."""
    kept = ", ".join(f"'{name}'" for name in KEPT)
    for name in self._databases_names(include_mirrors=False):
        with connections[name].cursor() as cursor:
            _let_others_finish(cursor)
            cursor.execute(f"BEGIN; {EMPTY.format(kept=f'ARRAY[{kept}]')} COMMIT;")
