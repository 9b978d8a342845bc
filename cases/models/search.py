from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from cases.models.case import Case


class CaseSearch(models.Model):
    """One full-text document a case: the folded words of its subject and messages. `queue_id` and `opened_at` are
    copied so that the newest one may see are found without a join."""

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="search")
    document = SearchVectorField()

    class Meta:
        indexes = [GinIndex(fields=["document"], name="case_document")]

    def __str__(self) -> str:
        return str(self.case_id)
