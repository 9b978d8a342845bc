from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

NAMES = ("message_unguessed", "message_marked")


class Migration(migrations.Migration):
    """Messages are many: their indexes are built beside the work, without locking anybody out.

    Outside a transaction, so whoever was killed in it leaves some of it behind: that is dropped and built again.
    """

    atomic = False

    dependencies = [("cases", "0045_feelings")]

    operations = [
        *(migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop) for name in NAMES),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("direction", "inbound"), ("felt_by", None), ("is_auto", False)),
                fields=["-created_at"],
                name="message_unguessed",
            ),
        ),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("feeling", ""), _negated=True), fields=["-id"], name="message_marked"
            ),
        ),
    ]
