import base64
import json
import secrets as randomness
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.queue import Queue
from crm import bulk
from crm.history import tracked
from crm.secrets import decrypt, encrypt

# Names of our own ways in and out, which no configured channel may take.
RESERVED = ("mail", "web", "chat", "phone", "api")
MOST_SECRETS = 4
SET_ASIDE = ("junk", "handled")  # why a person set aside what could not be read
MOST_LOOKS = 17  # tries of a mail, those that it is given while it is kept included


def not_reserved(slug: str) -> None:
    if slug in RESERVED:
        raise ValidationError(_("“%(slug)s” is a way of our own: choose another name.") % {"slug": slug})


@tracked(exclude=["secrets"])
class Channel(models.Model):
    """A configured way in and out: its name is in the address of its inbound API, its kind names the adapter."""

    slug = models.SlugField(_("name in addresses"), max_length=40, unique=True, validators=[not_reserved])
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(max_length=40, default="generic")
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="channels", verbose_name=_("queue"))
    # Encrypted JSON list of active secrets, newest first (crm.secrets): every active one verifies, the first signs.
    secrets = models.TextField(default="", blank=True, editable=False)
    callback_url = models.URLField(_("call-back address for answers"), blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=~models.Q(slug__in=RESERVED), name="channel_slug_not_reserved")]

    def __str__(self) -> str:
        return self.name

    def active_secrets(self) -> list[str]:
        """Every secret that verifies, newest first; the first one signs."""
        return list(json.loads(decrypt(self.secrets))) if self.secrets else []

    @transaction.atomic
    def add_secret(self) -> str:
        """Make a new signing secret, returned once; earlier ones keep verifying until they are retired."""
        self._lock()
        fresh = "whsec_" + base64.b64encode(randomness.token_bytes(32)).decode()
        self._keep([fresh, *self.active_secrets()][:MOST_SECRETS])
        return fresh

    @transaction.atomic
    def retire_secrets(self) -> None:
        """Let only the newest secret verify from now on."""
        self._lock()
        self._keep(self.active_secrets()[:1])

    def _lock(self) -> None:
        self.refresh_from_db(from_queryset=Channel.objects.select_for_update(no_key=True))

    def _keep(self, secrets: list[str]) -> None:
        self.secrets = encrypt(json.dumps(secrets))
        self.save(update_fields=["secrets"])


class Thread(models.Model):
    """A conversation as the other side of a channel names it. Its row is the lock under which a message of it finds or
    opens its case, so that two at once open one. Each person who writes in it has their own case."""

    channel = models.CharField(max_length=40)
    external_id = models.CharField(max_length=200)
    cases = models.ManyToManyField("cases.Case", related_name="threads")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "external_id"], name="thread_once")]

    def __str__(self) -> str:
        return f"{self.channel} {self.external_id}"


class InboundQuerySet(models.QuerySet["InboundItem"]):
    def keep(self, item: "InboundItem") -> tuple["InboundItem", bool]:
        """Store what arrived, once: the item, and whether it is this one. Ten at once: the constraint makes one."""
        if bulk.add_once(item):
            return item, True
        return self.get(channel=item.channel, external_id=item.external_id), False

    def waiting(self, now: datetime) -> "InboundQuerySet":
        """Stored, not yet in a case, and due for a (further) try."""
        return self.filter(state=InboundItem.State.STORED, next_try_at__lte=now)

    def untaken(self) -> "InboundQuerySet":
        """Not a message yet, and neither a repeat nor ignored."""
        return self.filter(state__in=[InboundItem.State.STORED, InboundItem.State.KEPT])

    def kept(self) -> "InboundQuerySet":
        """What no try could turn into a message: a person looks at it."""
        return self.filter(state=InboundItem.State.KEPT)


class InboundItem(models.Model):
    """What arrived, raw, stored before it is acknowledged; it ends as a message, a duplicate, or kept: never nothing."""

    class State(models.TextChoices):
        STORED = "stored", _("stored")
        DONE = "done", _("in a case")
        DUPLICATE = "duplicate", _("duplicate")
        IGNORED = "ignored", _("ignored")
        KEPT = "kept", _("kept for a person")

    channel = models.CharField(max_length=40)
    external_id = models.CharField(max_length=200)
    # Where it belongs if it opens a case, as whoever took it in knew; empty where the channel says so.
    queue = models.ForeignKey(Queue, models.PROTECT, null=True, related_name="+", db_index=False)
    raw = models.BinaryField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.STORED)
    attempts = models.PositiveSmallIntegerField(default=0)  # raised before the work, so that crashes count
    next_try_at = models.DateTimeField(default=timezone.now)  # also the lease of who tries now
    error = models.CharField(max_length=300, blank=True)
    message = models.ForeignKey("cases.Message", models.PROTECT, null=True, related_name="inbound_items")
    # The mail of ours a machine tells of here, where that is in no case (a notice).
    dispatch = models.ForeignKey("cases.Dispatch", models.PROTECT, null=True, related_name="reports", db_index=False)
    received_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True)

    objects = InboundQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "external_id"], name="inbound_once")]
        indexes = [
            models.Index(fields=["next_try_at"], name="inbound_waiting", condition=models.Q(state="stored")),
            models.Index(fields=["received_at"], name="inbound_kept", condition=models.Q(state="kept")),
            models.Index(fields=["received_at"], name="inbound_ignored", condition=models.Q(state="ignored")),
            models.Index(fields=["dispatch"], name="inbound_reports", condition=models.Q(dispatch__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.external_id}"

    @property
    def is_looked_at_again(self) -> bool:
        """A kept mail is tried again by itself for some days; what a channel sent is not going to change."""
        return self.state == self.State.KEPT and self.channel == "mail" and self.attempts < MOST_LOOKS

    @property
    def is_held(self) -> bool:
        """Whether a person may put it back in line: it is kept, or one of us set it aside."""
        return self.state == self.State.KEPT or (self.state == self.State.IGNORED and self.error in SET_ASIDE)

    def try_again_after(self, pause: timedelta, *, now: datetime) -> None:
        """Write down what became of this try, and when the next one is due."""
        self.next_try_at = now + pause
        self.save(update_fields=["state", "error", "next_try_at"])

    def retry(self, *, now: datetime) -> bool:
        """Put what is kept, or was set aside, back in line, by a person's word; whether it was either."""
        held = models.Q(state=self.State.KEPT) | models.Q(state=self.State.IGNORED, error__in=SET_ASIDE)
        line = {"state": self.State.STORED, "attempts": 0, "next_try_at": now, "done_at": None, "error": ""}
        return bool(InboundItem.objects.filter(held, pk=self.pk).update(**line))

    def set_aside(self, why: str, *, now: datetime) -> bool:
        """A person has looked at what is kept and says why nothing follows from it (SET_ASIDE); False if it is not kept.
        It stays as it came, and may be put back in line."""
        if why not in SET_ASIDE:
            raise ValueError(why)
        kept = InboundItem.objects.filter(pk=self.pk, state=self.State.KEPT)
        return bool(kept.update(state=self.State.IGNORED, error=why, done_at=now))
