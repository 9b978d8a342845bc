"""Who may do what: one table, role x verb x object. Views, API, docs and tests all read it; nothing else decides.

Visibility comes first (`visible_to`): this table says what a person may do with what they can see.
"""

from django.utils.translation import gettext_lazy as _

from crm.hooks import Hook
from crm.models import User

REP, LEAD, SUPERVISOR = "rep", "lead", "supervisor"
WATCHING, WORKING = "executive_watching", "executive_working"
EXECUTIVE, ADMINISTRATOR = "executive", "administrator"

# Rep, lead and supervisor are held in a queue; an executive watches or works while a session in the queue is open.
ROLES = {
    REP: _("Rep"),
    LEAD: _("Lead"),
    SUPERVISOR: _("Supervisor"),
    WATCHING: _("Executive, watching"),
    WORKING: _("Executive, working"),
    EXECUTIVE: _("Executive, in no queue"),
    ADMINISTRATOR: _("Administrator"),
}

_EVERYONE = frozenset({REP, LEAD, SUPERVISOR, WATCHING, WORKING, ADMINISTRATOR})
_HANDS = frozenset({REP, LEAD, SUPERVISOR, WORKING, ADMINISTRATOR})
_TEAM = frozenset({REP, LEAD, SUPERVISOR, ADMINISTRATOR})
_STEERING = frozenset({SUPERVISOR, ADMINISTRATOR})
_LEADING = frozenset({LEAD, SUPERVISOR, ADMINISTRATOR})
_SYSTEM = frozenset({ADMINISTRATOR})

# "object.verb" -> the roles that may.
TABLE: dict[str, frozenset[str]] = {
    "case.see": _EVERYONE,
    "case.search": _EVERYONE,
    "case.open": _HANDS,
    "case.claim": _HANDS,
    "case.assign": _TEAM,
    "case.transfer": _TEAM,
    "case.release": _HANDS,
    "case.status": _HANDS,
    "case.snooze": _TEAM,
    "case.follow": _EVERYONE,
    "case.customer": _TEAM,
    "case.tag": _TEAM,
    "case.field": _HANDS,
    "case.task": _HANDS,
    "case.side": _TEAM,
    "case.skills": _TEAM,
    "case.priority": _TEAM,
    "case.merge": _TEAM,
    "case.split": _TEAM,
    "case.link": _TEAM,
    "case.status_page": _TEAM,
    "case.reply": _HANDS,
    "case.note": _HANDS,
    "case.undo": _HANDS,
    "case.promise": _HANDS,
    "case.need": _HANDS,
    "case.macro": _HANDS,
    "case.feeling": _HANDS,
    # Over a colleague's shoulder (docs/board.md). Every colleague may look at every case of their queue; these are for who
    # leads it. What they do is seen: watching and joining by the team, a whisper by whom it is for and by who leads.
    "case.watch": _LEADING,
    "case.whisper": _LEADING,
    "case.join": _LEADING,
    "case.take_over": _LEADING,
    # Made good by a policy (docs/policies.md); nothing is given away through executives.
    "case.remedy": _TEAM,
    "remedy.approve": _LEADING,
    "remedy.limits": _STEERING,
    "service_policy.see": _TEAM,
    "service_policy.change": _STEERING,
    "case.rules": _TEAM,
    "customer.view": _EVERYONE,
    "customer.contact_points": _TEAM,
    "customer.payment": _TEAM,
    "customer.edit": _TEAM,
    "customer.merge": _TEAM,
    "customer.consent": _TEAM,
    "queue.join": frozenset({EXECUTIVE, WATCHING, WORKING, ADMINISTRATOR}),
    "queue.settings": _STEERING,
    "filter.share": _STEERING | {LEAD},
    "queue.members": _STEERING,
    "field.change": _STEERING,
    "board.see": _LEADING,
    "board.level": _LEADING,
    "skill.see": _TEAM,
    "skill.change": _STEERING,
    "person.routing": _STEERING,
    "person.capacity": _STEERING | {LEAD},
    "presence.own": _EVERYONE | {EXECUTIVE},
    "presence.others": _STEERING | {LEAD},
    "presence.reasons": _STEERING,
    "notification.own": _EVERYONE | {EXECUTIVE},
    "calendar.see": _TEAM,
    "calendar.change": _STEERING,
    "policy.see": _TEAM,
    "policy.change": _STEERING,
    "rule.see": _STEERING,
    "rule.change": _STEERING,
    "article.see": _EVERYONE,
    "article.change": _STEERING,
    "saved_reply.see": _HANDS,
    "saved_reply.own": _TEAM,
    "saved_reply.change": _STEERING,
    "macro.see": _HANDS,
    "macro.change": _STEERING,
    "segment.see": _TEAM,
    "segment.change": _STEERING,
    # Executives lend a hand and hear customers; nothing is sold or given away through them.
    "offer.see": _TEAM,
    "offer.respond": _TEAM,
    "offer.change": _STEERING,
    "problem.see": _EVERYONE | {EXECUTIVE},
    "problem.declare": _STEERING | {LEAD},
    "problem.change": _STEERING | {LEAD},
    "problem.link": _TEAM,
    "notice.write": _STEERING | {LEAD},
    "notice.approve": _STEERING,
    "token.own": _EVERYONE | {EXECUTIVE},
    "token.others": _SYSTEM,
    "import.run": _SYSTEM,
    "user.change": _SYSTEM,
}

# Apps say which of the queue roles above a person holds: in the queue of this key, or (None) in any queue.
queue_roles: Hook[[User, int | None], set[str]] = Hook("queue_roles")


def roles_of(user: object, queue: int | None = None) -> frozenset[str]:
    """The roles a person holds now in a queue (its key), or anywhere."""
    if not isinstance(user, User) or not user.is_active:
        return frozenset()
    if user.is_administrator:
        return frozenset({ADMINISTRATOR})
    held = {role for roles in queue_roles.collect(user, queue) for role in roles}
    if user.is_executive:
        return frozenset(held & {WATCHING, WORKING}) or frozenset({EXECUTIVE})
    if user.is_supervisor and queue is None:
        held.add(SUPERVISOR)
    return frozenset(held - {WATCHING, WORKING})


def may(user: object, verb: str, queue: int | None = None) -> bool:
    """Whether this person may do `verb` (a key of TABLE) in the queue with this key, or at all. KeyError: no such verb."""
    return bool(TABLE[verb] & roles_of(user, queue))
