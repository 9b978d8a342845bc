"""The commands of tests/cases/commands.py about guided steps."""

from typing import Any

from cases import playbooks
from cases.models import Playbook, PlaybookRun
from tests.cases.before import World, post
from tests.cases.registry import command


def laid_down(w: World) -> None:
    Playbook.objects.create(name="Recover").publish(["Pull up", "Verify"])


def begun(w: World) -> None:
    laid_down(w)
    playbooks.start(w.case, Playbook.objects.get(), by=w.ana)


def nearly_done(w: World) -> None:
    begun(w)
    playbooks.take(PlaybookRun.objects.get(), "pull-up", by=w.ana)


BESIDE = "cases/<int:number>/playbook/ api/cases/<int:number>/playbook/"


@command("playbook_started", before=laid_down, routes=BESIDE)
def _begin_steps(w: World) -> Any:
    return post(w, "playbook/", playbook=Playbook.objects.get().pk)


@command(
    "playbook_step", before=begun, routes="cases/<int:number>/playbook/step/ api/cases/<int:number>/playbook/steps/"
)
def _take_a_step(w: World) -> Any:
    return post(w, "playbook/step/", step="pull-up")


@command("playbook_step", "playbook_ended", before=nearly_done)
def _take_the_last_step(w: World) -> Any:
    return post(w, "playbook/step/", step="verify")


@command("playbook_ended", before=begun)
def _leave_the_steps(w: World) -> Any:
    return post(w, "playbook/", leave="1")
