"""The test settings with real mail: for the processes of tests that give them a mail server."""

from tests.settings import *  # noqa: F403

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
