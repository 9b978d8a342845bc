"""Guided steps: what is done in a kind of case, in which order; and how far a case has come."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from cases.models.case import Case
from cases.models.queue import Queue
from crm.history import tracked
from crm.models import User
from customers.folding import clean

MOST_STEPS = 40


@dataclass(frozen=True)
class Step:
    """One action: its key (a word that stays), what the rep reads, and how it is done."""

    key: str
    label: str
    hint: str = ""


class PlaybookQuerySet(models.QuerySet["Playbook"]):
    def offered(self, queue: Queue) -> "PlaybookQuerySet":
        """Active ones for this queue; those of no queue are for every one."""
        rows = self.filter(is_active=True, current__isnull=False)
        return rows.filter(models.Q(queues=None) | models.Q(queues=queue)).distinct()

    def readable_by(self, user: User) -> "PlaybookQuerySet":
        """Those of queues one sees, and those of every queue."""
        if user.is_administrator:
            return self
        mine = models.Q(queues=None) | models.Q(queues__in=Queue.objects.visible_to(user))
        return self.filter(pk__in=Playbook.objects.filter(mine).values("pk"))


@tracked(before=True)
class Playbook(models.Model):
    """The steps of one kind of case. They live in immutable versions: a case goes on with those it began with."""

    name = models.CharField(_("name"), max_length=120)
    queues = models.ManyToManyField(Queue, blank=True, related_name="playbooks", verbose_name=_("queues"))
    is_active = models.BooleanField(_("active"), default=True)
    current = models.ForeignKey("PlaybookVersion", models.PROTECT, null=True, related_name="+")
    source = models.CharField(max_length=40, default="", blank=True, editable=False)
    external_id = models.CharField(max_length=200, null=True, blank=True, editable=False)

    objects = PlaybookQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("playbook"), _("playbooks")
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="playbook_external_once")]

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def publish(self, steps: list[Any], *, by: User | None = None) -> "PlaybookVersion":
        """These steps from now on: a new version, or the current one if nothing changed. Raises ValidationError."""
        told = read_steps(steps)
        Playbook.objects.select_for_update(of=("self",)).get(pk=self.pk)
        self.refresh_from_db(fields=["current"])
        if self.current and self.current.told == told:
            return self.current
        number = (self.current.number if self.current else 0) + 1
        self.current = self.versions.create(number=number, created_by=by, steps=[vars(step) for step in told])
        self.save(update_fields=["current"])
        return self.current


def read_steps(steps: list[Any]) -> list[Step]:
    """Steps from labels, or from {key, label, hint}. Raises ValidationError."""
    told = []
    for each in steps:
        given = each if isinstance(each, dict) else {"label": str(each)}
        label = clean(str(given.get("label") or given.get("key") or "")).strip()[:120]
        key = slugify(str(given.get("key") or label))[:60]
        if not key:
            raise ValidationError(_("A step needs a name in letters or digits."))
        told.append(Step(key, label, clean(str(given.get("hint") or "")).strip()[:500]))
    if not 0 < len(told) <= MOST_STEPS:
        raise ValidationError(_("Give a playbook 1 to %(most)d steps."), params={"most": MOST_STEPS})
    if len({step.key for step in told}) < len(told):
        raise ValidationError(_("Two steps have the same name: say what is different in the second."))
    return told


class PlaybookVersion(models.Model):
    """The steps as they stood from one save to the next."""

    playbook = models.ForeignKey(Playbook, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    steps = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["playbook", "number"], name="playbook_version_once")]

    def __str__(self) -> str:
        return f"{self.playbook} {self.number}"

    @property
    def told(self) -> list[Step]:
        return [Step(**step) for step in self.steps]


class PlaybookRun(models.Model):
    """A case on its way through a playbook; one at a time."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="playbook_runs")
    version = models.ForeignKey(PlaybookVersion, models.PROTECT, related_name="runs")
    started_at = models.DateTimeField(default=timezone.now)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    ended_at = models.DateTimeField(null=True)  # every step was taken, or it was left

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case"], condition=models.Q(ended_at=None), name="one_playbook_at_a_time")
        ]

    def __str__(self) -> str:
        return f"{self.version} in case {self.case_id}"


class PlaybookStep(models.Model):
    """A step that was taken, and out of its order only with a reason."""

    run = models.ForeignKey(PlaybookRun, models.CASCADE, related_name="taken")
    key = models.CharField(max_length=60)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=300, blank=True)  # why before its turn; empty: it was its turn

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="playbook_step_once")]

    def __str__(self) -> str:
        return self.key
