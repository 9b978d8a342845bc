"""When something happens in a case, and if a condition holds, then do this: rules, their versions, and each time one was
asked. How they run is in cases.rules (docs/rules.md)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.case import Case
from cases.models.queue import Queue
from cases.models.rule_faults import then_faults, when_faults
from cases.models.rule_shape import canonical_then, canonical_when
from crm.history import tracked
from crm.models import Event, User

_IMMUTABLE = "RAISE EXCEPTION 'a version of a rule never changes' USING ERRCODE = 'restrict_violation';"


class RuleQuerySet(models.QuerySet["Rule"]):
    def running(self) -> "RuleQuerySet":
        """Those that are asked, in the order in which they are."""
        on = self.filter(is_active=True, paused_at=None, current__isnull=False)
        return on.select_related("current").order_by("position", "pk")


@tracked(exclude=["current", "since_pos"], before=True)
class Rule(models.Model):
    """What the house does by itself when something happens in a case. Its content lives in immutable versions."""

    class Pause(models.TextChoices):
        DEPTH = "depth", _("it went round in circles")
        OFTEN = "often", _("it acted on one case too often in an hour")

    name = models.CharField(_("name"), max_length=120, unique=True)
    is_active = models.BooleanField(_("switched on"), default=False)
    position = models.PositiveIntegerField(_("order"), default=0)  # of several that one event asks
    queues = models.ManyToManyField(Queue, blank=True, related_name="rules", verbose_name=_("queues"))
    current = models.ForeignKey("RuleVersion", models.PROTECT, null=True, related_name="+")
    since = models.DateTimeField(_("switched on since"), null=True)  # what lies before asks it nothing
    since_pos = models.BigIntegerField(default=0)
    paused_at = models.DateTimeField(_("paused"), null=True)  # by the guard against loops, until a person lets it go on
    paused_why = models.CharField(_("why it was paused"), max_length=10, choices=Pause.choices, blank=True)
    paused_in = models.ForeignKey(Case, models.SET_NULL, null=True, related_name="+", db_index=False)

    objects = RuleQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("rule"), _("rules")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def publish(
        self,
        *,
        when: Mapping[str, Any],
        condition: Any,
        then: Sequence[Mapping[str, Any]],
        by: User | None = None,
        at: datetime | None = None,
    ) -> "RuleVersion":
        """Do this from now on: a new version, or the current one if nothing changed. What was asked before keeps the
        version it was asked under. Raises ValidationError with a sentence for each fault, by field."""
        now = at or timezone.now()
        if wrong := faults(when, condition, then, at=now):
            raise ValidationError(wrong)
        Rule.objects.select_for_update(of=("self",)).get(pk=self.pk)
        self.refresh_from_db(fields=["current"])
        content = {"when": canonical_when(when), "condition": condition, "then": canonical_then(then)}
        if self.current and all(getattr(self.current, name) == value for name, value in content.items()):
            return self.current
        return self._put(content, by, now)

    @transaction.atomic
    def rewrite(
        self, changed: Callable[["RuleVersion"], tuple[Any, Any]], *, why: str, by: User | None, at: datetime
    ) -> None:
        """What it names goes by another name: a new version that says why, unless nothing differs. Not looked over again:
        it is as right as it was."""
        Rule.objects.select_for_update(of=("self",)).get(pk=self.pk)
        self.refresh_from_db(fields=["current"])
        version = self.current
        if version is None or (said := changed(version)) == (version.condition, version.then):
            return
        content = {"when": version.when, "condition": said[0], "then": said[1], "why": why[:200]}
        self._put(content, by, at)

    def _put(self, content: dict[str, Any], by: User | None, at: datetime) -> "RuleVersion":
        number = (self.current.number if self.current else 0) + 1
        self.current = self.versions.create(number=number, created_by=by, created_at=at, **content)
        self.save(update_fields=["current"])
        return self.current

    @transaction.atomic
    def switch_on(self, *, at: datetime | None = None) -> None:
        """Let it be asked of what happens from now on; again does nothing."""
        self._lock()
        if self.is_active:
            return
        self.is_active, self.since = True, at or timezone.now()
        self.since_pos = max(RuleMark.here().pos, RuleMark.newest())
        self.save(update_fields=["is_active", "since", "since_pos"])

    @transaction.atomic
    def switch_off(self) -> None:
        """Ask it nothing more. What waits for its turn is left undone (cases.rules.running)."""
        self._lock()
        self.is_active, self.since = False, None
        self._go_on()

    @transaction.atomic
    def pause(self, why: str, case: Case, *, at: datetime) -> bool:
        """The guard against loops stops it; whether it was running."""
        self._lock()
        if self.paused_at is not None:
            return False
        self.paused_at, self.paused_why, self.paused_in = at, why, case
        self.save(update_fields=["paused_at", "paused_why", "paused_in"])
        return True

    @transaction.atomic
    def go_on(self, *, at: datetime | None = None) -> bool:
        """A person has looked and lets it run again, for what happens from now on; whether it was paused."""
        self._lock()
        if self.paused_at is None:
            return False
        self.since, self.since_pos = at or timezone.now(), RuleMark.newest()
        self._go_on()
        return True

    def _go_on(self) -> None:
        self.paused_at, self.paused_why, self.paused_in = None, "", None
        self.save(update_fields=["is_active", "since", "since_pos", "paused_at", "paused_why", "paused_in"])

    def _lock(self) -> None:
        fresh = Rule.objects.select_for_update(of=("self",)).get(pk=self.pk)
        for name in ("is_active", "since", "since_pos", "paused_at", "paused_why", "paused_in_id"):
            setattr(self, name, getattr(fresh, name))


def faults(when: object, condition: object, then: object, *, at: datetime) -> dict[str, list[str]]:
    """Everything wrong with what a version would say, by field."""
    from cases.rules.knowledge import condition_fault

    found = {
        "when": list(when_faults(when)),
        "condition": [fault] if (fault := condition_fault(condition, at)) else [],
        "then": list(then_faults(then)),
    }
    return {name: told for name, told in found.items() if told}


class RuleVersion(models.Model):
    """What a rule says, once and for good."""

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    when = models.JSONField(_("when"))
    condition = models.JSONField(_("if"))
    then = models.JSONField(_("then"))
    why = models.CharField(_("because"), max_length=200, blank=True)  # where no person changed it for its own sake
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "number"], name="rule_version_once")]
        triggers = [
            pgtrigger.Trigger(
                name="rule_version_stays", when=pgtrigger.Before, operation=pgtrigger.Update, func=_IMMUTABLE
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule} v{self.number}"


class RuleMark(models.Model):
    """The one row that says up to which place of the log rules have been asked."""

    pos = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_rule_mark")]

    def __str__(self) -> str:
        return str(self.pos)

    @staticmethod
    def newest() -> int:
        return int(Event.objects.aggregate(newest=Max("pos"))["newest"] or 0)

    @classmethod
    def here(cls) -> "RuleMark":
        """Made where the log stands when it is first asked for."""
        return cls.objects.get_or_create(pk=1, defaults={"pos": cls.newest()})[0]


class RuleRunQuerySet(models.QuerySet["RuleRun"]):
    def due(self, now: datetime) -> "RuleRunQuerySet":
        return self.filter(state=RuleRun.State.WAITING, due_at__lte=now)

    def in_trouble(self) -> "RuleRunQuerySet":
        """Something could not be done, and is not yet."""
        states = RuleRun.State
        return self.filter(state__in=[states.WAITING, states.FAILED], attempts__gt=0)


class RuleRun(models.Model):
    """One time a rule was asked: by which event, or since when nothing had happened; and what became of it. Made with the
    mark of the log, so that each rule is asked once by each event, whoever dies and however many look."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DONE = "done", _("done")
        UNFIT = "unfit", _("its condition did not hold")
        MOOT = "moot", _("no longer asked")  # switched off or moved away before its turn, or the case was over
        STOPPED = "stopped", _("stopped: a loop")
        FAILED = "failed", _("given up")

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="runs", db_index=False)
    version = models.ForeignKey(RuleVersion, models.PROTECT, related_name="runs", db_index=False)
    case = models.ForeignKey(Case, models.CASCADE, related_name="rule_runs", db_index=False)
    event = models.ForeignKey(Event, models.PROTECT, null=True, related_name="+", db_index=False)
    waited = models.CharField(max_length=12, blank=True)  # which time without an event
    waited_since = models.DateTimeField(null=True)
    depth = models.PositiveSmallIntegerField(default=0)  # how many runs, one because of the other, led to it
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField(_("next attempt"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    did = ArrayField(models.PositiveSmallIntegerField(), default=list)  # the actions that are done, by their place
    missed = models.JSONField(default=list)  # the parts of the condition that did not hold, by their path
    error = models.CharField(_("what went wrong"), max_length=300, blank=True)
    caused = ArrayField(models.BigIntegerField(), default=list)  # the versions of the case's events it is the cause of
    asked_at = models.DateTimeField(_("asked"))
    settled_at = models.DateTimeField(_("settled"), null=True)

    objects = RuleRunQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("run of a rule"), _("runs of rules")
        constraints = [
            models.UniqueConstraint(fields=["event", "rule"], name="rule_run_once"),
            models.UniqueConstraint(
                fields=["case", "rule", "waited", "waited_since"],
                condition=models.Q(event=None),
                name="rule_run_once_a_wait",
            ),
            models.CheckConstraint(
                condition=models.Q(event__isnull=False) ^ models.Q(waited_since__isnull=False),
                name="rule_run_has_a_cause",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="rule_run_due", condition=models.Q(state="waiting")),
            models.Index(fields=["case", "-id"], name="rule_run_case"),
            models.Index(fields=["rule", "-id"], name="rule_run_rule"),
            models.Index(fields=["id"], name="rule_run_unfit", condition=models.Q(state__in=["unfit", "moot"])),
        ]

    def __str__(self) -> str:
        return f"{self.rule} · {self.get_state_display()}"


class RuleTrial(models.Model):
    """A dry run of one version on what happened lately: how far it is, what it found, and examples."""

    class State(models.TextChoices):
        GOING = "going", _("going on")
        STOPPED = "stopped", _("stopped")
        DONE = "done", _("done")

    version = models.ForeignKey(RuleVersion, models.CASCADE, related_name="trials")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    since = models.DateTimeField()
    until = models.DateTimeField()
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.GOING)
    total = models.PositiveIntegerField(default=0)  # cases
    looked = models.PositiveIntegerField(default=0)
    after = models.BigIntegerField(default=0)  # the last case looked at
    asked = models.PositiveIntegerField(default=0)  # times the rule would have been asked,
    fired = models.PositiveIntegerField(default=0)  # and its condition would have held
    cases = models.PositiveIntegerField(default=0)  # that would be others because of it
    loops = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)  # events it would have caused, by kind
    sample = models.JSONField(default=list)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        indexes = [models.Index(fields=["id"], name="rule_trial_going", condition=models.Q(state="going"))]

    def __str__(self) -> str:
        return f"{self.version} {self.get_state_display()}"
