import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import ContactPoint, Customer


class Dispatch(models.Model):
    """One message to one address. Whatever leaves the house is one of these, made only by `cases.outward.dispatch`
    after `may_contact` was asked; the sending loop claims it by lease and sends it with `key` as idempotency key."""

    class State(models.TextChoices):
        HELD = "held", _("sending")  # waits for release_at: the undo window
        CLAIMED = "claimed", _("on its way")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("unknown: may have arrived")
        SUPPRESSED = "suppressed", _("not sent")
        UNDONE = "undone", _("taken back")

    key = models.UUIDField(default=uuid.uuid4, unique=True)
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="dispatches")
    contact_point = models.ForeignKey(ContactPoint, models.PROTECT, null=True, related_name="+")
    channel = models.CharField(max_length=40)  # "mail" or a Channel's slug
    address = models.CharField(max_length=320)
    message_class = models.CharField(max_length=20)  # answer, acknowledgement, promise, notice, advice, marketing
    source = models.CharField(max_length=20, default="message")  # what composes it: an entry of cases.hooks.composers
    source_id = models.BigIntegerField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.HELD)
    reason = models.CharField(max_length=60, blank=True)  # why suppressed or failed, enumerated
    detail = models.CharField(max_length=300, blank=True)  # what the other side said
    release_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(null=True)  # from here on it may have left, whatever became of who sent it
    attempts = models.PositiveSmallIntegerField(default=0)
    provider_id = models.CharField(max_length=250, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    released_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    # What the other side told us since; a later word never undoes an earlier one.
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = _("dispatches")
        constraints = [
            models.UniqueConstraint(fields=["source", "source_id", "address"], name="dispatch_once_an_address")
        ]
        indexes = [
            models.Index(fields=["release_at"], name="dispatch_due", condition=models.Q(state__in=["held", "claimed"])),
            models.Index(fields=["customer", "-created_at"], name="dispatch_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.message_class} {self.state}"


UNSENT = (Dispatch.State.HELD, Dispatch.State.CLAIMED)  # it has not left, and may at any moment
