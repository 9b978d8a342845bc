"""Who works here, the log, files, limits, imports, what was learned.

For new databases, in place of the migrations named below (docs/database.md)."""

import crm.database.together
import django.contrib.auth.models
import django.contrib.auth.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('crm', '0001_initial'), ('crm', '0002_installation'), ('crm', '0003_limits'), ('crm', '0004_wakes'), ('crm', '0005_import_runs'), ('crm', '0006_learned'), ('crm', '0007_model_cards')]

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        crm.database.together.Together(
            operations=[migrations.CreateModel(
                name='Heartbeat',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=80, unique=True)),
                    ('at', models.DateTimeField()),
                    ('detail', models.JSONField(default=dict)),
                ],
            ), migrations.CreateModel(
                name='StoredFile',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('sha256', models.CharField(max_length=64, unique=True)),
                    ('size', models.BigIntegerField()),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                ],
            ), migrations.CreateModel(
                name='User',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('password', models.CharField(max_length=128, verbose_name='password')),
                    ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                    ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                    ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                    ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                    ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                    ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                    ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                    ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                    ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                    ('role', models.CharField(choices=[('staff', 'Staff'), ('supervisor', 'Supervisor'), ('executive', 'Executive'), ('administrator', 'Administrator')], default='staff', max_length=20)),
                    ('tz', models.CharField(default='UTC', max_length=64, verbose_name='time zone')),
                    ('language', models.CharField(default='en', max_length=12)),
                    ('rights_version', models.BigIntegerField(default=1, editable=False)),
                    ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                    ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
                ],
                options={
                    'verbose_name': 'user',
                    'verbose_name_plural': 'users',
                    'abstract': False,
                },
                managers=[
                    ('objects', django.contrib.auth.models.UserManager()),
                ],
            ), migrations.CreateModel(
                name='ApiToken',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('digest', models.CharField(max_length=64, unique=True)),
                    ('prefix', models.CharField(max_length=12)),
                    ('scopes', models.JSONField(default=list)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('used_at', models.DateTimeField(null=True)),
                    ('revoked_at', models.DateTimeField(null=True)),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tokens', to=settings.AUTH_USER_MODEL)),
                ],
            ), migrations.CreateModel(
                name='CommandKey',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('key', models.CharField(max_length=120)),
                    ('fingerprint', models.CharField(max_length=64)),
                    ('status', models.PositiveSmallIntegerField(null=True)),
                    ('response', models.JSONField(null=True)),
                    ('lease_until', models.DateTimeField()),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'indexes': [models.Index(fields=['created_at'], name='command_key_age')],
                    'constraints': [models.UniqueConstraint(fields=('user', 'key'), name='command_key_once')],
                },
            ), migrations.CreateModel(
                name='Event',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('stream', models.CharField(max_length=20)),
                    ('stream_id', models.BigIntegerField()),
                    ('version', models.BigIntegerField()),
                    ('kind', models.CharField(max_length=40)),
                    ('via', models.CharField(default='person', max_length=40)),
                    ('reason', models.CharField(default='', max_length=60)),
                    ('at', models.DateTimeField()),
                    ('data', models.JSONField(default=dict)),
                    ('pos', models.BigIntegerField(null=True)),
                    ('actor', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('pos', None)), fields=['id'], name='event_unnumbered'), models.Index(fields=['stream', 'kind', 'at'], name='event_kind_at')],
                    'constraints': [models.UniqueConstraint(fields=('stream', 'stream_id', 'version'), name='event_version_gapless'), models.UniqueConstraint(fields=('pos',), name='event_pos_once')],
                },
            ), migrations.CreateModel(
                name='Installation',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('epoch', models.UUIDField(default=uuid.uuid4)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('system_identifier', models.CharField(default='', max_length=40)),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='one_installation')],
                },
            ), migrations.CreateModel(
                name='Presence',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('socket', models.CharField(max_length=64)),
                    ('topic', models.CharField(max_length=60)),
                    ('state', models.CharField(max_length=10)),
                    ('expires_at', models.DateTimeField(db_index=True)),
                    ('user', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'indexes': [models.Index(fields=['topic', 'expires_at'], name='presence_topic')],
                    'constraints': [models.UniqueConstraint(fields=('socket', 'topic'), name='presence_socket_topic')],
                },
            ), migrations.CreateModel(
                name='FileChunk',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('position', models.PositiveIntegerField()),
                    ('data', models.BinaryField()),
                    ('file', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='crm.storedfile')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('file', 'position'), name='file_chunk_position')],
                },
            ), migrations.CreateModel(
                name='LimitCount',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('key', models.CharField(max_length=64)),
                    ('window', models.DateTimeField(db_index=True)),
                    ('count', models.PositiveIntegerField(default=0)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('key', 'window'), name='limit_count_once')],
                },
            ), migrations.CreateModel(
                name='SentMail',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('sender', models.CharField(max_length=320)),
                    ('recipients', models.JSONField(default=list)),
                    ('subject', models.CharField(default='', max_length=998)),
                    ('text', models.TextField(default='')),
                    ('message_id', models.CharField(db_index=True, default='', max_length=255)),
                    ('raw', models.BinaryField()),
                    ('received_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ],
            ), migrations.CreateModel(
                name='Wake',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('path', models.CharField(max_length=120)),
                    ('subject', models.BigIntegerField(default=0)),
                    ('state', models.CharField(default='waiting', max_length=10)),
                    ('attempts', models.PositiveSmallIntegerField(default=0)),
                    ('asked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('queued_at', models.DateTimeField(null=True)),
                    ('lease_until', models.DateTimeField(null=True)),
                    ('error', models.CharField(default='', max_length=60)),
                ],
                options={
                    'indexes': [models.Index(fields=['path', 'subject', 'state'], name='wake_flow')],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'running')), fields=('path', 'subject'), name='wake_runs_once')],
                },
            ), migrations.CreateModel(
                name='ImportRun',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('digest', models.CharField(max_length=64, unique=True)),
                    ('source', models.CharField(max_length=40)),
                    ('line', models.BigIntegerField(default=0)),
                    ('offset', models.BigIntegerField(default=0)),
                    ('counts', models.JSONField(default=dict)),
                    ('started_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('finished_at', models.DateTimeField(null=True)),
                ],
            ), migrations.CreateModel(
                name='Learned',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(max_length=40)),
                    ('made_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='made')),
                    ('took', models.FloatField(default=0)),
                    ('in_use', models.BooleanField(default=False)),
                    ('why', models.CharField(blank=True, default='', max_length=300)),
                    ('seen', models.JSONField(default=dict)),
                    ('figures', models.JSONField(default=dict)),
                    ('content', models.BinaryField(null=True)),
                ],
                options={
                    'indexes': [models.Index(fields=['kind', '-id'], name='learned_newest')],
                    'verbose_name': 'model card',
                    'verbose_name_plural': 'model cards',
                },
            ), pgtrigger.migrations.AddTrigger(
                model_name='user',
                trigger=pgtrigger.compiler.Trigger(name='rights', sql=pgtrigger.compiler.UpsertTriggerSql(func='NEW.rights_version = OLD.rights_version + 1; RETURN NEW;', hash='3171b66733dc79c5159fa2d234209527840934e9', operation='UPDATE OF "role", "is_active", "is_superuser", "password"', pgid='pgtrigger_rights_3b9ab', table='crm_user', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='event',
                trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF TG_OP = 'UPDATE' AND OLD.pos IS NULL AND NEW.pos IS NOT NULL\n   AND to_jsonb(NEW) - 'pos' = to_jsonb(OLD) - 'pos' THEN\n    RETURN NEW;\nEND IF;\nRAISE EXCEPTION 'crm_event is append-only' USING ERRCODE = 'restrict_violation';\n", hash='97d20de76694ecbbc91cd379ec5f324ee0b8ba52', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_0eb47', table='crm_event', when='BEFORE')),
            ), pgtrigger.migrations.AddTrigger(
                model_name='event',
                trigger=pgtrigger.compiler.Trigger(name='no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'crm_event is append-only' USING ERRCODE = 'restrict_violation';", hash='a7c96687fabd92ddcc27c1c5b277a1c6d1dde881', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_no_truncate_e7230', table='crm_event', when='BEFORE')),
            )],
        ),
        migrations.RunSQL(
            sql="INSERT INTO crm_installation (id, epoch, created_at, system_identifier) VALUES (1, gen_random_uuid(), now(), '')",
            reverse_sql='DELETE FROM crm_installation',
        ),
        migrations.RunSQL(
            sql='ALTER TABLE crm_presence SET UNLOGGED',
            reverse_sql='ALTER TABLE crm_presence SET LOGGED',
        ),
    ]
