"""The test settings with an app that kills the process at a step of fetching (DIE_AT, DIE_AFTER), or knows no IDLE."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.failpoints"]
