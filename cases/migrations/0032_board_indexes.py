from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

NAMES = ("clock_met", "clock_breached", "promise_broken")


class Migration(migrations.Migration):
    """Clocks are many: their indexes are built beside the work, without locking anybody out.

    Outside a transaction, so whoever was killed in it leaves some of it behind: that is dropped and built again.
    """

    atomic = False

    dependencies = [("cases", "0031_saved_filters")]

    operations = [
        *(migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop) for name in NAMES),
        AddIndexConcurrently(
            model_name="clock",
            index=models.Index(condition=models.Q(("met_at__isnull", False)), fields=["met_at"], name="clock_met"),
        ),
        AddIndexConcurrently(
            model_name="clock",
            index=models.Index(
                condition=models.Q(("breached_at__isnull", False)), fields=["breached_at"], name="clock_breached"
            ),
        ),
        AddIndexConcurrently(
            model_name="promise",
            index=models.Index(condition=models.Q(("state", "broken")), fields=["settled_at"], name="promise_broken"),
        ),
    ]
