from django.conf import settings
from django.db import models
from django.utils import timezone

from cases.models.case import Case


class Draft(models.Model):
    """What somebody is writing, saved within seconds, one per author, case and kind."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="drafts")
    case = models.ForeignKey(Case, models.CASCADE, related_name="drafts")
    kind = models.CharField(max_length=10)  # reply, note
    text = models.TextField(blank=True)
    is_answer = models.BooleanField(default=False)
    next_step = models.CharField(max_length=300, blank=True)
    by_when = models.CharField(max_length=60, blank=True)  # as typed
    moves = models.ForeignKey("cases.Promise", models.SET_NULL, null=True, related_name="+", db_index=False)
    written_against = models.BigIntegerField(default=0)  # the case's version it was begun on
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["author", "case", "kind"], name="draft_once")]

    def __str__(self) -> str:
        return f"{self.kind} by {self.author_id}"
