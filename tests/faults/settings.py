"""The test settings with an app of badly behaved tasks, and a worker group that says which process is what."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, LOGGING

INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.poison"]
LOGGING["loggers"]["django-q"]["level"] = "INFO"
