"""Whether a person may be disturbed now, by a sound or on their devices: quiet hours, and how they are there."""

import zoneinfo
from datetime import datetime

from cases.models import NotificationSettings, Presence
from cases.models.presence import State
from crm.models import User


def may_disturb(user: User, now: datetime) -> bool:
    """Read with `notification_settings` and `presence` where many are asked about."""
    wants: NotificationSettings = getattr(user, "notification_settings", None) or NotificationSettings(user=user)
    return not is_quiet(wants, now) and not (wants.heeds_presence and _is_taken(getattr(user, "presence", None)))


def is_quiet(wants: NotificationSettings, now: datetime) -> bool:
    """Inside their quiet hours, by the clock on their wall; from 20:00 until 7:00 goes over midnight."""
    begin, end = wants.quiet_from, wants.quiet_until
    if begin is None or end is None or begin == end:
        return False
    wall = now.astimezone(zone(wants)).time()
    return begin <= wall < end if begin < end else wall >= begin or wall < end


def zone(wants: NotificationSettings) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(wants.zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")


def _is_taken(presence: Presence | None) -> bool:
    """Busy or away at their desk. Whose console is gone is reached elsewhere."""
    return presence is not None and presence.lost_at is None and presence.state in {State.BUSY, State.AWAY}
