"""What the environment says: folders, flags, secrets, the database. Imports nothing of Django, so settings may use it."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


class Refused(SystemExit):
    """The installation is not fit to start; the message says what to do."""


def flag(name: str, *, default: bool) -> bool:
    """A yes/no variable; an unset or empty one is the default."""
    value = os.environ.get(name, "").strip().lower()
    return default if not value else value not in {"0", "no", "off", "false"}


def var_folder(base: Path) -> Path:
    """Where this installation keeps what it writes: VAR, or `var` in the checkout."""
    return Path(os.environ.get("VAR") or base / "var").expanduser().absolute()


def secret_key(*, debug: bool, folder: Path) -> tuple[str, list[str]]:
    """The signing key and its predecessors. Production names its own; a development one is made once and kept."""
    fallbacks = [k for k in os.environ.get("SECRET_KEY_FALLBACKS", "").split(",") if k]
    if key := os.environ.get("SECRET_KEY", ""):
        if not debug and len(key) < 50:
            raise Refused("SECRET_KEY is too short for production: use 50 characters or more.")
        return key, fallbacks
    if not debug:
        raise Refused("DEBUG=0 needs SECRET_KEY (50 random characters or more) and ALLOWED_HOSTS in the environment.")
    return _kept_key(folder / "secret_key"), fallbacks


def _kept_key(path: Path) -> str:
    """Two processes may start at once: the first to create the file wins, the other reads it."""
    try:
        return _made_key(path)
    except OSError as error:
        raise Refused(
            f"{error.filename or path}: {error.strerror}. Name a data folder of your own with VAR=."
        ) from error


def _made_key(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return path.read_text().strip()
    fresh = path.with_name(f".secret_key.{os.getpid()}.{secrets.token_hex(4)}")
    fresh.write_text(secrets.token_urlsafe(50))
    fresh.chmod(0o600)
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text().strip()


def database(var: Path, *, process: str) -> dict[str, Any]:
    """Django's DATABASES entry: the server DATABASE_URL names, else the embedded one under `var`."""
    url = os.environ.get("DATABASE_URL", "")
    config: dict[str, Any] = _from_url(url) if url else _embedded(var)
    # django-q2 closes a connection older than this before and after each task: at 0 every task would pay two new ones.
    kept = 300 if process == "work" else 0
    config |= {"ENGINE": "crm.database", "CONN_MAX_AGE": kept, "CONN_HEALTH_CHECKS": True}
    options = config.setdefault("OPTIONS", {})
    options.setdefault("application_name", f"forefront {process}")
    if limits := _LIMITS.get(process):
        options["options"] = " ".join([options.get("options", ""), *(f"-c {name}={ms}" for name, ms in limits.items())])
    if process == "web":  # never across a fork: see promises, "Facts measured"
        options["pool"] = {"min_size": 1, "max_size": int(os.environ.get("DB_POOL", "10")), "timeout": 10}
    return config


# How long (ms) one connection of a process may hold up others; a command typed by a person has all the time it wants.
_LIMITS = {
    "web": {"statement_timeout": 30_000, "lock_timeout": 10_000, "idle_in_transaction_session_timeout": 15_000},
    "work": {"lock_timeout": 30_000, "idle_in_transaction_session_timeout": 60_000},
    "keeper": {"lock_timeout": 30_000, "idle_in_transaction_session_timeout": 60_000},
}


def _from_url(url: str) -> dict[str, Any]:
    """A server of one's own; DATABASE_OWNER_URL names the role that migrates, where that is another one."""
    config = _parsed(url)
    if owner := os.environ.get("DATABASE_OWNER_URL", ""):
        config["OWNER"] = {name: _parsed(owner)[name] for name in ("USER", "PASSWORD")}
    return config


def _parsed(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise Refused("DATABASE_URL must start with postgresql:// (Forefront runs on PostgreSQL 15 or newer only).")
    query = dict(parse_qsl(parts.query))
    return {
        "NAME": unquote(parts.path.lstrip("/")) or "forefront",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(parts.port or query.pop("port", "")),
        "OPTIONS": query,
    }


def _embedded(var: Path) -> dict[str, Any]:
    from crm import embedded

    return embedded.django_database(var)
