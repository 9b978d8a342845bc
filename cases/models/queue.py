from datetime import datetime, timedelta
from typing import Any

import pgtrigger
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.calendar import BusinessCalendar
from crm.events import record
from crm.history import tracked
from crm.models import Event, User

SESSION_TTL = timedelta(seconds=90)
LONGEST_PATIENCE = 24 * 60  # minutes
LONGEST_APPROVAL = 24 * 60  # minutes of open time
LONGEST_SILENCE = 365  # days a queue may wait before it takes silence for a yes


def _rights_trigger(name: str, columns: tuple[str, ...] = ()) -> pgtrigger.Trigger:
    """Any change of who belongs where, by whatever path, raises the rights_version of those it touches: open sockets
    compare it and drop what they may no longer see."""
    update = pgtrigger.UpdateOf(*columns) if columns else pgtrigger.Update  # type: ignore[no-untyped-call]
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Delete | update,
        func="""
            UPDATE crm_user SET rights_version = rights_version + 1
            WHERE id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.user_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.user_id END);
            RETURN NULL;
        """,
    )


class QueueQuerySet(models.QuerySet["Queue"]):
    def visible_to(self, user: User | AnonymousUser, *, at: datetime | None = None) -> "QueueQuerySet":
        """The queues whose cases this person may see: members and supervisors always, executives while they have an
        open session, administrators every one."""
        if not isinstance(user, User) or not user.is_active:
            return self.none()
        if user.is_administrator:
            return self
        if user.is_executive:
            fresh = (at or timezone.now()) - SESSION_TTL
            mine = QueueSession.objects.filter(user=user, ended_at=None, seen_at__gte=fresh)
            return self.filter(pk__in=mine.values("queue_id"), is_active=True)
        return self.filter(pk__in=QueueMembership.objects.filter(user=user).values("queue_id"))

    def steered_by(self, user: User) -> "QueueQuerySet":
        """The queues whose settings this person may change."""
        if user.is_administrator:
            return self
        own = QueueMembership.objects.filter(user=user, role=QueueMembership.Role.SUPERVISOR)
        return self.filter(pk__in=own.values("queue_id")) if user.is_supervisor else self.none()

    def joinable_by(self, user: User) -> "QueueQuerySet":
        """The queues an executive may sit down in."""
        return self.filter(is_active=True) if user.is_executive or user.is_administrator else self.none()


@tracked(exclude=["version"], before=True)
class Queue(models.Model):
    """A line of work with its people."""

    class Assignment(models.TextChoices):
        BY_HAND = "by_hand", _("by hand")
        LEAST_LOADED = "least_loaded", _("to the least loaded")
        ROUND_ROBIN = "round_robin", _("round robin")

    class Asks(models.TextChoices):
        NO = "no", _("not asked")
        OPTIONAL = "optional", _("asked, may be left open")
        REQUIRED = "required", _("must be said")

    stream = "queue"

    name = models.CharField(_("name"), max_length=80, unique=True)
    description = models.CharField(_("what belongs here"), max_length=300, blank=True)
    calendar = models.ForeignKey(
        BusinessCalendar, models.PROTECT, null=True, blank=True, related_name="queues", verbose_name=_("calendar")
    )
    is_public = models.BooleanField(_("offered on the contact form"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    acknowledges = models.BooleanField(
        _("acknowledge new contacts"),
        default=True,
        help_text=_("Whoever writes hears at once that it arrived, what happens next, and by when."),
    )
    reach = models.CharField(
        _("how to reach a person now"),
        max_length=200,
        blank=True,
        help_text=_(
            "One line for acknowledgements, like “Call +44 20 7946 0123, Mon to Fri 9 to 17”. Empty: the contact form."
        ),
    )
    silence_days = models.PositiveSmallIntegerField(
        _("days of silence after which a need counts as met"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_SILENCE)],
        help_text=_(
            "Our answer arrived, nothing more is promised, and the customer has not written since: after so many days the"
            " case says “need met”, until they write again. Empty: silence says nothing."
        ),
    )
    assignment = models.CharField(
        _("cases are given out"),
        max_length=20,
        choices=Assignment.choices,
        default=Assignment.BY_HAND,
        db_default=Assignment.BY_HAND.value,
        help_text=_(
            "By hand: people take them. Least loaded: to whoever is online and has the smallest part of what they may have"
            " at once. Round robin: to whoever was given one longest ago. When everyone is full, cases wait in order."
        ),
    )
    capacity = models.PositiveSmallIntegerField(
        _("cases at once for one person"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text=_(
            "Somebody with so many cases that wait for us or whose time runs, in whatever queues, is given no more here."
            " Empty: what is set for the whole house. A person’s own figure goes before this one."
        ),
    )
    return_minutes = models.PositiveSmallIntegerField(
        _("minutes until a case whose owner is away goes back to the queue"),
        default=15,
        db_default=15,
        validators=[MaxValueValidator(LONGEST_PATIENCE)],
        help_text=_("For cases that are opened again or wake up. Who is online or busy meanwhile keeps theirs."),
    )
    skill_minutes = models.PositiveSmallIntegerField(
        _("minutes a case waits for somebody with the skills it needs"),
        default=10,
        db_default=10,
        validators=[MaxValueValidator(LONGEST_PATIENCE)],
        help_text=_("After so long it is given to anybody here, so that no case waits for a skill nobody has."),
    )
    asks_disposition = models.CharField(
        _("on resolving: what it was about"),
        max_length=10,
        choices=Asks.choices,
        default=Asks.NO,
        db_default=Asks.NO.value,
        help_text=_(
            "Whoever resolves a case, by hand, in bulk, with a macro or the API, chooses one of the dispositions."
        ),
    )
    asks_cause = models.CharField(
        _("on resolving: what would have prevented it"),
        max_length=10,
        choices=Asks.choices,
        default=Asks.NO,
        db_default=Asks.NO.value,
        help_text=_("The same, of the causes."),
    )
    approval_minutes = models.PositiveSmallIntegerField(
        _("minutes until an approval nobody answers is raised"),
        default=15,
        db_default=15,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_APPROVAL)],
        help_text=_(
            "Of the hours the queue is open. A remedy above somebody’s authority waits so long for those who lead; then it is"
            " raised to one person by name. What already waits keeps its time."
        ),
    )
    asks_survey = models.BooleanField(
        _("ask customers whether it was solved"),
        default=True,
        db_default=True,
        help_text=_(
            "One question on the customer’s page once their case is resolved. Off: it is asked of nobody, also not by links"
            " sent before; whoever has answered still reads what they said, and may change it for a day."
        ),
    )
    version = models.BigIntegerField(default=0, editable=False)
    source = models.CharField(max_length=40, default="", blank=True)
    external_id = models.CharField(max_length=200, null=True, blank=True)

    objects = QueueQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="queue_external_once"),
            models.CheckConstraint(
                condition=models.Q(silence_days=None) | models.Q(silence_days__range=(1, LONGEST_SILENCE)),
                name="queue_silence_lasts",
            ),
            models.CheckConstraint(
                condition=models.Q(approval_minutes__range=(1, LONGEST_APPROVAL)), name="queue_approval_lasts"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def record(self, kind: str, *, by: User | None, **data: Any) -> Event:
        return record(self, kind, by=by, **data)

    @transaction.atomic
    def admit(self, user: User, role: str, *, by: User | None, via: str = "person") -> None:
        """Let a person work here in this role (QueueMembership.Role); quiet if they do already."""
        Queue.objects.select_for_update(no_key=True).get(pk=self.pk)
        if self.memberships.filter(user=user, role=role).exists():
            return
        self.memberships.update_or_create(user=user, defaults={"role": role})
        self.record("member_set", by=by, via=via, user=user.pk, role=role)

    @transaction.atomic
    def dismiss(self, user: User, *, by: User | None, via: str = "person") -> None:
        """Let a person work here no longer; quiet if they do not."""
        Queue.objects.select_for_update(no_key=True).get(pk=self.pk)
        if self.memberships.filter(user=user).delete()[0]:
            self.record("member_removed", by=by, via=via, user=user.pk)

    @transaction.atomic
    def join(self, user: User, *, mode: str, at: datetime | None = None) -> "QueueSession":
        """Sit down in the queue to watch or to work; joining again only refreshes or changes the mode."""
        now = at or timezone.now()
        Queue.objects.select_for_update().get(pk=self.pk)
        QueueSession.objects.filter(queue=self, user=user, ended_at=None, seen_at__lt=now - SESSION_TTL).update(
            ended_at=models.F("seen_at")
        )
        session, fresh = QueueSession.objects.get_or_create(
            queue=self, user=user, ended_at=None, defaults={"mode": mode, "started_at": now, "seen_at": now}
        )
        if not fresh:
            changed = session.mode != mode
            session.mode, session.seen_at = mode, now
            session.save(update_fields=["mode", "seen_at"])
            if not changed:
                return session
        self.record("joined", by=user, at=now, user=user.pk, mode=mode)
        return session

    @transaction.atomic
    def leave(self, user: User, *, at: datetime | None = None) -> None:
        now = at or timezone.now()
        Queue.objects.select_for_update().get(pk=self.pk)
        if QueueSession.objects.filter(queue=self, user=user, ended_at=None).update(ended_at=now):
            self.record("left", by=user, at=now, user=user.pk)


class QueueMembership(models.Model):
    """Who works in a queue and as what. Triggers raise the person's rights_version with every change."""

    class Role(models.TextChoices):
        REP = "rep", _("Rep")
        LEAD = "lead", _("Lead")
        SUPERVISOR = "supervisor", _("Supervisor")

    queue = models.ForeignKey(Queue, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=20, choices=Role.choices, default=Role.REP)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["queue", "user"], name="membership_once")]
        triggers = [_rights_trigger("membership_rights")]

    def __str__(self) -> str:
        return f"{self.user} · {self.queue} · {self.get_role_display()}"


class QueueSession(models.Model):
    """One sitting of a person in a live queue, to watch or to work; what they met there is remembered."""

    queue = models.ForeignKey(Queue, models.CASCADE, related_name="sessions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="queue_sessions")
    mode = models.CharField(max_length=10)  # watch, work
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    cases_taken = models.PositiveIntegerField(default=0)
    cases_met = models.JSONField(default=list)  # numbers of the cases opened or taken

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["queue", "user"], condition=models.Q(ended_at=None), name="queue_session_one_open"
            )
        ]
        triggers = [_rights_trigger("session_rights", columns=("ended_at", "mode"))]

    def __str__(self) -> str:
        return f"{self.user} {self.mode} {self.queue}"
