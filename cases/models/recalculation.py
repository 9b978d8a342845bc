from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.calendar import BusinessCalendar
from cases.models.sla import SLAPolicy


class Recalculation(models.Model):
    """Running clocks that go on under what a calendar or policy says now, because a person asked for it: case by case, in
    the order of their keys, with where it stands. It may be stopped, goes on where it was, and harms nothing twice."""

    class State(models.TextChoices):
        GOING = "going", _("going on")
        STOPPED = "stopped", _("stopped")
        DONE = "done", _("done")

    calendar = models.ForeignKey(BusinessCalendar, models.CASCADE, null=True, related_name="+")
    policy = models.ForeignKey(SLAPolicy, models.CASCADE, null=True, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.GOING)
    total = models.PositiveIntegerField(_("cases"), default=0)
    looked = models.PositiveIntegerField(_("looked at"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    after = models.BigIntegerField(default=0)  # the last case looked at
    left = ArrayField(models.BigIntegerField(), default=list)  # somebody worked on them; their turn comes at the end
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("change of running clocks"), _("changes of running clocks")
        indexes = [models.Index(fields=["id"], name="recalculation_going", condition=models.Q(state="going"))]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(calendar__isnull=False) ^ models.Q(policy__isnull=False),
                name="recalculation_of_one",
            )
        ]

    def __str__(self) -> str:
        return str(self.calendar or self.policy)
