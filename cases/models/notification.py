"""What people are told: a row a person and event, how they want to hear, and which cases they want to hear nothing of."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models import hearing
from cases.models.queue import SESSION_TTL, QueueMembership, QueueSession
from cases.models.reasons import Reason, Way, usual, weight
from crm.models import Event, User

if TYPE_CHECKING:
    from cases.models.case import Case


class NotificationQuerySet(models.QuerySet["Notification"]):
    def unread(self) -> "NotificationQuerySet":
        """Neither read nor over: what it told of still wants a look."""
        return self.filter(read_at=None, ended_by=None)

    def awake(self, at: datetime) -> "NotificationQuerySet":
        return self.filter(models.Q(snoozed_until=None) | models.Q(snoozed_until__lte=at))

    def visible(self, at: datetime | None = None) -> "NotificationQuerySet":
        """Those whose people may see the case now. Asked whenever something is shown or leaves: rights change."""
        return self.filter(_sees(at or timezone.now()))

    def seeing(self, at: datetime | None = None) -> "NotificationQuerySet":
        """All, each with whether its person may see the case now (`sees`)."""
        sees = models.ExpressionWrapper(_sees(at or timezone.now()), output_field=models.BooleanField())
        return self.annotate(sees=sees)

    def by_need(self) -> "NotificationQuerySet":
        """With how soon each needs its person (`weight`, smaller is sooner)."""
        whens = [models.When(reason=reason, then=models.Value(weight(reason))) for reason in Reason]
        return self.annotate(weight=models.Case(*whens, output_field=models.IntegerField()))


def _sees(at: datetime) -> models.Q:
    theirs = {"queue": models.OuterRef("case__queue"), "user": models.OuterRef("user")}
    member = QueueMembership.objects.filter(**theirs)
    sits = QueueSession.objects.filter(**theirs, ended_at=None, seen_at__gte=at - SESSION_TTL, queue__is_active=True)
    executive = models.Q(user__role=User.Role.EXECUTIVE)
    all_of_it = models.Q(user__role=User.Role.ADMINISTRATOR) | models.Q(user__is_superuser=True)
    may = all_of_it | (executive & models.Exists(sits)) | (~executive & models.Exists(member))
    return models.Q(may, user__is_active=True)


class NotificationManager(models.Manager.from_queryset(NotificationQuerySet)):  # type: ignore[misc]
    def follow(self, case: "Case", event: Event) -> None:
        """Tell whom an event concerns, and end what it settles, in its own transaction: exactly once, as the event is."""
        if event.via != "import":
            hearing.end(case, event)
            hearing.tell(case, event)


class Notification(models.Model):
    """Somebody is told of an event, for the strongest reason they have. Read by them, or over because what it told of is
    done (`ended_by`)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications", db_index=False)
    case = models.ForeignKey("cases.Case", models.CASCADE, related_name="notifications", db_index=False)
    event = models.ForeignKey(Event, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=20, choices=Reason.choices)
    ways = ArrayField(models.CharField(max_length=10), default=list)  # as they wanted it when it happened
    at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Event, models.PROTECT, null=True, related_name="+")
    snoozed_until = models.DateTimeField(null=True)
    push_at = models.DateTimeField(null=True)  # when it goes to their devices, if it is still new then
    digest = models.ForeignKey("cases.Digest", models.SET_NULL, null=True, related_name="lines", db_index=False)

    objects = NotificationManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "event"], name="notification_once")]
        indexes = [
            models.Index(
                fields=["user", "case"],
                name="notification_unread",
                condition=models.Q(read_at=None, ended_by=None),
            ),
            models.Index(fields=["case"], name="notification_of_case", condition=models.Q(read_at=None, ended_by=None)),
            models.Index(fields=["user", "-at"], name="notification_newest"),
            models.Index(fields=["at"], name="notification_age"),
            models.Index(fields=["push_at"], name="notification_push", condition=models.Q(push_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.reason} {self.event_id}"


class NotificationSettings(models.Model):
    """How a person wants to hear. `ways` holds only what they chose differently from the house."""

    class Digest(models.TextChoices):
        OFF = "off", _("never")
        HOURLY = "hourly", _("every hour")
        DAILY = "daily", _("once a day")

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notification_settings")
    ways = models.JSONField(default=dict)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("until"), null=True, blank=True)
    tz = models.CharField(_("time zone"), max_length=64, blank=True)  # empty: the person's own
    heeds_presence = models.BooleanField(_("no sound and nothing on my devices while I am busy or away"), default=True)
    shows_customer = models.BooleanField(_("show the customer’s name on my devices"), default=False)
    digest = models.CharField(_("mail digest"), max_length=10, choices=Digest.choices, default=Digest.DAILY)
    digest_at = models.TimeField(_("at"), default=time(8, 0))
    looked_at = models.DateTimeField(null=True)  # when the panel was last opened
    version = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(quiet_from=None, quiet_until=None)
                | models.Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="notification_quiet_has_both_ends",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id}"

    @property
    def zone(self) -> str:
        return self.tz or self.user.tz

    @transaction.atomic
    def choose(self, ways: Mapping[str, Sequence[str]] | None = None, **fields: Any) -> None:
        """Hear like this from now on; what one chooses as the house does is not kept as a choice."""
        rows = NotificationSettings.objects.select_for_update(no_key=True)
        fresh = rows.get(pk=self.pk)
        self.version, self.ways = fresh.version + 1, fresh.ways
        if ways is not None:
            known = {reason: [way for way in Way.values if way in given] for reason, given in ways.items()}
            self.ways = {reason: given for reason, given in known.items() if given != usual(reason)}
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=["ways", "version", *fields])


class MutedCase(models.Model):
    """Somebody wants to hear nothing of a case but being named in it or given it."""

    case = models.ForeignKey("cases.Case", models.CASCADE, related_name="mutes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="muted_cases")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "case"], name="muted_once")]

    def __str__(self) -> str:
        return f"{self.user_id} mutes {self.case_id}"
