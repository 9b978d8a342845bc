from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.beside import Contact
from cases.models.case import Case
from cases.models.dispatch import Dispatch
from cases.models.message import Message
from cases.models.promise import Promise
from cases.models.queue import Queue


class Acknowledgement(models.Model):
    """What a customer was told when a contact of theirs began: that it arrived, what happens next, and by when.

    `inputs` holds the numbers the time came from; `share` and `met`, once known, teach the queue's next times."""

    class Basis(models.TextChoices):
        PACE = "pace", _("usual pace")
        TARGET = "target", _("service time")
        PROMISE = "promise", _("promised before")  # a further word, while a first answer is still owed
        NONE = "none", _("no time")

    contact = models.OneToOneField(Contact, models.PROTECT, related_name="acknowledgement")
    case = models.ForeignKey(Case, models.PROTECT, related_name="acknowledgements")
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="+", db_index=False)
    message = models.ForeignKey(Message, models.PROTECT, related_name="+", db_index=False)  # the word it answers
    promise = models.ForeignKey(Promise, models.PROTECT, null=True, related_name="acknowledgements")
    dispatch = models.OneToOneField(Dispatch, models.PROTECT, null=True, related_name="acknowledgement")
    reason = models.CharField(max_length=40, blank=True)  # why nothing was sent, enumerated
    is_neutral = models.BooleanField(default=True)  # holds nothing the sender wrote
    is_further = models.BooleanField(default=False)  # the case had been answered, or acknowledged, before
    at = models.DateTimeField(default=timezone.now)
    expected_at = models.DateTimeField(null=True)
    basis = models.CharField(max_length=10, choices=Basis.choices, default=Basis.NONE)
    inputs = models.JSONField(default=dict)
    case_version = models.BigIntegerField(default=0)  # the case's version its event carries
    # Keyed digests, by which limits count: the mailbox (spelt in one way) and its domain.
    mailbox = models.CharField(max_length=64, blank=True)
    domain = models.CharField(max_length=64, blank=True)
    answered_at = models.DateTimeField(null=True)
    share = models.FloatField(null=True)  # of the work foreseen, what it took until the answer
    met = models.BooleanField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["queue", "-expected_at"], name="ack_learned", condition=models.Q(basis="pace")),
            models.Index(fields=["mailbox", "at"], name="ack_mailbox", condition=models.Q(dispatch__isnull=False)),
            models.Index(fields=["domain", "at"], name="ack_domain", condition=models.Q(dispatch__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"acknowledgement {self.pk}"


class QueuePace(models.Model):
    """How a queue works at present, as the keeper measured it last; what `cases.pace` computes with."""

    queue = models.OneToOneField(Queue, models.CASCADE, related_name="pace")
    overall = models.FloatField(null=True)  # answers a busy person-hour; empty while the past is too thin
    rate = models.JSONField(default=dict)  # the same by kind of hour ("0:14" is a workday at two)
    usual = models.JSONField(default=dict)  # people at work, by hour of the week ("3:9" is Thursday at nine)
    factors = models.JSONField(default=dict)  # by crowd, learned from times that were met and missed
    people = models.FloatField(default=0.0)  # at work now
    sampled_at = models.DateTimeField(null=True)
    measured_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"pace of {self.queue_id}"


class PaceHour(models.Model):
    """One hour of a queue: what `QueuePace` is measured from. Sums over `samples`, one a minute; gone after ten weeks."""

    queue = models.ForeignKey(Queue, models.CASCADE, related_name="+", db_index=False)
    began = models.DateTimeField()
    answers = models.PositiveIntegerField(default=0)
    who = ArrayField(models.BigIntegerField(), default=list)  # who answered
    samples = models.PositiveSmallIntegerField(default=0)
    people = models.FloatField(default=0.0)
    busy = models.FloatField(default=0.0)  # of those people, as many as had something to answer

    class Meta:
        constraints = [models.UniqueConstraint(fields=["queue", "began"], name="pace_hour_once")]

    def __str__(self) -> str:
        return f"{self.queue_id} {self.began:%Y-%m-%d %H}"
