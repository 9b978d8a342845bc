"""Offers, known problems, notices.

For new databases, in place of the migrations named below (docs/database.md)."""

import crm.database.together
import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('outreach', '0001_offers'), ('outreach', '0002_problems_and_notices')]

    initial = True

    dependencies = [
        ('cases', '0014_begun'),
        ('crm', '0005_import_runs'),
        ('customers', '0001_initial'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        crm.database.together.Together(
            operations=[migrations.CreateModel(
                name='Catalogue',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('version', models.BigIntegerField(default=0)),
                    ('edition', models.UUIDField(default=uuid.uuid4)),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='one_catalogue')],
                },
            ), migrations.CreateModel(
                name='Decision',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('asked', models.CharField(choices=[('panel', 'by the screen'), ('api', 'over the API'), ('try', 'against a closed gate')], default='panel', max_length=10)),
                    ('catalogue_version', models.BigIntegerField()),
                    ('outcome', models.CharField(choices=[('silence', 'nothing'), ('presented', 'an offer')], max_length=10)),
                    ('probability', models.FloatField(default=1.0)),
                    ('gates', models.JSONField(default=list)),
                    ('context', models.JSONField(default=dict)),
                    ('digest', models.CharField(max_length=64)),
                    ('latency_ms', models.FloatField(default=0)),
                    ('by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='cases.case')),
                    ('contact', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='cases.contact')),
                    ('customer', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='customers.customer')),
                    ('need_met_event', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crm.event')),
                ],
                options={
                    'verbose_name': 'decision',
                    'verbose_name_plural': 'decisions',
                    'indexes': [models.Index(fields=['customer', '-at'], name='decision_customer')],
                },
            ), migrations.CreateModel(
                name='DecisionCandidate',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('stage', models.CharField(blank=True, max_length=20)),
                    ('reason', models.CharField(blank=True, max_length=40)),
                    ('detail', models.JSONField(default=dict)),
                    ('scores', models.JSONField(default=dict)),
                    ('score', models.FloatField(null=True)),
                    ('rank', models.PositiveSmallIntegerField(null=True)),
                    ('probability', models.FloatField(default=0.0)),
                    ('sentence', models.CharField(blank=True, max_length=600)),
                    ('decision', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='candidates', to='outreach.decision')),
                    ('offer_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='outreach.offerversion')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('decision', 'offer_version'), name='candidate_once')],
                },
            ), migrations.CreateModel(
                name='Offer',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('key', models.SlugField(max_length=80, unique=True, verbose_name='key')),
                    ('name', models.CharField(max_length=120, verbose_name='name')),
                    ('purpose', models.CharField(choices=[('upgrade', 'better of the same'), ('saving', 'costs them less'), ('addition', 'something beside it'), ('retention', 'thanks for staying'), ('beta', 'first to try')], default='addition', max_length=20, verbose_name='purpose')),
                    ('is_active', models.BooleanField(default=True, verbose_name='active')),
                    ('source', models.CharField(blank=True, default='', editable=False, max_length=40)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                    ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                    ('current', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='outreach.offerversion')),
                ],
                options={
                    'verbose_name': 'offer',
                    'verbose_name_plural': 'offers',
                    'ordering': ['name', 'pk'],
                },
            ), migrations.CreateModel(
                name='OfferPresentation',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('presented_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('candidate', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='presentation', to='outreach.decisioncandidate')),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='presentations', to='cases.case')),
                    ('contact', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='presentation', to='cases.contact')),
                    ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='presentations', to='customers.customer')),
                    ('decision', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='presentation', to='outreach.decision')),
                    ('need_met_event', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crm.event')),
                ],
                options={
                    'indexes': [models.Index(fields=['customer', '-presented_at'], name='presentation_customer')],
                },
            ), migrations.CreateModel(
                name='OfferResponse',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.PositiveSmallIntegerField()),
                    ('kind', models.CharField(choices=[('accepted', 'accepted'), ('not_now', 'not now'), ('no', 'no'), ('not_suited', 'not suited'), ('never', 'never')], max_length=12)),
                    ('reason', models.CharField(blank=True, max_length=300)),
                    ('until', models.DateTimeField(null=True)),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('presentation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='responses', to='outreach.offerpresentation')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('presentation', 'number'), name='offer_response_once'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'not_now'), ('until__isnull', False)), models.Q(models.Q(('kind', 'not_now'), _negated=True), ('until', None)), _connector='OR'), name='offer_not_now_has_a_time')],
                },
            ), migrations.CreateModel(
                name='Fulfilment',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('key', models.UUIDField(unique=True)),
                    ('state', models.CharField(choices=[('waiting', 'being done'), ('done', 'done'), ('by_hand', 'to be done by hand'), ('parked', 'did not work; do it by hand'), ('called_off', 'called off')], default='waiting', max_length=10)),
                    ('attempts', models.PositiveSmallIntegerField(default=0)),
                    ('due_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('lease_until', models.DateTimeField(null=True)),
                    ('reference', models.CharField(blank=True, max_length=200)),
                    ('error', models.CharField(blank=True, max_length=60)),
                    ('done_at', models.DateTimeField(null=True)),
                    ('response', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='fulfilment', to='outreach.offerresponse')),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['due_at'], name='fulfilment_due')],
                },
            ), migrations.CreateModel(
                name='OfferVersion',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.PositiveIntegerField()),
                    ('what', models.CharField(max_length=300)),
                    ('benefit', models.CharField(max_length=300)),
                    ('why', models.CharField(max_length=400)),
                    ('price', models.DecimalField(decimal_places=4, default=0, max_digits=14)),
                    ('public_price', models.DecimalField(decimal_places=4, max_digits=14, null=True)),
                    ('currency', models.CharField(default='GBP', max_length=3)),
                    ('value', models.DecimalField(decimal_places=4, default=0, max_digits=14)),
                    ('gain', models.DecimalField(decimal_places=4, default=0, max_digits=14)),
                    ('minutes', models.DecimalField(decimal_places=4, default=2, max_digits=14)),
                    ('need_tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), default=list, size=None)),
                    ('eligibility', models.JSONField(default=dict)),
                    ('valid_from', models.DateTimeField(null=True)),
                    ('valid_until', models.DateTimeField(null=True)),
                    ('stock', models.PositiveIntegerField(null=True)),
                    ('cooloff_days', models.PositiveIntegerField(default=90)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('offer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='outreach.offer')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('offer', 'number'), name='offer_version_once'), models.CheckConstraint(condition=models.Q(('public_price', None), ('price__lte', models.F('public_price')), _connector='OR'), name='offer_existing_customers_never_pay_more')],
                },
            ), migrations.CreateModel(
                name='KnownProblem',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('title', models.CharField(max_length=200, verbose_name='title')),
                    ('symptom', models.TextField(blank=True, verbose_name='what the customer sees')),
                    ('cause', models.TextField(blank=True, verbose_name='cause')),
                    ('workaround', models.TextField(blank=True, verbose_name='workaround')),
                    ('fix', models.TextField(blank=True, verbose_name='fix')),
                    ('status_text', models.TextField(blank=True, verbose_name='status, in words a customer may read')),
                    ('next_update_at', models.DateTimeField(blank=True, null=True, verbose_name='next news by')),
                    ('severity', models.CharField(choices=[('minor', 'minor'), ('major', 'major'), ('critical', 'critical')], default='major', max_length=12, verbose_name='severity')),
                    ('is_safety', models.BooleanField(default=False, verbose_name='somebody could get hurt')),
                    ('state', models.CharField(choices=[('open', 'cause being looked for'), ('workaround', 'workaround known'), ('fixed', 'fixed'), ('closed', 'closed')], default='open', max_length=12, verbose_name='state')),
                    ('condition', models.JSONField(blank=True, null=True, verbose_name='whom it hits')),
                    ('declared_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('closed_at', models.DateTimeField(blank=True, null=True)),
                    ('exposed', models.IntegerField(default=0)),
                    ('told', models.IntegerField(default=0)),
                    ('told_first', models.IntegerField(default=0)),
                    ('version', models.BigIntegerField(default=0)),
                    ('declared_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                ],
                options={
                    'verbose_name': 'known problem',
                    'verbose_name_plural': 'known problems',
                    'ordering': ['-declared_at', '-pk'],
                },
            ), migrations.CreateModel(
                name='Notice',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('texts', models.JSONField(default=dict)),
                    ('state', models.CharField(choices=[('draft', 'being written'), ('approved', 'approved'), ('sending', 'on its way'), ('paused', 'paused'), ('stopped', 'stopped'), ('done', 'done')], default='draft', max_length=12)),
                    ('written_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('approved_at', models.DateTimeField(null=True)),
                    ('ended_at', models.DateTimeField(null=True)),
                    ('numbers', models.JSONField(default=dict)),
                    ('counted_at', models.DateTimeField(null=True)),
                    ('version', models.BigIntegerField(default=0)),
                    ('approved_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('problem', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='outreach.knownproblem')),
                    ('written_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'notice',
                    'verbose_name_plural': 'notices',
                    'ordering': ['-written_at', '-pk'],
                },
            ), migrations.CreateModel(
                name='ProblemCase',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('via', models.CharField(default='person', max_length=20)),
                    ('linked_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('case', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='known_problem', to='cases.case')),
                    ('linked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('problem', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='cases', to='outreach.knownproblem')),
                ],
            ), migrations.CreateModel(
                name='Exposure',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('via', models.CharField(default='rule', max_length=20)),
                    ('score', models.FloatField(default=1.0)),
                    ('reasons', models.JSONField(default=list)),
                    ('found_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='exposures', to='customers.customer')),
                    ('problem', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='exposures', to='outreach.knownproblem')),
                ],
                options={
                    'indexes': [models.Index(fields=['customer', 'problem'], name='exposure_customer')],
                    'constraints': [models.UniqueConstraint(fields=('problem', 'customer'), name='exposed_once')],
                },
            ), migrations.CreateModel(
                name='NoticeDelivery',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('state', models.CharField(choices=[('planned', 'in line'), ('withheld', 'not written to'), ('made', 'handed over')], default='planned', max_length=12)),
                    ('reason', models.CharField(blank=True, max_length=60)),
                    ('not_before', models.DateTimeField()),
                    ('planned_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('answered_at', models.DateTimeField(null=True)),
                    ('contact_point', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='customers.contactpoint')),
                    ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notice_deliveries', to='customers.customer')),
                    ('dispatch', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='notice_delivery', to='cases.dispatch')),
                    ('notice', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='outreach.notice')),
                    ('problem', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='outreach.knownproblem')),
                ],
                options={
                    'verbose_name_plural': 'deliveries',
                    'indexes': [models.Index(fields=['notice', 'id'], name='delivery_of_notice'), models.Index(condition=models.Q(('state', 'planned')), fields=['notice', 'not_before'], name='delivery_due')],
                    'constraints': [models.UniqueConstraint(fields=('problem', 'customer'), name='told_once')],
                },
            ), pgtrigger.migrations.AddTrigger(
                model_name='decision',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF TG_OP = 'UPDATE' AND to_jsonb(NEW) - ARRAY['customer_id', 'context']::text[] = to_jsonb(OLD) - ARRAY['customer_id', 'context']::text[] THEN\n    RETURN NEW;\nEND IF;\nRAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';\n", hash='251bacb6f966e23d756ef2872bd4f36096928751', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_e78cf', table='outreach_decision', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='decisioncandidate',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF TG_OP = 'UPDATE' AND to_jsonb(NEW) - ARRAY['sentence', 'detail']::text[] = to_jsonb(OLD) - ARRAY['sentence', 'detail']::text[] THEN\n    RETURN NEW;\nEND IF;\nRAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';\n", hash='01b9967df19a99b85f8d5a0b1418a20704579522', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_70eff', table='outreach_decisioncandidate', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='offerpresentation',
                trigger=pgtrigger.compiler.Trigger(name='earned', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE met bigint; mine boolean;', func="\n    SELECT need_met_event_id INTO met FROM cases_case WHERE id = NEW.case_id FOR SHARE;\n    IF met IS NULL OR NEW.need_met_event_id IS DISTINCT FROM met THEN\n        RAISE EXCEPTION 'the need of case % is not met by event %', NEW.case_id, NEW.need_met_event_id\n            USING ERRCODE = 'check_violation';\n    END IF;\n    SELECT d.case_id = NEW.case_id AND c.case_id = NEW.case_id AND d.outcome = 'presented' AND k.decision_id = d.id\n           AND k.stage = '' INTO mine\n      FROM outreach_decision d, outreach_decisioncandidate k, cases_contact c\n     WHERE d.id = NEW.decision_id AND k.id = NEW.candidate_id AND c.id = NEW.contact_id;\n    IF mine IS NOT TRUE THEN\n        RAISE EXCEPTION 'decision, candidate and contact are not of case %', NEW.case_id USING ERRCODE = 'check_violation';\n    END IF;\n    RETURN NEW;\n", hash='7c993d80d6984675f14a7f69836dd5e7a1e96ef9', operation='INSERT', pgid='pgtrigger_earned_c6558', table='outreach_offerpresentation', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='offerpresentation',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF TG_OP = 'UPDATE' AND to_jsonb(NEW) - ARRAY['customer_id']::text[] = to_jsonb(OLD) - ARRAY['customer_id']::text[] THEN\n    RETURN NEW;\nEND IF;\nRAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';\n", hash='64bcaab938525c6819ca095d8b3ce2e47419dbf9', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_1dba5', table='outreach_offerpresentation', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='offerresponse',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF TG_OP = 'UPDATE' AND to_jsonb(NEW) - ARRAY['reason']::text[] = to_jsonb(OLD) - ARRAY['reason']::text[] THEN\n    RETURN NEW;\nEND IF;\nRAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';\n", hash='d5b95184ed8d2c7715b8fb21f36071256b52c6c6', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_16631', table='outreach_offerresponse', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='offerversion',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF TG_OP = 'UPDATE' AND to_jsonb(NEW) - ARRAY[]::text[] = to_jsonb(OLD) - ARRAY[]::text[] THEN\n    RETURN NEW;\nEND IF;\nRAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';\n", hash='c328d0cd4505a9952b3a9b9811dbfefcbd5f6d8a', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_de3e3', table='outreach_offerversion', when='BEFORE')),
            )],
        ),
    ]
