"""L27: every mail that was taken in is stored first and ends as a message, a repeat, ignored or kept, whatever is killed
on the way. Real processes, really killed: once at each named point, then at any moment while mails keep coming."""

import random
import signal
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest
from django.utils import timezone

from cases.mail import arriving, ids
from cases.models import Case, Dispatch, InboundItem, Message, Queue
from crm.models import Event
from tests import forks, processes
from tests.builders import make_queue, make_user
from tests.faults.figures import tell
from tests.mails import answer_to, answered, letter, parcel, taken
from tests.processes import Running, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

# A process that takes in the mail on its standard input and dies at a point of the way.
TAKER = """
import os, signal, sys
from cases import intake, receiving
from cases.mail import arriving, child

def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def then_die(real):
    return lambda *args, **kwargs: (real(*args, **kwargs), die())

before = {
    "before_storing": None, "reading": (child, "parse"), "keeping_files": (intake, "save_bytes"),
    "settling": (intake, "_settle"), "matching": (arriving, "match"), "opening": (arriving, "open_case"),
    "saying": (arriving, "add_inbound"), "finishing": (intake, "_finish"),
}
after = {"finished": (intake, "_finish"), "committed": (intake, "_process")}
raw, point = sys.stdin.buffer.read(), sys.argv[1]
for points, turned in ((before, lambda real: die), (after, then_die)):
    if points.get(point):
        module, name = points[point]
        setattr(module, name, turned(getattr(module, name)))
if point == "before_storing":
    die()
item, _fresh = arriving.store(raw)
if point == "stored":
    die()
intake.process(item.pk)
"""
KEEPER = """
import django
django.setup()
from django.core.management import call_command
from cases.mail import child
real = child.parse

def parse(raw, **how):
    if b"X-Unreadable" in raw:
        raise child.Unparsable("memory")
    return real(raw, **how)

child.parse = parse
call_command("keeper")
"""
POINTS = [
    "before_storing",
    "stored",
    "reading",
    "keeping_files",
    "settling",
    "matching",
    "opening",
    "saying",
    "finishing",
    "finished",
    "committed",
]


@pytest.fixture
def queue(transactional_db: None) -> Queue:
    return make_queue("Inbox", reps=[make_user("Ana Lind", username="ana")])


def keeper() -> AbstractContextManager[Running]:
    """The real keeper, but that its reader gives up on some mails."""
    return processes.started([sys.executable, "-c", KEEPER])


def drain(seconds: float) -> None:
    """A keeper, left alone until nothing waits."""
    with keeper() as running:
        wait_until(lambda: not waiting() or not running.alive, seconds, "everything to be taken in")
        assert running.alive, running.output()


def waiting() -> bool:
    return InboundItem.objects.filter(state="stored").exists()


def test_kill_9_at_every_point_of_the_way_loses_nothing_and_doubles_nothing(queue: Queue) -> None:
    raws = {point: parcel(("a.txt", "text/plain", b"hello"), subject=point) for point in POINTS}
    # The mail server still has a mail until it is stored: whoever dies before that is handed it again.
    for point, end in forks.lives(TAKER, raws).items():
        assert end.code == -signal.SIGKILL, (point, end.said[-2000:])
    states = Counter(InboundItem.objects.values_list("state", flat=True))
    assert states == {"stored": len(POINTS) - 2, "done": 1}, "all but the first are stored, the last is committed"

    for raw in raws.values():  # their server never heard that they were taken
        arriving.store(raw)
    InboundItem.objects.filter(state="stored").update(next_try_at=timezone.now())
    drain(120)

    assert set(InboundItem.objects.values_list("state", flat=True)) == {"done"}
    assert sorted(Case.objects.values_list("subject", flat=True)) == sorted(POINTS)
    assert Message.objects.count() == InboundItem.objects.count() == len(POINTS)
    assert all(message.attachments.count() == 1 for message in Message.objects.all())
    assert all(gapless(case) for case in Case.objects.all())


def gapless(case: Case) -> bool:
    log = Event.objects.filter(stream="case", stream_id=case.pk).order_by("version")
    versions = list(log.values_list("version", flat=True))
    return versions == list(range(1, len(versions) + 1))


@dataclass(frozen=True)
class Talk:
    """A case under way and one marked as spam, and what we sent in each."""

    open: Dispatch
    spam: Dispatch

    def mails(self, name: str) -> list[bytes]:
        """A new case, the same mail by another way, an answer, one to what is spam, a machine's to nothing, and one
        that nobody can read."""
        new = parcel(("a.txt", "text/plain", name.encode()), text=name, subject=name)
        return [
            new,
            b"Received: from a by b\r\n" + new,
            answer_to(self.open, f"And {name}"),
            answer_to(self.spam, f"Buy {name}", sender="spam@example.net"),
            letter(f"Away {name}", auto_submitted="auto-replied"),
            letter(f"Broken {name}", x_unreadable="yes"),
        ]


@pytest.fixture
def talk(queue: Queue) -> Talk:
    ana = queue.memberships.get().user
    opened = answered(taken(letter(), queue=queue).case, ana)
    spam = taken(letter(sender="spam@example.net"), queue=queue).case
    marked = answered(spam, ana)
    spam.refresh_from_db()
    spam.change_status("spam", by=ana)
    return Talk(opened, marked)


def test_mails_keep_coming_while_who_takes_them_in_is_killed(queue: Queue, talk: Talk, full: bool) -> None:
    """L27: all kinds of mail, and a keeper that is killed at any moment, again and again."""
    chance, kills, each = random.Random(27), 40 if full else 4, 12
    stored: list[int] = []
    for round_ in range(kills):
        with keeper() as running:
            raws = [raw for n in range(each) for raw in talk.mails(f"{round_}.{n}")]
            stored += [arriving.store(raw, queue=queue)[0].pk for raw in raws]
            wanted = ended() + chance.randint(1, 50)
            wait_until(lambda n=wanted: ended() >= n, 60, "some to be taken in")
            time.sleep(chance.uniform(0, 0.3))
            running.kill()
    cut = InboundItem.objects.filter(state="stored").count()
    InboundItem.objects.filter(state="stored").update(next_try_at=timezone.now())
    drain(400)

    items = InboundItem.objects.in_bulk(stored)
    became = Counter(item.state for item in items.values())
    tell(f"{len(stored)} mails, {kills} kills, {cut} not taken in at the last: {dict(became)}", full=full)
    rounds = kills * each
    assert became == {"done": 3 * rounds, "duplicate": rounds, "ignored": rounds, "kept": rounds}, "raw is terminal"
    assert Message.objects.filter(direction="inbound").count() == 3 * rounds + 2
    assert said_in(talk.spam) == said_in(talk.open) == rounds + 1
    assert ids.case_of(talk.spam).status == "spam"
    assert all(gapless(case) for case in Case.objects.all())


def ended() -> int:
    return InboundItem.objects.exclude(state="stored").count()


def said_in(dispatch: Dispatch) -> int:
    return Message.objects.filter(case=ids.case_of(dispatch), direction="inbound").count()
