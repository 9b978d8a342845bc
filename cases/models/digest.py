from django.conf import settings
from django.db import models
from django.utils import timezone

from cases.models.dispatch import Dispatch


class Digest(models.Model):
    """One mail that gathers what is new for a person; at most one for each of their times (`slot`), whoever dies."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="digests")
    slot = models.DateTimeField()
    dispatch = models.OneToOneField(Dispatch, models.PROTECT, null=True, related_name="digest")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "slot"], name="digest_once_a_slot")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.slot}"
