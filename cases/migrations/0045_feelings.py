from django.db import migrations, models


class Migration(migrations.Migration):
    """What a customer's words sound like, kept apart from how somebody marked that they felt."""

    dependencies = [("cases", "0044_playbooks")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="felt_by",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="felt_guess",
            field=models.CharField(
                blank=True,
                choices=[("good", "good"), ("neutral", "neutral"), ("bad", "upset")],
                db_default="",
                default="",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="felt_p",
            field=models.FloatField(null=True),
        ),
    ]
