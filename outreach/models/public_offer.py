"""What strangers are offered: known so that existing customers are offered at least as much."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.history import tracked
from outreach.models.offer import Offer
from outreach.models.twins import HAS_A_TWIN


@tracked(before=True)
class PublicOffer(models.Model):
    """What anybody is offered who is no customer yet: in an advertisement, a shop, by a partner. It surfaces nowhere here; it is
    known so that its twin can be held against it."""

    name = models.CharField(_("name"), max_length=120)
    where = models.CharField(_("where it is offered"), max_length=120, blank=True)
    twin = models.ForeignKey(
        Offer, models.PROTECT, null=True, blank=True, related_name="public_offers", verbose_name=_("twin"),
        help_text=_("The offer by which existing customers get at least as much."),
    )  # fmt: skip
    price = models.DecimalField(_("price a month"), max_digits=14, decimal_places=4)
    months = models.PositiveSmallIntegerField(_("months of minimum term"), default=1)
    gifts = models.DecimalField(
        _("cash, vouchers and gifts"), max_digits=14, decimal_places=4, default=0, help_text=_("At face value, in all.")
    )
    fees = models.DecimalField(_("fees"), max_digits=14, decimal_places=4, default=0, help_text=_("In all."))
    currency = models.CharField(_("currency"), max_length=3, default="GBP")
    extras = models.JSONField(_("what else it gives"), default=dict, blank=True)  # name → how much; more is better
    valid_from = models.DateTimeField(_("opens to the public"))
    valid_until = models.DateTimeField(_("ends"), null=True, blank=True)
    lead_days = models.PositiveSmallIntegerField(
        _("days of lead"), default=14, help_text=_("So long before the public existing customers have had it.")
    )
    is_active = models.BooleanField(_("active"), default=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    source = models.CharField(max_length=40, default="", blank=True, editable=False)
    external_id = models.CharField(max_length=200, null=True, blank=True, editable=False)

    class Meta:
        verbose_name, verbose_name_plural = _("public offer"), _("public offers")
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(months__gte=1), name="public_offer_has_a_term"),
            models.UniqueConstraint(fields=["source", "external_id"], name="public_offer_external_once"),
        ]
        triggers = [HAS_A_TWIN]

    def __str__(self) -> str:
        return self.name
