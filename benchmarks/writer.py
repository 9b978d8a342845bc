"""A process that changes cases by the product's own verb and notes when each commit was done. `python -m benchmarks.writer`,
several of them beside each other. Commands are JSON lines on stdin, answers JSON lines on stdout.
"""

import itertools
import json
import os
import sys
import time
from typing import Any

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    django.setup()
    for line in sys.stdin:
        command = json.loads(line)
        print(json.dumps(_write(**command)), flush=True)


def _write(cases: list[int], seconds: float, rate: float, start: float) -> list[tuple[str, float]]:
    """Change one after the other of these cases (by id) for so many seconds: at `rate` a second from the moment `start`, or
    back to back where it is 0. What was changed, "number:version", and when its commit was done."""
    from cases.models import Case

    known = Case.objects.in_bulk(cases)
    waiting = itertools.cycle([known[pk] for pk in cases])
    told: list[tuple[str, float]] = []
    time.sleep(max(0, start - time.monotonic()))
    while time.monotonic() < start + seconds:
        if rate:
            due = start + len(told) / rate
            if due >= start + seconds:
                break
            time.sleep(max(0, due - time.monotonic()))
        told.append(_change(next(waiting)))
    return told


def _change(case: Any) -> tuple[str, float]:
    case.set_priority("high" if case.priority != "high" else "normal", by=None)
    return f"{case.number}:{case.version}", time.monotonic()


if __name__ == "__main__":
    main()
