"""How a notice goes out: approved, planned in one statement, handed over in batches, and counted until it is done.

Each customer has one row a problem, ever (a constraint), and each address one dispatch a problem (another): whatever
runs twice, crashes or races, nobody is written to twice. The rows become dispatches a little ahead of the sending loop,
so that a pause, a stop or a new exclusion finds few of them under way, and those are asked about again when claimed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from cases import outward
from cases.hooks import Verdict
from cases.models import Dispatch
from cases.models.case import Refusal
from crm import bulk
from crm.jobs import nudge
from crm.models import User
from customers.models import Customer
from outreach import exposure, quiet
from outreach.models import Exposure, KnownProblem, Notice, NoticeDelivery

SOURCE = "notice"
AHEAD = 1000  # dispatches of one notice that wait for the sending loop at most
BATCH = 250
COUNT_EVERY = timedelta(seconds=2)
PAUSED_FOR = timedelta(hours=1)  # how long a claim leaves a paused one alone; resuming wakes them at once
_State, _Going = NoticeDelivery.State, (Notice.State.APPROVED, Notice.State.SENDING)

_PLAN = """
WITH {judged}
INSERT INTO outreach_noticedelivery AS d
       (notice_id, problem_id, customer_id, contact_point_id, state, reason, not_before, planned_at)
SELECT %s, %s, j.id, j.point, CASE j.reason WHEN '' THEN 'planned' ELSE 'withheld' END, j.reason,
       COALESCE(z.until, %s), %s
  FROM judged j LEFT JOIN unnest(%s::text[], %s::timestamptz[]) AS z (tz, until) ON z.tz = j.tz
ON CONFLICT (problem_id, customer_id) DO UPDATE
   SET notice_id = EXCLUDED.notice_id, contact_point_id = EXCLUDED.contact_point_id, state = EXCLUDED.state,
       reason = EXCLUDED.reason, not_before = EXCLUDED.not_before, planned_at = EXCLUDED.planned_at, dispatch_id = NULL
 WHERE d.state <> 'planned' AND NOT EXISTS (SELECT FROM cases_dispatch p WHERE p.id = d.dispatch_id AND p.state <> 'suppressed')
"""


@transaction.atomic
def approve(notice: Notice, *, by: User, now: datetime, via: str = "person") -> None:
    """Let it go out to everyone who is exposed now and was not told before. Quiet if it was approved already."""
    problem = notice.problem
    problem.lock()
    notice.lock()
    if notice.state in _Going:
        return
    _may_go_out(notice, problem, now)
    exposure.refresh(problem, now, by=by, via=via)
    _plan(notice, problem, now)
    counts = _counted(notice)
    notice.state, notice.approved_by, notice.approved_at = Notice.State.APPROVED, by, now
    notice.numbers, notice.counted_at = counts, now
    notice.save(update_fields=["state", "approved_by", "approved_at", "numbers", "counted_at"])
    notice.record("approved", by=by, via=via, at=now, customers=sum(counts.values()), planned=counts.get("planned", 0))
    nudge("outreach.deliver")


def _may_go_out(notice: Notice, problem: KnownProblem, now: datetime) -> None:
    """A notice without help in it or without a time would only worry people."""
    if notice.state != Notice.State.DRAFT:
        raise Refusal(_("Only a draft can be approved."))
    if not problem.is_standing:
        raise Refusal(_("This problem is closed: open it again first."))
    if not (problem.workaround.strip() or problem.fix.strip()):
        raise Refusal(_("Write down a workaround or the fix first: nobody is told of a problem without help."))
    is_fixed = problem.state == KnownProblem.State.FIXED
    if not is_fixed and (problem.next_update_at is None or problem.next_update_at <= now):
        raise Refusal(_("Say by when there is news: a time that has not passed."))


def _plan(notice: Notice, problem: KnownProblem, now: datetime) -> None:
    exposed = "SELECT customer_id AS id FROM outreach_exposure WHERE problem_id = %s"
    zones = {} if problem.is_safety else _quiet_zones(problem, now)
    with connection.cursor() as cursor:
        cursor.execute(
            _PLAN.format(judged=exposure.JUDGED.format(aim=exposed)),
            [problem.pk, now, notice.pk, problem.pk, now, now, list(zones), list(zones.values())],
        )


def _quiet_zones(problem: KnownProblem, now: datetime) -> dict[str, datetime]:
    """In which of their zones it is night, and until when."""
    rows = Exposure.objects.filter(problem=problem).order_by().values_list("customer__tz", flat=True).distinct()
    nights = {tz: quiet.over_at(tz, now) for tz in rows}
    return {tz: until for tz, until in nights.items() if until}


# --- the loop


def deliver_due(now: datetime) -> int:
    """Sweep: hand over what is due of every notice that is on its way, and count how they fare. Returns rows made."""
    made = 0
    for notice in Notice.objects.filter(state__in=_Going).select_related("problem").order_by("pk"):
        made += _hand_over(notice, now)
        follow(notice, now)
    return made


def _hand_over(notice: Notice, now: datetime) -> int:
    room = min(BATCH, AHEAD - _waiting(notice, now))
    return _make(notice, room, now) if room > 0 else 0


def _waiting(notice: Notice, now: datetime) -> int:
    held = Dispatch.objects.filter(source=SOURCE, state__in=["held", "claimed"], release_at__lte=now)
    return held.filter(source_id=notice.problem_id)[:AHEAD].count()


@transaction.atomic
def _make(notice: Notice, most: int, now: datetime) -> int:
    """The next ones become dispatches. Two keepers take different rows; one that dies leaves none half made."""
    due = notice.deliveries.filter(state=_State.PLANNED, not_before__lte=now)
    taken = due.select_for_update(of=("self",), skip_locked=True).order_by("pk")[:most]
    rows = list(taken.select_related("customer", "contact_point"))
    standing = _standing(rows)
    letters = [_letter(row, now) for row in rows if _fit(row, standing)]
    made = _untaken(outward.dispatch_many(letters, now)) if letters else {}
    for row in rows:
        if row.state == _State.PLANNED:
            row.dispatch = made.pop(row.contact_point.value, None) if row.contact_point else None
            row.state = _State.MADE if row.dispatch else _State.WITHHELD
            row.reason = "" if row.dispatch else "same_address"
    bulk.write(rows, ["state", "reason", "dispatch"])
    return len(rows)


def _untaken(made: dict[str, Dispatch]) -> dict[str, Dispatch]:
    """Without those that went to the same address for another customer."""
    taken = NoticeDelivery.objects.filter(dispatch__in=made.values()).values_list("dispatch_id", flat=True)
    others = set(taken)
    return {address: row for address, row in made.items() if row.pk not in others}


@dataclass(frozen=True)
class _Standing:
    """What is so now of the customers of some deliveries."""

    exposed: frozenset[int]
    told: frozenset[int]  # by a record that has become part of theirs


def _standing(rows: Sequence[NoticeDelivery]) -> _Standing:
    customers, problems = {row.customer_id for row in rows}, {row.problem_id for row in rows}
    held = Exposure.objects.filter(problem__in=problems, customer__in=customers)
    return _Standing(frozenset(held.values_list("customer_id", flat=True)), _told_as_another(customers, problems))


def _told_as_another(customers: set[int], problems: set[int]) -> frozenset[int]:
    """Who was told under a record that was merged into theirs, at whatever remove."""
    owner = {pk: pk for pk in customers}
    frontier = set(customers)
    while frontier:
        merged = Customer.objects.filter(merged_into__in=frontier).values_list("pk", "merged_into_id")
        owner |= {pk: owner[into] for pk, into in merged if into}
        frontier = {pk for pk, _into in merged}
    parts = [pk for pk in owner if pk not in customers]
    left = NoticeDelivery.objects.filter(problem__in=problems, customer__in=parts).exclude(dispatch=None)
    told = (
        left.exclude(dispatch__state=Dispatch.State.SUPPRESSED).values_list("customer_id", flat=True) if parts else []
    )
    return frozenset(owner[pk] for pk in told)


def _fit(row: NoticeDelivery, standing: _Standing) -> bool:
    """What changed since the plan keeps somebody out; everything else is asked at the door."""
    gone = row.contact_point is None or row.contact_point.ended_at is not None
    row.reason = _out(row, standing) or ("no_address" if gone else "")
    row.state = _State.WITHHELD if row.reason else row.state
    return not row.reason


def _out(row: NoticeDelivery, standing: _Standing) -> str:
    reasons = {
        "merged": row.customer.merged_into_id is not None,
        "erased": row.customer.erased_at is not None,
        "told_before": row.customer_id in standing.told,
        "not_exposed": row.customer_id not in standing.exposed,
    }
    return next((reason for reason, is_so in reasons.items() if is_so), "")


def _letter(row: NoticeDelivery, now: datetime) -> outward.Letter:
    if row.contact_point is None:
        raise LookupError("nobody to write to")
    return outward.Letter(row.customer, row.contact_point, SOURCE, row.problem_id, "notice", now)


# --- in the moment of the claim


def may_leave(dispatches: Sequence[Dispatch], now: datetime) -> Mapping[int, Verdict]:
    """What stands against each now: its notice is stopped or paused, the customer is out, it is night where they are."""
    ours = [d.pk for d in dispatches if d.source == SOURCE]
    if not ours:
        return {}
    rows = NoticeDelivery.objects.filter(dispatch__in=ours)
    shown = list(rows.select_related("notice", "problem", "customer", "dispatch"))
    standing = _standing(shown)
    return {row.dispatch_id: verdict for row in shown if row.dispatch_id and (verdict := _against(row, standing, now))}


def _against(row: NoticeDelivery, standing: _Standing, now: datetime) -> Verdict | None:
    if row.notice.state == Notice.State.STOPPED:
        return Verdict(False, "stopped")
    if out := _out(row, standing):
        return Verdict(False, out)
    if row.notice.state == Notice.State.PAUSED:
        return Verdict(False, "paused", until=now + PAUSED_FOR)
    until = None if row.problem.is_safety else quiet.over_at(row.customer.tz, now)
    return Verdict(False, "quiet_hours", until=until) if until else None


@transaction.atomic
def resume(notice: Notice, *, by: User, now: datetime, via: str = "person") -> None:
    """On with it, at once."""
    notice.resume(by=by, via=via)
    outward.hurry(Dispatch.objects.filter(notice_delivery__notice=notice, reason="paused"), now)
    nudge()


@transaction.atomic
def send_again(delivery: NoticeDelivery, *, by: User, now: datetime, via: str = "person") -> None:
    """What failed or may not have arrived goes once more, by a person's word. Quiet if it is on its way already."""
    notice = delivery.notice
    notice.lock()
    if notice.state == Notice.State.STOPPED:
        raise Refusal(_("This notice was stopped."))
    if delivery.dispatch is None or not outward.again(delivery.dispatch, now):
        return
    if notice.state == Notice.State.DONE:
        notice.state, notice.ended_at = Notice.State.SENDING, None
        notice.save(update_fields=["state", "ended_at"])
    notice.record("send_again_asked", by=by, via=via, at=now, delivery=delivery.pk)
    nudge()


# --- counting

_COUNT = """
SELECT COALESCE(p.state, d.state), CASE WHEN p.id IS NULL THEN d.reason
       WHEN p.state IN ('suppressed', 'failed', 'unknown') THEN p.reason ELSE '' END, count(*)
  FROM outreach_noticedelivery d LEFT JOIN cases_dispatch p ON p.id = d.dispatch_id
 WHERE d.notice_id = %s GROUP BY 1, 2 ORDER BY 1, 2
"""
_TOLD = """
SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
         SELECT FROM outreach_problemcase l JOIN cases_case c ON c.id = l.case_id
          WHERE l.problem_id = d.problem_id AND c.customer_id = d.customer_id AND c.opened_at <= p.sent_at))
  FROM outreach_noticedelivery d JOIN cases_dispatch p ON p.id = d.dispatch_id
 WHERE d.problem_id = %s AND p.state = 'sent'
"""


def _counted(notice: Notice) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [notice.pk])
        return {f"{state}.{reason}" if reason else state: n for state, reason, n in cursor.fetchall()}


def follow(notice: Notice, now: datetime, *, anyway: bool = False) -> None:
    """Count how a notice fares, at most every two seconds, and tell the screens what changed."""
    if not anyway and notice.counted_at and now - notice.counted_at < COUNT_EVERY:
        return
    counts = _counted(notice)
    with transaction.atomic():
        notice.lock()
        if counts != notice.numbers or notice.state in _Going:
            _noted(notice, counts, now)
    recount(notice.problem, now)


def _noted(notice: Notice, counts: dict[str, int], now: datetime) -> None:
    has_changed = counts != notice.numbers
    notice.numbers, notice.counted_at = counts, now
    left = sum(n for name, n in counts.items() if name.partition(".")[0] in {"planned", "held", "claimed"})
    if notice.state == Notice.State.APPROVED and any(name.startswith(("sent", "claimed")) for name in counts):
        notice.state = Notice.State.SENDING
    is_done = notice.state in _Going and not left
    if is_done:
        notice.state, notice.ended_at = Notice.State.DONE, now
    notice.save(update_fields=["numbers", "counted_at", "state", "ended_at"])
    if is_done:
        notice.record("done", by=None, via="system", at=now)
    elif has_changed:
        notice.record("progressed", by=None, via="system", at=now)


def recount(problem: KnownProblem, now: datetime) -> None:
    """How many were told of it, and how many of them before they first wrote to us about it."""
    with connection.cursor() as cursor:
        cursor.execute(_TOLD, [problem.pk])
        told, first = cursor.fetchone()
    with transaction.atomic():
        problem.lock()
        if (problem.told, problem.told_first) == (told, first):
            return
        problem.told, problem.told_first = told, first
        problem.save(update_fields=["told", "told_first"])
        problem.record("told_counted", by=None, via="system", at=now, told=told, first=first)


def follow_ended(now: datetime) -> int:
    """Sweep: bounces and receipts come later than the end; a notice of the last days is counted again."""
    recent = Notice.objects.filter(state__in=["paused", "stopped", "done"], approved_at__gte=now - timedelta(days=7))
    for notice in recent.select_related("problem"):
        follow(notice, now, anyway=True)
    return 0


def found_again(now: datetime) -> int:
    """Sweep: whoever came into the reach of a standing problem since is found."""
    standing = KnownProblem.objects.standing().exclude(condition=None)
    for problem in standing:
        exposure.refresh(problem, now)
    return 0


def deliveries(notice: Notice) -> QuerySet[NoticeDelivery]:
    """With what a row shows."""
    return notice.deliveries.select_related("customer", "dispatch", "contact_point").order_by("pk")
