from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models.customer import Customer
from customers.models.touching import of_rows


class Consent(models.Model):
    """One statement of a customer about one purpose on one channel; the newest counts, none is ever changed."""

    class Purpose(models.TextChoices):
        SERVICE = "service", _("Service messages")
        ADVICE = "advice", _("Advice on what you have")
        MARKETING = "marketing", _("Offers and news")
        RESEARCH = "research", _("Surveys and betas")

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="consents")
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    channel = models.CharField(max_length=40)  # mail, sms, chat, phone, …; "any"
    granted = models.BooleanField()
    source = models.CharField(max_length=60)  # preference_page, rep, import, unsubscribe, …
    wording = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["customer", "purpose", "channel", "-at"], name="consent_newest")]
        triggers = of_rows()

    def __str__(self) -> str:
        return f"{self.purpose}/{self.channel}: {'yes' if self.granted else 'no'}"


class Suppression(models.Model):
    """An address nothing may be sent to (a hard bounce, a complaint, an opt-out), for one purpose or for all."""

    kind = models.CharField(max_length=20)
    value = models.CharField(max_length=320)
    purpose = models.CharField(max_length=20, blank=True)  # empty: everything
    reason = models.CharField(max_length=60)
    at = models.DateTimeField(default=timezone.now)
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "value", "purpose"], condition=models.Q(lifted_at=None), name="suppression_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.value}: {self.reason}"
