"""`serve`: the supervisor's decisions, the first run, the demo's mail sink, and one start of the real thing."""

import os
import select
import smtplib
import socket
import sys
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from django.core.management import CommandError
from django.db import connection

from cases.models import Queue
from crm import sink
from crm.management import first_run
from crm.management.commands.serve import listen
from crm.models import SentMail, User
from crm.supervise import LONGEST_PAUSE, STEADY, Child, Supervisor
from tests import processes
from tests.processes import wait_until

SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]
BEATS = [
    sys.executable,
    "-c",
    "import os, time\nwhile True: os.write(int(os.environ['FOREFRONT_PULSE']), b'.'); time.sleep(.05)",
]


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    one = Supervisor([])
    yield one
    one.end(seconds=1)


# --- the supervisor


def test_a_dead_child_is_started_anew_after_a_pause_that_grows(supervisor: Supervisor) -> None:
    child = Child("a", [sys.executable, "-c", "raise SystemExit(3)"], silence=60)
    supervisor.children = [child]
    pauses = []
    for now in (100.0, 200.0, 300.0):
        child.began = 0.0
        supervisor.look_after(child, now)
        assert child.process is not None
        child.process.wait(10)
        child.began = now - 1  # it lived a second
        supervisor.look_after(child, now)
        assert child.process is None
        pauses.append(child.due - now)
    assert pauses == sorted(set(pauses)), "each longer than the one before"
    assert pauses[-1] <= LONGEST_PAUSE
    supervisor.look_after(child, 300.1)
    assert child.process is None, "not before its pause is over"


def test_a_child_that_ran_for_long_is_started_anew_quickly() -> None:
    child = Child("a", SLEEPS, silence=60, failures=7)
    child.start(now=0)
    child.bury(now=STEADY + 1)
    assert child.due - (STEADY + 1) < 1


def test_a_silent_child_is_killed_and_a_beating_one_is_not(supervisor: Supervisor) -> None:
    silent, beating = Child("silent", SLEEPS, silence=0.5), Child("beating", BEATS, silence=0.5)
    supervisor.children = [silent, beating]
    for child in supervisor.children:
        supervisor.look_after(child, time.monotonic())
    wait_until(lambda: os.read(beating.pulse, 1) if has_beat(beating) else False, 10, "the first beat")
    silent.heard = beating.heard = time.monotonic() - 10
    pid = beating.process.pid if beating.process else 0
    for child in supervisor.children:
        wait_until(lambda child=child: has_beat(child) or child is silent, 5)
        supervisor.look_after(child, time.monotonic())
    assert silent.process is None
    assert beating.process is not None
    assert beating.process.pid == pid


def has_beat(child: Child) -> bool:
    return bool(select.select([child.pulse], [], [], 0)[0])


def test_the_whole_group_of_a_child_goes_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    script = f"import subprocess; open('{tmp_path}/pid', 'w').write(str(subprocess.Popen({SLEEPS!r}).pid)); import time; time.sleep(60)"
    child = Child("a", [sys.executable, "-c", script], silence=60)
    child.start(time.monotonic())
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), 10)
    below = int((tmp_path / "pid").read_text())
    assert processes.running(below)
    child.bury(time.monotonic())
    wait_until(lambda: not processes.running(below), 5, "the grandchild to be gone")


def test_the_end_is_gentle_first_and_then_certain(tmp_path: Path) -> None:
    gentle = f"import signal, sys, time, pathlib\nsignal.signal(15, lambda *_: (pathlib.Path('{tmp_path}/bye').touch(), sys.exit()))\npathlib.Path('{tmp_path}/up').touch()\ntime.sleep(60)"
    deaf = f"import signal, time, pathlib\nsignal.signal(15, signal.SIG_IGN)\npathlib.Path('{tmp_path}/deaf').touch()\ntime.sleep(60)"
    supervisor = Supervisor(
        [Child(name, [sys.executable, "-c", text], silence=60) for name, text in (("g", gentle), ("d", deaf))]
    )
    for child in supervisor.children:
        child.start(time.monotonic())
    wait_until(lambda: (tmp_path / "up").exists() and (tmp_path / "deaf").exists(), 10)
    pids = [child.process.pid for child in supervisor.children if child.process]
    supervisor.end(seconds=1)
    assert (tmp_path / "bye").exists()
    assert not any(map(processes.running, pids))


# --- where it listens


def test_a_taken_port_is_said_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"Cannot listen on 127.0.0.1 port {port} .* PORT={port + 1}"):
            listen("127.0.0.1", port)


# --- the first run


@pytest.mark.django_db
def test_an_empty_house_gets_an_administrator_and_one_open_queue() -> None:
    said: list[str] = []
    first_run.prepare(migrate=False, demo=False, say=said.append)
    admin = User.objects.get()
    password = said[0].split("password ")[1].split(" ")[0]
    assert (admin.username, admin.role, admin.is_superuser) == ("admin", User.Role.ADMINISTRATOR, True)
    assert admin.check_password(password)
    queue = Queue.objects.get()
    assert (queue.name, queue.calendar.current.hours["sun"]) == ("Inbox", [["00:00", "24:00"]])  # type: ignore[union-attr]


@pytest.mark.django_db
def test_a_second_run_changes_nothing(billing: Queue, ana: User) -> None:
    said: list[str] = []
    first_run.prepare(migrate=False, demo=False, say=said.append)
    assert said == []
    assert list(Queue.objects.all()) == [billing]
    assert not User.objects.filter(username="admin").exists()


@pytest.mark.django_db(transaction=True)
def test_two_first_runs_at_once_make_one_administrator_and_one_queue() -> None:
    said: list[str] = []

    def prepare() -> None:
        first_run.prepare(migrate=False, demo=False, say=said.append)
        connection.close()

    runs = [threading.Thread(target=prepare) for _ in range(4)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert len(said) == 1
    assert (User.objects.count(), Queue.objects.count()) == (1, 1)


# --- the sink


@pytest.mark.django_db
def test_a_mail_is_kept_as_it_came_and_shown_in_words() -> None:
    raw = (
        b"From: help@x\r\nTo: ana@x\r\nMessage-ID: <1@x>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain; charset=no-such\r\n\r\nHello\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>x</b>\r\n--b--\r\n"
    )
    mail = sink.keep("help@x", ["ana@x"], raw)
    assert (mail.subject, mail.text.strip(), mail.message_id) == ("Grüße", "Hello", "<1@x>")
    assert bytes(mail.raw) == raw


@pytest.mark.django_db
@pytest.mark.parametrize(
    "raw", [b"", b"\0\0", b"Subject: =?utf-8?q?\xff?=\r\n\r\n\0", b"Subject: " + b"x" * 5000 + b"\r\n\r\n"]
)
def test_a_broken_mail_is_kept_too(raw: bytes) -> None:
    assert bytes(sink.keep("", [], raw).raw) == raw


# --- the real thing


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_serve_from_an_empty_database_to_a_signed_in_administrator_and_a_sent_mail() -> None:
    with processes.serve("--no-demo", DJANGO_SETTINGS_MODULE="crm.settings", DEMO="1") as server:
        wait_until(lambda: "Forefront is ready at" in server.output(), 10, "the word that it is ready")
        assert f"ready at {server.url}" in server.output()
        password = server.output().split("with the password ")[1].split(" ")[0]
        with httpx.Client(base_url=server.url, follow_redirects=False, timeout=30) as browser:
            page = browser.get("/sign-in/")
            fields = {"username": "admin", "password": password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
            assert page.status_code == 200
            assert browser.post("/sign-in/", data=fields).status_code == 302
            keeper = next(pid for pid, line in server.descendants().items() if "keeper" in line)
            send_through(int(environment_of(keeper)["SMTP_PORT"]))
            assert SentMail.objects.get().subject == "Your refund"
            assert "Your refund" in browser.get("/sent/").text
        below = server.descendants()
        began = time.monotonic()
        assert server.stop(10) == 0
        assert time.monotonic() - began < 8
        assert not any(map(processes.running, below)), "nobody is left behind"
        assert "Traceback" not in server.output()


def send_through(port: int) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Your refund", "help@example.org", "ana@example.org"
    mail.set_content("It is on its way.")
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as server:
        server.send_message(mail)


def environment_of(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_serve_says_when_its_port_is_taken_or_its_database_is_not_there() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        processes.serve("--no-demo", port=taken.getsockname()[1], wait=False) as refused,
    ):
        assert refused.process.wait(20) == 1
        assert "Choose another port" in refused.output()
        assert "Traceback" not in refused.output()
    nowhere = f"postgresql://nobody@127.0.0.1:{processes.free_port()}/none"
    with processes.serve("--no-demo", wait=False, DATABASE_URL=nowhere) as lost:
        assert lost.process.wait(20) == 1
        assert "The database cannot be reached" in lost.output()
        assert "Traceback" not in lost.output()
