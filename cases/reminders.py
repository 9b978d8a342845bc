"""What somebody wants to be reminded of: once, at its time, whoever dies (docs/tasks.md)."""

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, Message, Reminder
from cases.models.case import Refusal
from cases.notifying import notify
from cases.tasks import once, told
from crm.models import User
from customers.folding import clean

BATCH = 100
MOST = 20  # waiting ones of one person in one case
State = Reminder.State


@transaction.atomic
def remind(
    case: Case,
    user: User,
    *,
    at: datetime,
    note: str = "",
    unless_customer_writes: bool = True,
    now: datetime | None = None,
    via: str = "person",
) -> Reminder:
    """They want to hear of this case then."""
    case.lock()
    since = now or timezone.now()
    if at <= since:
        raise Refusal(_("Choose a time in the future."))
    if case.status == Case.Status.MERGED:
        raise Refusal(_("Case #%(number)s was merged: write in the one it goes on in.") % {"number": case.number})
    if waiting().filter(case=case, user=user).count() >= MOST:
        raise Refusal(_("You have %(most)d reminders in this case already.") % {"most": MOST})
    words = " ".join(clean(note).split())[:200]
    made = Reminder.objects.create(
        case=case, user=user, at=at, note=words, unless_customer_writes=unless_customer_writes, made_at=since
    )
    case.record("reminder_set", by=user, at=since, via=via, reminder=made.pk, until=at.isoformat())
    return made


@transaction.atomic
def drop(reminder: Reminder, *, by: User, at: datetime | None = None, via: str = "person") -> None:
    """They do not want to hear of it after all. Quiet if it is settled."""
    case = Case.objects.get(pk=Reminder.objects.values_list("case", flat=True).get(pk=reminder.pk))
    case.lock()
    now = at or timezone.now()
    held = Reminder.objects.filter(pk=reminder.pk, state=State.WAITING)
    if held.update(state=State.DROPPED, settled_at=now):
        case.record("reminder_dropped", by=by, at=now, via=via, reminder=reminder.pk)


def waiting() -> Any:
    """Those still to come. `is_moot`: its customer has written since, and they did not want it then."""
    wrote = Message.objects.filter(
        case=OuterRef("case"), direction="inbound", is_auto=False, created_at__gt=OuterRef("made_at")
    )
    return Reminder.objects.filter(state=State.WAITING).annotate(wrote=Exists(wrote))


def mine(user: User) -> Any:
    """This person's, in cases they may see, without those that the customer's word has overtaken."""
    rows = waiting().filter(user=user, case__in=Case.objects.visible_to(user))
    return rows.exclude(wrote=True, unless_customer_writes=True).select_related("case__customer", "case__queue")


def remind_due(now: datetime) -> int:
    """Remind of what is due; returns how many were settled."""
    due = Reminder.objects.filter(state=State.WAITING, at__lte=now).order_by("at", "pk")
    return sum(_settle(pk, case, now) for pk, case in list(due.values_list("pk", "case")[:BATCH]))


def _settle(pk: int, case: int, now: datetime) -> int:
    return once(case, lambda held: _say(pk, held, now))


def _say(pk: int, case: Case, now: datetime) -> bool:
    """Once: the mark and the event are one commit, and under the lock the row is read again."""
    row = waiting().filter(pk=pk, case=case, at__lte=now).select_for_update(of=("self",)).first()
    if row is None:
        return False
    is_moot = row.wrote and row.unless_customer_writes
    if not is_moot:
        is_moot = not told(partial(notify, case, [row.user_id], "reminder", at=now, reminder=row.pk))
    row.state, row.settled_at = State.MOOT if is_moot else State.DONE, now
    row.save(update_fields=["state", "settled_at"])
    return True
