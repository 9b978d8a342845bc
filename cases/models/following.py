"""How clocks follow the events of their case: started, paused, resumed, met or cancelled, by its own times (docs/clocks.md)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import models

from cases import transitions
from cases.models.calendar import CalendarVersion
from cases.models.clock import ANSWER_CLOCKS, Clock
from cases.models.clock_action import ClockAction
from cases.models.sla import SLAPolicy, SLAPolicyVersion
from crm.database.prepared import kept
from crm.models import Event

if TYPE_CHECKING:
    from cases.models.case import Case

PRESENT = timedelta(minutes=1)  # what is dated further back than this is history: it breaches in silence

SAID = ("answer_released", "reply_released")
STOPS = {"closed", "merged", "marked_spam"}
STATUS_KINDS = {"opened", "status_changed", "resolved", "reopened"}
MATCHED_ANEW = {"priority_changed", "transferred", "customer_set"}
JOINED = {"took_in", "gave_back", "unmerged"}
FOLLOWED = {*SAID, *STOPS, *STATUS_KINDS, *MATCHED_ANEW, *JOINED, "message_received", "sla_recomputed"}


@dataclass(frozen=True, slots=True)
class Told:
    """As much of an event as clocks follow."""

    kind: str
    via: str
    at: datetime
    data: dict[str, Any]


class Background:
    """What clocks ask about their case beyond the event they follow, answered by the database. The log may tell of
    later times than that event's, when history is lived through again."""

    def __init__(self, case: "Case") -> None:
        self.case = case

    @cached_property
    def policy(self) -> SLAPolicyVersion | None:
        return SLAPolicy.objects.matching(self.case)

    def has_answer(self, at: datetime) -> bool:
        """Whether an answer had gone out by `at`: the third thing that happens in a case at the earliest, for it is
        written before it goes."""
        if self.case.version <= 2:
            return False
        with kept() as cursor:
            cursor.execute(_ANSWERED, [self.case.pk, at])
            return bool(cursor.fetchone()[0])

    def last_said(self, at: datetime) -> str | None:
        """The kind of the last reply that went out at that very moment."""
        return self._events().filter(kind__in=SAID, at=at).order_by("-version").values_list("kind", flat=True).first()

    def _events(self) -> models.QuerySet[Event]:
        return Event.objects.filter(stream="case", stream_id=self.case.pk)


_ANSWERED = """
SELECT EXISTS (SELECT FROM crm_event WHERE stream = 'case' AND stream_id = %s AND kind = 'answer_released' AND at <= %s)
"""


class Follower:
    """One event and the clocks of its case: which of them start, stop or go on because of it."""

    def __init__(self, background: Background, event: Event | Told, clocks: list[Clock], now: datetime) -> None:
        self.background, self.case, self.event, self.at = background, background.case, event, event.at
        self.clocks, self.now = clocks, now
        self._was_breached = {id(clock) for clock in clocks if clock.breached_at}

    def run(self) -> None:
        """Change the clocks, store them and tell of breaches."""
        before = {clock.pk: clock.state() for clock in self.clocks}
        self.change()
        for clock in self.clocks:
            if clock.pk is None or clock.state() != before[clock.pk]:
                clock.save()
        for clock in self.late():
            report_breach(clock, self.case)

    def change(self) -> None:
        """Change the clocks in memory; new ones stand at the end of `clocks`."""
        if self.event.kind in STOPS:
            self._cancel(self._unfinished())
        elif self.event.kind == "sla_recomputed":
            self._recompute()
        else:
            self._revise()
            self._start_and_meet()
            self._align()
        for clock in self.clocks:
            self._breach_in_silence(clock)

    def late(self) -> list[Clock]:
        """Those to be told of: they fell due before the sweep looked, and stopped in between."""
        return [c for c in self.clocks if c.breached_at and id(c) not in self._was_breached and not self._is_history]

    # --- what the event says

    def _start_and_meet(self) -> None:
        kind = self.event.kind
        if kind == "opened":
            self._start("first_response", "update", "resolution")
        elif kind == "message_received" and not self.event.data.get("auto") and self._was_answered():
            self._start("next_response")
        elif kind == "resolved":
            self._meet("resolution")
        elif kind in SAID:
            self._meet("update", *(ANSWER_CLOCKS if kind == "answer_released" else ()))
            self._start("update")

    def _was_answered(self) -> bool:
        """An answer has gone out and none is owed."""
        owed = any(clock.kind in ANSWER_CLOCKS for clock in self._unfinished())
        return not owed and self.background.has_answer(self.at)

    def _revise(self) -> None:
        """Another queue or priority, or a customer at last, who has a tier: clocks go on with their time spent, under
        the targets that hold there."""
        if self.event.kind not in MATCHED_ANEW:
            return
        version = self.background.policy
        targets = version.target_seconds() if version else {}
        hours = version.hours_for(self.case.queue) if version else None
        self._cancel(clock for clock in self._unfinished() if clock.kind not in targets)
        for clock in self._unfinished():
            if version and (clock.policy_version_id, clock.calendar_version_id) != (version.pk, hours and hours.pk):
                self._retarget(clock, version, hours, targets[clock.kind])
        self._start("update", "resolution", *(() if self.background.has_answer(self.at) else ("first_response",)))

    def _recompute(self) -> None:
        """A person wants clocks under way to go on under what policy and calendar say now. What has fallen due, told or
        not, was judged by what held then; none starts."""
        version = self.background.policy
        targets = version.target_seconds() if version else {}
        hours = version.hours_for(self.case.queue) if version else None
        for clock in [c for c in self._unfinished() if not self._is_lost(c)]:
            if version is None or clock.kind not in targets:
                self._cancel([clock])
            elif (clock.policy_version_id, clock.calendar_version_id) != (version.pk, hours and hours.pk):
                self._retarget(clock, version, hours, targets[clock.kind])
        self._align([c for c in self._unfinished() if not self._is_lost(c)])

    def _is_lost(self, clock: Clock) -> bool:
        return clock.breached_at is not None or (clock.due_at is not None and clock.due_at < self.at)

    def _retarget(
        self, clock: Clock, version: SLAPolicyVersion, hours: CalendarVersion | None, target: Decimal
    ) -> None:
        was_running = clock.is_running
        if was_running:
            clock.stand_from(self.at)
        clock.policy_version, clock.calendar_version, clock.target_seconds = version, hours, target
        if was_running:
            clock.run_from(self.at)

    def _align(self, clocks: Iterable[Clock] | None = None) -> None:
        """Run what should run in the status the case has now, and stand the rest still."""
        if self.event.kind == "reopened":
            for clock in self._reopened():
                clock.go_on_from(self.at)
        for clock in self._unfinished() if clocks is None else clocks:
            if self._stands_still(clock):
                if clock.is_running:
                    clock.stand_from(self.at)
            elif not clock.is_running:
                clock.go_on_from(self.at)

    def _stands_still(self, clock: Clock) -> bool:
        if self.case.status not in transitions.ACTIVE:
            return True
        if self.case.status not in clock.policy_version.pause_statuses:
            return False
        if clock.kind in ANSWER_CLOCKS and clock.is_running:
            return self.event.kind in STATUS_KINDS and not self._by_bare_reply()
        return True

    def _by_bare_reply(self) -> bool:
        """The status came with a reply that is no answer: that must not stop the clock of the answer (product C5)."""
        return self.background.last_said(self.at) == "reply_released"

    def _reopened(self) -> list[Clock]:
        """What the end of the case had ended: its newest resolution clock, or what the spam mark cancelled."""
        if self.event.data.get("was") == transitions.SPAM:
            times = [clock.cancelled_at for clock in self.clocks if clock.cancelled_at]
            return [clock for clock in self.clocks if times and clock.cancelled_at == max(times)]
        if any(clock.kind == "resolution" for clock in self._unfinished()):
            return []
        return [clock for clock in self.clocks if clock.kind == "resolution" and clock.met_at][-1:]

    # --- how clocks change

    def _unfinished(self) -> list[Clock]:
        return [clock for clock in self.clocks if not clock.is_finished]

    def _start(self, *kinds: str) -> None:
        """Start clocks of these kinds, as far as the policy has a target and none is under way."""
        if self.case.status not in {*transitions.ACTIVE, transitions.RESOLVED}:
            return
        held = {clock.kind for clock in self._unfinished()}
        version = self.background.policy if set(kinds) - held else None
        if version is None:
            return
        targets, hours = version.target_seconds(), version.hours_for(self.case.queue)
        for kind in [k for k in kinds if k in targets and k not in held]:
            clock = Clock(
                case=self.case,
                kind=kind,
                policy_version=version,
                calendar_version=hours,
                target_seconds=targets[kind],
                started_at=self.at,
            )
            clock.run_from(self.at)
            self.clocks.append(clock)

    def _meet(self, *kinds: str) -> None:
        for clock in self._unfinished():
            if clock.kind in kinds:
                clock.stand_from(self.at)
                clock.met_at = self.at

    def _cancel(self, clocks: Iterable[Clock]) -> None:
        for clock in [*clocks]:
            clock.stand_from(self.at)
            clock.cancelled_at = self.at

    @property
    def _is_history(self) -> bool:
        """What clocks themselves do is of the present, whatever the time of this host."""
        if self.event.via == "clock":
            return False
        return self.event.via == "import" or self.at < self.now - PRESENT

    def _breach_in_silence(self, clock: Clock) -> None:
        """Brought in from the past: what has fallen due since then runs no action now. A later event from the past may
        still come before the breach and take it back (`stand_from`)."""
        if not (self._is_history and clock.is_running and clock.due_at):
            return
        clock.breached_at = clock.due_at if clock.due_at < self.now else None
        if clock.warn_at and clock.warn_at < self.now:
            clock.warned_at = clock.warned_at or clock.warn_at


def report_breach(clock: Clock, case: "Case") -> None:
    """The one event of a breach, dated when it fell due, whenever that was noticed, and what the policy wants done."""
    assert clock.breached_at is not None  # noqa: S101 - for the type checker: who calls has seen it
    case.record("sla_breached", by=None, via="clock", at=clock.breached_at, clock=clock.pk, target=clock.kind)
    ClockAction.objects.plan(clock, "breach", clock.breached_at)
