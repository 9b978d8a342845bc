"""A backup holds everything of one moment, and comes back whole or not at all."""

import fcntl
import gc
import json
import os
import random
import threading
import uuid
import zipfile
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.db.utils import DatabaseError
from django.utils import timezone

from cases import conversation
from cases.models import Attachment, Case, Dispatch, Message, Queue
from cases.outward import release_due, send_due
from crm import health
from crm.backup import Refused, content, restoring
from crm.backup.making import DUMP, KEY, MANIFEST, make
from crm.backup.restoring import restore
from crm.backup.tools import Tools, parameters, tools_for
from crm.files import CHUNK, read_bytes, save_bytes
from crm.models import Event, Heartbeat, Installation, StoredFile, User
from customers.models import Customer
from tests.builders import make_question

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nobody_else() -> None:
    """Threads of tests before this one have ended; their connections end when what held them is collected."""
    gc.collect()


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    """A question with an answer that left and a big attachment."""
    case = make_question(billing, carl, ana)
    conversation.add_note(case, by=ana, text="Zoë’s “note”\n\twith \\ and \x7f and 請求書")
    message = case.messages.first()
    data = random.Random(1).randbytes(2 * CHUNK + 7)
    stored = save_bytes(data)
    Attachment.objects.create(message=message, file=stored, name="bill.pdf", content_type="x/y", size=len(data))
    return case


def held() -> dict[str, list[Any]]:
    """What the database holds, as the backup measures it; but for what a restore renews."""
    with psycopg.connect(**parameters()) as conn:
        found = content.measure(conn)
    return {name: sums for name, sums in found.items() if name != "crm_installation"}


def test_everything_comes_back_as_it_was(case: Case, tmp_path: Path, ana: User) -> None:
    before, epoch, big = held(), Installation.objects.get().epoch, StoredFile.objects.get()
    data = read_bytes(big)

    made = make(tmp_path / "a.backup")
    conversation.add_note(case, by=ana, text="Written after.")
    Case.objects.update(subject="Changed after")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS of_later; CREATE TABLE of_later (x int); INSERT INTO of_later VALUES (1)")
    assert held() != before
    done = restore(made.path, replace=True)

    assert held() == before
    assert made.rows == done.rows == sum(rows for rows, _sum in before.values()) + 1
    assert read_bytes(StoredFile.objects.get()) == data
    assert Installation.objects.get().epoch != epoch
    assert Case.objects.get().messages.filter(direction="note").get().text.endswith("請求書")
    assert (made.path.stat().st_mode & 0o777, made.missing, made.broken) == (0o600, 0, 0)
    assert health.migrations().ok
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Event.objects.update(kind="x")


def test_the_next_rows_get_new_numbers(case: Case, tmp_path: Path, billing: Queue, ana: User) -> None:
    highest = max(Message.objects.values_list("pk", flat=True))
    restore(make(tmp_path / "a.backup").path, replace=True)
    conversation.add_note(Case.objects.get(), by=ana, text="Next")
    assert Message.objects.latest("pk").pk > highest


def test_it_is_of_one_moment_though_everybody_writes(case: Case, tmp_path: Path, ana: User) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            conversation.add_note(Case.objects.get(), by=ana, text="again")
        connections.close_all()

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        made = make(tmp_path / "a.backup")
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    after = Message.objects.count()

    restore(made.path, replace=True)

    case.refresh_from_db()
    assert Message.objects.count() <= after
    assert case.version == Event.objects.filter(stream="case", stream_id=case.pk).count()
    assert Message.objects.filter(direction="note").count() == Event.objects.filter(kind="note_added").count()


def test_a_backup_is_complete_under_its_name_or_absent(case: Case, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.backup"
    path.write_text("mine")
    with pytest.raises(Refused, match="never writes over"):
        make(path)
    assert path.read_text() == "mine"
    with pytest.raises(Refused, match="no folder"):
        make(tmp_path / "nowhere" / "a.backup")
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=10_000_000))
    with pytest.raises(Refused, match=r"9 MB free"):
        make(tmp_path / "b.backup")
    monkeypatch.undo()
    monkeypatch.setattr(Tools, "run", lambda *_a, **_k: (_ for _ in ()).throw(OSError("killed")))
    with pytest.raises(OSError, match="killed"):
        make(tmp_path / "b.backup")
    assert [p.name for p in tmp_path.iterdir()] == ["a.backup"]


def test_what_a_killed_backup_left_goes_and_what_is_being_written_stays(case: Case, tmp_path: Path) -> None:
    left, written = tmp_path / ".a.backup.dead.part", tmp_path / ".a.backup.live.part"
    left.touch()
    with written.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        make(tmp_path / "a.backup")
    assert {p.name for p in tmp_path.iterdir()} == {"a.backup", written.name}


def test_pg_dump_that_fails_is_heard(case: Case, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(content, "LEFT_OUT", ("crm_presence", "crm_heartbeat"))
    monkeypatch.setattr(
        "crm.backup.making._one", lambda conn, question: "no-such-snapshot" if "export" in question else 1
    )
    with pytest.raises(Refused, match="pg_dump failed: .*snapshot"):
        make(tmp_path / "a.backup")


# --- what is refused


def unchanged(before: dict[str, list[Any]]) -> None:
    assert held() == before
    assert health.migrations().ok


def test_a_database_with_something_in_it_is_not_touched_unasked(case: Case, tmp_path: Path) -> None:
    path, before = make(tmp_path / "a.backup").path, held()
    with pytest.raises(Refused, match="--replace"):
        restore(path)
    unchanged(before)


def test_nothing_is_restored_under_anybody_s_feet(case: Case, tmp_path: Path, monkeypatch) -> None:
    path, before = make(tmp_path / "a.backup").path, held()
    monkeypatch.setattr(restoring, "PATIENCE", 1.0)
    with (
        psycopg.connect(**parameters() | {"application_name": "forefront web"}),
        pytest.raises(Refused, match=r"1 connections use this database \(forefront web\)"),
    ):
        restore(path, replace=True)
    unchanged(before)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_file_that_was_cut_changes_nothing(case: Case, tmp_path: Path, share: float) -> None:
    path, before = make(tmp_path / "a.backup").path, held()
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(Refused, match="not a whole backup"):
        restore(path, replace=True)
    unchanged(before)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_was_damaged_changes_nothing(case: Case, tmp_path: Path, share: float) -> None:
    path, before = make(tmp_path / "a.backup").path, held()
    with zipfile.ZipFile(path) as archive:
        dump = archive.getinfo(DUMP)
    with path.open("r+b") as file:
        file.seek(dump.header_offset + int(dump.compress_size * share))
        file.write(b"\xff\x00" * 40)
    with pytest.raises(Refused):
        restore(path, replace=True)
    unchanged(before)


def rewritten(path: Path, change: Any) -> Path:
    """The same backup with another manifest."""
    other = path.with_name("other.backup")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        manifest = json.loads(old.read(MANIFEST))
        change(manifest)
        for name in old.namelist():
            new.writestr(name, json.dumps(manifest) if name == MANIFEST else old.read(name))
    return other


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m["tables"]["cases_message"].__setitem__(0, 99), "cases_message did not come back whole"),
        (lambda m: m["tables"]["cases_message"].__setitem__(1, "7"), "cases_message did not come back whole"),
        (lambda m: m.__setitem__("broken", 1), "attachments are not what they were"),
        (lambda m: m["migrations"].append(["cases", "9999_of_tomorrow"]), "made by a newer one"),
        (lambda m: m.__setitem__("format", 2), "newer release"),
        (lambda m: m.__setitem__("key", "a" * 26), "another SECRET_KEY"),
        (lambda m: m.__setitem__("files", ["0" * 64]), "FILE_STORAGE"),
        (lambda m: m.__setitem__("tool", 99), "PostgreSQL 99 or newer"),
    ],
)
def test_what_cannot_be_proven_or_read_changes_nothing(case: Case, tmp_path: Path, change: Any, says: str) -> None:
    path, before = make(tmp_path / "a.backup").path, held()
    with pytest.raises(Refused, match=says):
        restore(rewritten(path, change), replace=True)
    unchanged(before)


def test_other_files_are_no_backups(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("x", "y")
    for name in ("text", "zip", "nothing", ""):
        with pytest.raises(Refused):
            restore(tmp_path / name, replace=True)


def test_programs_are_as_new_as_the_server() -> None:
    assert tools_for(15).version >= 15
    with pytest.raises(Refused, match="postgresql-client-99"):
        tools_for(99)


# --- what comes with it


def test_the_key_stays_outside_unless_asked_for(case: Case, tmp_path: Path, settings, monkeypatch) -> None:
    without, within = make(tmp_path / "a.backup"), make(tmp_path / "b.backup", with_key=True)
    assert settings.SECRET_KEY.encode() not in without.path.read_bytes()
    with zipfile.ZipFile(within.path) as archive:
        assert archive.read(KEY).decode() == settings.SECRET_KEY

    monkeypatch.delenv("SECRET_KEY", raising=False)
    old, settings.SECRET_KEY, settings.VAR = settings.SECRET_KEY, "another" * 10, tmp_path / "var"
    settings.VAR.mkdir()
    (settings.VAR / "secret_key").write_text(settings.SECRET_KEY)
    with pytest.raises(Refused, match="another SECRET_KEY"):
        restore(without.path, replace=True)
    assert restore(without.path, replace=True, without_key=True).key_written is None
    assert restore(within.path, replace=True).key_written == settings.VAR / "secret_key"
    assert (settings.VAR / "secret_key").read_text() == old
    assert [p.read_text() for p in settings.VAR.glob("secret_key.before-*")] == ["another" * 10]
    settings.SECRET_KEY_FALLBACKS = [old]
    assert restore(without.path, replace=True).key_written is None


def test_attachments_of_another_storage_are_inside(case: Case, tmp_path: Path, settings) -> None:
    kept_here = StoredFile.objects.get()
    place = tmp_path / "files"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(place)}},
    }
    there, lost = save_bytes(b"in a folder"), save_bytes(b"lost from it")
    default_storage.delete(f"{lost.sha256[:2]}/{lost.sha256}")

    made = make(tmp_path / "a.backup")
    assert (made.files, made.missing) == (1, 1)
    default_storage.delete(f"{there.sha256[:2]}/{there.sha256}")
    assert restore(made.path, replace=True).files == 1

    assert read_bytes(StoredFile.objects.get(sha256=there.sha256)) == b"in a folder"
    assert len(read_bytes(StoredFile.objects.get(sha256=kept_here.sha256))) == kept_here.size


def test_an_attachment_damaged_before_is_told_and_comes_back_as_it_was(case: Case, tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE crm_filechunk SET data = data || 'x' WHERE position = 2")
    made = make(tmp_path / "a.backup")
    assert made.broken == 1
    restore(made.path, replace=True)


def test_what_was_about_to_leave_is_unknown_and_never_sent_twice(case: Case, tmp_path: Path, ana: User) -> None:
    """Between the backup and the day it comes back, it left."""
    case = Case.objects.get()
    said = conversation.reply(case, by=ana, text="Once.", written_against=case.version)
    now = timezone.now() + timedelta(seconds=11)
    release_due(now)
    path = make(tmp_path / "a.backup").path
    send_due(now)
    assert Dispatch.objects.get().state == "sent"

    restore(path, replace=True)

    send_due(now + timedelta(hours=1))
    dispatch = Dispatch.objects.get()
    assert (dispatch.state, dispatch.reason, dispatch.attempts) == ("unknown", "restored", 0)
    assert Case.objects.get().send_state == "unknown"
    conversation.retry(Message.objects.get(pk=said.pk), by=ana)
    send_due(timezone.now() + timedelta(seconds=1))
    assert Dispatch.objects.get().state == "sent"


def test_an_app_that_cannot_put_its_past_right_stops_the_restore(case: Case, tmp_path: Path) -> None:
    path, before = make(tmp_path / "a.backup").path, held()

    def broken() -> str:
        raise RuntimeError

    def wrong() -> str:
        return "UPDATE public.nothing SET x = 1;"

    for fill, says in ((broken, "RuntimeError"), (wrong, "nothing")):
        with restoring.restored.registered(fill), pytest.raises(Refused, match=says):
            restore(path, replace=True)
        unchanged(before)


def test_the_commands_say_what_they_did(case: Case, tmp_path: Path, capsys) -> None:
    path = str(tmp_path / f"{uuid.uuid4()}.backup")
    call_command("backup", path)
    assert "read back and whole" in capsys.readouterr().out
    assert "backup" in Heartbeat.ages("backup")
    with pytest.raises(CommandError, match="never writes over"):
        call_command("backup", path)
    with pytest.raises(CommandError, match="--replace"):
        call_command("restore", path)
    call_command("restore", path, replace=True, yes=True)
    assert "every table as it was saved" in capsys.readouterr().out


def test_whoever_is_asked_must_name_the_database(case: Case, tmp_path: Path, monkeypatch) -> None:
    path, before = str(make(tmp_path / "a.backup").path), held()
    said = SimpleNamespace(isatty=lambda: True, readline=lambda: "yes\n")
    monkeypatch.setattr("sys.stdin", said)
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("restore", path, replace=True)
    unchanged(before)
    said.readline = lambda: f"{connection.settings_dict['NAME']}\n"
    call_command("restore", path, replace=True)
