"""Where the real data lies that `realdata` tests read: FOREFRONT_DATA, or `../shared/data` beside the checkout."""

import os
from pathlib import Path

_BESIDE = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def folder() -> Path | None:
    """The data folder, or None when there is none on this machine."""
    named = os.environ.get("FOREFRONT_DATA")
    place = Path(named) if named else _BESIDE
    return place if place.is_dir() else None


def find(*parts: str) -> Path:
    """A file of the real data; the test is skipped, saying so, when it is not here."""
    import pytest

    root = folder()
    if root is None or not root.joinpath(*parts).exists():
        pytest.skip(f"realdata: {'/'.join(parts)} not found (set FOREFRONT_DATA)")
    return root.joinpath(*parts)
