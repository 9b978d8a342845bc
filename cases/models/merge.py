from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from cases.models.case import Case

UNDO_WITHIN = timedelta(hours=24)


class CaseMerge(models.Model):
    """Two cases found to be about one thing: what moved, and how both stood, so that a day's undo gives back just that."""

    kept = models.ForeignKey(Case, models.PROTECT, related_name="merges_in")
    gone = models.ForeignKey(Case, models.PROTECT, related_name="merges_away")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    moved = models.JSONField(default=dict)  # model → keys of the rows that moved
    stood = models.JSONField(default=dict)  # how both stood before and after, by field (cases.merging)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gone"], condition=models.Q(undone_at=None), name="case_merged_once")
        ]

    def __str__(self) -> str:
        return f"{self.gone_id} into {self.kept_id}"


def survivor(case: Case) -> Case:
    """The case a merged one lives on in."""
    seen = set()
    while case.merged_into is not None and case.pk not in seen:
        seen.add(case.pk)
        case = case.merged_into
    return case
