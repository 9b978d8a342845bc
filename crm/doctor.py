"""What `doctor` finds: configured, reachable, lagging or unsafe, in plain words."""

import smtplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_q.models import Schedule

from crm import health
from crm.hooks import Hook
from crm.live.database import parameters
from crm.models import Heartbeat, Wake

FINE, NOTE, BAD = "fine", "note", "bad"
# What else there is to say, by app. Filled in `<app>/house_hooks.py`; each may take some seconds.
findings: "Hook[[], list[Finding]]" = Hook("findings")
OLD_BACKUP = 2  # days
SLACK = 10  # connections PostgreSQL should have to spare


@dataclass(frozen=True)
class Finding:
    """One sentence, and whether it hurts users."""

    level: str
    text: str


def examine() -> Iterator[Finding]:
    """Every finding, the basics first; what needs the database is left out when it cannot be reached."""
    yield from configured()
    yield from mail()
    readiness = health.readiness()
    for check in readiness:
        yield (
            Finding(FINE, _("%s: in order.") % check.name)
            if check.ok
            else Finding(BAD, f"{check.name}: {check.reason}.")
        )
    if not readiness[0].ok:
        return
    for part in (server, session, connections, schedules, waiting, backups, of_the_apps):
        yield from _guarded(part)


def configured() -> Iterator[Finding]:
    """System checks, the deployment ones included once DEBUG is off."""
    if settings.DEBUG:
        yield Finding(
            NOTE, _("DEBUG is on: fine on your own desk, never on a machine others reach. Set DEBUG=0 there.")
        )
    if settings.DEMO:
        yield Finding(NOTE, _("This is a demo: known passwords, and mail ends at /sent/. Set DEMO=0 for real work."))
    for message in checks.run_checks(include_deployment_checks=not settings.DEBUG):
        level = BAD if message.level >= checks.ERROR else NOTE
        yield Finding(level, " ".join(filter(None, [str(message.msg), str(message.hint or "")])))


def mail() -> Iterator[Finding]:
    """Whether the mail server answers and lets us in."""
    if not settings.EMAIL_PORT:
        known = settings.DEMO
        yield Finding(
            NOTE if known else BAD, _("mail: serve's own sink.") if known else _("mail: no SMTP_HOST, SMTP_PORT.")
        )
        return
    where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    try:
        with smtplib.SMTP(settings.EMAIL_HOST, settings.EMAIL_PORT, timeout=5) as server:
            if settings.EMAIL_USE_TLS:
                server.starttls()
            if settings.EMAIL_HOST_USER:
                server.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
    except (OSError, smtplib.SMTPException) as error:
        yield Finding(
            BAD, _("mail: %(where)s does not let us in (%(why)s).") % {"where": where, "why": type(error).__name__}
        )
    else:
        yield Finding(FINE, _("mail: %s answers.") % where)


def server() -> Iterator[Finding]:
    """The version, and whether commits reach the disk."""
    version = connection.get_database_version() if connection.connection else (0,)
    if version < (15,):
        yield Finding(BAD, _("PostgreSQL %d is too old: 15 or newer is needed.") % version[0])
    else:
        yield Finding(FINE, _("PostgreSQL %d.") % version[0])
    for setting in ("fsync", "full_page_writes"):
        if _show(setting) == "off":
            yield Finding(BAD, _("PostgreSQL runs with %s=off: a power cut can destroy the database.") % setting)


def session() -> Iterator[Finding]:
    """Behind a transaction-pooling proxy two statements may meet two servers: session locks and LISTEN break."""
    with psycopg.connect(**parameters("doctor")) as conn:
        conn.execute("SET SESSION application_name = 'forefront doctor check'")
        seen = {(_one(conn, "SELECT pg_backend_pid()"), _one(conn, "SHOW application_name")) for _round in range(20)}
        named = psycopg.conninfo.conninfo_to_dict(conn.info.dsn).get("port", "")
        claimed = conn.info.backend_pid
    honest = len(seen) == 1 and next(iter(seen)) == (claimed, "forefront doctor check")
    if honest:
        yield Finding(FINE, _("The connection keeps its session."))
        return
    text = _(
        "Port %s is a proxy that pools transactions; session locks and LISTEN need a direct connection. Name the server itself in DATABASE_URL."
    )
    yield Finding(BAD, text % named)


def connections() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity")
        used, most = cursor.fetchone()
    level = BAD if most - used < SLACK else FINE
    yield Finding(level, _("%(used)d of %(most)d connections in use.") % {"used": used, "most": most})


def schedules() -> Iterator[Finding]:
    """Nothing of ours writes there and nothing runs it; whoever did wanted something else."""
    if number := Schedule.objects.count():
        text = _("%d rows in django_q_schedule. Nothing runs them; find out who wrote them and delete them.")
        yield Finding(BAD, text % number)


def waiting() -> Iterator[Finding]:
    """What is stuck or waits for a person."""
    if parked := Wake.objects.filter(state=Wake.PARKED).count():
        text = ngettext(
            "%d background task failed for good: look at crm_wake.",
            "%d background tasks failed for good: look at crm_wake.",
            parked,
        )
        yield Finding(BAD, text % parked)
    for counts in health.stuck.collect():
        for name, number in counts.items():
            if number:
                yield Finding(BAD if name.endswith("_late") else NOTE, f"{name.replace('_', ' ')}: {number}.")


def of_the_apps() -> Iterator[Finding]:
    """Asked one by one and without the hook's haste: to try a server takes its seconds."""
    for name, examined in findings:
        try:
            yield from examined()
        except Exception as error:  # noqa: BLE001 - a broken plugin is one more finding
            text = _("%(part)s could not be examined (%(why)s).")
            yield Finding(BAD, text % {"part": name, "why": type(error).__name__})


def backups() -> Iterator[Finding]:
    """How old the last one is. A database that was restored has had none since."""
    age = Heartbeat.ages("backup").get("backup")
    if age is None:
        yield Finding(NOTE, _("No backup was made of this database: manage.py backup FILE."))
    else:
        days = age / 86400
        yield Finding(FINE if days < OLD_BACKUP else NOTE, _("The last backup is %.1f days old.") % days)


def _guarded(part: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(part())
    except (DatabaseError, psycopg.Error) as error:
        connection.close()
        text = _("%(part)s could not be examined (%(why)s).")
        return [Finding(BAD, text % {"part": part.__name__, "why": type(error).__name__})]


def _show(setting: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [setting])
        return str(cursor.fetchone()[0])


def _one(conn: "psycopg.Connection[tuple[object, ...]]", statement: str) -> object:
    row = conn.execute(statement.encode()).fetchone()
    return row[0] if row else None
