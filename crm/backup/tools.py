"""PostgreSQL's own programs: the wheel's, which suit every server up to its version, else the machine's."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections

from crm import embedded
from crm.backup import Refused
from crm.embedded.places import RELEASE, wheel

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_TOLD_APART = ("pool", "cursor_factory", "context", "prepare_threshold", "server_side_binding")


@dataclass(frozen=True)
class Tools:
    """pg_dump, pg_restore and psql of one version, and how they reach the default database."""

    folder: Path
    version: int

    def run(self, name: str, *arguments: str, **how: Any) -> "subprocess.Popen[bytes]":
        """Start one of them against the database, as the role that owns the tables."""
        target, password = self._target
        environment = {**_plain_environment(), **({"PGPASSWORD": password} if password else {})}
        command = [str(self.folder / name), *arguments, *([] if name == "pg_restore" else [f"--dbname={target}"])]
        return subprocess.Popen(command, env=environment, **how)  # noqa: S603 - PostgreSQL's own programs

    @cached_property
    def _target(self) -> tuple[str, str]:
        known = parameters()
        password = str(known.pop("password", "") or "")
        return psycopg.conninfo.make_conninfo(**known), password


def parameters() -> dict[str, Any]:
    """How the owner of the tables connects, with all the time in the world. Starts the embedded server where it is used."""
    default = connections["default"]
    if var := default.settings_dict.get("EMBEDDED"):
        embedded.join(var)
        embedded.revive(var)
    known = {name: value for name, value in default.get_connection_params().items() if name not in _TOLD_APART}
    owner = default.settings_dict.get("OWNER") or {}
    named = {"user": owner.get("USER"), "password": owner.get("PASSWORD")}
    known |= {name: value for name, value in named.items() if value}
    return known | {"application_name": "forefront backup", "options": "-c statement_timeout=0 -c lock_timeout=60s"}


def tools_for(server: int, *, archive: int = 0) -> Tools:
    """Programs at least as new as the server and as those that wrote the archive."""
    needed = max(server, archive)
    found = [tools for folder in _folders() if (tools := _tools_in(folder))]
    fitting = next((tools for tools in found if tools.version >= needed), None)
    if fitting is None:
        known = ", ".join(str(tools.version) for tools in found) or "none"
        raise Refused(
            f"This needs pg_dump, pg_restore and psql of PostgreSQL {needed} or newer (found: {known}). "
            f"Install them (Debian: postgresql-client-{needed}) so that they are on PATH, and try again."
        )
    return fitting


def _folders() -> list[Path]:
    on_path = shutil.which("pg_dump")
    return [wheel() / RELEASE / "bin", *([Path(on_path).parent] if on_path else [])]


def _tools_in(folder: Path) -> Tools | None:
    try:
        said = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    found = _VERSION.search(said.stdout)
    return Tools(folder, int(found[1])) if found else None


def _plain_environment() -> dict[str, str]:
    """Nothing of ours and nothing of libpq's: where to connect is said in full."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG") and "SECRET" not in name}
