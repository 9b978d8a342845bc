"""What we gave, or are about to give, for what went wrong; and how far who may go with it (docs/policies.md)."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.case import Case
from cases.models.policy import ServicePolicy, ServicePolicyVersion
from cases.models.promise import Promise
from crm.history import tracked
from crm.models import User
from customers.models import Customer


def _money(**options: Any) -> Any:
    return models.DecimalField(max_digits=14, decimal_places=4, validators=[MinValueValidator(0)], **options)


def _currency() -> Any:
    return models.CharField(
        _("currency"),
        max_length=3,
        default="EUR",
        validators=[RegexValidator(r"^[A-Z]{3}$", _("Three capital letters, like EUR."))],
    )


@tracked(before=True)
class RemedyAuthority(models.Model):
    """How much a role may grant by itself. Above it, or where nothing is said of a role, somebody else approves."""

    class Role(models.TextChoices):
        REP = "rep", _("Rep")
        LEAD = "lead", _("Lead")
        SUPERVISOR = "supervisor", _("Supervisor")

    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    currency = _currency()
    per_case = _money(verbose_name=_("in one case"), null=True, blank=True, help_text=_("Empty: without limit."))
    per_day = _money(verbose_name=_("a day, by one person"), null=True, blank=True)
    per_customer_year = _money(verbose_name=_("to one customer in twelve months"), null=True, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("authority"), _("authorities")
        ordering = ["currency", "role"]
        constraints = [
            models.UniqueConstraint(
                fields=["role", "currency"],
                name="remedy_authority_once",
                violation_error_message=_("There is an authority for this role and currency already."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.currency}"


@tracked(before=True)
class RemedyBudget(models.Model):
    """What may be granted in a month, all in all. A month nothing is said of has no limit."""

    month = models.DateField(_("month"), help_text=_("Its first day."))
    currency = _currency()
    amount = _money(verbose_name=_("amount"))

    class Meta:
        verbose_name, verbose_name_plural = _("budget"), _("budgets")
        ordering = ["-month", "currency"]
        constraints = [
            models.UniqueConstraint(
                fields=["month", "currency"],
                name="remedy_budget_once",
                violation_error_message=_("There is a budget for this month and currency already."),
            ),
            models.CheckConstraint(
                condition=models.Q(month__day=1),
                name="remedy_budget_of_a_month",
                violation_error_message=_("Name the month by its first day."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.currency}"


class RemedyQuerySet(models.QuerySet["Remedy"]):
    def standing(self) -> "RemedyQuerySet":
        """Given, or about to be: neither refused nor called off."""
        return self.exclude(state__in=[Remedy.State.REFUSED, Remedy.State.CALLED_OFF])

    def granted(self) -> "RemedyQuerySet":
        """Decided to be given: what counts against limits and budget."""
        return self.filter(state__in=GRANTED)

    def waiting(self) -> "RemedyQuerySet":
        return self.filter(state=Remedy.State.WAITING)

    def visible_to(self, user: User) -> "RemedyQuerySet":
        return self.filter(case__in=Case.objects.visible_to(user))

    def due(self, now: datetime) -> "RemedyQuerySet":
        return self.filter(state=Remedy.State.APPROVED, due_at__lte=now)


class Remedy(models.Model):
    """One remedy in one case, by one version of a policy: what it went by, what the table said, what was granted and why,
    and how far it is. Paid once, by `key`, however often it is tried."""

    class State(models.TextChoices):
        WAITING = "waiting_approval", _("waits for approval")
        APPROVED = "approved", _("approved, being paid")
        REFUSED = "refused", _("refused")
        PAID = "paid", _("given")
        BY_HAND = "by_hand", _("to be given by hand")
        FAILED = "failed", _("did not work; give it by hand")
        CALLED_OFF = "called_off", _("called off")

    class Kind(models.TextChoices):
        CREDIT = "credit", _("credit")
        REFUND = "refund", _("refund")
        WAIVER = "waiver", _("waived charge")
        REPLACEMENT = "replacement", _("replacement")

    class Why(models.TextChoices):
        """Why other than the table says, or than like cases."""

        HARDER = "harder", _("it hit them harder than the table can say")
        LIGHTER = "lighter", _("it hit them less than the table can say")
        REPEATED = "repeated", _("we let it happen again")
        PROMISED = "promised", _("a colleague had promised it")
        WISHED = "wished", _("they wished for something else")
        TABLE_CHANGED = "table_changed", _("the table has changed since those cases")
        OTHER = "other", _("another reason, noted")

    case = models.ForeignKey(Case, models.PROTECT, related_name="remedies")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="remedies", db_index=False)
    policy = models.ForeignKey(ServicePolicy, models.PROTECT, related_name="remedies", db_index=False)
    policy_version = models.ForeignKey(ServicePolicyVersion, models.PROTECT, related_name="remedies", db_index=False)
    row = models.PositiveSmallIntegerField()  # its place in the version's table, from 0
    facts = models.JSONField(default=dict)  # input → what it was, and `prior`
    computed = _money()
    granted = _money()
    currency = models.CharField(max_length=3)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    override_reason = models.CharField(max_length=20, choices=Why.choices, blank=True)
    override_note = models.CharField(max_length=300, blank=True)
    needs = models.JSONField(default=list)  # why it was not granted at once, enumerated words
    like = models.JSONField(default=list)  # the nearest awards as they were seen: remedy, case, granted
    state = models.CharField(_("state"), max_length=20, choices=State.choices)
    unasked = models.BooleanField(_("unasked"), default=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="remedies_asked", db_index=False
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="remedies_decided", db_index=False
    )
    decision_note = models.CharField(max_length=300, blank=True)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    answer_by = models.DateTimeField(null=True)  # while it waits: by when somebody should have decided
    raised_at = models.DateTimeField(null=True)  # nobody had; then it was raised, once
    raised_to = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    key = models.UUIDField(unique=True, default=uuid.uuid4)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)
    reference = models.CharField(max_length=200, blank=True)  # of whoever paid it
    error = models.CharField(max_length=60, blank=True)  # the exception's class, never its message

    objects = RemedyQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("remedy"), _("remedies")
        constraints = [
            models.UniqueConstraint(
                fields=["case", "policy"],
                condition=models.Q(unasked=False) & ~models.Q(state__in=["refused", "called_off"]),
                name="remedy_one_standing",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=["approved", "paid", "by_hand", "failed"])
                | models.Q(decided_at__isnull=False),
                name="remedy_granted_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="remedy_due", condition=models.Q(state="approved")),
            models.Index(fields=["asked_at"], name="remedy_waiting", condition=models.Q(state="waiting_approval")),
            models.Index(fields=["customer", "policy", "asked_at"], name="remedy_of_customer"),
            models.Index(fields=["policy", "-asked_at"], name="remedy_like"),
            models.Index(fields=["decided_by", "decided_at"], name="remedy_of_person"),
            models.Index(fields=["currency", "decided_at"], name="remedy_of_month"),
        ]

    def __str__(self) -> str:
        return f"{self.granted:.2f} {self.currency}"

    @property
    def deviates(self) -> bool:
        return bool(self.granted != self.computed)


class Entitlement(models.Model):
    """A broken promise has been looked at for what a policy owes for it unasked: once, whatever came of it; again only where
    a plugin did not answer what the policy goes by."""

    class Outcome(models.TextChoices):
        GRANTED = "granted", _("granted")
        NOTHING = "nothing", _("no row pays for it unasked")
        GIVEN = "given", _("given in this case already")
        WAITS = "waits", _("waits for a plugin to answer")

    policy = models.ForeignKey(ServicePolicy, models.CASCADE, related_name="entitlements")
    promise = models.ForeignKey(Promise, models.CASCADE, related_name="entitlements")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    remedy = models.OneToOneField(Remedy, models.PROTECT, null=True, related_name="entitlement")
    at = models.DateTimeField(default=timezone.now)  # where it waits: when it is looked at next

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "promise"], name="entitled_once")]

    def __str__(self) -> str:
        return self.outcome


GRANTED = (Remedy.State.APPROVED, Remedy.State.PAID, Remedy.State.BY_HAND, Remedy.State.FAILED)
