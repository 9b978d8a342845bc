from functools import reduce
from operator import or_

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.history import tracked
from crm.models import User
from customers.folding import words
from customers.hooks import customer_access
from customers.models.touching import of_customer, of_shared


class Organization(models.Model):
    """A company or household above its people."""

    name = models.CharField(_("name"), max_length=200)
    domain = models.CharField(_("mail domain"), max_length=200, blank=True)
    kind = models.CharField(max_length=20, default="company")  # company, household
    source = models.CharField(max_length=40, default="", blank=True)
    external_id = models.CharField(max_length=200, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="organization_external_once")]
        triggers = of_shared("id FROM customers_customer WHERE organization_id IN {changed}")

    def __str__(self) -> str:
        return self.name


class CustomerQuerySet(models.QuerySet["Customer"]):
    def current(self) -> "CustomerQuerySet":
        """Neither merged into another nor erased."""
        return self.filter(merged_into=None, erased_at=None)

    def visible_to(self, user: object) -> "CustomerQuerySet":
        """The one door: the customers this person may open. Administrators see merged and erased ones too; for all
        others apps above say who is whose through the `customer_access` hook, and nobody's word means nobody."""
        if not isinstance(user, User) or not user.is_active:
            return self.none()
        if user.is_administrator:
            return self
        granted = [q for q in customer_access.collect(user) if q is not None]
        return self.current().filter(reduce(or_, granted)) if granted else self.none()

    def named_like(self, text: str) -> "CustomerQuerySet":
        """Every word of `text` begins a word of the name, whatever the case and accents."""
        found = self
        for word in words(text):
            found = found.filter(pk__in=NameWord.objects.filter(word__startswith=word).values("customer_id"))
        return found


@tracked(exclude=["version"])
class Customer(models.Model):
    """A person we serve. Merged ones keep their row and point at who they are now."""

    stream = "customer"

    name = models.CharField(_("name"), max_length=200, blank=True)
    pronunciation = models.CharField(_("pronunciation"), max_length=200, blank=True)
    organization = models.ForeignKey(Organization, models.SET_NULL, null=True, blank=True, related_name="people")
    language = models.CharField(_("language"), max_length=12, default="en")
    tz = models.CharField(_("time zone"), max_length=64, default="UTC")
    country = models.CharField(_("country"), max_length=2, blank=True)
    city = models.CharField(_("city"), max_length=120, blank=True)
    tier = models.CharField(_("tier"), max_length=40, blank=True)
    cue = models.CharField(_("what they thanked or scolded us for"), max_length=300, blank=True)
    since = models.DateField(_("customer since"), null=True, blank=True)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged")
    erased_at = models.DateTimeField(null=True, blank=True)
    version = models.BigIntegerField(default=0)
    source = models.CharField(max_length=40, default="", blank=True)
    external_id = models.CharField(max_length=200, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="customer_external_once")]
        indexes = [models.Index(fields=["organization"], name="customer_organization_idx")]
        triggers = of_customer()

    def __str__(self) -> str:
        return self.name or _("Unknown customer").__str__()

    @property
    def initials(self) -> str:
        parts = self.name.split()
        return "".join(p[:1] for p in [*parts[:1], *parts[1:][-1:]]).upper() or "?"

    def save(self, *args: object, **kwargs: object) -> None:
        super().save(*args, **kwargs)  # type: ignore[arg-type]
        fields = kwargs.get("update_fields")
        if fields is None or "name" in fields:  # type: ignore[operator]
            self.index_name()

    def index_name(self) -> None:
        """Keep the folded words of the name, by whose beginnings people are found."""
        wanted = set(words(self.name))
        held = set(self.name_words.values_list("word", flat=True))
        if gone := held - wanted:
            self.name_words.filter(word__in=gone).delete()
        NameWord.objects.bulk_create([NameWord(customer=self, word=w) for w in wanted - held], ignore_conflicts=True)


class NameWord(models.Model):
    """One folded word of a customer's name."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="name_words")
    word = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "word"], name="name_word_once")]
        indexes = [models.Index(OpClass("word", name="text_pattern_ops"), name="name_word_prefix")]

    def __str__(self) -> str:
        return self.word
