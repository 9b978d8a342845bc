import secrets

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import HashIndex
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.beside import Contact
from cases.models.case import Case
from crm.models import Learned, StoredFile
from customers.models import ContactPoint


def random_token() -> str:
    return secrets.token_urlsafe(24)


# A customer's own words nobody has guessed the feeling of.
UNGUESSED = models.Q(direction="inbound", is_auto=False, felt_by=None)


class MessageQuerySet(models.QuerySet["Message"]):
    def by_others_since(self, version: int, user: object) -> "MessageQuerySet":
        """What the stale-send guard shows: messages and notes by someone else after the case's `version`."""
        return self.filter(case_version__gt=version, taken_back_at=None).exclude(author=user)  # type: ignore[misc]


class Message(models.Model):
    """One utterance in a case: from the customer, to the customer, or a note that stays inside."""

    class Direction(models.TextChoices):
        INBOUND = "inbound", _("from the customer")
        OUTBOUND = "outbound", _("to the customer")
        NOTE = "note", _("note, only us")

    class Feeling(models.TextChoices):
        GOOD = "good", _("good")
        NEUTRAL = "neutral", _("neutral")
        BAD = "bad", _("upset")

    case = models.ForeignKey(Case, models.PROTECT, related_name="messages")
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, related_name="messages")
    direction = models.CharField(max_length=10, choices=Direction.choices)
    channel = models.CharField(max_length=40, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    sender_name = models.CharField(max_length=200, blank=True)  # of an inbound message, or an imported author
    sender = models.ForeignKey(ContactPoint, models.SET_NULL, null=True, blank=True, related_name="+")
    text = models.TextField(blank=True)
    # As it came by mail, made harmless at intake (cases.mail.html): remote pictures wait in data-remote, cid: ones name
    # an attachment's content_id.
    html = models.TextField(blank=True)
    folds = models.JSONField(default=list, blank=True)  # [start, end, kind] of `text` that is shown folded, in order
    subject = models.CharField(max_length=300, blank=True)  # of a mail, where it is not the case's own
    mail_id = models.CharField(max_length=998, blank=True)  # the Message-ID it came with, no angle brackets
    mail_hash = models.CharField(max_length=64, blank=True)  # of From, Date, Subject and body: tells a repeat
    flags = ArrayField(models.CharField(max_length=40), default=list, blank=True)  # what a reader is warned of
    # How the customer felt, as a rep marked it; empty is unknown, and unknown opens nothing.
    feeling = models.CharField(max_length=10, choices=Feeling.choices, blank=True)
    # What their words sound like, as it was guessed (cases.sentiment): empty where nothing can be told. Never a mark.
    felt_guess = models.CharField(max_length=10, choices=Feeling.choices, blank=True, default="", db_default="")
    felt_p = models.FloatField(null=True)  # how probable that is; null where it is not known how good the guess is
    felt_by = models.BigIntegerField(
        null=True
    )  # the version that guessed, 0 the word lists, -1 a plugin; null: none yet
    language = models.CharField(max_length=12, blank=True)
    at = models.DateTimeField(default=timezone.now)  # when it was said
    created_at = models.DateTimeField(default=timezone.now)  # when we stored it
    case_version = models.BigIntegerField(default=0)  # the case's version its event carries
    is_auto = models.BooleanField(default=False)
    is_answer = models.BooleanField(default=False)
    next_step = models.CharField(max_length=300, blank=True)
    by_when = models.DateTimeField(null=True, blank=True)
    # The promise that `by_when` takes the place of, once this is released.
    moves = models.ForeignKey("cases.Promise", models.PROTECT, null=True, related_name="+", db_index=False)
    written_against = models.BigIntegerField(null=True)
    sent_anyway = models.BooleanField(default=False)
    dispatch = models.OneToOneField("cases.Dispatch", models.PROTECT, null=True, related_name="message")
    then_status = models.CharField(max_length=20, blank=True)  # what the case becomes when this is released
    released_at = models.DateTimeField(null=True)  # outbound: when the undo window closed and it began to count
    taken_back_at = models.DateTimeField(null=True)
    token = models.CharField(max_length=40, unique=True, default=random_token)
    source = models.CharField(max_length=40, default="", blank=True)
    external_id = models.CharField(max_length=250, null=True, blank=True)

    begins = opens = False  # for whoever just stored it: whether it began its contact, or its case

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["at", "id"]
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="message_external_once")]
        indexes = [
            models.Index(fields=["case", "at", "id"], name="message_thread"),
            # By hash: an id may be longer than a page of a tree takes.
            HashIndex(fields=["mail_id"], name="message_mail_id", condition=~models.Q(mail_id="")),
            # What is still to be guessed, and what is learned from.
            models.Index(fields=["-created_at"], name="message_unguessed", condition=UNGUESSED),
            models.Index(fields=["-id"], name="message_marked", condition=~models.Q(feeling="")),
        ]

    def __str__(self) -> str:
        return f"{self.direction} #{self.pk}"

    @property
    def is_theirs(self) -> bool:
        """Written by the customer, by hand."""
        return self.direction == self.Direction.INBOUND and not self.is_auto

    @property
    def is_note(self) -> bool:
        return self.direction == self.Direction.NOTE

    @property
    def new_text(self) -> str:
        """What is new in it: the text without the mail it quotes and its signature; all of it, where that leaves none."""
        kept, at = [], 0
        for start, end, _kind in self.folds:
            kept.append(self.text[at:start])
            at = end
        return "".join([*kept, self.text[at:]]).strip() or self.text

    @property
    def author_name(self) -> str:
        return self.author.name if self.author else self.sender_name


class Attachment(models.Model):
    """A file that came with a message or goes out with one; reached by its random token only."""

    message = models.ForeignKey(Message, models.PROTECT, related_name="attachments")
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+")
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=120)
    size = models.BigIntegerField()
    content_id = models.CharField(max_length=250, blank=True)  # by which the mail's HTML shows it in place
    token = models.CharField(max_length=40, unique=True, default=random_token)

    def __str__(self) -> str:
        return self.name


class GuessedAnew(models.Model):
    """How far the newest messages' feelings have been guessed anew by a version that went live, from the newest back."""

    version = models.OneToOneField(Learned, models.CASCADE, related_name="+")
    before = models.BigIntegerField()  # messages of smaller keys are still to be looked at
    count = models.PositiveIntegerField(default=0)  # guessed anew
    done_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.version_id} {self.count}"
