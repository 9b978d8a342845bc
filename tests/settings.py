"""The product's settings, with the example plugin installed, cheap password hashes and, unless DATABASE_URL names a
server, a throw-away one (`tests/database.py` starts and removes it)."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path


def _remove(folder: Path) -> None:
    """By now the last one out has removed it, unless no server was ever started in it."""
    if not any((folder / name).exists() for name in ("pg", "pg.location")):
        shutil.rmtree(folder, ignore_errors=True)


FIRST_OF_RUN = "PYTEST_VERSION" in os.environ and "FOREFRONT_TEST_VAR" not in os.environ
if FIRST_OF_RUN:
    # The first process of a test run: everything it starts inherits the folder. Never the one of a real installation.
    _folder = Path(tempfile.mkdtemp(prefix="forefront-tests-"))
    _folder.chmod(0o711)  # the account that runs PostgreSQL for root passes, and sees nothing
    (_folder / "THROWAWAY").touch()
    atexit.register(_remove, _folder)
    os.environ["FOREFRONT_TEST_VAR"] = os.environ["VAR"] = str(_folder)

from crm.settings import *  # noqa: E402, F403
from crm.settings import DATABASES, INSTALLED_APPS, Q_CLUSTER, STATIC_ROOT  # noqa: E402

if "EMBEDDED" in DATABASES["default"]:
    DATABASES["default"] |= {"USER": "postgres", "OWNER": {}}  # makes the test databases, empties append-only tables

INSTALLED_APPS = [*INSTALLED_APPS, "tests.plugin.apps.LoyaltyConfig"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_AUTOREFRESH = True  # as with DEBUG: else every client of every test first lists all static files
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
Q_CLUSTER = {**Q_CLUSTER, "sync": False}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns about a folder that is not there
