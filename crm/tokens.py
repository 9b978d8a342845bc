"""API sign-in: bearer tokens whose sha256 is looked up, and the console's own session."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from crm.models import ApiToken, User

# What a token may be narrowed to. Without a scope it may do all its user may.
SCOPES = {
    "read": "look at everything the user may see",
    "write": "open, answer and change cases and customers",
    "events": "follow the event log",
    "settings": "change queues, calendars, service levels and articles",
    "import": "say that something happened in the past",
}
_SEEN_EVERY = timedelta(minutes=1)


def issue(user: User, scopes: Iterable[str] = ()) -> tuple[str, ApiToken]:
    """A new token: its text, which is shown once and never kept, and its row. Raises ValueError for unknown scopes."""
    wanted = sorted(set(scopes))
    if unknown := [s for s in wanted if s not in SCOPES]:
        raise ValueError(_("There is no scope %(names)s.") % {"names": ", ".join(unknown)})
    text = f"ff_{secrets.token_urlsafe(32)}"
    row = ApiToken.objects.create(user=user, digest=_digest(text), prefix=text[:9], scopes=wanted)
    return text, row


def find(text: str) -> ApiToken | None:
    """The row of a token that still counts, whoever's account it is."""
    return ApiToken.objects.select_related("user").filter(digest=_digest(text), revoked_at=None).first()


def may(user: User, token: ApiToken | None, scope: str) -> bool:
    """Does this call carry the scope? Unscoped tokens and console sessions carry all the user may; dating something in
    the past without being told so by a scope is the administrators'."""
    if token is None or not token.scopes:
        return scope != "import" or user.is_administrator
    return scope in token.scopes


def touch(token: ApiToken, now: datetime) -> None:
    """Remember the use, at most once a minute, by compare-and-swap."""
    if token.used_at is None or token.used_at < now - _SEEN_EVERY:
        stale = ApiToken.objects.filter(Q(used_at=None) | Q(used_at__lt=now - _SEEN_EVERY), pk=token.pk)
        stale.update(used_at=now)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer ff_…`."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        words = get_authorization_header(request).decode("latin-1").split()
        if not words or words[0].lower() != "bearer":
            return None
        token = find(words[1]) if len(words) == 2 else None
        if token is None or not token.user.is_active:
            raise AuthenticationFailed(_("This token is not valid: it is unknown, revoked or its user is disabled."))
        touch(token, timezone.now())
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="forefront"'


class ConsoleSession(SessionAuthentication):
    """The signed-in console, CSRF checked."""


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document names the bearer token."""

    target_class = "crm.tokens.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token of `manage.py token USER`, `ff_…`."}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document names the console's session."""

    target_class = "crm.tokens.ConsoleSession"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        from django.conf import settings

        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
