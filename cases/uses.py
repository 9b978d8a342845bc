"""Who uses a queue, calendar, policy, person, skill, reason, rule, macro or tag (crm.uses). Loaded by cases.house_hooks."""

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases import tag_users
from cases.models import (
    Article,
    Bulk,
    BusinessCalendar,
    Case,
    CaseSkill,
    Cause,
    Clock,
    Disposition,
    Macro,
    Mailbox,
    Presence,
    PresenceReason,
    Queue,
    Remedy,
    Rule,
    RuleRun,
    ServicePolicy,
    Skill,
    SLAPolicy,
    Tag,
)
from cases.models.rule_shape import macros_in, named
from crm.models import User
from crm.uses import Use, by_model, uses
from customers.conditions import segments_in
from customers.models import Segment


def of_queue(queue: Queue, user: User) -> list[Use]:
    active = Case.objects.active().filter(queue=queue)
    overdue = active.filter(next_due_at__lt=timezone.now()).count()
    return [
        _use(active, ngettext("%(n)d open case", "%(n)d open cases", active.count()), reverse("cases:queue", args=[queue.pk]), hurts=True),
        Use(ngettext("%(n)d of them overdue now", "%(n)d of them overdue now", overdue) % {"n": overdue}, overdue, hurts=True),
        _use(queue.channels.filter(is_active=True), "%(n)d × channel that brings contacts here", hurts=True),
        _use(Mailbox.objects.active().filter(queue=queue), "%(n)d × mailbox that is fetched into it", hurts=True),
        _use(queue.memberships.all(), "%(n)d × member"),
        _use(queue.sla_policies.filter(is_active=True), "%(n)d × SLA policy", _list("slapolicy")),
        _policies_naming(queue=queue.pk),
        _use(queue.rules.filter(is_active=True), "%(n)d × rule of it that is on", _list("rule")),
        _rules_naming(queue=queue.pk),
        _use(Article.objects.filter(queues=queue, is_active=True), "%(n)d × article", _list("article")),
        _use(Skill.objects.filter(queues=queue, is_active=True), "%(n)d × skill its cases need", _list("skill")),
    ]  # fmt: skip


def of_calendar(calendar: BusinessCalendar, user: User) -> list[Use]:
    running = Clock.objects.unfinished().filter(calendar_version__calendar=calendar)
    return [
        _use(Queue.objects.filter(calendar=calendar, is_active=True), "%(n)d × queue", _list("queue")),
        _use(SLAPolicy.objects.filter(current__calendar=calendar, is_active=True), "%(n)d × SLA policy", _list("slapolicy")),
        _use(running, "%(n)d × clock under way that was set by it"),
    ]  # fmt: skip


def of_policy(policy: SLAPolicy, user: User) -> list[Use]:
    under_way = Clock.objects.unfinished().filter(policy_version__policy=policy)
    return [_use(under_way, "%(n)d × clock under way, which keeps what it was set by")]


def of_person(person: User, user: User) -> list[Use]:
    return [
        _use(Case.objects.active().filter(assignee=person), "%(n)d × open case in hand", hurts=True),
        _use(person.memberships.all(), "%(n)d × queue", _list("queue")),
        _policies_naming(person=person.pk),
        _rules_naming(person=person.pk),
        _use(Article.objects.filter(owner=person, is_active=True), "%(n)d × article kept true by them", _list("article")),
    ]  # fmt: skip


def of_skill(skill: Skill, user: User) -> list[Use]:
    needed = CaseSkill.objects.filter(skill=skill, case__in=Case.objects.active())
    return [
        _use(needed, "%(n)d × open case that is marked with it", hurts=True),
        _use(skill.people.all(), "%(n)d × person who has it", _list("colleague")),
        _use(skill.queues.all(), "%(n)d × queue whose cases need it", _list("queue")),
    ]


def of_outcome(row: Cause | Disposition, user: User) -> list[Use]:
    return [
        _use(row.cases.all(), "%(n)d × case that ended with it"),
        _use(type(row)._default_manager.filter(merged_into=row), "%(n)d × other one that became it"),
    ]


def of_reason(reason: PresenceReason, user: User) -> list[Use]:
    return [_use(Presence.objects.filter(reason=reason), "%(n)d × person who is away by it right now", hurts=True)]


def of_rule(rule: Rule, user: User) -> list[Use]:
    return [
        _use(RuleRun.objects.filter(rule=rule, state=RuleRun.State.WAITING), "%(n)d × run that waits for its turn", hurts=True),
        _use(RuleRun.objects.filter(rule=rule).exclude(caused=[]), "%(n)d × time it changed a case", f"{_list('rulerun')}?rule={rule.pk}"),
    ]  # fmt: skip


def of_service_policy(policy: ServicePolicy, user: User) -> list[Use]:
    waiting = Remedy.objects.waiting().filter(policy=policy)
    return [
        _use(waiting, "%(n)d × remedy by it that waits for approval", _list("remedy"), hurts=True),
        _use(Remedy.objects.granted().filter(policy=policy), "%(n)d × remedy granted by it", _list("remedy")),
    ]


def of_macro(macro: Macro, user: User) -> list[Use]:
    then = Rule.objects.filter(is_active=True, current__isnull=False).values_list("current__then", flat=True)
    count = sum(macro.pk in macros_in(actions) for actions in then)
    text = ngettext("%(n)d rule that runs it", "%(n)d rules that run it", count) % {"n": count}
    under_way = Bulk.objects.filter(action="macro", state=Bulk.State.RUNNING, given__macro=macro.pk)
    return [
        Use(text, count, _list("rule"), hurts=True),
        _use(under_way, _("%(n)d × change of many cases under way that runs it"), hurts=True),
    ]


def of_segment(segment: Segment, user: User) -> list[Use]:
    """Rules that ask whether a case's customer is in it."""
    rules = Rule.objects.filter(is_active=True, current__isnull=False).values_list("current__condition", flat=True)
    count = sum(segment.key in segments_in(condition) for condition in rules)
    return [_named(_("%(n)d × rule that asks for it"), count, "rule")]


def of_tag(tag: Tag, user: User) -> list[Use]:
    """Those that follow it where it goes by another name."""
    found = tag_users.users_of(tag.name)
    shared = sum(saved.is_shared for saved in found.filters)
    return [
        _named(_("%(n)d × shared filter that names it"), shared, "savedfilter"),
        _named(_("%(n)d × filter of one person that names it"), len(found.filters) - shared),
        _named(_("%(n)d × macro that names it"), len(found.macros), "macro"),
        _named(_("%(n)d × rule that names the tag"), len(found.rules), "rule"),
        _named(_("%(n)d × skill its cases need"), len(found.skills), "skill"),
    ]


def _named(text: str, count: int, model: str = "") -> Use:
    return Use(text % {"n": count}, count, _list(model) if model else "")


def _use(rows: QuerySet[Any], text: str, url: str = "", *, hurts: bool = False) -> Use:
    count = rows.count()
    return Use(text % {"n": count}, count, url, hurts)


def _list(model: str) -> str:
    return reverse(f"admin:cases_{model}_changelist")


def _rules_naming(*, queue: int = 0, person: int = 0) -> Use:
    """Rules that would send cases there, or tell or give to that person."""
    then = Rule.objects.filter(is_active=True, current__isnull=False).values_list("current__then", flat=True)
    told = [named(actions) for actions in then]
    count = sum(queue in queues or person in people for queues, people in told)
    text = ngettext("%(n)d rule that names it", "%(n)d rules that name it", count) % {"n": count}
    return Use(text, count, _list("rule"), hurts=True)


def _policies_naming(*, queue: int = 0, person: int = 0) -> Use:
    """Policies that act on it at a warning or a breach."""
    actions = SLAPolicy.objects.filter(is_active=True, current__isnull=False).values_list("current__actions", flat=True)
    count = sum(any(_names(block, queue, person) for block in blocks.values()) for blocks in actions)
    text = ngettext("%(n)d SLA policy that acts with it", "%(n)d SLA policies that act with it", count) % {"n": count}
    return Use(text, count, _list("slapolicy"), hurts=True)


def _names(block: dict[str, Any], queue: int, person: int) -> bool:
    return block.get("queue") == (queue or -1) or person in [block.get("assignee") or -1, *block.get("people", ())]


uses.register(
    by_model(
        {
            Queue: of_queue,
            BusinessCalendar: of_calendar,
            SLAPolicy: of_policy,
            User: of_person,
            Skill: of_skill,
            PresenceReason: of_reason,
            Rule: of_rule,
            Macro: of_macro,
            ServicePolicy: of_service_policy,
            Tag: of_tag,
            Segment: of_segment,
            Disposition: of_outcome,
            Cause: of_outcome,
        }
    ),
    name="cases.uses",
)
