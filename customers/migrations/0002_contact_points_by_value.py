from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Searching by an address read every contact point, because those that ended are found as well.

    Built beside the work; outside a transaction, so whoever was killed in it leaves some of it behind: that is dropped
    and built again. The index that goes is the one of the foreign key a second time.
    """

    atomic = False

    dependencies = [("customers", "0001_initial")]

    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS contact_point_value_idx", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="contactpoint",
            index=models.Index(fields=["value"], name="contact_point_value_idx"),
        ),
        RemoveIndexConcurrently(model_name="contactpoint", name="contact_point_customer_idx"),
    ]
