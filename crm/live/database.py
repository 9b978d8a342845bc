"""Connections of the live layer's own: outside Django's pool, because LISTEN and session locks belong to a session."""

from typing import Any

from django.db import connections

from crm import embedded

WAKE_CHANNEL = "forefront_events"  # a transaction with events has committed
LIVE_CHANNEL = "forefront_live"  # events have been numbered


def parameters(purpose: str) -> dict[str, Any]:
    """Keyword arguments of psycopg.connect for Django's default database. A peer that fell silent is noticed in 10 s.
    Where the embedded server is used, it is up when this returns: it may take the seconds of a recovery."""
    if var := connections["default"].settings_dict.get("EMBEDDED"):
        embedded.join(var)
        embedded.revive(var)
    theirs = connections["default"].get_connection_params()
    skipped = {"cursor_factory", "context", "prepare_threshold", "pool"}
    kept = {name: value for name, value in theirs.items() if name not in skipped}
    quick = {"connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
    return {**quick, "tcp_user_timeout": 10_000, **kept, "application_name": f"forefront {purpose}", "autocommit": True}
