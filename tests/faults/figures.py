"""What a full run measured, for docs/promises.md: printed, and kept in var/faults/latest.json by the test's name."""

import json
import os
from pathlib import Path

from django.utils import timezone

KEPT = Path(__file__).resolve().parents[2] / "var" / "faults" / "latest.json"
RUN = f"{timezone.now():%Y-%m-%d %H:%M} pid {os.getpid()}"


def tell(text: str, *, full: bool) -> None:
    """Print a figure; keep it when the run is at full size. What an earlier run said of the same test goes."""
    print(f"\n{text}", end="", flush=True)
    if not full:
        return
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    said = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    entry = said.get(test, {})
    figures = entry["figures"] if entry.get("run") == RUN else []
    said[test] = {"run": RUN, "load": round(os.getloadavg()[0], 1), "figures": [*figures, text]}
    fresh = KEPT.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(said, indent=1, sort_keys=True) + "\n")
    fresh.replace(KEPT)
