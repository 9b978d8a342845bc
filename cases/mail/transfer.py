"""How content was packed for the way (RFC 2045 6, and uuencode), and unpacking it when the packing is broken."""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_SPACE = b" \t\r\n\v\f"
_FOREIGN = 0.05  # a share of other characters above this, and it is not base64 at all
_SOFT_BREAK = re.compile(rb"=[ \t]+(?=\r?\n)")
_PLAIN = frozenset({"", "7bit", "8bit", "binary", "8-bit", "7-bit", "none", "unknown"})
_UU = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})
_MARK = re.compile(rb"^(?:begin[ \t]+[0-7]{3,4}[ \t]+([^\r\n]{1,500})|end[ \t]*)\r?(?:\n|\Z)", re.MULTILINE)


@dataclass(frozen=True)
class Encoded:
    """A uuencoded file inside a text: where it lies, what it is called, what it holds."""

    start: int
    end: int
    name: str
    data: bytes


def encoding(value: bytes) -> str:
    """The name of the encoding a header gives, in lower case."""
    word = re.match(rb"[\s\"']*([\w.+-]{1,40})", value)
    return word[1].decode("ascii", "replace").lower() if word else ""


def unpack(data: bytes, encoded: str) -> tuple[bytes, str]:
    """The content, and a fault in a word or "". What cannot be unpacked is left as it came: nothing is lost."""
    if encoded == "base64":
        return _base64(data)
    if encoded == "quoted-printable":
        return binascii.a2b_qp(_SOFT_BREAK.sub(b"=", data)), ""
    if encoded in _UU:
        found = next(uuencoded(data), None)
        return (found.data, "") if found else (data, "bad_encoding")
    return data, "" if encoded in _PLAIN else "unknown_encoding"


def _base64(data: bytes) -> tuple[bytes, str]:
    """Base64 with strangers in it (a list's footer, a cut end), unless it is no base64 but text."""
    packed = data.translate(None, _SPACE)
    foreign = packed.translate(None, _LETTERS)
    if foreign and b"=" not in packed and len(foreign) > _FOREIGN * len(packed):
        return data, "bad_encoding"
    clean = packed.translate(None, foreign) if foreign else packed
    if not foreign:
        return b"".join(_letters(piece)[0] for piece in clean.split(b"=") if piece), _letters(clean.rstrip(b"="))[1]
    return _letters(clean.partition(b"=")[0])[0], "bad_encoding"


def _letters(piece: bytes) -> tuple[bytes, str]:
    """One run of base64 without its padding; a single letter left over says nothing."""
    over = len(piece) % 4 == 1
    whole = piece[:-1] if over else piece
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4)), "bad_encoding" if over else ""


def uuencoded(text: bytes) -> Iterator[Encoded]:
    """The uuencoded files in a text, in order. A beginning without an end, or with lines that hold none, is text."""
    begin: re.Match[bytes] | None = None
    for mark in _MARK.finditer(text):
        if mark[1]:
            begin = mark
        elif begin:
            if data := _lines(text[begin.end() : mark.start()]):
                yield Encoded(begin.start(), mark.end(), begin[1].decode("utf-8", "replace").strip(), data)
            begin = None


def _lines(body: bytes) -> bytes | None:
    """What uuencoded lines hold; None if one of them is no such line."""
    found = []
    for line in body.splitlines():
        if not line or line[:1] == b"`":
            continue
        size = (line[0] - 32) & 63
        packed = line[1 : 1 + (size * 4 + 2) // 3]
        if line[0] > 96 or len(line) > 120 or any(byte < 32 or byte > 96 for byte in packed):
            return None
        found.append(binascii.a2b_uu(line[:1] + packed))
    return b"".join(found)
