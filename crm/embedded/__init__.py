"""The PostgreSQL inside a wheel: started by whoever needs it first, stopped by the last one out. `docs/database.md`.

Imports nothing of Django, so that the settings may ask where the database is without starting it.
"""

import atexit
import os
import threading
from pathlib import Path
from typing import Any

from crm.embedded import server
from crm.embedded.holding import Hold, hold
from crm.embedded.places import APP, OWNER, PORT, Place, Refused, place_of

__all__ = ["APP", "OWNER", "Hold", "Place", "Refused", "django_database", "hold", "join", "place_of", "revive"]

_joined: dict[tuple[str, int], Hold] = {}
_joining = threading.Lock()


def django_database(var: Path) -> dict[str, Any]:
    """Django's DATABASES entry for the server of this data folder. Starts nothing: the first connection does."""
    place = place_of(var)
    where = {"HOST": str(place.sockets), "PORT": str(PORT), "EMBEDDED": str(var)}
    return {"NAME": APP, "USER": APP, **where, "OWNER": {"USER": OWNER, "PASSWORD": ""}}


def join(var: str) -> Hold:
    """Start or join the server for as long as this process lives. Cheap when already joined.

    A forked child joins for itself: it may outlive its parent.
    """
    key = (var, os.getpid())
    if key not in _joined:
        with _joining:
            if key not in _joined:
                _joined[key] = hold(Path(var))
                atexit.register(_joined[key].release)
    return _joined[key]


def revive(var: str) -> bool:
    """After a failed connection: bring the server up again if nobody answers there. False when it was there all along."""
    place = place_of(Path(var))
    if server.listening(place):
        return False
    join(var).refresh()
    return True
