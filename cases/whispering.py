"""Whispers: who may say one to whom, who reads them, and how their screens hear of it (docs/board.md)."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.live_news import manner, told
from cases.models import Case, Draft, Notification, QueueMembership, Whisper
from cases.models.hearing import tell_one
from cases.models.reasons import Reason
from cases.models.refusals import Refusal
from crm.live import streams, topics
from crm.live.streams import Fragment, Happening
from crm.models import User
from crm.roles import may
from customers.folding import clean

LEADING = (QueueMembership.Role.LEAD, QueueMembership.Role.SUPERVISOR)


def columns() -> dict[str, Exists]:
    """Whether anything was whispered in a case at all, read with it: in most nothing was, and nothing more is asked then."""
    here = Q(case=OuterRef("pk")) | Q(case__merged_into=OuterRef("pk"))
    return {"is_whispered": Exists(Whisper.objects.filter(here))}


def addressee(case: Case, by: User) -> User | None:
    """Whom a whisper of theirs would be for: who leads speaks to whoever has the case; who was spoken to answers."""
    if may(by, "case.whisper", case.queue_id):
        return case.assignee if case.assignee_id != by.pk else None
    if not getattr(case, "is_whispered", True):
        return None
    last = _in(case).filter(to=by).select_related("author").order_by("-at", "-pk").first()
    return last.author if last else None


@transaction.atomic
def say(case: Case, *, by: User, text: str, at: datetime | None = None, via: str = "person") -> Whisper:
    """Say it to whom it is for. Refusal where there is nobody, or nothing is said."""
    words = clean(text).strip()
    if not words:
        raise Refusal(_("Write something first."))
    case.lock()
    to = addressee(case, by)
    if to is None:
        raise Refusal(_("There is nobody to whisper to here: nobody else has this case. Write a note."))
    now = at or timezone.now()
    whisper = Whisper.objects.create(case=case, author=by, to=to, text=words, at=now)
    event = whisper.record("whispered", by=by, at=now, via=via, case=case.number, to=to.pk)
    tell_one(case, event, to.pk, Reason.WHISPER)
    Draft.objects.filter(case=case, author=by, kind="whisper").delete()
    return whisper


@transaction.atomic
def hear(case: Case, *, by: User, at: datetime | None = None) -> int:
    """They have read what was whispered to them in this case; how much was new."""
    now = at or timezone.now()
    fresh = list(_in(case).filter(to=by, heard_at=None).select_for_update(no_key=True, of=("self",)).order_by("pk"))
    for whisper in fresh:
        whisper.heard_at = now
        whisper.save(update_fields=["heard_at"])
        whisper.record("whisper_heard", by=by, at=now, case=case.number)
    Notification.objects.filter(case=case, user=by, reason=Reason.WHISPER).unread().update(read_at=now)
    return len(fresh)


def of(case: Case, user: User) -> QuerySet[Whisper]:
    """What this person reads of a case's whispers, the oldest first: who leads its queue all of them, everybody else what
    was said to them and by them."""
    if not getattr(case, "is_whispered", True):
        return Whisper.objects.none()
    found = _in(case).select_related("author", "to").order_by("at", "pk")
    return found if may(user, "case.whisper", case.queue_id) else found.filter(Q(to=user) | Q(author=user))


def _in(case: Case) -> QuerySet[Whisper]:
    """Those of cases merged into this one too: they go where their case goes, and back with it."""
    return Whisper.objects.filter(Q(case=case) | Q(case__merged_into=case))


def readers(case: Case, to: User) -> list[User]:
    """Who could read a whisper to this person, by name: they, and who leads the queue. Administrators read everything."""
    leads = User.objects.filter(is_active=True, memberships__queue=case.queue_id, memberships__role__in=LEADING)
    others = leads.exclude(pk=to.pk).exclude(role=User.Role.EXECUTIVE).distinct().order_by("first_name", "pk")
    return [to, *others]


# --- on screens


def fragments(events: Sequence[Happening], only: Collection[str] | None) -> Iterable[Fragment]:
    """To the own topics of those who read it, without a word of it: their console asks."""
    newest = {event.stream_id: event for event in events}
    for whisper in Whisper.objects.filter(pk__in=newest).select_related("case"):
        event, about = newest[whisper.pk], {"case": whisper.case.number}
        part = partial(Fragment, stream="whisper", subject=whisper.pk, version=event.version, kind=event.kind)
        for user in sorted({whisper.to_id, whisper.author_id, *_leads(whisper.case.queue_id)}):
            yield part(topics.own(user), part="whisper", extra=about)
        yield part(topics.own(whisper.to_id), part="bell", extra=about)
        for row in _news(event):
            yield part(topics.own(row.user_id), part="told", html=partial(told, row), extra=about | manner(row))


def _news(event: Happening) -> Iterable[Notification]:
    """What the one it is for is told of it, as long as they may see its case."""
    read = ("event__actor", "case__customer", "user__notification_settings", "user__presence")
    return list(Notification.objects.filter(event=event.id).unread().visible().select_related(*read))


def _leads(queue: int) -> set[int]:
    members = QueueMembership.objects.filter(queue=queue, role__in=LEADING).values_list("user_id", flat=True)
    return {*members, *User.objects.filter(is_active=True, role=User.Role.ADMINISTRATOR).values_list("pk", flat=True)}


streams.register("whisper", fragments=fragments)
