"""How often one source may do one thing, counted in PostgreSQL so that every server process knows.

Windows are fixed: `seconds` long, beginning at multiples of it. Sources are kept as keyed digests, for two days at most.
"""

import hashlib
import hmac
import ipaddress
import threading
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from crm.models import LimitCount

_COUNT = """
INSERT INTO crm_limitcount (key, "window", count) VALUES (%s, %s, %s)
ON CONFLICT (key, "window") DO UPDATE SET count = crm_limitcount.count + EXCLUDED.count RETURNING count
"""
KEPT = timedelta(days=2)
_SPENT = -1
# What this process may still allow without asking: the window's begin and how often, by what is limited.
_held: dict[str, tuple[int, int]] = {}
_guard = threading.Lock()


def allow(what: str, source: str, *, limit: int, seconds: int, now: datetime) -> bool:
    """Count one more of `what` by `source`, and say whether it is within `limit` for the window `now` lies in.

    The count is one statement, so however many ask at once exactly `limit` are told yes."""
    began = int(now.timestamp()) // seconds * seconds
    return _count(f"{what}/{seconds}/{source}", began, 1) <= limit


def allow_often(what: str, source: str, *, limit: int, seconds: int, now: datetime) -> bool:
    """As `allow`, for what is asked all the time: a process takes a hundredth of the limit at once, so that of a hundred
    calls one asks the database. Never more than `limit` are told yes in all processes together; what one process took
    and did not need is lost until the next window."""
    began = int(now.timestamp()) // seconds * seconds
    name, share = f"{what}/{seconds}/{source}", max(1, limit // 100)
    if (told := _from_held(name, began)) is not None:
        return told
    over = max(0, _count(name, began, share) - limit)
    got = max(0, share - over)
    with _guard:
        for old in [n for n, (window, _left) in _held.items() if window < began]:
            del _held[old]
        left = max(0, _held.get(name, (began, 0))[1])  # what others took while we asked
        _held[name] = (began, left + max(0, got - 1) if got or left else _SPENT)
    return got > 0


def _from_held(name: str, began: int) -> bool | None:
    """What is decided without asking; None when this process has to ask."""
    with _guard:
        window, left = _held.get(name, (0, 0))
        if window != began or left == 0:
            return None
        if left != _SPENT:
            _held[name] = (began, left - 1)
        return left != _SPENT


def _count(name: str, began: int, amount: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [_key(name), datetime.fromtimestamp(began, UTC), amount])
        (count,) = cursor.fetchone()
    return int(count)


def network_of(request: HttpRequest) -> str:
    """Where a request comes from, as limits count it: the IPv4 address, or the /64 an IPv6 address lies in.

    X-Forwarded-For is believed only as far as PROXY_COUNT proxies of ours wrote it, counted from its end."""
    try:
        address = ipaddress.ip_address(_address(request))
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def forget(now: datetime) -> int:
    """Sweep: counts of windows long past."""
    return LimitCount.objects.filter(window__lt=now - KEPT).delete()[0]


def _address(request: HttpRequest) -> str:
    direct = str(request.META.get("REMOTE_ADDR", ""))
    proxies = settings.AXES_IPWARE_PROXY_COUNT
    told = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    return told[-proxies] if 0 < proxies <= len(told) and told[-proxies] else direct


def _key(text: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
