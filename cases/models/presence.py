"""Whether somebody is there to work: what they chose, what their hours say, and whether their console is still open."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models.calendar import BusinessCalendar
from cases.models.queue import Queue, QueueMembership
from cases.models.refusals import Refusal
from crm.events import record
from crm.history import tracked
from crm.models import Event, User

GRACE = timedelta(seconds=60)  # a console may be gone so long before its person counts as gone


class State(models.TextChoices):
    ONLINE = "online", _("Online")
    BUSY = "busy", _("Busy")
    AWAY = "away", _("Away")
    OFFLINE = "offline", _("Offline")


@tracked(before=True)
class PresenceReason(models.Model):
    """The company's own word for being away or busy, like “Lunch”."""

    WITH_REASON = [(State.AWAY.value, State.AWAY.label), (State.BUSY.value, State.BUSY.label)]

    name = models.CharField(_("name"), max_length=40, unique=True)
    state = models.CharField(
        _("means"),
        max_length=10,
        choices=WITH_REASON,
        default=State.AWAY,
        help_text=_(
            "Away: nothing comes to them. Busy: what is theirs comes back to them, nothing new is given to them."
        ),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0, help_text=_("Smaller numbers stand first."))
    is_active = models.BooleanField(_("offered"), default=True)

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


def colleagues(user: User | AnonymousUser) -> models.QuerySet[User]:
    """Oneself, and everybody who works in a queue one may see."""
    people = User.objects.filter(is_active=True)
    if not isinstance(user, User) or not user.is_active:
        return people.none()
    if user.is_administrator:
        return people
    members = QueueMembership.objects.filter(queue__in=Queue.objects.visible_to(user).values("pk"))
    return people.filter(Q(pk=user.pk) | Q(pk__in=members.values("user")))


class PresenceQuerySet(models.QuerySet["Presence"]):
    def visible_to(self, user: User | AnonymousUser) -> "PresenceQuerySet":
        """One's own, and those of everybody who works in a queue one may see."""
        return self.filter(user__in=colleagues(user).values("pk"))

    def connected(self) -> "PresenceQuerySet":
        """Not gone: their console is open, or they never had one and another program speaks for them."""
        return self.filter(lost_at=None)

    def here(self) -> "PresenceQuerySet":
        """At their desk, though perhaps not for anything new."""
        return self.connected().filter(state__in=[State.ONLINE, State.BUSY])

    def of(self, user: User) -> "Presence":
        """This person's row, made when it is first wanted."""
        return self.get_or_create(user=user)[0]

    def known(self, user: User) -> "Presence":
        """The same to look at: unsaved where nothing was ever said."""
        return self.select_related("user", "reason").filter(user=user).first() or Presence(user=user)


class Presence(models.Model):
    """How a person is there (who looks at what is another thing: crm.models.Presence). `state` is what was last said, by them or by their hours; while the console they had is gone
    they are offline whatever it says, and coming back they are again what they were."""

    stream = "person"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="presence")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OFFLINE)
    reason = models.ForeignKey(PresenceReason, models.PROTECT, null=True, blank=True, related_name="+")
    since = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True)  # a console of theirs was heard; empty: they have none to lose
    lost_at = models.DateTimeField(null=True)  # none was heard for longer than the grace
    calendar = models.ForeignKey(
        BusinessCalendar,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("working hours"),
        help_text=_(
            "At the beginning they come online by themselves, at the end they go offline. Empty: by hand only."
        ),
    )
    in_hours = models.BooleanField(null=True)  # what the calendar last said; each change of it is obeyed once
    routed_at = models.DateTimeField(null=True)  # when they were last given a case
    version = models.BigIntegerField(default=0)

    objects = PresenceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reason=None) | Q(state__in=[State.AWAY, State.BUSY]), name="presence_reason_for_a_pause"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.words}"

    @property
    def shown(self) -> State:
        """What they are to everybody else now."""
        return State.OFFLINE if self.lost_at else State(self.state)

    @property
    def words(self) -> str:
        reason = self.reason if self.shown == self.state else None
        return f"{self.shown.label}: {reason}" if reason else str(self.shown.label)

    @transaction.atomic
    def choose(
        self,
        state: str,
        reason: PresenceReason | None = None,
        *,
        by: User | None,
        at: datetime | None = None,
        via: str = "person",
    ) -> None:
        """Be this from now on; quiet if so already. Said by the person, it also ends having been lost: from the console it
        is a sign of life, from another program it holds until a console of theirs opens."""
        self.lock()
        _must_fit(state, reason)
        now = at or timezone.now()
        was, was_lost = (self.state, self.reason_id), self.lost_at
        if by is not None and by.pk == self.user_id:
            self.lost_at, self.seen_at = None, now if via == "person" else None
        self.state, self.reason = state, reason
        if was != (self.state, self.reason_id) or was_lost != self.lost_at:
            self._changed("chosen", by=by, at=now, via=via, was=was[0])
        else:
            self.save(update_fields=["seen_at"])

    @transaction.atomic
    def come(self, *, at: datetime) -> None:
        """The first console of theirs is open: they are online, unless they said otherwise since somebody looked."""
        self.lock()
        if self.version == 0:
            self.choose(State.ONLINE, by=self.user, at=at)

    @transaction.atomic
    def lose(self, *, at: datetime) -> None:
        """The console is gone for longer than the grace; quiet if that is known, or if one was heard meanwhile."""
        self.lock()
        if self.lost_at is None and self.seen_at is not None and self.seen_at < at - GRACE:
            self.lost_at = at
            self._changed("lost", by=None, at=at, via="system", was=self.state)

    @transaction.atomic
    def find_again(self, *, at: datetime) -> None:
        """A console of theirs is open again: they are what they were."""
        self.lock()
        if self.lost_at is not None:
            self.lost_at = None
            self._changed("back", by=None, at=at, via="system", was=State.OFFLINE)

    @transaction.atomic
    def keep_hours(self, *, at: datetime) -> bool:
        """Obey the beginning and the end of one's working hours, once each; what is chosen in between stands until the
        next. Whether there was one to obey."""
        self.lock()
        hours = self.calendar.current if self.calendar else None
        is_open = hours.open_hours.is_open(at) if hours else None
        if is_open == self.in_hours:
            return False
        first, self.in_hours = self.in_hours is None, is_open
        wanted = State.ONLINE if is_open else State.OFFLINE
        if is_open is None or first or wanted == self.state:
            self.save(update_fields=["in_hours"])
            return True
        was, self.state, self.reason = self.state, wanted, None
        self.seen_at = self.seen_at or at  # hours alone bring nobody to a desk: without a console they are soon lost
        self._changed("hours", by=None, at=at, via="clock", was=was)
        return True

    def lock(self) -> None:
        """Read this row afresh under its lock. It is also the lock under which this person is given cases."""
        rows = Presence.objects.select_for_update(of=("self",), no_key=True)
        fresh = rows.select_related("user", "reason", "calendar__current").get(pk=self.pk)
        for field in self._meta.concrete_fields:
            setattr(self, field.attname, getattr(fresh, field.attname))
        self._state.fields_cache = fresh._state.fields_cache  # whatever else was known of it may be old

    def record(self, kind: str, *, by: User | None, **data: Any) -> Event:
        return record(self, kind, by=by, **data)

    def _changed(self, why: str, *, by: User | None, at: datetime, via: str, was: str) -> None:
        self.since = at
        self.save(update_fields=["state", "reason", "since", "seen_at", "lost_at", "in_hours"])
        told = {"user": self.user_id, "state": self.shown.value, "was": was, "cause": self.reason_id}
        self.record("presence_changed", by=by, at=at, via=via, reason=why, **told)


def _must_fit(state: str, reason: PresenceReason | None) -> None:
    if state not in State.values:
        raise Refusal(gettext("Choose online, busy, away or offline."))
    if reason is not None and (reason.state != state or not reason.is_active):
        raise Refusal(gettext("“%(reason)s” is no reason to be that.") % {"reason": reason.name})
