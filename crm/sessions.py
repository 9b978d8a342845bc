"""Sessions as Django keeps them in the database. What every request asks first is put together once."""

from datetime import datetime
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from crm.database.prepared import Prepared


def _asked(key: str, now: datetime) -> Any:
    return Session.objects.filter(session_key=key, expire_date__gt=now)


_OPEN = Prepared(_asked, str, datetime)


class SessionStore(db.SessionStore):
    """The name is part of what sessions are signed with: under it those of before stay valid."""

    def _get_session_from_db(self) -> Session | None:
        found: Session | None = _OPEN.first(self.session_key, timezone.now()) if self.session_key else None
        if found is None:
            self._session_key = None
        return found
