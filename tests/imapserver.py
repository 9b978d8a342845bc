"""Real IMAP servers for the mailbox tests: pymap always, Debian's dovecot where there is one or one can be installed.

    def test_…(imap: ImapServer):      # runs once a server
        imap.append(b"…", folder="Support")
        imap.stop(); imap.start()      # the same mails, after an outage
        imap.freeze()                  # it listens and says nothing

Each runs on a free port of this machine in a folder of its own, and ends with the test.
"""

import functools
import imaplib
import os
import shutil
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.certificates import write_certificate
from tests.processes import free_port, wait_until

PASSWORD = "secret"
USERS = ("help@imap.example", "sales@imap.example")


@dataclass
class ImapServer(ABC):
    """One server, its folder, and the doors it is tried by. Every user has the same password."""

    folder: Path
    port: int = field(default_factory=free_port)
    tls_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    name = ""

    def __post_init__(self) -> None:
        self.prepare()

    @abstractmethod
    def prepare(self) -> None: ...

    @abstractmethod
    def command(self) -> list[str]: ...

    def start(self) -> None:
        with (self.folder / "output").open("ab") as sink:
            self.process = subprocess.Popen(self.command(), stdout=sink, stderr=sink, start_new_session=True)
        wait_until(self.answers, 60, f"{self.name} to answer")

    def stop(self, number: int = signal.SIGKILL) -> None:
        """The whole group, at once: its lines break."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        self.process.wait(10)
        self.process = None

    def freeze(self) -> None:
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self._pids():
            os.kill(pid, signal.SIGCONT)

    def _pids(self) -> list[int]:
        group = str(self.process.pid) if self.process else ""
        stats = {int(p.parent.name): p.read_text().rpartition(")")[2].split() for p in _stats()}
        return [pid for pid, fields in stats.items() if group in {fields[2], fields[3]}]

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "output").read_text()
        try:
            with self.signed_in():
                return True
        except (OSError, imaplib.IMAP4.error):
            return False

    # --- the postman's side

    @contextmanager
    def signed_in(self, user: str = USERS[0]) -> Iterator[imaplib.IMAP4]:
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=10)
        try:
            client.login(user, PASSWORD)
            yield client
        finally:
            client.shutdown() if client.state == "NONAUTH" else client.logout()

    def append(self, *mails: bytes, folder: str = "INBOX", user: str = USERS[0], date: float | None = None) -> None:
        when = imaplib.Time2Internaldate(date if date is not None else time.time())
        with self.signed_in(user) as client:
            if folder != "INBOX":
                client.create(folder)  # says no when it is there
            for raw in mails:
                assert client.append(folder, "", when, raw)[0] == "OK"

    def uids(self, folder: str = "INBOX", user: str = USERS[0]) -> list[int]:
        with self.signed_in(user) as client:
            client.select(folder, readonly=True)
            return [int(uid) for uid in client.uid("SEARCH", "ALL")[1][0].split()]

    def flags(self, folder: str = "INBOX", user: str = USERS[0]) -> list[bytes]:
        with self.signed_in(user) as client:
            client.select(folder, readonly=True)
            return [imaplib.ParseFlags(one) and b" ".join(sorted(imaplib.ParseFlags(one))) for one in
                    client.uid("FETCH", "1:*", "(FLAGS)")[1] if one]  # fmt: skip

    def expunge(self, *uids: int, folder: str = "INBOX", user: str = USERS[0]) -> None:
        with self.signed_in(user) as client:
            client.select(folder)
            client.uid("STORE", ",".join(map(str, uids)), "+FLAGS.SILENT", r"(\Deleted)")
            client.expunge()

    def flag(self, uid: int, flag: str, folder: str = "INBOX", user: str = USERS[0]) -> None:
        with self.signed_in(user) as client:
            client.select(folder)
            client.uid("STORE", str(uid), "+FLAGS.SILENT", flag)

    def made_anew(self, *mails: bytes, folder: str, user: str = USERS[0]) -> None:
        """The folder is deleted and made again, as a server does that lost its index: another UIDVALIDITY."""
        with self.signed_in(user) as client:
            assert client.delete(folder)[0] == "OK"
        time.sleep(1.1)  # a UIDVALIDITY made of the time in seconds
        self.append(*mails, folder=folder, user=user)


def _stats() -> Iterator[Path]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        if path.exists():
            yield path


class Pymap(ImapServer):
    """In Python, from the package index; mails in Maildirs."""

    name = "pymap"

    def prepare(self) -> None:
        from pysasl.hashing import BuiltinHash

        self.certificate = write_certificate(self.folder)
        base = self.folder / "mail"
        base.mkdir()
        hashed = BuiltinHash(rounds=1).hash(PASSWORD)  # half a million by itself: most of a second for each line
        (base / "pymap-etc-passwd").write_text("".join(f"{user}:x::::{user}:\n" for user in USERS))
        (base / "pymap-etc-shadow").write_text("".join(f"{user}:{hashed}:::::::\n" for user in USERS))
        (base / "pymap-etc-group").write_text("")

    def start(self) -> None:
        """Killed while it wrote, it left a lock, which it would honour for ten minutes: nobody holds it any more."""
        for lock in (self.folder / "mail").rglob("*.lock"):
            lock.unlink()
        super().start()

    def command(self) -> list[str]:
        cert, key = self.certificate
        door = ["--host", "127.0.0.1", "--port", str(self.port), "--cert", str(cert), "--key", str(key)]
        return [str(Path(sys.executable).parent / "pymap"), *door, "maildir", str(self.folder / "mail")]


class Dovecot(ImapServer):
    """Debian's, from a configuration of our own; as root it hands the mails to an account that is nobody's."""

    name = "dovecot"

    def prepare(self) -> None:
        self.folder.chmod(0o755)
        for name in ("run", "mail", "home"):
            (self.folder / name).mkdir()
        cert, key = write_certificate(self.folder)
        self.certificate = cert, key
        if os.geteuid() == 0:
            for name in ("mail", "home"):
                shutil.chown(self.folder / name, "nobody", "nogroup")
        config = _DOVECOT.format(folder=self.folder, port=self.port, tls=self.tls_port, password=PASSWORD, cert=cert,
                                 key=key, **_accounts())  # fmt: skip
        (self.folder / "dovecot.conf").write_text(config)

    def command(self) -> list[str]:
        for left in (self.folder / "run").glob("master.pid"):
            left.unlink()  # of one that was killed
        return [str(dovecot()), "-F", "-c", str(self.folder / "dovecot.conf")]


def _accounts() -> dict[str, str]:
    if os.geteuid() == 0:
        return {"account": "uid=nobody gid=nogroup", "inner": ""}
    me = f"{os.geteuid()}"
    inner = f"default_internal_user = {me}\ndefault_login_user = {me}\ndefault_internal_group = {os.getegid()}"
    return {"account": f"uid={me} gid={os.getegid()}", "inner": inner}


_DOVECOT = """
protocols = imap
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
listen = 127.0.0.1
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/%u
auth_mechanisms = plain login
auth_failure_delay = 0
first_valid_uid = 1
{inner}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = {account} home={folder}/home/%u allow_all_users=yes
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
namespace inbox {{
  inbox = yes
}}
"""


@functools.cache
def dovecot() -> str | None:
    """Where dovecot is; installed first where that is possible, but by one of several workers never: they would see different
    servers (`make test` has asked before them). FOREFRONT_DOVECOT=none leaves it out."""
    named = os.environ.get("FOREFRONT_DOVECOT")
    if named:
        return None if named == "none" else named
    found = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    is_one_of_several = "PYTEST_XDIST_WORKER" in os.environ
    if found is None and not is_one_of_several and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for what in (["update"], ["-y", "--no-install-recommends", "install", "dovecot-imapd"]):
            subprocess.run(["apt-get", "-qq", *what], env=env, timeout=300, check=False, **quiet)  # type: ignore[call-overload]
        found = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return found


def kinds() -> dict[str, type[ImapServer]]:
    """The servers there are, by name."""
    return {"pymap": Pymap} | ({"dovecot": Dovecot} if dovecot() else {})


if __name__ == "__main__":
    kinds()
