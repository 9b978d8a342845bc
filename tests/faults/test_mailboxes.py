"""Fetching under kills: a mail is in its case once, whoever dies at whichever step (J1, L18, L27).

The keeper is killed at a step by a failpoint in its own process; then as a whole, under `serve`, at random.
"""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest
from playwright.sync_api import Browser

from cases.models import InboundItem, Mailbox, MailboxMail, Queue
from crm.models import Heartbeat, User
from crm.secrets import encrypt
from tests import processes
from tests.faults.figures import tell
from tests.faults.ledger import QUICK
from tests.imapserver import PASSWORD, USERS, ImapServer
from tests.mailboxes import mail, raws
from tests.processes import Running, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
FAULTS = {"DJANGO_SETTINGS_MODULE": "tests.faults.mailbox_settings"}
STEPS = ["before store", "after store", "after row", "before mark seen"]


def make(server: ImapServer, queue: Queue, **fields: object) -> Mailbox:
    made = {"name": "Help", "address": "help@imap.example", "host": "127.0.0.1", "port": server.port, "tls": "none"}
    made |= {"user": USERS[0], "password": encrypt(PASSWORD), "queue": queue}
    return Mailbox.objects.create(**{**made, **fields})


def all_in(many: int) -> bool:
    return MailboxMail.objects.filter(state="stored").count() >= many


def free() -> bool:
    """Nobody needs to wait out a dead holder's lease: that is another test."""
    return bool(Mailbox.objects.update(lease_owner="", lease_until=None))


@pytest.mark.parametrize("step", STEPS)
def test_the_keeper_killed_at_a_step_of_fetching_loses_and_doubles_nothing(
    imap: ImapServer, billing: Queue, step: str
) -> None:
    make(imap, billing, after="seen")
    sent = [mail(n) for n in range(6)]
    for round_ in range(2):
        imap.append(*sent[3 * round_ : 3 * round_ + 3])
        at = "2" if round_ and "store" in step else "1"
        with processes.keeper(**FAULTS, DIE_AT=step, DIE_AFTER=at) as keeper:
            wait_until(lambda keeper=keeper: not keeper.alive, 60, f"the keeper to die {step}: {keeper.output()}")
        free()
    with processes.keeper() as keeper:
        wait_until(lambda: all_in(6) and all(rb"\Seen" in flags for flags in imap.flags()), 60, "all to be in")
        assert keeper.alive
    assert sorted(raws()) == sorted(sent)
    assert MailboxMail.objects.count() == 6
    assert Mailbox.objects.get().waiting == 0


def test_mail_keeps_coming_in_while_keepers_are_killed_at_random(imap: ImapServer, billing: Queue, full: bool) -> None:
    """Two machines, either of which may die at any moment; what one held the other takes when its lease has run out."""
    chance = random.Random(27)
    kills, sent = 12 if full else 3, []
    make(imap, billing)
    with ExitStack() as stack:
        pair = [stack.enter_context(processes.keeper(FOREFRONT_NAME=f"machine {n}")) for n in range(2)]
        wait_until(lambda: Mailbox.objects.get().last_success_at, 60, "the first look")
        for round_ in range(kills):
            fresh = [mail(100 * round_ + n) for n in range(4)]
            sent += fresh
            imap.append(*fresh)
            time.sleep(chance.uniform(0, 1.5))
            holder = Mailbox.objects.get().lease_owner.rpartition(" ")[0]
            victim = int(holder[-1]) if holder else chance.randrange(2)
            pair[victim].kill()
            began = time.monotonic()
            wait_until(partial(all_in, len(sent)), 90, f"what came meanwhile to be in: {len(sent)}")
            tell(f"a keeper killed among mail: all in after {time.monotonic() - began:.1f} s", full=full)
            pair[victim] = stack.enter_context(processes.keeper(FOREFRONT_NAME=f"machine {victim}"))
    assert sorted(raws()) == sorted(sent)
    assert MailboxMail.objects.count() == len(sent)


def test_two_keepers_share_the_mailboxes_and_none_is_held_twice(imap: ImapServer, billing: Queue) -> None:
    for n, folder in enumerate(["One", "Two", "Three"]):
        imap.append(mail(n), folder=folder)
        make(imap, billing, folder=folder)
    with processes.keeper(FOREFRONT_NAME="machine 0"), processes.keeper(FOREFRONT_NAME="machine 1"):
        wait_until(lambda: all_in(3), 60, "all three")
        for _look in range(10):
            assert Mailbox.objects.exclude(lease_owner="").count() == 3
            time.sleep(0.5)
    assert InboundItem.objects.count() == MailboxMail.objects.count() == 3
    assert not Mailbox.objects.exclude(lease_owner="").exists(), "who ends lets go"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
def test_a_dead_or_hung_keeper_is_replaced_and_mail_flows_again_within_90_s(
    imap: ImapServer, billing: Queue, full: bool, number: int
) -> None:
    """L18 for who fetches; the full size uses the product's own intervals."""
    make(imap, billing)
    with processes.serve("--no-demo", seconds=120, **({} if full else QUICK)) as server:
        wait_until(lambda: Mailbox.objects.get().last_success_at, 90, "the first look")
        (pid,) = [pid for pid, line in processes.children(server.pid).items() if "manage.py keeper" in line]
        os.kill(pid, number)
        imap.append(mail(1))
        began = time.monotonic()
        wait_until(lambda: all_in(1), 90, f"the mail to be in: {server.output()[-2000:]}")
        tell(f"keeper, {signal.Signals(number).name}: mail in after {time.monotonic() - began:.1f} s", full=full)
        began = time.monotonic()
        server.stop(15)
        assert time.monotonic() - began < 12
    assert raws() == [mail(1)]


def test_a_hung_line_is_cut_and_a_frozen_server_is_got_over(imap: ImapServer, billing: Queue) -> None:
    make(imap, billing)
    with processes.keeper() as keeper:
        wait_until(lambda: Mailbox.objects.get().last_success_at, 60, "the first look")
        imap.freeze()
        wait_until(lambda: Mailbox.objects.get().failing_since, 40, "the silence to be noticed")
        imap.thaw()
        imap.append(mail(1))
        wait_until(lambda: all_in(1) and not Mailbox.objects.get().failing_since, 60, "mail to flow again")
        assert keeper.alive


@contextmanager
def everything(**env: str) -> Iterator[Running]:
    with processes.serve("--no-demo", seconds=120, **env) as server:
        wait_until(lambda: Heartbeat.ages("keeper:"), 60, "the keeper")
        yield server


@pytest.mark.e2e
@pytest.mark.parametrize(("how", "promise"), [("idle", 3.0), ("polling", 15.0)])
def test_a_mail_is_on_both_screens_within_the_promise(
    imap: ImapServer, browser: Browser, billing: Queue, ana: User, lee: User, full: bool, how: str, promise: float
) -> None:
    """From the server's having it to the lists of two people. Product promises: 3 s by IDLE, 15 s by polling."""
    from tests.faults.test_stalls import open_console

    make(imap, billing)
    with everything(**({} if how == "idle" else {**FAULTS, "NO_IDLE": "1"})) as server:
        wait_until(lambda: Mailbox.objects.get().last_success_at, 90, "the first look")
        assert Mailbox.objects.get().is_pushed == (how == "idle")
        pages = [open_console(browser, server, user, billing) for user in (ana, lee)]
        for n in range(10 if full else 2):
            imap.append(mail(n))
            began = time.monotonic()
            for page in pages:
                page.locator("#cases", has_text=f"Mail {n}").wait_for(timeout=promise * 1000)
            tell(f"{how}: on both screens after {time.monotonic() - began:.2f} s", full=full)
            time.sleep(random.Random(n).uniform(0, 2))
