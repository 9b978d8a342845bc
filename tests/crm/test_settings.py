"""Production refuses to start without what it needs; each case is a real process."""

import json
import logging
import os
import subprocess
import sys

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks

from crm.logs import JsonLine
from tests.processes import ROOT

KEY = "k" * 60


def start(**env: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check` with nothing in the environment but this."""
    base = {"PATH": os.environ["PATH"], "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "manage.py", "check", "--fail-level", "ERROR"]
    return subprocess.run(argv, cwd=ROOT, env=base | env, capture_output=True, text=True, timeout=60, check=False)


def production(**env: str) -> subprocess.CompletedProcess[str]:
    whole = {
        "DEBUG": "0",
        "SECRET_KEY": KEY,
        "ALLOWED_HOSTS": "help.example.org",
        "PUBLIC_URL": "https://help.example.org",
    }
    return start(**{k: v for k, v in (whole | env).items() if v})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"SECRET_KEY": ""}, ["SECRET_KEY"]),
        ({"SECRET_KEY": "short"}, ["50 characters"]),
        ({"ALLOWED_HOSTS": "*", "DEMO": "1", "PUBLIC_URL": "http://x"}, ["ALLOWED_HOSTS", "DEMO", "PUBLIC_URL"]),
        ({"ALLOWED_HOSTS": ""}, ["ALLOWED_HOSTS"]),
        ({"DATABASE_URL": "mysql://x/y"}, ["postgresql://"]),
    ],
)
def test_production_refuses_and_says_what_to_set(change: dict[str, str], words: list[str]) -> None:
    refused = production(**change)
    assert refused.returncode != 0
    assert [word for word in words if word not in refused.stderr] == []
    assert KEY not in refused.stderr
    assert "Traceback" not in refused.stderr


def test_production_starts_with_what_it_needs() -> None:
    started = production()
    assert started.returncode == 0, started.stderr


def test_the_settings_under_test_pass_their_own_checks(settings: LazySettings) -> None:
    settings.DEBUG = True
    assert [message for message in run_checks() if message.id and message.id.startswith("crm.")] == []


def test_a_log_line_never_carries_what_an_exception_says() -> None:
    try:
        try:
            raise ValueError("Key (email)=(ana.torres@example.org) already exists")
        except ValueError as first:
            raise RuntimeError("could not keep ana.torres@example.org") from first
    except RuntimeError:
        record = logging.LogRecord("crm", logging.ERROR, __file__, 1, "it failed", (), sys.exc_info())
    line = json.loads(JsonLine("{levelname}{message}", style="{").format(record))
    assert line["message"] == "it failed"
    assert "RuntimeError" in line["exc_info"]
    assert "caused by ValueError" in line["exc_info"]
    assert "ana.torres" not in json.dumps(line)
