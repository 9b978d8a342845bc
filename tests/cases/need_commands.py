"""The commands of tests/cases/commands.py that tell whether a need is met, and how a customer felt."""

from typing import Any

from tests.cases.before import World, need_met, post, resolved
from tests.cases.registry import command


@command("need_met", routes="cases/<int:number>/need/ api/cases/<int:number>/need/")
def _say_the_need_is_met(w: World) -> Any:
    return post(w, "need/", how="customer_said")


@command("need_unmet", before=need_met)
def _say_it_is_not(w: World) -> Any:
    return post(w, "need/", method="delete")


@command("reopened", before=(need_met, resolved))
def _reopen_what_was_met(w: World) -> None:
    w.case.reopen(by=w.ana)


@command(
    "feeling_marked",
    routes="cases/<int:number>/messages/<int:pk>/feeling/ api/cases/<int:number>/messages/<int:pk>/feeling/",
)
def _mark_a_feeling(w: World) -> Any:
    return post(w, f"messages/{w.case.messages.get().pk}/feeling/", feeling="bad")
