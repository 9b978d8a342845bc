"""One file with everything, of one moment, while the house works on."""

import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import IO, Any

import psycopg
from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone

from crm.backup import Refused, content
from crm.backup.tools import Tools, parameters, tools_for
from crm.models import Heartbeat
from crm.secrets import seal

FORMAT = 1
MANIFEST, DUMP, FILES, KEY = "forefront.json", "database.dump", "files/", "secret_key"
KEY_PURPOSE = "backup"
PIECE = 1024 * 1024
SPARE = 100 * 1024 * 1024  # bytes the disk keeps beside what we write


@dataclass(frozen=True)
class Made:
    """What a backup says of itself when it is done."""

    path: Path
    size: int
    rows: int
    files: int
    missing: int  # attachments whose bytes were not where they should be
    broken: int  # attachments that are not what they were when they came
    has_key: bool


def make(path: Path, *, with_key: bool = False) -> Made:
    """Write everything to `path`, which must not exist. Complete under its name, or absent."""
    if path.exists():
        raise Refused(f"{path} exists. A backup never writes over another: choose a new name.")
    if not path.parent.is_dir():
        raise Refused(f"There is no folder {path.parent}.")
    with _snapshot() as conn, _draft(path) as draft:
        manifest = _manifest(conn)
        _ask_for_room(path.parent, manifest)
        tools = tools_for(manifest["server"])
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            _add_dump(archive, tools, _one(conn, "SELECT pg_export_snapshot()"))
            manifest["files"], manifest["missing"] = _add_files(archive, conn)
            manifest |= {"tool": tools.version, "has_key": with_key}
            if with_key:
                archive.writestr(_private(KEY), settings.SECRET_KEY)
            archive.writestr(_private(MANIFEST), json.dumps(manifest, indent=1))
        _look_through(draft)
        _give_name(draft, path)
    made = Made(
        path,
        path.stat().st_size,
        sum(rows for rows, _sum in manifest["tables"].values()),
        len(manifest["files"]),
        len(manifest["missing"]),
        manifest["broken"],
        with_key,
    )
    Heartbeat.beat("backup", size=made.size, rows=made.rows)
    return made


@contextmanager
def _snapshot() -> Iterator["psycopg.Connection[Any]"]:
    """A connection that sees one moment for as long as it is open; pg_dump is told to see the same."""
    with psycopg.connect(**parameters(), autocommit=True) as conn:
        conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield conn


def _manifest(conn: "psycopg.Connection[Any]") -> dict[str, Any]:
    if _one(conn, "SELECT to_regclass('public.crm_installation')") is None:
        raise Refused("This database is empty: there is nothing to back up.")
    tables = content.measure(conn)
    migrations = conn.execute("SELECT app, name FROM django_migrations ORDER BY id").fetchall()
    return {
        "format": FORMAT,
        "made_at": timezone.now().isoformat(timespec="seconds"),
        "build": settings.BUILD,
        "server": conn.info.server_version // 10000,
        "epoch": str(_one(conn, "SELECT epoch FROM crm_installation")),
        "pos": _one(conn, "SELECT coalesce(max(pos), 0) FROM crm_event"),
        "migrations": [list(row) for row in migrations],
        "tables": tables,
        "broken": content.broken_files(conn),
        "bytes": _one(conn, "SELECT sum(pg_table_size(oid))::bigint FROM pg_class WHERE relkind IN ('r', 'm')"),
        "key": seal("key", purpose=KEY_PURPOSE),
    }


def _ask_for_room(folder: Path, manifest: dict[str, Any]) -> None:
    """Before an hour's work ends with a full disk. The dump is smaller than the tables, by how much is not known."""
    free = shutil.disk_usage(folder).free
    if free < manifest["bytes"] + SPARE:
        raise Refused(
            f"{folder} has {free // PIECE} MB free, and the backup may need {manifest['bytes'] // PIECE + 100} MB."
        )


# --- the parts


def _add_dump(archive: zipfile.ZipFile, tools: Tools, snapshot: Any) -> None:
    """pg_dump's own format, compressed lightly: attachments would not get smaller however long one tried."""
    skipped = [f"--exclude-table-data={name}" for name in content.LEFT_OUT]
    arguments = ["--format=custom", "--compress=gzip:1" if tools.version >= 16 else "--compress=1", *skipped]
    arguments += [
        f"--snapshot={snapshot}",
        "--no-owner",
        "--no-privileges",
        "--schema=public",
        "--lock-wait-timeout=60s",
    ]
    with tempfile.TemporaryFile() as words:
        dump = tools.run("pg_dump", *arguments, stdout=subprocess.PIPE, stderr=words, stdin=subprocess.DEVNULL)
        assert dump.stdout is not None  # noqa: S101 - it is a pipe
        with ended(dump), archive.open(_private(DUMP), "w", force_zip64=True) as member:
            shutil.copyfileobj(dump.stdout, member, PIECE)
        if dump.returncode:
            raise Refused(f"pg_dump failed: {last_words(words)}")


def _add_files(archive: zipfile.ZipFile, conn: "psycopg.Connection[Any]") -> tuple[list[str], list[str]]:
    """Attachments that another storage holds, by their sha256; and those it has lost."""
    outside = conn.execute(
        "SELECT sha256 FROM crm_storedfile f WHERE size > 0 AND NOT EXISTS"
        " (SELECT FROM crm_filechunk c WHERE c.file_id = f.id) ORDER BY sha256"
    ).fetchall()
    kept: list[str] = []
    missing: list[str] = []
    for (sha256,) in outside:
        try:
            with (
                default_storage.open(stored_path(sha256)) as file,
                archive.open(_private(FILES + sha256), "w") as member,
            ):
                shutil.copyfileobj(file, member, PIECE)
        except FileNotFoundError:
            missing.append(sha256)
        else:
            kept.append(sha256)
    return kept, missing


def stored_path(sha256: str) -> str:
    """Where crm.files puts it in a storage that is not the database."""
    return f"{sha256[:2]}/{sha256}"


def _private(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, timezone.now().timetuple()[:6])
    info.external_attr = 0o600 << 16
    return info


# --- the file


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A file of another name beside `path`, for its owner alone; what a killed backup left there goes first."""
    for left in path.parent.glob(f".{path.name}.*.part"):
        with suppress(OSError), left.open("rb") as file:
            flock(file, LOCK_EX | LOCK_NB)  # whoever still writes holds it
            left.unlink()
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        flock(descriptor, LOCK_EX)
        yield Path(name)
    finally:
        os.close(descriptor)
        Path(name).unlink(missing_ok=True)


def _look_through(draft: Path) -> None:
    """Read it all once more, as a restore will: a disk that lies is found out today."""
    with zipfile.ZipFile(draft) as archive:
        if (bad := archive.testzip()) is not None:
            raise Refused(f"What was written cannot be read back ({bad}): the disk under {draft.parent} is failing.")


def _give_name(draft: Path, path: Path) -> None:
    """On the disk for good, and then under its name, unless another took it meanwhile."""
    for place in (draft, draft.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    try:
        os.link(draft, path)
    except FileExistsError:
        raise Refused(f"{path} was made by another meanwhile: choose a new name.") from None


# --- processes


@contextmanager
def ended(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """The process is over when the `with` is, whatever happened in it."""
    try:
        yield
    except BaseException:
        process.kill()
        raise
    finally:
        if process.stdout is not None:
            process.stdout.close()
        process.wait()


def last_words(file: IO[bytes]) -> str:
    file.seek(0)
    lines = file.read()[-4000:].decode(errors="replace").strip().splitlines()
    return " ".join(lines[-4:]) or "it said nothing"


def _one(conn: "psycopg.Connection[Any]", question: str) -> Any:
    row = conn.execute(question.encode()).fetchone()
    return row[0] if row else None
