"""What stands still or falls behind, for everybody who works here: within half a minute, in words, in the console.

Each web process looks for itself every few seconds (crm.live.watch) and keeps what it found for its pages. It asks the
tables, never the log: whoever should write or number the log may be the one that stands still. Health pages and
`doctor` speak to administrators, later and more exactly.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import Count, Min
from django.db.models.functions import Now
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.hooks import Hook
from crm.models import Event, Heartbeat, Wake

QUIET = 20.0  # seconds without a sign of a worker group or keeper; they give one every five
UNNUMBERED = 8.0  # seconds the same event waits for its number, which takes milliseconds
BEHIND = timedelta(seconds=15)  # due for so long and not begun
START = timedelta(seconds=12)
TIME = "{time}"  # in a sentence: how long it has lasted, which every screen words for itself


@dataclass(frozen=True)
class Stall:
    """One thing that stands still or is behind, since when; `say` gives the sentence in the active language, with TIME
    where the duration belongs. `kind` and `subject` name it."""

    kind: str
    since: datetime
    say: Callable[[], str] = field(compare=False)
    subject: str = ""
    count: int = 0


# What else may stand still, by app. Filled in `<app>/house_hooks.py`; asked every few seconds, so it must be cheap.
stalls: Hook[[datetime], list[Stall]] = Hook("stalls")


@dataclass
class Watch:
    """What one process remembers between two looks."""

    began: datetime
    oldest: int | None = None  # the event that waits for its number
    oldest_since: datetime | None = None

    def look(self, now: datetime) -> tuple[Stall, ...]:
        """Everything, the gravest first. Nothing at the very start: then the others are just beginning, too."""
        found = [*self._silent(now), *self._unnumbered(now), *_backlog(now)]
        found += [stall for some in stalls.collect(now) for stall in some]
        return () if now - self.began < START else tuple(found)

    def _silent(self, now: datetime) -> Iterable[Stall]:
        """No worker group, or no keeper, anywhere: where one of several lives, the work goes on."""
        patience = {"keeper": QUIET, "worker": max(QUIET, 3 * settings.CANARY_SECONDS)}
        for kind, seconds in patience.items():
            age = min(Heartbeat.ages(f"{kind}:").values(), default=None)
            heard = self.began if age is None else now - timedelta(seconds=age)
            if now - max(heard, self.began) > timedelta(seconds=seconds):
                yield Stall(kind, heard, partial(_sentence, kind))

    def _unnumbered(self, now: datetime) -> Iterable[Stall]:
        oldest = Event.objects.filter(pos=None).order_by("id").values_list("id", flat=True).first()
        if oldest is None or oldest != self.oldest or self.oldest_since is None:
            self.oldest, self.oldest_since = oldest, now
        if oldest is not None and now - self.oldest_since > timedelta(seconds=UNNUMBERED):
            yield Stall("sequencer", self.oldest_since, partial(_sentence, "sequencer"))


def _backlog(now: datetime) -> Iterable[Stall]:
    late = Wake.objects.filter(state=Wake.WAITING, due_at__lt=Now() - BEHIND)
    found = late.aggregate(count=Count("pk"), since=Min("due_at"))
    if found["count"]:
        yield Stall("backlog", found["since"], partial(_many, found["count"]), count=found["count"])


def _sentence(kind: str) -> str:
    return {
        "keeper": _("Mail, timers and reminders have been standing still for {time}."),
        "worker": _("Background work has been standing still for {time}."),
        "sequencer": _("Screens have not been told of changes for {time}: reload to see what is new."),
        "database": _("The database has not answered for {time}."),
    }[kind]


def _many(count: int) -> str:
    said = ngettext(
        "Background work is behind: %d task has been waiting for {time}.",
        "Background work is behind: %d tasks wait, the oldest for {time}.",
        count,
    )
    return said % count


def no_database(since: datetime) -> tuple[Stall, ...]:
    """Nothing else can be known then."""
    return (Stall("database", since, partial(_sentence, "database")),)


def told(found: Iterable[Stall], language: str = "") -> list[dict[str, Any]]:
    """As the socket and the pages say it: kind, the sentence in a language (without one, the active one), since when."""
    with translation.override(language or translation.get_language() or settings.LANGUAGE_CODE):
        return [{"kind": s.kind, "text": s.say(), "since": s.since.isoformat(timespec="seconds")} for s in found]


_latest: tuple[Stall, ...] = ()


def keep(found: tuple[Stall, ...]) -> None:
    """What this process found last, for the pages it makes."""
    global _latest
    _latest = found


def latest() -> tuple[Stall, ...]:
    return _latest
