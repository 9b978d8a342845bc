"""What nobody may be able to say here (docs/testing.md): each complaint is held by tests that exist."""

import re

from tests.test_architecture import ROOT


def test_every_complaint_has_tests_that_are_there() -> None:
    page = (ROOT / "docs" / "testing.md").read_text()
    rows = [line for line in page.partition("## What nobody may be able to say")[2].splitlines() if "`test_" in line]
    found = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert len(rows) == 8
    for row in rows:
        named = set(re.findall(r"`(test_\w+)`", row))
        assert named
        assert named <= found, row
