"""By which columns cases are found, one index for each question a screen asks."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models

from cases import transitions

INDEXES: list[models.Index] = [
    # Lists and counts of a queue read these alone: nothing grows with the cases that are done with.
    models.Index(
        fields=["queue", "attention_at", "waiting_since", "id"],
        name="case_queue_order",
        include=["assignee", "snoozed_until", "promise_due_at"],
        condition=models.Q(status__in=transitions.ACTIVE),
    ),
    models.Index(
        fields=["assignee", "queue", "attention_at", "waiting_since", "id"],
        name="case_mine",
        condition=models.Q(status__in=transitions.ACTIVE),
    ),
    models.Index(
        fields=["queue", "attention_at", "waiting_since", "id"],
        name="case_free",
        include=["snoozed_until"],
        condition=models.Q(status__in=transitions.ACTIVE, assignee=None),
    ),
    models.Index(
        fields=["queue", "attention_at", "waiting_since", "id"],
        name="case_promised",
        condition=models.Q(status__in=transitions.ACTIVE, promise_due_at__isnull=False),
    ),
    models.Index(
        fields=["queue", "waiting_since", "id"],
        name="case_to_claim",
        condition=models.Q(status__in=transitions.ACTIVE, assignee=None),
    ),
    models.Index(fields=["queue", "-opened_at"], name="case_queue_newest"),
    models.Index(fields=["customer", "-opened_at"], name="case_customer"),
    models.Index(fields=["disposition", "id"], name="case_disposition", condition=models.Q(disposition__isnull=False)),
    models.Index(fields=["cause", "id"], name="case_cause", condition=models.Q(cause__isnull=False)),
    models.Index(fields=["snoozed_until"], name="case_wake", condition=models.Q(snoozed_until__isnull=False)),
    models.Index(fields=["resolved_at"], name="case_close", condition=models.Q(status="resolved")),
    GinIndex(fields=["tags"], name="case_tags", fastupdate=False),
]
