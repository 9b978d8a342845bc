"""One migrated database a run, of which each of xdist's processes takes a copy: migrating takes half a minute of a core.

`python -m tests.template` makes it, on the throw-away server. The run's first process starts that while the others collect."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

NAME = "forefront_migrated"


def begin() -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "tests.template"], env=_environment())


def wait() -> str:
    """Its name, once it is there; whoever comes before it was begun makes it."""
    if not _mark().exists():
        subprocess.run([sys.executable, "-m", "tests.template"], env=_environment(), check=True)
    return NAME


def make() -> None:
    """One makes it, the others wait."""
    with (_folder() / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _mark().exists():
            return
        from django.db import connection

        connection.settings_dict["TEST"]["NAME"] = NAME
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        connection.close()  # nobody copies a database in use
        _mark().touch()


def _environment() -> dict[str, str]:
    return os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "FOREFRONT_PARENT": str(os.getpid())}


def _folder() -> Path:
    return Path(os.environ["FOREFRONT_TEST_VAR"])


def _mark() -> Path:
    return _folder() / "migrated"


if __name__ == "__main__":
    import django

    from crm import lifeline

    lifeline.follow_parent()
    django.setup()
    make()
