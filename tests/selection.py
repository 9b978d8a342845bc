"""A pytest plugin: which tests run. `--faults=full` asks for the published figures; tests on real data need the data."""

import os
from pathlib import Path
from typing import Any

import pytest

_LEFT_OUT = pytest.StashKey[int]()


def data_folder() -> Path:
    """Where the real data would be: FOREFRONT_DATA, else beside the checkout."""
    return Path(os.environ.get("FOREFRONT_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--faults",
        choices=["short", "full"],
        default="short",
        help="size of the fault and load tests (docs/testing.md)",
    )


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether fault and load tests run at the size whose figures are published."""
    return bool(request.config.getoption("--faults") == "full")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of real data; tests that use it are marked `realdata`, and left out where it is absent."""
    return data_folder()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if data_folder().is_dir():
        return
    out = [item for item in items if item.get_closest_marker("realdata")]
    items[:] = [item for item in items if item not in out]
    config.hook.pytest_deselected(items=out)
    config.stash[_LEFT_OUT] = len(out)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """One of xdist's workers tells the first process how many it left out."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash.get(_LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    node.config.stash[_LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", 0)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not data_folder().is_dir():
        terminalreporter.line(f"realdata: not found, {config.stash.get(_LEFT_OUT, 0)} tests not run")
