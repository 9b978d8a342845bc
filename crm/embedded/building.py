"""Makes what a server needs before it can start: its account, its folders, a copy of the binaries, the cluster."""

import errno
import importlib.metadata
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from crm.embedded import tuning
from crm.embedded.places import (
    APP,
    OWNER,
    RELEASE,
    SUPERUSER,
    SYSTEM,
    WHEEL,
    Account,
    Place,
    Refused,
    system_account,
    wheel,
)

_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_CREATORS = (
    ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"],
    ["adduser", "-S", "-D", "-H"],
)


def make_home(place: Place) -> None:
    """The private folder of the server and, before it, the account that owns it. Safe to run twice at once."""
    account = existing(place.account)
    if place.outside:
        _set_aside_leftovers(place)
        SYSTEM.mkdir(mode=0o755, parents=True, exist_ok=True)
    private_folder(place.home, account)
    for lock in ("gate", "holders"):
        _touch(place.home / lock)


def _touch(lock: Path, times: int = 20) -> None:
    """Another who begins at this moment may put their folder in the place of ours while it is still empty (`_make_private`):
    then the one we were about to write into is gone, and the next look finds theirs. Once a lock is in it, it stays."""
    try:
        os.close(os.open(lock, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644))
    except FileNotFoundError:
        if times <= 1:
            raise
        _touch(lock, times - 1)


def existing(account: Account) -> Account:
    """The account, created if it was only planned."""
    if account.uid >= 0:
        return account
    for creator in _CREATORS:
        if shutil.which(creator[0]):
            subprocess.run([*creator, account.name], check=False, capture_output=True)  # noqa: S603 - fixed words
    if made := system_account():
        return made
    raise Refused(
        "Started by root, the embedded PostgreSQL needs an account without privileges, and none could be made. "
        "Create one (useradd --system forefront), run as an ordinary user, or name a server with DATABASE_URL."
    )


def private_folder(folder: Path, account: Account) -> None:
    """Make a folder of mode 0700 that belongs to the account; refuse one that somebody else put there."""
    if not folder.parent.exists():
        private_parent(folder.parent, account)
    if not folder.exists():
        _make_private(folder, account)
    status = folder.lstat()
    if folder.is_symlink() or status.st_uid != account.uid or status.st_mode & 0o077:
        raise Refused(f"{folder} must be a folder of {account.name} alone (mode 0700). Move it away and start again.")


def _make_private(folder: Path, account: Account) -> None:
    """In one step for everybody who looks: a draft, renamed when it has its owner. The first of several
    wins, or while it is empty, any; they are alike."""
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    if os.geteuid() == 0:
        os.chown(draft, account.uid, account.gid)
    try:
        draft.rename(folder)
    except OSError as error:
        draft.rmdir()
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def private_parent(folder: Path, account: Account) -> None:
    """A parent of our own that two servers may share: the account's, or root's for the machine."""
    if folder == SYSTEM or folder.parent == SYSTEM:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    else:
        private_folder(folder, account)


def _set_aside_leftovers(place: Place) -> None:
    """A cluster of a data folder that was deleted and made anew is not this folder's database, and not ours to delete."""
    if place.marker.exists() or not place.data.exists():
        return
    aside = Path(tempfile.mkdtemp(prefix=f"{place.home.name}.before-", dir=SYSTEM))
    place.home.rename(aside)
    print(f"An older database of {place.var} was set aside in {aside}.")  # noqa: T201 - a person must learn of it


def make_binaries(place: Place) -> None:
    """A copy the account can reach; complete under its final name, or absent."""
    if place.binaries.exists():
        return
    target = SYSTEM / f"postgresql-{importlib.metadata.version(WHEEL)}"
    draft = Path(tempfile.mkdtemp(prefix=".copying-", dir=SYSTEM))
    source = wheel()
    shutil.copytree(source / RELEASE, draft / WHEEL / RELEASE, symlinks=True)
    if (libraries := source.parent / f"{WHEEL}.libs").exists():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    draft.chmod(0o755)
    try:
        draft.rename(target)
    except OSError:  # somebody else was quicker
        shutil.rmtree(draft)


def make_cluster(place: Place) -> None:
    """initdb into a draft folder, renamed when complete: killed in the middle it leaves nothing that looks like data."""
    if not place.data.exists():
        for left in place.home.glob("draft-*"):
            shutil.rmtree(left, ignore_errors=True)
        draft = place.home / f"draft-{os.getpid()}"
        _initdb(place, draft)
        with (draft / "postgresql.conf").open("a") as file:
            file.write("\ninclude 'forefront.conf'\ninclude 'custom.conf'\n")
        (draft / "custom.conf").write_text("# Yours: read after forefront.conf, never written to again.\n")
        give(place, draft / "custom.conf")
        if place.outside:
            place.marker.write_text(f"{place.home}\n")
        draft.rename(place.data)
    _check_release(place)
    _write(place, "forefront.conf", tuning.conf(throwaway=place.throwaway))
    _write(place, "pg_hba.conf", "local all all peer map=forefront\nlocal replication all peer map=forefront\n")
    names = {place.account.name, "root"}
    _write(
        place,
        "pg_ident.conf",
        "".join(f'forefront "{n}" {r}\n' for n in sorted(names) for r in (SUPERUSER, OWNER, APP)),
    )


def _initdb(place: Place, draft: Path) -> None:
    command = [str(place.binaries / "initdb"), "-D", str(draft), "-U", SUPERUSER, "--encoding=UTF8", "--locale=C"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth=peer"]
    command += ["--no-sync"] if place.throwaway else []
    how = as_account(place)
    done = subprocess.run(command, capture_output=True, text=True, check=False, **how)  # noqa: S603 - our own program
    if done.returncode:
        raise Refused(f"The embedded PostgreSQL could not make its cluster in {place.home}:\n{done.stderr.strip()}")


def _check_release(place: Place) -> None:
    release = (place.data / "PG_VERSION").read_text().strip()
    if not RELEASE.endswith(release):
        raise Refused(
            f"The cluster in {place.data} was made by PostgreSQL {release}; this wheel brings {RELEASE[9:]}. See docs/database.md."
        )


def _write(place: Place, name: str, text: str) -> None:
    path = place.data / name
    path.write_text(text)
    give(place, path)


def give(place: Place, path: Path | int) -> None:
    """What root made in the server's home belongs to the server's account."""
    if os.geteuid() == 0:
        account = existing(place.account)
        os.chown(path, account.uid, account.gid)


def as_account(place: Place) -> dict[str, Any]:
    """How subprocess starts a program of the server: its account, a clean environment, nothing of ours open."""
    how: dict[str, Any] = {"cwd": "/", "env": dict(_ENVIRONMENT), "stdin": subprocess.DEVNULL}
    if os.geteuid() == 0:
        account = existing(place.account)
        how |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    return how
