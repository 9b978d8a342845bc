"""What a case of the corpus is: how it is built, and what must become of it."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cases.mail.parsed import ParsedMail

Check = Callable[[ParsedMail], bool]
FAMILIES = ("structure", "packing", "headers", "charsets", "markup", "files", "identity", "loops")
_CASES: dict[str, "Case"] = {}


@dataclass(frozen=True)
class Case:
    """A mail nobody should have to read. `expect` names fields of what is read and their values: a plain value is equal
    to it, a function says whether it is right. Nothing expected: it is read soundly within its limits, whatever it says."""

    name: str
    family: str  # of the bad inputs: B1 structure, B2 headers, B3 HTML, B4 attachments, B5 identity, B6 loops
    build: Callable[[], bytes]
    expect: dict[str, Any] = field(default_factory=dict)
    large: bool = False  # more than a megabyte to build: once in a short run is enough

    def misses(self, parsed: ParsedMail) -> list[str]:
        """What was read otherwise than it must be."""
        found = []
        for name, wanted in self.expect.items():
            seen = _seen(parsed, name)
            if not (wanted(seen) if callable(wanted) else wanted == seen):
                found.append(f"{name} is {seen!r:.300}, not {wanted!r:.300}")
        return found


def _seen(parsed: ParsedMail, name: str) -> Any:
    if name == "count":
        return len(parsed.files)
    if name == "names":
        return [file.name for file in parsed.files]
    if name == "types":
        return [file.content_type for file in parsed.files]
    if name == "data":
        return [file.data for file in parsed.files]
    if name == "email":
        return parsed.sender.email
    if name == "named":
        return parsed.sender.name
    return getattr(parsed, name)


def mail(family: str, *, large: bool = False, **expect: Any) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """Adds a builder to the corpus."""

    def add(build: Callable[[], bytes]) -> Callable[[], bytes]:
        put(family, build.__name__, build, large=large, **expect)
        return build

    return add


def put(family: str, name: str, build: Callable[[], bytes] | bytes, /, *, large: bool = False, **expect: Any) -> None:
    assert name not in _CASES, name
    _CASES[name] = Case(name, family, build if callable(build) else lambda: build, expect, large)


def every() -> list[Case]:
    for family in FAMILIES:
        importlib.import_module(f"tests.mailcorpus.{family}")
    return list(_CASES.values())


HEAD = b"From: Ann <ann@b.example>\nTo: support@c.example\nSubject: Hello\nDate: Mon, 2 Mar 2026 10:00:00 +0100\nMessage-ID: <1@b.example>\n"


def plain(extra: bytes = b"", body: bytes = b"Hello\n") -> bytes:
    """A good mail but for what is added."""
    return HEAD + extra + b"\n" + body


def parts(*inside: bytes, kind: bytes = b"mixed", boundary: bytes = b"b", extra: bytes = b"") -> bytes:
    """A multipart of ready parts, each with its headers, closed."""
    head = HEAD + extra + b"Content-Type: multipart/" + kind + b'; boundary="' + boundary + b'"\n\n'
    return head + b"".join(b"--" + boundary + b"\n" + part + b"\n" for part in inside) + b"--" + boundary + b"--\n"


def part(kind: bytes, body: bytes, extra: bytes = b"") -> bytes:
    return b"Content-Type: " + kind + b"\n" + extra + b"\n" + body


def contains(*words: str) -> Callable[[str], bool]:
    return lambda seen: all(word in seen for word in words)


def says(*faults: str) -> Callable[[tuple[str, ...]], bool]:
    return lambda seen: set(faults) <= set(seen)


PICTURES_AND_ALL = parts(
    part(b"text/plain; charset=utf-8", "Grüße\n\n> quoted\n".encode()),
    part(
        b"image/png",
        b"iVBORw0KGgo=",
        b'Content-Transfer-Encoding: base64\nContent-Disposition: inline; filename="a.png"\nContent-ID: <1@b>\n',
    ),
    part(b"message/rfc822", plain()),
    extra=b"Cc: x@y.example\nReferences: <a@b> <c@d>\n",
)
