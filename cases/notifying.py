"""Telling people of a case. One narrow door: what becomes of it in the console, by sound, on devices and by mail is decided
behind it, by what each of them chose (cases.models.hearing, cases.disturbing)."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from cases.models import Case, Queue
from cases.models.refusals import Refusal
from crm.models import User


def notify(
    case: Case,
    people: Collection[int],
    why: str,
    *,
    at: datetime,
    by: User | None = None,
    via: str = "clock",
    **about: Any,
) -> list[int]:
    """Tell those of these people who work here and may see the (locked) case; returns whom. `why` is an enumerated word:
    one of cases.models.reasons.Reason, or another, which counts as what a rule wants told. One event, whose rows are made
    with it: whoever calls this once tells each once. Raises Refusal when nobody is left to tell."""
    found = [user for user in User.objects.filter(pk__in=people, is_active=True).order_by("pk") if _sees(user, case)]
    if not found:
        raise Refusal(_("Nobody is left to tell: they have gone, or may not see this case."))
    told = [user.pk for user in found]
    case.record("notified", by=by, via=via, reason=why, at=at, people=told, **about)
    return told


def _sees(user: User, case: Case) -> bool:
    return Queue.objects.visible_to(user).filter(pk=case.queue_id).exists()
