"""The Chromium of the browser tests: found, or installed. `python -m tests.chromium` is what `make test` calls first."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
HOW = """No Chromium for the browser tests, and it could not be installed here. Any one of these helps:
  as root on Debian or Ubuntu:  apt-get install chromium
  elsewhere:                    {python} -m playwright install --with-deps chromium
  one that is already there:    FOREFRONT_CHROMIUM=/path/to/chrome make test
  without the browser tests:    make test ARGS='-m "not e2e"' FOREFRONT_CHROMIUM=none
"""


def find() -> str | None:
    """The path of a Chromium that starts, for Playwright's `executable_path`: ours to name, on PATH, or Playwright's."""
    named = os.environ.get("FOREFRONT_CHROMIUM")
    candidates = [named] if named else [*filter(None, map(shutil.which, NAMES)), *_of_playwright()]
    return next((path for path in candidates if _starts(path)), None)


def _of_playwright() -> list[str]:
    """Where `playwright install` puts it, newest first, without starting Playwright to ask."""
    home = Path.home()
    named = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    folders = [Path(named)] if named else [home / ".cache/ms-playwright", home / "Library/Caches/ms-playwright"]
    patterns = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*")
    return sorted((str(path) for folder in folders for shape in patterns for path in folder.glob(shape)), reverse=True)


def _starts(path: str) -> bool:
    try:
        return _run([path, "--version"], quiet=True, seconds=30)
    except OSError:
        return False


def install() -> None:
    """Debian's package as root, else Playwright's download."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium for the browser tests (once)", flush=True)
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        _run(["apt-get", "-qq", "update"], quiet=True)
        _run(["apt-get", "-qq", "-y", "--no-install-recommends", "install", "chromium"], quiet=True)
    if find() is None:
        print("Downloading Chromium for the browser tests (once)", flush=True)
        with_libraries = ["--with-deps"] if os.geteuid() == 0 else []
        _run([sys.executable, "-m", "playwright", "install", *with_libraries, "chromium"])


def _run(command: list[str], *, quiet: bool = False, seconds: float = 900) -> bool:
    sink = subprocess.DEVNULL if quiet else None
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main() -> int:
    if os.environ.get("FOREFRONT_CHROMIUM") == "none" or find():
        return 0
    install()
    if find():
        return 0
    print(HOW.format(python=sys.executable), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
