"""Commands of who follows a case."""

from typing import Any

from cases import watching
from tests.cases.before import World, post
from tests.cases.registry import command


def followed(w: World) -> None:
    watching.follow(w.case, by=w.ana)


@command("followed", routes="cases/<int:number>/following/ api/cases/<int:number>/following/")
def _follow(w: World) -> Any:
    return post(w, "following/")


@command("unfollowed", before=followed)
def _unfollow(w: World) -> Any:
    return post(w, "following/", "delete")
