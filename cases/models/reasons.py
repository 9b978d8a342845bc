"""Why somebody is told of something, in the order in which it needs them, and by which ways they hear unless they chose
others."""

from collections.abc import Mapping, Sequence

from django.db import models
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    """The first need somebody most: their order is the order of the panel."""

    DELIVERY_FAILED = "delivery_failed", _("What I wrote did not arrive")
    PROMISE_BROKEN = "promise_broken", _("A promise of mine was not kept")
    SLA_BREACHED = "sla_breached", _("A service time of mine has run out")
    PROMISE_SOON = "promise_soon", _("A promise of mine is soon due")
    SLA_WARNED = "sla_warned", _("A service time of mine runs out soon")
    APPROVAL = "approval", _("Somebody asks me to approve a remedy")
    REMINDER = "reminder", _("A reminder")
    MENTION = "mention", _("Somebody names me in a note")
    WHISPER = "whisper", _("A whisper to me")
    ASSIGNED = "assigned", _("A case is given to me")
    CUSTOMER_WROTE = "customer_wrote", _("The customer writes in a case of mine")
    UNSOLVED = "unsolved", _("The customer says a case of mine is not solved")
    ASIDE = "side_answered", _("Somebody I asked beside a case answers")
    DECIDED = "decided", _("A remedy I asked for is decided")
    REOPENED = "reopened", _("A case of mine is open again")
    WOKEN = "woken", _("A case of mine wakes up")
    TOLD = "told", _("A rule has me told")
    NOTE = "note", _("A colleague notes something in a case of mine")
    TAKEN = "taken", _("A case of mine goes to somebody else")
    MERGED = "merged", _("A case of mine is merged, or no longer")
    FOLLOWING = "following", _("Something happens in a case I follow")


class Way(models.TextChoices):
    """How one hears of it. The panel is the first: who wants nothing in it is not told at all."""

    PANEL = "panel", _("console")
    SOUND = "sound", _("sound")
    PUSH = "push", _("devices")
    MAIL = "mail", _("mail")


NEEDS_ME = frozenset(list(Reason)[: list(Reason).index(Reason.TOLD)])
LOUD = frozenset({Reason.MENTION, Reason.WHISPER, Reason.ASSIGNED})  # heard even of a case one has muted
_EVERY = (Way.PANEL, Way.SOUND, Way.PUSH, Way.MAIL)
_UNTIL_CHOSEN: Mapping[str, Sequence[Way]] = {
    Reason.DELIVERY_FAILED: _EVERY,
    Reason.PROMISE_BROKEN: (Way.PANEL, Way.PUSH, Way.MAIL),
    Reason.SLA_BREACHED: (Way.PANEL, Way.PUSH, Way.MAIL),
    Reason.PROMISE_SOON: _EVERY,
    Reason.SLA_WARNED: (Way.PANEL, Way.SOUND),
    Reason.APPROVAL: _EVERY,
    Reason.REMINDER: _EVERY,
    Reason.MENTION: _EVERY,
    Reason.WHISPER: _EVERY,
    Reason.ASSIGNED: _EVERY,
    Reason.DECIDED: (Way.PANEL, Way.SOUND, Way.PUSH, Way.MAIL),
    Reason.CUSTOMER_WROTE: (Way.PANEL, Way.SOUND, Way.PUSH, Way.MAIL),
    Reason.UNSOLVED: (Way.PANEL, Way.SOUND, Way.PUSH, Way.MAIL),
    Reason.ASIDE: (Way.PANEL, Way.SOUND, Way.PUSH, Way.MAIL),
    Reason.REOPENED: (Way.PANEL, Way.MAIL),
}


def ways(reason: str, chosen: Mapping[str, Sequence[str]]) -> list[str]:
    """The ways a person hears for this reason: as they chose, else as the house does. Without the panel, none."""
    found = list(chosen.get(reason, usual(reason)))
    return found if Way.PANEL in found else []


def usual(reason: str) -> list[str]:
    """As the house does, until somebody chooses."""
    return [way.value for way in _UNTIL_CHOSEN.get(reason, (Way.PANEL,))]


def weight(reason: str) -> int:
    """How soon it needs them: smaller is sooner."""
    return _WEIGHTS.get(reason, len(_WEIGHTS))


_WEIGHTS = {str(reason): place for place, reason in enumerate(Reason)}
