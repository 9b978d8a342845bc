"""Telling people of a case. One narrow door: what notices in the app, by mail or by push become of it is decided behind it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from cases.models import Case, Queue
from cases.models.refusals import Refusal
from crm.models import User


def notify(case: Case, people: Collection[int], why: str, *, at: datetime, **about: Any) -> list[int]:
    """Tell those of these people who work here and may see the (locked) case; returns whom. `why` is an enumerated word.
    One event, which their open consoles hear of. Raises Refusal when nobody is left to tell."""
    found = [user for user in User.objects.filter(pk__in=people, is_active=True).order_by("pk") if _sees(user, case)]
    if not found:
        raise Refusal(_("Nobody is left to tell: they have gone, or may not see this case."))
    told = [user.pk for user in found]
    case.record("notified", by=None, via="clock", reason=why, at=at, people=told, **about)
    return told


def _sees(user: User, case: Case) -> bool:
    return Queue.objects.visible_to(user).filter(pk=case.queue_id).exists()
