from django.conf import settings
from django.db import models
from django.utils import timezone

from customers.models.customer import Customer


class Merge(models.Model):
    """Two records found to be one person. Its MergedRows say exactly which rows moved, so undo moves exactly those."""

    kept = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    gone = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gone"], condition=models.Q(undone_at=None), name="merged_once")]

    def __str__(self) -> str:
        return f"{self.gone_id} into {self.kept_id}"


class MergedRows(models.Model):
    """The rows of one table that a merge moved."""

    merge = models.ForeignKey(Merge, models.CASCADE, related_name="moved")
    table = models.CharField(max_length=80)  # app_label.Model.field
    ids = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.table}: {len(self.ids)}"
