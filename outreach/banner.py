"""The line above the thread of every case that a known problem touches: linked to it, or of a customer it is likely to
hit. The same sentence whether the page shows it or a socket brings it."""

from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.hooks import Action, Banner
from cases.models import Case
from crm.database.prepared import Prepared
from crm.models import User
from outreach.models import KnownProblem

_LEVELS = {KnownProblem.Severity.MINOR: "calm", KnownProblem.Severity.MAJOR: "amber"}


def of_case(case: Case, _user: User) -> Banner | None:
    """One query. A case is linked to one problem at most; of those its customer may have the newest is shown."""
    problem = _touching(case)
    return banner(problem) if problem else None


def _touching(case: Case) -> KnownProblem | None:
    if case.customer_id is None:
        return KnownProblem.objects.standing().touching(case).first()
    return _TOUCHING.first(case.pk, case.customer_id)


_TOUCHING = Prepared(
    lambda case, customer: KnownProblem.objects.standing().touching(Case(pk=case, customer_id=customer))[:1], int, int
)


def banner(problem: KnownProblem) -> Banner:
    level = "red" if problem.is_safety else _LEVELS.get(KnownProblem.Severity(problem.severity), "red")
    return Banner(
        " ".join(_sentences(problem)),
        level=level,
        url=reverse("outreach:problem", args=[problem.pk]),
        name="known-problem",
        due=problem.next_update_at if problem.state != KnownProblem.State.FIXED else None,
    )


NOTHING = Banner("", name="known-problem")


def _sentences(problem: KnownProblem) -> Iterable[str]:
    yield _("Known problem: %(title)s.") % {"title": problem.title.rstrip(".")}
    if problem.cause:
        yield _("Cause: %(cause)s") % {"cause": _stopped(problem.cause)}
    if problem.fix and problem.state == KnownProblem.State.FIXED:
        yield _("Fix: %(fix)s") % {"fix": _stopped(problem.fix)}
    elif problem.workaround:
        yield _("Workaround: %(workaround)s") % {"workaround": _stopped(problem.workaround)}
    if problem.told:
        yield told(problem)


def told(problem: KnownProblem) -> str:
    """How many were told, and how many of them before they wrote to us about it."""
    words = ngettext("%(told)s told,", "%(told)s told,", problem.told) % {"told": f"{problem.told:,}"}
    return f"{words} {_('%(first)s before they noticed.') % {'first': f'{problem.told_first:,}'}}"


def _stopped(text: str) -> str:
    line = " ".join(text.split())[:300]
    return line if line.endswith((".", "!", "?")) else f"{line}."


def action(case: Case, user: User) -> Action | None:
    """Link it, or declare one. Asks nothing: who may is decided at the door."""
    if user.is_executive:
        return None
    return Action("problem", _("Known problem"), reverse("outreach:case_problem", args=[case.number]), "siren", "w")
