"""Who fetches from which mailbox: the keeper runs `fetch_mail`, which takes free mailboxes by lease and has a thread for
each. Several machines may do so at once. A holder that dies or hangs renews no more, and another takes over.
"""

import logging
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex
from time import monotonic

from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import connections
from django.utils import timezone

from cases import mailboxes
from cases.mail import child
from cases.mail.imap import Trouble
from cases.models import Mailbox
from cases.models.mailbox import LeaseLost

log = logging.getLogger(__name__)

POLL = 12.0  # seconds between two looks, however quiet; where the server pushes (IDLE) only the safety net
EVERY = 1.0  # how often mailboxes are looked after
RENEW = 5.0
HUNG = 35.0  # seconds without a step: a thread may wait for the server for 20
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
REFUSED_PAUSE = 300.0  # a wrong password is not tried more often, or the account is locked for it
REFUSALS = {"sign_in", "token", "token_address", "unreadable", "not_encrypted"}
# What a change of takes a new line.
_SETTINGS = [
    *("is_active", "host", "port", "tls", "user", "sign_in", "password", "token_url", "client_id", "client_secret"),
    *("scope", "folder", "after", "after_folder", "reads_from", "queue_id"),
]


def pause_after(failures: int, word: str, chance: Callable[[], float] = random.random) -> timedelta:
    """Exponential with jitter: half of it for sure, so that the mailboxes of a server that comes back do not call at once."""
    longest = REFUSED_PAUSE if word in REFUSALS else LONGEST_PAUSE
    whole = min(FIRST_PAUSE * 2 ** min(failures, 16), longest)
    return timedelta(seconds=whole * (0.5 + chance() / 2))


class Fetcher(threading.Thread):
    """One mailbox's thread: a line as long as it lasts, then a pause and another."""

    def __init__(self, mailbox: Mailbox, owner: str) -> None:
        super().__init__(name=f"mailbox {mailbox.pk}", daemon=True)
        self.mailbox, self.owner = mailbox, owner
        self.settings = settings_of(mailbox)
        self.row = mailbox  # as last seen by whoever looks after us
        self.stop = threading.Event()
        self.alive()

    def alive(self) -> None:
        self.stepped_at = monotonic()

    def run(self) -> None:
        threading.Thread(target=child.prepare, name="prepare to read", daemon=True).start()
        try:
            while not self.stop.is_set():
                self.alive()
                if self._is_due(timezone.now()):
                    self._try()
                else:
                    self.stop.wait(0.5)
        except LeaseLost:
            log.warning("mailbox %s: another process holds it now", self.mailbox.pk)
        finally:
            connections.close_all()

    def _is_due(self, now: datetime) -> bool:
        """A pause that is longer than any can be was set by a clock that was wrong."""
        due = self.row.next_try_at
        return due is None or due <= now or due - now > timedelta(seconds=REFUSED_PAUSE)

    def _try(self) -> None:
        try:
            self.mailbox.refresh_from_db()
            self._visit()
        except Trouble as trouble:
            self._failed(trouble)
        except DatabaseTrouble as error:
            log.warning("mailbox %s: %s; trying again", self.mailbox.pk, type(error).__name__)
            connections.close_all()
            self.stop.wait(1)
            with suppress(DatabaseTrouble):
                self._failed(Trouble("database", type(error).__name__))
        except LeaseLost:
            raise
        except Exception as error:
            log.exception("mailbox %s: stumbled", self.mailbox.pk)
            self._failed(Trouble("stumbled", type(error).__name__))

    def _failed(self, trouble: Trouble) -> None:
        pause = pause_after(self.mailbox.failures, trouble.word)
        log.warning("mailbox %s: %s; again in %.0f s", self.mailbox.pk, trouble.word, pause.total_seconds())
        self.mailbox.failed(trouble.word, trouble.detail, now=timezone.now(), pause=pause)
        self.row = self.mailbox
        connections.close_all()

    def _visit(self) -> None:
        self.mailbox.reached_for()
        with mailboxes.connect(self.mailbox, now=timezone.now(), alive=self.alive) as line:
            visit = mailboxes.Visit(self.mailbox, line, self.owner)
            visit.begin()
            while not self.stop.is_set():
                self.alive()
                visit.look()
                connections.close_all()  # many mailboxes wait at once: none of them keeps a connection for that
                line.wait(POLL, self.stop)


def settings_of(mailbox: Mailbox) -> tuple[object, ...]:
    return tuple(getattr(mailbox, name) for name in _SETTINGS)


@dataclass
class Fetching:
    """This process's share of the mailboxes."""

    owner: str = field(default_factory=lambda: f"{settings.INSTANCE[:100]} {token_hex(4)}")
    fetchers: dict[int, Fetcher] = field(default_factory=dict)
    renewed_at: float = -RENEW

    def tend(self) -> None:
        """Take what is free, keep what is held, let go of what is not ours any more or is set up anew."""
        rows = {row.pk: row for row in Mailbox.objects.select_related("queue")}
        for pk, fetcher in list(self.fetchers.items()):
            self._look_after(fetcher, rows.get(pk))
        if monotonic() - self.renewed_at >= RENEW:
            self.renewed_at = monotonic()
            Mailbox.objects.renew(self.owner, [pk for pk, f in self.fetchers.items() if not self._is_hung(f)])
        for pk in Mailbox.objects.free().exclude(pk__in=self.fetchers).order_by("pk").values_list("pk", flat=True):
            if pk in rows and rows[pk].take(self.owner):
                self.fetchers[pk] = Fetcher(rows[pk], self.owner)
                self.fetchers[pk].start()

    def _look_after(self, fetcher: Fetcher, row: Mailbox | None) -> None:
        if row is None or row.lease_owner != self.owner or settings_of(row) != fetcher.settings:
            fetcher.stop.set()
        else:
            fetcher.row = row
        if not fetcher.is_alive():
            del self.fetchers[fetcher.mailbox.pk]
            Mailbox.objects.release(self.owner, [fetcher.mailbox.pk])

    def _is_hung(self, fetcher: Fetcher) -> bool:
        return monotonic() - fetcher.stepped_at > HUNG

    def is_well(self) -> bool:
        return not any(self._is_hung(fetcher) for fetcher in self.fetchers.values())

    def end(self, seconds: float = 3.0) -> None:
        """Tell every thread, wait a little, and let go, so that another machine can go on at once."""
        for fetcher in self.fetchers.values():
            fetcher.stop.set()
        deadline = monotonic() + seconds
        for fetcher in self.fetchers.values():
            fetcher.join(max(0.0, deadline - monotonic()))
        ended = [pk for pk, fetcher in self.fetchers.items() if not fetcher.is_alive()]
        Mailbox.objects.release(self.owner, ended)


def fetch_mail(stop: threading.Event, alive: Callable[[], None]) -> None:
    """Until told to stop. Not alive when a thread hangs: the keeper is started anew then, and the lease runs out."""
    fetching = Fetching()
    try:
        while not stop.wait(EVERY):
            try:
                fetching.tend()
            except DatabaseTrouble as error:
                log.warning("mailboxes: %s; trying again", type(error).__name__)
                connections.close_all()
            if fetching.is_well():
                alive()
    finally:
        fetching.end()
        connections.close_all()
