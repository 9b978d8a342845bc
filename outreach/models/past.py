"""What customers said to offers before they came to us."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from outreach.models.offer import Offer


class PastResponse(models.Model):
    """An answer from another system. It counts for declines, limits and learning as ours do; it proves nothing: there is no talk
    and no need met behind it, so it is no presentation."""

    class Kind(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        NOT_NOW = "not_now", _("not now")
        NO = "no", _("no")
        NOT_SUITED = "not_suited", _("not suited")
        NEVER = "never", _("never")
        IGNORED = "ignored", _("ignored")

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="past_responses")
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="past_responses")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    reason = models.CharField(max_length=300, blank=True)
    until = models.DateTimeField(null=True)
    at = models.DateTimeField()
    source = models.CharField(max_length=40)
    external_id = models.CharField(max_length=200)

    class Meta:
        verbose_name, verbose_name_plural = _("earlier answer to an offer"), _("earlier answers to offers")
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="past_response_external_once"),
            models.CheckConstraint(
                condition=models.Q(kind="not_now", until__isnull=False)
                | ~models.Q(kind="not_now") & models.Q(until=None),
                name="past_not_now_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return self.kind
