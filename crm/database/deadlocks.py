"""What PostgreSQL undoes to end a deadlock is done again."""

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected

TRIES = 4
T = TypeVar("T")


def transacted(attempt: Callable[[], T]) -> T:
    """Run `attempt` in a transaction of its own, again when it was the one to give way in a deadlock (a merge takes
    customers before their cases, an answer its case before the customer). Inside somebody's transaction, which is lost
    then as a whole, the error goes up to them. `attempt` reads what it changes anew each time, and sends nothing."""
    tries = 1 if connection.in_atomic_block else TRIES
    for left in reversed(range(tries)):
        try:
            with transaction.atomic():
                return attempt()
        except OperationalError as error:
            if not left or not isinstance(error.__cause__, DeadlockDetected):
                raise
    raise AssertionError("the last try returns or raises")
