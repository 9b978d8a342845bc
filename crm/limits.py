"""How often one source may do one thing, counted in PostgreSQL so that every server process knows.

Windows are fixed: `seconds` long, beginning at multiples of it. Sources are kept as keyed digests, for two days at most.
"""

import hashlib
import hmac
import ipaddress
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from crm.models import LimitCount

_COUNT = """
INSERT INTO crm_limitcount (key, "window", count) VALUES (%s, %s, 1)
ON CONFLICT (key, "window") DO UPDATE SET count = crm_limitcount.count + 1 RETURNING count
"""
KEPT = timedelta(days=2)


def allow(what: str, source: str, *, limit: int, seconds: int, now: datetime) -> bool:
    """Count one more of `what` by `source`, and say whether it is within `limit` for the window `now` lies in.

    The count is one statement, so however many ask at once exactly `limit` are told yes."""
    began = int(now.timestamp()) // seconds * seconds
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [_key(f"{what}/{seconds}/{source}"), datetime.fromtimestamp(began, UTC)])
        (count,) = cursor.fetchone()
    return int(count) <= limit


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
