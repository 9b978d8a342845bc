"""What filters are made of: who asks, what a value means, and how to say that it means nothing."""

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from difflib import get_close_matches
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import gettext as _

from cases.models import Queue, Tag, TagRenaming
from crm.models import User
from customers.folding import fold

ASLEEP, DONE = "asleep", "done"
MOST_OFFERED = 12


class NotUnderstood(ValueError):
    """A filter's value means nothing; the text says what would."""


@dataclass
class Asker:
    """Who asks and when: what `me`, `today` and the queue names mean."""

    user: User
    at: datetime

    @cached_property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.user.tz)

    @cached_property
    def queues(self) -> list[Queue]:
        return list(Queue.objects.visible_to(self.user).order_by("name"))

    @cached_property
    def everyone(self) -> list[tuple[int, str, str, str]]:
        """Key, user name, first and last name of all who work or worked here."""
        return list(User.objects.values_list("pk", "username", "first_name", "last_name"))

    @cached_property
    def former_tags(self) -> dict[str, str]:
        """Names that tags gave up → the names they go by now; asked once, however many filters name tags."""
        return Tag.objects.former()

    @cached_property
    def as_written(self) -> "Asker":
        """The same for saved filters: they follow a renaming themselves, so their tags are read as they stand."""
        found = copy(self)
        found.former_tags = {}
        return found

    @cached_property
    def tags_leaving(self) -> frozenset[str]:
        """Those of them that some cases may still carry."""
        going = TagRenaming.objects.filter(finished_at=None)
        return frozenset(going.values_list("tag__name", flat=True))

    @cached_property
    def colleagues(self) -> list[User]:
        """Who works in the queues one sees."""
        here = User.objects.filter(is_active=True, memberships__queue__in=[queue.pk for queue in self.queues])
        return list(here.distinct().order_by("first_name", "last_name", "pk"))


class Part(NamedTuple):
    """The cases one value means. `reach`: what a list leaves out unless it is named so (ASLEEP, DONE). `narrow`: an index
    leads to them. `timed`: the clock alone lets cases in and out. `told`: what it was taken for, where that is not what was
    typed."""

    q: Q
    reach: frozenset[str] = frozenset()
    narrow: bool = False
    timed: bool = False
    told: tuple[str, ...] = ()


Read = Callable[[str, Asker], Part]
Offer = Callable[[Asker], Iterable[tuple[str, Any]]]


@dataclass(frozen=True)
class Key:
    """One filter: `read` makes cases of a value or raises NotUnderstood, `offer` names values to choose from."""

    name: str
    says: Any
    example: str
    read: Read
    offer: Offer = field(default=lambda _asker: ())


def near(given: str, known: Iterable[str]) -> str:
    """The one that was probably meant; nothing where none is near."""
    folded = {fold(each): each for each in known}
    found = get_close_matches(fold(given), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else ""


def not_understood(key: str, given: str, known: Iterable[str]) -> NotUnderstood:
    """In words, with what was probably meant."""
    names = [str(each) for each in known]
    told = {"given": given, "key": key, "near": near(given, names), "known": ", ".join(names[:MOST_OFFERED])}
    if told["near"]:
        return NotUnderstood(_("“%(given)s” is nothing %(key)s: knows. Did you mean “%(near)s”?") % told)
    return NotUnderstood(_("“%(given)s” is nothing %(key)s: knows. It takes: %(known)s.") % told)
