import json
from typing import Any

from django.conf import settings
from django.db import connection, models
from django.utils import timezone


class ApiToken(models.Model):
    """A bearer token: only its sha256 is kept (256 random bits need no slow hash), so a call pays no password hash."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=12)
    scopes = models.JSONField(default=list)  # empty: all the user may
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.prefix}…"


class CommandKey(models.Model):
    """One client command id and what it answered, kept 7 days: a repeated POST has one effect (docs/api.md)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=120)
    fingerprint = models.CharField(max_length=64)  # sha256 of method, path and body
    status = models.PositiveSmallIntegerField(null=True)  # empty: still running
    response = models.JSONField(null=True)
    lease_until = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="command_key_once")]
        indexes = [models.Index(fields=["created_at"], name="command_key_age")]

    def __str__(self) -> str:
        return self.key


class Heartbeat(models.Model):
    """When a part of the house was last alive: sequencer, keeper, each worker group's canary."""

    name = models.CharField(max_length=80, unique=True)
    at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def beat(cls, name: str, **detail: Any) -> None:
        """Alive now, by the database's clock, so that hosts whose clocks differ or jump agree."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO crm_heartbeat (name, at, detail) VALUES (%s, clock_timestamp(), %s)"
                " ON CONFLICT (name) DO UPDATE SET at = excluded.at, detail = excluded.detail",
                [name, json.dumps(detail)],
            )

    @classmethod
    def ages(cls, prefix: str = "") -> dict[str, float]:
        """Seconds since each part whose name starts with `prefix` was last alive, by the database's clock."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name, extract(epoch FROM clock_timestamp() - at)::float FROM crm_heartbeat"
                " WHERE starts_with(name, %s)",
                [prefix],
            )
            return dict(cursor.fetchall())


class Presence(models.Model):
    """Who has a topic open, looks at it or types in it, per socket; gone when its time is up. Unlogged (migration)."""

    socket = models.CharField(max_length=64)
    topic = models.CharField(max_length=60)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_constraint=False)
    state = models.CharField(max_length=10)  # open, viewing, typing
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["socket", "topic"], name="presence_socket_topic")]
        indexes = [models.Index(fields=["topic", "expires_at"], name="presence_topic")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.state} {self.topic}"
