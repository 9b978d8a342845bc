"""API sign-in: bearer tokens whose sha256 is looked up, and the console's own session."""

from rest_framework.authentication import BaseAuthentication, SessionAuthentication


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer ff_…`."""

    def authenticate(self, request: object) -> None:
        return None


class ConsoleSession(SessionAuthentication):
    """The signed-in console, CSRF checked."""
