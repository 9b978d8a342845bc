"""How the reader of a page is there, from what was read with who asks (cases.signing_in)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import desks
from cases.models import Presence, PresenceReason
from cases.models.presence import State
from crm.models import User
from crm.roles import may

register = template.Library()

# What choosing it does, beside its name.
EFFECTS = {
    State.ONLINE: _("new cases may come to you"),
    State.BUSY: _("only what is yours comes back to you"),
    State.AWAY: _("nothing comes to you"),
    State.OFFLINE: _("not at work"),
}


@dataclass(frozen=True)
class Choice:
    """One thing to be; `reason` is empty for the plain states."""

    state: State
    name: str
    effect: Any = ""
    reason: int | None = None
    is_on: bool = False


@register.filter
def presence_of(user: User) -> Presence:
    """Unsaved where nothing is known yet."""
    told = getattr(user, "there", None)
    if told is None:
        return Presence(user=user)
    row = Presence(user=user, state=told["state"], lost_at=told["lost_at"])
    if told["reason"]:
        row.reason = PresenceReason(pk=told["reason"], name=told["word"], state=told["state"])
    return row


@register.filter
def news_of(user: User) -> int:
    """How many cases have something new for them, as it was read with who asks."""
    return getattr(user, "news", None) or 0


@register.filter
def leads(user: User) -> bool:
    """Whether there is a board for them."""
    return may(user, "board.see")


@register.filter
def is_given_cases(user: User) -> bool:
    """Whether any queue gives them cases, as it was read with who asks."""
    return bool(getattr(user, "is_given", False))


def in_hand(user: User, now: datetime) -> str:
    """“3 / 5”: what counts as their load, and how much is given to them at most; empty where no queue gives them any."""
    desk = desks.of(user, now)
    return f"{desk.load} / {max(desk.limits.values())}" if desk else ""


@register.filter
def load(user: User) -> str:
    return in_hand(user, timezone.now()) if is_given_cases(user) else ""


@register.filter
def choices(presence: Presence, user: User) -> list[Choice]:
    """The four states, and under away and busy the company's own reasons."""
    known = getattr(user, "reasons", None)
    offered = PresenceReason.objects.filter(is_active=True).values("pk", "name", "state")
    reasons = offered if known is None else known
    found: list[Choice] = []
    for state in State:
        is_on = presence.shown == state and presence.reason_id is None
        found.append(Choice(state, str(state.label), EFFECTS[state], is_on=is_on))
        for reason in [r for r in reasons if r["state"] == state]:
            is_on = presence.shown == state and presence.reason_id == reason["pk"]
            found.append(Choice(state, reason["name"], reason=reason["pk"], is_on=is_on))
    return found
