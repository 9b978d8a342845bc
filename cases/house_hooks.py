"""What of cases waits longer than it should: /metrics counts it and `doctor` says it."""

from datetime import timedelta

from django.utils import timezone

from cases.models import Dispatch, InboundItem
from crm import health

PATIENCE = timedelta(minutes=5)


@health.stuck.register
def waiting_too_long() -> dict[str, int]:
    """Mail that should have left and contacts that should be cases, five minutes after they were due; and what only a
    person can decide."""
    late = timezone.now() - PATIENCE
    due = Dispatch.objects.filter(state__in=[Dispatch.State.HELD, Dispatch.State.CLAIMED])
    return {
        "dispatches_late": due.filter(release_at__lt=late).count(),
        "dispatches_unknown": Dispatch.objects.filter(state=Dispatch.State.UNKNOWN).count(),
        "inbound_late": InboundItem.objects.filter(state=InboundItem.State.STORED, received_at__lt=late).count(),
        "inbound_kept": InboundItem.objects.filter(state=InboundItem.State.KEPT).count(),
    }
