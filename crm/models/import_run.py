from django.db import models
from django.utils import timezone


class ImportRun(models.Model):
    """How far the import of one file has come: it commits with the lines it counts, so that after any crash it says
    exactly which lines are in."""

    digest = models.CharField(max_length=64, unique=True)  # sha256 of the source's name and the file's content
    source = models.CharField(max_length=40)
    line = models.BigIntegerField(default=0)  # lines done
    offset = models.BigIntegerField(default=0)  # bytes done
    counts = models.JSONField(default=dict)  # {type: {created, updated, unchanged, failed}}
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.source} {self.digest[:12]} line {self.line}"
