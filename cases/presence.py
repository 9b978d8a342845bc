"""Who is there: what open consoles, working hours and silence say about it. Each sweep is safe to run twice at once."""

from collections.abc import Mapping
from datetime import datetime

from django.db import connection, transaction

from cases.models import Presence
from cases.models.presence import GRACE, State
from crm.live.presence import people_here
from crm.models import User

BATCH = 100

# Rows somebody holds just now are left to the next turn: nobody here waits for a router, nor two servers for each other.
_HEARD = """
WITH heard AS (SELECT * FROM unnest(%s::bigint[], %s::float8[]) AS t(user_id, age)),
     free AS (SELECT p.id FROM cases_presence p JOIN heard USING (user_id) ORDER BY p.id FOR NO KEY UPDATE OF p SKIP LOCKED)
UPDATE cases_presence p SET seen_at = now() - make_interval(secs => heard.age)
  FROM heard, free WHERE p.user_id = heard.user_id AND p.id = free.id
RETURNING p.id, p.lost_at IS NOT NULL
"""


@people_here.register
def heard(ages: Mapping[int, float]) -> None:
    """These people's consoles are open, and were heard so many seconds ago. Whoever is new here comes online with it;
    whoever was lost is again what they were."""
    with connection.cursor() as cursor:
        cursor.execute(_HEARD, [list(ages), list(ages.values())])
        rows = cursor.fetchall()
        cursor.execute("SELECT now()")
        now = cursor.fetchone()[0]
    for row in Presence.objects.filter(pk__in=[pk for pk, is_lost in rows if is_lost]):
        row.find_again(at=now)
    if len(rows) < len(ages):
        for user in User.objects.filter(pk__in=list(ages), presence=None):
            Presence.objects.of(user).come(at=now)


def sweep(now: datetime) -> int:
    """The silent are lost, and working hours begin and end. Silence is measured by the database's clock, which wrote when
    they were heard: a server whose clock jumps sends nobody home."""
    return lose_silent() + keep_hours(now)


def lose_silent() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now = cursor.fetchone()[0]
    silent = Presence.objects.connected().exclude(state=State.OFFLINE).filter(seen_at__lt=now - GRACE).order_by("pk")
    with transaction.atomic():
        rows = list(silent.select_for_update(skip_locked=True, no_key=True)[:BATCH])
        for row in rows:
            row.lose(at=now)
    return len(rows)


def keep_hours(now: datetime) -> int:
    """Those whose hours say something else than when they were last asked."""
    rows = Presence.objects.exclude(calendar=None, in_hours=None).select_related("calendar__current")
    differing = [row for row in rows.order_by("pk") if _hours(row, now) != row.in_hours]
    return sum(row.keep_hours(at=now) for row in differing[:BATCH])


def _hours(row: Presence, now: datetime) -> bool | None:
    version = row.calendar.current if row.calendar else None
    return version.open_hours.is_open(now) if version else None
