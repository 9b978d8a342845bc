"""The one installation row, and presence without a write-ahead log: it is worth nothing after a crash."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("crm", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "INSERT INTO crm_installation (id, epoch, created_at, system_identifier) "
            "VALUES (1, gen_random_uuid(), now(), '')",
            "DELETE FROM crm_installation",
        ),
        migrations.RunSQL("ALTER TABLE crm_presence SET UNLOGGED", "ALTER TABLE crm_presence SET LOGGED"),
    ]
