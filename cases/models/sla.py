"""How quickly we answer and resolve, for which cases: policies and their versions. What runs is in `clock`."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.calendar import BusinessCalendar, CalendarVersion
from cases.models.queue import Queue
from cases.models.sla_actions import canonical, faults
from crm.database.prepared import Prepared
from crm.models import User

if TYPE_CHECKING:
    from cases.models.case import Case

KINDS = ("first_response", "next_response", "update", "resolution")
LONGEST_MINUTES = 60 * 24 * 366 * 5


class SLAPolicyQuerySet(models.QuerySet["SLAPolicy"]):
    def matching(self, case: "Case") -> "SLAPolicyVersion | None":
        """The current version of the first active policy, in their order, that covers the case."""
        versions = (policy.current for policy in _OF_QUEUE(case.queue_id))
        return next((version for version in versions if version is not None and version.covers(case)), None)


class SLAPolicy(models.Model):
    """How quickly we answer and resolve, for which cases. Its content lives in immutable versions."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    is_active = models.BooleanField(_("active"), default=True)
    position = models.PositiveIntegerField(_("order"), default=0)  # the first that matches applies
    queues = models.ManyToManyField(Queue, blank=True, related_name="sla_policies", verbose_name=_("queues"))
    current = models.ForeignKey("SLAPolicyVersion", models.PROTECT, null=True, related_name="+")

    objects = SLAPolicyQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("SLA policy"), _("SLA policies")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def publish(
        self,
        *,
        targets: Sequence[Mapping[str, Any]],
        calendar: BusinessCalendar | None = None,
        priorities: Collection[str] = (),
        channels: Collection[str] = (),
        tiers: Collection[str] = (),
        pause_statuses: Collection[str] = (),
        actions: Mapping[str, Any] | None = None,
        by: User | None = None,
    ) -> "SLAPolicyVersion":
        """Judge new cases by this from now on: a new version, or the current one if nothing changed.

        `targets`: [{"kind", "minutes"}], minutes of open time, fractions and 0 allowed. `actions`: what
        is done at the warning and at the breach (cases.models.sla_actions). Running clocks keep what they were set by.
        Raises ValidationError with a sentence for each fault.
        """
        if errors := [*_target_errors(targets), *_pause_errors(pause_statuses), *faults(actions or {})]:
            raise ValidationError(errors)
        SLAPolicy.objects.select_for_update(of=("self",)).get(pk=self.pk)
        self.refresh_from_db(fields=["current"])
        content = {
            "calendar": calendar,
            "priorities": sorted(set(priorities)),
            "channels": sorted(set(channels)),
            "tiers": sorted(set(tiers)),
            "pause_statuses": sorted(set(pause_statuses)),
            "targets": [{"kind": t["kind"], "minutes": t["minutes"]} for t in targets],
            "actions": canonical(actions or {}),
        }
        if self.current and all(getattr(self.current, name) == value for name, value in content.items()):
            return self.current
        number = (self.current.number if self.current else 0) + 1
        self.current = self.versions.create(number=number, created_by=by, **content)
        self.save(update_fields=["current"])
        return self.current


_OF_QUEUE = Prepared(
    lambda queue: SLAPolicy.objects.filter(
        models.Q(queues=None) | models.Q(queues=queue), is_active=True, current__isnull=False
    ).select_related("current__calendar__current"),
    int,
)


class SLAPolicyVersion(models.Model):
    """A policy as it stood from one save to the next. Empty lists match everything."""

    policy = models.ForeignKey(SLAPolicy, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    calendar = models.ForeignKey(BusinessCalendar, models.PROTECT, null=True, blank=True, related_name="+")
    priorities = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    channels = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    tiers = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    pause_statuses = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    targets = models.JSONField(default=list)  # [{kind, minutes}], minutes of open time, a fraction or 0 allowed
    actions = models.JSONField(default=dict)  # {"warn": {…}, "breach": {…}}, as sla_actions.canonical spells them
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="sla_policy_version_once")]

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"

    def covers(self, case: "Case") -> bool:
        """Whether this version's lists let the case in; the queue has been asked already."""
        tier = case.customer.tier if self.tiers and case.customer else ""
        asked = [(self.priorities, case.priority), (self.channels, case.channel), (self.tiers, tier)]
        return all(not wanted or value in wanted for wanted, value in asked)

    def target_seconds(self) -> dict[str, Decimal]:
        """Open seconds allowed, by kind of clock."""
        return {t["kind"]: round(Decimal(str(t["minutes"])) * 60, 6) for t in self.targets}

    def hours_for(self, queue: Queue) -> CalendarVersion | None:
        """The calendar that counts: the policy's, else the queue's, else none, which is round the clock."""
        calendar = self.calendar or queue.calendar
        return calendar.current if calendar else None


def _target_errors(targets: object) -> list[str]:
    if isinstance(targets, str) or not isinstance(targets, Sequence) or not targets:
        return [str(_("Give at least one target, like first_response in 60 minutes."))]
    errors = [error for error in map(_target_error, targets) if error]
    kinds = [t["kind"] for t in targets] if not errors else []
    if len(set(kinds)) < len(kinds):
        errors.append(str(_("Each kind of target may stand in a policy once.")))
    return errors


def _target_error(target: object) -> str:
    if not isinstance(target, Mapping) or target.get("kind") not in KINDS:
        return _("A target is one of %(kinds)s, with its minutes.") % {"kinds": ", ".join(KINDS)}
    minutes = target.get("minutes")
    if isinstance(minutes, bool) or not isinstance(minutes, (int, float)) or not 0 <= minutes <= LONGEST_MINUTES:
        return _("The minutes of %(kind)s are a number from 0 to five years.") % {"kind": target["kind"]}
    return ""


def _pause_errors(statuses: Collection[str]) -> list[str]:
    from cases import transitions

    unknown = sorted(set(statuses) - set(transitions.ACTIVE))
    allowed = ", ".join(transitions.ACTIVE)
    return [
        _("“%(status)s” cannot pause a clock. Use some of %(allowed)s.") % {"status": str(s)[:40], "allowed": allowed}
        for s in unknown
    ]
