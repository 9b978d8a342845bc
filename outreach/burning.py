"""Known problems as the board shows them: those that still have cases at work, the most hurtful first."""

from collections import defaultdict
from collections.abc import Sequence

from django.db.models import Count
from django.urls import reverse

from cases import transitions
from cases.hooks import Burning
from outreach.models import KnownProblem, ProblemCase

_WORST = [KnownProblem.Severity.CRITICAL, KnownProblem.Severity.MAJOR, KnownProblem.Severity.MINOR]
_LEVELS = {KnownProblem.Severity.MINOR: "calm", KnownProblem.Severity.MAJOR: "amber"}


def burning(queues: Sequence[int]) -> list[Burning]:
    """Two queries, however many problems and cases."""
    rows = ProblemCase.objects.filter(case__queue__in=queues, case__status__in=transitions.ACTIVE)
    counts: dict[int, dict[int, int]] = defaultdict(dict)
    for problem, queue, count in rows.order_by().values_list("problem", "case__queue").annotate(count=Count("pk")):
        counts[problem][queue] = count
    standing = KnownProblem.objects.standing().filter(pk__in=counts) if counts else []
    return [_told(problem, counts[problem.pk]) for problem in sorted(standing, key=lambda p: _rank(p, counts[p.pk]))]


def _rank(problem: KnownProblem, counts: dict[int, int]) -> tuple[bool, int, int, int]:
    severity = _WORST.index(KnownProblem.Severity(problem.severity))
    return not problem.is_safety, severity, -sum(counts.values()), problem.pk


def _told(problem: KnownProblem, counts: dict[int, int]) -> Burning:
    return Burning(
        name=str(problem.pk),
        title=problem.title,
        url=reverse("outreach:problem", args=[problem.pk]),
        counts=counts,
        cases=ProblemCase.objects.filter(problem=problem).values("case"),
        level="red" if problem.is_safety else _LEVELS.get(KnownProblem.Severity(problem.severity), "red"),
    )
