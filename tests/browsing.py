"""A pytest plugin: the headless Chromium of tests that look at pages."""

import gc
from collections.abc import Iterator

import pytest
from django.db import connections
from playwright.sync_api import Browser, expect

from tests import look

# Milliseconds for what a page must come to show: it shares two cores with other tests. No promise of speed is held here.
expect.set_options(timeout=20_000)


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """Playwright's synchronous face runs a loop in this thread. Django takes the test for async code then, and keeps
    another connection for it, which nobody would close: it would outlive the test, and the faults of the next ones."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with look.browser() as opened:
        yield opened
        connections.close_all()
    gc.collect()  # a greenlet of playwright's that dies later, inside the parser, upsets CPython 3.11's count of its depth
