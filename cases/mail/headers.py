"""A mail's headers: cut out of the bytes, clipped before anything decodes them, and read.

What is found is handed to the library's oldest and plainest policy, `compat32`, which splits and decodes nothing by
itself: its newer ones spend minutes and gigabytes on a few hundred kilobytes of hostile header.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import parsedate_to_datetime

from cases.mail import words

LONGEST = 16 * 1024  # bytes of one header
MOST = 500  # headers of a mail
MOST_OF_PART = 50  # and of one of its parts, where only those about its content count
LONGEST_ID = 998  # a line of RFC 5322
MOST_IDS = 100
_PARSER = BytesHeaderParser(policy=compat32)
_NAME = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
# What cannot be text by chance: a line that begins like this is a header, even after one that makes no sense.
_KNOWN = re.compile(
    rb"(from|to|cc|bcc|subject|date|message-id|mime-version|received|reply-to|references|in-reply-to|return-path|sender"
    rb"|delivered-to|content-[a-z-]{1,30}|list-[a-z-]{1,30}|x-[a-z0-9-]{1,60}|dkim-signature|auto-submitted)[ \t]*:",
    re.IGNORECASE,
)
_EMPTY = re.compile(rb"\r?\n")
_EMPTY_BELOW = re.compile(rb"\n\r?\n")
_LAST_LINE_END = re.compile(rb"\n(?![ \t])")  # of a header, the lines it is folded into included
_THREADING = (b"references", b"in-reply-to")  # their end names the nearest mails: it is kept beside the beginning
_ID = re.compile(r"<([^<>\s]{1,998})>")
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:")
_COMMENT = re.compile(r"\([^()]*\)")


@dataclass(frozen=True)
class Block:
    """The headers that begin a mail or part, where what follows them begins, and what was wrong, in words."""

    message: Message
    end: int
    faults: tuple[str, ...] = ()

    def all(self, name: str) -> list[bytes]:
        """The values of a header, in order, as they stand in the mail."""
        return [_bytes(value) for key, value in self.message.raw_items() if key.lower() == name]

    def first(self, name: str) -> bytes:
        return next(iter(self.all(name)), b"")

    def items(self) -> Iterator[tuple[str, bytes]]:
        return ((key.lower(), _bytes(value)) for key, value in self.message.raw_items())


def read(raw: bytes, at: int, boundary: re.Pattern[bytes] | None = None, *, of_part: bool = False) -> Block:
    """The headers that begin at `at`. They end at an empty line, at a line that is a boundary, or where something stands
    that cannot be a header. Each costs one search for its end, however often it is folded."""
    most = MOST_OF_PART if of_part else MOST
    spans, end, faults = _spans(raw, at, boundary)
    if of_part:
        spans = [(a, b) for a, b in spans if raw[a : a + 8].lower() == b"content-"]
    if len(spans) > most:
        faults.add("too_many_headers")
    lines = [_clipped(raw[a:b], faults) for a, b in spans[:most]]
    return Block(_PARSER.parsebytes(b"".join(lines) + b"\n"), end, tuple(sorted(faults)))


def begin(line: bytes) -> bool:
    """Could a header begin here?"""
    return bool(_NAME.match(line))


def _spans(raw: bytes, at: int, boundary: re.Pattern[bytes] | None) -> tuple[list[tuple[int, int]], int, set[str]]:
    """Where each header begins and ends, folds included, and where they all end."""
    spans: list[tuple[int, int]] = []
    faults: set[str] = set()
    while at < len(raw):
        if blank := _EMPTY.match(raw, at):
            return spans, blank.end(), faults
        if boundary and boundary.match(raw, at - 1):
            return spans, at, faults
        if len(spans) > MOST:
            return spans, _end(raw, at, boundary), faults
        found = _LAST_LINE_END.search(raw, at)
        after = found.end() if found else len(raw)
        if _NAME.match(raw, at):
            spans.append((at, after))
        elif _KNOWN.match(raw, after):
            faults.add("odd_header")
        else:
            faults.add("no_empty_line")
            return spans, at, faults
        at = after
    return spans, at, faults


def _end(raw: bytes, at: int, boundary: re.Pattern[bytes] | None) -> int:
    """The end of more headers than anybody reads."""
    empty = _EMPTY_BELOW.search(raw, at)
    ends = boundary.search(raw, at, empty.start() if empty else len(raw)) if boundary else None
    return ends.start() + 1 if ends else empty.end() if empty else len(raw)


def _clipped(header: bytes, faults: set[str]) -> bytes:
    """One header, within its limit and without what would make two of it."""
    name, _colon, value = header.partition(b":")
    name, value = name.rstrip(b" \t"), value.rstrip(b"\r\n")
    if len(value) > LONGEST:
        faults.add("long_header")
        value = _both_ends(value) if name.lower() in _THREADING else value[:LONGEST]
        value = value.rstrip(b"\r\n")
    if b"\r" in value:
        value = value.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    return name + b":" + value + b"\n"


def _both_ends(value: bytes) -> bytes:
    return value[: LONGEST // 2] + b" " + value[-LONGEST // 2 :].lstrip()


def _bytes(value: str) -> bytes:
    return value.encode("ascii", "surrogateescape")


def ids(values: list[bytes]) -> tuple[str, ...]:
    """Message-IDs without their angle brackets, each once, in order; at most MOST_IDS, the last of them. Where no
    brackets are, words."""
    text = " ".join(words.unfold(value) for value in values)
    found = _ID.findall(text) or [word.strip("<>") for word in text.split() if len(word) <= LONGEST_ID]
    return tuple(dict.fromkeys(one for one in found if one))[-MOST_IDS:]


def message_id(values: list[bytes]) -> str:
    """The mail's own id; of several the first. One that is too long is cut, and the same each time."""
    text = words.unfold(values[0]) if values else ""
    inner = text.partition("<")[2].partition(">")[0] if "<" in text else text
    return "".join(inner.split())[:LONGEST_ID]


def date(values: list[bytes]) -> datetime | None:
    """When the sender says it was sent. None for what no calendar has."""
    if not values:
        return None
    text = words.unfold(values[0])[:500]
    for _nested in range(3):
        text = _COMMENT.sub(" ", text)
    try:
        said = datetime.fromisoformat(text) if _ISO.match(text) else parsedate_to_datetime(text)
        return (said if said.tzinfo else said.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def language(values: list[bytes]) -> str:
    """The first language tag of a Content-Language or Accept-Language header."""
    for value in values:
        first = re.split(r"[,;\s]", words.unfold(value)[:100].strip())[0]
        if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}", first) and len(first) <= 12:
            return first
    return ""
