"""Over a colleague's shoulder: who joined a case of somebody else's, and what who leads whispers to whoever has it."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from cases.models.case import Case
from crm.events import record
from crm.models import Event, User


class CaseHelper(models.Model):
    """Somebody joined a case of a colleague's: both write in it, and everybody sees that they do."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="helpers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "user"], name="case_helper_once")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.case_id}"


class Whisper(models.Model):
    """A word between whoever works on a case and who leads them. It is no message: it has no way to a customer, stands
    outside of the thread, its search, its events and its version, and only those two and who leads the queue read it."""

    stream = "whisper"

    case = models.ForeignKey(Case, models.CASCADE, related_name="whispers")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    to = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    heard_at = models.DateTimeField(null=True)  # when whom it is for said that they have read it
    version = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"whisper {self.pk} to {self.to_id}"

    def record(self, kind: str, *, by: User | None, **data: Any) -> Event:
        return record(self, kind, by=by, **data)
