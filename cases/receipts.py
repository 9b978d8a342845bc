"""What the other side tells about a message we sent. A later stage is never undone by an earlier word."""

import uuid
from datetime import datetime

from django.db import transaction

from cases import outward, sending
from cases.mail import ids
from cases.models import Dispatch, Message

STATUSES = ("delivered", "read", "failed")
# We do not know yet, or never will, whether it left: the other side may be quicker than our own commit.
_OPEN = {Dispatch.State.CLAIMED, Dispatch.State.UNKNOWN}


def find(channel: str, key: str) -> Dispatch | None:
    """The dispatch sent through this channel under this key."""
    try:
        return Dispatch.objects.filter(channel=channel, key=uuid.UUID(key)).first()
    except ValueError:
        return None


@transaction.atomic
def note(dispatch: Dispatch, status: str, *, at: datetime, reason: str = "undelivered", detail: str = "") -> bool:
    """Write down a receipt of one of STATUSES; False when it tells nothing new. Case first, then dispatch. Of a failure
    `reason` is an enumerated word and `detail` what the other side said."""
    said = ids.said_by(dispatch) or ids.aside(dispatch)
    if said:
        said.case.lock()
    row = Dispatch.objects.select_for_update().get(pk=dispatch.pk)
    if not _HOW[status](row, at):
        return False
    if status == "failed":
        row.reason, row.detail = reason, detail[:300]
    row.save(update_fields=["state", "sent_at", "delivered_at", "read_at", "reason", "detail"])
    if isinstance(said, Message):
        _tell(said, status, row, at)
    elif said:
        sending.tell(said, status, row.reason, at)
    return True


def _delivered(row: Dispatch, at: datetime) -> bool:
    if row.delivered_at:
        return False
    row.delivered_at = at
    if row.state in {*_OPEN, Dispatch.State.FAILED}:  # it arrived after all
        row.state, row.sent_at, row.reason, row.detail = Dispatch.State.SENT, row.sent_at or at, "", ""
    return True


def _read(row: Dispatch, at: datetime) -> bool:
    if row.read_at:
        return False
    _delivered(row, at)
    row.read_at = at
    return True


def _failed(row: Dispatch, at: datetime) -> bool:
    if row.delivered_at or row.state not in {*_OPEN, Dispatch.State.SENT}:
        return False
    row.state, row.sent_at = Dispatch.State.FAILED, row.sent_at or at  # it did leave: the other side has seen it
    return True


_HOW = {"delivered": _delivered, "read": _read, "failed": _failed}


def _tell(message: Message, status: str, row: Dispatch, at: datetime) -> None:
    if status == "failed":
        outward.tell(message, "failed", row.reason, at)
        return
    if message.is_answer:
        message.case.silent_since = row.sent_at
    outward.show(message.case, "")
    message.case.record(f"message_{status}", by=None, via="channel", at=at, message=message.pk)
