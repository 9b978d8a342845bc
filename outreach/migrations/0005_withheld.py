from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('outreach', '0004_past_responses'),
    ]

    operations = [
        migrations.AlterField(
            model_name='offerresponse',
            name='kind',
            field=models.CharField(choices=[('accepted', 'accepted'), ('not_now', 'not now'), ('no', 'no'), ('not_suited', 'not suited'), ('never', 'never'), ('withheld', 'not mentioned')], max_length=12),
        ),
    ]
