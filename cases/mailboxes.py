"""Mail fetched: what one look into a mailbox does, so that nothing is lost, nothing comes twice, and nothing on the server
is touched before it is stored and committed.

A mail is known by (mailbox, UIDVALIDITY, UID). What the server has and no row tells of is fetched, in order: stored raw
first, then its row, then the mark moves, each in a commit of its own. Whatever dies in between is done again, and the
sha256 of the raw mail makes the second time find the first. docs/mailboxes.md tells the whole story.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from cases.mail import arriving
from cases.mail.imap import TIMEOUT, Access, Head, Line, Trouble
from cases.models import InboundItem, Mailbox, MailboxMail
from crm.secrets import Unreadable, decrypt, encrypt

log = logging.getLogger(__name__)

LARGEST = 30 * 1024 * 1024  # bytes; of a larger mail the header is taken in, and says so
HEADER = 256 * 1024  # bytes of it
TOGETHER = 2 * 1024 * 1024  # bytes asked for at once
MANY = 50  # mails asked for at once
SIZES = 500  # sizes asked for at once
COMPARE_EVERY = timedelta(minutes=10)  # all that is on the server against all that is stored
MARGIN = timedelta(minutes=5)  # two clocks: what came so shortly before the start is read
PAUSES = [timedelta(seconds=s) for s in (30, 120, 600, 3600)]  # before a mail is asked for again
AT_A_DESK = 8.0  # seconds a person waits for each step of a test
EARLY = timedelta(minutes=2)  # before it ends, a token is renewed

State = MailboxMail.State


# --- the line


def access(mailbox: Mailbox, *, now: datetime, fresh_token: bool = False) -> Access:
    """Where and with what to sign in; a new token is fetched when the one we have ends soon, or is in doubt."""
    token = password = ""
    try:
        if mailbox.sign_in == Mailbox.SignIn.OAUTH2:
            token = _token(mailbox, now, fresh=fresh_token)
        else:
            password = decrypt(mailbox.password) if mailbox.password else ""
    except Unreadable as error:
        raise Trouble("unreadable") from error
    return Access(
        host=mailbox.host,
        port=mailbox.port,
        tls=mailbox.tls,
        user=mailbox.user,
        password=password,
        token=token,
        folder=mailbox.folder,
        writes=mailbox.after != Mailbox.After.LEAVE,
    )


def _token(mailbox: Mailbox, now: datetime, *, fresh: bool) -> str:
    if not fresh and mailbox.access_token and mailbox.access_until and mailbox.access_until - EARLY > now:
        return decrypt(mailbox.access_token)
    from cases.mail import oauth  # it speaks HTTP: only who needs it waits for that to load

    secret, refresh = (decrypt(kept) if kept else "" for kept in (mailbox.client_secret, mailbox.refresh_token))
    token = oauth.ask(oauth.Grant(mailbox.token_url, mailbox.client_id, secret, refresh, mailbox.scope))
    mailbox.keep_token(
        encrypt(token.access_token), now + token.holds, encrypt(token.refresh_token) if token.refresh_token else ""
    )
    return token.access_token


def connect(
    mailbox: Mailbox, *, now: datetime, alive: Callable[[], None] = lambda: None, patience: float = TIMEOUT
) -> Line:
    """A line that is signed in, with the folder open. A token the server does not take is renewed once: it may have been
    withdrawn before its time."""
    had = mailbox.access_token
    try:
        return _signed_in(access(mailbox, now=now), alive, patience)
    except Trouble as trouble:
        if trouble.word != "sign_in" or not had or mailbox.access_token != had:
            raise
    return _signed_in(access(mailbox, now=now, fresh_token=True), alive, patience)


def _signed_in(where: Access, alive: Callable[[], None], patience: float) -> Line:
    line = Line(where, timeout=patience, alive=alive)
    try:
        line.sign_in()
    except Trouble:
        line.close()
        raise
    return line


# --- what is done over it


@dataclass
class Visit:
    """One line to one mailbox held by `owner`, and what is done over it: `begin` once, then `look` again and again."""

    mailbox: Mailbox
    line: Line
    owner: str
    clock: Callable[[], datetime] = timezone.now
    compared_at: datetime | None = None
    warning: Trouble | None = None
    _missing: set[int] = field(default_factory=set)
    _found: list[int] = field(default_factory=list)
    _tries: dict[int, MailboxMail] = field(default_factory=dict)  # what failed before, by UID
    _arrived: dict[int, datetime] = field(default_factory=dict)  # of what is missing, as far as asked

    # --- another line, perhaps another life of the mailbox

    def begin(self) -> None:
        """UIDs mean what they meant, or everything is read again: another UIDVALIDITY, or a server put back to an
        earlier day, which gives out the same UIDs a second time."""
        behind = 0 < self.line.uidnext <= self.mailbox.last_uid
        if self.mailbox.uidvalidity != self.line.uidvalidity or behind:
            self._begin_anew()
        self._settle()

    def _begin_anew(self) -> None:
        if self.mailbox.uidvalidity:
            log.warning("mailbox %s: its UIDs begin anew; everything in it is read again", self.mailbox.pk)
        self.mailbox.mails.filter(uidvalidity=self.line.uidvalidity).delete()
        if self.mailbox.reads_from:
            self._pass_over(self.mailbox.reads_from - MARGIN)
        with transaction.atomic():
            self.mailbox.fence(self.owner)
            self.mailbox.reached(self.clock(), uidvalidity=self.line.uidvalidity, last_uid=0)

    def _pass_over(self, start: datetime) -> None:
        """What was there before the start. Only at the first look: what is put into the folder later is read, however
        old it is."""
        for uid_s in _runs(self.line.uids(), SIZES):
            heads = self.line.heads(uid_s)
            old = {u: head for u, head in heads.items() if head.arrived_at and head.arrived_at < start}
            self._write([self._row(uid, head, state=State.OLD) for uid, head in old.items()])

    # --- one look

    def look(self) -> int:
        """Fetch what is there and not stored; how many mails were stored. Afterwards the mailbox says how things are."""
        self.warning = None
        self._survey(self.line.look())
        if self._missing:
            self._write([])  # one large mail may take its time: it is said that we are at it
        stored = 0
        for uid_s in _runs(sorted(self._missing - self._tries.keys()), SIZES):
            heads = self.line.heads(uid_s)
            self._arrived |= {uid: head.arrived_at for uid, head in heads.items() if head.arrived_at}
            self._missed(set(uid_s) - heads.keys(), {})
            stored += sum(self._fetch(batch, careful=bool(self.mailbox.failures)) for batch in _batches(heads))
        now = self.clock()
        for row in [r for r in self._tries.values() if r.next_try_at is None or r.next_try_at <= now]:
            stored += self._try_again(row)
        self._settle()
        self._conclude()
        return stored

    def _survey(self, count: int) -> None:
        """What the server has beyond the mark, and now and then everything, against what is stored."""
        self.mailbox.server_count, now = count, self.clock()
        whole = self.compared_at is None or now - self.compared_at >= COMPARE_EVERY
        rows = self.mailbox.mails.filter(uidvalidity=self.line.uidvalidity)
        self._tries = {row.uid: row for row in rows.filter(state=State.FAILING)}
        after = 0 if whole else min([self.mailbox.last_uid, *(uid - 1 for uid in self._tries)])
        self._found = self.line.uids(after)
        known = set(rows.done().filter(uid__gt=after).values_list("uid", flat=True))
        self._missing = set(self._found) - known
        if gone := [row.pk for uid, row in self._tries.items() if uid not in self._missing]:
            rows.filter(pk__in=gone).update(state=State.GONE, next_try_at=None)
            self._tries = {uid: row for uid, row in self._tries.items() if uid in self._missing}
        self._arrived = {uid: row.arrived_at for uid, row in self._tries.items() if row.arrived_at}
        self.compared_at = now if whole else self.compared_at

    def _conclude(self) -> None:
        """All is stored, or shown as not to be had for the time being."""
        with transaction.atomic():
            self.mailbox.fence(self.owner)
            self._tell_how_it_stands()
            self.mailbox.succeeded(self.clock(), warning=self.warning.word if self.warning else "",
                                   detail=self.warning.detail if self.warning else "")  # fmt: skip

    # --- fetching

    def _fetch(self, heads: dict[int, Head], *, careful: bool) -> int:
        """Some mails at once; singly where the last line broke, because one of them may be what breaks it."""
        if careful or next(iter(heads.values())).size > LARGEST:
            return sum(self._singly(uid, head) for uid, head in heads.items())
        try:
            bodies = self._bodies(heads)
        except Trouble as trouble:
            if trouble.word != "refused":
                raise
            return sum(self._singly(uid, head) for uid, head in heads.items())
        self._keep({uid: (heads[uid], self._store(raw, heads[uid].arrived_at)) for uid, raw in bodies.items()})
        self._missed(heads.keys() - bodies.keys(), heads)
        return len(bodies)

    def _singly(self, uid: int, head: Head) -> int:
        """One mail, its try counted before it is made: it may break the line every time."""
        row = self._row(uid, head, state=State.FAILING, error="lost")
        self._count(row)
        return self._one(row)

    def _try_again(self, row: MailboxMail) -> int:
        """The same for one that failed before."""
        if row.attempts > len(PAUSES):  # and nobody lived to say how the last one went
            self._give_up_if_last(row, row.error)
            return 0
        head = self.line.heads([row.uid]).get(row.uid)
        row.size, row.arrived_at = (head.size, head.arrived_at) if head else (row.size, row.arrived_at)
        self._count(row)
        return self._one(row)

    def _count(self, row: MailboxMail) -> None:
        row.attempts += 1
        last = row.attempts > len(PAUSES)
        row.next_try_at = None if last else self.clock() + PAUSES[row.attempts - 1]
        self._tries[row.uid] = row
        self._write([row])

    def _one(self, row: MailboxMail) -> int:
        try:
            item = self._large(row) if row.size > LARGEST else self._body(row)
        except Trouble as trouble:
            if trouble.word != "refused":
                self._give_up_if_last(row, trouble.word)
                raise
            item, row.error = None, trouble.word
        if item is None:
            self._give_up_if_last(row, row.error if row.error == "refused" else "withheld")
            return 0
        self._keep({row.uid: (Head(row.size, row.arrived_at), item)})
        return 1

    def _body(self, row: MailboxMail) -> InboundItem | None:
        raw = self._bodies({row.uid: Head(row.size, row.arrived_at)}).get(row.uid)
        return None if raw is None else self._store(raw, row.arrived_at)

    def _bodies(self, heads: dict[int, Head]) -> dict[int, bytes]:
        """Servers hand out nothing in place of a mail that was expunged a moment ago: that is no empty mail."""
        bodies = self.line.bodies(list(heads))
        return {uid: raw for uid, raw in bodies.items() if raw or not heads[uid].size}

    def _give_up_if_last(self, row: MailboxMail, word: str) -> None:
        row.error = word
        if row.attempts > len(PAUSES):
            log.error("mailbox %s: mail %s could not be fetched in %s tries", self.mailbox.pk, row.uid, row.attempts)
            row.state = State.SKIPPED
            self._missing.discard(row.uid)
            self._tries.pop(row.uid, None)
        self._write([row])

    def _missed(self, uids: set[int], heads: dict[int, Head]) -> None:
        """What was asked for and not handed out: gone by now, or withheld."""
        if not uids:
            return
        self.line.look()
        there = uids & set(self.line.uids(min(uids) - 1))
        self._missing -= uids - there
        self._found = [uid for uid in self._found if uid not in uids - there]
        for uid in sorted(there):
            self._count(self._row(uid, heads.get(uid), state=State.FAILING, error="withheld"))

    # --- keeping

    def _store(self, raw: bytes, arrived_at: datetime | None) -> InboundItem:
        """Committed when this returns; what it says is read elsewhere."""
        return arriving.store(raw, mailbox=self.mailbox, now=self.clock(), arrived_at=arrived_at)[0]

    def _large(self, row: MailboxMail) -> InboundItem:
        """Too large to be taken in. Somebody wrote all the same: its header becomes a message that says what is missing."""
        head = self.line.header(row.uid, HEADER)
        at = row.arrived_at
        return arriving.store(head, mailbox=self.mailbox, now=self.clock(), arrived_at=at, size=row.size)[0]

    def _keep(self, stored: dict[int, tuple[Head, InboundItem]]) -> None:
        """Rows for what is stored; then the mark may pass it."""
        rows = [self._row(uid, head, item=item) for uid, (head, item) in stored.items()]
        self._missing -= stored.keys()
        for uid in stored:
            self._tries.pop(uid, None)
        self._write(rows)

    def _row(self, uid: int, head: Head | None, *, item: InboundItem | None = None,
             state: str = State.STORED, error: str = "") -> MailboxMail:  # fmt: skip
        return MailboxMail(
            mailbox=self.mailbox,
            uidvalidity=self.line.uidvalidity,
            uid=uid,
            item=item,
            state=state,
            size=head.size if head else 0,
            arrived_at=head.arrived_at if head else None,
            error=error,
            is_settled=state != State.STORED or self.mailbox.after == Mailbox.After.LEAVE,
        )

    @transaction.atomic
    def _write(self, rows: Sequence[MailboxMail]) -> None:
        """Rows and mark in one commit, unless another process holds the mailbox by now."""
        self.mailbox.fence(self.owner)
        MailboxMail.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["mailbox", "uidvalidity", "uid"],
            update_fields=["item", "state", "size", "arrived_at", "error", "attempts", "next_try_at", "is_settled"],
        )
        if self.mailbox.uidvalidity == self.line.uidvalidity:
            self._tell_how_it_stands()

    def _tell_how_it_stands(self) -> None:
        oldest = min(map(self._waits_since, self._missing), default=None)
        self.mailbox.reached(
            self.clock(),
            last_uid=max(self.mailbox.last_uid, self._mark()),
            server_count=self.mailbox.server_count,
            waiting=len(self._missing),
            waiting_since=oldest,
            is_pushed=self.line.has_idle,
            doing="fetching",
        )

    def _waits_since(self, uid: int) -> datetime:
        """Since it arrived; but at the last success nothing waited, whatever the server's clock says. What failed since
        then does."""
        arrived = self._arrived.get(uid) or self.clock()
        before = None if uid in self._tries else self.mailbox.last_success_at
        return max(arrived, before) if before else arrived

    def _mark(self) -> int:
        """The last UID before the first that is still missing."""
        first = min(self._missing, default=None)
        return max((uid for uid in self._found if first is None or uid < first), default=0)

    # --- on the server, afterwards

    def _settle(self) -> None:
        """Mark or move what is stored and committed; what a crash left undone included."""
        rows = self.mailbox.mails.filter(is_settled=False, state=State.STORED, uidvalidity=self.line.uidvalidity)
        uids = sorted(rows.values_list("uid", flat=True))
        if not uids:
            return
        try:
            if self.mailbox.after == Mailbox.After.SEEN:
                self.line.mark_seen(uids)
            elif self.mailbox.after == Mailbox.After.MOVE:
                self.line.move(uids, self.mailbox.after_folder)
        except Trouble as trouble:
            if trouble.word not in {"refused", "cannot_move"}:
                raise
            self.warning = trouble
            return
        rows.filter(uid__in=uids).update(is_settled=True)


def _runs(uids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (uids[at : at + size] for at in range(0, len(uids), size))


def _batches(heads: dict[int, Head]) -> Iterator[dict[int, Head]]:
    """In order, so many at once that memory is bounded; a large one alone."""
    batch: dict[int, Head] = {}
    for uid, head in sorted(heads.items()):
        if batch and (len(batch) == MANY or sum(h.size for h in batch.values()) + head.size > TOGETHER):
            yield batch
            batch = {}
        batch[uid] = head
    if batch:
        yield batch
