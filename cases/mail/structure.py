"""The parts of a mail, found on its bytes.

One walk from front to back over the lines that are boundaries; a stack instead of recursion; nothing is decoded or
copied. So a mail of a thousand nestings or a million boundaries costs what reading it once costs, and a part is exactly
the bytes that were sent: a nested mail, a signed part.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cases.mail import headers, parameters
from cases.mail.headers import Block
from cases.mail.parameters import Value

DEEPEST = 20
MOST = 200
_MOST_MISSES = 10  # multiparts whose boundary is looked for in vain; each costs a look at the whole rest
_MOST_BLANK = 64 * 1024
_LONGEST_BOUNDARY = 1000  # RFC 2046 allows 70
_ENVELOPE = re.compile(rb">?From (?![ \t]*:)[^\r\n]*+\r?\n")  # the line an mbox puts before a mail
# A line that could begin a part, for a multipart that names no boundary, or another: dashes, then a header or nothing.
_SOME_BOUNDARY = re.compile(rb"\n--(-{0,70}[^\s-][^\r\n]{0,199}?)[ \t]*\r?\n(?:\r?\n|content-)", re.IGNORECASE)
_TYPE = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+/-]{1,150}\Z", re.ASCII)
_BARE = {"text": "text/plain", "html": "text/html", "multipart": "multipart/mixed"}
NOTHING = Value()


@dataclass
class Part:
    """A part and where it lies: its headers, and its body from `start` to `end`."""

    headers: Block
    kind: str  # its media type
    type: Value
    start: int
    end: int = -1
    parent: str = ""  # the kind of multipart it stands in; "" for the mail itself
    first: bool = True  # of its siblings
    children: list["Part"] = field(default_factory=list)
    disposition: Value = NOTHING

    @property
    def is_multipart(self) -> bool:
        return bool(self.children)

    def leaves(self) -> Iterator["Part"]:
        """Everything in it that is not a multipart, in order."""
        for child in self.children:
            yield from child.leaves()
        if not self.children:
            yield self


@dataclass(frozen=True)
class Mail:
    """A mail's bytes as they are read, its outermost part, and what was wrong with its structure, in words."""

    raw: bytes
    root: Part
    faults: tuple[str, ...]

    def content(self, part: Part) -> bytes:
        return self.raw[part.start : part.end]


def scan(raw: bytes) -> Mail:
    """The structure of a mail, whatever the bytes are."""
    raw, at = _door(raw)
    return _Scan(raw).run(at)


def _door(raw: bytes) -> tuple[bytes, int]:
    """The mail without what some put before it; with lines, where they end in the fashion of old Macs."""
    first = raw[: raw.find(b"\n") + 1 or len(raw)].rstrip(b"\r\n")
    if b"\r" in first and headers.begin(first.partition(b"\r")[2].lstrip(b"\r")):
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    at = 3 if raw.startswith(b"\xef\xbb\xbf") else 0
    blank = raw[at : at + _MOST_BLANK]
    bare = blank.lstrip(b" \t\r\n")
    if headers.begin(bare) or _ENVELOPE.match(bare):
        at += len(blank) - len(bare)
    envelope = _ENVELOPE.match(raw, at)
    return raw, envelope.end() if envelope else at


class _Scan:
    """One walk. `open` are the multiparts the walk is inside, outermost first, each with its boundary."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.open: list[tuple[bytes, Part]] = []
        self.pattern: re.Pattern[bytes] | None = None
        self.current: Part | None = None  # the leaf being passed
        self.count = self.misses = 0
        self.faults: set[str] = set()

    def run(self, at: int) -> Mail:
        root = self._part(at, None)
        at = max(root.start - 1, 0)
        while self.pattern and (found := self.pattern.search(self.raw, at)):
            boundary, closing = found[1], found[2]
            self._leave(boundary, found.start())
            if closing:
                self._close(found.start())
                at = found.end()
            elif self.count >= MOST:
                self.faults.add("too_many_parts")
                break
            else:
                at = max(self._part(self._after(found.end()), self.open[-1][1]).start - 1, 0)
        self._finish(root)
        return Mail(self.raw, root, tuple(sorted(self.faults)))

    def _part(self, at: int, parent: Part | None) -> Part:
        """The part whose headers begin at `at`; opened if it has parts of its own."""
        block = headers.read(self.raw, at, self.pattern, of_part=parent is not None)
        self.faults.update(block.faults)
        self.count += 1
        said = parameters.parse(block.first("content-type"))
        part = Part(
            block,
            _kind(said, parent),
            said,
            block.end,
            parent=parent.kind if parent else "",
            first=not parent or not parent.children,
            disposition=parameters.parse(block.first("content-disposition")),
        )
        if parent:
            parent.children.append(part)
        self.current = part
        if part.kind.startswith("multipart/"):
            self._open(part)
        return part

    def _open(self, part: Part) -> None:
        if len(self.open) >= DEEPEST:
            self.faults.add("too_deep")
            return
        if boundary := self._boundary(part):
            self.open.append((boundary, part))
            self.current = None
            self._compile()

    def _boundary(self, part: Part) -> bytes:
        """The boundary a multipart names, if it is there; else one that is. b"" where there is none."""
        at = max(part.start - 1, 0)
        named = part.type.get("boundary").encode("utf-8", "replace").rstrip()[:_LONGEST_BOUNDARY]
        if named and self.misses < _MOST_MISSES and self._stands(b"\n--" + named, at):
            return named
        self.faults.add("no_boundary")
        self.misses += 1
        guess = _SOME_BOUNDARY.search(self.raw, at) if self.misses < _MOST_MISSES else None
        return b"" if guess is None or any(guess[1] == boundary for boundary, _part in self.open) else guess[1]

    def _stands(self, line: bytes, at: int) -> bool:
        """Is there such a line, or one that goes on as a boundary may? Its first hundred likenesses are looked at."""
        for _likeness in range(100):
            at = self.raw.find(line, at)
            if at < 0:
                return False
            at += len(line)
            if self.raw[at : at + 1].isspace() or self.raw[at : at + 2] == b"--" or at == len(self.raw):
                return True
        return True

    def _compile(self) -> None:
        """One pattern for all open boundaries, so that the search runs at the speed of the bytes. Innermost first, and
        a longer one before another that it begins with."""
        names = sorted({boundary for boundary, _part in self.open}, key=len, reverse=True)
        either = b"|".join(re.escape(name) for name in names)
        self.pattern = re.compile(rb"\n--(" + either + rb")(--)?[ \t]*(?=\r?\n|\r?\Z)") if names else None

    def _leave(self, boundary: bytes, at: int) -> None:
        """The parts that a boundary ends: the leaf before it, and multiparts inside that never said so themselves."""
        self._end(self.current, at)
        self.current = None
        while self.open[-1][0] != boundary:
            self.faults.add("not_closed")
            self._end(self.open.pop()[1], at)
        self._compile()

    def _close(self, at: int) -> None:
        self._end(self.open.pop()[1], at)
        self._compile()

    def _end(self, part: Part | None, at: int) -> None:
        """A part ends before the line end that belongs to the boundary."""
        if part:
            before = at - 1 if self.raw[at - 1 : at] == b"\r" and self.raw[at : at + 1] == b"\n" else at
            part.end = max(part.start, before)

    def _after(self, at: int) -> int:
        return self.raw.find(b"\n", at) + 1 or len(self.raw)

    def _finish(self, root: Part) -> None:
        """What the end of the mail ends."""
        if self.open:
            self.faults.add("not_closed")
        for part in [self.current, *(part for _boundary, part in self.open), root]:
            if part and part.end < 0:
                part.end = len(self.raw)
        if root.kind.startswith("multipart/") and not root.children:
            self.faults.add("no_parts")


def _kind(said: Value, parent: Part | None) -> str:
    """The media type: text unless it says so (RFC 2045 5.2), a mail in a digest."""
    if _TYPE.match(said.kind):
        return said.kind
    if said.kind in _BARE:
        return _BARE[said.kind]
    if said.kind:
        return "application/octet-stream"
    return "message/rfc822" if parent and parent.kind == "multipart/digest" else "text/plain"
