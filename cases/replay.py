"""The clocks of many cases live through their histories again: read in a few queries, followed in memory, stored at once.

What comes out is what `Clock.objects.follow` would have made of each event by itself (docs/import.md)."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from django.db import IntegrityError

from cases import transitions
from cases.attention import refresh_many
from cases.models import Case, Clock, SLAPolicy
from cases.models.following import FOLLOWED, SAID, Background, Follower, Told, report_breach
from cases.models.sla import SLAPolicyVersion
from crm import bulk
from crm.models import Event


def replay(cases: Sequence[Case], now: datetime) -> None:
    """Let the clocks of these locked cases live through their whole histories in the order of their times: a file may
    tell it in another."""
    policies = Policies()
    if not policies.any:
        return
    ids = [case.pk for case in cases]
    logs = _logs(ids)
    lives = [Life(Memory(case, logs[case.pk], policies), now) for case in cases]
    Clock.objects.filter(case__in=ids).delete()
    bulk.insert([clock for life in lives for clock in life.clocks])
    for life in lives:
        for clock in life.late:
            report_breach(clock, life.case)
    refresh_many(ids)


def _logs(ids: list[int]) -> dict[int, list[Told]]:
    told = Event.objects.filter(stream="case", stream_id__in=ids).order_by("stream_id", "at", "version")
    logs: dict[int, list[Told]] = defaultdict(list)
    for case, *event in told.values_list("stream_id", "kind", "via", "at", "data"):
        logs[case].append(Told(*event))
    return logs


class Policies:
    """The active policies, read once; they answer as `SLAPolicy.objects.matching` does."""

    def __init__(self) -> None:
        active = SLAPolicy.objects.filter(is_active=True).select_related("current__calendar__current")
        self._policies = [
            (p.current, {queue.pk for queue in p.queues.all()}) for p in active.prefetch_related("queues")
        ]
        self.any = bool(self._policies)

    def matching(self, case: Case) -> SLAPolicyVersion | None:
        for version, queues in self._policies:
            if version and (not queues or case.queue_id in queues) and version.covers(case):
                return version
        return None


class Memory(Background):
    """What clocks ask about a case whose whole log, in the order of its times, is at hand."""

    def __init__(self, case: Case, log: list[Told], policies: Policies) -> None:
        super().__init__(case)
        self.log, self._policies = log, policies

    @cached_property
    def policy(self) -> SLAPolicyVersion | None:
        return self._policies.matching(self.case)

    @cached_property
    def _first_answer(self) -> datetime | None:
        return next((event.at for event in self.log if event.kind == "answer_released"), None)

    def has_answer(self, at: datetime) -> bool:
        return self._first_answer is not None and self._first_answer <= at

    def last_said(self, at: datetime) -> str | None:
        return next((event.kind for event in reversed(self.log) if event.kind in SAID and event.at == at), None)


class Life:
    """The clocks of one case after its whole history, none stored; `late` are those whose breach is yet to be told."""

    def __init__(self, memory: Memory, now: datetime) -> None:
        self.case, self.clocks, self.late = memory.case, list[Clock](), list[Clock]()
        status, self.case.status = self.case.status, transitions.NEW
        for event in memory.log:
            self.case.status = event.data.get("status", self.case.status)
            if event.kind in FOLLOWED:
                self._follow(Follower(memory, event, [c for c in self.clocks if _kept(c)], now))
        self.case.status = status

    def _follow(self, follower: Follower) -> None:
        held = len(follower.clocks)
        follower.change()
        self.clocks += follower.clocks[held:]
        self.late += follower.late()
        going = [clock.kind for clock in self.clocks if not clock.is_finished]
        if len(set(going)) < len(going):  # as the database would have said, had each step been stored
            raise IntegrityError("This history would have two clocks of one kind run at once.")


def _kept(clock: Clock) -> bool:
    """As in `follow`: a finished answer clock never comes back; a resolution does when the case is reopened."""
    return clock.met_at is None or clock.kind == Clock.Kind.RESOLUTION
