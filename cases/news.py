"""What somebody was told and has not dealt with: by case, so that nobody is buried, what needs them first. Read when they
open the case, when they say so, or over by itself (cases.models.hearing)."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Max, Min, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from cases import news_words
from cases.models import Case, Notification, NotificationSettings
from cases.models.notification import NotificationQuerySet
from cases.models.reasons import NEEDS_ME, Reason, weight
from crm.models import User

GROUPS = 50  # shown at once
LINES = 6  # of one case
EARLIER = 12  # cases read lately
KEPT_READ, KEPT = timedelta(days=30), timedelta(days=120)
BATCH = 5000


@dataclass(frozen=True)
class Group:
    """What is new on one case: how much, the latest of it, and whether it needs its reader."""

    case: Case
    count: int
    weight: int
    at: datetime
    lines: list[Notification] = field(default_factory=list)

    @property
    def needs_me(self) -> bool:
        return self.weight < _OTHERS

    @property
    def more(self) -> int:
        return self.count - len(self.lines)


_OTHERS = len(NEEDS_ME)


@dataclass(frozen=True)
class Inbox:
    """A person's panel. `cases` and `things` count all of it, `groups` holds what is shown."""

    groups: list[Group]
    earlier: list[Group]
    cases: int
    things: int
    since: datetime | None

    @property
    def needing(self) -> list[Group]:
        return [group for group in self.groups if group.needs_me]

    @property
    def other(self) -> list[Group]:
        return [group for group in self.groups if not group.needs_me]

    @property
    def more(self) -> int:
        return self.cases - len(self.groups)


def open_for(user: User, at: datetime) -> NotificationQuerySet:
    """What counts: unread, awake, of cases they may see now."""
    rows: NotificationQuerySet = Notification.objects.filter(user=user).unread().awake(at).visible(at)
    return rows


def count(user: User, at: datetime | None = None) -> int:
    """How many cases have something new for them: what the bell says."""
    return int(open_for(user, at or timezone.now()).aggregate(n=Count("case", distinct=True))["n"])


def counted(at: datetime) -> QuerySet[Notification, Any]:
    """The same for a person that is being read."""
    rows: NotificationQuerySet = Notification.objects.filter(user=OuterRef("pk"))
    rows = rows.unread().awake(at).visible(at)
    return rows.order_by().values("user").annotate(n=Count("case", distinct=True)).values("n")


def inbox(user: User, at: datetime) -> Inbox:
    """Five queries, however much there is."""
    rows = open_for(user, at)
    totals = rows.aggregate(cases=Count("case", distinct=True), things=Count("pk"))
    shown = groups(rows)
    read = Notification.objects.filter(user=user, at__gte=at - KEPT_READ).visible(at)
    read = read.filter(Q(read_at__isnull=False) | Q(ended_by__isnull=False)).exclude(case__in=[g.case for g in shown])
    earlier = groups(read, "-newest")[:EARLIER]
    wants = NotificationSettings.objects.filter(user=user).first()
    return Inbox(shown, earlier, totals["cases"], totals["things"], wants.looked_at if wants else None)


def groups(rows: NotificationQuerySet, order: str = "weight") -> list[Group]:
    """Chosen and counted in one statement, their latest lines read in another."""
    by_case = rows.by_need().values("case").annotate(n=Count("pk"), first=Min("weight"), newest=Max("at"))
    first = {"weight": ["first", "-newest"]}.get(order, [order])
    chosen = list(by_case.order_by(*first, "case")[:GROUPS])
    lines = _lines(rows, [group["case"] for group in chosen])
    found = [(group, lines[group["case"]]) for group in chosen if lines.get(group["case"])]
    return [Group(said[0].case, group["n"], group["first"], group["newest"], said) for group, said in found]


def _lines(rows: NotificationQuerySet, cases: Collection[int]) -> dict[int, list[Notification]]:
    nth = Window(RowNumber(), partition_by=[F("case")], order_by=[F("at").desc(), F("id").desc()])
    newest = rows.filter(case__in=cases).annotate(nth=nth).filter(nth__lte=LINES)
    found: dict[int, list[Notification]] = defaultdict(list)
    for row in news_words.worded(
        newest.select_related("case__customer", "case__queue", "event__actor").order_by("nth")
    ):
        found[row.case_id].append(row)
    return {
        case: sorted(said, key=lambda row: (weight(row.reason), -row.at.timestamp())) for case, said in found.items()
    }


# --- what a person does with it


def read(user: User, *, at: datetime, case: Case | None = None, keys: Iterable[int] | None = None) -> int:
    """They have seen it: all, all of a case, or some; whether anything was news."""
    rows = Notification.objects.filter(user=user).unread()
    if case is not None:
        rows = rows.filter(case=case)
    if keys is not None:
        rows = rows.filter(pk__in=list(keys))
    _seen(user, rows, at)
    return int(rows.update(read_at=at))


def _seen(user: User, rows: NotificationQuerySet, at: datetime | None) -> None:
    """The view of mentions says the same as the panel."""
    notes = [note for note in rows.filter(reason=Reason.MENTION).values_list("event__data__message", flat=True) if note]
    if notes:
        user.mentions.filter(message__in=notes).update(seen_at=at)


def unread(user: User, case: Case) -> int:
    """The latest they were told of this case is new again, where it still wants a look."""
    latest = Notification.objects.filter(user=user, case=case, ended_by=None).order_by("-at", "-pk").first()
    rows = Notification.objects.filter(pk=latest.pk if latest else None)
    _seen(user, rows, None)
    return int(rows.update(read_at=None, snoozed_until=None))


def snooze(user: User, case: Case, until: datetime) -> int:
    """Out of the panel until then; what is new on the case meanwhile shows at once."""
    return int(Notification.objects.filter(user=user, case=case).unread().update(snoozed_until=until))


@transaction.atomic
def looked(user: User, at: datetime) -> None:
    """The panel was opened."""
    row, _fresh = NotificationSettings.objects.get_or_create(user=user)
    NotificationSettings.objects.filter(pk=row.pk).update(looked_at=at)


def forget(now: datetime) -> int:
    """What was dealt with goes after a month, everything after four: the case's own thread keeps what happened."""
    done = Q(read_at__isnull=False) | Q(ended_by__isnull=False)
    old = Notification.objects.filter(Q(at__lt=now - KEPT) | (done & Q(at__lt=now - KEPT_READ)))
    return int(Notification.objects.filter(pk__in=old.order_by("at").values("pk")[:BATCH]).delete()[0])
