"""What a house wants to know of its cases: typed fields, the options of those that offer some, and what was filled in."""

from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import OpClass
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Left, Upper
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from cases import transitions
from cases.models.queue import Queue
from cases.models.refusals import FieldsMissing
from crm.database.prepared import Prepared
from crm.history import tracked
from customers.models import Subscription

if TYPE_CHECKING:
    from cases.models.case import Case

MOST_FOUND_BY = 200  # characters of a text that it is found by
# When a field may be asked for: what a person or a program sets, not what time or the customer brings about.
ASKED_AT = (*transitions.WORKING, transitions.RESOLVED)


class CaseFieldQuerySet(models.QuerySet["CaseField"]):
    def active(self) -> "CaseFieldQuerySet":
        return self.filter(is_active=True)

    def of(self, queue: Any) -> "CaseFieldQuerySet":
        """Those asked in this queue: its own and everybody's."""
        mine = CaseField.queues.through.objects.filter(casefield=models.OuterRef("pk"))
        everywhere = ~models.Exists(mine)
        return self.active().filter(everywhere | models.Exists(mine.filter(queue=queue)))

    def must_be_filled(self, case: "Case", status: str) -> None:
        """Raises FieldsMissing, which names those that must be filled in before this case becomes `status`, and are not."""
        if lacking := _lacking(status)(case.pk, case.queue_id):
            raise FieldsMissing(case, status, lacking)


@tracked(before=True)
class CaseField(models.Model):
    """Something the house wants to know of cases: of every queue, or of some. Its key and kind stay what they are; one no
    longer asked for is still shown where it was filled in."""

    class Kind(models.TextChoices):
        TEXT = "text", _("short text")
        LONG = "long_text", _("long text")
        NUMBER = "number", _("number")
        MONEY = "money", _("amount of money")
        DATE = "date", _("date")
        YES_NO = "yes_no", _("yes or no")
        ONE_OF = "one_of", _("one of several")
        SEVERAL_OF = "several_of", _("any of several")
        LINK = "link", _("link")
        SUBSCRIPTION = "subscription", _("subscription of the customer")

    class OfCustomers(models.TextChoices):
        NO = "no", _("not asked")
        MAY = "may", _("asked, may stay empty")
        MUST = "must", _("asked, must be filled in")

    key = models.CharField(
        _("key"),
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"^[a-z][a-z0-9_]*\Z", _("Small letters, digits and underscores, a letter first."))],
        help_text=_("What searches, the API and imports call it. It cannot be changed later."),
    )
    name = models.CharField(_("name"), max_length=60)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.TEXT)
    unit = models.CharField(
        _("unit"), max_length=12, blank=True, help_text=_("Of a number, such as kWh; of an amount, its currency.")
    )
    help_text = models.CharField(_("help"), max_length=300, blank=True, help_text=_("Shown under the field."))
    queues = models.ManyToManyField(
        Queue, verbose_name=_("queues"), blank=True, related_name="fields", help_text=_("None: asked in every queue.")
    )
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    required_for = ArrayField(
        models.CharField(max_length=20), verbose_name=_("must be filled in before it becomes"), default=list, blank=True
    )
    of_customers = models.CharField(
        _("of customers"),
        max_length=4,
        choices=OfCustomers.choices,
        default=OfCustomers.NO,
        help_text=_("On the contact form of its queues. They read its name, help and options as they stand here."),
    )
    is_active = models.BooleanField(_("asked for"), default=True)

    objects = CaseFieldQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        verbose_name, verbose_name_plural = _("field of cases"), _("fields of cases")

    def __str__(self) -> str:
        return self.name

    @property
    def offers(self) -> bool:
        return self.kind in {self.Kind.ONE_OF, self.Kind.SEVERAL_OF}

    def offer(self, names: Iterable[str]) -> None:
        """These answers in this order and no others; what was offered before stays where it was chosen."""
        wanted = list(dict.fromkeys(names))
        self.options.exclude(name__in=wanted).update(is_active=False)
        held = {option.name: option for option in self.options.all()}
        for position, name in enumerate(wanted):
            option = held.get(name) or FieldOption(field=self, name=name)
            option.position, option.is_active = position, True
            option.save()


@tracked(before=True)
class FieldOption(models.Model):
    """One answer a field offers. Cases point at it: a new name is the same answer, and one no longer offered stays where
    it was chosen."""

    field = models.ForeignKey(CaseField, models.PROTECT, related_name="options", verbose_name=_("field"))
    key = models.CharField(_("key"), max_length=60)
    name = models.CharField(_("name"), max_length=80)
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    is_active = models.BooleanField(_("offered"), default=True)

    class Meta:
        ordering = ["position", "pk"]
        verbose_name, verbose_name_plural = _("option"), _("options")
        constraints = [
            models.UniqueConstraint(fields=["field", "key"], name="field_option_key_once"),
            models.UniqueConstraint(fields=["field", "name"], name="field_option_name_once"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **options: Any) -> None:
        """A new one has a key of its own: its first name made plain, once a field. It keeps it under any other name."""
        if not self.key:
            plain = slugify(self.name, allow_unicode=True).replace("-", "_")[:50] or "option"
            taken = set(FieldOption.objects.filter(field=self.field).values_list("key", flat=True))
            every = (plain, *(f"{plain}_{n}" for n in range(2, len(taken) + 2)))
            self.key = next(key for key in every if key not in taken)
        super().save(*args, **options)


class FieldValue(models.Model):
    """What one case has in one field, in the column of its kind; of several options a row each."""

    case = models.ForeignKey("cases.Case", models.CASCADE, related_name="field_values")
    field = models.ForeignKey(CaseField, models.PROTECT, related_name="values", db_index=False)
    option = models.ForeignKey(FieldOption, models.PROTECT, null=True, related_name="values")
    subscription = models.ForeignKey(Subscription, models.PROTECT, null=True, related_name="+")
    text = models.TextField(blank=True)
    number = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    date = models.DateField(null=True)
    flag = models.BooleanField(null=True)
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "field", "option"], name="field_value_once", nulls_distinct=False)
        ]
        indexes = [
            models.Index(
                fields=["field", "number"], name="field_value_number", condition=models.Q(number__isnull=False)
            ),
            models.Index(fields=["field", "date"], name="field_value_date", condition=models.Q(date__isnull=False)),
            models.Index(fields=["field", "flag"], name="field_value_flag", condition=models.Q(flag__isnull=False)),
            models.Index(
                "field",
                OpClass(Upper(Left("text", MOST_FOUND_BY)), name="text_pattern_ops"),
                name="field_value_text",
                condition=~models.Q(text=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.field_id} of {self.case_id}"

    @property
    def content(self) -> tuple[int | None, int | None, str, Decimal | None, object, bool | None]:
        """What two values alike have alike."""
        return self.option_id, self.subscription_id, self.text, self.number, self.date, self.flag


@cache
def _lacking(status: str) -> "Prepared[CaseField]":
    """What is not filled in of what must be before a case (its key, its queue's) becomes that."""

    def ask(case: int, queue: int) -> "models.QuerySet[CaseField, CaseField]":
        filled = FieldValue.objects.filter(case=case, field=models.OuterRef("pk"))
        return CaseField.objects.of(queue).filter(~models.Exists(filled), required_for__contains=[status])

    return Prepared(ask, int, int)
