from django.db import models


class LimitCount(models.Model):
    """How often something was done by one source within one window of time. `key` is a keyed digest: no address stays."""

    key = models.CharField(max_length=64)
    window = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "window"], name="limit_count_once")]

    def __str__(self) -> str:
        return f"{self.key[:8]} {self.count}"
