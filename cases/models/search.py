from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from cases.models.case import Case


class CaseSearch(models.Model):
    """One full-text document a case: the folded words of its customer's name, subject and messages, each once and
    without places, written by `cases.search`."""

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="search")
    document = SearchVectorField()

    class Meta:
        indexes = [
            # Without a list of what is pending: a search reads all of it each time, and whoever fills it pays for all.
            GinIndex(fields=["document"], name="case_document", fastupdate=False)
        ]

    def __str__(self) -> str:
        return str(self.case_id)
