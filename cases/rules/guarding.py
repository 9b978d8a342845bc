"""That rules do not chase each other, or themselves: by how deep a chain of them is, and how often they change one case
in an hour. Who goes too far is paused, and that is said: in the case, to who steers, and to everybody who works here."""

from datetime import datetime, timedelta

from cases.models import Case, QueueMembership, Rule, RuleRun
from cases.models.refusals import Refusal
from cases.notifying import notify
from cases.rules.doing import VIA
from crm.models import User

DEEPEST = 5  # runs, each because of the one before it
MOST = 20  # runs that changed one case
WITHIN = timedelta(hours=1)


class Loop(Exception):
    """It would go too far; `why` is a Rule.Pause."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def check(run: RuleRun, caused: list[int], now: datetime) -> None:
    """Whether what this run has just done may stand. What changed nothing leads to nothing."""
    if not caused:
        return
    if run.depth >= DEEPEST:
        raise Loop(Rule.Pause.DEPTH)
    lately = RuleRun.objects.filter(case=run.case_id, settled_at__gt=now - WITHIN).exclude(caused=[])
    if lately.count() >= MOST:
        raise Loop(Rule.Pause.OFTEN)


def stop(run: RuleRun, case: Case, why: str, now: datetime) -> None:
    """Pause the rule. The case says so, and those who steer its queue hear of it."""
    if run.rule.pause(why, case, at=now):
        case.record("rule_stopped", by=None, via=VIA, reason=why, at=now, rule_version=run.version_id)
        try:
            notify(case, _steering(case), "rule_stopped", at=now, via=VIA, rule_version=run.version_id)
        except Refusal:
            return  # nobody steers it: everybody's bar says so, and so does `doctor`


def _steering(case: Case) -> list[int]:
    """Who may let it go on: the queue's supervisors, else administrators."""
    role = QueueMembership.Role.SUPERVISOR
    members = QueueMembership.objects.filter(queue=case.queue_id, role=role, user__is_active=True)
    found = list(members.values_list("user", flat=True))
    roots = User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True)
    return found or list(roots.values_list("pk", flat=True))
