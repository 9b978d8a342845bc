"""A backup brought back: into an empty database, or instead of what is there. All of it in one transaction, proven before it
counts: killed at any moment, the database is what it was.

The epoch is renewed, so every client that was connected to another past is told to fetch afresh (docs/live.md); and what
apps know of a past that comes back is put right in the same transaction (`crm.backup.restored`).
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psycopg
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from crm.backup import Refused, content, restored
from crm.backup.making import DUMP, FILES, FORMAT, KEY, KEY_PURPOSE, MANIFEST, PIECE, ended, last_words, stored_path
from crm.backup.tools import Tools, parameters, tools_for
from crm.database import ownership
from crm.files import is_in_database
from crm.secrets import is_sealed

# Settings of newer programs that an older server does not know; each is about the session of the restore alone.
_NOT_FOR_ALL = (b"SET transaction_timeout",)
# Everything of ours in the schema. An extension that somebody installed there stays.
_EMPTY = """
DO $empty$
DECLARE one record;
BEGIN
    FOR one IN SELECT c.oid::regclass AS name, c.relkind FROM pg_class c
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('e', 'i', 'a'))
        ORDER BY relkind = 'S' LOOP
        EXECUTE format('DROP %s IF EXISTS %s CASCADE', CASE one.relkind WHEN 'v' THEN 'VIEW'
            WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, one.name);
    END LOOP;
    FOR one IN SELECT p.oid::regprocedure AS name, p.prokind FROM pg_proc p
        WHERE pronamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') LOOP
        EXECUTE format('DROP %s IF EXISTS %s CASCADE', CASE one.prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE'
            ELSE 'FUNCTION' END, one.name);
    END LOOP;
END $empty$;
"""
_OTHERS = """
SELECT count(*), string_agg(DISTINCT coalesce(nullif(application_name, ''), 'a client'), ', ') FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND pid <> ALL(%s)
"""
PATIENCE = 5.0  # seconds
_NEW_LIFE = "UPDATE public.crm_installation SET epoch = gen_random_uuid();\n"


@dataclass(frozen=True)
class Restored:
    """What a restore says of itself when it is done."""

    made_at: str
    rows: int
    files: int
    pos: int
    key_written: Path | None


def restore(path: Path, *, replace: bool = False, without_key: bool = False) -> Restored:
    """Bring the backup back. Refused, and nothing changed, where the database is not empty (unless `replace`), is in use,
    or the backup cannot be read, is of a newer release, or was closed with another SECRET_KEY."""
    with _opened(path) as (archive, manifest):
        key = _key(archive, manifest, without_key=without_key)
        _must_be_known(manifest)
        _must_fit_storage(manifest)
        with ownership.as_owner(), ownership.alone():
            server = _judge_database(replace=replace)
            tools = tools_for(server, archive=manifest["tool"])
            _bring_files(archive, manifest)
            _bring_database(archive, manifest, tools)
    written = _write_key(key) if key else None
    call_command("migrate", verbosity=0, interactive=False)
    _analyze()
    rows = sum(rows for rows, _sum in manifest["tables"].values())
    return Restored(manifest["made_at"], rows, len(manifest["files"]), manifest["pos"], written)


# --- may it be done


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, Any]]]:
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            if manifest["format"] != FORMAT:
                raise Refused(f"{path} was made by a newer release of Forefront: restore it with that one.")
            yield archive, manifest
    except FileNotFoundError:
        raise Refused(f"There is no file {path}.") from None
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError, IsADirectoryError) as error:
        raise Refused(f"{path} is not a whole backup of Forefront ({error}).") from error


def _key(archive: zipfile.ZipFile, manifest: dict[str, Any], *, without_key: bool) -> str:
    """The key to write beside the database, "" where ours opens what the backup holds."""
    if is_sealed("key", manifest["key"], purpose=KEY_PURPOSE) or without_key:
        return ""
    if manifest["has_key"] and not os.environ.get("SECRET_KEY"):
        return archive.read(KEY).decode()
    where = "SECRET_KEY" if os.environ.get("SECRET_KEY") else f"{settings.VAR / 'secret_key'} (or into SECRET_KEY)"
    raise Refused(
        "This backup was made under another SECRET_KEY, and what it keeps secret cannot be opened without it: passwords of "
        f"mailboxes, secrets of channels, the addresses customers answer to. Put that key into {where}, or this one into "
        "SECRET_KEY and that one into SECRET_KEY_FALLBACKS. Lost it? --without-key goes on; enter those secrets anew then."
    )


def _must_be_known(manifest: dict[str, Any]) -> None:
    known = set(MigrationLoader(None).disk_migrations or ())
    ahead = [
        f"{app}.{name}" for app, name in manifest["migrations"] if (app, name) not in known and _is_ours(app, known)
    ]
    if ahead:
        raise Refused(
            f"This backup knows {len(ahead)} changes of the schema that this release does not ({ahead[0]}, …): it was made by "
            "a newer one. Install that, restore, and go on."
        )


def _is_ours(app: str, known: set[tuple[str, str]]) -> bool:
    """Tables of a plugin that is not installed any more come along and harm nobody."""
    return any(app == one for one, _name in known)


def _must_fit_storage(manifest: dict[str, Any]) -> None:
    if manifest["files"] and is_in_database():
        raise Refused(
            f"{len(manifest['files'])} attachments of this backup were kept outside of the database: set FILE_STORAGE as it "
            "was there, and they are put there again."
        )


def _judge_database(*, replace: bool) -> int:
    """The server's version, if its database may be written to."""
    with psycopg.connect(**parameters(), autocommit=True) as conn:
        _must_be_alone(conn)
        held = conn.execute(content.TABLES).fetchall()
        if held and not replace:
            raise Refused("This database is not empty. --replace puts the backup in the place of everything in it.")
        return conn.info.server_version // 10000


def _must_be_alone(conn: "psycopg.Connection[Any]") -> None:
    """Who has just been stopped may take a moment to be gone."""
    ours = [connection.connection.info.backend_pid] if connection.connection else []
    deadline = time.monotonic() + PATIENCE
    while (others := conn.execute(_OTHERS, [ours]).fetchone()) and others[0]:
        if time.monotonic() > deadline:
            raise Refused(
                f"{others[0]} connections use this database ({others[1]}). Stop Forefront (serve, work, keeper) everywhere, "
                "then try again."
            )
        time.sleep(0.1)


# --- bringing it back


def _bring_files(archive: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
    """Before the rows that name them. Named by their content: what is there already is the same."""
    for sha256 in manifest["files"]:
        data = archive.read(FILES + sha256)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise Refused(f"The attachment {sha256} in this backup is damaged.")
        if not default_storage.exists(stored_path(sha256)):
            default_storage.save(stored_path(sha256), ContentFile(data))


def _bring_database(archive: zipfile.ZipFile, manifest: dict[str, Any], tools: Tools) -> None:
    """pg_restore writes the script, psql runs it, and we say the last word: a script that ends early commits nothing."""
    after = [content.proof(manifest["tables"], manifest["broken"]), _NEW_LIFE, *_put_right(), "COMMIT;\n"]
    quietly = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-")
    with tempfile.TemporaryFile() as words:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": words}
        psql = tools.run("psql", *quietly, **pipes)
        assert psql.stdin is not None  # noqa: S101 - it is a pipe
        try:
            with ended(psql):
                psql.stdin.write(b"BEGIN;\n" + _EMPTY.encode())
                _write_script(archive, tools, psql.stdin, words)
                psql.stdin.write("\n".join(after).encode())
                psql.stdin.close()
        except BrokenPipeError:
            pass  # psql stopped at an error: it has said which
        if psql.returncode:
            raise Refused(f"Nothing was changed. {last_words(words)}")


def _put_right() -> list[str]:
    """What the apps add. Who cannot say it stops the restore: a past that is not put right sends its mail again."""
    said = restored.run()
    if failed := next((filled for filled in said if filled.failure), None):
        raise Refused(f"Nothing was changed. {failed.name} failed ({failed.failure}).")
    return [filled.value for filled in said if filled.value]


def _write_script(archive: zipfile.ZipFile, tools: Tools, sink: IO[bytes], words: IO[bytes]) -> None:
    script = tools.run(
        "pg_restore",
        "--schema=public",
        "--no-owner",
        "--no-privileges",
        "--file=-",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=words,
    )
    feeder = threading.Thread(target=_feed, args=(archive, script.stdin))
    feeder.start()
    try:
        with ended(script):
            assert script.stdout is not None  # noqa: S101 - it is a pipe
            _copy_statements(script.stdout, sink)
    finally:
        feeder.join()
    if script.returncode:
        raise Refused(f"Nothing was changed. pg_restore failed: {last_words(words)}")


def _feed(archive: zipfile.ZipFile, pipe: IO[bytes]) -> None:
    """A damaged archive ends early, and pg_restore says so."""
    try:
        with archive.open(DUMP) as dump, pipe:
            shutil.copyfileobj(dump, pipe, PIECE)
    except (zipfile.BadZipFile, OSError):
        return


def _copy_statements(script: IO[bytes], sink: IO[bytes]) -> None:
    """Its first lines set up the session; from the first object on everything is copied as it is."""
    for line in iter(script.readline, b""):
        if not line.startswith(_NOT_FOR_ALL):
            sink.write(line)
        if line.startswith((b"CREATE", b"COPY")):
            break
    shutil.copyfileobj(script, sink, PIECE)


def _analyze() -> None:
    """The planner knows nothing of tables that were just filled."""
    with psycopg.connect(**parameters(), autocommit=True) as conn:
        conn.execute("ANALYZE")


def _write_key(key: str) -> Path:
    """The backup's key takes the place of this folder's; that one is kept beside it."""
    path: Path = settings.VAR / "secret_key"
    if path.exists():
        path.rename(path.with_name(f"secret_key.before-{timezone.now():%Y%m%d-%H%M%S}"))
    draft = path.with_name(f".secret_key.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(key)
    draft.replace(path)
    return path
