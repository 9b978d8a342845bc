from django.db import models
from django.utils import timezone

from cases.models.case import Case


class StatusPage(models.Model):
    """The customer's page of a case, where its links were ever called back: those of an earlier `generation` are void."""

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="status_page")
    generation = models.PositiveIntegerField(default=0)
    revoked_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"status page of case {self.case_id}"
