from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.queue import Queue
from crm.history import tracked


@tracked(exclude=["document", "sent_count", "answered_count"])
class Article(models.Model):
    """An answer written down. Its text lives in immutable versions; `document` indexes the current one."""

    class Audience(models.TextChoices):
        PUBLIC = "public", _("Public")
        INTERNAL = "internal", _("Internal")

    audience = models.CharField(_("audience"), max_length=10, choices=Audience.choices, default=Audience.INTERNAL)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    review_on = models.DateField(_("review on"), null=True, blank=True)
    queues = models.ManyToManyField(Queue, blank=True, related_name="articles", verbose_name=_("queues"))
    is_active = models.BooleanField(_("active"), default=True)
    current = models.ForeignKey("ArticleVersion", models.PROTECT, null=True, related_name="+")
    document = SearchVectorField(null=True, editable=False)
    sent_count = models.PositiveIntegerField(default=0, editable=False)
    answered_count = models.PositiveIntegerField(default=0, editable=False)
    source = models.CharField(max_length=40, default="", blank=True)
    external_id = models.CharField(max_length=200, null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="article_external_once")]
        indexes = [GinIndex(fields=["document"], name="article_document")]

    def __str__(self) -> str:
        return self.current.title if self.current else f"#{self.pk}"


class ArticleVersion(models.Model):
    """An article's text as it stood from one save to the next."""

    article = models.ForeignKey(Article, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    language = models.CharField(max_length=12, default="en")
    title = models.CharField(_("title"), max_length=200)
    body = models.TextField(_("text"))
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["article", "number"], name="article_version_once")]

    def __str__(self) -> str:
        return self.title
