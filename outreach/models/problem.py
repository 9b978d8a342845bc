from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from cases.models.case import Refusal
from crm.events import record
from crm.models import Event, User
from customers import conditions
from customers.models import Customer


class KnownProblemQuerySet(models.QuerySet["KnownProblem"]):
    def standing(self) -> "KnownProblemQuerySet":
        """Not over: what reps should see on a case."""
        return self.exclude(state=KnownProblem.State.CLOSED)

    def touching(self, case: Case) -> "KnownProblemQuerySet":
        """Those this case is linked to, before those its customer is likely to have; the newest first."""
        exposed = Exposure.objects.filter(problem=models.OuterRef("pk"), customer=case.customer_id)
        linked = models.Exists(ProblemCase.objects.filter(problem=models.OuterRef("pk"), case=case))
        found = self.annotate(is_linked=linked).filter(models.Q(is_linked=True) | models.Exists(exposed))
        return found.order_by("-is_linked", "-declared_at", "-pk")


class KnownProblem(models.Model):
    """Something that goes wrong for several customers: what is seen, why, what to do, and by when there is news."""

    stream = "problem"

    class State(models.TextChoices):
        OPEN = "open", _("cause being looked for")
        WORKAROUND = "workaround", _("workaround known")
        FIXED = "fixed", _("fixed")
        CLOSED = "closed", _("closed")

    class Severity(models.TextChoices):
        MINOR = "minor", _("minor")
        MAJOR = "major", _("major")
        CRITICAL = "critical", _("critical")

    # What people write about it; everything else changes by verbs of its own.
    WRITTEN = (
        "title",
        "symptom",
        "cause",
        "workaround",
        "fix",
        "status_text",
        "next_update_at",
        "severity",
        "is_safety",
        "state",
        "owner",
    )

    title = models.CharField(_("title"), max_length=200)
    symptom = models.TextField(_("what the customer sees"), blank=True)
    cause = models.TextField(_("cause"), blank=True)
    workaround = models.TextField(_("workaround"), blank=True)
    fix = models.TextField(_("fix"), blank=True)
    status_text = models.TextField(_("status, in words a customer may read"), blank=True)
    next_update_at = models.DateTimeField(_("next news by"), null=True, blank=True)
    severity = models.CharField(_("severity"), max_length=12, choices=Severity.choices, default=Severity.MAJOR)
    is_safety = models.BooleanField(_("somebody could get hurt"), default=False)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.OPEN)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    # Whom it is likely to hit (docs/conditions.md); empty: nobody has said yet.
    condition = models.JSONField(_("whom it hits"), null=True, blank=True)
    declared_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    declared_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    # Counted by outreach.exposure and outreach.delivery, so that no page has to.
    exposed = models.IntegerField(default=0)
    told = models.IntegerField(default=0)
    told_first = models.IntegerField(default=0)  # of those: who had not yet written to us about it
    version = models.BigIntegerField(default=0)

    objects = KnownProblemQuerySet.as_manager()

    class Meta:
        verbose_name = _("known problem")
        verbose_name_plural = _("known problems")
        ordering = ["-declared_at", "-pk"]

    def __str__(self) -> str:
        return self.title

    @property
    def is_standing(self) -> bool:
        return self.state != self.State.CLOSED

    # --- verbs

    @classmethod
    @transaction.atomic
    def declare(
        cls, *, by: User, title: str, case: Case | None = None, at: datetime | None = None, **written: Any
    ) -> "KnownProblem":
        """Say that this is no single case; `case`, where it was noticed, is its first."""
        if not title.strip():
            raise Refusal(gettext("Give the problem a title."))
        now = at or timezone.now()
        words = {name: value for name, value in written.items() if name in cls.WRITTEN}
        problem = cls.objects.create(
            **{"owner": by, **words, "title": title.strip()[:200]}, declared_by=by, declared_at=now
        )
        problem.record("declared", by=by, at=now, case=case.number if case else None)
        if case is not None:
            problem.link(case, by=by, at=now)
        return problem

    @transaction.atomic
    def edit(self, *, by: User, via: str = "person", **written: Any) -> None:
        """Change what is written about it; the event names the fields, not the words."""
        self.lock()
        changed = [name for name, value in written.items() if name in self.WRITTEN and getattr(self, name) != value]
        if not changed:
            return
        if written.get("state") == self.State.CLOSED or self.state == self.State.CLOSED:
            raise Refusal(gettext("A problem is closed and opened again by its own buttons."))
        for name in changed:
            setattr(self, name, written[name])
        self.save(update_fields=changed)
        self.record("edited", by=by, via=via, fields=sorted(changed))

    @transaction.atomic
    def set_condition(self, condition: dict[str, Any] | None, *, by: User, via: str = "person") -> None:
        """Say whom it hits. Raises conditions.BadCondition for what nobody can evaluate."""
        if condition is not None:
            conditions.compile(condition, at=timezone.now(), saving=True)
        self.lock()
        if self.condition == condition:
            return
        self._must_stand()
        self.condition = condition
        self.save(update_fields=["condition"])
        self.record("condition_changed", by=by, via=via)

    @transaction.atomic
    def link(self, case: Case, *, by: User | None, via: str = "person", at: datetime | None = None) -> None:
        """This case is about it. Quiet if it is already so; a case is about one known problem at most."""
        self.lock()
        self._must_stand()
        held, fresh = ProblemCase.objects.select_related("problem").get_or_create(
            case=case, defaults={"problem": self, "linked_by": by, "via": via, "linked_at": at or timezone.now()}
        )
        if fresh:
            self.record("case_linked", by=by, via=via, at=at, case=case.number)
        elif held.problem_id != self.pk:
            raise Refusal(
                gettext("Case #%(number)s is already linked to “%(title)s”: take it off there first.")
                % {"number": case.number, "title": held.problem.title}
            )

    @transaction.atomic
    def unlink(self, case: Case, *, by: User, via: str = "person") -> None:
        """It is about something else after all."""
        self.lock()
        gone, _rows = ProblemCase.objects.filter(problem=self, case=case).delete()
        if gone:
            self.record("case_unlinked", by=by, via=via, case=case.number)

    @transaction.atomic
    def close(self, *, by: User, via: str = "person", at: datetime | None = None) -> None:
        """Over: no case shows it any more. Refused while a notice about it is on its way."""
        self.lock()
        if not self.is_standing:
            return
        if self.notices.filter(state__in=["approved", "sending", "paused"]).exists():
            raise Refusal(gettext("A notice about it is on its way: stop it, or let it end, before you close this."))
        now = at or timezone.now()
        self.state, self.closed_at = self.State.CLOSED, now
        self.save(update_fields=["state", "closed_at"])
        self.record("closed", by=by, via=via, at=now)

    @transaction.atomic
    def reopen(self, *, by: User, via: str = "person") -> None:
        """It is back."""
        self.lock()
        if self.is_standing:
            return
        self.state, self.closed_at = self.State.OPEN, None
        self.save(update_fields=["state", "closed_at"])
        self.record("reopened", by=by, via=via)

    # --- how verbs work

    def lock(self) -> None:
        """Read this row afresh under its lock. Order everywhere: case, problem, notice."""
        self.refresh_from_db(from_queryset=KnownProblem.objects.select_for_update(of=("self",), no_key=True))

    def record(
        self, kind: str, *, by: User | None, via: str = "person", at: datetime | None = None, **data: Any
    ) -> Event:
        return record(self, kind, by=by, via=via, at=at, **data)

    def _must_stand(self) -> None:
        if not self.is_standing:
            raise Refusal(gettext("This problem is closed: open it again first."))


class ProblemCase(models.Model):
    """A case that is about a known problem; a case is about one at most."""

    problem = models.ForeignKey(KnownProblem, models.CASCADE, related_name="cases")
    case = models.OneToOneField(Case, models.CASCADE, related_name="known_problem")
    linked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    via = models.CharField(max_length=20, default="person")  # person, api, reply
    linked_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"case {self.case_id} of problem {self.problem_id}"


class Exposure(models.Model):
    """A customer whom a known problem is likely to hit, by its condition or by the word of another system."""

    problem = models.ForeignKey(KnownProblem, models.CASCADE, related_name="exposures")
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="exposures", db_index=False)
    via = models.CharField(max_length=20, default="rule")  # rule, source
    score = models.FloatField(default=1.0)  # how likely, 0 to 1
    reasons = models.JSONField(default=list)  # what a source said, in its words
    found_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["problem", "customer"], name="exposed_once")]
        indexes = [models.Index(fields=["customer", "problem"], name="exposure_customer")]

    def __str__(self) -> str:
        return f"customer {self.customer_id} of problem {self.problem_id}"
