from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import connection, models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import variables
from cases.models.queue import Queue
from crm.history import tracked
from crm.models import User
from customers.folding import clean, words

_DOCUMENT = """
UPDATE cases_savedreply
   SET document = setweight(to_tsvector('simple', %s), 'A') || setweight(to_tsvector('simple', %s), 'B')
               || setweight(to_tsvector('simple', %s), 'D')
 WHERE id = %s
"""


class SavedReplyQuerySet(models.QuerySet["SavedReply"]):
    def offered(self, user: User, queue: Queue) -> "SavedReplyQuerySet":
        """Active ones for cases of this queue: one's own, the queue's and the house's."""
        here = models.Q(owner=user) | models.Q(
            owner=None, pk__in=_shared(models.Q(queues=None) | models.Q(queues=queue))
        )
        return self.filter(here, is_active=True, current__isnull=False)

    def readable_by(self, user: User | AnonymousUser) -> "SavedReplyQuerySet":
        """One's own, and the shared ones of queues one sees; administrators read every shared one."""
        if not isinstance(user, User):
            return self.none()
        shared = models.Q() if user.is_administrator else models.Q(queues=None)
        if not user.is_administrator:
            shared |= models.Q(queues__in=Queue.objects.visible_to(user))
        return self.filter(models.Q(owner=user) | models.Q(owner=None, pk__in=_shared(shared)))

    def about(self, asked: str) -> "SavedReplyQuerySet":
        """Those in which every word asked for begins a word."""
        begun = " & ".join(f"'{word}':*" for word in words(asked))
        return self.filter(document=SearchQuery(begun, config="simple", search_type="raw")) if begun else self


def _shared(where: models.Q) -> Any:
    return SavedReply.objects.filter(where).values("pk")


@tracked(exclude=["document", "used_count", "used_at"], before=True)
class SavedReply(models.Model):
    """What one writes again and again, with places for what differs. It is one person's (`owner`), that of queues, or the
    house's. Its texts live in immutable versions; `document` indexes the current one."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="saved_replies", editable=False
    )
    queues = models.ManyToManyField(Queue, blank=True, related_name="saved_replies", verbose_name=_("queues"))
    folder = models.CharField(_("folder"), max_length=60, blank=True)
    shortcut = models.CharField(
        _("shortcut"),
        max_length=30,
        blank=True,
        validators=[RegexValidator(r"^[\w-]*$", _("Letters, digits, - and _ only, without spaces."))],
        help_text=_("Typed after / it comes first, like /refund."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    current = models.ForeignKey("SavedReplyVersion", models.PROTECT, null=True, related_name="+", editable=False)
    document = SearchVectorField(null=True, editable=False)
    used_count = models.PositiveIntegerField(_("used"), default=0, editable=False)
    used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    objects = SavedReplyQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("saved reply"), _("saved replies")
        constraints = [
            models.UniqueConstraint(
                "owner",
                Lower("shortcut"),
                condition=~models.Q(shortcut="") & models.Q(is_active=True),
                name="saved_reply_own_shortcut_once",
                violation_error_message=_("You have a saved reply with this shortcut already."),
            )
        ]
        indexes = [GinIndex(fields=["document"], name="saved_reply_document", fastupdate=False)]

    def __str__(self) -> str:
        return self.current.title if self.current else f"#{self.pk}"

    @property
    def texts(self) -> dict[str, str]:
        """The current text by language."""
        return self.current.texts if self.current else {}

    @transaction.atomic
    def publish(self, *, title: str, texts: dict[str, str], by: User | None = None) -> "SavedReplyVersion":
        """Say this from now on: a new version, found by its words at once; the current one if nothing changed.

        Raises ValidationError without a title or any text, with too much of either, or with a variable there is not.
        """
        kept = {language: clean(text).strip() for language, text in texts.items() if text.strip()}
        named = clean(title).strip()
        if faults := _faults(named, kept):
            raise ValidationError(faults)
        SavedReply.objects.select_for_update(of=("self",)).get(pk=self.pk)
        self.refresh_from_db(fields=["current"])
        if self.current is None or (self.current.title, self.current.texts) != (named, kept):
            number = (self.current.number if self.current else 0) + 1
            self.current = self.versions.create(number=number, created_by=by, title=named, texts=kept)
            self.save(update_fields=["current"])
        self._index(self.current)
        return self.current

    def _index(self, version: "SavedReplyVersion") -> None:
        said = (f"{version.title} {self.shortcut}", self.folder, " ".join(version.texts.values()))
        with connection.cursor() as cursor:
            cursor.execute(_DOCUMENT, [*(" ".join(words(text)) for text in said), self.pk])


class SavedReplyVersion(models.Model):
    """A saved reply's texts, by language, as they stood from one save to the next."""

    reply = models.ForeignKey(SavedReply, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(_("title"), max_length=120)
    texts = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reply", "number"], name="saved_reply_version_once")]

    def __str__(self) -> str:
        return self.title


def _faults(title: str, texts: dict[str, str]) -> list[str]:
    faults = []
    if not title or len(title) > 120:
        faults.append(str(_("Give it a title of at most 120 characters.")))
    return faults + variables.text_faults(texts)
