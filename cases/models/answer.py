from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.queue import Queue
from crm.history import tracked
from crm.models import User
from customers.folding import clean

LONGEST_BODY = 200_000  # characters


class ArticleQuerySet(models.QuerySet["Article"]):
    def offered(self, *, queue: Queue | None, audience: str | None) -> "ArticleQuerySet":
        """Active, published articles for this queue (those of no queue are for every one) and this audience (empty:
        for us inside, who may read both kinds)."""
        found = self.filter(is_active=True, current__isnull=False)
        if audience == Article.Audience.PUBLIC:
            found = found.filter(audience=Article.Audience.PUBLIC)
        if queue is not None:
            found = found.filter(models.Q(queues=None) | models.Q(queues=queue))
        return found


@tracked(exclude=["sent_count", "answered_count"], before=True)
class Article(models.Model):
    """An answer written down. Its text lives in immutable versions; what is learned from them finds it (cases/answering)."""

    class Audience(models.TextChoices):
        PUBLIC = "public", _("Public")
        INTERNAL = "internal", _("Internal")

    audience = models.CharField(_("audience"), max_length=10, choices=Audience.choices, default=Audience.INTERNAL)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    review_on = models.DateField(_("review on"), null=True, blank=True)
    queues = models.ManyToManyField(Queue, blank=True, related_name="articles", verbose_name=_("queues"))
    is_active = models.BooleanField(_("active"), default=True)
    current = models.ForeignKey("ArticleVersion", models.PROTECT, null=True, related_name="+")
    sent_count = models.PositiveIntegerField(default=0, editable=False)
    answered_count = models.PositiveIntegerField(default=0, editable=False)
    source = models.CharField(max_length=40, default="", blank=True)
    external_id = models.CharField(max_length=200, null=True, blank=True)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="article_external_once")]

    def __str__(self) -> str:
        return self.current.title if self.current else f"#{self.pk}"

    @transaction.atomic
    def publish(self, *, title: str, body: str, language: str = "en", by: User | None = None) -> "ArticleVersion":
        """Say this from now on: a new version; the current one if nothing changed.

        Raises ValidationError when there is no title, no text, or too much of either.
        """
        content = {"title": clean(title).strip(), "body": clean(body).strip(), "language": language}
        if errors := _faults(content["title"], content["body"]):
            raise ValidationError(errors)
        Article.objects.select_for_update(of=("self",)).get(pk=self.pk)
        self.refresh_from_db(fields=["current"])
        if self.current and all(getattr(self.current, name) == value for name, value in content.items()):
            return self.current
        number = (self.current.number if self.current else 0) + 1
        self.current = self.versions.create(number=number, created_by=by, **content)
        self.save(update_fields=["current"])
        return self.current


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


class ArticleUse(models.Model):
    """A rep put an article into a reply, or said that it answered, or that it did not fit. One row a case, article and
    kind: what suggestions learn from."""

    class How(models.TextChoices):
        SENT = "sent", _("sent")
        ANSWERED = "answered", _("answered it")
        UNFIT = "unfit", _("did not fit")

    case = models.ForeignKey("cases.Case", models.CASCADE, related_name="article_uses")
    article = models.ForeignKey(Article, models.CASCADE, related_name="uses")
    how = models.CharField(max_length=10, choices=How.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "article", "how"], name="article_used_once")]
        indexes = [models.Index(fields=["-at"], name="article_use_newest")]

    def __str__(self) -> str:
        return f"{self.article_id} {self.how} {self.case_id}"


class KnowledgeGap(models.Model):
    """Questions customers ask that no article answers, alike ones together; found anew by each training."""

    training = models.ForeignKey("crm.Learned", models.CASCADE, related_name="+")
    queue = models.ForeignKey(Queue, models.CASCADE, null=True, related_name="+")
    words = models.CharField(max_length=200)  # the words they have in common
    count = models.PositiveIntegerField()  # contacts
    cases = ArrayField(models.BigIntegerField())  # numbers of some of them, the most typical first
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        ordering = ["-count", "pk"]

    def __str__(self) -> str:
        return self.words


def _faults(title: str, body: str) -> list[str]:
    faults = []
    if not title or len(title) > 200:
        faults.append(str(_("Give the article a title of at most 200 characters.")))
    if not body or len(body) > LONGEST_BODY:
        faults.append(str(_("Give the article a text of at most 200,000 characters.")))
    return faults
