"""django-helpdesk as a project of one file, run by its own Python (`benchmarks/peer.py` makes that environment): told on
stdin what to do, a JSON object a line, it answers on stdout with how long it took.

Nothing of ours is imported here, and nothing of it by us: the two meet in PostgreSQL's COPY.
"""

import json
import os
import re
import sys
import time
from typing import Any

import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import include, path

settings.configure(
    SECRET_KEY="only for a measurement",
    DEBUG=False,
    ALLOWED_HOSTS=["localhost"],
    USE_TZ=True,
    SITE_ID=1,
    ROOT_URLCONF=__name__,
    STATIC_URL="/static/",
    LOGIN_URL="/helpdesk/login/",
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    HELPDESK_TEAMS_MODE_ENABLED=False,
    EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", **json.loads(os.environ["PEER_DATABASE"])}},
    INSTALLED_APPS=[
        *(f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions", "messages", "staticfiles")),
        *(f"django.contrib.{name}" for name in ("sites", "humanize", "admin")),
        "helpdesk",
        "rest_framework",
        "django_cleanup.apps.CleanupConfig",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.debug",
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
)
django.setup()
urlpatterns = [
    path("helpdesk/", include("helpdesk.urls", namespace="helpdesk")),
    path("", lambda _request: HttpResponse("")),
]

# Read from our corpus, and written as its own tables have it. A closed ticket of theirs is a resolved case of ours.
TICKETS = (
    "SELECT c.id, c.subject, dense_rank() OVER (ORDER BY c.queue_id),"
    " c.opened_at, c.last_message_at, p.value, c.assignee_id, CASE WHEN c.status = 'open' THEN 1 ELSE 4 END, false,"
    " (SELECT m.text FROM cases_message m WHERE m.case_id = c.id ORDER BY m.id LIMIT 1), 3, 'secret'"
    " FROM cases_case c JOIN customers_contactpoint p ON p.customer_id = c.customer_id AND p.is_preferred"
)
TICKET_COLUMNS = (
    "id, title, queue_id, created, modified, submitter_email, assigned_to_id, status, on_hold, description, priority,"
    " secret_key"
)
FOLLOWUPS = (
    "SELECT m.id, m.case_id, m.at, 'Comment', m.text, true, m.author_id FROM cases_message m"
    " WHERE m.id > (SELECT min(o.id) FROM cases_message o WHERE o.case_id = m.case_id)"
)
FOLLOWUP_COLUMNS = "id, ticket_id, date, title, comment, public, user_id"


_ROWS = re.compile(r'"url": "(/helpdesk/datatables_ticket_list/[^"]*)"')


class Peer:
    """One signed-in agent."""

    def __init__(self) -> None:
        self.client: Any = None

    def migrate(self) -> dict[str, Any]:
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        return {}

    def load(self, source: str, people: list[int], queues: int) -> dict[str, Any]:
        """The tickets and what was said in them, by COPY out of the one database into the other."""
        import psycopg
        from django.contrib.auth import get_user_model
        from django.db import connection
        from helpdesk.models import Queue

        began = time.monotonic()
        User = get_user_model()
        for pk in people:  # one by one: their settings come with the signal
            User.objects.create(pk=pk, username=f"agent{pk}", is_staff=True)
        for n in range(1, queues + 1):
            Queue.objects.create(pk=n, title=f"Bench {n}", slug=f"bench{n}", allow_public_submission=True)
        with psycopg.connect(source) as ours, connection.cursor() as theirs:
            for table, columns, words in (
                ("helpdesk_ticket", TICKET_COLUMNS, TICKETS),
                ("helpdesk_followup", FOLLOWUP_COLUMNS, FOLLOWUPS),
            ):
                read = ours.cursor().copy(f"COPY ({words}) TO STDOUT")
                with read as pieces, theirs.copy(f"COPY {table} ({columns}) FROM STDIN") as write:
                    for piece in pieces:
                        write.write(piece)
                theirs.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
            theirs.execute("ANALYZE")
            theirs.execute("SELECT (SELECT count(*) FROM helpdesk_ticket), (SELECT count(*) FROM helpdesk_followup)")
            tickets, followups = theirs.fetchone()
        return {"tickets": tickets, "followups": followups, "seconds": time.monotonic() - began}

    def sign_in(self, pk: int) -> dict[str, Any]:
        from django.contrib.auth import get_user_model
        from django.test import Client

        self.client = Client(SERVER_NAME="localhost")
        self.client.force_login(get_user_model().objects.get(pk=pk))
        return {}

    def open_list(self) -> dict[str, Any]:
        """The page of the first queue's open tickets, and the rows its script then asks for."""
        return self._timed("/helpdesk/tickets/?queue=1&status=1&status=2&sort=created", rows=True)

    def open_case(self, ticket: int) -> dict[str, Any]:
        return self._timed(f"/helpdesk/tickets/{ticket}/")

    def search(self, words: str) -> dict[str, Any]:
        return self._timed(f"/helpdesk/tickets/?q={words}", rows=True)

    def _timed(self, address: str, *, rows: bool = False) -> dict[str, Any]:
        began, found = time.perf_counter(), None
        answer = self.client.get(address)
        assert answer.status_code == 200, f"{address}: HTTP {answer.status_code}"
        if rows:
            (asked,) = _ROWS.findall(answer.content.decode())
            told = self.client.get(f"{asked}?length=50&draw=1")
            assert told.status_code == 200, f"{address}: HTTP {told.status_code}"
            found = told.json()["recordsFiltered"]
        return {"ms": (time.perf_counter() - began) * 1000, "found": found}


def main() -> None:
    peer = Peer()
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = getattr(peer, order.pop("do"))(**order)
        except Exception as error:  # noqa: BLE001 - the other side says it aloud
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
