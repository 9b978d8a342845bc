"""What is to be done because a clock warned or breached: a row each, made with the event, done once (cases.escalation)."""

from datetime import datetime

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.clock import Clock
from cases.models.sla import SLAPolicyVersion
from cases.models.sla_actions import ASSIGN, MOVE, NOTIFY, RAISE, RELEASE, wanted


class ClockActionQuerySet(models.QuerySet["ClockAction"]):
    def due(self, now: datetime) -> "ClockActionQuerySet":
        return self.filter(state=ClockAction.State.WAITING, due_at__lte=now)

    def in_trouble(self) -> "ClockActionQuerySet":
        """Failed at least once, and not done."""
        states = ClockAction.State
        return self.filter(state__in=[states.WAITING, states.FAILED], attempts__gt=0)

    def plan(self, clock: Clock, moment: str, at: datetime) -> None:
        """What the clock's policy wants at this moment becomes rows, in the transaction of its event. Again plans nothing:
        the constraint knows."""
        version = clock.policy_version
        if actions := wanted(version.actions, moment, clock.kind):
            rows = [
                ClockAction(clock=clock, policy_version=version, moment=moment, action=a, due_at=at) for a in actions
            ]
            self.bulk_create(rows, ignore_conflicts=True)


class ClockAction(models.Model):
    """One action at one moment of one clock, as the policy's version says that stood then."""

    class Moment(models.TextChoices):
        WARN = "warn", _("at the warning")
        BREACH = "breach", _("when time has run out")

    class Action(models.TextChoices):
        NOTIFY = NOTIFY, _("tell people")
        MOVE = MOVE, _("move to another queue")
        RAISE = RAISE, _("raise the priority")
        ASSIGN = ASSIGN, _("give to a person")
        RELEASE = RELEASE, _("put back for anyone")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DONE = "done", _("done")
        MOOT = "moot", _("no longer needed")  # the case was over, or the warned clock had ended
        FAILED = "failed", _("given up")

    clock = models.ForeignKey(Clock, models.CASCADE, related_name="actions", db_index=False)
    policy_version = models.ForeignKey(SLAPolicyVersion, models.PROTECT, related_name="+", db_index=False)
    moment = models.CharField(_("when"), max_length=10, choices=Moment.choices)
    action = models.CharField(_("action"), max_length=10, choices=Action.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("next attempt"))
    error = models.CharField(_("what went wrong"), max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(_("settled"), null=True)

    objects = ClockActionQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("service action"), _("service actions in trouble")
        constraints = [
            models.UniqueConstraint(fields=["clock", "moment", "action"], name="clock_action_once"),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="clock_action_due", condition=models.Q(state="waiting")),
            models.Index(
                fields=["-created_at"],
                name="clock_action_trouble",
                condition=models.Q(state__in=["waiting", "failed"], attempts__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.get_moment_display()}"
