from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import Dispatch
from cases.models.case import Refusal
from crm.events import record
from crm.languages import spoken
from crm.models import Event, User
from customers.models import ContactPoint, Customer
from outreach.models.problem import KnownProblem
from outreach.wording import Texts, checked


class Notice(models.Model):
    """What everyone likely to be hit is told about a known problem, once. It holds no room for an offer: only what is
    wrong, for whom, what to do, and what follows by when."""

    stream = "notice"

    class State(models.TextChoices):
        DRAFT = "draft", _("being written")
        APPROVED = "approved", _("approved")
        SENDING = "sending", _("on its way")
        PAUSED = "paused", _("paused")
        STOPPED = "stopped", _("stopped")
        DONE = "done", _("done")

    problem = models.ForeignKey(KnownProblem, models.PROTECT, related_name="notices")
    # {"en": {"subject": …, "body": …, "next_step": …}, "de": …}: English is there, other languages may be.
    texts = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    written_at = models.DateTimeField(default=timezone.now)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # How the deliveries stand, by state and reason, as last counted: {"sent": 80, "withheld.no_address": 2}
    numbers = models.JSONField(default=dict)
    counted_at = models.DateTimeField(null=True)
    version = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-written_at", "-pk"]

    def __str__(self) -> str:
        return str(self.texts.get("en", {}).get("subject", "")) or f"notice {self.pk}"

    @property
    def is_under_way(self) -> bool:
        return self.state in {self.State.APPROVED, self.State.SENDING, self.State.PAUSED}

    def words(self, language: str) -> dict[str, str]:
        """In the customer's language where it was written, else in English."""
        found = self.texts.get(spoken(language)) or self.texts["en"]
        return {"subject": "", "body": "", "next_step": "", **found}

    # --- verbs

    @classmethod
    @transaction.atomic
    def write(cls, problem: KnownProblem, texts: Texts, *, by: User, via: str = "person") -> "Notice":
        """Begin a draft. Raises Refusal for texts that cannot be sent as they are."""
        notice = cls.objects.create(problem=problem, texts=checked(texts), written_by=by)
        notice.record("written", by=by, via=via, problem=problem.pk)
        return notice

    @transaction.atomic
    def rewrite(self, texts: Texts, *, by: User, via: str = "person") -> None:
        """Change a draft; what was approved stays as it was approved."""
        self.lock()
        self._must_be(self.State.DRAFT, gettext("It has been approved: its words stay as they are."))
        if self.texts == (wanted := checked(texts)):
            return
        self.texts = wanted
        self.save(update_fields=["texts"])
        self.record("rewritten", by=by, via=via)

    @transaction.atomic
    def pause(self, *, by: User, via: str = "person") -> None:
        """Nothing more leaves until it is resumed; asked at every claim, so within a second."""
        self.lock()
        if self.state == self.State.PAUSED:
            return
        self._must_be_under_way()
        self._become(self.State.PAUSED)
        self.record("paused", by=by, via=via)

    @transaction.atomic
    def resume(self, *, by: User, via: str = "person") -> None:
        """On with it."""
        self.lock()
        if self.state in {self.State.APPROVED, self.State.SENDING}:
            return
        self._must_be(self.State.PAUSED, gettext("Only a paused notice can go on."))
        self._become(self.State.SENDING)
        self.record("resumed", by=by, via=via)

    @transaction.atomic
    def stop(self, *, by: User, via: str = "person", at: datetime | None = None) -> None:
        """Nothing more leaves, for good. Who was not told can be told by another notice."""
        self.lock()
        if self.state == self.State.STOPPED:
            return
        self._must_be_under_way()
        self.ended_at = at or timezone.now()
        self._become(self.State.STOPPED, "ended_at")
        self.deliveries.filter(state="planned").update(state="withheld", reason="stopped")
        self.record("stopped", by=by, via=via, at=self.ended_at)

    # --- how verbs work

    def lock(self) -> None:
        """Read this row afresh under its lock."""
        self.refresh_from_db(from_queryset=Notice.objects.select_for_update(of=("self",), no_key=True))

    def record(
        self, kind: str, *, by: User | None, via: str = "person", at: datetime | None = None, **data: Any
    ) -> Event:
        return record(self, kind, by=by, via=via, at=at, **data)

    def _become(self, state: str, *also: str) -> None:
        self.state = state
        self.save(update_fields=["state", *also])

    def _must_be(self, state: str, sentence: str) -> None:
        if self.state != state:
            raise Refusal(sentence)

    def _must_be_under_way(self) -> None:
        if not self.is_under_way:
            raise Refusal(gettext("This notice is not on its way."))


class NoticeDelivery(models.Model):
    """Whether one customer is told of one problem: one row a customer and problem, ever. From `made` on its dispatch
    says how it fares; `reason` is why it was not made, or by whom it is kept back."""

    class State(models.TextChoices):
        PLANNED = "planned", _("in line")
        WITHHELD = "withheld", _("not written to")
        MADE = "made", _("handed over")

    notice = models.ForeignKey(Notice, models.PROTECT, related_name="deliveries", db_index=False)
    problem = models.ForeignKey(KnownProblem, models.PROTECT, related_name="deliveries", db_index=False)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="notice_deliveries")
    contact_point = models.ForeignKey(ContactPoint, models.SET_NULL, null=True, related_name="+", db_index=False)
    state = models.CharField(max_length=12, choices=State.choices, default=State.PLANNED)
    reason = models.CharField(max_length=60, blank=True)
    not_before = models.DateTimeField()  # after the customer's quiet hours
    planned_at = models.DateTimeField(default=timezone.now)
    dispatch = models.OneToOneField(Dispatch, models.PROTECT, null=True, related_name="notice_delivery")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = _("deliveries")
        constraints = [models.UniqueConstraint(fields=["problem", "customer"], name="told_once")]
        indexes = [
            models.Index(fields=["notice", "id"], name="delivery_of_notice"),
            models.Index(fields=["notice", "not_before"], name="delivery_due", condition=models.Q(state="planned")),
        ]

    def __str__(self) -> str:
        return f"customer {self.customer_id} of notice {self.notice_id}: {self.state}"

    @property
    def stands(self) -> str:
        """How it fares: planned, withheld, or what its dispatch says."""
        return self.dispatch.state if self.dispatch else self.state

    @property
    def why(self) -> str:
        return self.dispatch.reason if self.dispatch else self.reason
