"""What the stories in the browser begin with."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from cases.models import Case
from tests.e2e.desks import Open, desks


@pytest.fixture
def desk(browser: Browser, case: Case) -> Iterator[Open]:
    """The screens of those who work on the file's `case`."""
    with desks(browser, case) as opened:
        yield opened
