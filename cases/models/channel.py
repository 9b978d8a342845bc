from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.queue import Queue


class Channel(models.Model):
    """A configured way in and out: its name is in the address of its inbound API, its kind names the adapter."""

    slug = models.SlugField(_("name in addresses"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(max_length=40, default="generic")
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="channels", verbose_name=_("queue"))
    # Encrypted JSON list of active secrets, newest first (crm.secrets): every active one verifies, the first signs.
    secrets = models.TextField(default="", blank=True, editable=False)
    callback_url = models.URLField(_("call-back address for answers"), blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class InboundItem(models.Model):
    """What arrived, raw, stored before it is acknowledged; it ends as a message, a duplicate, or kept: never nothing."""

    class State(models.TextChoices):
        STORED = "stored", _("stored")
        DONE = "done", _("in a case")
        DUPLICATE = "duplicate", _("duplicate")
        IGNORED = "ignored", _("ignored")
        KEPT = "kept", _("kept for a person")

    channel = models.CharField(max_length=40)
    external_id = models.CharField(max_length=200)
    raw = models.BinaryField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.STORED)
    attempts = models.PositiveSmallIntegerField(default=0)  # raised before the work, so that crashes count
    next_try_at = models.DateTimeField(default=timezone.now)
    error = models.CharField(max_length=300, blank=True)
    message = models.ForeignKey("cases.Message", models.PROTECT, null=True, related_name="inbound_items")
    received_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "external_id"], name="inbound_once")]
        indexes = [
            models.Index(fields=["next_try_at"], name="inbound_waiting", condition=models.Q(state="stored"))
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.external_id}"
