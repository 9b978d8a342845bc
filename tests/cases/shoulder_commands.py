"""The commands of tests/cases/commands.py that who leads gives over a colleague's shoulder."""

from typing import Any

from cases import helping, whispering
from tests.cases.before import World, post
from tests.cases.board_commands import leads
from tests.cases.registry import command


def joined(w: World) -> None:
    leads(w)
    helping.join(w.case, by=w.ana)


def whispered(w: World) -> None:
    w.case.assign(w.ana, by=w.sue)
    whispering.say(w.case, by=w.sue, text="Be generous")


@command("helper_joined", before=leads, routes="cases/<int:number>/helping/ api/cases/<int:number>/helping/")
def _join_colleague(w: World) -> Any:
    return post(w, "helping/")


@command("helper_left", before=joined)
def _leave_colleague(w: World) -> Any:
    return post(w, "helping/", "delete")


@command("note_added", "assigned", before=leads, routes="cases/<int:number>/takeover/ api/cases/<int:number>/takeover/")
def _take_case_over(w: World) -> Any:
    return post(w, "takeover/", reason="The press is on the line")


@command("whispered", before=leads, routes="api/cases/<int:number>/whispers/")
def _whisper_to_owner(w: World) -> Any:
    return post(w, "messages/", kind="whisper", text="Be generous")


@command("whisper_heard", before=whispered, routes="cases/<int:number>/whispers/")
def _hear_whispers(w: World) -> None:
    post(w, "whispers/")
