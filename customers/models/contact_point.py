from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.history import tracked
from customers.models.customer import Customer
from customers.models.touching import of_rows


@tracked()
class ContactPoint(models.Model):
    """An address at which a customer is reached: mail, phone (E.164), handle on a channel, or an id elsewhere.

    `value` is the normalised form (customers.addresses) and belongs to one customer at a time."""

    class Kind(models.TextChoices):
        EMAIL = "email", _("Mail")
        PHONE = "phone", _("Phone")
        HANDLE = "handle", _("Handle")
        EXTERNAL = "external", _("Other system")

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="contact_points")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    value = models.CharField(max_length=320)
    display = models.CharField(max_length=320, blank=True)  # as it was written
    verified_at = models.DateTimeField(null=True, blank=True)
    is_preferred = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "value"], condition=models.Q(ended_at=None), name="contact_point_one_owner"
            )
        ]
        # Whoever had an address is found by it, too: the constraint knows only who has it.
        indexes = [models.Index(fields=["value"], name="contact_point_value_idx")]
        triggers = of_rows()

    def __str__(self) -> str:
        return self.display or self.value

    @property
    def is_verified(self) -> bool:
        return self.verified_at is not None
