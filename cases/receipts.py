"""What the other side tells about a message we sent. A later stage is never undone by an earlier word."""

import uuid
from datetime import datetime

from django.db import transaction

from cases import outward
from cases.models import Dispatch, Message

STATUSES = ("delivered", "read", "failed")


def find(channel: str, key: str) -> Dispatch | None:
    """The dispatch sent through this channel under this key."""
    try:
        return Dispatch.objects.filter(channel=channel, key=uuid.UUID(key)).first()
    except ValueError:
        return None


@transaction.atomic
def note(dispatch: Dispatch, status: str, *, at: datetime) -> bool:
    """Write down a receipt of one of STATUSES; False when it tells nothing new. Case first, then dispatch."""
    message = Message.objects.select_related("case").filter(dispatch=dispatch).first()
    if message:
        message.case.lock()
    row = Dispatch.objects.select_for_update().get(pk=dispatch.pk)
    if not _HOW[status](row, at):
        return False
    row.save(update_fields=["state", "delivered_at", "read_at", "reason", "detail"])
    if message:
        _tell(message, status, at)
    return True


def _delivered(row: Dispatch, at: datetime) -> bool:
    if row.delivered_at:
        return False
    row.delivered_at = at
    if row.state in {Dispatch.State.UNKNOWN, Dispatch.State.FAILED}:  # it arrived after all
        row.state, row.reason, row.detail = Dispatch.State.SENT, "", ""
    return True


def _read(row: Dispatch, at: datetime) -> bool:
    if row.read_at:
        return False
    _delivered(row, at)
    row.read_at = at
    return True


def _failed(row: Dispatch, _at: datetime) -> bool:
    if row.delivered_at or row.state not in {Dispatch.State.SENT, Dispatch.State.UNKNOWN}:
        return False
    row.state, row.reason = Dispatch.State.FAILED, "undelivered"
    return True


_HOW = {"delivered": _delivered, "read": _read, "failed": _failed}


def _tell(message: Message, status: str, at: datetime) -> None:
    if status == "failed":
        outward.tell(message, "failed", "undelivered", at)
        return
    outward.show(message.case, "")
    message.case.record(f"message_{status}", by=None, via="channel", at=at, message=message.pk)
