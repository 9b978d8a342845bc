"""Every tool that judges the code without running it; one line each, and the whole output of those that complain."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CODE = ["crm", "customers", "cases", "outreach"]
# A production installation's environment, for Django's deploy check.
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "only-for-the-deploy-check-0123456789-abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "forefront.example",
    "PUBLIC_URL": "https://forefront.example",
    "SMTP_HOST": "mail.forefront.example",
    "SMTP_PORT": "587",
}
NO_DATABASE = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
MANAGE = [sys.executable, "-W", "ignore", "manage.py"]


def tools() -> list[tuple[str, list[str], dict[str, str]]]:
    templates = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("templates/**/*.html"))
    plugin = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/**/templates/**/*.html"))
    return [
        ("ruff check", [tool("ruff"), "check", "--quiet", "."], {}),
        ("ruff format", [tool("ruff"), "format", "--check", "--quiet", "."], {}),
        ("djade", [tool("djade"), "--check", "--target-version", "5.2", *templates, *plugin], {}),
        ("djlint", [tool("djlint"), "--lint", "--quiet", "--allow-empty-input", "templates"], {}),
        ("mypy", [tool("mypy"), *CODE], {}),
        ("import-linter", [tool("lint-imports")], {}),
        ("migrations", [*MANAGE, "makemigrations", "--check", "--dry-run"], NO_DATABASE),
        ("deploy check", [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"], {**NO_DATABASE, **PRODUCTION}),
        ("pip check", [sys.executable, "-m", "pip", "--disable-pip-version-check", "check"], {}),
    ]


def tool(name: str) -> str:
    return str(BIN / name)


def passes(name: str, command: list[str], environment: dict[str, str]) -> bool:
    started = time.monotonic()
    done = subprocess.run(  # noqa: S603 - the tools above
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    verdict = "ok" if done.returncode == 0 else "FAILED"
    print(f"{verdict:<7} {name} ({time.monotonic() - started:.1f} s)", flush=True)  # noqa: T201
    if done.returncode:
        print(done.stdout, flush=True)  # noqa: T201
    return done.returncode == 0


def main() -> int:
    only = sys.argv[1:]
    chosen = [one for one in tools() if not only or any(word in one[0] for word in only)]
    results = [passes(*one) for one in chosen]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
