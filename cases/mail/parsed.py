"""What a mail says once it is read: the one shape between reading (`reading`, in a limited child) and intake."""

import re
from dataclasses import dataclass, field
from datetime import datetime

from cases.file import File

_OUTER_LINES = re.compile(r"\A(?:[^\S\r\n]*+(?:\r\n|\r|\n))++")


@dataclass(frozen=True)
class Person:
    """A name and a mail address as a header gives them. The address is as written, not normalised; "" where none is."""

    name: str
    email: str


@dataclass(frozen=True)
class Fold:
    """A stretch of the text that is shown folded: characters start to end; kind is "quote" or "signature"."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Report:
    """One recipient of a delivery report (RFC 3464): `action` is failed, delayed, delivered, relayed or expanded;
    `status` the enhanced code ("5.1.1"); `original_id` the Message-ID of the mail it is about."""

    recipient: str
    action: str
    status: str
    diagnostic: str
    original_id: str


@dataclass(frozen=True)
class ParsedMail:
    """A mail, read within limits. Texts are sound Unicode without NUL; ids have no angle brackets."""

    sender: Person
    # Exactly one From with exactly one address, on which every way of reading agrees; else nobody is believed.
    sender_sure: bool
    subject: str
    text: str  # what a person reads: the plain part, else the HTML's words; quotes and signature included
    folds: tuple[Fold, ...] = ()
    html: str = ""  # harmless already (cases.mail.html.harmless); empty where the mail has none
    files: tuple[File, ...] = ()  # every part that is not the body: inline pictures, nested mails, uuencoded, TNEF
    date: datetime | None = None  # as the sender says; aware
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    reply_to: tuple[Person, ...] = ()
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    language: str = ""
    auto: str = ""  # "" from a person; else bounce, receipt, auto_reply, list, robot (cases.mail.automatic)
    reports: tuple[Report, ...] = ()  # of a bounce
    # The headers flows ask for (names in lower case, values unfolded and clipped, in order).
    headers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    body_hash: str = ""  # sha256 over the decoded bodies and files, whatever their encoding on the way
    faults: tuple[str, ...] = ()  # what was clipped or guessed, in enumerated words

    @property
    def new_text(self) -> str:
        """The text without its folds: what is new in this mail. Its first line keeps its indentation."""
        kept, at = [], 0
        for fold in self.folds:
            kept.append(self.text[at : fold.start])
            at = fold.end
        return _OUTER_LINES.sub("", "".join([*kept, self.text[at:]])).rstrip()
