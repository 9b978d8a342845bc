"""What a customer sees of their case without signing in: how it stands, in plain words (docs/status-page.md).

The link is signed, dies of age, and can be called back. Whoever holds it sees no name of ours, no note and nothing that
was written: what stands, what happens next, by when. What they write there comes from the address the link went to.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from cases import promises, transitions
from cases.models import Case, Message, Promise, StatusPage
from cases.models.merge import survivor
from crm.models import User
from crm.secrets import Unreadable, sign, unsign
from customers.merging import current
from customers.models import ContactPoint

_PURPOSE = "status page"
DAYS = 90  # a link lives
MOST_AHEAD = 100  # counted; further back is "more than"
LOOK = "look"  # in place of an address: one of us sees what the customer would, and cannot speak for them


@dataclass(frozen=True)
class Visit:
    """Who came by a link: to which case as it goes on now, and for which address. `may_write`: not one of us."""

    case: Case
    sender: ContactPoint | None
    may_write: bool


@dataclass(frozen=True)
class Standing:
    """How a case stands for its customer. `state`: in_line, in_hand, answered, done, closed. `place` in the line of its
    queue, from 1, only while nobody has it; 0: more than MOST_AHEAD wait before them. `steps`: what we said happens next,
    and by when, soonest first; times in `zone`."""

    state: str
    place: int | None
    steps: list[tuple[str, datetime]]
    wrote_at: datetime | None
    answered_at: datetime | None
    zone: str


# --- the link


def link(case: Case, point: ContactPoint | None) -> str:
    """The address of the page for who is written to at `point`."""
    return _address(case, point.pk if point else 0)


def look(case: Case) -> str:
    """The same page for one of us: nothing can be written there."""
    return _address(case, LOOK)


def _address(case: Case, who: int | str) -> str:
    token = sign([case.pk, _generation(case.pk), who], purpose=_PURPOSE)
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse('public:status', args=[token])}"


def _generation(case: int) -> int:
    return StatusPage.objects.filter(case=case).values_list("generation", flat=True).first() or 0


def visit(token: str) -> Visit:
    """Who comes by this link. Raises Unreadable when it is not ours, too old, or was called back."""
    try:
        pk, generation, who = unsign(token, purpose=_PURPOSE, max_age=DAYS * 24 * 3600)
        linked = Case.objects.select_related("merged_into").get(pk=pk)
    except (TypeError, ValueError, Case.DoesNotExist) as error:
        raise Unreadable("this link is not valid, or not any more") from error
    case = Case.objects.select_related("customer", "queue__calendar__current").get(pk=survivor(linked).pk)
    erased = case.customer is not None and current(case.customer).erased_at is not None
    if generation != _generation(pk) or erased:
        raise Unreadable("this link is not valid, or not any more")
    return Visit(case, _point(case, who), who != LOOK)


def _point(case: Case, who: object) -> ContactPoint | None:
    """The address the link went to, while it is this customer's."""
    if not isinstance(who, int) or not who or case.customer is None:
        return None
    point = ContactPoint.objects.filter(pk=who, ended_at=None).select_related("customer").first()
    return point if point and current(point.customer).pk == current(case.customer).pk else None


@transaction.atomic
def revoke(case: Case, *, by: User, at: datetime | None = None, via: str = "person") -> None:
    """Call back every link to this case that was ever sent. Messages from now on carry new ones."""
    case.lock()
    now = at or timezone.now()
    _page, fresh = StatusPage.objects.get_or_create(case=case, defaults={"generation": 1, "revoked_at": now})
    if not fresh:
        StatusPage.objects.filter(case=case).update(generation=F("generation") + 1, revoked_at=now)
    case.record("status_links_revoked", by=by, at=now, via=via)


# --- how it stands


def standing(case: Case, now: datetime) -> Standing:
    """Four queries, however long the case."""
    state = _state(case)
    said = Message.objects.filter(case=case, is_auto=False)
    words = said.filter(direction=Message.Direction.INBOUND)
    answers = said.filter(direction=Message.Direction.OUTBOUND, released_at__isnull=False, taken_back_at=None)
    return Standing(
        state=state,
        place=_place(case, now) if state == "in_line" else None,
        steps=_steps(case, now) if case.is_active else [],
        wrote_at=words.order_by("-at").values_list("at", flat=True).first(),
        answered_at=answers.order_by("-at").values_list("at", flat=True).first(),
        zone=_zone(case).key,
    )


def _state(case: Case) -> str:
    if case.status in {transitions.CLOSED, transitions.MERGED}:
        return "closed"
    if case.status == transitions.RESOLVED:
        return "done"
    if case.status == transitions.WAITING_CUSTOMER:
        return "answered"
    return "in_hand" if case.assignee_id or case.status == transitions.WAITING_INTERNAL else "in_line"


def _place(case: Case, now: datetime) -> int | None:
    """Who waits for a person in the same queue and has waited longer stands before them."""
    if case.waiting_since is None:
        return None
    line = Case.objects.unassigned().awake(now).filter(queue=case.queue_id, waiting_since__lt=case.waiting_since)
    ahead = line.exclude(pk=case.pk).order_by()[: MOST_AHEAD + 1].count()
    return ahead + 1 if ahead <= MOST_AHEAD else 0


def _steps(case: Case, now: datetime) -> list[tuple[str, datetime]]:
    """What we told them: the promises that a message or an acknowledgement of ours made, in its words. What is only
    promised among us is not theirs to read."""
    acknowledged = {promise.pk for promise in promises.acknowledged(case)}
    open_ones = case.promises.filter(state=Promise.State.OPEN, due_at__gt=now).select_related("made_by")
    told = [p for p in open_ones.order_by("due_at", "pk") if p.made_by is not None or p.pk in acknowledged]
    zone = _zone(case)
    return [(p.made_by.next_step if p.made_by else "", p.due_at.astimezone(zone)) for p in told]


def _zone(case: Case) -> ZoneInfo:
    """The customer's own clock."""
    return ZoneInfo(case.customer.tz if case.customer else "UTC")
