"""Everything that runs, under one command: web, workers, keeper, in a demo the mail sink too."""

import json
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connections
from django.utils.translation import gettext as _

from crm import lifeline, sink
from crm.management import first_run
from crm.supervise import Child, Supervisor

UVICORN = [
    *("-m", "uvicorn", "crm.asgi:application", "--ws", "websockets-sansio", "--ws-per-message-deflate", "false"),
    *("--ws-max-size", "65536", "--timeout-graceful-shutdown", "5", "--lifespan", "on", "--no-access-log"),
    *("--no-proxy-headers", "--no-server-header", "--log-level", "warning"),
]


class Command(BaseCommand):
    help = "Run Forefront: web server, workers and keeper against the configured database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, default=int(os.environ.get("PORT") or 8000), help="default: PORT, or 8000"
        )
        parser.add_argument("--host", default=os.environ.get("HOST_ADDRESS", "127.0.0.1"), help="address to listen on")
        parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 1) // 2), help="web processes")
        parser.add_argument("--no-demo", action="store_true", help="no demo company in an empty database")
        parser.add_argument("--no-migrate", action="store_true", help="the database is migrated by someone else")

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        lifeline.follow_parent(signal.SIGTERM)
        with listen(options["host"], options["port"]) as listener:
            demo = settings.DEMO and not options["no_demo"]
            self.prepare(migrate=not options["no_migrate"], demo=demo)
            self.supervise(listener, workers=max(1, options["workers"]))

    def prepare(self, *, migrate: bool, demo: bool) -> None:
        try:
            first_run.prepare(migrate=migrate, demo=demo, say=self.say)
        except OperationalError as error:
            raise CommandError(_("The database cannot be reached: %s") % str(error).strip()) from error

    def supervise(self, listener: socket.socket, *, workers: int) -> None:
        """Start everything and stay until told to stop."""
        connections.close_all()  # children must not inherit a connection
        supervisor = Supervisor(children_of(listener, workers=workers))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: supervisor.stop.set())
        port = listener.getsockname()[1]
        threading.Thread(target=self.announce, args=(port, supervisor.stop), daemon=True).start()
        supervisor.run()
        self.say(_("Stopped."))

    def announce(self, port: int, stop: threading.Event) -> None:
        """Say that it is ready once it truly is; while it is not, say what is missing now and then."""
        started = told = time.monotonic()
        while (missing := not_ready(port)) and not stop.wait(0.2):
            if time.monotonic() - told > 15:
                told = time.monotonic()
                self.say(_("Not ready after %(n)d s: %(why)s") % {"n": told - started, "why": "; ".join(missing)})
        if not missing:
            signs = first_run.sign_ins() if settings.DEMO else []
            connections.close_all()
            self.say("\n".join([_("Forefront is ready at http://127.0.0.1:%d") % port, *signs]))

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def listen(host: str, port: int) -> socket.socket:
    """The one listening socket all web processes share: while one is restarted, connections wait in it."""
    try:
        listener = socket.create_server((host, port), backlog=1024, family=_family(host))
    except OSError as error:
        raise CommandError(
            _("Cannot listen on %(host)s port %(port)d (%(why)s). Choose another port: make run PORT=%(other)d")
            % {"host": host, "port": port, "why": error.strerror, "other": port + 1}
        ) from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted sockets inherit it
    return listener


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def children_of(listener: socket.socket, *, workers: int) -> list[Child]:
    """Web processes, one worker group, one keeper; in a demo without a mail server, the keeper holds the sink."""
    port = listener.getsockname()[1]
    env = {"FOREFRONT_NAME": f"{socket.gethostname()}:{port}"}
    env |= {} if "PUBLIC_URL" in os.environ else {"PUBLIC_URL": f"http://127.0.0.1:{port}"}
    fds: tuple[int, ...] = ()
    if settings.DEMO and not settings.EMAIL_PORT:
        mail = sink.listening_socket()
        fds = (mail.detach(),)
        env |= {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(_port_of(fds[0]))}
    quiet = settings.SILENCE_SECONDS
    web = [sys.executable, *UVICORN, "--app-dir", str(settings.BASE_DIR), "--fd", str(listener.fileno())]
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    return [
        *(Child(f"web {n}", web, quiet, env | _as("web"), (listener.fileno(),)) for n in range(1, workers + 1)),
        Child("workers", [*manage, "work"], quiet, env | _as("work")),
        Child("keeper", [*manage, "keeper"], quiet, env | _as("keeper") | ({sink.FD: str(fds[0])} if fds else {}), fds),
    ]


def _as(process: str) -> dict[str, str]:
    return {"FOREFRONT_PROCESS": process}


def _port_of(fd: int) -> int:
    with socket.socket(fileno=os.dup(fd)) as view:
        return int(view.getsockname()[1])


def not_ready(port: int) -> list[str]:
    """What keeps the server from being ready, in words; empty when it is."""
    host = next((h.lstrip(".") for h in settings.ALLOWED_HOSTS if h not in {"", "*"}), "127.0.0.1")
    ask = urllib.request.Request(f"http://127.0.0.1:{port}/health/ready", headers={"Host": host})
    try:
        with urllib.request.urlopen(ask, timeout=5):  # noqa: S310 - our own address
            return []
    except urllib.error.HTTPError as error:
        return _reasons(error)
    except OSError:
        return [_("the web server does not answer yet")]


def _reasons(error: urllib.error.HTTPError) -> list[str]:
    try:
        return [check["reason"] for check in json.load(error)["checks"] if not check["ok"]]
    except (ValueError, KeyError):
        return [_("the web server answers %d") % error.code]
