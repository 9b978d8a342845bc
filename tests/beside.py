"""A pytest plugin: what runs beside what under `make test`.

Fault tests wait more than they work, and judge what they see by the clock. So a process a core does the other tests, and one
for every two cores does fault tests, one after the other, going first where both want a core: the machine is busy to the
end, and no more of them run at once than would otherwise.
"""

import os
from typing import Any
from zlib import crc32

import pytest
from xdist.scheduler import LoadScopeScheduling

CORES = os.cpu_count() or 1
AT_ONCE = int(os.environ.get("FAULTS_AT_ONCE") or max(1, CORES // 2))
YIELDING = 5  # how much nicer the others are
FAULTS = "tests/faults/"


class Beside(LoadScopeScheduling):
    """A group goes whole to one process, and the largest first: fault tests begin while nobody yields yet."""

    def _split_scope(self, nodeid: str) -> str:
        return f"faults {crc32(nodeid.encode()) % AT_ONCE}" if nodeid.startswith(FAULTS) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Beside:
    return Beside(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`; `--maxprocesses` limits it."""
    return CORES + AT_ONCE


@pytest.hookimpl(trylast=True)  # after pytest-django, which puts what commits for real after all else
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of those that commit, the longest begin first: no process is left alone with one at the end."""
    others = [item for item in items if not item.get_closest_marker("slow")]
    place = next((n for n, item in enumerate(others) if _commits(item)), len(others))
    others[place:place] = [item for item in items if item.get_closest_marker("slow")]
    items[:] = others


def _commits(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    return marker is not None and bool(marker.kwargs.get("transaction"))


_yields = False


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Once for all: only root could take it back. A process that is done with its group of faults yields from then on."""
    global _yields
    if "PYTEST_XDIST_WORKER" in os.environ and not _yields and not item.nodeid.startswith(FAULTS):
        _yields = True
        os.nice(YIELDING)
