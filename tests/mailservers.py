"""A pytest plugin: the fixture `imap` runs a test once on each IMAP server there is; the summary says which those were."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import imapserver
from tests.imapserver import ImapServer

_USED = pytest.StashKey[set[str]]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "imap" in metafunc.fixturenames:
        metafunc.parametrize("imap", list(imapserver.kinds()), indirect=True)


@pytest.fixture
def imap(request: pytest.FixtureRequest) -> Iterator[ImapServer]:
    """A running server with nothing in it."""
    folder = Path(tempfile.mkdtemp(prefix="forefront-imap-"))
    server = imapserver.kinds()[request.param](folder)
    request.config.stash.setdefault(_USED, set()).add(server.name)
    try:
        server.start()
        yield server
    finally:
        server.thaw()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["imap"] = sorted(session.config.stash.get(_USED, set()))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    used = node.config.stash.setdefault(_USED, set())
    used.update(getattr(node, "workeroutput", {}).get("imap", []))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    used = config.stash.get(_USED, set())
    if used:
        without = "" if "dovecot" in used else " (dovecot: not found)"
        terminalreporter.line(f"IMAP servers used: {', '.join(sorted(used))}{without}")
