"""Offers, what was decided and answered, parity, known problems, notices.

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

    replaces = [('outreach', '0001_offers'), ('outreach', '0002_problems_and_notices'), ('outreach', '0003_parity'), ('outreach', '0004_past_responses'), ('outreach', '0005_withheld'), ('outreach', '0006_shared_reasons'), ('outreach', '0007_questions'), ('outreach', '0008_taken')]

    initial = True

    dependencies = [
        ('cases', '0052_surveys'),
        ('crm', '0005_import_runs'),
        ('customers', '0003_segments'),
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
                    ('shared', models.JSONField(db_default={}, default=dict)),
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
                    ('decision', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='candidates', to='outreach.decision')),
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
                    ('purpose', models.CharField(choices=[('upgrade', 'better of the same'), ('saving', 'costs them less'), ('addition', 'something beside it'), ('retention', 'thanks for staying'), ('beta', 'first to try'), ('question', 'a question that earns something')], default='addition', max_length=20, verbose_name='purpose')),
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
                    ('kind', models.CharField(choices=[('accepted', 'accepted'), ('not_now', 'not now'), ('no', 'no'), ('not_suited', 'not suited'), ('never', 'never'), ('withheld', 'not mentioned')], max_length=12)),
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
                    ('extras', models.JSONField(db_default={}, default=dict)),
                    ('fees', models.DecimalField(db_default=0, decimal_places=4, default=0, max_digits=14)),
                    ('gifts', models.DecimalField(db_default=0, decimal_places=4, default=0, max_digits=14)),
                    ('months', models.PositiveSmallIntegerField(db_default=1, default=1)),
                    ('answer_kind', models.CharField(blank=True, db_default='', default='', max_length=10)),
                    ('choices', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=80), db_default=models.Value('{}'), default=list, size=None)),
                    ('question', models.CharField(blank=True, db_default='', default='', max_length=300)),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('stock__isnull', False)), fields=['id'], name='offer_version_stock')],
                    'constraints': [models.UniqueConstraint(fields=('offer', 'number'), name='offer_version_once'), models.CheckConstraint(condition=models.Q(('public_price', None), ('price__lte', models.F('public_price')), _connector='OR'), name='offer_existing_customers_never_pay_more'), models.CheckConstraint(condition=models.Q(('months__gte', 1)), name='offer_has_a_term'), models.CheckConstraint(condition=models.Q(models.Q(('answer_kind', ''), ('question', '')), models.Q(models.Q(('question', ''), _negated=True), ('fees', 0), ('price', 0)), _connector='OR'), name='a_question_costs_nothing')],
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
            ), migrations.CreateModel(
                name='PublicOffer',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=120, verbose_name='name')),
                    ('where', models.CharField(blank=True, max_length=120, verbose_name='where it is offered')),
                    ('price', models.DecimalField(decimal_places=4, max_digits=14, verbose_name='price a month')),
                    ('months', models.PositiveSmallIntegerField(default=1, verbose_name='months of minimum term')),
                    ('gifts', models.DecimalField(decimal_places=4, default=0, help_text='At face value, in all.', max_digits=14, verbose_name='cash, vouchers and gifts')),
                    ('fees', models.DecimalField(decimal_places=4, default=0, help_text='In all.', max_digits=14, verbose_name='fees')),
                    ('currency', models.CharField(default='GBP', max_length=3, verbose_name='currency')),
                    ('extras', models.JSONField(blank=True, default=dict, verbose_name='what else it gives')),
                    ('valid_from', models.DateTimeField(verbose_name='opens to the public')),
                    ('valid_until', models.DateTimeField(blank=True, null=True, verbose_name='ends')),
                    ('lead_days', models.PositiveSmallIntegerField(default=14, help_text='So long before the public existing customers have had it.', verbose_name='days of lead')),
                    ('is_active', models.BooleanField(default=False, verbose_name='active')),
                    ('source', models.CharField(blank=True, default='', editable=False, max_length=40)),
                    ('external_id', models.CharField(blank=True, editable=False, max_length=200, null=True)),
                    ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                    ('twin', models.ForeignKey(blank=True, help_text='The offer by which existing customers get at least as much.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='public_offers', to='outreach.offer', verbose_name='twin')),
                ],
                options={
                    'verbose_name': 'public offer',
                    'verbose_name_plural': 'public offers',
                    'ordering': ['name', 'pk'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('months__gte', 1)), name='public_offer_has_a_term'), models.UniqueConstraint(fields=('source', 'external_id'), name='public_offer_external_once')],
                },
            ), migrations.CreateModel(
                name='PublicOfferEvent',
                fields=[
                    ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                    ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                    ('pgh_label', models.TextField(help_text='The event label.')),
                    ('id', models.BigIntegerField()),
                    ('name', models.CharField(max_length=120, verbose_name='name')),
                    ('where', models.CharField(blank=True, max_length=120, verbose_name='where it is offered')),
                    ('price', models.DecimalField(decimal_places=4, max_digits=14, verbose_name='price a month')),
                    ('months', models.PositiveSmallIntegerField(default=1, verbose_name='months of minimum term')),
                    ('gifts', models.DecimalField(decimal_places=4, default=0, help_text='At face value, in all.', max_digits=14, verbose_name='cash, vouchers and gifts')),
                    ('fees', models.DecimalField(decimal_places=4, default=0, help_text='In all.', max_digits=14, verbose_name='fees')),
                    ('currency', models.CharField(default='GBP', max_length=3, verbose_name='currency')),
                    ('extras', models.JSONField(blank=True, default=dict, verbose_name='what else it gives')),
                    ('valid_from', models.DateTimeField(verbose_name='opens to the public')),
                    ('valid_until', models.DateTimeField(blank=True, null=True, verbose_name='ends')),
                    ('lead_days', models.PositiveSmallIntegerField(default=14, help_text='So long before the public existing customers have had it.', verbose_name='days of lead')),
                    ('is_active', models.BooleanField(default=False, verbose_name='active')),
                    ('source', models.CharField(blank=True, default='', editable=False, max_length=40)),
                    ('external_id', models.CharField(blank=True, editable=False, max_length=200, null=True)),
                    ('owner', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                    ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                    ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='outreach.publicoffer')),
                    ('twin', models.ForeignKey(blank=True, db_constraint=False, help_text='The offer by which existing customers get at least as much.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='outreach.offer', verbose_name='twin')),
                ],
                options={
                    'abstract': False,
                },
            ), migrations.CreateModel(
                name='PastResponse',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('accepted', 'accepted'), ('not_now', 'not now'), ('no', 'no'), ('not_suited', 'not suited'), ('never', 'never'), ('ignored', 'ignored')], max_length=12)),
                    ('reason', models.CharField(blank=True, max_length=300)),
                    ('until', models.DateTimeField(null=True)),
                    ('at', models.DateTimeField()),
                    ('source', models.CharField(max_length=40)),
                    ('external_id', models.CharField(max_length=200)),
                    ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='past_responses', to='customers.customer')),
                    ('offer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='past_responses', to='outreach.offer')),
                ],
                options={
                    'verbose_name': 'earlier answer to an offer',
                    'verbose_name_plural': 'earlier answers to offers',
                    'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='past_response_external_once'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'not_now'), ('until__isnull', False)), models.Q(models.Q(('kind', 'not_now'), _negated=True), ('until', None)), _connector='OR'), name='past_not_now_has_a_time')],
                },
            ), migrations.CreateModel(
                name='QuestionAnswer',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('text', models.CharField(blank=True, default='', max_length=1000)),
                    ('choice', models.CharField(blank=True, default='', max_length=80)),
                    ('scale', models.PositiveSmallIntegerField(null=True)),
                    ('stands', models.BooleanField(default=True)),
                    ('by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='question_answers', to='cases.case')),
                    ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='question_answers', to='customers.customer')),
                    ('offer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='question_answers', to='outreach.offer')),
                    ('offer_version', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='outreach.offerversion')),
                    ('response', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='answer', to='outreach.offerresponse')),
                ],
                options={
                    'verbose_name': 'answer to a question',
                    'verbose_name_plural': 'answers to questions',
                    'ordering': ['-pk'],
                    'indexes': [models.Index(fields=['offer', '-id'], name='question_answer_newest')],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('stands', True)), fields=('offer', 'customer'), name='question_answered_once'), models.CheckConstraint(condition=models.Q(models.Q(('choice', ''), ('scale', None)), models.Q(models.Q(('choice', ''), _negated=True), ('scale', None), ('text', '')), models.Q(('choice', ''), ('scale__range', (1, 5)), ('text', '')), _connector='OR'), name='question_answer_is_one_of_three')],
                },
            ), migrations.CreateModel(
                name='Taken',
                fields=[
                    ('offer', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='outreach.offer')),
                    ('many', models.IntegerField()),
                ],
            ), pgtrigger.migrations.AddTrigger(
                model_name='decision',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF TG_OP = 'UPDATE' AND to_jsonb(NEW) - ARRAY['customer_id', 'context']::text[] = to_jsonb(OLD) - ARRAY['customer_id', 'context']::text[] THEN\n    RETURN NEW;\nEND IF;\nRAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';\n", hash='251bacb6f966e23d756ef2872bd4f36096928751', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_e78cf', table='outreach_decision', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='decisioncandidate',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF TG_OP = 'UPDATE' AND to_jsonb(NEW) - ARRAY['sentence', 'detail']::text[] = to_jsonb(OLD) - ARRAY['sentence', 'detail']::text[] THEN\n    RETURN NEW;\nEND IF;\nRAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';\n", hash='01b9967df19a99b85f8d5a0b1418a20704579522', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_70eff', table='outreach_decisioncandidate', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='offer',
                trigger=pgtrigger.compiler.Trigger(name='keeps_twins', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', declare='DECLARE found text;', func="\nSELECT outreach_parity_breach(p.id) INTO found FROM outreach_publicoffer p\n WHERE p.twin_id = NEW.id AND p.is_active AND outreach_parity_breach(p.id) IS NOT NULL LIMIT 1;\nIF found IS NOT NULL THEN\n    RAISE EXCEPTION 'a public offer would lose its twin %: %', NEW.id, found USING ERRCODE = 'check_violation';\nEND IF;\nRETURN NULL;\n", hash='20f17d2ec73c7093ed444b94af385a35f01c2955', operation='UPDATE', pgid='pgtrigger_keeps_twins_d4c02', table='outreach_offer', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
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
                model_name='offerresponse',
                trigger=pgtrigger.compiler.Trigger(name='told', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NEW."kind" = \'accepted\')', constraint='CONSTRAINT', func="\nIF EXISTS (\n    SELECT FROM outreach_offerpresentation p\n      JOIN outreach_decisioncandidate k ON k.id = p.candidate_id\n      JOIN outreach_offerversion v ON v.id = k.offer_version_id\n     WHERE p.id = NEW.presentation_id AND v.question <> ''\n) AND NOT EXISTS (SELECT FROM outreach_questionanswer a WHERE a.response_id = NEW.id) THEN\n    RAISE EXCEPTION 'a question is accepted by its answer: response %', NEW.id USING ERRCODE = 'check_violation';\nEND IF;\nRETURN NULL;\n", hash='84b779092d60ca6051629832d1d5e8301c681a91', operation='INSERT', pgid='pgtrigger_told_dc4bf', table='outreach_offerresponse', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='offerresponse',
                trigger=pgtrigger.compiler.Trigger(name='counted', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE was record; step int;', func="\n    PERFORM FROM outreach_offerpresentation WHERE id = NEW.presentation_id FOR NO KEY UPDATE;\n    SELECT number, kind INTO was FROM outreach_offerresponse\n     WHERE presentation_id = NEW.presentation_id AND id <> NEW.id ORDER BY number DESC LIMIT 1;\n    IF was.number > NEW.number THEN RETURN NULL; END IF;\n    step := (NEW.kind = 'accepted')::int - COALESCE(was.kind = 'accepted', false)::int;\n    IF step <> 0 THEN\n        INSERT INTO outreach_taken AS held (offer_id, many)\n        SELECT v.offer_id, step FROM outreach_offerpresentation p\n          JOIN outreach_decisioncandidate k ON k.id = p.candidate_id\n          JOIN outreach_offerversion v ON v.id = k.offer_version_id\n         WHERE p.id = NEW.presentation_id\n        ON CONFLICT (offer_id) DO UPDATE SET many = held.many + step;\n    END IF;\n    RETURN NULL;\n", hash='90cdaec596294a06cc634c7a525b18033be81402', operation='INSERT', pgid='pgtrigger_counted_07154', table='outreach_offerresponse', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='offerversion',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF TG_OP = 'UPDATE' AND to_jsonb(NEW) - ARRAY[]::text[] = to_jsonb(OLD) - ARRAY[]::text[] THEN\n    RETURN NEW;\nEND IF;\nRAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';\n", hash='c328d0cd4505a9952b3a9b9811dbfefcbd5f6d8a', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_de3e3', table='outreach_offerversion', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='publicoffer',
                trigger=pgtrigger.compiler.Trigger(name='has_a_twin', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', declare='DECLARE found text;', func="\nfound := outreach_parity_breach(NEW.id);\nIF found IS NOT NULL THEN\n    RAISE EXCEPTION 'public offer % has no twin as good: %', NEW.id, found USING ERRCODE = 'check_violation';\nEND IF;\nRETURN NULL;\n", hash='ff38a8604a937049c35b9f74c40211423131e8fd', operation='INSERT OR UPDATE', pgid='pgtrigger_has_a_twin_2fa63', table='outreach_publicoffer', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='publicoffer',
                trigger=pgtrigger.compiler.Trigger(name='before_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "outreach_publicofferevent" ("currency", "external_id", "extras", "fees", "gifts", "id", "is_active", "lead_days", "months", "name", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price", "source", "twin_id", "valid_from", "valid_until", "where") VALUES (OLD."currency", OLD."external_id", OLD."extras", OLD."fees", OLD."gifts", OLD."id", OLD."is_active", OLD."lead_days", OLD."months", OLD."name", OLD."owner_id", _pgh_attach_context(), NOW(), \'before\', OLD."id", OLD."price", OLD."source", OLD."twin_id", OLD."valid_from", OLD."valid_until", OLD."where"); RETURN NULL;', hash='4f228a076a0514f9ed870981e795475676f894e3', operation='UPDATE', pgid='pgtrigger_before_update_c4c68', table='outreach_publicoffer', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='publicoffer',
                trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "outreach_publicofferevent" ("currency", "external_id", "extras", "fees", "gifts", "id", "is_active", "lead_days", "months", "name", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price", "source", "twin_id", "valid_from", "valid_until", "where") VALUES (OLD."currency", OLD."external_id", OLD."extras", OLD."fees", OLD."gifts", OLD."id", OLD."is_active", OLD."lead_days", OLD."months", OLD."name", OLD."owner_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."price", OLD."source", OLD."twin_id", OLD."valid_from", OLD."valid_until", OLD."where"); RETURN NULL;', hash='530a02048f0406b6554747b9c655fa145a0c504d', operation='DELETE', pgid='pgtrigger_delete_delete_c266f', table='outreach_publicoffer', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='publicofferevent',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='7d97c58141159dbe905423629c613eeb80b4bb4b', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_06d5b', table='outreach_publicofferevent', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='questionanswer',
                trigger=pgtrigger.compiler.Trigger(name='asked', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF NOT EXISTS (\n    SELECT FROM outreach_offerresponse r\n      JOIN outreach_offerpresentation p ON p.id = r.presentation_id\n      JOIN outreach_decisioncandidate k ON k.id = p.candidate_id\n      JOIN outreach_offerversion v ON v.id = k.offer_version_id\n     WHERE r.id = NEW.response_id AND r.kind = 'accepted' AND v.question <> '' AND p.case_id = NEW.case_id\n       AND v.id = NEW.offer_version_id AND v.offer_id = NEW.offer_id\n) THEN\n    RAISE EXCEPTION 'answer without its question: response %', NEW.response_id USING ERRCODE = 'check_violation';\nEND IF;\nRETURN NEW;\n", hash='cc84ad3045277ce773f59dd0a8bf6084e0921d8b', operation='INSERT', pgid='pgtrigger_asked_ad733', table='outreach_questionanswer', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='questionanswer',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF TG_OP = 'UPDATE' AND to_jsonb(NEW) - ARRAY['customer_id', 'text', 'stands']::text[] = to_jsonb(OLD) - ARRAY['customer_id', 'text', 'stands']::text[] THEN\n    RETURN NEW;\nEND IF;\nRAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';\n", hash='e7ee73d57a826391f0b916875ca5505e62e3ee18', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_f122a', table='outreach_questionanswer', when='BEFORE')),
            )],
        ),
        migrations.RunSQL(
            sql='\nCREATE OR REPLACE FUNCTION outreach_parity_breach(which bigint) RETURNS text LANGUAGE plpgsql AS $$\nDECLARE p outreach_publicoffer; o outreach_offer; v outreach_offerversion; k text;\nBEGIN\n    SELECT * INTO p FROM outreach_publicoffer WHERE id = which;\n    IF NOT FOUND OR NOT p.is_active THEN RETURN NULL; END IF;\n    SELECT * INTO o FROM outreach_offer WHERE id = p.twin_id FOR SHARE;\n    IF NOT FOUND OR NOT o.is_active OR o.current_id IS NULL THEN RETURN \'no_twin\'; END IF;\n    SELECT * INTO v FROM outreach_offerversion WHERE id = o.current_id;\n    IF v.currency <> p.currency THEN RETURN \'currency\'; END IF;\n    IF (v.price * v.months - v.gifts + v.fees) / v.months > (p.price * p.months - p.gifts + p.fees) / p.months THEN\n        RETURN \'dearer\';\n    END IF;\n    IF v.eligibility <> \'{"all": []}\'::jsonb THEN RETURN \'not_for_all\'; END IF;\n    IF v.stock IS NOT NULL THEN RETURN \'stock\'; END IF;\n    IF GREATEST(COALESCE(v.valid_from, o.created_at), o.created_at) > p.valid_from - make_interval(days => p.lead_days) THEN\n        RETURN \'too_late\';\n    END IF;\n    IF v.valid_until IS NOT NULL AND (p.valid_until IS NULL OR v.valid_until < p.valid_until) THEN RETURN \'ends_early\'; END IF;\n    FOR k IN SELECT jsonb_object_keys(p.extras) LOOP\n        IF COALESCE((v.extras->>k)::numeric, 0) < (p.extras->>k)::numeric THEN RETURN \'less\'; END IF;\n    END LOOP;\n    RETURN NULL;\nEND $$;\n',
            reverse_sql='DROP FUNCTION outreach_parity_breach(bigint)',
        ),
        migrations.RunSQL(
            sql='\nCREATE OR REPLACE FUNCTION outreach_parity_breach(which bigint) RETURNS text LANGUAGE plpgsql AS $$\nDECLARE p outreach_publicoffer; o outreach_offer; v outreach_offerversion; k text;\nBEGIN\n    SELECT * INTO p FROM outreach_publicoffer WHERE id = which;\n    IF NOT FOUND OR NOT p.is_active THEN RETURN NULL; END IF;\n    SELECT * INTO o FROM outreach_offer WHERE id = p.twin_id FOR SHARE;\n    IF NOT FOUND OR NOT o.is_active OR o.current_id IS NULL THEN RETURN \'no_twin\'; END IF;\n    SELECT * INTO v FROM outreach_offerversion WHERE id = o.current_id;\n    IF v.question <> \'\' THEN RETURN \'question\'; END IF;\n    IF v.currency <> p.currency THEN RETURN \'currency\'; END IF;\n    IF (v.price * v.months - v.gifts + v.fees) / v.months > (p.price * p.months - p.gifts + p.fees) / p.months THEN\n        RETURN \'dearer\';\n    END IF;\n    IF v.eligibility <> \'{"all": []}\'::jsonb THEN RETURN \'not_for_all\'; END IF;\n    IF v.stock IS NOT NULL THEN RETURN \'stock\'; END IF;\n    IF GREATEST(COALESCE(v.valid_from, o.created_at), o.created_at) > p.valid_from - make_interval(days => p.lead_days) THEN\n        RETURN \'too_late\';\n    END IF;\n    IF v.valid_until IS NOT NULL AND (p.valid_until IS NULL OR v.valid_until < p.valid_until) THEN RETURN \'ends_early\'; END IF;\n    FOR k IN SELECT jsonb_object_keys(p.extras) LOOP\n        IF COALESCE((v.extras->>k)::numeric, 0) < (p.extras->>k)::numeric THEN RETURN \'less\'; END IF;\n    END LOOP;\n    RETURN NULL;\nEND $$;\n',
            reverse_sql='\nCREATE OR REPLACE FUNCTION outreach_parity_breach(which bigint) RETURNS text LANGUAGE plpgsql AS $$\nDECLARE p outreach_publicoffer; o outreach_offer; v outreach_offerversion; k text;\nBEGIN\n    SELECT * INTO p FROM outreach_publicoffer WHERE id = which;\n    IF NOT FOUND OR NOT p.is_active THEN RETURN NULL; END IF;\n    SELECT * INTO o FROM outreach_offer WHERE id = p.twin_id FOR SHARE;\n    IF NOT FOUND OR NOT o.is_active OR o.current_id IS NULL THEN RETURN \'no_twin\'; END IF;\n    SELECT * INTO v FROM outreach_offerversion WHERE id = o.current_id;\n    IF v.currency <> p.currency THEN RETURN \'currency\'; END IF;\n    IF (v.price * v.months - v.gifts + v.fees) / v.months > (p.price * p.months - p.gifts + p.fees) / p.months THEN\n        RETURN \'dearer\';\n    END IF;\n    IF v.eligibility <> \'{"all": []}\'::jsonb THEN RETURN \'not_for_all\'; END IF;\n    IF v.stock IS NOT NULL THEN RETURN \'stock\'; END IF;\n    IF GREATEST(COALESCE(v.valid_from, o.created_at), o.created_at) > p.valid_from - make_interval(days => p.lead_days) THEN\n        RETURN \'too_late\';\n    END IF;\n    IF v.valid_until IS NOT NULL AND (p.valid_until IS NULL OR v.valid_until < p.valid_until) THEN RETURN \'ends_early\'; END IF;\n    FOR k IN SELECT jsonb_object_keys(p.extras) LOOP\n        IF COALESCE((v.extras->>k)::numeric, 0) < (p.extras->>k)::numeric THEN RETURN \'less\'; END IF;\n    END LOOP;\n    RETURN NULL;\nEND $$;\n',
        ),
    ]
