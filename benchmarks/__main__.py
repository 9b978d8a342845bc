"""`make bench`: run the workloads, print their table, keep it in var/bench/latest.json.

On a throw-away PostgreSQL of its own, or, with DATABASE_URL, in a database of its own on that server.
"""

import argparse
import importlib
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WORKLOADS = [
    "queue",
    "case",
    "work",
    "search",
    "intake",
    "fanout",
    "topics",
    "ceiling",
    "segments",
    "decide",
    "answers",
]
OPTIONAL = ["peer", "policies"]  # installs another system first
LATEST = Path(__file__).resolve().parent.parent / "var" / "bench" / "latest.json"


def main(argv: Sequence[str] | None = None) -> int:
    wanted = _arguments(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    with _server():
        from benchmarks import corpus

        try:
            results = [_ran(name, wanted.scale) for name in wanted.only]
        finally:
            corpus.dropped()
    _keep(results, wanted.scale)
    failed = [result["name"] for result in results if "error" in result]
    if failed:
        print(f"\nCould not be measured: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", type=_names, default=WORKLOADS, help=f"some of {','.join(WORKLOADS + OPTIONAL)}")
    parser.add_argument("--scale", choices=["small", "default", "full"], default="default")
    return parser.parse_args(argv)


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in WORKLOADS + OPTIONAL]:
        there = ", ".join(WORKLOADS + OPTIONAL)
        raise argparse.ArgumentTypeError(f"no workload {', '.join(unknown)}; there are {there}")
    return names


@contextmanager
def _server() -> Iterator[None]:
    """The embedded server in a folder that goes with the run, unless DATABASE_URL names one."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    if os.environ.get("DATABASE_URL"):
        yield
        return
    folder = Path(tempfile.mkdtemp(prefix="forefront-bench-"))
    folder.chmod(0o711)  # the account that runs PostgreSQL for root passes, and sees nothing
    (folder / "THROWAWAY").touch()
    (folder / "static").mkdir()
    os.environ["VAR"] = str(folder)
    from crm import embedded

    held = None
    try:
        held = embedded.hold(folder)
        yield
    finally:
        if held:
            held.release()
        shutil.rmtree(folder, ignore_errors=True)


def _ran(name: str, scale: str) -> dict[str, Any]:
    """One workload's result; one that fails says why and does not stop the next."""
    print(f"\n{name} ({scale}) …", flush=True)
    try:
        result: dict[str, Any] = importlib.import_module(f"benchmarks.{name}").run(scale)
    except Exception as error:  # noqa: BLE001 - said aloud, and the exit code tells
        traceback.print_exc()
        print(f"{name}: failed: {type(error).__name__}: {error}", flush=True)
        return {"name": name, "error": f"{type(error).__name__}: {error}", "figures": []}
    _show(result)
    return result


def _show(result: dict[str, Any]) -> None:
    print(result["did"])
    heads = ["metric", "ours: median (min to max)", "floor", "peer", "ratio", "target", ""]
    rows = [heads, *(_line(figure) for figure in result["figures"])]
    widths = [max(len(row[k]) for row in rows) for k in range(len(heads))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(), flush=True)


def _line(figure: dict[str, Any]) -> list[str]:
    met = {True: "met", False: "MISSED"}.get(figure.get("met"), "")  # type: ignore[arg-type]
    values = [_told(figure.get(key)) for key in ("ours", "floor", "peer", "ratio")]
    return [f"{figure['metric']} [{figure['unit']}]", *values, figure.get("target", ""), met]


def _told(value: Any) -> str:
    if value is None:
        return "-"
    if not isinstance(value, dict):
        return f"{value:g}"
    if value["min"] == value["max"]:
        return f"{value['median']:,g}"
    return f"{value['median']:,g} ({value['min']:,g} to {value['max']:,g})"


def _keep(results: list[dict[str, Any]], scale: str) -> None:
    told = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "scale": scale,
        "machine": {"cores": os.cpu_count(), "load": os.getloadavg(), "python": platform.python_version()},
        "workloads": results,
    }
    LATEST.parent.mkdir(parents=True, exist_ok=True)
    LATEST.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
