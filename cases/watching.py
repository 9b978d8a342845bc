"""Who follows a case: they hear of what is said in it, whose it becomes and where it goes (cases.models.hearing). Being
named in a note makes one follow; the rest is a person's own word."""

from datetime import datetime

from django.db import transaction

from cases.models import Case, MutedCase, Watch
from crm.models import User


@transaction.atomic
def follow(case: Case, *, by: User, at: datetime | None = None, via: str = "person") -> None:
    """Quiet if they do already."""
    case.lock()
    _watch, fresh = Watch.objects.get_or_create(case=case, user=by, defaults={"why": "hand"})
    if fresh:
        case.record("followed", by=by, at=at, via=via, user=by.pk)


@transaction.atomic
def unfollow(case: Case, *, by: User, at: datetime | None = None, via: str = "person") -> None:
    """Quiet if they do not."""
    case.lock()
    if case.watches.filter(user=by).delete()[0]:
        case.record("unfollowed", by=by, at=at, via=via, user=by.pk)


def mute(case: Case, *, by: User) -> None:
    """They hear nothing of it any more but being named in it or given it; what they were told of it is read."""
    MutedCase.objects.get_or_create(case=case, user=by)


def unmute(case: Case, *, by: User) -> None:
    case.mutes.filter(user=by).delete()
