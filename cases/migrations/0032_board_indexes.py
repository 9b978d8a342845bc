from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Clocks are many: their indexes are built beside the work, without locking anybody out."""

    atomic = False

    dependencies = [("cases", "0031_saved_filters")]

    operations = [
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
