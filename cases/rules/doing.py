"""What a rule's version wants done, done to a locked case: the same verbs people use, each quiet where it is so already.
Each raises Refusal in words when it cannot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils.translation import gettext as _

from cases import conversation, filling, promises, transitions, variables
from cases.hooks import resolve_checks
from cases.macro_steps import personal
from cases.models import Case, Macro, Queue, RuleVersion, Tag
from cases.models.refusals import Refusal
from cases.models.rule_faults import by_nobody
from cases.models.rule_shape import (
    ASSIGN,
    ESCALATE,
    HIGHER,
    LEADS,
    MACRO,
    NOTE,
    NOTIFY,
    OWNER,
    PRIORITY,
    PROMISE,
    RELEASE,
    SNOOZE,
    STATUS,
    TAG,
    TRANSFER,
)
from cases.notifying import notify
from cases.promises import leads_of
from cases.rules import expanding
from crm.models import User

VIA = "rule"
# Of a case that is over, these change nothing any more.
FOR_ACTIVE = {ASSIGN, RELEASE, TRANSFER, SNOOZE, ESCALATE, PROMISE}


class Refused(Refusal):
    """One that another attempt would not mend."""


@dataclass(frozen=True)
class Doing:
    """For whom something is done: the version that wants it, and when."""

    version: RuleVersion
    now: datetime

    @property
    def told(self) -> dict[str, Any]:
        """What every event it causes carries."""
        return {"by": None, "at": self.now, "via": VIA, "rule_version": self.version.pk}


def do(action: Mapping[str, Any], case: Case, doing: Doing) -> None:
    """One action."""
    if not case.is_active and action["do"] in FOR_ACTIVE:
        return
    _DOING[action["do"]](case, action, doing)


def raised(priority: str, wanted: str) -> str:
    """What a priority becomes: one step up, or the one that is named."""
    levels = list(Case.Priority.values)
    return levels[min(levels.index(priority) + 1, len(levels) - 1)] if wanted == HIGHER else wanted


def tagged(tags: list[str], action: Mapping[str, Any]) -> list[str]:
    """The tags as they are then."""
    return sorted(({t.lower() for t in tags} | set(action.get("add", ()))) - set(action.get("remove", ())))


def _priority(case: Case, action: Mapping[str, Any], doing: Doing) -> None:
    case.set_priority(raised(case.priority, action["to"]), **doing.told)


def _tag(case: Case, action: Mapping[str, Any], doing: Doing) -> None:
    """By the names the tags go by now: the action and the case may each still say an older one."""
    former = Tag.objects.former()
    now = {key: [former.get(tag, tag) for tag in action.get(key, ())] for key in ("add", "remove")}
    case.set_tags(tagged([former.get(tag, tag) for tag in case.tags], now), **doing.told)


def _assign(case: Case, action: Mapping[str, Any], doing: Doing) -> None:
    person = User.objects.filter(pk=action["person"], is_active=True).first()
    if person is None:
        raise Refusal(_("The person it should go to is no longer here."))
    case.assign(person, **doing.told, reason="rule")


def _release(case: Case, action: Mapping[str, Any], doing: Doing) -> None:
    case.release(**doing.told, reason="rule")


def _transfer(case: Case, action: Mapping[str, Any], doing: Doing) -> None:
    queue = Queue.objects.filter(pk=action["queue"], is_active=True).first()
    if queue is None:
        raise Refusal(_("The queue it should go to is no longer there."))
    case.transfer(queue, **doing.told)


def _status(case: Case, action: Mapping[str, Any], doing: Doing) -> None:
    """Along the table of transitions, and past whoever has a say about resolving: the rule speaks for who wrote it."""
    wanted, by = action["to"], doing.version.created_by
    if case.status == wanted:
        return
    forbidding = resolve_checks.collect(case, by) if wanted == transitions.RESOLVED and by else []
    if sentences := [sentence for sentence in forbidding if sentence]:
        raise Refused(" ".join(sentences))
    if not transitions.allowed(case.status, wanted):
        words = dict(Case.Status.choices)
        told = _("A case that is %(now)s cannot become %(wanted)s.")
        raise Refused(told % {"now": words[case.status], "wanted": words[wanted]})
    try:
        case.change_status(wanted, **doing.told, reason="rule")
    except Refusal as refusal:  # a field that must be filled in: hours later it might surprise somebody
        raise Refused(str(refusal.message)) from refusal


def _snooze(case: Case, action: Mapping[str, Any], doing: Doing) -> None:
    case.snooze(expanding.until(action, doing.now), **doing.told)


def _note(case: Case, action: Mapping[str, Any], doing: Doing) -> None:
    conversation.add_note(case, text=action["text"], sender_name=doing.version.rule.name, **doing.told)


def _notify(case: Case, action: Mapping[str, Any], doing: Doing) -> None:
    """Owner and leads as they are now; where nobody has the case, the leads hear of it instead."""
    roles, people = action.get("roles", ()), set(action.get("people", ()))
    if OWNER in roles and case.assignee_id:
        people.add(case.assignee_id)
    if LEADS in roles or (OWNER in roles and not case.assignee_id):
        people.update(leads_of(case.queue_id))
    _tell(case, people, "rule", doing)


def _escalate(case: Case, action: Mapping[str, Any], doing: Doing) -> None:
    case.set_priority(raised(case.priority, HIGHER), **doing.told)
    _tell(case, set(leads_of(case.queue_id)), "escalated", doing)


def _tell(case: Case, people: set[int], why: str, doing: Doing) -> None:
    notify(case, people, why, at=doing.now, via=VIA, rule_version=doing.version.pk)


def _promise(case: Case, action: Mapping[str, Any], doing: Doing) -> None:
    due = expanding.until(action, doing.now)
    promises.make(case, what=action["what"], due_at=due, owner=None, made_by=None, **doing.told)


def _macro(case: Case, action: Mapping[str, Any], doing: Doing) -> None:
    """All of it or, by a Refusal, nothing: whoever calls takes back what was done before that."""
    macro = Macro.objects.offered(case.queue_id).filter(pk=action["macro"]).select_related("current").first()
    if macro is None or macro.current is None:
        raise Refused(_("The macro is not here any more, or not for cases of %(queue)s.") % {"queue": case.queue.name})
    if personal(macro.steps):
        raise Refused(by_nobody(macro))
    before = case.version
    for each in _expanded(macro, case, doing):
        do(each, case, doing)
    if case.version != before:
        case.record("macro_used", **doing.told, macro=macro.pk, version=macro.current.number)
        Macro.objects.filter(pk=macro.pk).update(used_count=F("used_count") + 1, used_at=doing.now)


def _expanded(macro: Macro, case: Case, doing: Doing) -> list[dict[str, Any]]:
    """Its actions with their words filled in. Nobody runs it, so that what stands for who does stays empty."""
    known = filling.values(case, language=case.language or settings.LANGUAGE_CODE)
    try:
        found = expanding.actions(macro.steps, case, doing.now)
    except expanding.Passed as passed:
        raise Refused(str(passed)) from passed
    filled = [{**each, **{k: variables.fill(each[k], known) for k in ("text", "what") if k in each}} for each in found]
    if missing := variables.unfilled(*(each.get("what", "") for each in filled)):
        raise Refused(missing)
    return filled


_DOING: dict[str, Callable[[Case, Mapping[str, Any], Doing], None]] = {
    PRIORITY: _priority,
    TAG: _tag,
    ASSIGN: _assign,
    RELEASE: _release,
    TRANSFER: _transfer,
    STATUS: _status,
    SNOOZE: _snooze,
    NOTE: _note,
    NOTIFY: _notify,
    ESCALATE: _escalate,
    PROMISE: _promise,
    MACRO: _macro,
}
