"""What is to be done in a case beside answering, and what somebody wants to be reminded of."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models import User


class TaskQuerySet(models.QuerySet["Task"]):
    def open(self) -> "TaskQuerySet":
        return self.filter(done_at=None, dropped_at=None)

    def kept(self) -> "TaskQuerySet":
        """Those nobody took off again."""
        return self.filter(dropped_at=None)

    def of(self, user: User) -> "TaskQuerySet":
        """Theirs by name, and those of nobody in cases they have."""
        return self.filter(models.Q(owner=user) | models.Q(owner=None, case__assignee=user))


class Task(models.Model):
    """One thing to do in a case: what, whose (nobody's: of whoever has the case), by when."""

    case = models.ForeignKey("cases.Case", models.CASCADE, related_name="tasks")
    what = models.CharField(_("what"), max_length=300)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="tasks", db_index=False)
    due_at = models.DateTimeField(_("by when"), null=True)
    position = models.IntegerField(default=0)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    made_at = models.DateTimeField(default=timezone.now)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    done_at = models.DateTimeField(null=True)
    dropped_at = models.DateTimeField(null=True)  # taken off again: it was not to be done
    told_at = models.DateTimeField(null=True)  # when its owner was told that it is due

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        indexes = [
            models.Index(fields=["owner", "due_at"], name="task_of", condition=models.Q(done_at=None, dropped_at=None)),
            models.Index(
                fields=["due_at"],
                name="task_due",
                condition=models.Q(done_at=None, dropped_at=None, told_at=None, due_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.what

    @property
    def is_open(self) -> bool:
        return self.done_at is None and self.dropped_at is None


class Reminder(models.Model):
    """Somebody wants to hear of a case at a time; not, if they said so, once its customer has written."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DONE = "done", _("done")
        MOOT = "moot", _("no longer needed")  # the customer wrote, or they may not see the case any more
        DROPPED = "dropped", _("taken off")

    case = models.ForeignKey("cases.Case", models.CASCADE, related_name="reminders")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="reminders", db_index=False)
    at = models.DateTimeField(_("when"))
    note = models.CharField(_("of what"), max_length=200, blank=True)
    unless_customer_writes = models.BooleanField(_("not if the customer writes"), default=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    made_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["at", "pk"]
        indexes = [
            models.Index(fields=["at"], name="reminder_due", condition=models.Q(state="waiting")),
            models.Index(fields=["user", "at"], name="reminder_of", condition=models.Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.at}"
