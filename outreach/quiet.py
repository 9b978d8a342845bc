"""Quiet hours: from 22 to 8 by the customer's own clock no machine of ours rings."""

import zoneinfo
from datetime import UTC, datetime, time, timedelta

BEGIN, END = time(22), time(8)


def over_at(tz: str, at: datetime) -> datetime | None:
    """When the quiet hours `at` lies in are over, in UTC; None when it lies in none. A zone nobody knows counts as UTC.

    The hour is the wall clock's, so a night in which clocks are changed is an hour longer or shorter."""
    zone = _zone(tz)
    local = at.astimezone(zone)
    if END <= local.time() < BEGIN:
        return None
    morning = local.date() + timedelta(days=1 if local.time() >= BEGIN else 0)
    return datetime.combine(morning, END, tzinfo=zone).astimezone(UTC)


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return zoneinfo.ZoneInfo("UTC")
