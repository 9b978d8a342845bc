from django.db import models
from django.utils import timezone


class SentMail(models.Model):
    """A mail the demo's own mail server took in, so that nothing ever leaves a demo and all of it can be seen."""

    sender = models.CharField(max_length=320)
    recipients = models.JSONField(default=list)
    subject = models.CharField(max_length=998, default="")
    text = models.TextField(default="")
    message_id = models.CharField(max_length=255, default="", db_index=True)  # not unique: a double must be seen
    raw = models.BinaryField()
    received_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.message_id
