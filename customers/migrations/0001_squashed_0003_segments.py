"""Customers, what they have and agreed to, segments.

For new databases, in place of the migrations named below (docs/database.md)."""

import crm.database.together
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('customers', '0001_initial'), ('customers', '0002_contact_points_by_value'), ('customers', '0003_segments')]

    initial = True

    dependencies = [
        ('crm', '__first__'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        crm.database.together.Together(
            operations=[migrations.CreateModel(
                name='ContactPoint',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('email', 'Mail'), ('phone', 'Phone'), ('handle', 'Handle'), ('external', 'Other system')], max_length=20)),
                    ('value', models.CharField(max_length=320)),
                    ('display', models.CharField(blank=True, max_length=320)),
                    ('verified_at', models.DateTimeField(blank=True, null=True)),
                    ('is_preferred', models.BooleanField(default=False)),
                    ('ended_at', models.DateTimeField(blank=True, null=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='contact_points', to='customers.customer')),
                ],
                options={
                    'indexes': [models.Index(fields=['value'], name='contact_point_value_idx')],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('kind', 'value'), name='contact_point_one_owner')],
                },
            ), migrations.CreateModel(
                name='Customer',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(blank=True, max_length=200, verbose_name='name')),
                    ('pronunciation', models.CharField(blank=True, max_length=200, verbose_name='pronunciation')),
                    ('language', models.CharField(default='en', max_length=12, verbose_name='language')),
                    ('tz', models.CharField(default='UTC', max_length=64, verbose_name='time zone')),
                    ('country', models.CharField(blank=True, max_length=2, verbose_name='country')),
                    ('city', models.CharField(blank=True, max_length=120, verbose_name='city')),
                    ('tier', models.CharField(blank=True, max_length=40, verbose_name='tier')),
                    ('cue', models.CharField(blank=True, max_length=300, verbose_name='what they thanked or scolded us for')),
                    ('since', models.DateField(blank=True, null=True, verbose_name='customer since')),
                    ('erased_at', models.DateTimeField(blank=True, null=True)),
                    ('version', models.BigIntegerField(default=0)),
                    ('source', models.CharField(blank=True, default='', max_length=40)),
                    ('external_id', models.CharField(blank=True, max_length=200, null=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('merged_into', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged', to='customers.customer')),
                    ('organization', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='people', to='customers.organization')),
                ],
                options={
                    'indexes': [models.Index(fields=['organization'], name='customer_organization_idx')],
                    'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='customer_external_once')],
                },
            ), migrations.CreateModel(
                name='ContactPointEvent',
                fields=[
                    ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                    ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                    ('pgh_label', models.TextField(help_text='The event label.')),
                    ('id', models.BigIntegerField()),
                    ('kind', models.CharField(choices=[('email', 'Mail'), ('phone', 'Phone'), ('handle', 'Handle'), ('external', 'Other system')], max_length=20)),
                    ('value', models.CharField(max_length=320)),
                    ('display', models.CharField(blank=True, max_length=320)),
                    ('verified_at', models.DateTimeField(blank=True, null=True)),
                    ('is_preferred', models.BooleanField(default=False)),
                    ('ended_at', models.DateTimeField(blank=True, null=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                    ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='customers.contactpoint')),
                    ('customer', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='customers.customer')),
                ],
                options={
                    'abstract': False,
                },
            ), migrations.CreateModel(
                name='Consent',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('purpose', models.CharField(choices=[('service', 'Service messages'), ('advice', 'Advice on what you have'), ('marketing', 'Offers and news'), ('research', 'Surveys and betas')], max_length=20)),
                    ('channel', models.CharField(max_length=40)),
                    ('granted', models.BooleanField()),
                    ('source', models.CharField(max_length=60)),
                    ('wording', models.CharField(blank=True, max_length=500)),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='consents', to='customers.customer')),
                ],
                options={
                    'indexes': [models.Index(fields=['customer', 'purpose', 'channel', '-at'], name='consent_newest')],
                },
            ), migrations.CreateModel(
                name='Merge',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('undone_at', models.DateTimeField(null=True)),
                    ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('gone', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
                    ('kept', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
                    ('undone_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(condition=models.Q(('undone_at', None)), fields=('gone',), name='merged_once')],
                },
            ), migrations.CreateModel(
                name='MergedRows',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('table', models.CharField(max_length=80)),
                    ('ids', models.JSONField(default=list)),
                    ('merge', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='moved', to='customers.merge')),
                ],
            ), migrations.CreateModel(
                name='NameWord',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('word', models.CharField(max_length=200)),
                    ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='name_words', to='customers.customer')),
                ],
                options={
                    'indexes': [models.Index(django.contrib.postgres.indexes.OpClass('word', name='text_pattern_ops'), name='name_word_prefix')],
                    'constraints': [models.UniqueConstraint(fields=('customer', 'word'), name='name_word_once')],
                },
            ), migrations.CreateModel(
                name='Order',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.CharField(max_length=60)),
                    ('status', models.CharField(default='placed', max_length=20)),
                    ('total', models.DecimalField(decimal_places=4, default=0, max_digits=14)),
                    ('currency', models.CharField(default='GBP', max_length=3)),
                    ('items', models.JSONField(default=list)),
                    ('placed_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('source', models.CharField(blank=True, default='', max_length=40)),
                    ('external_id', models.CharField(blank=True, max_length=200, null=True)),
                    ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='orders', to='customers.customer')),
                ],
                options={
                    'indexes': [models.Index(fields=['customer', '-placed_at'], name='order_newest')],
                    'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='order_external_once')],
                },
            ), migrations.CreateModel(
                name='Organization',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=200, verbose_name='name')),
                    ('domain', models.CharField(blank=True, max_length=200, verbose_name='mail domain')),
                    ('kind', models.CharField(default='company', max_length=20)),
                    ('source', models.CharField(blank=True, default='', max_length=40)),
                    ('external_id', models.CharField(blank=True, max_length=200, null=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='organization_external_once')],
                },
            ), migrations.CreateModel(
                name='CustomerEvent',
                fields=[
                    ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                    ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                    ('pgh_label', models.TextField(help_text='The event label.')),
                    ('id', models.BigIntegerField()),
                    ('name', models.CharField(blank=True, max_length=200, verbose_name='name')),
                    ('pronunciation', models.CharField(blank=True, max_length=200, verbose_name='pronunciation')),
                    ('language', models.CharField(default='en', max_length=12, verbose_name='language')),
                    ('tz', models.CharField(default='UTC', max_length=64, verbose_name='time zone')),
                    ('country', models.CharField(blank=True, max_length=2, verbose_name='country')),
                    ('city', models.CharField(blank=True, max_length=120, verbose_name='city')),
                    ('tier', models.CharField(blank=True, max_length=40, verbose_name='tier')),
                    ('cue', models.CharField(blank=True, max_length=300, verbose_name='what they thanked or scolded us for')),
                    ('since', models.DateField(blank=True, null=True, verbose_name='customer since')),
                    ('erased_at', models.DateTimeField(blank=True, null=True)),
                    ('source', models.CharField(blank=True, default='', max_length=40)),
                    ('external_id', models.CharField(blank=True, max_length=200, null=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('merged_into', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='customers.customer')),
                    ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                    ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='customers.customer')),
                    ('organization', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='customers.organization')),
                ],
                options={
                    'abstract': False,
                },
            ), migrations.CreateModel(
                name='Product',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=200, verbose_name='name')),
                    ('kind', models.CharField(blank=True, max_length=40, verbose_name='kind')),
                    ('source', models.CharField(blank=True, default='', max_length=40)),
                    ('external_id', models.CharField(blank=True, max_length=200, null=True)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='product_external_once')],
                },
            ), migrations.CreateModel(
                name='Subscription',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('plan', models.CharField(blank=True, max_length=120, verbose_name='plan')),
                    ('price', models.DecimalField(decimal_places=4, default=0, max_digits=14, verbose_name='price a month')),
                    ('currency', models.CharField(default='GBP', max_length=3)),
                    ('device', models.CharField(blank=True, max_length=120, verbose_name='device')),
                    ('version', models.CharField(blank=True, max_length=40, verbose_name='firmware or version')),
                    ('lot', models.CharField(blank=True, max_length=60, verbose_name='lot')),
                    ('region', models.CharField(blank=True, max_length=80, verbose_name='region')),
                    ('status', models.CharField(default='active', max_length=20)),
                    ('started_on', models.DateField(blank=True, null=True)),
                    ('ended_on', models.DateField(blank=True, null=True)),
                    ('source', models.CharField(blank=True, default='', max_length=40)),
                    ('external_id', models.CharField(blank=True, max_length=200, null=True)),
                    ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='subscriptions', to='customers.customer')),
                    ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='subscriptions', to='customers.product')),
                ],
                options={
                    'indexes': [models.Index(fields=['product', 'device', 'version'], name='subscription_device_idx')],
                    'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='subscription_external_once')],
                },
            ), migrations.CreateModel(
                name='Suppression',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(max_length=20)),
                    ('value', models.CharField(max_length=320)),
                    ('purpose', models.CharField(blank=True, max_length=20)),
                    ('reason', models.CharField(max_length=60)),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('lifted_at', models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(condition=models.Q(('lifted_at', None)), fields=('kind', 'value', 'purpose'), name='suppression_once')],
                },
            ), migrations.CreateModel(
                name='Segment',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('key', models.SlugField(max_length=80, unique=True, verbose_name='key')),
                    ('name', models.CharField(max_length=120, verbose_name='name')),
                    ('description', models.CharField(blank=True, max_length=300, verbose_name='what it is for')),
                    ('is_active', models.BooleanField(default=True, verbose_name='active')),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                    ('size', models.PositiveIntegerField(default=0, editable=False, verbose_name='customers')),
                    ('refreshed_at', models.DateTimeField(editable=False, null=True, verbose_name='as of')),
                    ('is_stale', models.BooleanField(default=True, editable=False)),
                    ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                    ('current', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.segmentversion')),
                ],
                options={
                    'verbose_name': 'segment',
                    'verbose_name_plural': 'segments',
                    'ordering': ['name', 'pk'],
                },
            ), migrations.CreateModel(
                name='SegmentMark',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('pos', models.BigIntegerField(default=0)),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='one_segment_mark')],
                },
            ), migrations.CreateModel(
                name='SegmentMember',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('joined_at', models.DateTimeField()),
                    ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='customers.customer')),
                    ('segment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='customers.segment')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('customer', 'segment'), name='segment_member_once')],
                },
            ), migrations.CreateModel(
                name='SegmentTurn',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('joined', models.BooleanField()),
                    ('at', models.DateTimeField(db_index=True)),
                    ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='customers.customer')),
                    ('segment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='turns', to='customers.segment')),
                ],
            ), migrations.CreateModel(
                name='SegmentVersion',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.PositiveIntegerField(verbose_name='version')),
                    ('condition', models.JSONField(verbose_name='condition')),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='made')),
                    ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('segment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='customers.segment')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('segment', 'number'), name='segment_version_once')],
                },
            ), migrations.CreateModel(
                name='Touched',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('customer', models.BigIntegerField()),
                ],
            ), pgtrigger.migrations.AddTrigger(
                model_name='contactpoint',
                trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "customers_contactpointevent" ("created_at", "customer_id", "display", "ended_at", "id", "is_preferred", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "value", "verified_at") VALUES (NEW."created_at", NEW."customer_id", NEW."display", NEW."ended_at", NEW."id", NEW."is_preferred", NEW."kind", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."value", NEW."verified_at"); RETURN NULL;', hash='74bb564704579add0de060b01695aac51ae4f6a6', operation='UPDATE', pgid='pgtrigger_update_update_90fab', table='customers_contactpoint', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='contactpoint',
                trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "customers_contactpointevent" ("created_at", "customer_id", "display", "ended_at", "id", "is_preferred", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "value", "verified_at") VALUES (OLD."created_at", OLD."customer_id", OLD."display", OLD."ended_at", OLD."id", OLD."is_preferred", OLD."kind", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."value", OLD."verified_at"); RETURN NULL;', hash='453616244a735f10a043e46f3427904979dca963', operation='DELETE', pgid='pgtrigger_delete_delete_f627e', table='customers_contactpoint', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='contactpoint',
                trigger=pgtrigger.compiler.Trigger(name='touches_new', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO customers_touched (customer) SELECT DISTINCT customer_id FROM new_rows; RETURN NULL;', hash='b7c08d2451f360453f4dc585f3b4aa2e525b9b49', level='STATEMENT', operation='INSERT', pgid='pgtrigger_touches_new_cedfb', referencing='REFERENCING NEW TABLE AS new_rows ', table='customers_contactpoint', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='contactpoint',
                trigger=pgtrigger.compiler.Trigger(name='touches_changed', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO customers_touched (customer) SELECT DISTINCT t.customer_id FROM (SELECT * FROM new_rows UNION ALL SELECT * FROM old_rows) AS t; RETURN NULL;', hash='370fb1e91cbf1d73b7907f1bec4c4f9577b3d58e', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_touches_changed_78c31', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='customers_contactpoint', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='contactpoint',
                trigger=pgtrigger.compiler.Trigger(name='touches_gone', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO customers_touched (customer) SELECT DISTINCT customer_id FROM old_rows; RETURN NULL;', hash='be3baacbd9324707845721e2a2f7ad393977f994', level='STATEMENT', operation='DELETE', pgid='pgtrigger_touches_gone_3b9fa', referencing='REFERENCING OLD TABLE AS old_rows ', table='customers_contactpoint', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='customer',
                trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."city" IS DISTINCT FROM (NEW."city") OR OLD."country" IS DISTINCT FROM (NEW."country") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."cue" IS DISTINCT FROM (NEW."cue") OR OLD."erased_at" IS DISTINCT FROM (NEW."erased_at") OR OLD."external_id" IS DISTINCT FROM (NEW."external_id") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."language" IS DISTINCT FROM (NEW."language") OR OLD."merged_into_id" IS DISTINCT FROM (NEW."merged_into_id") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."pronunciation" IS DISTINCT FROM (NEW."pronunciation") OR OLD."since" IS DISTINCT FROM (NEW."since") OR OLD."source" IS DISTINCT FROM (NEW."source") OR OLD."tier" IS DISTINCT FROM (NEW."tier") OR OLD."tz" IS DISTINCT FROM (NEW."tz"))', func='INSERT INTO "customers_customerevent" ("city", "country", "created_at", "cue", "erased_at", "external_id", "id", "language", "merged_into_id", "name", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pronunciation", "since", "source", "tier", "tz") VALUES (NEW."city", NEW."country", NEW."created_at", NEW."cue", NEW."erased_at", NEW."external_id", NEW."id", NEW."language", NEW."merged_into_id", NEW."name", NEW."organization_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."pronunciation", NEW."since", NEW."source", NEW."tier", NEW."tz"); RETURN NULL;', hash='f9cda5adb7088307d51bbe789c0d9a2a475c1842', operation='UPDATE', pgid='pgtrigger_update_update_ca86d', table='customers_customer', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='customer',
                trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "customers_customerevent" ("city", "country", "created_at", "cue", "erased_at", "external_id", "id", "language", "merged_into_id", "name", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pronunciation", "since", "source", "tier", "tz") VALUES (OLD."city", OLD."country", OLD."created_at", OLD."cue", OLD."erased_at", OLD."external_id", OLD."id", OLD."language", OLD."merged_into_id", OLD."name", OLD."organization_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."pronunciation", OLD."since", OLD."source", OLD."tier", OLD."tz"); RETURN NULL;', hash='c1b3974413614ae04b3d4ffb557087098155a4f9', operation='DELETE', pgid='pgtrigger_delete_delete_939ca', table='customers_customer', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='customer',
                trigger=pgtrigger.compiler.Trigger(name='touches_new', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO customers_touched (customer) SELECT DISTINCT id FROM new_rows; RETURN NULL;', hash='30f1d7323c37bd670ab5b468481142946752b27b', level='STATEMENT', operation='INSERT', pgid='pgtrigger_touches_new_3a6f0', referencing='REFERENCING NEW TABLE AS new_rows ', table='customers_customer', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='customer',
                trigger=pgtrigger.compiler.Trigger(name='touches_changed', sql=pgtrigger.compiler.UpsertTriggerSql(func="INSERT INTO customers_touched (customer) SELECT DISTINCT c.id FROM (SELECT n.* FROM new_rows n JOIN old_rows o USING (id) WHERE to_jsonb(n) - 'version' IS DISTINCT FROM to_jsonb(o) - 'version') AS c; RETURN NULL;", hash='bda2fd984fb311288dd8111570f04c7492500383', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_touches_changed_caedc', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='customers_customer', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='contactpointevent',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='06823c0502d40b1f824d15143c987b34c56619aa', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_c2730', table='customers_contactpointevent', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='consent',
                trigger=pgtrigger.compiler.Trigger(name='touches_new', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO customers_touched (customer) SELECT DISTINCT customer_id FROM new_rows; RETURN NULL;', hash='2cf861cdcd9d75a277fad4c4e60687339d178051', level='STATEMENT', operation='INSERT', pgid='pgtrigger_touches_new_17994', referencing='REFERENCING NEW TABLE AS new_rows ', table='customers_consent', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='consent',
                trigger=pgtrigger.compiler.Trigger(name='touches_changed', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO customers_touched (customer) SELECT DISTINCT t.customer_id FROM (SELECT * FROM new_rows UNION ALL SELECT * FROM old_rows) AS t; RETURN NULL;', hash='a93be7afb5ec9fb09488ec15afb993200e2936ac', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_touches_changed_f8d6e', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='customers_consent', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='consent',
                trigger=pgtrigger.compiler.Trigger(name='touches_gone', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO customers_touched (customer) SELECT DISTINCT customer_id FROM old_rows; RETURN NULL;', hash='c5f4bfe0b1a35dc7125eab018aca1ff71ffd41b2', level='STATEMENT', operation='DELETE', pgid='pgtrigger_touches_gone_c3a6f', referencing='REFERENCING OLD TABLE AS old_rows ', table='customers_consent', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='order',
                trigger=pgtrigger.compiler.Trigger(name='touches_new', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO customers_touched (customer) SELECT DISTINCT customer_id FROM new_rows; RETURN NULL;', hash='d796a6f40ec5f0a73b5c5eac8572de160b7e3d8e', level='STATEMENT', operation='INSERT', pgid='pgtrigger_touches_new_57b0c', referencing='REFERENCING NEW TABLE AS new_rows ', table='customers_order', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='order',
                trigger=pgtrigger.compiler.Trigger(name='touches_changed', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO customers_touched (customer) SELECT DISTINCT t.customer_id FROM (SELECT * FROM new_rows UNION ALL SELECT * FROM old_rows) AS t; RETURN NULL;', hash='4d14d372fef6c80603f5b5ccfd07927668e87111', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_touches_changed_6aecf', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='customers_order', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='order',
                trigger=pgtrigger.compiler.Trigger(name='touches_gone', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO customers_touched (customer) SELECT DISTINCT customer_id FROM old_rows; RETURN NULL;', hash='2da5229a2b809f95614ae21c6523cb6816ae21dc', level='STATEMENT', operation='DELETE', pgid='pgtrigger_touches_gone_bac2a', referencing='REFERENCING OLD TABLE AS old_rows ', table='customers_order', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='organization',
                trigger=pgtrigger.compiler.Trigger(name='touches_changed', sql=pgtrigger.compiler.UpsertTriggerSql(func="INSERT INTO customers_touched (customer) SELECT DISTINCT id FROM customers_customer WHERE organization_id IN (SELECT c.id FROM (SELECT n.* FROM new_rows n JOIN old_rows o USING (id) WHERE to_jsonb(n) - 'version' IS DISTINCT FROM to_jsonb(o) - 'version') AS c); RETURN NULL;", hash='d081e3a733a2782d8ed0b5fa0651923ecff6957f', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_touches_changed_989ae', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='customers_organization', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='customerevent',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='67bbcdaa8b0ad9058ebdd1abf75818e71639ffeb', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_92226', table='customers_customerevent', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='product',
                trigger=pgtrigger.compiler.Trigger(name='touches_changed', sql=pgtrigger.compiler.UpsertTriggerSql(func="INSERT INTO customers_touched (customer) SELECT DISTINCT customer_id FROM customers_subscription WHERE product_id IN (SELECT c.id FROM (SELECT n.* FROM new_rows n JOIN old_rows o USING (id) WHERE to_jsonb(n) - 'version' IS DISTINCT FROM to_jsonb(o) - 'version') AS c); RETURN NULL;", hash='1c9dab0154635103a08c780ef4bcf536d2b72551', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_touches_changed_c6b15', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='customers_product', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='subscription',
                trigger=pgtrigger.compiler.Trigger(name='touches_new', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO customers_touched (customer) SELECT DISTINCT customer_id FROM new_rows; RETURN NULL;', hash='23bf32c070791192ce84c58cb59bdc286ef572af', level='STATEMENT', operation='INSERT', pgid='pgtrigger_touches_new_e0319', referencing='REFERENCING NEW TABLE AS new_rows ', table='customers_subscription', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='subscription',
                trigger=pgtrigger.compiler.Trigger(name='touches_changed', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO customers_touched (customer) SELECT DISTINCT t.customer_id FROM (SELECT * FROM new_rows UNION ALL SELECT * FROM old_rows) AS t; RETURN NULL;', hash='3cacee46ba66a762a9f8d5852102d0d7d145374c', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_touches_changed_ce6e4', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='customers_subscription', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='subscription',
                trigger=pgtrigger.compiler.Trigger(name='touches_gone', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO customers_touched (customer) SELECT DISTINCT customer_id FROM old_rows; RETURN NULL;', hash='94f961936ad82109c9b9f6edb94ff84a7dd703fd', level='STATEMENT', operation='DELETE', pgid='pgtrigger_touches_gone_4f6f9', referencing='REFERENCING OLD TABLE AS old_rows ', table='customers_subscription', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='segmentversion',
                trigger=pgtrigger.compiler.Trigger(name='segment_version_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION '% is never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';", hash='d70d8cdb97aa04cb2628bdc512b29130894f9095', operation='UPDATE OR DELETE', pgid='pgtrigger_segment_version_stays_0db8a', table='customers_segmentversion', when='BEFORE')),
            )],
        ),
    ]
