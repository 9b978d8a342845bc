"""Two roles: the owner changes the schema, the application serves and may not rewrite what happened.

Only where the settings name an owner (`DATABASES["default"]["OWNER"]`): always on the embedded server, elsewhere with
DATABASE_OWNER_URL.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import sql

_MIGRATING = 0x4D696772  # the advisory lock of whoever migrates; another key than the sequencer's

_ASK_AGAIN = 0.1  # seconds

# In this order: everything, then what the log refuses.
_GRANTS = (
    "GRANT USAGE ON SCHEMA public TO {app}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {app}",
    "REVOKE UPDATE, DELETE, TRUNCATE ON crm_event FROM {app}",
    "GRANT UPDATE (pos) ON crm_event TO {app}",
)
_MAINTENANCE = "GRANT MAINTAIN ON ALL TABLES IN SCHEMA public TO {app}"  # ANALYZE after a big import; from 17 on


@contextmanager
def as_owner() -> Iterator[str]:
    """The default connection belongs to the owner inside the `with`. Yields the application's role, "" if they are one."""
    owner: dict[str, str] = connection.settings_dict.get("OWNER") or {}
    app = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    if not owner or owner["USER"] == app["USER"]:
        yield ""
        return
    _become(owner)
    try:
        yield app["USER"]
    finally:
        _become(app)


def _become(role: dict[str, str]) -> None:
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    connection.settings_dict.update(role)


@contextmanager
def alone() -> Iterator[None]:
    """One migration at a time, whoever starts it: the second waits, and finds the work done.

    It asks again and again: a statement that waited would hold a snapshot, and an index built CONCURRENTLY by the
    first waits for every snapshot, until the server calls it a deadlock and ends one of the two.
    """
    with connection.cursor() as cursor:
        while not _locked(cursor):
            time.sleep(_ASK_AGAIN)
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATING])


def _locked(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [_MIGRATING])
    return bool(cursor.fetchone()[0])


def grant(app: str) -> None:
    """What the application's role may do. Run as the owner after every migration; safe to repeat."""
    newest = connection.get_database_version() >= (17,)
    with transaction.atomic(), connection.cursor() as cursor:
        for words in (*_GRANTS, *([_MAINTENANCE] if newest else [])):
            cursor.execute(sql.SQL(words).format(app=sql.Identifier(app)).as_string(connection.connection))
