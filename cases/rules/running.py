"""What becomes of a rule that was asked: its condition is looked at under the case's lock, and what it wants is done in
that one transaction, together with the row that says so: once, whoever dies and however many look.

The rows of a case are taken in their order. An action that cannot be done waits and is tried again; the others go on.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Max, Min

from cases import tag_users
from cases.models import Case, RuleRun
from cases.models.refusals import Refusal
from cases.rules import guarding, knowledge
from cases.rules.asking import SINCE, concerns, waiting
from cases.rules.doing import VIA, Doing, Refused, do
from crm.hooks import REST
from crm.models import User
from customers import resting

CASES = 50
PAUSES = [timedelta(minutes=m) for m in (1, 5, 30, 120)]  # between attempts; after the last it is given up
WAITS_FOR_PLUGINS = timedelta(hours=1)  # after that it did not hold, and says why
State = RuleRun.State
log = logging.getLogger(__name__)


def run_due(now: datetime) -> int:
    """Ask the rules whose turn has come; returns how many. A case somebody works on right now is left to the next turn."""
    due = RuleRun.objects.due(now).values("case").annotate(first=Min("pk")).order_by("first")
    settled, broken = 0, None
    for case in [row["case"] for row in due[:CASES]]:
        try:
            while _turn(case, now):
                settled += 1
        except (OperationalError, InterfaceError) as error:  # the connection or a lock: nothing was changed
            broken = error
    if broken:
        raise broken  # once the others had their turn: the next sweep tries this one again
    return settled


def _turn(case: int, now: datetime) -> bool:
    """The first run of this case that is due; whether there was one."""
    taken: list[int] = []
    try:
        with transaction.atomic():
            return _first(case, now, taken)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # whatever it is, it must not hold up the others
        log.warning("rule run %s failed: %s", taken, type(error).__name__, exc_info=True)
        return bool(taken) and _fell_over(case, taken[0], type(error).__name__, now)


def _first(case_id: int, now: datetime, taken: list[int]) -> bool:
    case = _locked(case_id)
    due = RuleRun.objects.due(now).filter(case=case_id).order_by("pk")
    rows = due.select_related("rule", "version__rule", "version__created_by", "event__actor")
    run = rows.select_for_update(of=("self",)).first() if case else None
    if case is None or run is None:
        return False
    taken.append(run.pk)
    _judge(run, case, _in_order(run, now))
    return True


def _in_order(run: RuleRun, now: datetime) -> datetime:
    """When this turn is, for the case: several keepers take turns on one case, and the one that looked at its clock first may
    be the one that gets the lock last. What the log says of the case never runs backwards."""
    last = RuleRun.objects.filter(case=run.case_id).aggregate(last=Max("settled_at"))["last"]
    return max(now, last) if last else now


def _locked(case: int) -> Case | None:
    """The case's lock first, as every verb takes it."""
    rows = Case.objects.filter(pk=case).select_for_update(skip_locked=True, no_key=True, of=("self",))
    return rows.select_related("customer", "queue__calendar__current", "assignee").first()


def _judge(run: RuleRun, case: Case, now: datetime) -> None:
    if not _is_wanted(run, case):
        # What was done in part before stands, and so does why the rest was not: nobody may read that nothing happened.
        _settle(run, State.FAILED if run.did else State.MOOT, now)
        return
    asked = occasion(run, case)
    said = stated(run, asked)
    condition, known = knowledge.compiled_and_known(said, asked)
    if run.attempts == 0 and not condition.holds(known):
        run.error = resting.words(condition.resting) if condition.is_unknown(known) else ""
        if run.error and now < run.asked_at + WAITS_FOR_PLUGINS:
            _wait(run, now)
            return
        run.missed = knowledge.missed(said, asked, known)
        _settle(run, State.UNFIT, now)
        return
    _act(run, case, now)


def _wait(run: RuleRun, now: datetime) -> None:
    """Nobody can tell just now whether its condition holds: nothing is done, and it is asked once more when its plugin may
    answer again. That is no failure of the rule."""
    run.due_at, run.error = now + timedelta(seconds=REST), run.error[:300]
    run.save(update_fields=["due_at", "error"])


def occasion(run: RuleRun, case: Case) -> knowledge.Occasion:
    """What asked it."""
    if run.event is None:
        return knowledge.Occasion(case, run.asked_at)
    return knowledge.Occasion(case, run.event.at, run.event.kind, run.event)


def stated(run: RuleRun, asked: knowledge.Occasion) -> Any:
    """The condition it was asked under, with the names its tags go by now: one may have got another between the asking and
    its turn, and the case has the new one, or will."""
    said = run.version.condition
    if "tags" not in knowledge.compiled(said, asked.at).names:
        return said
    return tag_users.renamed_condition(said, asked.former_tags)


def _is_wanted(run: RuleRun, case: Case) -> bool:
    """Still switched on and about this case; and of a wait, that it goes on."""
    if not run.rule.is_active or run.rule.paused_at or not concerns(run.rule, case):
        return False
    if run.event_id is not None:
        return True
    return waiting(run.waited).filter(pk=case.pk, **{SINCE[run.waited]: run.waited_since}).exists()


def _act(run: RuleRun, case: Case, now: datetime) -> None:
    """What it wants, as far as it can be; taken back whole where it would go on for ever."""
    before = case.version
    try:
        with transaction.atomic():
            trouble = _do_all(run, case, Doing(run.version, now))
            caused = list(range(before + 1, case.version + 1))
            guarding.check(run, caused, now)
    except guarding.Loop as loop:
        case.lock()
        run.did = []
        guarding.stop(run, case, loop.why, now)
        _settle(run, State.STOPPED, now)
        return
    run.caused = [*run.caused, *caused]
    if trouble:
        _put_off(run, case, trouble, now)
    else:
        _settle(run, State.DONE, now)


def _do_all(run: RuleRun, case: Case, doing: Doing) -> list[Refusal]:
    """In their order; what was done before is not done again. Returns why some could not be."""
    trouble: list[Refusal] = []
    for place, action in enumerate(run.version.then):
        if place in run.did:
            continue
        try:
            with transaction.atomic():
                do(action, case, doing)
            run.did.append(place)
        except Refusal as refusal:
            case.lock()  # what the instance says of itself may have been taken back
            trouble.append(refusal)
    return trouble


def _settle(run: RuleRun, state: str, now: datetime) -> None:
    run.state, run.settled_at, run.error = state, now, "" if state == State.DONE else run.error[:300]
    run.save(update_fields=["state", "settled_at", "error", "did", "caused", "missed"])


def _put_off(run: RuleRun, case: Case, trouble: list[Refusal], now: datetime) -> None:
    """It failed in part: once that is told in the case, always in the list of what is in trouble."""
    hopeless = all(isinstance(refusal, Refused) for refusal in trouble)
    if run.attempts < len(PAUSES) and not hopeless:
        run.due_at = now + PAUSES[run.attempts]
    else:
        run.state, run.settled_at = State.FAILED, now
    run.attempts += 1
    run.error = " ".join(str(refusal.message) for refusal in trouble)[:300]
    run.save(update_fields=["state", "due_at", "attempts", "error", "settled_at", "did", "caused"])
    if run.attempts == 1:
        case.record("rule_failed", by=None, via=VIA, at=now, rule_version=run.version_id)


@transaction.atomic
def _fell_over(case_id: int, pk: int, why: str, now: datetime) -> bool:
    case = _locked(case_id)
    run = RuleRun.objects.due(now).filter(pk=pk).select_for_update(of=("self",)).first() if case else None
    if case is None or run is None:
        return False
    _put_off(run, case, [Refusal(why)], now)
    return True


@transaction.atomic
def try_again(run: RuleRun, *, by: User, now: datetime) -> bool:
    """A person asks for one more attempt, now; whether there was anything to try."""
    run = RuleRun.objects.select_for_update().get(pk=run.pk)
    if not run.attempts or run.state not in {State.WAITING, State.FAILED}:
        return False
    run.state, run.due_at, run.settled_at = State.WAITING, now, None
    run.save(update_fields=["state", "due_at", "settled_at"])
    return True
