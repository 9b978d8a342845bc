"""Devices people are reached on beside the console, and what is on its way to them."""

import base64
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.notification import Notification
from crm.secrets import decrypt, encrypt


class PushKeysManager(models.Manager["PushKeys"]):
    def ours(self) -> "PushKeys":
        """The one pair, made when it is first wanted. Of two at once the constraint keeps one."""
        found = self.filter(pk=1).first()
        return found or self.get_or_create(pk=1, defaults=_pair())[0]


def _pair() -> dict[str, str]:
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    point = private.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return {"private": encrypt(pem.decode()), "public": base64.urlsafe_b64encode(point).rstrip(b"=").decode()}


class PushKeys(models.Model):
    """By which push services know us (VAPID, RFC 8292). Another pair makes every device deaf until it asks anew."""

    private = models.TextField()  # PEM, encrypted at rest
    public = models.CharField(max_length=120)  # as browsers take it
    made_at = models.DateTimeField(default=timezone.now)

    objects = PushKeysManager()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="push_keys_one_pair")]

    def __str__(self) -> str:
        return "push keys"

    @property
    def pem(self) -> bytes:
        return decrypt(self.private).encode()


class PushDeviceQuerySet(models.QuerySet["PushDevice"]):
    def signed_in(self, at: Any) -> "PushDeviceQuerySet":
        """Those whose browser is still signed in as its person: after signing out it hears nothing."""
        session = Session.objects.filter(session_key=models.OuterRef("session"), expire_date__gt=at)
        return self.filter(models.Exists(session), user__is_active=True)


class PushDevice(models.Model):
    """A browser that a person wants to be told on. A browser is one person's: whoever asked last."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="push_devices")
    endpoint = models.CharField(max_length=1000, unique=True)
    p256dh = models.CharField(max_length=120)
    auth = models.CharField(max_length=200)  # the shared secret, encrypted at rest
    name = models.CharField(_("name"), max_length=80, blank=True)
    session = models.CharField(max_length=40)
    made_at = models.DateTimeField(default=timezone.now)
    reached_at = models.DateTimeField(null=True)

    objects = PushDeviceQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name or f"device {self.pk}"

    @property
    def secret(self) -> str:
        return decrypt(self.auth)

    @secret.setter
    def secret(self, plain: str) -> None:
        self.auth = encrypt(plain)


class Push(models.Model):
    """What is new on one case, on its way to one device; claimed by lease. Sent twice it shows once: the service and the
    browser keep the latest of a case."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        CLAIMED = "claimed", _("on its way")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")
        MOOT = "moot", _("no longer wanted")

    device = models.ForeignKey(PushDevice, models.CASCADE, related_name="pushes")
    notification = models.ForeignKey(Notification, models.CASCADE, null=True, related_name="pushes")  # none: a test
    count = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name_plural = _("pushes")
        constraints = [models.UniqueConstraint(fields=["device", "notification"], name="push_once")]
        indexes = [
            models.Index(fields=["due_at"], name="push_due", condition=models.Q(state__in=["waiting", "claimed"]))
        ]

    def __str__(self) -> str:
        return f"{self.device_id} {self.state}"
