"""Which rules are asked: the log is followed from a mark, and looked after for what did not happen in time.

The mark moves in the transaction that makes the rows of what is to be asked, and one looks at a time: who dies in it has
done nothing. The rows are unique by rule and event, so nobody asks twice.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch

from cases import transitions
from cases.models import Case, Queue, Rule, RuleMark, RuleRun
from cases.models.case_rows import CaseQuerySet
from cases.models.rule_shape import QUIET, UNANSWERED, WAITS
from crm.models import Event

BATCH = 500
LOOKS_BACK = timedelta(days=7)  # a wait that was over so long ago asks nobody any more
REMEMBERS = timedelta(days=14)  # how long it is kept that a rule was asked and did nothing
SINCE = {UNANSWERED: "waiting_since", QUIET: "last_message_at"}


def follow(now: datetime) -> int:
    """The next events of the log ask every rule that waits for them, in the rules' order; returns how many events."""
    with transaction.atomic():
        mark = RuleMark.objects.select_for_update(skip_locked=True).first()
        if mark is None:  # no rule was ever switched on, or somebody is at it
            return 0
        rules, newest = running(), RuleMark.newest()
        if newest <= mark.pos:
            return 0
        events = _events(mark.pos, newest, rules)
        RuleRun.objects.bulk_create(_asked(events, rules, now), ignore_conflicts=True)
        mark.pos = events[-1].pos if len(events) == BATCH else newest  # type: ignore[assignment]
        mark.save(update_fields=["pos"])
    return len(events)


def running() -> list[Rule]:
    """Those that are asked now, each with the keys of its queues at hand."""
    rules = Rule.objects.running().prefetch_related(Prefetch("queues", Queue.objects.only("pk")))
    return list(rules)


def concerns(rule: Rule, case: Case) -> bool:
    """Whether the case is in a queue of the rule; one without queues is for every queue."""
    queues = {queue.pk for queue in rule.queues.all()}
    return not queues or case.queue_id in queues


def _events(after: int, until: int, rules: Sequence[Rule]) -> list[Event]:
    kinds = {kind for rule in rules if rule.current for kind in rule.current.when["events"]}
    found = Event.objects.filter(pos__gt=after, pos__lte=until, stream="case", kind__in=kinds)
    return list(found.exclude(via="import").order_by("pos")[:BATCH]) if kinds else []


def _asked(events: Sequence[Event], rules: Sequence[Rule], now: datetime) -> Iterator[RuleRun]:
    cases = Case.objects.in_bulk({event.stream_id for event in events})
    depths = _depths(cases)
    for event in events:
        case = cases.get(event.stream_id)
        for rule in rules:
            version = rule.current
            if case and version and event.kind in version.when["events"] and _is_new(event, rule, case):
                depth = depths.get((case.pk, event.version), 0)
                yield RuleRun(rule=rule, version=version, case=case, event=event, depth=depth, due_at=now, asked_at=now)


def _is_new(event: Event, rule: Rule, case: Case) -> bool:
    """What happened, or is dated, before the rule was switched on asks it nothing."""
    fresh = (event.pos or 0) > rule.since_pos and (rule.since is None or event.at >= rule.since)
    return fresh and concerns(rule, case)


def _depths(cases: Iterable[int]) -> dict[tuple[int, int], int]:
    """How deep in a chain of rules an event stands, by case and version; what no rule caused stands at none."""
    runs = RuleRun.objects.filter(case__in=list(cases)).exclude(caused=[])
    told = runs.values_list("case_id", "caused", "depth")
    return {(case, version): depth + 1 for case, versions, depth in told for version in versions}


# --- what did not happen


def wait(now: datetime) -> int:
    """Cases in which nothing happened for as long as a rule says ask it, once a wait; returns how many."""
    return sum(_overdue(rule, kind, now) for rule in running() for kind in WAITS if _hours(rule, kind))


def _hours(rule: Rule, kind: str) -> float:
    return float(rule.current.when.get(kind) or 0) if rule.current else 0


def _overdue(rule: Rule, kind: str, now: datetime) -> int:
    version, since = rule.current, SINCE[kind]
    assert version is not None  # noqa: S101 - it said how long
    asked = RuleRun.objects.filter(rule=rule, case=OuterRef("pk"), waited=kind, waited_since=OuterRef(since))
    found = waiting(kind).awake(now).filter(~Exists(asked), **_span(rule, kind, now))
    if queues := [queue.pk for queue in rule.queues.all()]:
        found = found.filter(queue__in=queues)
    rows = [
        RuleRun(
            rule=rule,
            version=version,
            case=case,
            waited=kind,
            waited_since=getattr(case, since),
            due_at=now,
            asked_at=now,
        )
        for case in found.order_by(since, "pk")[:BATCH]
    ]
    RuleRun.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def waiting(kind: str) -> CaseQuerySet:
    """Cases that wait in this way: for us, or for their customer."""
    if kind == QUIET:
        return Case.objects.filter(status=transitions.WAITING_CUSTOMER, last_message_at__isnull=False)
    return Case.objects.active().filter(waiting_since__isnull=False)


def _span(rule: Rule, kind: str, now: datetime) -> dict[str, Any]:
    """Waits that ended since the rule and its version hold, and not too long ago."""
    version = rule.current
    assert version is not None  # noqa: S101
    hours = timedelta(hours=_hours(rule, kind))
    begun = max(rule.since or version.created_at, version.created_at, now - LOOKS_BACK)
    return {f"{SINCE[kind]}__gt": begun - hours, f"{SINCE[kind]}__lte": now - hours}


def forget(now: datetime) -> int:
    """That a rule was asked and did nothing is of interest for two weeks."""
    states = [RuleRun.State.UNFIT, RuleRun.State.MOOT]
    old = RuleRun.objects.filter(state__in=states, asked_at__lt=now - REMEMBERS).order_by("pk")
    return RuleRun.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:BATCH])).delete()[0]
