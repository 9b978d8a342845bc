"""Builders for silences: cases that were answered, by mail that arrived or did not, and what came of it since."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from django.db import close_old_connections, connections
from django.utils import timezone

from cases import conversation, outward, silence
from cases.models import Case, Dispatch, Message, Queue
from crm.models import Event, User
from customers.models import Customer
from tests.builders import make_case, make_message, make_question

DAYS = 7
LONG = timedelta(days=DAYS)
UNDONE = timedelta(seconds=11)  # the undo window has closed


def asked(queue: Queue, customer: Customer, assignee: User) -> Case:
    """A question in a queue that takes seven days of silence for a yes."""
    queue.silence_days = DAYS
    queue.save()
    return make_question(queue, customer, assignee)


def say(case: Case, by: User, *, is_answer: bool = True, **how: Any) -> Message:
    case.refresh_from_db()
    message = conversation.reply(
        case, by=by, text="It is on your account.", written_against=case.version, is_answer=is_answer, **how
    )
    outward.release_due(timezone.now() + UNDONE)
    return message


def send(outcome: Exception | None = None) -> None:
    adapter = mock.Mock(honours_key=False)
    adapter.send.side_effect, adapter.send.return_value = outcome, "theirs"
    with mock.patch("cases.sending.adapter_for", return_value=adapter):
        outward.send_due(timezone.now() + UNDONE)


def answered(case: Case, by: User, **how: Any) -> datetime:
    """When the answer left."""
    message = say(case, by, **how)
    send()
    return left(message)


def left(message: Message) -> datetime:
    at = Dispatch.objects.get(message=message).sent_at
    assert at is not None
    return at


def writes(case: Case, text: str = "And?", **how: Any) -> Message:
    case.refresh_from_db()
    how.setdefault("at", timezone.now())
    return conversation.add_inbound(case, text=text, sender=None, channel="mail", **how)


def is_met(case: Case) -> bool:
    case.refresh_from_db()
    return case.need_met_event_id is not None


def met_events(case: Case) -> list[Event]:
    return list(Event.objects.filter(stream="case", stream_id=case.pk, kind="need_met"))


def never(case: Case) -> None:
    """However long it lasts, and it is not looked at again."""
    now = timezone.now() + 10 * LONG
    silence.sweep(now)
    assert not is_met(case)
    assert silence.sweep(now + LONG) == 0
    assert met_events(case) == []


def later(case: Case) -> None:
    """Not while this lasts, though nothing is forgotten."""
    assert silence.sweep(timezone.now() + 10 * LONG) == 0
    assert not is_met(case)
    assert case.silent_since is not None


def many(billing: Queue, ana: User, count: int) -> list[Case]:
    """Cases answered alike, as far as the sweep asks."""
    at, made = timezone.now(), []
    for n in range(count):
        case = make_case(billing, f"Nr {n}", status="waiting_customer", silent_since=at, version=2)
        left = {"state": "sent", "sent_at": at, "source_id": case.pk, "address": "a@example.org"}
        dispatch = Dispatch.objects.create(channel="mail", message_class="answer", **left)
        how = {"is_answer": True, "dispatch": dispatch, "released_at": at, "case_version": 1, "author": ana}
        make_message(case, "Paid.", direction="outbound", at=at, **how)
        made.append(case)
    return made


def elsewhere(act: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(apart, act).result(timeout=30)


def apart(act: Callable[..., Any], *args: Any) -> Any:
    close_old_connections()
    try:
        return act(*args)
    finally:
        connections.close_all()
