"""Commands about known problems that change what an open case shows (test_screens.py)."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from cases.models import Dispatch
from outreach import delivery, exposure
from outreach.models import KnownProblem
from tests.cases.before import World, post
from tests.cases.registry import command
from tests.outreach.making import make_notice

HERE = {"fact": "has_email", "op": "is", "value": True}
NOWHERE = {"fact": "country", "op": "is", "value": "NZ"}


def known(w: World) -> None:
    """A problem nobody's case shows yet."""
    w.problem = KnownProblem.declare(
        by=w.sue, title="Hub 5 drops the line", workaround="Restart it", next_update_at=w.now + timedelta(days=1)
    )


def linked(w: World) -> None:
    known(w)
    w.problem.link(w.case, by=w.sue)


def exposed(w: World) -> None:
    known(w)
    exposure.aim(w.problem, HERE, by=w.sue)


def over(w: World) -> None:
    exposed(w)
    w.problem.close(by=w.sue)


def told(w: World) -> None:
    exposed(w)
    delivery.approve(make_notice(w.problem, w.sue), by=w.sue, now=w.now)
    delivery.deliver_due(w.now + timedelta(days=1))
    Dispatch.objects.filter(source=delivery.SOURCE).update(state="sent", sent_at=w.now)


@command("declared", "case_linked", routes="api/problems/")
def _declare_from_the_case(w: World) -> None:
    KnownProblem.declare(case=w.case, by=w.sue, title="Hub 5 drops the line")


@command(
    "case_linked",
    before=known,
    routes="cases/<int:number>/problem/ problems/<int:pk>/cases/ api/problems/<int:pk>/cases/",
)
def _link_a_problem(w: World) -> Any:
    return post(w, "problem/", problem=w.problem.pk)


@command("case_unlinked", before=linked, routes="api/problems/<int:pk>/cases/<int:number>/")
def _unlink_a_problem(w: World) -> Any:
    return post(w, "problem/", "delete")


@command("edited", before=linked, routes="problems/<int:pk>/wording/ api/problems/<int:pk>/")
def _edit_a_problem(w: World) -> None:
    w.problem.edit(by=w.sue, cause="Firmware 2.3", state="workaround")


@command(
    "condition_changed",
    "exposure_counted",
    before=known,
    routes="problems/<int:pk>/condition/ api/problems/<int:pk>/exposure/",
)
def _aim_a_problem(w: World) -> None:
    exposure.aim(w.problem, HERE, by=w.sue)


@command("condition_changed", "exposure_counted", before=exposed)
def _aim_a_problem_elsewhere(w: World) -> None:
    exposure.aim(w.problem, NOWHERE, by=w.sue)


@command("closed", before=exposed, routes="problems/<int:pk>/closing/")
def _close_a_problem(w: World) -> None:
    w.problem.close(by=w.sue)


@command("reopened", before=over, routes="problems/<int:pk>/reopening/")
def _reopen_a_problem(w: World) -> None:
    w.problem.reopen(by=w.sue)


@command("told_counted", before=told)
def _count_who_was_told(w: World) -> None:
    delivery.recount(w.problem, timezone.now())
