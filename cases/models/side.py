"""What is said about a case to somebody who is not its customer: a supplier, an engineer, a colleague elsewhere. It has a
thread, recipients and a way back of its own; nothing of it is a Message, so nothing that shows a customer their messages
can show it."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.message import random_token
from crm.models import StoredFile

if TYPE_CHECKING:
    from cases.models.case import Case

SOURCE = "side"  # of the dispatches that carry it


class SideTalk(models.Model):
    """One conversation beside a case."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waits for them")
        ANSWERED = "answered", _("they answered")
        DONE = "done", _("done")

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="side_talks")
    subject = models.CharField(_("subject"), max_length=200)
    to = models.CharField(_("to"), max_length=300)  # how those it is with are called
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-last_at", "-pk"]

    def __str__(self) -> str:
        return self.to


class SideRecipient(models.Model):
    """One address it goes to."""

    talk = models.ForeignKey(SideTalk, models.CASCADE, related_name="recipients")
    address = models.CharField(max_length=320)
    name = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["talk", "address"], name="side_recipient_once")]

    def __str__(self) -> str:
        return self.name or self.address


class SideMessage(models.Model):
    """One utterance of it: ours, sent by dispatches of its own, or theirs."""

    talk = models.ForeignKey(SideTalk, models.PROTECT, related_name="messages")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    sender_name = models.CharField(max_length=200, blank=True)  # of theirs
    sender_address = models.CharField(max_length=320, blank=True)
    text = models.TextField()
    quoted = models.TextField(blank=True)  # what of the case's thread was passed on with ours
    at = models.DateTimeField(default=timezone.now)
    is_auto = models.BooleanField(default=False)  # a machine wrote it: it answers nothing
    flags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    mail_id = models.CharField(max_length=998, blank=True)
    external_id = models.CharField(max_length=64, null=True, unique=True)  # which mail this is, so that it comes once
    taken_back_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"side message {self.pk}"

    @property
    def case(self) -> "Case":
        return self.talk.case

    @property
    def is_ours(self) -> bool:
        return self.author_id is not None


class SideFile(models.Model):
    """A file that came or went with it; reached by its random token, by who may see the case."""

    message = models.ForeignKey(SideMessage, models.PROTECT, related_name="files")
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+")
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=120)
    size = models.BigIntegerField()
    token = models.CharField(max_length=40, unique=True, default=random_token)

    def __str__(self) -> str:
        return self.name
