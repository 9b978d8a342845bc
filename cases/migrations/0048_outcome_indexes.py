from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

NAMES = ("case_disposition", "case_cause")


class Migration(migrations.Migration):
    """Cases are many: their indexes are built beside the work, without locking anybody out.

    Outside a transaction, so whoever was killed in it leaves some of it behind: that is dropped and built again.
    """

    atomic = False

    dependencies = [("cases", "0047_outcomes")]

    operations = [
        *(migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop) for name in NAMES),
        AddIndexConcurrently(
            model_name="case",
            index=models.Index(
                condition=models.Q(("disposition__isnull", False)),
                fields=["disposition", "id"],
                name="case_disposition",
            ),
        ),
        AddIndexConcurrently(
            model_name="case",
            index=models.Index(
                condition=models.Q(("cause__isnull", False)), fields=["cause", "id"], name="case_cause"
            ),
        ),
    ]
