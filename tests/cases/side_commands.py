"""The commands of tests/cases/commands.py about asking others beside a case."""

from typing import Any

from django.utils import timezone

from cases import outward, receipts, sides
from cases.models import Dispatch, SideMessage, SideTalk
from customers.addresses import normalise
from tests.cases.before import World, post
from tests.cases.registry import command

ONE = "cases/<int:number>/sides/<int:pk>/ api/cases/<int:number>/sides/<int:pk>/"
TO = "repairs@supplier.example"


def asked(w: World) -> None:
    sides.begin(w.case, to=TO, subject="A hub", text="Is it in stock?", by=w.ana)


def done(w: World) -> None:
    asked(w)
    sides.settle(SideTalk.objects.get(), by=w.ana)


def gone(w: World) -> None:
    asked(w)
    Dispatch.objects.filter(source="side").update(state="sent", sent_at=timezone.now())


def failed(w: World) -> None:
    asked(w)
    Dispatch.objects.filter(source="side").update(state="failed")


def _hear(**more: Any) -> None:
    sides.hear(
        Dispatch.objects.get(source="side"),
        text="On Monday",
        sender_name="Repairs",
        sender=normalise("email", TO),
        at=timezone.now(),
        external_id="m1",
        **more,
    )


def _message() -> SideMessage:
    return SideMessage.objects.earliest("pk")


@command("side_begun", routes="cases/<int:number>/sides/ api/cases/<int:number>/sides/")
def _ask_others(w: World) -> Any:
    return post(w, "sides/", to=TO, subject="A hub", text="Is it in stock?")


@command("side_written", before=asked, routes=f"{ONE} api/cases/<int:number>/sides/<int:pk>/messages/")
def _ask_more(w: World) -> Any:
    return post(w, f"sides/{SideTalk.objects.get().pk}/", text="And when?")


@command("side_done", before=asked)
def _be_done_with_them(w: World) -> Any:
    return post(w, f"sides/{SideTalk.objects.get().pk}/", done="1")


@command("side_reopened", before=done)
def _take_it_up_again(w: World) -> Any:
    return post(w, f"sides/{SideTalk.objects.get().pk}/", done="0")


@command("side_taken_back", before=asked, routes="cases/<int:number>/side-messages/<int:pk>/undo/")
def _take_the_question_back(w: World) -> Any:
    return post(w, f"side-messages/{_message().pk}/undo/")


@command("side_retried", before=failed, routes="cases/<int:number>/side-messages/<int:pk>/retry/")
def _send_the_question_again(w: World) -> Any:
    return post(w, f"side-messages/{_message().pk}/retry/")


@command("side_settled", before=asked)
def _the_question_leaves(w: World) -> None:
    Dispatch.objects.filter(source="side").update(release_at=timezone.now())
    outward.send_due(timezone.now())


@command("side_settled", "notified", before=gone)
def _the_question_comes_back(w: World) -> None:
    receipts.note(Dispatch.objects.get(source="side"), "failed", at=timezone.now())


@command("side_answered", "notified", before=gone)
def _they_answer(w: World) -> None:
    _hear()


@command("side_noted", before=gone)
def _their_machine_answers(w: World) -> None:
    _hear(is_auto=True)
