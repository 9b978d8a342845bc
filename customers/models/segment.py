from datetime import datetime
from typing import Any

import pgtrigger
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm import jobs
from crm.models import Event, User
from customers.models.customer import Customer

REFRESH = "customers.segments"  # the sweep that keeps up who is in them
_IMMUTABLE = "RAISE EXCEPTION '% is never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';"


class SegmentQuerySet(models.QuerySet["Segment"]):
    def active(self) -> "SegmentQuerySet":
        return self.filter(is_active=True, current__isnull=False)


class Segment(models.Model):
    """Customers who have something in common, by a condition that has a name: others may say it in theirs. What it means
    lives in immutable versions; its key stays, for that is what others say. A retired one goes on meaning what it
    meant, and nobody keeps up any more who is in it."""

    key = models.SlugField(_("key"), max_length=80, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("what it is for"), max_length=300, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    is_active = models.BooleanField(_("active"), default=True)
    current = models.ForeignKey("SegmentVersion", models.PROTECT, null=True, related_name="+", editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    size = models.PositiveIntegerField(_("customers"), default=0, editable=False)  # as of `refreshed_at`
    refreshed_at = models.DateTimeField(_("as of"), null=True, editable=False)
    is_stale = models.BooleanField(default=True, editable=False)  # it means something else since

    objects = SegmentQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("segment"), _("segments")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def publish(self, condition: Any, *, by: User | None = None, at: datetime | None = None) -> "SegmentVersion":
        """Mean this from now on: a new version, or the current one if nothing changed. Raises ValidationError with the
        path of what is wrong.

        All segments are locked for it: two at once could each name the other, and neither would see it."""
        from customers import segments
        from customers.conditions import BadCondition

        now = at or timezone.now()
        list(Segment.objects.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
        self.refresh_from_db(fields=["current"])
        if self.current and self.current.condition == condition:
            return self.current
        try:
            segments.checked(condition, key=self.key, at=now)
        except BadCondition as bad:
            raise ValidationError({"condition": str(bad)}) from bad
        number = (self.current.number if self.current else 0) + 1
        self.current = self.versions.create(number=number, condition=condition, created_by=by, created_at=now)
        self.save(update_fields=["current"])
        segments.turned([self.key])
        return self.current

    @transaction.atomic
    def describe(self, **fields: Any) -> None:
        """Name, description, owner and whether it is used: what no version keeps."""
        changed = [name for name, value in fields.items() if getattr(self, name) != value]
        for name in changed:
            setattr(self, name, fields[name])
        if "is_active" in changed:
            self.is_stale = True
            changed.append("is_stale")
            jobs.nudge(REFRESH)
        if changed:
            self.save(update_fields=changed)


class SegmentVersion(models.Model):
    """What a segment meant from one save to the next."""

    segment = models.ForeignKey(Segment, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    condition = models.JSONField(_("condition"))
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["segment", "number"], name="segment_version_once")]
        triggers = [
            pgtrigger.Trigger(
                name="segment_version_stays",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=_IMMUTABLE,
            )
        ]

    def __str__(self) -> str:
        return f"{self.segment} v{self.number}"


class SegmentMember(models.Model):
    """A customer who is in a segment as of the last look; derived, and so never merged, moved or imported."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="memberships")
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    joined_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "segment"], name="segment_member_once")]

    def __str__(self) -> str:
        return f"{self.customer_id} in {self.segment_id}"


class SegmentTurn(models.Model):
    """A customer joined or left a segment. Kept for a while; those who were in it from its beginning did not join."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="turns")
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    joined = models.BooleanField()
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.customer_id} {'joined' if self.joined else 'left'} {self.segment_id}"


class Touched(models.Model):
    """Something of a customer changed, and nobody has looked yet what segments that moves them in or out of. Written by
    triggers, so that no way of changing a customer can forget it; taken away by whoever looks."""

    customer = models.BigIntegerField()  # no key: a customer that is gone is in nothing

    def __str__(self) -> str:
        return str(self.customer)


class SegmentMark(models.Model):
    """The one row that says up to which place of the log customers were looked at for what happened to them."""

    pos = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_segment_mark")]

    def __str__(self) -> str:
        return str(self.pos)

    @staticmethod
    def newest() -> int:
        return int(Event.objects.aggregate(newest=models.Max("pos"))["newest"] or 0)
