"""What the state machines of cases have in common: a clock of their own, and a transaction that takes back all they did."""

from datetime import datetime
from unittest import mock

from django.db import transaction
from django.utils import timezone
from hypothesis.stateful import RuleBasedStateMachine


class Timed(RuleBasedStateMachine):
    """`self.now` is what everything takes for the time, from `began` on."""

    def __init__(self, began: datetime | None = None) -> None:
        super().__init__()
        self._transaction = transaction.atomic()
        self._transaction.__enter__()
        self.now = began or timezone.now()
        self._clock = mock.patch.object(timezone, "now", self.time)
        self._clock.start()

    def time(self) -> datetime:
        return self.now

    def teardown(self) -> None:
        self._clock.stop()
        transaction.set_rollback(True)
        self._transaction.__exit__(None, None, None)
