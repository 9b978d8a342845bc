"""A mailbox mail is fetched from, and what is known of each mail in it."""

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.channel import InboundItem
from cases.models.queue import Queue
from crm.history import tracked

LEASE = timedelta(seconds=20)  # renewed every few; a holder that died is followed within it
SILENT = timedelta(seconds=26)  # a mailbox that works is heard every twelve or so: beyond this something is wrong
AT_WORK = timedelta(minutes=2)  # but one large mail over a slow line may take as long
# What moves while it is fetched: no change of configuration, so no history of it.
_LIVE = [
    *("uidvalidity", "last_uid", "lease_owner", "lease_until", "doing", "is_pushed", "access_token", "access_until"),
    *("last_seen_at", "last_success_at", "failing_since", "failures", "next_try_at", "last_error", "error_detail"),
    *("server_count", "waiting", "waiting_since"),
]
_SECRETS = ["password", "client_secret", "refresh_token"]


class LeaseLost(Exception):
    """Another process holds this mailbox now: nothing more may be written here."""


class MailboxQuerySet(models.QuerySet["Mailbox"]):
    def active(self) -> "MailboxQuerySet":
        return self.filter(is_active=True)

    def free(self) -> "MailboxQuerySet":
        """Held by nobody, or by somebody who has not renewed in time; by the database's clock."""
        return self.active().filter(Q(lease_until=None) | Q(lease_until__lt=Now()))

    def held_by(self, owner: str) -> "MailboxQuerySet":
        return self.filter(lease_owner=owner, lease_until__gte=Now())

    def renew(self, owner: str, held: list[int]) -> int:
        return self.held_by(owner).filter(pk__in=held).update(lease_until=Now() + LEASE)

    def release(self, owner: str, held: list[int]) -> int:
        return self.filter(lease_owner=owner, pk__in=held).update(lease_owner="", lease_until=None, doing="")


@tracked(exclude=[*_LIVE, *_SECRETS])
class Mailbox(models.Model):
    """Where mail is fetched from by IMAP, and for which queue. One process at a time holds it, by lease. Its mark
    (UIDVALIDITY and UID) has passed only what is stored."""

    class Security(models.TextChoices):
        TLS = "tls", _("TLS from the start (port 993)")
        STARTTLS = "starttls", _("STARTTLS (port 143)")
        NONE = "none", _("none (only on this very machine)")

    class SignIn(models.TextChoices):
        PASSWORD = "password", _("Password")
        OAUTH2 = "oauth2", _("OAuth 2 (XOAUTH2)")

    class After(models.TextChoices):
        LEAVE = "leave", _("Leave it as it is")
        SEEN = "seen", _("Mark it as read")
        MOVE = "move", _("Move it to a folder")

    name = models.CharField(_("name"), max_length=80)
    address = models.EmailField(_("address customers write to"))
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="mailboxes", verbose_name=_("queue"))
    is_active = models.BooleanField(_("active"), default=True)
    host = models.CharField(_("server"), max_length=255)
    port = models.PositiveIntegerField(
        _("port"), default=993, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    tls = models.CharField(_("security"), max_length=10, choices=Security.choices, default=Security.TLS)
    user = models.CharField(_("user"), max_length=254)
    sign_in = models.CharField(_("sign-in by"), max_length=10, choices=SignIn.choices, default=SignIn.PASSWORD)
    # Secrets are encrypted (crm.secrets) and written only: no page shows them.
    password = models.TextField(default="", blank=True, editable=False)
    token_url = models.URLField(_("token address"), blank=True)
    client_id = models.CharField(_("client id"), max_length=255, blank=True)
    client_secret = models.TextField(default="", blank=True, editable=False)
    refresh_token = models.TextField(default="", blank=True, editable=False)
    scope = models.CharField(_("scope"), max_length=500, blank=True)
    folder = models.CharField(_("folder"), max_length=255, default="INBOX")
    after = models.CharField(_("once it is stored"), max_length=10, choices=After.choices, default=After.LEAVE)
    after_folder = models.CharField(_("folder it is moved to"), max_length=255, blank=True)
    # Empty: everything in the folder. Else what was there before is passed over, at the first look.
    reads_from = models.DateTimeField(_("reads mail from"), null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    uidvalidity = models.BigIntegerField(default=0, editable=False)  # 0: not looked into yet
    last_uid = models.BigIntegerField(default=0, editable=False)
    lease_owner = models.CharField(max_length=120, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    doing = models.CharField(max_length=10, blank=True, editable=False)  # connecting, fetching, waiting
    is_pushed = models.BooleanField(default=False, editable=False)  # the server says by itself what arrives (IDLE)
    access_token = models.TextField(default="", blank=True, editable=False)
    access_until = models.DateTimeField(null=True, editable=False)
    last_seen_at = models.DateTimeField(null=True, editable=False)  # the server answered
    last_success_at = models.DateTimeField(null=True, editable=False)  # all that was there is stored
    failing_since = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)  # in a row
    next_try_at = models.DateTimeField(null=True, editable=False)
    last_error = models.CharField(max_length=20, blank=True, editable=False)  # a word of cases.mail.imap.Trouble
    error_detail = models.CharField(max_length=200, blank=True, editable=False)  # what the server said
    server_count = models.PositiveIntegerField(null=True, editable=False)
    waiting = models.PositiveIntegerField(default=0, editable=False)  # on the server and not stored yet
    waiting_since = models.DateTimeField(null=True, editable=False)  # since when the oldest of them lies there

    objects = MailboxQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("mailboxes")
        constraints = [models.UniqueConstraint(fields=["host", "port", "user", "folder"], name="mailbox_place_once")]

    def __str__(self) -> str:
        return self.address

    def clean(self) -> None:
        if self.after == self.After.MOVE and not self.after_folder:
            raise ValidationError({"after_folder": _("Name the folder.")})
        if self.after == self.After.MOVE and self.after_folder == self.folder:
            raise ValidationError({"after_folder": _("It must be another folder than the one that is read.")})

    # --- who holds it

    def take(self, owner: str) -> bool:
        """Hold it from now on, if nobody does. Two at once: one gets it."""
        free = Mailbox.objects.free().filter(pk=self.pk)
        return bool(free.update(lease_owner=owner, lease_until=Now() + LEASE, doing="connecting"))

    def fence(self, owner: str) -> None:
        """Inside a transaction: nobody takes it over before this one ends. Raises LeaseLost."""
        held = Mailbox.objects.select_for_update(no_key=True).filter(pk=self.pk, lease_owner=owner)
        if not held.values_list("pk").first():
            raise LeaseLost

    # --- how it goes

    def reached_for(self) -> None:
        """About to call the server."""
        self._set(doing="connecting")

    def reached(self, now: datetime, **changed: object) -> None:
        """The server answered just now."""
        self._set(last_seen_at=now, **changed)

    def succeeded(self, now: datetime, *, warning: str = "", detail: str = "") -> None:
        """Everything that is there is stored, or shown as not to be had. A warning is about what was to follow."""
        self._set(
            last_seen_at=now,
            last_success_at=now,
            failing_since=None,
            failures=0,
            next_try_at=None,
            last_error=warning,
            error_detail=detail,
            doing="waiting",
        )

    def failed(self, word: str, detail: str, *, now: datetime, pause: timedelta) -> None:
        """This try came to nothing; the next one is due after `pause`."""
        since = Mailbox.objects.values_list("failing_since", flat=True).get(pk=self.pk)
        self._set(
            failing_since=since or now,
            failures=self.failures + 1,
            next_try_at=now + pause,
            last_error=word,
            error_detail=detail[:200],
            doing="",
        )

    def keep_token(self, token: str, until: datetime, refresh_token: str) -> None:
        """Encrypted already. A refresh token that was replaced is worthless: the new one must not be lost."""
        rotated = {"refresh_token": refresh_token} if refresh_token else {}
        self._set(access_token=token, access_until=until, **rotated)

    def try_now(self) -> None:
        """A person says so: no further pause."""
        self._set(next_try_at=None)

    @transaction.atomic
    def begin_anew(self) -> None:
        """Another server, account or folder: what is known of mails by their UID is about other mails."""
        self.mails.all().delete()
        self._set(uidvalidity=0, last_uid=0, server_count=None, waiting=0, waiting_since=None)

    def _set(self, **changed: object) -> None:
        for name, value in changed.items():
            setattr(self, name, value)
        Mailbox.objects.filter(pk=self.pk).update(**changed)

    def silent_since(self, now: datetime) -> datetime | None:
        """Since when nothing has been fetched from an active mailbox, if that is longer than it should be."""
        if not self.is_active:
            return None
        heard = self.last_seen_at or self.created_at
        patience = AT_WORK if self.doing == "fetching" and not self.failures else SILENT
        if self.failing_since and now - heard > SILENT / 2:
            return heard
        return heard if now - heard > patience else None

    def lag(self, now: datetime) -> timedelta | None:
        """How long the oldest mail that is on the server and not stored has lain there; None when none does."""
        return max(now - self.waiting_since, timedelta(0)) if self.waiting and self.waiting_since else None


class MailQuerySet(models.QuerySet["MailboxMail"]):
    def done(self) -> "MailQuerySet":
        """Nothing is left to fetch of these."""
        return self.exclude(state=MailboxMail.State.FAILING)

    def skipped(self) -> "MailQuerySet":
        """What the server would not hand out: a person looks at it."""
        return self.filter(state=MailboxMail.State.SKIPPED)


class MailboxMail(models.Model):
    """One mail of a mailbox, by the UID it has there: stored, passed over, or not to be had. What the server has and
    no row tells of is missing, so the two can really be compared."""

    class State(models.TextChoices):
        STORED = "stored", _("stored")
        OLD = "old", _("from before the start")
        FAILING = "failing", _("tried again later")
        SKIPPED = "skipped", _("could not be fetched")
        GONE = "gone", _("gone before it could be fetched")

    mailbox = models.ForeignKey(Mailbox, models.CASCADE, related_name="mails", verbose_name=_("mailbox"))
    uidvalidity = models.BigIntegerField()
    uid = models.BigIntegerField(_("number on the server"))
    state = models.CharField(max_length=10, choices=State.choices)
    item = models.ForeignKey(InboundItem, models.PROTECT, null=True, related_name="mailbox_mails")
    size = models.BigIntegerField(_("size"), default=0)
    arrived_at = models.DateTimeField(_("arrived"), null=True)  # at the server, as it says (INTERNALDATE)
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField(null=True)
    error = models.CharField(_("error"), max_length=20, blank=True)
    is_settled = models.BooleanField(default=True)  # marked or moved on the server, where that is asked for
    created_at = models.DateTimeField(default=timezone.now)

    objects = MailQuerySet.as_manager()

    class Meta:
        verbose_name = _("mail of a mailbox")
        verbose_name_plural = _("mails of mailboxes")
        constraints = [
            models.UniqueConstraint(fields=["mailbox", "uidvalidity", "uid"], name="mailbox_mail_once"),
            models.CheckConstraint(condition=~Q(state="stored") | Q(item__isnull=False), name="mailbox_mail_has_item"),
        ]
        indexes = [
            models.Index(fields=["mailbox"], name="mailbox_unsettled", condition=Q(is_settled=False)),
            models.Index(fields=["mailbox"], name="mailbox_trouble", condition=Q(state__in=["failing", "skipped"])),
        ]

    def __str__(self) -> str:
        return f"{self.mailbox_id}:{self.uid}"

    def retry(self) -> None:
        """Ask the server for it once more, by a person's word."""
        skipped = MailboxMail.objects.filter(pk=self.pk, state=self.State.SKIPPED)
        skipped.update(state=self.State.FAILING, attempts=0, next_try_at=None)
