"""A dry run: what a rule's version would have done to what happened lately, in memory. Nothing is changed, nobody is told.

A batch of cases is one transaction with the row that says where it stands, so that a long one shows how far it is, may be
stopped, and goes on where whoever worked at it died.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from cases.models import Case, Rule, RuleTrial, RuleVersion
from cases.models.rule_shape import QUIET, UNANSWERED, WAITS
from cases.rules import knowledge
from cases.rules.asking import SINCE
from cases.rules.guarding import DEEPEST
from cases.rules.pretending import STATE_KINDS, House, Pretended, Told
from crm import jobs
from crm.models import Event, User

SPAN = timedelta(days=7)
BATCH = 40  # cases
SHOWN = 30  # what would have happened, by example
SWEEP = "cases.rules.try"


@dataclass(frozen=True)
class Fired:
    """One time the rule would have acted: when, why, and what events that would have caused."""

    case: Case
    at: datetime
    kind: str
    caused: tuple[Told, ...]


@dataclass
class Found:
    """What became of one case."""

    asked: int = 0
    looped: bool = False
    fired: list[Fired] = field(default_factory=list)


@transaction.atomic
def begin(version: RuleVersion, *, by: User | None, now: datetime, span: timedelta = SPAN) -> RuleTrial:
    """Have it tried on what happened within this span, soon and in pieces."""
    total = _concerned(version, now - span, now).count()
    asked = RuleTrial.objects.create(
        version=version, asked_by=by, asked_at=now, since=now - span, until=now, total=total
    )
    jobs.nudge(SWEEP)
    return asked


def glance(version: RuleVersion, *, now: datetime, most: int, span: timedelta = SPAN) -> RuleTrial:
    """The same at once, on the newest cases alone and kept nowhere: for who is about to save."""
    rows = _concerned(version, now - span, now)
    trial = RuleTrial(version=version, since=now - span, until=now, total=rows.count())
    _try(trial, list(rows.select_related("customer", "queue", "assignee").order_by("-pk")[:most]))
    return trial


def try_due(now: datetime) -> int:
    """One batch of the oldest trial under way; returns how many cases were looked at."""
    with transaction.atomic():
        going = RuleTrial.objects.filter(state=RuleTrial.State.GOING).order_by("pk")
        rows = going.select_for_update(skip_locked=True, of=("self",)).select_related("version__rule")
        trial = rows.first()
        return _step(trial, now) if trial else 0


def stop(trial: RuleTrial) -> bool:
    """Leave it where it is; whether it was going on."""
    states = RuleTrial.State
    return bool(RuleTrial.objects.filter(pk=trial.pk, state=states.GOING).update(state=states.STOPPED))


def _step(trial: RuleTrial, now: datetime) -> int:
    version = trial.version
    rows = _concerned(version, trial.since, trial.until).filter(pk__gt=trial.after).order_by("pk")
    cases = list(rows.select_related("customer", "queue", "assignee")[:BATCH])
    if not cases:
        trial.state, trial.finished_at = RuleTrial.State.DONE, now
    _try(trial, cases)
    trial.after = max([trial.after, *(case.pk for case in cases)])
    trial.save()
    return len(cases)


def _try(trial: RuleTrial, cases: Sequence[Case]) -> None:
    house, log = House.open(), _log(cases, trial.version)
    for case in cases:
        _add(trial, replay(trial.version, case, log[case.pk], trial.since, trial.until, house))
    trial.looked += len(cases)


def _concerned(version: RuleVersion, since: datetime, until: datetime) -> Any:
    """Cases in which something happened then that may ask it."""
    kinds = set(version.when["events"])
    waits = any(version.when.get(wait) for wait in WAITS)
    kinds |= {"opened", "message_received", "reopened", "status_changed"} if waits else set()
    lively = Event.objects.filter(stream="case", kind__in=kinds, at__gte=since, at__lt=until).exclude(via="import")
    wanted = Q(pk__in=lively.values("stream_id"))
    return Case.objects.filter(wanted | Q(pk__in=Case.objects.active().values("pk")) if waits else wanted)


def _log(cases: Sequence[Case], version: RuleVersion) -> dict[int, list[Event]]:
    kinds = {*STATE_KINDS, *version.when["events"]}
    rows = Event.objects.filter(stream="case", stream_id__in=[case.pk for case in cases], kind__in=kinds)
    found: dict[int, list[Event]] = defaultdict(list)
    for event in rows.select_related("actor").order_by("stream_id", "version"):
        found[event.stream_id].append(event)
    return found


def _add(trial: RuleTrial, found: Found) -> None:
    trial.asked += found.asked
    trial.fired += len(found.fired)
    trial.loops += found.looped
    changed = [fired for fired in found.fired if fired.caused]
    trial.cases += bool(changed)
    counts = Counter(trial.counts)
    counts.update(told.kind for fired in changed for told in fired.caused)
    trial.counts = dict(counts)
    trial.sample = [*trial.sample, *map(_shown, changed)][:SHOWN]


def _shown(fired: Fired) -> dict[str, Any]:
    """Ids and enumerated words alone: who may not see the case is not shown it."""
    caused = [{"kind": told.kind, **_plain(told.event.data)} for told in fired.caused]
    return {"case": fired.case.pk, "at": fired.at.isoformat(), "kind": fired.kind, "caused": caused}


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != "rule_version"}


# --- one case


def replay(
    version: RuleVersion, case: Case, events: Sequence[Event], since: datetime, until: datetime, house: House
) -> Found:
    """The case's log lived through again with the rule in force from `since` on."""
    return _Replay(version, Pretended(case, events, house), since, until).run(events)


class _Replay:
    def __init__(self, version: RuleVersion, pretended: Pretended, since: datetime, until: datetime) -> None:
        self.version, self.pretended = version, pretended
        self.since, self.until, self.found = since, until, Found()
        self.rule: Rule = version.rule
        self.queues = set(self.rule.queues.values_list("pk", flat=True))
        self.waited: set[tuple[str, datetime]] = set()

    def run(self, events: Sequence[Event]) -> Found:
        for event in events:
            self._wait_before(event.at)
            if event.at >= self.until:
                break
            for told in self.pretended.live(event):
                self._happen(told, 0)
        self._wait_before(self.until)
        return self.found

    def _happen(self, told: Told, depth: int) -> None:
        """What happened asks the rule, and so does what comes of that."""
        if told.at < self.since or told.event.via == "import" or told.kind not in self.version.when["events"]:
            return
        self._ask(knowledge.Occasion(self.pretended.case, told.at, told.kind, told.event), depth)

    def _ask(self, occasion: knowledge.Occasion, depth: int) -> None:
        if self.queues and self.pretended.case.queue_id not in self.queues:
            return
        self.found.asked += 1
        condition, known = knowledge.compiled_and_known(self.version.condition, occasion)
        if not condition.holds(known):
            return
        if depth >= DEEPEST:
            self.found.looped = True
            return
        caused = tuple(self._act(occasion.at))
        self.found.fired.append(Fired(self.pretended.case, occasion.at, occasion.kind or "waited", caused))
        for told in caused:
            self._happen(told, depth + 1)

    def _act(self, at: datetime) -> Iterator[Told]:
        for action in self.version.then:
            yield from self.pretended.act(action, at, self.version.pk)

    # --- so long after nothing happened

    def _wait_before(self, moment: datetime) -> None:
        """What was waited for when the moment came. A sweep notices later than what happens at the same instant."""
        for kind in (UNANSWERED, QUIET):
            hours, since = self.version.when.get(kind), self._waits_since(kind)
            if not hours or since is None or (kind, since) in self.waited:
                continue
            due = since + timedelta(hours=hours)
            noticed = max(due, self.pretended.case.snoozed_until or due)
            if self.since < due and noticed < moment:
                self.waited.add((kind, since))
                self._ask(knowledge.Occasion(self.pretended.case, noticed), 0)

    def _waits_since(self, kind: str) -> datetime | None:
        case = self.pretended.case
        waits = case.is_active if kind == UNANSWERED else case.status == Case.Status.WAITING_CUSTOMER
        return getattr(case, SINCE[kind]) if waits else None
