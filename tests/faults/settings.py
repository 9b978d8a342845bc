"""The test settings with an app of badly behaved tasks: for the processes of the fault tests."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.poison"]
