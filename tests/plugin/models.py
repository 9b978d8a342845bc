from django.db import models

from customers.models import Customer


class Card(models.Model):
    """A customer's loyalty card."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="loyalty_cards")
    points = models.IntegerField(default=0)
    nickname = models.CharField(max_length=80, blank=True)
    issued_at = models.DateTimeField()
    voucher_owed = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.points} points"
