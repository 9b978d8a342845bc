from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, connection, models, transaction
from django.db.models.functions import Least, Now


class Wake(models.Model):
    """An ask that a flow looks for work now. Written in the change's own transaction; claimed with attempts counted
    before the work; deleted when done; parked after too many attempts, crashes included (docs/jobs.md)."""

    WAITING, RUNNING, PARKED = "waiting", "running", "parked"

    path = models.CharField(max_length=120)
    subject = models.BigIntegerField(default=0)  # 0: the flow as a whole
    state = models.CharField(max_length=10, default=WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    queued_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    error = models.CharField(max_length=60, default="")  # the exception's class, never its message

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["path", "subject"], condition=models.Q(state="running"), name="wake_runs_once"
            )
        ]
        indexes = [models.Index(fields=["path", "subject", "state"], name="wake_flow")]

    def __str__(self) -> str:
        return f"{self.path}({self.subject}) {self.state}"

    def claim(self, *, seconds: float) -> bool:
        """Take every waiting ask of this flow and subject as one run; False when there is none or one runs already."""
        try:
            with transaction.atomic():
                return self._take(timedelta(seconds=seconds))
        except IntegrityError:  # another worker is at it; what it leaves waiting is requeued
            return False

    def finish(self) -> None:
        Wake.objects.filter(pk=self.pk, state=self.RUNNING, attempts=self.attempts).delete()

    @classmethod
    def bury(cls, pk: int, attempt: int) -> None:
        """The worker at this run is dead: its lease ends after a pause, not when the longest task would have ended."""
        pause = Now() + models.Value(timedelta(seconds=min(2**attempt, 60)))
        run = cls.objects.filter(pk=pk, state=cls.RUNNING, attempts=attempt)
        run.update(lease_until=Least("lease_until", pause))

    def put_back(self, error: str) -> None:
        """Failed: wait longer each time, or be parked for a person when the attempts are used up."""
        if self.attempts >= settings.TASK_ATTEMPTS:
            self.park(error)
            return
        pause = timedelta(seconds=min(2**self.attempts, 60))
        self._leave_running(state=self.WAITING, queued_at=None, due_at=Now() + models.Value(pause), error=error)

    def park(self, error: str) -> None:
        self._leave_running(state=self.PARKED, error=error)

    def _take(self, lease: timedelta) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, attempts FROM crm_wake WHERE path = %s AND subject = %s AND state = 'waiting'"
                " AND due_at <= clock_timestamp() ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED",
                [self.path, self.subject],
            )
            taken = cursor.fetchall()
        if not taken:
            return False
        self.pk, self.attempts = taken[0][0], max(attempts for _id, attempts in taken) + 1
        Wake.objects.filter(pk__in=[pk for pk, _attempts in taken[1:]]).delete()
        Wake.objects.filter(pk=self.pk).update(
            state=self.RUNNING, attempts=self.attempts, lease_until=Now() + models.Value(lease)
        )
        return True

    def _leave_running(self, **fields: object) -> None:
        # Compare-and-swap on the attempt: a run that outlived its lease must not speak for its successor.
        Wake.objects.filter(pk=self.pk, state=self.RUNNING, attempts=self.attempts).update(**fields, lease_until=None)
