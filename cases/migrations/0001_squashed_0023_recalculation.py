"""Queues, cases, messages, promises, clocks, channels, mailboxes, who is there to work.

For new databases, in place of the migrations named below (docs/database.md)."""

import cases.models.channel
import cases.models.message
import crm.database.together
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('cases', '0001_initial'), ('cases', '0002_initial'), ('cases', '0003_initial'), ('cases', '0004_send_state'), ('cases', '0005_threads_and_receipts'), ('cases', '0006_exact_clocks'), ('cases', '0007_words'), ('cases', '0008_lists'), ('cases', '0009_moved_promises'), ('cases', '0010_mail'), ('cases', '0011_inbound_queue'), ('cases', '0012_mailboxes'), ('cases', '0013_need_met'), ('cases', '0014_begun'), ('cases', '0015_acknowledgements'), ('cases', '0016_inbound_ignored'), ('cases', '0017_message_ids_whole'), ('cases', '0018_need_by_silence'), ('cases', '0019_reports_of_mails'), ('cases', '0020_presence'), ('cases', '0021_clock_actions'), ('cases', '0022_routing'), ('cases', '0023_recalculation')]

    initial = True

    dependencies = [
        ('crm', '0005_import_runs'),
        ('customers', '0001_initial'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        migrations.RunSQL(
            sql='CREATE SEQUENCE case_number_seq START 10001',
            reverse_sql='DROP SEQUENCE case_number_seq',
        ),
        crm.database.together.Together(
            operations=[migrations.CreateModel(
                name='Article',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('audience', models.CharField(choices=[('public', 'Public'), ('internal', 'Internal')], default='internal', max_length=10, verbose_name='audience')),
                    ('review_on', models.DateField(blank=True, null=True, verbose_name='review on')),
                    ('is_active', models.BooleanField(default=True, verbose_name='active')),
                    ('document', django.contrib.postgres.search.SearchVectorField(editable=False, null=True)),
                    ('sent_count', models.PositiveIntegerField(default=0, editable=False)),
                    ('answered_count', models.PositiveIntegerField(default=0, editable=False)),
                    ('source', models.CharField(blank=True, default='', max_length=40)),
                    ('external_id', models.CharField(blank=True, max_length=200, null=True)),
                    ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('current', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.articleversion')),
                    ('queues', models.ManyToManyField(blank=True, related_name='articles', to='cases.queue', verbose_name='queues')),
                ],
                options={
                    'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['document'], name='article_document')],
                    'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='article_external_once')],
                },
            ), migrations.CreateModel(
                name='ArticleEvent',
                fields=[
                    ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                    ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                    ('pgh_label', models.TextField(help_text='The event label.')),
                    ('id', models.BigIntegerField()),
                    ('audience', models.CharField(choices=[('public', 'Public'), ('internal', 'Internal')], default='internal', max_length=10, verbose_name='audience')),
                    ('review_on', models.DateField(blank=True, null=True, verbose_name='review on')),
                    ('is_active', models.BooleanField(default=True, verbose_name='active')),
                    ('source', models.CharField(blank=True, default='', max_length=40)),
                    ('external_id', models.CharField(blank=True, max_length=200, null=True)),
                    ('owner', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                    ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                    ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='cases.article')),
                    ('current', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='cases.articleversion')),
                ],
                options={
                    'abstract': False,
                },
            ), migrations.CreateModel(
                name='ArticleVersion',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.PositiveIntegerField()),
                    ('language', models.CharField(default='en', max_length=12)),
                    ('title', models.CharField(max_length=200, verbose_name='title')),
                    ('body', models.TextField(verbose_name='text')),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='cases.article')),
                    ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('article', 'number'), name='article_version_once')],
                },
            ), migrations.CreateModel(
                name='Attachment',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=255)),
                    ('content_type', models.CharField(max_length=120)),
                    ('size', models.BigIntegerField()),
                    ('token', models.CharField(default=cases.models.message.random_token, max_length=40, unique=True)),
                    ('file', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crm.storedfile')),
                    ('message', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attachments', to='cases.message')),
                    ('content_id', models.CharField(blank=True, max_length=250)),
                ],
            ), migrations.CreateModel(
                name='BusinessCalendar',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=120, unique=True, verbose_name='name')),
                    ('current', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.calendarversion')),
                ],
            ), migrations.CreateModel(
                name='CalendarVersion',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.PositiveIntegerField()),
                    ('tz', models.CharField(max_length=64, verbose_name='time zone')),
                    ('hours', models.JSONField(default=dict)),
                    ('holidays', models.JSONField(default=list)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('calendar', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='cases.businesscalendar')),
                    ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('calendar', 'number'), name='calendar_version_once')],
                },
            ), migrations.CreateModel(
                name='Case',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.BigIntegerField(db_default=models.Func(models.Value('case_number_seq'), function='nextval'), unique=True)),
                    ('subject', models.CharField(blank=True, max_length=300, verbose_name='subject')),
                    ('status', models.CharField(choices=[('new', 'new'), ('open', 'open'), ('waiting_customer', 'waiting for customer'), ('waiting_internal', 'waiting for us inside'), ('resolved', 'resolved'), ('closed', 'closed'), ('merged', 'merged'), ('spam', 'spam')], default='new', max_length=20)),
                    ('priority', models.CharField(choices=[('low', 'low'), ('normal', 'normal'), ('high', 'high'), ('urgent', 'urgent')], default='normal', max_length=10)),
                    ('channel', models.CharField(default='web', max_length=40)),
                    ('language', models.CharField(default='en', max_length=12)),
                    ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, default=list, size=None)),
                    ('custom', models.JSONField(blank=True, default=dict)),
                    ('opened_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('waiting_since', models.DateTimeField(null=True)),
                    ('attention_at', models.DateTimeField(null=True)),
                    ('promise_due_at', models.DateTimeField(null=True)),
                    ('next_due_at', models.DateTimeField(null=True)),
                    ('snoozed_until', models.DateTimeField(null=True)),
                    ('resolved_at', models.DateTimeField(null=True)),
                    ('closed_at', models.DateTimeField(null=True)),
                    ('preview', models.CharField(blank=True, max_length=160)),
                    ('preview_direction', models.CharField(blank=True, max_length=10)),
                    ('last_message_at', models.DateTimeField(null=True)),
                    ('version', models.BigIntegerField(default=0)),
                    ('source', models.CharField(blank=True, default='', max_length=40)),
                    ('external_id', models.CharField(blank=True, max_length=200, null=True)),
                    ('assignee', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to=settings.AUTH_USER_MODEL)),
                    ('customer', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='customers.customer')),
                    ('merged_into', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged', to='cases.case')),
                    ('need_met_event', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crm.event')),
                    ('issue', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='cases.issue')),
                    ('queue', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='cases.queue')),
                    ('send_state', models.CharField(blank=True, max_length=12)),
                    ('silent_since', models.DateTimeField(null=True)),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('assignee', None), ('status__in', ('new', 'open', 'waiting_customer', 'waiting_internal'))), fields=['queue', 'waiting_since', 'id'], name='case_to_claim'), models.Index(fields=['queue', '-opened_at'], name='case_queue_newest'), models.Index(fields=['customer', '-opened_at'], name='case_customer'), models.Index(condition=models.Q(('snoozed_until__isnull', False)), fields=['snoozed_until'], name='case_wake'), models.Index(condition=models.Q(('status', 'resolved')), fields=['resolved_at'], name='case_close'), django.contrib.postgres.indexes.GinIndex(fields=['tags'], name='case_tags'), models.Index(condition=models.Q(('status__in', ('new', 'open', 'waiting_customer', 'waiting_internal'))), fields=['queue', 'attention_at', 'waiting_since', 'id'], include=('assignee', 'snoozed_until', 'promise_due_at'), name='case_queue_order'), models.Index(condition=models.Q(('status__in', ('new', 'open', 'waiting_customer', 'waiting_internal'))), fields=['assignee', 'queue', 'attention_at', 'waiting_since', 'id'], name='case_mine'), models.Index(condition=models.Q(('assignee', None), ('status__in', ('new', 'open', 'waiting_customer', 'waiting_internal'))), fields=['queue', 'attention_at', 'waiting_since', 'id'], include=('snoozed_until',), name='case_free'), models.Index(condition=models.Q(('promise_due_at__isnull', False), ('status__in', ('new', 'open', 'waiting_customer', 'waiting_internal'))), fields=['queue', 'attention_at', 'waiting_since', 'id'], name='case_promised'), models.Index(condition=models.Q(('need_met_event', None), ('promise_due_at', None), ('silent_since__isnull', False), ('status__in', ('waiting_customer', 'resolved', 'closed'))), fields=['queue', 'silent_since', 'id'], name='case_silent')],
                    'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='case_external_once'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'resolved'), _negated=True), ('resolved_at__isnull', False), _connector='OR'), name='case_resolved_has_time'), models.CheckConstraint(condition=models.Q(('need_met_event', None), models.Q(('status__in', ['spam', 'merged']), _negated=True), _connector='OR'), name='case_need_met_where_it_lives')],
                },
            ), migrations.CreateModel(
                name='CaseLink',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(max_length=20)),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='links', to='cases.case')),
                    ('other', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='linked_from', to='cases.case')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('case', 'other', 'kind'), name='case_link_once')],
                },
            ), migrations.CreateModel(
                name='Channel',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('slug', models.SlugField(max_length=40, unique=True, validators=[cases.models.channel.not_reserved], verbose_name='name in addresses')),
                    ('name', models.CharField(max_length=80, verbose_name='name')),
                    ('kind', models.CharField(default='generic', max_length=40)),
                    ('secrets', models.TextField(blank=True, default='', editable=False)),
                    ('callback_url', models.URLField(blank=True, verbose_name='call-back address for answers')),
                    ('is_active', models.BooleanField(default=True, verbose_name='active')),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('queue', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='channels', to='cases.queue', verbose_name='queue')),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('slug__in', ('mail', 'web', 'chat', 'phone', 'api')), _negated=True), name='channel_slug_not_reserved')],
                },
            ), migrations.CreateModel(
                name='Clock',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('first_response', 'first answer'), ('next_response', 'next answer'), ('update', 'update'), ('resolution', 'resolution')], max_length=20)),
                    ('target_seconds', models.DecimalField(decimal_places=6, max_digits=18)),
                    ('started_at', models.DateTimeField()),
                    ('resumed_at', models.DateTimeField(null=True)),
                    ('paused_at', models.DateTimeField(null=True)),
                    ('elapsed_seconds', models.DecimalField(decimal_places=6, default=Decimal('0'), max_digits=18)),
                    ('paused_seconds', models.DecimalField(decimal_places=6, default=Decimal('0'), max_digits=18)),
                    ('due_at', models.DateTimeField(null=True)),
                    ('warn_at', models.DateTimeField(null=True)),
                    ('warned_at', models.DateTimeField(null=True)),
                    ('breached_at', models.DateTimeField(null=True)),
                    ('met_at', models.DateTimeField(null=True)),
                    ('cancelled_at', models.DateTimeField(null=True)),
                    ('calendar_version', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.calendarversion')),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='clocks', to='cases.case')),
                    ('policy_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.slapolicyversion')),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('breached_at', None), ('cancelled_at', None), ('due_at__isnull', False), ('met_at', None)), fields=['due_at'], name='clock_due'), models.Index(condition=models.Q(('breached_at', None), ('cancelled_at', None), ('met_at', None), ('warn_at__isnull', False), ('warned_at', None)), fields=['warn_at'], name='clock_warn')],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('cancelled_at', None), ('met_at', None)), fields=('case', 'kind'), name='clock_one_open_of_a_kind')],
                },
            ), migrations.CreateModel(
                name='Contact',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('channel', models.CharField(max_length=40)),
                    ('started_at', models.DateTimeField()),
                    ('last_at', models.DateTimeField()),
                    ('ended_at', models.DateTimeField(null=True)),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='cases.case')),
                    ('customer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='customers.customer')),
                    ('issue', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='cases.issue')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('case', 'channel'), name='contact_one_open_a_channel')],
                },
            ), migrations.CreateModel(
                name='Dispatch',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('key', models.UUIDField(default=uuid.uuid4, unique=True)),
                    ('channel', models.CharField(max_length=40)),
                    ('address', models.CharField(max_length=320)),
                    ('message_class', models.CharField(max_length=20)),
                    ('source', models.CharField(default='message', max_length=20)),
                    ('source_id', models.BigIntegerField()),
                    ('state', models.CharField(choices=[('held', 'sending'), ('claimed', 'on its way'), ('sent', 'sent'), ('failed', 'failed'), ('unknown', 'unknown: may have arrived'), ('suppressed', 'not sent'), ('undone', 'taken back')], default='held', max_length=12)),
                    ('reason', models.CharField(blank=True, max_length=60)),
                    ('detail', models.CharField(blank=True, max_length=300)),
                    ('release_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('lease_until', models.DateTimeField(null=True)),
                    ('attempts', models.PositiveSmallIntegerField(default=0)),
                    ('provider_id', models.CharField(blank=True, max_length=250)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('released_at', models.DateTimeField(null=True)),
                    ('sent_at', models.DateTimeField(null=True)),
                    ('contact_point', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.contactpoint')),
                    ('customer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='dispatches', to='customers.customer')),
                    ('delivered_at', models.DateTimeField(null=True)),
                    ('read_at', models.DateTimeField(null=True)),
                    ('begun_at', models.DateTimeField(null=True)),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('state__in', ['held', 'claimed'])), fields=['release_at'], name='dispatch_due'), models.Index(fields=['customer', '-created_at'], name='dispatch_customer')],
                    'constraints': [models.UniqueConstraint(fields=('source', 'source_id', 'address'), name='dispatch_once_an_address')],
                    'verbose_name_plural': 'dispatches',
                },
            ), migrations.CreateModel(
                name='Draft',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(max_length=10)),
                    ('text', models.TextField(blank=True)),
                    ('is_answer', models.BooleanField(default=False)),
                    ('next_step', models.CharField(blank=True, max_length=300)),
                    ('by_when', models.CharField(blank=True, max_length=60)),
                    ('written_against', models.BigIntegerField(default=0)),
                    ('saved_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('author', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='drafts', to=settings.AUTH_USER_MODEL)),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='drafts', to='cases.case')),
                    ('moves', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='cases.promise')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('author', 'case', 'kind'), name='draft_once')],
                },
            ), migrations.CreateModel(
                name='InboundItem',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('channel', models.CharField(max_length=40)),
                    ('external_id', models.CharField(max_length=200)),
                    ('raw', models.BinaryField()),
                    ('state', models.CharField(choices=[('stored', 'stored'), ('done', 'in a case'), ('duplicate', 'duplicate'), ('ignored', 'ignored'), ('kept', 'kept for a person')], default='stored', max_length=10)),
                    ('attempts', models.PositiveSmallIntegerField(default=0)),
                    ('next_try_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('error', models.CharField(blank=True, max_length=300)),
                    ('received_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('done_at', models.DateTimeField(null=True)),
                    ('message', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='inbound_items', to='cases.message')),
                    ('queue', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.queue')),
                    ('dispatch', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reports', to='cases.dispatch')),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('state', 'stored')), fields=['next_try_at'], name='inbound_waiting'), models.Index(condition=models.Q(('state', 'kept')), fields=['received_at'], name='inbound_kept'), models.Index(condition=models.Q(('state', 'ignored')), fields=['received_at'], name='inbound_ignored'), models.Index(condition=models.Q(('dispatch__isnull', False)), fields=['dispatch'], name='inbound_reports')],
                    'constraints': [models.UniqueConstraint(fields=('channel', 'external_id'), name='inbound_once')],
                },
            ), migrations.CreateModel(
                name='Issue',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('opened_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='issues', to='customers.customer')),
                ],
            ), migrations.CreateModel(
                name='Mention',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('seen_at', models.DateTimeField(null=True)),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mentions', to='cases.case')),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mentions', to=settings.AUTH_USER_MODEL)),
                    ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mentions', to='cases.message')),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('seen_at', None)), fields=['user'], name='mention_unseen')],
                    'constraints': [models.UniqueConstraint(fields=('message', 'user'), name='mention_once')],
                },
            ), migrations.CreateModel(
                name='Message',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('direction', models.CharField(choices=[('inbound', 'from the customer'), ('outbound', 'to the customer'), ('note', 'note, only us')], max_length=10)),
                    ('channel', models.CharField(blank=True, max_length=40)),
                    ('sender_name', models.CharField(blank=True, max_length=200)),
                    ('text', models.TextField(blank=True)),
                    ('html', models.TextField(blank=True)),
                    ('language', models.CharField(blank=True, max_length=12)),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('case_version', models.BigIntegerField(default=0)),
                    ('is_auto', models.BooleanField(default=False)),
                    ('is_answer', models.BooleanField(default=False)),
                    ('next_step', models.CharField(blank=True, max_length=300)),
                    ('by_when', models.DateTimeField(blank=True, null=True)),
                    ('written_against', models.BigIntegerField(null=True)),
                    ('sent_anyway', models.BooleanField(default=False)),
                    ('then_status', models.CharField(blank=True, max_length=20)),
                    ('released_at', models.DateTimeField(null=True)),
                    ('taken_back_at', models.DateTimeField(null=True)),
                    ('token', models.CharField(default=cases.models.message.random_token, max_length=40, unique=True)),
                    ('source', models.CharField(blank=True, default='', max_length=40)),
                    ('external_id', models.CharField(blank=True, max_length=250, null=True)),
                    ('author', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='cases.case')),
                    ('contact', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='cases.contact')),
                    ('dispatch', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='message', to='cases.dispatch')),
                    ('sender', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='customers.contactpoint')),
                    ('moves', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.promise')),
                    ('feeling', models.CharField(blank=True, choices=[('good', 'good'), ('neutral', 'neutral'), ('bad', 'upset')], max_length=10)),
                    ('flags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None)),
                    ('folds', models.JSONField(blank=True, default=list)),
                    ('mail_hash', models.CharField(blank=True, max_length=64)),
                    ('mail_id', models.CharField(blank=True, max_length=998)),
                    ('subject', models.CharField(blank=True, max_length=300)),
                ],
                options={
                    'ordering': ['at', 'id'],
                    'indexes': [models.Index(fields=['case', 'at', 'id'], name='message_thread'), django.contrib.postgres.indexes.HashIndex(condition=models.Q(('mail_id', ''), _negated=True), fields=['mail_id'], name='message_mail_id')],
                    'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='message_external_once')],
                },
            ), migrations.CreateModel(
                name='Promise',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('what', models.CharField(max_length=300, verbose_name='what')),
                    ('due_at', models.DateTimeField(verbose_name='by when')),
                    ('state', models.CharField(choices=[('open', 'open'), ('kept', 'kept'), ('moved', 'moved with notice'), ('broken', 'broken')], default='open', max_length=10)),
                    ('alarmed_at', models.DateTimeField(null=True)),
                    ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('settled_at', models.DateTimeField(null=True)),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='promises', to='cases.case')),
                    ('kept_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='promises_kept', to='cases.message')),
                    ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='promises_made', to='cases.message')),
                    ('moved_to', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='moved_from', to='cases.promise')),
                    ('owner', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='promises', to=settings.AUTH_USER_MODEL)),
                    ('raised_at', models.DateTimeField(null=True)),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('state', 'open')), fields=['due_at'], name='promise_due'), models.Index(fields=['case'], name='promise_case_idx')],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('made_by__isnull', False)), fields=('made_by',), name='promise_one_a_message')],
                },
            ), migrations.CreateModel(
                name='Queue',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=80, unique=True, verbose_name='name')),
                    ('description', models.CharField(blank=True, max_length=300, verbose_name='what belongs here')),
                    ('is_public', models.BooleanField(default=False, verbose_name='offered on the contact form')),
                    ('is_active', models.BooleanField(default=True, verbose_name='active')),
                    ('version', models.BigIntegerField(default=0, editable=False)),
                    ('source', models.CharField(blank=True, default='', max_length=40)),
                    ('external_id', models.CharField(blank=True, max_length=200, null=True)),
                    ('calendar', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='queues', to='cases.businesscalendar', verbose_name='calendar')),
                    ('acknowledges', models.BooleanField(default=True, help_text='Whoever writes hears at once that it arrived, what happens next, and by when.', verbose_name='acknowledge new contacts')),
                    ('reach', models.CharField(blank=True, help_text='One line for acknowledgements, like “Call +44 20 7946 0123, Mon to Fri 9 to 17”. Empty: the contact form.', max_length=200, verbose_name='how to reach a person now')),
                    ('silence_days', models.PositiveSmallIntegerField(blank=True, help_text='Our answer arrived, nothing more is promised, and the customer has not written since: after so many days the case says “need met”, until they write again. Empty: silence says nothing.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(365)], verbose_name='days of silence after which a need counts as met')),
                    ('assignment', models.CharField(choices=[('by_hand', 'by hand'), ('least_loaded', 'to the least loaded'), ('round_robin', 'round robin')], db_default='by_hand', default='by_hand', help_text='By hand: people take them. Least loaded: to whoever is online and has the smallest part of what they may have at once. Round robin: to whoever was given one longest ago. When everyone is full, cases wait in order.', max_length=20, verbose_name='cases are given out')),
                    ('capacity', models.PositiveSmallIntegerField(blank=True, help_text='Somebody with so many cases that wait for us or whose time runs, in whatever queues, is given no more here. Empty: what is set for the whole house. A person’s own figure goes before this one.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000)], verbose_name='cases at once for one person')),
                    ('return_minutes', models.PositiveSmallIntegerField(db_default=15, default=15, help_text='For cases that are opened again or wake up. Who is online or busy meanwhile keeps theirs.', validators=[django.core.validators.MaxValueValidator(1440)], verbose_name='minutes until a case whose owner is away goes back to the queue')),
                    ('skill_minutes', models.PositiveSmallIntegerField(db_default=10, default=10, help_text='After so long it is given to anybody here, so that no case waits for a skill nobody has.', validators=[django.core.validators.MaxValueValidator(1440)], verbose_name='minutes a case waits for somebody with the skills it needs')),
                ],
                options={
                    'ordering': ['name'],
                    'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='queue_external_once'), models.CheckConstraint(condition=models.Q(('silence_days', None), ('silence_days__range', (1, 365)), _connector='OR'), name='queue_silence_lasts')],
                },
            ), migrations.CreateModel(
                name='QueueEvent',
                fields=[
                    ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                    ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                    ('pgh_label', models.TextField(help_text='The event label.')),
                    ('id', models.BigIntegerField()),
                    ('name', models.CharField(max_length=80, verbose_name='name')),
                    ('description', models.CharField(blank=True, max_length=300, verbose_name='what belongs here')),
                    ('is_public', models.BooleanField(default=False, verbose_name='offered on the contact form')),
                    ('is_active', models.BooleanField(default=True, verbose_name='active')),
                    ('source', models.CharField(blank=True, default='', max_length=40)),
                    ('external_id', models.CharField(blank=True, max_length=200, null=True)),
                    ('calendar', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='cases.businesscalendar', verbose_name='calendar')),
                    ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                    ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='cases.queue')),
                    ('acknowledges', models.BooleanField(default=True, help_text='Whoever writes hears at once that it arrived, what happens next, and by when.', verbose_name='acknowledge new contacts')),
                    ('reach', models.CharField(blank=True, help_text='One line for acknowledgements, like “Call +44 20 7946 0123, Mon to Fri 9 to 17”. Empty: the contact form.', max_length=200, verbose_name='how to reach a person now')),
                    ('silence_days', models.PositiveSmallIntegerField(blank=True, help_text='Our answer arrived, nothing more is promised, and the customer has not written since: after so many days the case says “need met”, until they write again. Empty: silence says nothing.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(365)], verbose_name='days of silence after which a need counts as met')),
                    ('assignment', models.CharField(choices=[('by_hand', 'by hand'), ('least_loaded', 'to the least loaded'), ('round_robin', 'round robin')], db_default='by_hand', default='by_hand', help_text='By hand: people take them. Least loaded: to whoever is online and has the smallest part of what they may have at once. Round robin: to whoever was given one longest ago. When everyone is full, cases wait in order.', max_length=20, verbose_name='cases are given out')),
                    ('capacity', models.PositiveSmallIntegerField(blank=True, help_text='Somebody with so many cases that wait for us or whose time runs, in whatever queues, is given no more here. Empty: what is set for the whole house. A person’s own figure goes before this one.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000)], verbose_name='cases at once for one person')),
                    ('return_minutes', models.PositiveSmallIntegerField(db_default=15, default=15, help_text='For cases that are opened again or wake up. Who is online or busy meanwhile keeps theirs.', validators=[django.core.validators.MaxValueValidator(1440)], verbose_name='minutes until a case whose owner is away goes back to the queue')),
                    ('skill_minutes', models.PositiveSmallIntegerField(db_default=10, default=10, help_text='After so long it is given to anybody here, so that no case waits for a skill nobody has.', validators=[django.core.validators.MaxValueValidator(1440)], verbose_name='minutes a case waits for somebody with the skills it needs')),
                ],
                options={
                    'abstract': False,
                },
            ), migrations.CreateModel(
                name='QueueMembership',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('role', models.CharField(choices=[('rep', 'Rep'), ('lead', 'Lead'), ('supervisor', 'Supervisor')], default='rep', max_length=20, verbose_name='role')),
                    ('queue', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='cases.queue')),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('queue', 'user'), name='membership_once')],
                },
            ), migrations.CreateModel(
                name='QueueSession',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('mode', models.CharField(max_length=10)),
                    ('started_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('seen_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('ended_at', models.DateTimeField(null=True)),
                    ('cases_taken', models.PositiveIntegerField(default=0)),
                    ('cases_met', models.JSONField(default=list)),
                    ('queue', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to='cases.queue')),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='queue_sessions', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('queue', 'user'), name='queue_session_one_open')],
                },
            ), migrations.CreateModel(
                name='SLAPolicy',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=120, unique=True, verbose_name='name')),
                    ('is_active', models.BooleanField(default=True, verbose_name='active')),
                    ('position', models.PositiveIntegerField(default=0, verbose_name='order')),
                    ('queues', models.ManyToManyField(blank=True, related_name='sla_policies', to='cases.queue', verbose_name='queues')),
                    ('current', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.slapolicyversion')),
                ],
                options={
                    'ordering': ['position', 'pk'],
                    'verbose_name': 'SLA policy',
                    'verbose_name_plural': 'SLA policies',
                },
            ), migrations.CreateModel(
                name='SLAPolicyVersion',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.PositiveIntegerField()),
                    ('priorities', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), blank=True, default=list, size=None)),
                    ('channels', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None)),
                    ('tiers', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None)),
                    ('pause_statuses', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), blank=True, default=list, size=None)),
                    ('targets', models.JSONField(default=list)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('calendar', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.businesscalendar')),
                    ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('policy', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='cases.slapolicy')),
                    ('actions', models.JSONField(default=dict)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('policy', 'number'), name='sla_policy_version_once')],
                },
            ), migrations.CreateModel(
                name='Watch',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('why', models.CharField(default='mention', max_length=20)),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='watches', to='cases.case')),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='watches', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('case', 'user'), name='watch_once')],
                },
            ), migrations.CreateModel(
                name='CaseSearch',
                fields=[
                    ('case', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='search', serialize=False, to='cases.case')),
                    ('document', django.contrib.postgres.search.SearchVectorField()),
                ],
                options={
                    'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['document'], gin_pending_list_limit=256, name='case_document')],
                },
            ), migrations.CreateModel(
                name='ChannelEvent',
                fields=[
                    ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                    ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                    ('pgh_label', models.TextField(help_text='The event label.')),
                    ('id', models.BigIntegerField()),
                    ('slug', models.SlugField(db_index=False, max_length=40, validators=[cases.models.channel.not_reserved], verbose_name='name in addresses')),
                    ('name', models.CharField(max_length=80, verbose_name='name')),
                    ('kind', models.CharField(default='generic', max_length=40)),
                    ('callback_url', models.URLField(blank=True, verbose_name='call-back address for answers')),
                    ('is_active', models.BooleanField(default=True, verbose_name='active')),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                    ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='cases.channel')),
                    ('queue', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='cases.queue', verbose_name='queue')),
                ],
                options={
                    'abstract': False,
                },
            ), migrations.CreateModel(
                name='Thread',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('channel', models.CharField(max_length=40)),
                    ('external_id', models.CharField(max_length=200)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('cases', models.ManyToManyField(related_name='threads', to='cases.case')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('channel', 'external_id'), name='thread_once')],
                },
            ), migrations.CreateModel(
                name='Mailbox',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=80, verbose_name='name')),
                    ('address', models.EmailField(max_length=254, verbose_name='address customers write to')),
                    ('is_active', models.BooleanField(default=True, verbose_name='active')),
                    ('host', models.CharField(max_length=255, verbose_name='server')),
                    ('port', models.PositiveIntegerField(default=993, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(65535)], verbose_name='port')),
                    ('tls', models.CharField(choices=[('tls', 'TLS from the start (port 993)'), ('starttls', 'STARTTLS (port 143)'), ('none', 'none (only on this very machine)')], default='tls', max_length=10, verbose_name='security')),
                    ('user', models.CharField(max_length=254, verbose_name='user')),
                    ('sign_in', models.CharField(choices=[('password', 'Password'), ('oauth2', 'OAuth 2 (XOAUTH2)')], default='password', max_length=10, verbose_name='sign-in by')),
                    ('password', models.TextField(blank=True, default='', editable=False)),
                    ('token_url', models.URLField(blank=True, verbose_name='token address')),
                    ('client_id', models.CharField(blank=True, max_length=255, verbose_name='client id')),
                    ('client_secret', models.TextField(blank=True, default='', editable=False)),
                    ('refresh_token', models.TextField(blank=True, default='', editable=False)),
                    ('scope', models.CharField(blank=True, max_length=500, verbose_name='scope')),
                    ('folder', models.CharField(default='INBOX', max_length=255, verbose_name='folder')),
                    ('after', models.CharField(choices=[('leave', 'Leave it as it is'), ('seen', 'Mark it as read'), ('move', 'Move it to a folder')], default='leave', max_length=10, verbose_name='once it is stored')),
                    ('after_folder', models.CharField(blank=True, max_length=255, verbose_name='folder it is moved to')),
                    ('reads_from', models.DateTimeField(blank=True, null=True, verbose_name='reads mail from')),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('uidvalidity', models.BigIntegerField(default=0, editable=False)),
                    ('last_uid', models.BigIntegerField(default=0, editable=False)),
                    ('lease_owner', models.CharField(blank=True, editable=False, max_length=120)),
                    ('lease_until', models.DateTimeField(editable=False, null=True)),
                    ('doing', models.CharField(blank=True, editable=False, max_length=10)),
                    ('is_pushed', models.BooleanField(default=False, editable=False)),
                    ('access_token', models.TextField(blank=True, default='', editable=False)),
                    ('access_until', models.DateTimeField(editable=False, null=True)),
                    ('last_seen_at', models.DateTimeField(editable=False, null=True)),
                    ('last_success_at', models.DateTimeField(editable=False, null=True)),
                    ('failing_since', models.DateTimeField(editable=False, null=True)),
                    ('failures', models.PositiveIntegerField(default=0, editable=False)),
                    ('next_try_at', models.DateTimeField(editable=False, null=True)),
                    ('last_error', models.CharField(blank=True, editable=False, max_length=20)),
                    ('error_detail', models.CharField(blank=True, editable=False, max_length=200)),
                    ('server_count', models.PositiveIntegerField(editable=False, null=True)),
                    ('waiting', models.PositiveIntegerField(default=0, editable=False)),
                    ('waiting_since', models.DateTimeField(editable=False, null=True)),
                    ('queue', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mailboxes', to='cases.queue', verbose_name='queue')),
                ],
                options={
                    'verbose_name_plural': 'mailboxes',
                    'constraints': [models.UniqueConstraint(fields=('host', 'port', 'user', 'folder'), name='mailbox_place_once')],
                },
            ), migrations.CreateModel(
                name='MailboxEvent',
                fields=[
                    ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                    ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                    ('pgh_label', models.TextField(help_text='The event label.')),
                    ('id', models.BigIntegerField()),
                    ('name', models.CharField(max_length=80, verbose_name='name')),
                    ('address', models.EmailField(max_length=254, verbose_name='address customers write to')),
                    ('is_active', models.BooleanField(default=True, verbose_name='active')),
                    ('host', models.CharField(max_length=255, verbose_name='server')),
                    ('port', models.PositiveIntegerField(default=993, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(65535)], verbose_name='port')),
                    ('tls', models.CharField(choices=[('tls', 'TLS from the start (port 993)'), ('starttls', 'STARTTLS (port 143)'), ('none', 'none (only on this very machine)')], default='tls', max_length=10, verbose_name='security')),
                    ('user', models.CharField(max_length=254, verbose_name='user')),
                    ('sign_in', models.CharField(choices=[('password', 'Password'), ('oauth2', 'OAuth 2 (XOAUTH2)')], default='password', max_length=10, verbose_name='sign-in by')),
                    ('token_url', models.URLField(blank=True, verbose_name='token address')),
                    ('client_id', models.CharField(blank=True, max_length=255, verbose_name='client id')),
                    ('scope', models.CharField(blank=True, max_length=500, verbose_name='scope')),
                    ('folder', models.CharField(default='INBOX', max_length=255, verbose_name='folder')),
                    ('after', models.CharField(choices=[('leave', 'Leave it as it is'), ('seen', 'Mark it as read'), ('move', 'Move it to a folder')], default='leave', max_length=10, verbose_name='once it is stored')),
                    ('after_folder', models.CharField(blank=True, max_length=255, verbose_name='folder it is moved to')),
                    ('reads_from', models.DateTimeField(blank=True, null=True, verbose_name='reads mail from')),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                    ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='cases.mailbox')),
                    ('queue', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='cases.queue', verbose_name='queue')),
                ],
                options={
                    'abstract': False,
                },
            ), migrations.CreateModel(
                name='MailboxMail',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uidvalidity', models.BigIntegerField()),
                    ('uid', models.BigIntegerField(verbose_name='number on the server')),
                    ('state', models.CharField(choices=[('stored', 'stored'), ('old', 'from before the start'), ('failing', 'tried again later'), ('skipped', 'could not be fetched'), ('gone', 'gone before it could be fetched')], max_length=10)),
                    ('size', models.BigIntegerField(default=0, verbose_name='size')),
                    ('arrived_at', models.DateTimeField(null=True, verbose_name='arrived')),
                    ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='tries')),
                    ('next_try_at', models.DateTimeField(null=True)),
                    ('error', models.CharField(blank=True, max_length=20, verbose_name='error')),
                    ('is_settled', models.BooleanField(default=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('item', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='mailbox_mails', to='cases.inbounditem')),
                    ('mailbox', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mails', to='cases.mailbox', verbose_name='mailbox')),
                ],
                options={
                    'verbose_name': 'mail of a mailbox',
                    'verbose_name_plural': 'mails of mailboxes',
                    'indexes': [models.Index(condition=models.Q(('is_settled', False)), fields=['mailbox'], name='mailbox_unsettled'), models.Index(condition=models.Q(('state__in', ['failing', 'skipped'])), fields=['mailbox'], name='mailbox_trouble')],
                    'constraints': [models.UniqueConstraint(fields=('mailbox', 'uidvalidity', 'uid'), name='mailbox_mail_once'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'stored'), _negated=True), ('item__isnull', False), _connector='OR'), name='mailbox_mail_has_item')],
                },
            ), migrations.CreateModel(
                name='Acknowledgement',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('reason', models.CharField(blank=True, max_length=40)),
                    ('is_neutral', models.BooleanField(default=True)),
                    ('is_further', models.BooleanField(default=False)),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('expected_at', models.DateTimeField(null=True)),
                    ('basis', models.CharField(choices=[('pace', 'usual pace'), ('target', 'service time'), ('promise', 'promised before'), ('none', 'no time')], default='none', max_length=10)),
                    ('inputs', models.JSONField(default=dict)),
                    ('case_version', models.BigIntegerField(default=0)),
                    ('mailbox', models.CharField(blank=True, max_length=64)),
                    ('domain', models.CharField(blank=True, max_length=64)),
                    ('answered_at', models.DateTimeField(null=True)),
                    ('share', models.FloatField(null=True)),
                    ('met', models.BooleanField(null=True)),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='acknowledgements', to='cases.case')),
                    ('contact', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='acknowledgement', to='cases.contact')),
                    ('dispatch', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='acknowledgement', to='cases.dispatch')),
                    ('message', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.message')),
                    ('promise', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='acknowledgements', to='cases.promise')),
                    ('queue', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.queue')),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('basis', 'pace')), fields=['queue', '-expected_at'], name='ack_learned'), models.Index(condition=models.Q(('dispatch__isnull', False)), fields=['mailbox', 'at'], name='ack_mailbox'), models.Index(condition=models.Q(('dispatch__isnull', False)), fields=['domain', 'at'], name='ack_domain')],
                },
            ), migrations.CreateModel(
                name='PaceHour',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('began', models.DateTimeField()),
                    ('answers', models.PositiveIntegerField(default=0)),
                    ('who', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, size=None)),
                    ('samples', models.PositiveSmallIntegerField(default=0)),
                    ('people', models.FloatField(default=0.0)),
                    ('busy', models.FloatField(default=0.0)),
                    ('queue', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cases.queue')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('queue', 'began'), name='pace_hour_once')],
                },
            ), migrations.CreateModel(
                name='QueuePace',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('overall', models.FloatField(null=True)),
                    ('rate', models.JSONField(default=dict)),
                    ('usual', models.JSONField(default=dict)),
                    ('factors', models.JSONField(default=dict)),
                    ('people', models.FloatField(default=0.0)),
                    ('sampled_at', models.DateTimeField(null=True)),
                    ('measured_at', models.DateTimeField(null=True)),
                    ('queue', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='pace', to='cases.queue')),
                ],
            ), migrations.CreateModel(
                name='PresenceReason',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=40, unique=True, verbose_name='name')),
                    ('state', models.CharField(choices=[('away', 'Away'), ('busy', 'Busy')], default='away', help_text='Away: nothing comes to them. Busy: what is theirs comes back to them, nothing new is given to them.', max_length=10, verbose_name='means')),
                    ('position', models.PositiveSmallIntegerField(default=0, help_text='Smaller numbers stand first.', verbose_name='position')),
                    ('is_active', models.BooleanField(default=True, verbose_name='offered')),
                ],
                options={
                    'ordering': ['position', 'name'],
                },
            ), migrations.CreateModel(
                name='PresenceReasonEvent',
                fields=[
                    ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                    ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                    ('pgh_label', models.TextField(help_text='The event label.')),
                    ('id', models.BigIntegerField()),
                    ('name', models.CharField(max_length=40, verbose_name='name')),
                    ('state', models.CharField(choices=[('away', 'Away'), ('busy', 'Busy')], default='away', help_text='Away: nothing comes to them. Busy: what is theirs comes back to them, nothing new is given to them.', max_length=10, verbose_name='means')),
                    ('position', models.PositiveSmallIntegerField(default=0, help_text='Smaller numbers stand first.', verbose_name='position')),
                    ('is_active', models.BooleanField(default=True, verbose_name='offered')),
                    ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                    ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='cases.presencereason')),
                ],
                options={
                    'abstract': False,
                },
            ), migrations.CreateModel(
                name='Presence',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('state', models.CharField(choices=[('online', 'Online'), ('busy', 'Busy'), ('away', 'Away'), ('offline', 'Offline')], default='offline', max_length=10)),
                    ('since', models.DateTimeField(default=django.utils.timezone.now)),
                    ('seen_at', models.DateTimeField(null=True)),
                    ('lost_at', models.DateTimeField(null=True)),
                    ('in_hours', models.BooleanField(null=True)),
                    ('version', models.BigIntegerField(default=0)),
                    ('calendar', models.ForeignKey(blank=True, help_text='At the beginning they come online by themselves, at the end they go offline. Empty: by hand only.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.businesscalendar', verbose_name='working hours')),
                    ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='presence', to=settings.AUTH_USER_MODEL)),
                    ('reason', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.presencereason')),
                    ('routed_at', models.DateTimeField(null=True)),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('reason', None), ('state__in', ['away', 'busy']), _connector='OR'), name='presence_reason_for_a_pause')],
                },
            ), migrations.CreateModel(
                name='ClockAction',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('moment', models.CharField(choices=[('warn', 'at the warning'), ('breach', 'when time has run out')], max_length=10, verbose_name='when')),
                    ('action', models.CharField(choices=[('notify', 'tell people'), ('move', 'move to another queue'), ('raise', 'raise the priority'), ('assign', 'give to a person'), ('release', 'put back for anyone')], max_length=10, verbose_name='action')),
                    ('state', models.CharField(choices=[('waiting', 'waiting'), ('done', 'done'), ('moot', 'no longer needed'), ('failed', 'given up')], default='waiting', max_length=10, verbose_name='state')),
                    ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                    ('due_at', models.DateTimeField(verbose_name='next attempt')),
                    ('error', models.CharField(blank=True, max_length=300, verbose_name='what went wrong')),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('settled_at', models.DateTimeField(null=True, verbose_name='settled')),
                    ('clock', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='actions', to='cases.clock')),
                    ('policy_version', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.slapolicyversion')),
                ],
                options={
                    'verbose_name': 'service action',
                    'verbose_name_plural': 'service actions in trouble',
                    'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['due_at'], name='clock_action_due'), models.Index(condition=models.Q(('attempts__gt', 0), ('state__in', ['waiting', 'failed'])), fields=['-created_at'], name='clock_action_trouble')],
                    'constraints': [models.UniqueConstraint(fields=('clock', 'moment', 'action'), name='clock_action_once')],
                },
            ), migrations.CreateModel(
                name='Capacity',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('channel', models.CharField(blank=True, default='', help_text='Empty: all channels together.', max_length=40, verbose_name='channel')),
                    ('most', models.PositiveSmallIntegerField(help_text='0: nothing is given to them; what they take themselves is theirs all the same.', validators=[django.core.validators.MaxValueValidator(1000)], verbose_name='cases at once')),
                    ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='capacities', to=settings.AUTH_USER_MODEL, verbose_name='person')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('user', 'channel'), name='capacity_once', nulls_distinct=False)],
                },
            ), migrations.CreateModel(
                name='CapacityEvent',
                fields=[
                    ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                    ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                    ('pgh_label', models.TextField(help_text='The event label.')),
                    ('id', models.BigIntegerField()),
                    ('channel', models.CharField(blank=True, default='', help_text='Empty: all channels together.', max_length=40, verbose_name='channel')),
                    ('most', models.PositiveSmallIntegerField(help_text='0: nothing is given to them; what they take themselves is theirs all the same.', validators=[django.core.validators.MaxValueValidator(1000)], verbose_name='cases at once')),
                    ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                    ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='cases.capacity')),
                    ('user', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='person')),
                ],
                options={
                    'abstract': False,
                },
            ), migrations.CreateModel(
                name='CaseSkill',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='asked_skills', to='cases.case')),
                    ('skill', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cases.skill')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('case', 'skill'), name='case_skill_once')],
                },
            ), migrations.CreateModel(
                name='PersonSkill',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='skills', to=settings.AUTH_USER_MODEL)),
                    ('skill', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='people', to='cases.skill', verbose_name='skill')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('user', 'skill'), name='person_skill_once')],
                },
            ), migrations.CreateModel(
                name='Return',
                fields=[
                    ('case', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='cases.case')),
                    ('since', models.DateTimeField()),
                ],
            ), migrations.CreateModel(
                name='Skill',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=60, unique=True, verbose_name='name')),
                    ('languages', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=12), blank=True, default=list, help_text='Cases in these languages need it: “es, pt”, with or without a country.', size=None, verbose_name='languages')),
                    ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, default=list, help_text='Cases with any of these tags need it. Separated by commas.', size=None, verbose_name='tags')),
                    ('is_active', models.BooleanField(default=True, verbose_name='asked for')),
                    ('queues', models.ManyToManyField(blank=True, help_text='Every case of these queues needs it.', related_name='skills', to='cases.queue', verbose_name='queues')),
                ],
                options={
                    'ordering': ['name'],
                },
            ), migrations.CreateModel(
                name='SkillEvent',
                fields=[
                    ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                    ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                    ('pgh_label', models.TextField(help_text='The event label.')),
                    ('id', models.BigIntegerField()),
                    ('name', models.CharField(max_length=60, verbose_name='name')),
                    ('languages', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=12), blank=True, default=list, help_text='Cases in these languages need it: “es, pt”, with or without a country.', size=None, verbose_name='languages')),
                    ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, default=list, help_text='Cases with any of these tags need it. Separated by commas.', size=None, verbose_name='tags')),
                    ('is_active', models.BooleanField(default=True, verbose_name='asked for')),
                    ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                    ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='cases.skill')),
                ],
                options={
                    'abstract': False,
                },
            ), migrations.CreateModel(
                name='Recalculation',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('asked_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='asked')),
                    ('state', models.CharField(choices=[('going', 'going on'), ('stopped', 'stopped'), ('done', 'done')], default='going', max_length=10, verbose_name='state')),
                    ('total', models.PositiveIntegerField(default=0, verbose_name='cases')),
                    ('looked', models.PositiveIntegerField(default=0, verbose_name='looked at')),
                    ('changed', models.PositiveIntegerField(default=0, verbose_name='changed')),
                    ('after', models.BigIntegerField(default=0)),
                    ('left', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, size=None)),
                    ('finished_at', models.DateTimeField(null=True, verbose_name='finished')),
                    ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('calendar', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cases.businesscalendar')),
                    ('policy', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cases.slapolicy')),
                ],
                options={
                    'verbose_name': 'change of running clocks',
                    'verbose_name_plural': 'changes of running clocks',
                    'indexes': [models.Index(condition=models.Q(('state', 'going')), fields=['id'], name='recalculation_going')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('calendar__isnull', False), ('policy__isnull', False), _connector='XOR'), name='recalculation_of_one')],
                },
            ), pgtrigger.migrations.AddTrigger(
                model_name='article',
                trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."audience" IS DISTINCT FROM (NEW."audience") OR OLD."current_id" IS DISTINCT FROM (NEW."current_id") OR OLD."external_id" IS DISTINCT FROM (NEW."external_id") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."owner_id" IS DISTINCT FROM (NEW."owner_id") OR OLD."review_on" IS DISTINCT FROM (NEW."review_on") OR OLD."source" IS DISTINCT FROM (NEW."source"))', func='INSERT INTO "cases_articleevent" ("audience", "current_id", "external_id", "id", "is_active", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "review_on", "source") VALUES (NEW."audience", NEW."current_id", NEW."external_id", NEW."id", NEW."is_active", NEW."owner_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."review_on", NEW."source"); RETURN NULL;', hash='fe57531e320ad35c87e7f102b0af477a8e20d1ad', operation='UPDATE', pgid='pgtrigger_update_update_63579', table='cases_article', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='article',
                trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "cases_articleevent" ("audience", "current_id", "external_id", "id", "is_active", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "review_on", "source") VALUES (OLD."audience", OLD."current_id", OLD."external_id", OLD."id", OLD."is_active", OLD."owner_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."review_on", OLD."source"); RETURN NULL;', hash='a3f5a5b8588be22dd4a8465db12cd8b33eaa61ed', operation='DELETE', pgid='pgtrigger_delete_delete_6806a', table='cases_article', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='articleevent',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='56d60929cd297ed313f60cdc291b724cd670276e', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_0391d', table='cases_articleevent', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='case',
                trigger=pgtrigger.compiler.Trigger(name='met_by_its_own_event', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NEW."need_met_event_id" IS NOT NULL)', func="\nIF NOT EXISTS (\n    SELECT FROM crm_event met\n     WHERE met.id = NEW.need_met_event_id AND met.stream = 'case' AND met.stream_id = NEW.id AND met.kind = 'need_met'\n       AND NOT EXISTS (SELECT FROM crm_event later\n                        WHERE later.stream = 'case' AND later.stream_id = NEW.id AND later.version > met.version\n                          AND later.kind IN ('need_met', 'need_unmet', 'reopened', 'marked_spam', 'merged'))\n) THEN\n    RAISE EXCEPTION 'need_met_event % is no standing evidence of case %', NEW.need_met_event_id, NEW.id\n        USING ERRCODE = 'check_violation';\nEND IF;\nRETURN NEW;\n", hash='8e87b3247b250cf552373393c78b04b9dda14adf', operation='INSERT OR UPDATE OF "need_met_event_id"', pgid='pgtrigger_met_by_its_own_event_acf46', table='cases_case', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='channel',
                trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."callback_url" IS DISTINCT FROM (NEW."callback_url") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."queue_id" IS DISTINCT FROM (NEW."queue_id") OR OLD."slug" IS DISTINCT FROM (NEW."slug"))', func='INSERT INTO "cases_channelevent" ("callback_url", "created_at", "id", "is_active", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "queue_id", "slug") VALUES (NEW."callback_url", NEW."created_at", NEW."id", NEW."is_active", NEW."kind", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."queue_id", NEW."slug"); RETURN NULL;', hash='ccf670b61ecf18adb6b54e68c60ef1465ebb5946', operation='UPDATE', pgid='pgtrigger_update_update_8e9ab', table='cases_channel', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='channel',
                trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "cases_channelevent" ("callback_url", "created_at", "id", "is_active", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "queue_id", "slug") VALUES (OLD."callback_url", OLD."created_at", OLD."id", OLD."is_active", OLD."kind", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."queue_id", OLD."slug"); RETURN NULL;', hash='9b3fbae21c30ad82bdc3c7731b3704da5f915e51', operation='DELETE', pgid='pgtrigger_delete_delete_89a04', table='cases_channel', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='queue',
                trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."acknowledges" IS DISTINCT FROM (NEW."acknowledges") OR OLD."assignment" IS DISTINCT FROM (NEW."assignment") OR OLD."calendar_id" IS DISTINCT FROM (NEW."calendar_id") OR OLD."capacity" IS DISTINCT FROM (NEW."capacity") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."external_id" IS DISTINCT FROM (NEW."external_id") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."is_public" IS DISTINCT FROM (NEW."is_public") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."reach" IS DISTINCT FROM (NEW."reach") OR OLD."return_minutes" IS DISTINCT FROM (NEW."return_minutes") OR OLD."silence_days" IS DISTINCT FROM (NEW."silence_days") OR OLD."skill_minutes" IS DISTINCT FROM (NEW."skill_minutes") OR OLD."source" IS DISTINCT FROM (NEW."source"))', func='INSERT INTO "cases_queueevent" ("acknowledges", "assignment", "calendar_id", "capacity", "description", "external_id", "id", "is_active", "is_public", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reach", "return_minutes", "silence_days", "skill_minutes", "source") VALUES (NEW."acknowledges", NEW."assignment", NEW."calendar_id", NEW."capacity", NEW."description", NEW."external_id", NEW."id", NEW."is_active", NEW."is_public", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."reach", NEW."return_minutes", NEW."silence_days", NEW."skill_minutes", NEW."source"); RETURN NULL;', hash='e513678b44d12b48add28dd495a6a6ada90971ce', operation='UPDATE', pgid='pgtrigger_update_update_587f6', table='cases_queue', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='queue',
                trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "cases_queueevent" ("acknowledges", "assignment", "calendar_id", "capacity", "description", "external_id", "id", "is_active", "is_public", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reach", "return_minutes", "silence_days", "skill_minutes", "source") VALUES (OLD."acknowledges", OLD."assignment", OLD."calendar_id", OLD."capacity", OLD."description", OLD."external_id", OLD."id", OLD."is_active", OLD."is_public", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."reach", OLD."return_minutes", OLD."silence_days", OLD."skill_minutes", OLD."source"); RETURN NULL;', hash='be2b698998b787cce28e764d931b893406289c5b', operation='DELETE', pgid='pgtrigger_delete_delete_ab9bc', table='cases_queue', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='queueevent',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='067579e4ff179e678130728340a1f7f8b3793999', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_6e9e4', table='cases_queueevent', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='queuemembership',
                trigger=pgtrigger.compiler.Trigger(name='membership_rights', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            UPDATE crm_user SET rights_version = rights_version + 1\n            WHERE id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.user_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.user_id END);\n            RETURN NULL;\n        ", hash='2734bf709ad31df309415401e730f6ccca388041', operation='INSERT OR DELETE OR UPDATE', pgid='pgtrigger_membership_rights_7ecdb', table='cases_queuemembership', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='queuesession',
                trigger=pgtrigger.compiler.Trigger(name='session_rights', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            UPDATE crm_user SET rights_version = rights_version + 1\n            WHERE id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.user_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.user_id END);\n            RETURN NULL;\n        ", hash='2867977e556011fa3d3f02a1a0d260adb783a5e2', operation='INSERT OR DELETE OR UPDATE OF "ended_at", "mode"', pgid='pgtrigger_session_rights_bf578', table='cases_queuesession', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='channelevent',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='616832b560f9c6726f5b5e61c08798b64bca38ea', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_7ac39', table='cases_channelevent', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='mailbox',
                trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."address" IS DISTINCT FROM (NEW."address") OR OLD."after" IS DISTINCT FROM (NEW."after") OR OLD."after_folder" IS DISTINCT FROM (NEW."after_folder") OR OLD."client_id" IS DISTINCT FROM (NEW."client_id") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."folder" IS DISTINCT FROM (NEW."folder") OR OLD."host" IS DISTINCT FROM (NEW."host") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."port" IS DISTINCT FROM (NEW."port") OR OLD."queue_id" IS DISTINCT FROM (NEW."queue_id") OR OLD."reads_from" IS DISTINCT FROM (NEW."reads_from") OR OLD."scope" IS DISTINCT FROM (NEW."scope") OR OLD."sign_in" IS DISTINCT FROM (NEW."sign_in") OR OLD."tls" IS DISTINCT FROM (NEW."tls") OR OLD."token_url" IS DISTINCT FROM (NEW."token_url") OR OLD."user" IS DISTINCT FROM (NEW."user"))', func='INSERT INTO "cases_mailboxevent" ("address", "after", "after_folder", "client_id", "created_at", "folder", "host", "id", "is_active", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "port", "queue_id", "reads_from", "scope", "sign_in", "tls", "token_url", "user") VALUES (NEW."address", NEW."after", NEW."after_folder", NEW."client_id", NEW."created_at", NEW."folder", NEW."host", NEW."id", NEW."is_active", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."port", NEW."queue_id", NEW."reads_from", NEW."scope", NEW."sign_in", NEW."tls", NEW."token_url", NEW."user"); RETURN NULL;', hash='cb6dba900b465424615d4757bf6b471689e537a2', operation='UPDATE', pgid='pgtrigger_update_update_e4520', table='cases_mailbox', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='mailbox',
                trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "cases_mailboxevent" ("address", "after", "after_folder", "client_id", "created_at", "folder", "host", "id", "is_active", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "port", "queue_id", "reads_from", "scope", "sign_in", "tls", "token_url", "user") VALUES (OLD."address", OLD."after", OLD."after_folder", OLD."client_id", OLD."created_at", OLD."folder", OLD."host", OLD."id", OLD."is_active", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."port", OLD."queue_id", OLD."reads_from", OLD."scope", OLD."sign_in", OLD."tls", OLD."token_url", OLD."user"); RETURN NULL;', hash='9286bde2dd6f57c0a8dd9a50c7b117f4cb7ad4fc', operation='DELETE', pgid='pgtrigger_delete_delete_08c51', table='cases_mailbox', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='mailboxevent',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='162a9e21dfb07c3a290cb546dc3913338a77075b', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_f22b5', table='cases_mailboxevent', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='presencereason',
                trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "cases_presencereasonevent" ("id", "is_active", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "state") VALUES (NEW."id", NEW."is_active", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."position", NEW."state"); RETURN NULL;', hash='e3b7f3e238fa4f40b581ffa54316000172bf3159', operation='UPDATE', pgid='pgtrigger_update_update_862eb', table='cases_presencereason', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='presencereason',
                trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "cases_presencereasonevent" ("id", "is_active", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "state") VALUES (OLD."id", OLD."is_active", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."position", OLD."state"); RETURN NULL;', hash='93ff510f95f9c5a2d4ecf4cd39e658716d199da9', operation='DELETE', pgid='pgtrigger_delete_delete_9c4cc', table='cases_presencereason', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='presencereasonevent',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='6ea080b212cd95dadf3e64769bc260acbb9fae33', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_580c7', table='cases_presencereasonevent', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='capacity',
                trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "cases_capacityevent" ("channel", "id", "most", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "user_id") VALUES (NEW."channel", NEW."id", NEW."most", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."user_id"); RETURN NULL;', hash='8bdab1ce7c7222c549ddd6422325d1d23a84a2cf', operation='UPDATE', pgid='pgtrigger_update_update_66a8c', table='cases_capacity', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='capacity',
                trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "cases_capacityevent" ("channel", "id", "most", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "user_id") VALUES (OLD."channel", OLD."id", OLD."most", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."user_id"); RETURN NULL;', hash='8219a00489f6b2ad4c387c8b36c11f72ffeede9c', operation='DELETE', pgid='pgtrigger_delete_delete_afb1b', table='cases_capacity', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='capacityevent',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='5c643119e4bf568c510d1a5b32ec23612503d238', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_43928', table='cases_capacityevent', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='skill',
                trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "cases_skillevent" ("id", "is_active", "languages", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "tags") VALUES (NEW."id", NEW."is_active", NEW."languages", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."tags"); RETURN NULL;', hash='a4a514af8c9b7b3b78ea106b53a9b80fdb682cf0', operation='UPDATE', pgid='pgtrigger_update_update_3052b', table='cases_skill', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='skill',
                trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "cases_skillevent" ("id", "is_active", "languages", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "tags") VALUES (OLD."id", OLD."is_active", OLD."languages", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."tags"); RETURN NULL;', hash='27d1f3c07b3a38aedc3af6fe15221e92e2547272', operation='DELETE', pgid='pgtrigger_delete_delete_c0513', table='cases_skill', when='AFTER')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='skillevent',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='c4f0c71a570033cf38ec379c13f03bb5d88311bf', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_ac9e3', table='cases_skillevent', when='BEFORE')),
            )],
        ),
    ]
