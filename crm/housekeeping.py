"""The house's own sweeps: what has served its time goes."""

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django_q.models import Failure, Success

from crm import commands
from crm.jobs import every
from crm.models import Heartbeat, SentMail

SENT_KEPT = 2000  # the demo's mail; the oldest go


@every(3600, name="crm.sessions")
def drop_sessions(now: datetime) -> int:
    Session.objects.filter(expire_date__lt=now).delete()
    return 0


@every(3600, name="crm.heartbeats")
def drop_heartbeats(now: datetime) -> int:
    """Machines and ports that are no longer in use."""
    Heartbeat.objects.filter(at__lt=now - timedelta(days=1)).delete()
    return 0


@every(3600, name="crm.task_records")
def drop_task_records(now: datetime) -> int:
    """django-q2 keeps a row for each task it had to stop; ours say more."""
    old = now - timedelta(days=7)
    Failure.objects.filter(stopped__lt=old).delete()
    Success.objects.filter(stopped__lt=old).delete()
    return 0


@every(300, name="crm.sent_mail")
def drop_sent_mail(now: datetime) -> int:
    newest = SentMail.objects.order_by("-id").values_list("id", flat=True)[SENT_KEPT : SENT_KEPT + 1]
    SentMail.objects.filter(id__lte=max(newest, default=0)).delete()
    return 0


@every(3600, name="crm.commands")
def drop_commands(now: datetime) -> int:
    """Answers to client commands are kept 7 days."""
    return commands.forget_old(now)
