"""Every setting, in one file, driven by the environment. `docs/settings.md` says what each variable does."""

import os
import socket
from pathlib import Path

from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from crm.environment import database, flag, secret_key, var_folder
from crm.settings_admin import UNFOLD as UNFOLD
from crm.settings_admin import UNFOLD_SYSTEM as UNFOLD_SYSTEM

# Our processes share a machine's cores. What multiplies matrices (numpy, before it is loaded) would start a thread for each
# core and spin where another process has it: twenty times as slow as one thread, where a suggestion needs none of it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = var_folder(BASE_DIR)
DEBUG = flag("DEBUG", default=True)
DEMO = flag("DEMO", default=DEBUG)
# Which process this is: "web" may use a connection pool; whatever forks must not.
PROCESS = os.environ.get("FOREFRONT_PROCESS", "command")
# The name under which this machine's (or this serve's) processes report that they are alive.
INSTANCE = os.environ.get("FOREFRONT_NAME") or socket.gethostname()
BUILD = os.environ.get("BUILD", "dev")

SECRET_KEY, SECRET_KEY_FALLBACKS = secret_key(debug=DEBUG, folder=VAR)
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if DEBUG else "").split(",")
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("TRUSTED_ORIGINS", "").split(",") if o]
PUBLIC_URL = os.environ.get("PUBLIC_URL", "http://127.0.0.1:8000")
COMPANY = os.environ.get("COMPANY", "Brightwave" if DEMO else "Forefront")

INSTALLED_APPS = [
    "crm.apps.CrmConfig",
    "customers.apps.CustomersConfig",
    "cases.apps.CasesConfig",
    "outreach.apps.OutreachConfig",
    "unfold",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "channels",
    "csp",
    "axes",
    "django_htmx",
    "django_q",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "lucide",
    "pghistory",
    "pgtrigger",
    "rest_framework",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "crm.http.AdminPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "crm.http.PersonMiddleware",
    "axes.middleware.AxesMiddleware",
    "crm.http.OwnNotFoundMiddleware",
]

ROOT_URLCONF = "crm.urls"
ASGI_APPLICATION = "crm.asgi.application"
AUTH_USER_MODEL = "crm.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "crm.http.house",
            ],
            "builtins": ["crm.templatetags.icons"],
        },
    }
]

DATABASES = {"default": database(VAR, process=PROCESS)}

# --- sign-in
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "cases.signing_in.Staff"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = reverse_lazy("sign_in")
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = reverse_lazy("sign_in")
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours; the failures of an attacker must not lock the owner out for ever
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_IPWARE_PROXY_COUNT = int(os.environ.get("PROXY_COUNT", "0"))
AXES_IPWARE_META_PRECEDENCE_ORDER = ["HTTP_X_FORWARDED_FOR"] if AXES_IPWARE_PROXY_COUNT else ["REMOTE_ADDR"]
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "crm.views.locked_out"
CSRF_FAILURE_VIEW = "crm.views.forged"
METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")  # empty: /metrics answers this machine only

SESSION_ENGINE = "crm.sessions"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
if not DEBUG:
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    SECURE_SSL_REDIRECT = flag("SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^health/"]
    SECURE_HSTS_SECONDS = 31536000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    if flag("BEHIND_PROXY", default=False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# Two content policies: this one everywhere; the admins' (unfold runs Alpine) is ADMIN_POLICY.
_POLICY = {
    "default-src": [NONE],
    "script-src": [NONCE, "'strict-dynamic'"],
    "style-src": [SELF],
    "img-src": [SELF],
    "font-src": [SELF],
    "connect-src": [SELF],
    "frame-src": [SELF],
    "manifest-src": [SELF],
    "worker-src": [SELF],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
    "base-uri": [NONE],
}
CONTENT_SECURITY_POLICY = {"DIRECTIVES": _POLICY}
ADMIN_POLICY = {
    **_POLICY,
    "script-src": [SELF, NONCE, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
}

# --- language and time
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German")), ("es", _("Spanish"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = "crm.formats"
USE_TZ = True
TIME_ZONE = "UTC"
PHONE_REGION = os.environ.get("PHONE_REGION", "GB")

# --- static files and files
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR / "static"
STORAGES = {
    "default": {"BACKEND": os.environ.get("FILE_STORAGE", "crm.files.DatabaseStorage")},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG

# --- background work: django-q2 wakes, our tables work (docs/jobs.md)
TASK_SECONDS = int(os.environ.get("TASK_SECONDS", "60"))  # a task that takes longer is stopped and tried again
TASK_ATTEMPTS = int(os.environ.get("TASK_ATTEMPTS", "5"))  # then it is parked for a person
TASK_MEMORY_MB = int(os.environ.get("TASK_MEMORY_MB", "4096"))
CANARY_SECONDS = float(os.environ.get("CANARY_SECONDS", "5"))
WATCHDOG_SECONDS = float(os.environ.get("WATCHDOG_SECONDS", "60"))  # from death or hanging to healed, at most
SILENCE_SECONDS = max(3.0, WATCHDOG_SECONDS / 3)  # without a sign of life, before a process is started anew
Q_CLUSTER = {
    "name": "forefront",
    "orm": "default",
    "broker_class": "crm.broker.Broker",
    "scheduler": False,  # schedules come from code only (crm.jobs.every): a row in the table runs nothing
    "workers": 2,
    "recycle": 500,
    "max_rss": 500_000,  # kB: a worker that has grown is replaced after its task
    "timeout": TASK_SECONDS,
    "retry": 4 * TASK_SECONDS,  # counts from dequeue: more than two rounds of the longest task
    "queue_limit": 2,
    "bulk": 1,
    "max_attempts": 5,
    "ack_failures": False,
    "catch_up": False,
    "save_limit": 100,
    "poll": 0.2,
    "label": "Work",
}

# --- mail out. In demo mode an embedded sink receives it and /sent/ shows it.
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = os.environ.get("SMTP_HOST", "127.0.0.1")
EMAIL_PORT = int(os.environ.get("SMTP_PORT", "0") or 0)  # 0: serve tells, from the sink it started
EMAIL_HOST_USER = os.environ.get("SMTP_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("SMTP_PASSWORD", "")
EMAIL_USE_TLS = flag("SMTP_TLS", default=False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = os.environ.get("MAIL_FROM", "help@brightwave.example")
MAIL_REPLY_SEPARATOR = os.environ.get("MAIL_REPLY_SEPARATOR", "+")  # between an address and its addition; empty: none
MASS_LINES = int(os.environ.get("MASS_LINES", "2"))  # lines to the mail server for what goes to many at once
# A mailbox that fails or lags for so long is an alarm (health, /metrics, doctor); the console says so at once.
MAILBOX_ALARM_MINUTES = float(os.environ.get("MAILBOX_ALARM_MINUTES", "5"))
SEND_UNDO_SECONDS = float(os.environ.get("SEND_UNDO_SECONDS", "10"))
# Hosts of private networks that answers may be sent to; everything else must be a public address.
CALLBACK_HOSTS = [h.strip().lower() for h in os.environ.get("CALLBACK_HOSTS", "").split(",") if h.strip()]
# Push services inside the house, which need be neither public nor https; and whom a push service writes to if we misbehave.
PUSH_HOSTS = [h.strip().lower() for h in os.environ.get("PUSH_HOSTS", "").split(",") if h.strip()]
PUSH_CONTACT = os.environ.get(
    "PUSH_CONTACT", PUBLIC_URL if PUBLIC_URL.startswith("https://") else "mailto:push@localhost"
)

# --- API
API_RATE = int(os.environ.get("API_RATE", "20000"))  # calls a minute for each token; 0: no limit
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["crm.tokens.TokenAuthentication", "crm.tokens.ConsoleSession"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "crm.openapi.Schema",
    "DEFAULT_PAGINATION_CLASS": "crm.rest.Cursor",
    "EXCEPTION_HANDLER": "crm.rest.problem",
    "PAGE_SIZE": 50,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
_ENUMS = {
    "ContactPointKind": "customers.models.ContactPoint.Kind", "ClockKind": "cases.models.Clock.Kind",
    "CasePriority": "cases.models.Case.Priority", "CaseStatus": "cases.models.Case.Status",
    "QueueAssignment": "cases.models.Queue.Assignment", "PresenceState": "cases.models.presence.State",
    "OfferAnswer": "outreach.models.OfferResponse.Kind", "OfferPurpose": "outreach.models.Offer.Purpose",
    "NotificationReason": "cases.models.reasons.Reason", "NotificationWay": "cases.models.reasons.Way",
    "CaseFieldKind": "cases.models.CaseField.Kind", "AskedOfCustomers": "cases.models.CaseField.OfCustomers", "ThenStatusEnum": "cases.models.field.ASKED_AT",
    "RemedyKind": "cases.models.Remedy.Kind", "PolicyInputKind": "cases.policy.table.KINDS", "RemedyState": "cases.models.Remedy.State", "RemedyWhy": "cases.models.Remedy.Why",
    "QueueAsks": "cases.models.Queue.Asks", "PresenceReasonState": "cases.models.PresenceReason.WITH_REASON",
}  # fmt: skip
SPECTACULAR_SETTINGS = {
    "TITLE": "Forefront",
    "DESCRIPTION": "A contact-center CRM in which customer service is the marketing.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "cases.api.doors.describe"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": _ENUMS,
}

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
PGHISTORY_APPEND_ONLY = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"},
        "json": {
            "()": "crm.logs.JsonLine",
            "fmt": "{asctime}{levelname}{name}{message}",
            "style": "{",
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line" if DEBUG else "json"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"level": "INFO"},  # named without handlers: by itself it would mail errors to admins
        "django.server": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "uvicorn.access": {"level": "WARNING"},
        "django-q": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},  # it logs whole addresses, tokens in them included
        "mail.log": {"level": "WARNING"},  # aiosmtpd: each line of the talk, customers' addresses included
        "axes": {"level": "WARNING"},
    },
}
