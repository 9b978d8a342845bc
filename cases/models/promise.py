from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.case import Case
from cases.models.message import Message


class Promise(models.Model):
    """What we told a customer we would do, and by when. Kept, moved with notice, or broken; never forgotten."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        KEPT = "kept", _("kept")
        MOVED = "moved", _("moved with notice")
        BROKEN = "broken", _("broken")

    case = models.ForeignKey(Case, models.CASCADE, related_name="promises")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="promises")
    what = models.CharField(_("what"), max_length=300)
    due_at = models.DateTimeField(_("by when"))
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    made_by = models.ForeignKey(Message, models.PROTECT, null=True, related_name="promises_made")
    kept_by = models.ForeignKey(Message, models.PROTECT, null=True, related_name="promises_kept")
    moved_to = models.ForeignKey("self", models.PROTECT, null=True, related_name="moved_from")
    alarmed_at = models.DateTimeField(null=True)
    raised_at = models.DateTimeField(null=True)  # when the queue's leads were told too
    made_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["made_by"], condition=models.Q(made_by__isnull=False), name="promise_one_a_message"
            )
        ]
        indexes = [
            models.Index(fields=["due_at"], name="promise_due", condition=models.Q(state="open")),
            models.Index(fields=["settled_at"], name="promise_broken", condition=models.Q(state="broken")),
            models.Index(fields=["case"], name="promise_case_idx"),
        ]

    def __str__(self) -> str:
        return self.what
