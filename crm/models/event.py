import uuid

import pgtrigger
from django.conf import settings
from django.db import models

# One change is allowed to a written event: its place in the order, once. Everything else is history.
_ONLY_POS_ONCE = """
IF TG_OP = 'UPDATE' AND OLD.pos IS NULL AND NEW.pos IS NOT NULL
   AND to_jsonb(NEW) - 'pos' = to_jsonb(OLD) - 'pos' THEN
    RETURN NEW;
END IF;
RAISE EXCEPTION 'crm_event is append-only' USING ERRCODE = 'restrict_violation';
"""


class Event(models.Model):
    """Something that happened: timeline, audit, outbox, trigger and measure at once. Written in the change's own
    transaction by `crm.events.record`; numbered (`pos`) by the sequencer after commit; never changed again.

    `data` holds ids, numbers, times and enumerated words only: never a name, an address or a message's text.
    """

    stream = models.CharField(max_length=20)
    stream_id = models.BigIntegerField()
    version = models.BigIntegerField()
    kind = models.CharField(max_length=40)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    via = models.CharField(max_length=40, default="person")  # person, macro, rule, channel, api, import, clock, system
    reason = models.CharField(max_length=60, default="")
    at = models.DateTimeField()
    data = models.JSONField(default=dict)
    pos = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "stream_id", "version"], name="event_version_gapless"),
            models.UniqueConstraint(fields=["pos"], name="event_pos_once"),
        ]
        indexes = [
            models.Index(fields=["id"], name="event_unnumbered", condition=models.Q(pos=None)),
            models.Index(fields=["stream", "kind", "at"], name="event_kind_at"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="append_only",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=_ONLY_POS_ONCE,
            ),
            pgtrigger.Trigger(
                name="no_truncate",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func="RAISE EXCEPTION 'crm_event is append-only' USING ERRCODE = 'restrict_violation';",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.stream_id} v{self.version} {self.kind}"


class Installation(models.Model):
    """The one row that says which life of which database this is. A restore renews the epoch: every cursor goes with it."""

    epoch = models.UUIDField(default=uuid.uuid4)
    created_at = models.DateTimeField(auto_now_add=True)
    # pg_control_system().system_identifier when the epoch was made: another one means the data moved house.
    system_identifier = models.CharField(max_length=40, default="")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_installation")]

    def __str__(self) -> str:
        return str(self.epoch)
