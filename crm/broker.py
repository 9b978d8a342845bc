"""django-q2's queue table, read the way PostgreSQL is good at: in order, by one statement, on the database's clock."""

import logging
from time import sleep

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models.functions import Now
from django_q.brokers.orm import ORM
from django_q.conf import Conf

from crm import activity
from crm.jobs import canary_key

log = logging.getLogger(__name__)
_TAKE = """
UPDATE django_q_ormq SET lock = clock_timestamp() + make_interval(secs => %s)
 WHERE id = (SELECT id FROM django_q_ormq WHERE key = ANY(%s) AND lock < clock_timestamp()
              ORDER BY (key = %s), id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, payload
"""


class Broker(ORM):  # type: ignore[misc]
    """Each worker group reads its own canary queue first, then the queue all groups share."""

    def enqueue(self, task: str) -> int:
        # By the database's clock: a host whose clock is an hour ahead would hide the task for as long. `requeue` reads
        # from it since when the oldest task waits.
        row = self.get_connection().create(key=self.list_key, payload=task, lock=Now())
        return int(row.pk)

    def dequeue(self) -> list[tuple[int, str]] | None:
        """The next task as [(its key, payload)], or None after a short sleep. Keeps its connection between polls; when
        the database goes away, so does the connection, and the next poll makes a new one."""
        try:
            rows = self._take()
        except DatabaseError as error:
            log.warning("queue: %s; trying again", type(error).__name__)
            connection.close()
            rows = []
        if not rows:
            sleep(Conf.POLL)
            return None
        return rows

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """The sentinel calls this at every round. Nobody reads its figures; that it came round is what matters."""
        activity.guard()

    def _take(self) -> list[tuple[int, str]]:
        keys = [self.list_key, canary_key(settings.INSTANCE)]
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, [Conf.RETRY, keys, self.list_key])
            return [(pk, payload) for pk, payload in cursor.fetchall()]
