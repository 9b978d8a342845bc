"""An access token for a mailbox, by OAuth 2: a refresh token somebody consented to once (RFC 6749, 6), or, without one,
the application's own credentials (RFC 6749, 4.4)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from cases.mail.imap import Trouble
from crm import outbound

TIMEOUT = httpx.Timeout(15, connect=5)
LONGEST = timedelta(days=1)  # whatever the other side says: asked again once a day at least


@dataclass(frozen=True)
class Grant:
    """What the token address is asked with."""

    token_url: str
    client_id: str
    client_secret: str
    refresh_token: str
    scope: str


@dataclass(frozen=True)
class Token:
    """What it gave: how long it holds, and a new refresh token where it rotates them ("" where it does not)."""

    access_token: str
    holds: timedelta
    refresh_token: str


def ask(grant: Grant) -> Token:
    """A fresh token. Raises Trouble: `token` when the other side says no, `token_server` when it does not answer."""
    try:
        target = outbound.target(grant.token_url)
        with httpx.Client(
            timeout=TIMEOUT, verify=outbound.authorities(), trust_env=False, follow_redirects=False
        ) as client:
            answer = client.post(
                target.url,
                data=_form(grant),
                headers={"host": target.host, "accept": "application/json"},
                extensions={"sni_hostname": target.name},
            )
    except outbound.Forbidden as error:
        raise Trouble("token_address", error) from error
    except (httpx.HTTPError, outbound.Unresolved) as error:
        raise Trouble("token_server", type(error).__name__) from error
    return _read(answer)


def _form(grant: Grant) -> dict[str, str]:
    kind = "refresh_token" if grant.refresh_token else "client_credentials"
    form = {
        "grant_type": kind,
        "client_id": grant.client_id,
        "client_secret": grant.client_secret,
        "refresh_token": grant.refresh_token,
        "scope": grant.scope,
    }
    return {name: value for name, value in form.items() if value}


def _read(answer: httpx.Response) -> Token:
    told = _document(answer)
    if answer.status_code >= 500:
        raise Trouble("token_server", f"status {answer.status_code}")
    token, refresh = told.get("access_token"), told.get("refresh_token")
    if answer.status_code != 200 or not isinstance(token, str) or not token:
        raise Trouble("token", told.get("error") or f"status {answer.status_code}")
    return Token(token, _holds(told.get("expires_in")), refresh if isinstance(refresh, str) else "")


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _holds(seconds: object) -> timedelta:
    """Without a word of how long: an hour, which is the custom."""
    try:
        return min(timedelta(seconds=max(0, int(str(seconds)))), LONGEST)
    except (ValueError, OverflowError):
        return timedelta(hours=1)
