"""Where our own requests may go: public addresses only, checked once and connected to as checked.

A name is resolved here, every answer is judged, and the caller connects to the address this returned: another answer
a moment later (DNS rebinding) changes nothing. Redirects are the caller's to refuse, or to judge anew (crm.fetching).

Call-backs are set by administrators, who may name hosts of private networks; addresses that strangers wrote are
`foreign`: no setting opens a private network to them, and no port but the web's.
"""

import ipaddress
import socket
import ssl
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from urllib.parse import SplitResult, urlsplit, urlunsplit

import certifi
from django.conf import settings

# Where other addresses hide in an address (translated, tunnelled), and what once was private.
_HIDDEN = [
    ipaddress.ip_network(net)
    for net in (
        "::/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "fec0::/10",
        "192.88.99.0/24",
        "192.0.0.0/24",
    )
]
_WEB_PORTS = {80, 443, 8080, 8443}
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Forbidden(ValueError):
    """An address we do not call; the message says which rule it breaks."""


class Unresolved(OSError):
    """The name has no address at present; it may have one later."""


@dataclass(frozen=True)
class Target:
    """A checked address: connect to `url` (it holds the IP), send `host` as Host header and server name."""

    url: str
    host: str
    name: str


@cache
def authorities() -> ssl.SSLContext:
    """Whom the other side must be certified by. httpx would read them anew for every request, which takes 65 ms."""
    return ssl.create_default_context(cafile=certifi.where())


def target(url: str, *, foreign: bool = False, vouched: Collection[str] = ()) -> Target:
    """Judge an address. Raises Forbidden (never call it) or Unresolved (try later). `vouched`: hosts an administrator
    named for this use, where no rule holds."""
    parts, name, port = _read(url)
    if name.lower() in vouched:
        return _aim(parts, name, _resolve(name, port)[0])
    if foreign and port not in _WEB_PORTS:
        raise Forbidden("This port is not one of the web's.")
    return _aim(parts, name, _public_address(name, port, foreign=foreign))


def _aim(parts: SplitResult, name: str, address: Address) -> Target:
    shown = f"[{address}]" if address.version == 6 else str(address)
    netloc = shown if parts.port is None else f"{shown}:{parts.port}"
    host = parts.netloc.rpartition("@")[2]
    return Target(urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, "")), host, name)


def _read(url: str) -> tuple[SplitResult, str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Forbidden("The call-back address is not a valid URL.") from None
    if parts.scheme not in {"http", "https"}:
        raise Forbidden("A call-back address begins with https:// or http://.")
    if not parts.hostname or parts.username is not None or not parts.hostname.isprintable() or " " in parts.hostname:
        raise Forbidden("A call-back address names a host, and no user or password.")
    return parts, parts.hostname, (443 if parts.scheme == "https" else 80) if port is None else port


def _public_address(name: str, port: int, *, foreign: bool) -> Address:
    addresses = _resolve(name, port)
    if name.lower() in settings.CALLBACK_HOSTS and not foreign:
        return addresses[0]
    for address in addresses:
        if not _may_call(address, foreign=foreign):
            raise Forbidden("The call-back address leads into a private network: name its host in CALLBACK_HOSTS.")
    return addresses[0]


def _resolve(name: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unresolved(f"The call-back host cannot be found: {type(error).__name__}.") from error
    return [ipaddress.ip_address(str(answer[4][0]).partition("%")[0]) for answer in found]


def _may_call(address: Address, *, foreign: bool) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return _may_call(address.ipv4_mapped, foreign=foreign)
    if address.is_loopback:
        return bool(settings.DEBUG or settings.DEMO) and not foreign
    if any(address in net for net in _HIDDEN):
        return False
    return address.is_global and not address.is_multicast
