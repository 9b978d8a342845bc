from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Learned(models.Model):
    """One training of something that learns from history: what it saw, how well it did on what was held back, and, of the
    newest few, what it learned. Rows are only added; the newest one in use of a kind is what runs."""

    kind = models.CharField(max_length=40)
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    took = models.FloatField(default=0)  # seconds
    in_use = models.BooleanField(default=False)
    why = models.CharField(max_length=300, default="", blank=True)  # why it is not in use, in a sentence
    seen = models.JSONField(default=dict)  # what it learned from: counts by name
    figures = models.JSONField(default=dict)  # how well, on what was held back
    content = models.BinaryField(null=True)  # crm.arrays; null once newer ones took over

    class Meta:
        verbose_name, verbose_name_plural = _("model card"), _("model cards")
        indexes = [models.Index(fields=["kind", "-id"], name="learned_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
