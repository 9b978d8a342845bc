from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.case import Case
from cases.models.queue import Queue

UNDO_WITHIN = timedelta(hours=24)


class Bulk(models.Model):
    """One change of many cases that a person asked for at once: what, to which, and how far it has come. Each case is a
    row of its own, done exactly once; a lock is the lease, and ends with whoever held it."""

    class State(models.TextChoices):
        RUNNING = "running", _("under way")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("stopped")
        UNDOING = "undoing", _("being undone")
        UNDONE = "undone", _("undone")

    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=20)  # a name of cases.bulk_actions
    given = models.JSONField(default=dict)  # what the action was given: ids, tags, a time
    queue = models.ForeignKey(Queue, models.PROTECT, null=True, related_name="+")  # whose list they were chosen in
    total = models.PositiveIntegerField(default=0)
    missing = models.PositiveIntegerField(default=0)  # chosen, but not to be seen (any more) when it began
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    finished_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="bulk_under_way", condition=models.Q(state__in=["running", "undoing"])),
            models.Index(fields=["by", "-id"], name="bulk_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.total}"

    @property
    def is_under_way(self) -> bool:
        return self.state in {self.State.RUNNING, self.State.UNDOING}


class BulkRow(models.Model):
    """One case of a change: how it stood, what came of it, and why not."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waits")
        DONE = "done", _("done")
        SKIPPED = "skipped", _("left out")
        UNDONE = "undone", _("undone")
        KEPT = "kept", _("not undone")

    bulk = models.ForeignKey(Bulk, models.CASCADE, related_name="rows")
    case = models.ForeignKey(Case, models.PROTECT, related_name="+")
    seen = models.BigIntegerField()  # the case's version when it was chosen
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    why = models.CharField(max_length=300, blank=True)  # in words, in the person's language
    stood = models.JSONField(default=dict)  # the changed fields as they were
    version = models.BigIntegerField(null=True)  # the case's, after the change

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bulk", "case"], name="bulk_case_once")]
        indexes = [models.Index(fields=["bulk", "state", "id"], name="bulk_rows_by_state")]

    def __str__(self) -> str:
        return f"{self.case_id}: {self.state}"
