"""Secrets at rest and signed links. Keys come from SECRET_KEY; SECRET_KEY_FALLBACKS still open what they closed."""

import base64
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core import signing


class Unreadable(ValueError):
    """Not made by this installation's keys, changed on the way, or too old."""


def encrypt(text: str) -> str:
    """Close `text` with the present key. The answer is printable and different every time."""
    return _fernet(*_keys()).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Open what `encrypt` closed under the present key or an earlier one; raises Unreadable."""
    try:
        return _fernet(*_keys()).decrypt(token.encode()).decode()
    except (InvalidToken, UnicodeError) as error:
        raise Unreadable("this secret was closed with another SECRET_KEY") from error


def sign(value: Any, *, purpose: str) -> str:
    """A token for a link, carrying `value` (JSON) readable but unforgeable. One purpose's token opens no other's."""
    return signing.dumps(value, salt=f"forefront.{purpose}")


def unsign(token: str, *, purpose: str, max_age: int | None = None) -> Any:
    """The value of a token made for `purpose` at most `max_age` seconds ago; raises Unreadable."""
    try:
        return signing.loads(token, salt=f"forefront.{purpose}", max_age=max_age)
    except (signing.BadSignature, ValueError) as error:
        raise Unreadable("this link is not valid, or not any more") from error


def _keys() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=4)
def _fernet(*keys: str) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"forefront secrets at rest")
    return base64.urlsafe_b64encode(derive.derive(key.encode()))
