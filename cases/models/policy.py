"""What the house gives for what went wrong: an issue each, its table in immutable versions (docs/policies.md)."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pgtrigger
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.queue import Queue
from cases.policy import shape
from cases.policy.table import Table
from crm.history import tracked
from crm.models import User

_IMMUTABLE = "RAISE EXCEPTION 'a version of a policy never changes' USING ERRCODE = 'restrict_violation';"


class ServicePolicyQuerySet(models.QuerySet["ServicePolicy"]):
    def offered(self, queue: int | None) -> "ServicePolicyQuerySet":
        """Active ones for cases of this queue: those marked with it, and those of no queue."""
        here = ServicePolicy.objects.filter(models.Q(queues=None) | models.Q(queues=queue)).values("pk")
        return self.filter(pk__in=here, is_active=True, current__isnull=False)

    def readable_by(self, user: User | AnonymousUser) -> "ServicePolicyQuerySet":
        """Those of queues one sees, and those of every queue."""
        if isinstance(user, User) and user.is_administrator:
            return self
        mine = models.Q(queues=None) | models.Q(queues__in=Queue.objects.visible_to(user))
        return self.filter(pk__in=ServicePolicy.objects.filter(mine).values("pk"))


@tracked(exclude=["current"], before=True)
class ServicePolicy(models.Model):
    """One issue, like a parcel that came late, and for whose cases it is. What it gives lives in immutable versions."""

    name = models.CharField(_("issue"), max_length=120, unique=True)
    queues = models.ManyToManyField(Queue, blank=True, related_name="service_policies", verbose_name=_("queues"))
    is_active = models.BooleanField(_("active"), default=True)
    current = models.ForeignKey("ServicePolicyVersion", models.PROTECT, null=True, related_name="+", editable=False)
    unasked_since = models.DateTimeField(_("pays unasked since"), null=True, editable=False)  # what broke before is not
    source = models.CharField(max_length=40, default="", blank=True, editable=False)
    external_id = models.CharField(max_length=200, null=True, blank=True, editable=False)

    objects = ServicePolicyQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("service policy"), _("service policies")
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="service_policy_external_once")]

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def publish(self, *, table: Mapping[str, Any], by: User | None = None, why: str = "") -> "ServicePolicyVersion":
        """Decide by this table from now on: a new version, or the current one if nothing changed. Raises ValidationError
        with a sentence for each overlap, each gap, and whatever else keeps it from being whole."""
        from cases.policy import facts

        try:
            read = shape.whole(table, facts.known())
        except shape.BadTable as bad:
            raise ValidationError({"table": bad.faults}) from None
        ServicePolicy.objects.select_for_update(of=("self",)).get(pk=self.pk)
        self.refresh_from_db(fields=["current", "unasked_since"])
        if self.current and self.current.table == table:
            return self.current
        return self._put(dict(table), read, by, why)

    def _put(self, data: dict[str, Any], read: Table, by: User | None, why: str) -> "ServicePolicyVersion":
        number = (self.current.number if self.current else 0) + 1
        self.current = self.versions.create(number=number, table=data, why=why[:200], created_by=by)
        self.unasked_since = (self.unasked_since or self.current.created_at) if read.unasked else None
        self.save(update_fields=["current", "unasked_since"])
        return self.current


class ServicePolicyVersion(models.Model):
    """A policy's table, once and for good: what was decided by it stays explained by it."""

    policy = models.ForeignKey(ServicePolicy, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    table = models.JSONField(_("table"))
    why = models.CharField(_("because"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="service_policy_version_once")]
        triggers = [
            pgtrigger.Trigger(
                name="policy_version_stays", when=pgtrigger.Before, operation=pgtrigger.Update, func=_IMMUTABLE
            )
        ]

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"

    @cached_property
    def read(self) -> Table:
        return shape.read(self.table)
