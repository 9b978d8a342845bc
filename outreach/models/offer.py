import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.models import User
from outreach.hooks import Terms
from outreach.models.append_only import append_only
from outreach.models.twins import KEEPS_TWINS
from outreach.terms import BadTerms, checked

TERMS = tuple(Terms.__dataclass_fields__)


class Catalogue(models.Model):
    """The one row that numbers the states of all offers together: a decision says under which it was made. The edition is
    new with every state: a number may come again after a rollback, and memory must not take the one for the other."""

    version = models.BigIntegerField(default=0)
    edition = models.UUIDField(default=uuid.uuid4)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_catalogue")]

    def __str__(self) -> str:
        return str(self.version)

    @classmethod
    def turn(cls) -> None:
        """Something in it changed, in this transaction: whoever keeps it in memory reads it again."""
        cls.objects.get_or_create(pk=1)
        cls.objects.filter(pk=1).update(version=models.F("version") + 1, edition=uuid.uuid4())


class OfferQuerySet(models.QuerySet["Offer"]):
    def active(self) -> "OfferQuerySet":
        return self.filter(is_active=True, current__isnull=False)


class Offer(models.Model):
    """Something a customer may be better off with. What it says lives in immutable versions; nothing can send it to an
    audience: it surfaces in a talk, once the need is met, or not at all."""

    class Purpose(models.TextChoices):
        UPGRADE = "upgrade", _("better of the same")
        SAVING = "saving", _("costs them less")
        ADDITION = "addition", _("something beside it")
        RETENTION = "retention", _("thanks for staying")
        BETA = "beta", _("first to try")
        QUESTION = "question", _("a question that earns something")

    key = models.SlugField(_("key"), max_length=80, unique=True)
    name = models.CharField(_("name"), max_length=120)
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose.choices, default=Purpose.ADDITION)
    is_active = models.BooleanField(_("active"), default=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    current = models.ForeignKey("OfferVersion", models.PROTECT, null=True, related_name="+")
    source = models.CharField(max_length=40, default="", blank=True, editable=False)  # the plugin it comes from
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("offer"), _("offers")
        ordering = ["name", "pk"]
        triggers = [KEEPS_TWINS]

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def publish(self, terms: Terms, *, by: User | None = None, at: datetime | None = None) -> "OfferVersion":
        """Offer this from now on: a new version, or the current one if nothing changed. What was shown keeps its own.

        Raises ValidationError with a sentence for each fault, by field; a bad condition with its path.
        """
        now = at or timezone.now()
        try:
            terms = checked(terms, at=now)
        except BadTerms as bad:
            raise ValidationError(_by_field(bad.faults)) from bad
        Offer.objects.select_for_update(of=("self",)).get(pk=self.pk)
        self.refresh_from_db(fields=["current"])
        if turned := self.turned(self.purpose, asks=bool(terms.question)):
            raise ValidationError({"question": turned})
        if self.current and self.current.terms == terms:
            return self.current
        number = (self.current.number if self.current else 0) + 1
        lists = {"need_tags": list(terms.need_tags), "choices": list(terms.choices)}
        content = {name: getattr(terms, name) for name in TERMS} | lists
        self.current = self.versions.create(number=number, created_by=by, created_at=now, **content)
        self._keep_twins()
        self.save(update_fields=["current"])
        Catalogue.turn()
        return self.current

    @transaction.atomic
    def describe(self, **fields: Any) -> None:
        """Name, purpose, owner and whether it is offered at all: what no version keeps."""
        asks = bool(self.current and self.current.question)
        if turned := self.turned(str(fields.get("purpose", self.purpose)), asks=asks) if self.current else "":
            raise ValidationError({"purpose": turned})
        changed = [name for name, value in fields.items() if getattr(self, name) != value]
        for name in changed:
            setattr(self, name, fields[name])
        self._keep_twins()
        if changed:
            self.save(update_fields=changed)
            Catalogue.turn()

    def turned(self, purpose: str, *, asks: bool) -> str:
        """Why these do not go together, in a sentence: a question is one from its first version on, and nothing else ever
        becomes one, or answers would be counted as acceptances and acceptances as answers."""
        was = bool(self.current.question) if self.current else asks
        if was != asks:
            return gettext("An offer does not become a question, nor a question an offer: make a new one.")
        if (purpose == self.Purpose.QUESTION) == asks:
            return ""
        return (
            gettext("Write what is asked.") if not asks else gettext("What asks something has the purpose “question”.")
        )

    def _keep_twins(self) -> None:
        """Before the database refuses it: what strangers are offered and whose twin this would not be any more."""
        from outreach import parity

        if told := parity.against(self, self.current, is_active=self.is_active):
            raise ValidationError({"price": told})


def _by_field(faults: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for name, sentence in faults:
        field, _dot, path = name.partition(".")
        told.setdefault(field, []).append(f"{path}: {sentence}" if path else sentence)
    return told


class OfferVersion(models.Model):
    """An offer as it stood from one save to the next."""

    offer = models.ForeignKey(Offer, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    what = models.CharField(max_length=300)
    benefit = models.CharField(max_length=300)
    why = models.CharField(max_length=400)
    price = models.DecimalField(max_digits=14, decimal_places=4, default=0)
    public_price = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    currency = models.CharField(max_length=3, default="GBP")
    months = models.PositiveSmallIntegerField(default=1, db_default=1)
    gifts = models.DecimalField(max_digits=14, decimal_places=4, default=0, db_default=0)
    fees = models.DecimalField(max_digits=14, decimal_places=4, default=0, db_default=0)
    extras = models.JSONField(default=dict, db_default={})
    value = models.DecimalField(max_digits=14, decimal_places=4, default=0)
    gain = models.DecimalField(max_digits=14, decimal_places=4, default=0)
    minutes = models.DecimalField(max_digits=14, decimal_places=4, default=2)
    need_tags = ArrayField(models.CharField(max_length=60), default=list)
    eligibility = models.JSONField(default=dict)
    valid_from = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)
    stock = models.PositiveIntegerField(null=True)
    cooloff_days = models.PositiveIntegerField(default=90)
    question = models.CharField(max_length=300, default="", db_default="", blank=True)
    answer_kind = models.CharField(max_length=10, default="", db_default="", blank=True)
    choices = ArrayField(models.CharField(max_length=80), default=list, db_default=models.Value("{}"))
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["offer", "number"], name="offer_version_once"),
            models.CheckConstraint(
                condition=models.Q(public_price=None) | models.Q(price__lte=models.F("public_price")),
                name="offer_existing_customers_never_pay_more",
            ),
            models.CheckConstraint(condition=models.Q(months__gte=1), name="offer_has_a_term"),
            models.CheckConstraint(
                condition=models.Q(question="", answer_kind="") | ~models.Q(question="") & models.Q(price=0, fees=0),
                name="a_question_costs_nothing",
            ),
        ]
        # Of all the versions there ever were, those that may run out: each decision asks (outreach.context).
        indexes = [models.Index(fields=["id"], name="offer_version_stock", condition=models.Q(stock__isnull=False))]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.offer} v{self.number}"

    @property
    def terms(self) -> Terms:
        return Terms(**{name: getattr(self, name) for name in TERMS} | {
            "need_tags": tuple(self.need_tags), "choices": tuple(self.choices),
        })  # fmt: skip
