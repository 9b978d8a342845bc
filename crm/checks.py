"""System checks of the settings: what would hurt users is an error, and production does not start with one."""

from math import ceil
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.utils.translation import gettext as _


@register(Tags.security)
def production(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Settings that are fine on a desk and dangerous on the internet."""
    if settings.DEBUG:
        return []
    hosts = [host for host in settings.ALLOWED_HOSTS if host]
    found: list[CheckMessage] = []
    if not hosts or "*" in hosts:
        hint = _("Set ALLOWED_HOSTS to the names people use, separated by commas.")
        found.append(Error(_("ALLOWED_HOSTS is empty or allows every name."), hint=hint, id="crm.E001"))
    if settings.DEMO:
        found.append(Error(_("DEMO=1 shows sent mail and known passwords."), hint=_("Set DEMO=0."), id="crm.E002"))
    if not settings.PUBLIC_URL.startswith("https://"):
        hint = _("Set PUBLIC_URL to the https:// address customers reach; links in mail begin with it.")
        found.append(Error(_("PUBLIC_URL is not an https address."), hint=hint, id="crm.E003"))
    if not settings.EMAIL_PORT:
        hint = _("Set SMTP_HOST, SMTP_PORT and what your mail server needs; until then nothing is mailed.")
        found.append(Warning(_("No mail server is configured."), hint=hint, id="crm.W001"))
    return found


@register()
def background_work(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The rules under which django-q2 cannot lose or double work (docs/jobs.md)."""
    q: dict[str, Any] = settings.Q_CLUSTER
    found: list[CheckMessage] = []
    rounds = ceil(q["queue_limit"] / q["workers"]) + 1
    if q["retry"] <= rounds * q["timeout"]:
        hint = _("retry counts from dequeue: it must exceed %d times the timeout.") % rounds
        found.append(Error(_("Q_CLUSTER would run a slow task twice."), hint=hint, id="crm.E010"))
    if q.get("scheduler", True):
        hint = _("Set scheduler to False; repeated work is registered with crm.jobs.every.")
        found.append(Error(_("Q_CLUSTER would run rows of the schedule table."), hint=hint, id="crm.E011"))
    return found


@register()
def pools(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A connection pool must never cross a fork, and connections are not kept under ASGI."""
    database = settings.DATABASES["default"]
    found: list[CheckMessage] = []
    if settings.PROCESS != "web" and database.get("OPTIONS", {}).get("pool"):
        hint = _("Leave the pool to crm.environment: only web processes get one.")
        found.append(Error(_("A process that forks would use a connection pool."), hint=hint, id="crm.E020"))
    if settings.PROCESS != "work" and database.get("CONN_MAX_AGE"):
        hint = _("Set CONN_MAX_AGE to 0; the pool keeps connections.")
        found.append(Error(_("Connections would be kept for ever under ASGI."), hint=hint, id="crm.E021"))
    return found
