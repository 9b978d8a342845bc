"""How the kept case stands after a merge, and how both stand after its undoing (cases.merging)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from cases import transitions
from cases.models import Case, Dispatch, Message, Queue
from crm.models import User

FIELDS = ("status", "assignee_id", "priority", "tags", "waiting_since", "snoozed_until")
_TIMES = ("waiting_since", "snoozed_until")
_BY_WORDS = ("status", "waiting_since", "snoozed_until")  # what the customer's next word decides anew
_URGENCY = ("low", "normal", "high", "urgent")
_WAITING = (transitions.WAITING_CUSTOMER, transitions.WAITING_INTERNAL)
_SEND_STATES = {
    Dispatch.State.HELD: "sending",
    Dispatch.State.CLAIMED: "sending",
    Dispatch.State.FAILED: "failed",
    Dispatch.State.SUPPRESSED: "failed",
    Dispatch.State.UNKNOWN: "unknown",
}
State = dict[str, Any]  # a case's FIELDS as JSON


@dataclass(frozen=True)
class Outcome:
    """How the kept case comes to stand: the customer's wait, urgency and owner are never lost by a merge."""

    status: str
    waiting_since: datetime | None
    assignee: User | None
    priority: str
    tags: tuple[str, ...]
    wakes: bool
    is_unmet: bool

    def changes(self, kept: Case) -> list[str]:
        """In words, what of the kept case changes."""
        told = [
            (self.status != kept.status, _("It is open again: the customer waits.")),
            (self.wakes, _("It wakes.")),
            (self.is_unmet, _("Its need counts as unmet again.")),
            (self.waiting_since != kept.waiting_since, _("The customer’s wait counts from the earlier of the two.")),
            (self.priority != kept.priority, _("It takes the higher priority of the two.")),
            (list(self.tags) != kept.tags, _("It gets the other’s tags.")),
        ]
        if self.assignee is not None:
            told.append((True, _("It goes to %(name)s, who has the other.") % {"name": self.assignee.name}))
        return [sentence for applies, sentence in told if applies]

    def reach(self, kept: Case, *, by: User, at: datetime, via: str) -> None:
        """Make it so, by the case's own verbs."""
        why: dict[str, Any] = {"by": by, "at": at, "via": via, "reason": "merged"}
        if self.wakes:
            kept.wake(**why)
        if self.status != kept.status:
            kept.change_status(self.status, **why, follows=True)
        if self.waiting_since != kept.waiting_since:
            kept.waiting_since = self.waiting_since
            kept.save(update_fields=["waiting_since"])
        if self.is_unmet:
            kept.mark_need_unmet(**why)
        if self.assignee is not None:
            kept.assign(self.assignee, **why)
        kept.set_priority(self.priority, by=by, at=at, via=via)
        kept.set_tags(list(self.tags), by=by, at=at, via=via)


def outcome(kept: Case, gone: Case) -> Outcome:
    """How `kept` would stand with `gone` in it."""
    waits = gone.status in {transitions.NEW, transitions.OPEN}
    status = transitions.OPEN if waits and kept.status in _WAITING else kept.status
    waits_there = kept.waiting_since if status == kept.status else None
    since = [at for at in (waits_there, gone.waiting_since if waits else None) if at]
    return Outcome(
        status=status,
        waiting_since=min(since, default=kept.waiting_since),
        assignee=_heir(kept, gone),
        priority=max(kept.priority, gone.priority, key=_URGENCY.index),
        tags=tuple(sorted({*kept.tags, *gone.tags})),
        wakes=waits and kept.snoozed_until is not None,
        is_unmet=kept.need_met_event_id is not None and (waits or gone.need_met_event_id is None),
    )


def _heir(kept: Case, gone: Case) -> User | None:
    """Who has the other, where nobody has this one."""
    if kept.assignee_id is not None or gone.assignee is None:
        return None
    return gone.assignee if Queue.objects.visible_to(gone.assignee).filter(pk=kept.queue_id).exists() else None


def look_again(case: Case) -> None:
    """What a list shows of the last words, read from the words that are in the case now."""
    said = case.messages.exclude(direction=Message.Direction.NOTE)
    last = case.messages.order_by("-at", "-id").values_list("at", flat=True).first()
    word = said.order_by("-at", "-id").first()
    reply = said.filter(direction=Message.Direction.OUTBOUND, taken_back_at=None, dispatch__isnull=False)
    sent, why = reply.order_by("-at", "-id").values_list("dispatch__state", "dispatch__reason").first() or ("", "")
    case.last_message_at = last
    case.preview = " ".join(word.new_text.split())[:160] if word else ""
    case.preview_direction = word.direction if word else ""
    case.send_state = _SEND_STATES.get(sent, "")  # type: ignore[call-overload]
    case.send_reason = why if case.send_state in {"failed", "unknown"} else ""
    case.save(update_fields=["last_message_at", "preview", "preview_direction", "send_state", "send_reason"])


@dataclass(frozen=True)
class Both:
    """How the two stood before a merge, and how the kept one stood after it; `need`: how we knew theirs met, if so."""

    kept: State
    gone: State
    after: State
    need: dict[str, str]

    @classmethod
    def before(cls, kept: Case, gone: Case) -> "Both":
        return cls(_state(kept), _state(gone), {}, {"kept": _how(kept), "gone": _how(gone)})

    def against(self, kept: Case) -> State:
        """To be stored with the merge."""
        return {"kept": self.kept, "gone": self.gone, "after": _state(kept), "need": self.need}

    def give_back(self, kept: Case, gone: Case, *, since: datetime) -> None:
        """Both as they stood; of the kept one only what nobody has changed since the merge."""
        _write(gone, self.gone)
        now, kept_still = _state(kept), _is_silent(kept, since)
        fields = [f for f in FIELDS if now[f] == self.after[f] and (kept_still or f not in _BY_WORDS)]
        _write(kept, {name: self.kept[name] for name in fields})

    def meet_again(self, kept: Case, gone: Case, *, by: User, at: datetime, via: str, since: datetime) -> None:
        """What was met is met again, by an event of its own: evidence that was taken back does not come back."""
        met = [(gone, self.need["gone"]), (kept, self.need["kept"] if _is_silent(kept, since) else "")]
        for case, how in met:
            if how and case.is_active:
                case.mark_need_met(by=by, how=how, at=at, via=via)


def told(case: Case) -> State:
    """How a case stands, for the event of an undoing, which says all at once."""
    return {name.removesuffix("_id"): value for name, value in _state(case).items() if name != "tags"}


def _state(case: Case) -> State:
    read = {name: getattr(case, name) for name in FIELDS}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in read.items()}


def _write(case: Case, state: State) -> None:
    for name, value in state.items():
        setattr(case, name, parse_datetime(value) if name in _TIMES and value else value)
    if case.assignee is not None and not Queue.objects.visible_to(case.assignee).filter(pk=case.queue_id).exists():
        case.assignee = None  # they work there no more
    case.save(update_fields=[name.removesuffix("_id") for name in state])


def _how(case: Case) -> str:
    return str(case.need_met_event.data.get("how", "")) if case.need_met_event else ""


def _is_silent(case: Case, since: datetime) -> bool:
    """Whether the customer has said nothing since then; what moved away with the undoing is gone by now."""
    words = case.messages.filter(direction=Message.Direction.INBOUND, is_auto=False)
    return not words.filter(created_at__gt=since).exists()
