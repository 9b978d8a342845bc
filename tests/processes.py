"""Start the product's real processes against the database of the running test, and kill them as hard as needed.

    @pytest.mark.django_db(transaction=True)
    def test_…():
        with processes.serve("--no-demo") as server:
            httpx.get(f"{server.url}/health/ready")
            server.kill()          # SIGKILL to serve alone: its children must follow

Everything started is stopped at the end of the `with`, its whole session included; what it printed is in `.output()`.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
UVICORN = [
    *("--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--ws-max-size", "65536"),
    *("--timeout-graceful-shutdown", "5", "--no-proxy-headers", "--lifespan", "on", "--no-access-log"),
]


def database_url() -> str:
    """DATABASE_URL of the database this test uses (needs `django_db(transaction=True)`: others must see its rows)."""
    config = connection.settings_dict
    host, port = config["HOST"] or "", config["PORT"] or ""
    at = f"host={quote(host, safe='')}" if host.startswith("/") else ""
    netloc = f"{quote(config['USER'] or '')}:{quote(config['PASSWORD'] or '')}@{'' if at else host}"
    return f"postgresql://{netloc}{f':{port}' if port else ''}/{quote(config['NAME'])}{f'?{at}' if at else ''}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], object], seconds: float = 10, what: str = "it") -> None:
    """Return as soon as `condition()` is true; fail after `seconds`, saying `what` did not happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.05)


@dataclass
class Running:
    """One process of the product and whatever it started."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int = 0

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def descendants(self) -> dict[int, str]:
        """Pid → command line of everything below this process, as of now."""
        return descendants(self.pid)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send one signal to this process alone."""
        self.process.send_signal(number)

    def stop(self, seconds: float = 10) -> int:
        """SIGTERM, then its exit code; fails when it takes longer than `seconds`."""
        self.process.terminate()
        return self.process.wait(seconds)

    def ready(self) -> bool:
        return says_200(self.port, "/health/ready")


def says_200(port: int, path: str) -> bool:
    """Asked many times a second beside what is just starting: httpx would read all certificates anew each time."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        line.request("GET", path)
        return line.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def descendants(pid: int) -> dict[int, str]:
    """Pid → command line of every process below `pid`."""
    parents = _parents()
    found, frontier = {}, {pid}
    while frontier := {child for child, parent in parents.items() if parent in frontier}:
        found |= {child: command(child) for child in frontier}
    return found


def children(pid: int) -> dict[int, str]:
    """Pid → command line of the processes `pid` itself started, zombies left out."""
    below = sorted(child for child, parent in _parents().items() if parent == pid)
    return {child: line for child in below if (line := command(child))}


def command(pid: int) -> str:
    """The command line of a process; empty when it is gone or a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""


def running(pid: int) -> bool:
    return bool(command(pid))


def environment(**extra: str) -> dict[str, str]:
    """What a process under test gets: this test's database, the test settings, a var folder of its own."""
    kept = {k: v for k, v in os.environ.items() if k not in {"FOREFRONT_PROCESS", "SECRET_KEY"}}
    return kept | {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        **_ties(),
        **extra,
    }


def _ties() -> dict[str, str]:
    """What is started here ends with us, a kill -9 of pytest included. (It would end with a thread that started it.)"""
    return {"FOREFRONT_PARENT": str(os.getpid())} if threading.current_thread() is threading.main_thread() else {}


@contextmanager
def started(argv: list[str], *, port: int = 0, **env: str) -> Iterator[Running]:
    """Run `argv` in a session of its own, its output in a file; kill whatever is left of it at the end."""
    with tempfile.TemporaryDirectory(prefix="forefront") as folder:
        log = Path(folder) / "output"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                argv,
                cwd=ROOT,
                env=environment(**({"VAR": folder} | env)),
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        one = Running(process, log, port)
        below: dict[int, str] = {}
        try:
            yield one
        finally:
            below = one.descendants()
            _end(process, below)
            if sys.exc_info()[0]:
                print(one.output()[-4000:])  # shown by pytest when the test failed


def manage(*args: str, **env: str) -> AbstractContextManager[Running]:
    """`manage.py …`, e.g. `with processes.manage("keeper") as keeper:`."""
    return started([sys.executable, "manage.py", *args], **env)


@contextmanager
def serve(*args: str, port: int = 0, seconds: float = 120, wait: bool = True, **env: str) -> Iterator[Running]:
    """`manage.py serve` on a free port, ready when the `with` begins (unless `wait=False`)."""
    port = port or free_port()
    argv = [sys.executable, "manage.py", "serve", "--port", str(port), *args]
    with started(argv, port=port, **env) as server:
        if wait:
            wait_until(lambda: server.ready() or not server.alive, seconds, "serve to be ready")
            assert server.alive, server.output()
        yield server


@contextmanager
def web(*, port: int = 0, seconds: float = 60, **env: str) -> Iterator[Running]:
    """One web process (uvicorn) without supervisor, worker or keeper, answering when the `with` begins."""
    port = port or free_port()
    argv = [sys.executable, "-m", "uvicorn", "crm.asgi:application", "--port", str(port), *UVICORN]
    with started(argv, port=port, FOREFRONT_PROCESS="web", **env) as server:
        wait_until(lambda: _answers(server) or not server.alive, seconds, "the web process to answer")
        assert server.alive, server.output()
        yield server


def keeper(**env: str) -> AbstractContextManager[Running]:
    """The keeper alone: sweeps, the sequencer's candidate."""
    return manage("keeper", **env)


def workers(**env: str) -> AbstractContextManager[Running]:
    """A worker group alone."""
    return manage("work", **env)


def _answers(server: Running) -> bool:
    return says_200(server.port, "/health/live")


def _end(process: subprocess.Popen[bytes], below: dict[int, str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
    for pid in below:
        if running(pid) and command(pid) == below[pid]:
            _signal(pid)


def _signal(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _parents() -> dict[int, int]:
    """Of every process of this machine."""
    return {int(pid): _parent(pid) for pid in os.listdir("/proc") if pid.isdigit()}


def _parent(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return int(stat.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0
