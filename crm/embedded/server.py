"""Starts, asks and stops the server. It lives when its socket answers; a pid in a file proves nothing."""

import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm.embedded import building
from crm.embedded.places import APP, OWNER, PORT, SUPERUSER, Place, Refused

if TYPE_CHECKING:
    import psycopg

_STARTING = ("the database system is", "not yet accepting connections", "Consistent recovery state")
_LINGERING = "pre-existing shared memory block"
_CODE = Path(__file__).resolve().parent.parent.parent


def bring_up(place: Place) -> None:
    """Start the server unless it answers, and wait until it takes queries. The caller holds the gate."""
    if not listening(place):
        building.make_binaries(place)
        building.make_cluster(place)
        building.private_folder(place.sockets, building.existing(place.account))
        _start(place)
    while not _ready(place):
        time.sleep(0.02)
    _furnish(place)


def listening(place: Place) -> bool:
    """Whether somebody answers at the socket, be it to say that recovery is still running."""
    try:
        _connect(place).close()
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    return True


def _connect(place: Place) -> socket.socket:
    door = socket.socket(socket.AF_UNIX)
    try:
        door.connect(str(place.socket))
    except BaseException:
        door.close()
        raise
    return door


def _start(place: Place) -> None:
    """Let a doorman start the server. Old server processes may take a while to notice that theirs was killed."""
    deadline = time.monotonic() + 60
    while not _started(place):
        words = last_words(place)
        if _LINGERING not in words or time.monotonic() > deadline:
            raise Refused(f"The embedded PostgreSQL did not start. The end of {place.log}:\n{words}")
        time.sleep(0.2)


def _started(place: Place) -> bool:
    """True once the socket answers, False when the doorman left: he keeps the pipe open while the server lives."""
    alive, kept = os.pipe()
    os.set_blocking(alive, False)
    try:
        _call_doorman(place, kept)
        os.close(kept)
        while not listening(place):
            with contextlib.suppress(BlockingIOError):
                if os.read(alive, 1) == b"":
                    return False
            time.sleep(0.01)
    finally:
        os.close(alive)
    return True


def _call_doorman(place: Place, pipe: int) -> None:
    command = [sys.executable, "-m", "crm.embedded.doorman", str(place.var)]
    paths = [str(_CODE), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with open_log(place) as log:
        subprocess.run(  # noqa: S603 - our own module
            command,
            check=True,
            cwd="/",
            env=environment,
            pass_fds=[pipe],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def open_log(place: Place) -> Any:
    """The server's own log; a big one makes room for a new one when the server starts."""
    if place.log.exists() and place.log.stat().st_size > 10_000_000:
        place.log.replace(place.log.with_suffix(".log.1"))
    log = place.log.open("ab")
    building.give(place, log.fileno())
    return log


def last_words(place: Place) -> str:
    text = place.log.read_bytes()[-4000:].decode(errors="replace") if place.log.exists() else ""
    return "\n".join(text.splitlines()[-8:])


def spawn(place: Place) -> "subprocess.Popen[bytes]":
    """The server itself, without a shell between: paths need no quoting.

    A postmaster.pid left by a killed server may name a process that is somebody else's by now, and PostgreSQL would
    refuse to start beside it. Nobody answers at our socket, so we tell it that this pid is no server's: it then relies
    on its shared memory block, which only processes of this very cluster can keep. The same for the socket's lock file.
    """
    how = building.as_account(place)
    if stale := _foreign_pid(place):
        how["env"] = {**how["env"], "PG_GRANDPARENT_PID": stale}
        for left in (place.socket, place.socket.with_name(f"{place.socket.name}.lock")):
            left.unlink(missing_ok=True)
    command = [str(place.binaries / "postgres"), "-D", str(place.data), "-p", str(PORT), "-k", str(place.sockets)]
    with open_log(place) as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **how)  # noqa: S603 - likewise


def _foreign_pid(place: Place) -> str:
    try:
        pid = (place.data / "postmaster.pid").read_text().split()[0]
    except (FileNotFoundError, IndexError):
        return ""
    with contextlib.suppress(OSError):
        if Path(f"/proc/{pid}/cwd").samefile(place.data):
            return ""  # a server of this cluster that does not answer yet: PostgreSQL must refuse
    return pid


def connect(place: Place, *, user: str = SUPERUSER, dbname: str = "postgres") -> "psycopg.Connection[Any]":
    import psycopg  # the doorman does without

    return psycopg.connect(host=str(place.sockets), port=PORT, user=user, dbname=dbname, autocommit=True)


def _ready(place: Place) -> bool:
    """Whether it takes queries. Recovery may take its time; a server that went away is an error."""
    import psycopg

    try:
        connect(place).close()
    except psycopg.OperationalError as error:
        if any(word in str(error) for word in _STARTING):
            return False
        if not listening(place):
            raise Refused(f"The embedded PostgreSQL went away. The end of {place.log}:\n{last_words(place)}") from error
        raise
    return True


def _furnish(place: Place) -> None:
    """Two roles and the database, made last: once it is there, everything is."""
    with connect(place) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [APP]).fetchone():
            return
        known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for role, may in ((OWNER, "CREATEDB"), (APP, "")):
            if role not in known:
                connection.execute(f"CREATE ROLE {role} LOGIN {may}")
        connection.execute(f"CREATE DATABASE {APP} OWNER {OWNER}")


def stop(place: Place) -> None:
    """End every session, write everything down, stop; returns when it is done. The caller holds the gate."""
    try:
        pid = _pid(place)
    except (FileNotFoundError, ConnectionRefusedError):
        return
    os.kill(pid, signal.SIGINT)
    while listening(place):
        time.sleep(0.01)
    deadline = time.monotonic() + 10
    while (place.data / "postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.01)


def _pid(place: Place) -> int:
    """Who listens at our socket: the kernel knows. Elsewhere than on Linux the server's file has to do."""
    with contextlib.closing(_connect(place)) as door:
        if hasattr(socket, "SO_PEERCRED"):
            peer = door.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return int(struct.unpack("3i", peer)[0])
    return int((place.data / "postmaster.pid").read_text().split()[0])


def program(place: Place, name: str) -> str:
    """The path of psql, pg_dump and their like: the wheel's, or the machine's where the wheel has none."""
    ours = place.binaries / name
    return str(ours) if ours.exists() else shutil.which(name) or name
