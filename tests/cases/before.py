"""What stands before a command of tests/cases/commands.py: each is done to the world of test_screens.py."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

from django.utils import timezone

from cases import conversation, outward, promises
from cases.channels import Failed, Later
from cases.models import Acknowledgement, Dispatch, Message
from customers import merging
from tests.builders import make_customer

World = SimpleNamespace
SOON = timedelta(seconds=11)  # the undo window has closed


def claimed(w: World) -> None:
    w.case.claim(by=w.ana)


def nobodys(w: World) -> None:
    """The sender of its mail was not believed."""
    w.case.issue, w.case.customer = None, None
    w.case.save(update_fields=["issue", "customer"])
    w.case.contacts.update(customer=None, issue=None)
    w.case.messages.update(sender=None, sender_name="", flags=["sender_unverified"])


def with_lee(w: World) -> None:
    w.case.assign(w.lee, by=w.ana)


def snoozed(w: World) -> None:
    w.case.snooze(w.now + timedelta(hours=3), by=w.ana)


def slept(w: World) -> None:
    """Until this moment."""
    w.case.snooze(w.now, by=w.ana, at=w.now - timedelta(hours=1))


def resolved(w: World) -> None:
    w.case.resolve(by=w.ana)


def waiting(w: World) -> None:
    w.case.change_status("waiting_customer", by=w.ana)


def need_met(w: World) -> None:
    w.case.mark_need_met(by=w.ana, how="customer_said")


def spam(w: World) -> None:
    w.case.change_status("spam", by=w.ana)


def elsewhere(w: World) -> None:
    w.case.transfer(w.technical, by=w.sue)


def written(w: World, **how: Any) -> Message:
    w.case.refresh_from_db()
    w.message = conversation.reply(w.case, by=w.ana, text="On its way", written_against=w.case.version, **how)
    return w.message


def answer_written(w: World) -> None:
    written(w, is_answer=True, next_step="Call", by_when=w.now + timedelta(days=1))


def reply_that_moves(w: World) -> None:
    written(w, moves=w.promise.pk, next_step="Call", by_when=w.now + timedelta(days=1))
    conversation.add_note(w.case, by=w.lee, text="Good")


def let_go(w: World) -> None:
    outward.release_due(timezone.now() + SOON)


def promised(w: World, due: timedelta = timedelta(hours=5)) -> None:
    w.promise = promises.make(w.case, what="Call back", due_at=w.now + due, owner=w.ana, made_by=None, at=w.now)


def promised_soon(w: World) -> None:
    promised(w, timedelta(minutes=10))


def warned(w: World) -> None:
    promises.warn_due(w.now + timedelta(minutes=8))


def silent_for_days(w: World) -> None:
    """What was said and acknowledged so far is long ago: the next word begins a contact of its own."""
    Acknowledgement.objects.update(at=w.now - timedelta(days=3))
    w.case.contacts.update(ended_at=w.now)


def acknowledged(w: World) -> None:
    silent_for_days(w)
    conversation.add_inbound(w.case, text="And?", sender=w.carl.contact_points.get(kind="email"), channel="mail", at=timezone.now())  # fmt: skip


def sending(outcome: Exception | None) -> Callable[[World], None]:
    """The loop that sends runs once, and the other side says this."""

    def send(_w: World) -> None:
        adapter = mock.Mock(honours_key=False)
        adapter.send.side_effect = outcome
        adapter.send.return_value = "theirs"
        with mock.patch("cases.sending.adapter_for", return_value=adapter):
            outward.send_due(timezone.now() + SOON)

    return send


sent, put_off, failed = sending(None), sending(Later("busy")), sending(Failed("no such address"))
IN_FLIGHT = (claimed, written, let_go)


def interrupted(w: World) -> None:
    """Whoever sent it died in the middle."""
    past = timezone.now() - timedelta(minutes=5)
    Dispatch.objects.filter(source="message").update(state="claimed", attempts=1, begun_at=past, lease_until=past)


def doubled(w: World) -> None:
    w.double = make_customer("Karl Jensen", email="karl@example.org")


def merged(w: World) -> None:
    doubled(w)
    w.merge = merging.merge(w.double, w.carl, by=w.ana)


def written_late_for_the_merged(w: World) -> None:
    merged(w)
    w.case.customer = w.carl
    w.case.save(update_fields=["customer"])


def post(w: World, noun: str, method: str = "post", **data: Any) -> Any:
    ask = getattr(w.clients[w.ana.pk], method)
    if method == "delete":
        return ask(f"/cases/{w.case.number}/{noun}")
    return ask(f"/cases/{w.case.number}/{noun}", data)
