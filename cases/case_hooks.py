"""The desk's own panels beside a case. What other apps add is in their own file of this name."""

from django.urls import reverse
from django.utils.translation import gettext as _

from cases import (
    compose_acknowledgement,  # noqa: F401 - registers who composes acknowledgements
    compose_side,  # noqa: F401 - and questions beside a case
    kinship,
)
from cases.hooks import Action, Panel, case_actions, case_banners, case_panels
from cases.models import Case, Queue
from crm.models import User
from crm.roles import may


def customer(case: Case, user: User) -> Panel | None:
    """Who this is, or that nobody has said it yet. The card belongs to the customers' pages."""
    if case.customer_id is None:
        return Panel("customer", _("Customer"), reverse("cases:nobody", args=[case.number]))
    return Panel("customer", _("Customer"), f"{reverse('customers:card', args=[case.customer_id])}?case={case.number}")


def answers(case: Case, user: User) -> Panel | None:
    return Panel("answers", _("Answer"), reverse("cases:answers", args=[case.number]))


def since(case: Case, user: User) -> Panel | None:
    if case.customer_id is None:
        return None
    return Panel("since", _("Since we last spoke"), reverse("cases:since", args=[case.number]))


def others(case: Case, user: User) -> Panel | None:
    if case.customer_id is None:
        return None
    return Panel("others", _("Other cases"), reverse("cases:others", args=[case.number]))


def fields(case: Case, user: User) -> Panel | None:
    """What the house asks of its cases, where it asks anything."""
    if not getattr(case, "has_fields", True):
        return None
    return Panel("fields", _("Fields"), reverse("cases:fields", args=[case.number]), live=True)


def fill_in(case: Case, user: User) -> Action | None:
    if not getattr(case, "has_fields", True) or not may(user, "case.field", case.queue_id):
        return None
    return Action("fields", _("Fill in fields"), reverse("cases:fields_form", args=[case.number]), "list-checks", "y")


def how_it_ended(case: Case, user: User) -> Action | None:
    """Where the queue asks for it."""
    asks = {case.queue.asks_disposition, case.queue.asks_cause} - {Queue.Asks.NO}
    if not asks or not may(user, "case.status", case.queue_id):
        return None
    return Action("outcome", _("How it ended"), reverse("cases:outcome", args=[case.number]), "flag")


def tasks(case: Case, user: User) -> Panel | None:
    """What is to be done beside answering, and what one wants to be reminded of."""
    return Panel("tasks", _("Tasks"), reverse("cases:tasks", args=[case.number]), live=True)


def steps(case: Case, user: User) -> Panel | None:
    """Where the house has playbooks, as it was read with who asks."""
    if not getattr(user, "has_playbooks", False):
        return None
    return Panel("playbook", _("Steps"), reverse("cases:playbook", args=[case.number]), live=True)


def sides(case: Case, user: User) -> Panel | None:
    """Who else was asked about it, and what they said."""
    return Panel("sides", _("Asked others"), reverse("cases:sides", args=[case.number]), live=True)


def ask_others(case: Case, user: User) -> Action | None:
    if not may(user, "case.side", case.queue_id):
        return None
    return Action("side", _("Ask others"), reverse("cases:side_form", args=[case.number]), "messages-square", "q")


def add_task(case: Case, user: User) -> Action | None:
    if not may(user, "case.task", case.queue_id):
        return None
    return Action("task", _("Add a task"), reverse("cases:task_form", args=[case.number]), "list-todo", "+")


def remind(case: Case, user: User) -> Action | None:
    if not may(user, "case.task", case.queue_id):
        return None
    return Action("reminder", _("Remind me"), reverse("cases:reminders", args=[case.number]), "alarm-clock", ".")


def rules(case: Case, user: User) -> Panel | None:
    """Where the house has rules, as it was read with who asks; what they do is not for guests."""
    if user.is_executive or not getattr(user, "has_rules", False):
        return None
    return Panel("rules", _("Rules"), reverse("cases:rules", args=[case.number]))


def remedies(case: Case, user: User) -> Panel | None:
    """Where the house has policies, as it was read with who asks; nothing is given away through executives."""
    if not getattr(user, "has_policies", False) or not may(user, "case.remedy", case.queue_id):
        return None
    return Panel("remedies", _("Policy"), reverse("cases:remedies", args=[case.number]), live=True)


def make_good(case: Case, user: User) -> Action | None:
    if not getattr(user, "has_policies", False) or not may(user, "case.remedy", case.queue_id):
        return None
    return Action("remedy", _("Make it good"), reverse("cases:remedy_form", args=[case.number]), "hand-heart")


def skills(case: Case, user: User) -> Action | None:
    """Where the house tells skills apart, as it was read with who asks."""
    if not getattr(user, "tells_skills", False) or not may(user, "case.skills", case.queue_id):
        return None
    return Action("skills", _("Skills it needs"), reverse("cases:skills", args=[case.number]), "graduation-cap")


case_actions.register(fill_in, order=-10, name="fields")
case_actions.register(ask_others, order=-7, name="side")
case_actions.register(add_task, order=-9, name="task")
case_actions.register(remind, order=-8, name="reminder")
case_actions.register(make_good, order=-6, name="remedy")
case_actions.register(how_it_ended, order=-6, name="outcome")
case_actions.register(skills, order=0, name="skills")
case_panels.register(customer, order=0, name="customer")
case_panels.register(fields, order=5, name="fields")
case_panels.register(tasks, order=7, name="tasks")
case_panels.register(steps, order=8, name="playbook")
case_panels.register(remedies, order=12, name="remedies")
case_panels.register(sides, order=15, name="sides")
case_panels.register(answers, order=10, name="answers")
case_panels.register(since, order=20, name="since")
case_panels.register(others, order=30, name="others")
case_panels.register(rules, order=60, name="rules")
case_banners.register(kinship.before, order=-20, name="before")
case_banners.register(kinship.after, order=-10, name="after")
