"""Every command that changes what a console shows, as the tests of screens (L4) drive it: what stands before, what is
done, and which events it writes. A kind of event or an address that no command here covers fails test_screens.py."""

import importlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from django.utils import timezone

from cases import clocks, conversation, outward, promises, receipts
from cases.channels import Later, Unknown
from cases.intake import open_case, process, store
from cases.models import Dispatch
from cases.routing import wake_due
from cases.sending import settle_broken_leases
from customers import merging, reach
from customers.models import Merge, Suppression
from tests import channels
from tests.cases.before import (
    IN_FLIGHT,
    World,
    answer_written,
    claimed,
    doubled,
    elsewhere,
    failed,
    interrupted,
    let_go,
    merged,
    post,
    promised,
    put_off,
    reply_that_moves,
    resolved,
    sending,
    sent,
    slept,
    snoozed,
    spam,
    waiting,
    with_lee,
    written,
    written_late_for_the_merged,
)
from tests.cases.registry import COMMANDS as COMMANDS
from tests.cases.registry import command

# Each `*_commands.py` beside this file registers its own.
for _beside in sorted(Path(__file__).parent.glob("*_commands.py")):
    importlib.import_module(f"tests.cases.{_beside.stem}")

# --- whose it is


@command("claimed", routes="cases/<int:number>/claim/ api/cases/<int:number>/assignment/")
def _claim(w: World) -> Any:
    return post(w, "claim/")


@command("claimed", routes="queues/<int:pk>/next/")
def _take_next(w: World) -> None:
    w.clients[w.ana.pk].post(f"/queues/{w.billing.pk}/next/")


@command("assigned", before=claimed, routes="cases/<int:number>/assignment/")
def _assign(w: World) -> Any:
    return post(w, "assignment/", to=w.lee.pk)


@command("released", before=with_lee)
def _release(w: World) -> Any:
    return post(w, "assignment/", "delete")


@command("transferred", "note_added", before=claimed, routes="cases/<int:number>/transfer/")
def _transfer(w: World) -> Any:
    return post(w, "transfer/", queue=w.technical.pk, note="Theirs, I think")


@command("transferred", before=elsewhere)
def _transfer_here(w: World) -> None:
    w.case.transfer(w.billing, by=w.ben)


@command("transferred")
def _there_and_back(w: World) -> None:
    w.case.transfer(w.technical, by=w.sue)
    w.case.transfer(w.billing, by=w.ben)


# --- where it stands


@command("status_changed", before=claimed, routes="cases/<int:number>/status/ api/cases/<int:number>/status/")
def _set_status(w: World) -> Any:
    return post(w, "status/", status="waiting_internal")


@command("resolved", before=claimed, routes="cases/<int:number>/resolution/ api/cases/<int:number>/resolution/")
def _resolve(w: World) -> Any:
    return post(w, "resolution/")


@command("reopened", before=resolved)
def _reopen(w: World) -> Any:
    return post(w, "status/", status="open")


@command("closed", before=resolved)
def _close(w: World) -> None:
    w.case.change_status("closed", by=None, via="clock")


@command("marked_spam")
def _mark_spam(w: World) -> Any:
    return post(w, "status/", status="spam")


@command("reopened", before=spam)
def _no_spam(w: World) -> Any:
    return post(w, "status/", status="open")


@command("snoozed", before=claimed, routes="cases/<int:number>/snooze/")
def _snooze(w: World) -> Any:
    return post(w, "snooze/", until="tomorrow 9:30")


@command("woken", before=snoozed)
def _wake(w: World) -> Any:
    return post(w, "snooze/", "delete")


@command("woken", before=slept)
def _sleep_is_over(w: World) -> None:
    wake_due(timezone.now())


# --- how it is described


@command("priority_changed", routes="cases/<int:number>/priority/ api/cases/<int:number>/")
def _set_priority(w: World) -> Any:
    return post(w, "priority/", priority="urgent")


@command("tagged", routes="cases/<int:number>/tags/")
def _set_tags(w: World) -> Any:
    return post(w, "tags/", tags="refund, april")


# --- what is said


@command("reply_written", before=claimed, routes="cases/<int:number>/messages/ api/cases/<int:number>/messages/")
def _reply(w: World) -> Any:
    w.case.refresh_from_db()
    return post(w, "messages/", kind="reply", text="On its way", against=w.case.version)


@command("note_added")
def _note(w: World) -> Any:
    return post(w, "messages/", kind="note", text="@lee knows her")


@command("taken_back", before=(claimed, written), routes="cases/<int:number>/messages/<int:pk>/undo/")
def _undo(w: World) -> Any:
    return post(w, f"messages/{w.message.pk}/undo/")


def _inbound(w: World, **how: Any) -> None:
    how.setdefault("at", timezone.now())
    conversation.add_inbound(w.case, text="And again!", sender=None, channel="mail", **how)


@command("created", "opened", "message_received", "promise_made", "acknowledged", routes="api/inbound/<slug:slug>/")
def _arrive(w: World) -> None:
    channel = channels.make_channel(w.billing)
    item, _fresh = store(channel.slug, "m1", json.dumps(channels.message()).encode())
    process(item.pk)


@command("opened", routes="api/cases/ contact/ contact/<slug:topic>/")
def _open(w: World) -> None:
    open_case(
        queue=w.billing,
        customer=w.carl,
        subject="Router",
        channel="web",
        at=w.now,
        via="person",
        by=w.ana,
        tags=["vip"],
    )


@command("message_received", before=claimed)
def _write_again(w: World) -> None:
    _inbound(w)


@command("message_received", before=claimed)
def _write_again_without_a_name_and_late(w: World) -> None:
    """It was said before what we did since, and reached us only now."""
    _inbound(w, at=w.now - timedelta(minutes=50))


@command("message_received", "status_changed", before=(claimed, waiting))
def _answer_us(w: World) -> None:
    _inbound(w)


@command("message_received", "reopened", "acknowledged", before=(claimed, resolved))
def _come_back(w: World) -> None:
    _inbound(w)


@command("message_received", "woken", before=(claimed, snoozed))
def _write_to_a_sleeping_case(w: World) -> None:
    _inbound(w)


@command("message_received", before=waiting)
def _send_an_automatic_reply(w: World) -> None:
    _inbound(w, is_auto=True)


# --- what leaves


@command("reply_released", "status_changed", before=(claimed, written))
def _release_a_reply(w: World) -> None:
    let_go(w)


@command("answer_released", "promise_made", "promise_kept", "status_changed", before=(promised, answer_written))
def _release_an_answer(w: World) -> None:
    let_go(w)


@command("sent", before=IN_FLIGHT)
def _send(w: World) -> None:
    sent(w)


@command("send_delayed", before=IN_FLIGHT)
def _put_off_sending(w: World) -> None:
    put_off(w)


@command("sent", before=(*IN_FLIGHT, put_off))
def _send_at_the_second_try(w: World) -> None:
    Dispatch.objects.update(release_at=timezone.now())
    sent(w)


@command("send_failed", "status_changed", before=IN_FLIGHT)
def _fail_to_send(w: World) -> None:
    failed(w)


@command("send_unknown", before=IN_FLIGHT)
def _not_know_whether_it_was_sent(w: World) -> None:
    sending(Unknown("silence"))(w)


@command("send_unknown", before=(*IN_FLIGHT, interrupted))
def _find_a_send_interrupted(w: World) -> None:
    outward.send_due(timezone.now())


@command("send_delayed", before=(*IN_FLIGHT, interrupted))
def _send_again_with_its_key_after_an_interruption(w: World) -> None:
    with mock.patch(
        "cases.sending.adapter_for", return_value=mock.Mock(honours_key=True, send=mock.Mock(side_effect=Later("x")))
    ):
        settle_broken_leases(timezone.now())


@command("send_suppressed", "status_changed", before=IN_FLIGHT)
def _find_it_may_not_be_sent(w: World) -> None:
    Suppression.objects.create(kind="email", value="carl@example.org", reason="asked")
    sent(w)


@command("send_retried", before=(*IN_FLIGHT, failed), routes="cases/<int:number>/messages/<int:pk>/retry/")
def _retry(w: World) -> Any:
    return post(w, f"messages/{w.message.pk}/retry/")


@command("message_delivered", before=(*IN_FLIGHT, sent), routes="api/inbound/<slug:slug>/receipts/")
def _hear_it_arrived(w: World) -> None:
    receipts.note(Dispatch.objects.get(source="message"), "delivered", at=timezone.now())


@command("message_delivered", before=(*IN_FLIGHT, sending(Unknown("silence"))))
def _hear_it_arrived_after_all(w: World) -> None:
    receipts.note(Dispatch.objects.get(source="message"), "delivered", at=timezone.now())


@command("message_read", before=(*IN_FLIGHT, sent))
def _hear_it_was_read(w: World) -> None:
    receipts.note(Dispatch.objects.get(source="message"), "read", at=timezone.now())


@command("send_failed", "status_changed", before=(*IN_FLIGHT, sent))
def _hear_it_bounced(w: World) -> None:
    receipts.note(Dispatch.objects.get(source="message"), "failed", at=timezone.now())


# --- promises and clocks


@command("promise_made", routes="api/cases/<int:number>/promises/")
def _promise(w: World) -> None:
    promised(w)


@command("promise_kept", before=promised)
def _keep(w: World) -> None:
    promises.keep(w.promise, message=None, by=w.ana, at=timezone.now())


@command("promise_kept", "note_added", before=promised, routes="cases/<int:number>/promises/<int:pk>/keeping/")
def _keep_by_hand(w: World) -> Any:
    return post(w, f"promises/{w.promise.pk}/keeping/", how="She rang, and was told")


@command("promise_moved", before=(promised, claimed, written, let_go))
def _move(w: World) -> None:
    due = w.now + timedelta(days=2)
    promises.move(w.promise, due_at=due, message=w.message, by=w.ana, at=timezone.now())


@command("promise_moved", "reply_released", "status_changed", before=(promised, claimed, reply_that_moves))
def _release_a_reply_that_moves_a_promise(w: World) -> None:
    """Dated when it was written: before what was said since."""
    let_go(w)


@command("promise_broken", "note_added", before=promised)
def _break(w: World) -> None:
    conversation.add_note(w.case, by=w.lee, text="Who calls?", at=w.now + timedelta(hours=6))
    promises.break_due(w.now + timedelta(hours=7))


@command("sla_warned", before=claimed)
def _warn_of_a_target(w: World) -> None:
    clocks.warn_due(w.now + timedelta(minutes=110))


@command("sla_breached", "note_added", before=claimed)
def _breach_a_target(w: World) -> None:
    """Dated when it fell due, noticed after somebody wrote."""
    conversation.add_note(w.case, by=w.lee, text="Late?", at=w.now + timedelta(hours=30))
    clocks.breach_due(w.now + timedelta(hours=31))


# --- the queue


@command("joined", routes="queues/<int:pk>/session/")
def _join(w: World) -> None:
    w.billing.join(w.eve, mode="work")


@command("left")
def _leave(w: World) -> None:
    w.billing.leave(w.eve)


# --- the customer


@command("edited", routes="customers/<int:pk>/profile/ api/customers/<int:pk>/")
def _rename_the_customer(w: World) -> None:
    reach.edit(w.carl, {"name": "Carl-Emil Jensen"}, by=w.ana, against=w.carl.version)


@command("merged", "customer_changed", before=doubled, routes="customers/<int:pk>/merges/")
def _merge_the_customer(w: World) -> None:
    merging.merge(w.double, w.carl, by=w.ana)


@command("merge_undone", "customer_changed", before=merged, routes="customers/merges/<int:pk>/undoing/")
def _undo_the_merge(w: World) -> None:
    merging.undo(Merge.objects.get(), by=w.ana)


@command("merge_gathered", "customer_changed", before=written_late_for_the_merged)
def _gather_after_the_merge(w: World) -> None:
    merging.gather(timezone.now())
