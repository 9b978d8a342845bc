"""Service policies from elsewhere: each comes in whole, or not at all, with what is wrong with it (docs/import.md)."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from cases.models import Queue, ServicePolicy
from crm.importing import CREATED, UNCHANGED, UPDATED, Kind, Line, by_external_id
from customers.imports import Named


class PolicyLine(Named):
    name = serializers.CharField(max_length=120)
    table = serializers.JSONField()
    queues = serializers.ListField(child=serializers.CharField(max_length=200), default=list, max_length=1000)
    is_active = serializers.BooleanField(default=True)


def load_policies(lines: list[Line], source: str) -> None:
    known = by_external_id(ServicePolicy, source, [line.external_id for line in lines])
    queues = {queue.name: queue for queue in Queue.objects.filter(is_active=True)}
    for line in lines:
        if unknown := sorted(set(line.data["queues"]) - set(queues)):
            line.fail(_("There is no queue %(names)s.") % {"names": ", ".join(unknown)})
            continue
        policy = known.get(line.external_id) or ServicePolicy(source=source, external_id=line.external_id)
        _load(line, policy, {queues[name].pk for name in line.data["queues"]})


def _load(line: Line, policy: ServicePolicy, queues: set[int]) -> None:
    """In a savepoint: what is not whole leaves nothing behind."""
    fresh, data = policy.pk is None, line.data
    others = ServicePolicy.objects.filter(name=data["name"]).exclude(pk=policy.pk)
    if others.exists():
        line.fail(_("There is another policy named %(name)s.") % {"name": data["name"]})
        return
    was = None if fresh else _stands(policy)
    try:
        with transaction.atomic():
            policy.name, policy.is_active = data["name"], data["is_active"]
            policy.save()
            policy.queues.set(queues)
            policy.publish(table=data["table"])
    except ValidationError as faulty:
        line.fail(" ".join(faulty.messages))
        return
    line.outcome = CREATED if fresh else UNCHANGED if was == _stands(policy) else UPDATED


def _stands(policy: ServicePolicy) -> tuple[Any, ...]:
    fresh = ServicePolicy.objects.get(pk=policy.pk)
    queues = frozenset(policy.queues.values_list("pk", flat=True))
    return fresh.name, fresh.is_active, fresh.current_id, queues


KINDS = {"policy": Kind(PolicyLine, load_policies)}
