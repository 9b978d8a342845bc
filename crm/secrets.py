"""Secrets at rest and signed links. Keys come from SECRET_KEY; SECRET_KEY_FALLBACKS still open what they closed."""

import base64
import hmac
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


def seal(value: str, *, purpose: str) -> str:
    """26 small letters and digits (130 bits) that only we can put to `value`: for names that mail systems lower-case
    and cut at odd signs. One purpose's seal is no other's."""
    return _seal(settings.SECRET_KEY, value, purpose)


def is_sealed(value: str, mark: str, *, purpose: str) -> bool:
    """Whether `mark` is the seal of `value`, under the present key or an earlier one."""
    ours = [_seal(key, value, purpose) for key in _keys()]
    return any(hmac.compare_digest(one.encode(), mark.encode()) for one in ours)


def _seal(key: str, value: str, purpose: str) -> str:
    digest = hmac.digest(_seal_key(key), f"{purpose}\0{value}".encode(), "sha256")
    return base64.b32encode(digest[:20]).decode()[:26].lower()


@lru_cache(maxsize=4)
def _seal_key(key: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"forefront seals").derive(key.encode())


def _keys() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=4)
def _fernet(*keys: str) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"forefront secrets at rest")
    return base64.urlsafe_b64encode(derive.derive(key.encode()))
