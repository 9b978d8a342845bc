"""Who may still be here: one cheap look a second for all sockets of a process, a real check for those it concerns."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.utils.crypto import constant_time_compare

from crm.live import topics
from crm.models import User

_LOOK = """
SELECT (SELECT epoch::text FROM crm_installation),
       (SELECT COALESCE(json_object_agg(id, rights_version), '{}') FROM crm_user WHERE id = ANY(%s) AND is_active),
       ARRAY(SELECT session_key FROM django_session WHERE session_key = ANY(%s) AND expire_date > now())
"""


@dataclass(frozen=True)
class Standing:
    """What the database says now: its epoch, the rights version of each active user, the sessions that live."""

    epoch: str
    versions: dict[int, int]
    sessions: set[str]


def look(user_ids: Iterable[int], session_keys: Iterable[str]) -> Standing:
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, [list(user_ids), list(session_keys)])
        epoch, versions, sessions = cursor.fetchone()
    known: dict[str, int] = json.loads(versions) if isinstance(versions, str) else versions
    return Standing(epoch, {int(user): version for user, version in known.items()}, set(sessions))


def signed_in(session_key: str) -> User | None:
    """Whose session this is, if it still is one: active, and under the present password."""
    session = SessionStore(session_key)
    user = User.objects.filter(pk=session.get(SESSION_KEY) or 0, is_active=True).first()
    held = session.get(HASH_SESSION_KEY, "")
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()) if user else ()
    return user if any(constant_time_compare(held, known) for known in hashes) else None


def keeps(session_key: str, watched: Iterable[str]) -> set[str] | None:
    """Those of the watched topics that remain, or None when the person is signed out."""
    user = signed_in(session_key)
    return None if user is None else topics.allowed(user, watched)
