"""How a mail that was read comes back from the child: JSON of our own shape, then the files' bytes.

The child has had a stranger's bytes in its hands, so whoever asked believes nothing it says: every value is looked at,
and what has not exactly this shape is refused. Nothing is ever unpickled.
"""

import json
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from socket import socket
from typing import Any, TypeVar

from cases.file import File
from cases.mail.parsed import Fold, ParsedMail, Person, Report

HEAD = struct.Struct(">cQ")  # what it is, and how many bytes follow
MAIL, QUICK, READ, FAILED = b"M", b"Q", b"R", b"F"  # QUICK: a mail, for a quick look only
_UNSOUND = re.compile("[\x00\ud800-\udfff]")
T = TypeVar("T")


class Malformed(Exception):
    """Not what our child would say."""


@dataclass(frozen=True)
class Cost:
    """What reading a mail took: seconds of processor time, and the most memory at once in MB."""

    cpu: float = 0.0
    rss: float = 0.0


def send(out: socket, kind: bytes, *pieces: bytes) -> None:
    out.sendall(HEAD.pack(kind, sum(map(len, pieces))))
    for piece in pieces:
        out.sendall(piece)


def failure(reason: str, detail: str, cost: Cost) -> bytes:
    return json.dumps({"reason": reason, "detail": detail[:200], "cpu": cost.cpu, "rss": cost.rss}).encode()


def failed(payload: bytes) -> tuple[str, str, Cost]:
    said = _loads(payload)
    return _text(said.get("reason")), _text(said.get("detail")), _cost(said)


def pack(parsed: ParsedMail, cost: Cost) -> list[bytes]:
    """A mail as pieces to send: a length, JSON, the files."""
    said = {
        "sender": _pair(parsed.sender),
        "sender_sure": parsed.sender_sure,
        "subject": parsed.subject,
        "text": parsed.text,
        "folds": [[fold.start, fold.end, fold.kind] for fold in parsed.folds],
        "html": parsed.html,
        "files": [[file.name, file.content_type, len(file.data), file.content_id] for file in parsed.files],
        "date": parsed.date.isoformat() if parsed.date else "",
        "message_id": parsed.message_id,
        "in_reply_to": parsed.in_reply_to,
        "references": parsed.references,
        "reply_to": [_pair(person) for person in parsed.reply_to],
        "to": [_pair(person) for person in parsed.to],
        "cc": [_pair(person) for person in parsed.cc],
        "language": parsed.language,
        "auto": parsed.auto,
        "reports": [[r.recipient, r.action, r.status, r.diagnostic, r.original_id] for r in parsed.reports],
        "headers": parsed.headers,
        "body_hash": parsed.body_hash,
        "faults": parsed.faults,
        "cpu": cost.cpu,
        "rss": cost.rss,
    }
    packed = json.dumps(said, ensure_ascii=False).encode()
    return [struct.pack(">Q", len(packed)), packed, *(file.data for file in parsed.files)]


def unpack(payload: bytes) -> tuple[ParsedMail, Cost]:
    """The mail and what it cost. Raises Malformed."""
    if len(payload) < 8:
        raise Malformed("short")
    (length,) = struct.unpack_from(">Q", payload)
    said = _loads(payload[8 : 8 + length])
    try:
        return _parsed(said, _cut(payload, 8 + length)), _cost(said)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Malformed(type(error).__name__) from error


def _parsed(said: dict[str, Any], take: Callable[[int], bytes]) -> ParsedMail:
    text = _text(said["text"])
    return ParsedMail(
        sender=_person(said["sender"]),
        sender_sure=_flag(said["sender_sure"]),
        subject=_text(said["subject"]),
        text=text,
        folds=_folds(said["folds"], len(text)),
        html=_text(said["html"]),
        files=tuple(_several(said["files"], lambda one: _file(one, take))),
        date=_date(_text(said["date"])),
        message_id=_text(said["message_id"]),
        in_reply_to=tuple(_several(said["in_reply_to"], _text)),
        references=tuple(_several(said["references"], _text)),
        reply_to=tuple(_several(said["reply_to"], _person)),
        to=tuple(_several(said["to"], _person)),
        cc=tuple(_several(said["cc"], _person)),
        language=_text(said["language"]),
        auto=_text(said["auto"]),
        reports=tuple(_several(said["reports"], lambda one: Report(*_texts(one, 5)))),
        headers=_headers(said["headers"]),
        body_hash=_text(said["body_hash"]),
        faults=tuple(_several(said["faults"], _text)),
    )


def _loads(payload: bytes) -> dict[str, Any]:
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Malformed("no JSON") from error
    if not isinstance(said, dict):
        raise Malformed("no object")
    return said


def _cut(payload: bytes, start: int) -> Callable[[int], bytes]:
    """Takes so many bytes, in turn."""
    at = start

    def take(size: int) -> bytes:
        nonlocal at
        at += size
        if not 0 <= size <= len(payload) or at > len(payload):
            raise Malformed("short")
        return payload[at - size : at]

    return take


def _pair(person: Person) -> list[str]:
    return [person.name, person.email]


def _text(value: object) -> str:
    if not isinstance(value, str) or _UNSOUND.search(value):
        raise Malformed("no text")
    return value


def _texts(value: object, count: int) -> list[str]:
    found = list(_several(value, _text))
    if len(found) != count:
        raise Malformed("no texts")
    return found


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed("no number")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Malformed("no flag")
    return value


def _several(value: object, one: Callable[[Any], T]) -> Iterator[T]:
    if not isinstance(value, list):
        raise Malformed("no list")
    return (one(item) for item in value)


def _person(value: object) -> Person:
    return Person(*_texts(value, 2))


def _file(value: list[Any], take: Callable[[int], bytes]) -> File:
    name, kind, size, content_id = value
    return File(_text(name), _text(kind), take(_number(size)), _text(content_id))


def _folds(value: object, length: int) -> tuple[Fold, ...]:
    found, at = [], 0
    for start, end, kind in _several(value, list):
        if not at <= _number(start) <= _number(end) <= length:
            raise Malformed("no stretch")
        found.append(Fold(start, end, _text(kind)))
        at = end
    return tuple(found)


def _date(said: str) -> datetime | None:
    if not said:
        return None
    date = datetime.fromisoformat(said)
    if date.tzinfo is None:
        raise Malformed("no zone")
    return date


def _headers(value: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise Malformed("no headers")
    return {_text(name): tuple(_several(values, _text)) for name, values in value.items()}


def _cost(said: dict[str, Any]) -> Cost:
    cpu, rss = said.get("cpu"), said.get("rss")
    if not isinstance(cpu, int | float) or not isinstance(rss, int | float):
        raise Malformed("no cost")
    return Cost(float(cpu), float(rss))
