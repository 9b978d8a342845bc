"""The child that reads a mail: its limits, whoever dies, and what it may say."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cases.file import File
from cases.mail import child, wire
from cases.mail.child import Unparsable, measured, parse
from cases.mail.parsed import Fold, ParsedMail, Person, Report
from cases.mail.reading import read
from tests.mailcorpus.case import PICTURES_AND_ALL, plain

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def misbehaving(monkeypatch: pytest.MonkeyPatch) -> Iterator[child._Parent]:
    """A parent whose children do what the mail says, with low limits."""
    parent = child._Parent("tests.mailcorpus.misbehaving")
    monkeypatch.setattr(child, "_parent", parent)
    yield parent
    parent.end()


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[child._Parent]:
    fresh = child._Parent()
    monkeypatch.setattr(child, "_parent", fresh)
    yield fresh
    fresh.end()


def test_a_child_reads_as_we_do(parent: child._Parent) -> None:
    for raw in (plain(), PICTURES_AND_ALL, b""):
        assert parse(raw) == read(raw)


def test_what_it_cost_is_told(parent: child._Parent) -> None:
    cost = measured(plain())[1]
    assert 0 < cost.cpu < 10
    assert 5 < cost.rss < 512


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (b"SPIN", "cpu"),
        (b"EAT", "memory"),
        (b"SLEEP", "slow"),
        (b"ABORT", "crashed"),
        (b"CRASH", "crashed"),
        (b"RAISE", "crashed"),
        (b"RECURSE", "crashed"),
        (b"KILL", "killed"),
        (b"EXIT", "killed"),
        (b"KILL ALL", "killed"),
        (b"GARBAGE", "crashed"),
        (b"NOTHING", "crashed"),
        (b"LIST", "crashed"),
        (b"DEEP", "crashed"),
        (b"LONG", "crashed"),
    ],
)
def test_whatever_a_mail_does_to_its_reader_the_next_one_is_read(
    misbehaving: child._Parent, order: bytes, reason: str
) -> None:
    with pytest.raises(Unparsable) as failure:
        parse(order)
    assert failure.value.reason == reason
    assert parse(plain()).subject == "Hello"


def test_a_failure_tells_its_place_and_none_of_the_mails_words(misbehaving: child._Parent) -> None:
    with pytest.raises(Unparsable) as failure:
        parse(b"RAISE")
    assert failure.value.detail.startswith("KeyError misbehaving.py:")
    assert "words" not in str(failure.value)


def test_a_child_that_was_killed_from_outside_is_tried_again(misbehaving: child._Parent, tmp_path: Path) -> None:
    assert parse(b"DIE FIRST @ " + str(tmp_path).encode()).text.startswith("DIE FIRST")
    assert (tmp_path / "twice").exists()


def test_a_child_outlives_its_parent_for_as_long_as_its_mail_takes(misbehaving: child._Parent) -> None:
    assert parse(b"KILL PARENT").text == "KILL PARENT"
    assert parse(plain()).subject == "Hello"


def test_a_parent_that_was_killed_is_started_again(parent: child._Parent) -> None:
    for _round in range(3):
        assert parse(plain()).subject == "Hello"
        os.kill(_pid(parent), signal.SIGKILL)
    assert parse(plain()).subject == "Hello"


def test_a_parent_prepared_before_mail_comes_is_the_one_that_reads_it(parent: child._Parent) -> None:
    child.prepare()
    child.prepare()
    assert parent._process
    assert parent._process.poll() is None
    first = parent._process.pid
    assert parse(plain()).subject == "Hello"
    assert parent._process.pid == first


def test_a_parent_that_cannot_be_prepared_leaves_it_to_the_first_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_parent", child._Parent("tests.mailcorpus.no_such_module"))
    child.prepare()
    with pytest.raises(Unparsable):
        parse(plain())


def test_mails_under_way_survive_the_death_of_parent_and_children(parent: child._Parent) -> None:
    """Eight threads read while somebody kills: after every few mails the parent, a child, or both."""
    parse(plain())
    done = threading.Semaphore(0)
    killed = 0

    def one(n: int) -> str:
        subject = _until_read(n)
        done.release()
        return subject

    with ThreadPoolExecutor(8) as threads:
        reading = [threads.submit(one, n) for n in range(80)]
        for n in range(80):
            done.acquire()
            if n % 8 == 7:
                pids = [*_children(_pid(parent)), _pid(parent)]
                for pid in pids[n % 3 :: 2]:
                    _kill(pid)
                    killed += 1
    assert killed
    assert [one.result() for one in reading] == [f"Mail {n}" for n in range(80)]


def test_a_parent_that_hangs_is_replaced(misbehaving: child._Parent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "DEADLINE", 2.0)
    parse(plain())
    hung = _pid(misbehaving)
    os.kill(hung, signal.SIGSTOP)
    with pytest.raises(Unparsable, match="slow"):
        parse(plain())
    monkeypatch.setattr(child, "DEADLINE", 14.0)
    assert parse(plain()).subject == "Hello"
    assert _pid(misbehaving) != hung


def test_the_parent_ends_with_its_owner() -> None:
    """However the owner ends: here by SIGKILL, while a child is at work."""
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            textwrap.dedent("""
            import os, threading, time
            from cases.mail import child
            child._parent = child._Parent("tests.mailcorpus.misbehaving")
            child.parse(b"Subject: a\\n\\nb")
            threading.Thread(target=lambda: child.parse(b"SLEEP"), daemon=True).start()
            time.sleep(0.5)
            print(child._parent._process.pid, flush=True)
            os.kill(os.getpid(), 9)
        """),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=False,
        timeout=120,
    ).stdout
    assert _goes_away(int(said))


def test_a_fork_of_the_owner_has_a_parent_of_its_own(parent: child._Parent) -> None:
    parse(plain())
    before = _pid(parent)
    if (pid := os.fork()) == 0:
        try:
            alone = parent._process is None and parse(plain()).subject == "Hello" and _pid(parent) != before
            parent.end()
            os._exit(0 if alone else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert parse(plain()).subject == "Hello"
    assert _pid(parent) == before


def test_the_parent_knows_no_database_and_no_secret(parent: child._Parent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "never to be seen")
    parse(plain())
    environment = Path(f"/proc/{_pid(parent)}/environ").read_bytes()
    assert b"SECRET_KEY" not in environment
    assert b"DATABASE_URL" not in environment
    loaded = (
        subprocess.run(
            [sys.executable, "-c", "import sys, cases.mail.nursery; print(*sys.modules)"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
        )
        .stdout.decode()
        .split()
    )
    assert not {name.partition(".")[0] for name in loaded} & {"django", "psycopg", "customers", "outreach"}
    assert "crm.models" not in loaded


def test_children_leave_nothing_behind(parent: child._Parent) -> None:
    for _round in range(20):
        parse(plain())
    fds = len(os.listdir(f"/proc/{_pid(parent)}/fd"))
    ours = len(os.listdir("/proc/self/fd"))
    for _round in range(30):
        parse(plain())
    assert len(os.listdir(f"/proc/{_pid(parent)}/fd")) <= fds + 1
    assert len(os.listdir("/proc/self/fd")) <= ours
    assert len(_children(_pid(parent))) <= 1


def test_a_mail_crosses_the_wire_whole() -> None:
    whole = ParsedMail(
        sender=Person("Jürgen", "j@b.example"),
        sender_sure=True,
        subject="Ü",
        text="One\ntwo",
        folds=(Fold(0, 3, "quote"),),
        html="<p>x</p>",
        files=(File("a.png", "image/png", b"\x00\xff", "1@b"), File("", "text/plain", b"")),
        date=read(plain()).date,
        message_id="1@b.example",
        in_reply_to=("a",),
        references=("a", "b"),
        reply_to=(Person("", "r@b.example"),),
        to=(Person("A", ""),),
        cc=(Person("", "c@b.example"),),
        language="de",
        auto="bounce",
        reports=(Report("x@y", "failed", "5.1.1", "no", "9@c"),),
        headers={"x-a": ("1", "2")},
        body_hash="ab",
        faults=("long_text",),
    )
    assert wire.unpack(b"".join(wire.pack(whole, wire.Cost(0.5, 20.0)))) == (whole, wire.Cost(0.5, 20.0))


def _until_read(n: int) -> str:
    """What intake does: a mail that could not be read is tried again."""
    for _try in range(20):
        try:
            return parse(plain().replace(b"Hello", f"Mail {n}".encode(), 1)).subject
        except Unparsable:
            continue
    return ""


def _pid(parent: child._Parent) -> int:
    return parent._process.pid if parent._process else 0


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _kill(pid: int) -> None:
    if pid > 1:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _goes_away(pid: int) -> bool:
    for _wait in range(100):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split(")")[1]:
            return True
        time.sleep(0.1)
    return False
