from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.asking import LONGEST
from cases.models.queue import Queue
from crm.models import User


class SavedFilterQuerySet(models.QuerySet["SavedFilter"]):
    def visible_to(self, user: User) -> "SavedFilterQuerySet":
        """One's own, and those shared in the queues one sees."""
        return self.filter(models.Q(owner=user) | models.Q(queue__in=Queue.objects.visible_to(user).values("pk")))

    def beside(self, queue: Queue, user: User) -> "SavedFilterQuerySet":
        """Those that stand beside the views of this queue: one's own first, then the queue's."""
        here = self.filter(models.Q(owner=user) | models.Q(queue=queue))
        return here.order_by(models.F("owner").asc(nulls_last=True), "position", "pk")


class SavedFilter(models.Model):
    """A filter somebody gave a name: their own, beside the views of whatever queue they are in, or shared with everybody
    in one queue. `me` in it is whoever looks."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="saved_filters"
    )
    queue = models.ForeignKey(
        Queue, models.CASCADE, null=True, blank=True, related_name="saved_filters", verbose_name=_("shared in")
    )
    name = models.CharField(_("name"), max_length=40)
    text = models.CharField(_("filter"), max_length=LONGEST)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False)
    made_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("shared filter"), _("shared filters")
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(owner__isnull=False) ^ models.Q(queue__isnull=False), name="filter_own_or_shared"
            ),
            models.UniqueConstraint("owner", Lower("name"), name="filter_own_name_once"),
            models.UniqueConstraint("queue", Lower("name"), name="filter_shared_name_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def view(self) -> str:
        """As an address names it."""
        return f"f{self.pk}"

    @property
    def is_shared(self) -> bool:
        return self.queue_id is not None
