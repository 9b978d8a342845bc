"""What a fresh database needs before anyone can work: tables, an administrator, a queue, in a demo the demo company."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils.translation import gettext as _

from cases.business_hours import ROUND_THE_CLOCK
from cases.models import BusinessCalendar, PushKeys, Queue
from crm.management.demo import people
from crm.models import User
from customers.models import Customer

Say = Callable[[str], Any]
_PREPARING = 0x46697273  # the advisory lock of whoever prepares: two `serve` may start at once


def prepare(*, migrate: bool, demo: bool, say: Say) -> None:
    """Bring the database to where the product can serve; safe to repeat and to run twice at once."""
    if migrate:
        call_command("migrate", interactive=False, verbosity=0)
    with _alone():
        if demo and not Customer.objects.exists():
            say(_("Loading the demo company; this takes half a minute, once."))
            call_command("demo")
        if not User.objects.exists():
            say(_("Administrator: sign in as admin with the password %s (shown this once).") % make_administrator())
        if not Queue.objects.exists():
            make_inbox()
        PushKeys.objects.ours()
    if not settings.DEBUG:
        call_command("collectstatic", interactive=False, verbosity=0)


def make_administrator() -> str:
    """Create `admin`; returns the password, which nothing else remembers."""
    password = secrets.token_urlsafe(12)
    User.objects.create_superuser("admin", "", password, role=User.Role.ADMINISTRATOR, first_name="Admin")
    return password


def ensure_queue() -> None:
    """Somewhere for contacts to go, on a database nobody has set up yet."""
    if Queue.objects.exists():
        return
    with _alone():
        if not Queue.objects.exists():
            make_inbox()


def make_inbox() -> Queue:
    """One queue that is always open, so that contacts have somewhere to go."""
    calendar, _fresh = BusinessCalendar.objects.get_or_create(name="24/7")
    calendar.publish(tz="UTC", hours=ROUND_THE_CLOCK)
    queue, _fresh = Queue.objects.get_or_create(name="Inbox", defaults={"calendar": calendar, "is_public": True})
    return queue


def sign_ins() -> list[str]:
    """Lines that say who may sign in to the demo company, if this database holds it."""
    if not Queue.objects.filter(source="demo").exists():
        return []
    roles: dict[str, list[str]] = {}
    for colleague in people.STAFF:
        role = colleague.role if colleague.role != "staff" else colleague.queue_role
        roles.setdefault(role, []).append(colleague.username)
    lines = [f"  {role}: {', '.join(names)}" for role, names in roles.items()]
    return [_("Sign in with the password %s as") % people.PASSWORD, *lines]


@contextmanager
def _alone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_PREPARING])
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_PREPARING])
