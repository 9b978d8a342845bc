from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models.customer import Customer
from customers.models.touching import of_rows, of_shared


class Product(models.Model):
    """Something we sell or run for people."""

    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=40, blank=True)  # broadband, mobile, device, …
    source = models.CharField(max_length=40, default="", blank=True)
    external_id = models.CharField(max_length=200, null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="product_external_once")]
        triggers = of_shared("customer_id FROM customers_subscription WHERE product_id IN {changed}")

    def __str__(self) -> str:
        return self.name


class Subscription(models.Model):
    """What a customer has: plan, price, device, version, lot, region, since when."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="subscriptions")
    product = models.ForeignKey(Product, models.PROTECT, related_name="subscriptions")
    plan = models.CharField(_("plan"), max_length=120, blank=True)
    price = models.DecimalField(_("price a month"), max_digits=14, decimal_places=4, default=0)
    currency = models.CharField(max_length=3, default="GBP")
    device = models.CharField(_("device"), max_length=120, blank=True)
    version = models.CharField(_("firmware or version"), max_length=40, blank=True)
    lot = models.CharField(_("lot"), max_length=60, blank=True)
    region = models.CharField(_("region"), max_length=80, blank=True)
    status = models.CharField(max_length=20, default="active")  # active, paused, ended
    started_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=40, default="", blank=True)
    external_id = models.CharField(max_length=200, null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="subscription_external_once")]
        indexes = [models.Index(fields=["product", "device", "version"], name="subscription_device_idx")]
        triggers = of_rows()

    def __str__(self) -> str:
        return self.plan or str(self.product_id)


class Order(models.Model):
    """Something a customer bought once."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="orders")
    number = models.CharField(max_length=60)
    status = models.CharField(max_length=20, default="placed")  # placed, shipped, delivered, returned, cancelled
    total = models.DecimalField(max_digits=14, decimal_places=4, default=0)
    currency = models.CharField(max_length=3, default="GBP")
    items = models.JSONField(default=list)  # [{name, quantity, price}]
    placed_at = models.DateTimeField(default=timezone.now)
    source = models.CharField(max_length=40, default="", blank=True)
    external_id = models.CharField(max_length=200, null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="order_external_once")]
        indexes = [models.Index(fields=["customer", "-placed_at"], name="order_newest")]
        triggers = of_rows()

    def __str__(self) -> str:
        return self.number
