"""Random mails for hypothesis: trees of parts put together rightly, with a word in each that must be found again; and
mails, real or ours, with random damage."""

import base64
import quopri
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st

TEXTS = ("text/plain", "text/html")
OTHERS = (
    "image/png",
    "application/pdf",
    "application/octet-stream",
    "message/rfc822",
    "text/calendar",
    "text/csv",
    "x-a/b",
)
KINDS = ("mixed", "alternative", "related", "signed", "report", "parallel", "digest", "x-odd")
_names = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp")), max_size=30)
_words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=60)


@dataclass
class Leaf:
    kind: str
    body: bytes
    encoding: str
    charset: str
    disposition: str
    name: str
    token: str = ""

    def written(self, tokens: list[str], _line: bytes) -> bytes:
        self.token = f"token{len(tokens)}x"
        tokens.append(self.token)
        body = f"{self.token}\n".encode() + self.body
        head = f"Content-Type: {self.kind}".encode()
        if self.kind in TEXTS:
            head += f"; charset={self.charset}".encode()
        if self.name:
            head += b'; name="=?utf-8?b?' + base64.b64encode(self.name.encode()) + b'?="'
        if self.disposition:
            head += b"\nContent-Disposition: " + self.disposition.encode()
        if self.encoding:
            head += b"\nContent-Transfer-Encoding: " + self.encoding.encode()
        return head + b"\n\n" + _packed(body, self.encoding)


@dataclass
class Several:
    kind: str
    children: list["Leaf | Several"]
    preamble: bytes
    boundaries: list[str] = field(default_factory=list)

    def written(self, tokens: list[str], line: bytes) -> bytes:
        boundary = b"=_%d" % len(tokens) + line
        tokens.append("")
        inside = [b"\n--" + boundary + b"\n" + child.written(tokens, line) for child in self.children]
        head = b"Content-Type: multipart/" + self.kind.encode() + b'; boundary="' + boundary + b'"\n\n'
        return head + self.preamble + b"".join(inside) + b"\n--" + boundary + b"--\n"


def _packed(body: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(body)
    if encoding == "quoted-printable":
        return quopri.encodestring(body)
    return body.replace(b"--", b"==")


_leaves = st.builds(
    Leaf,
    st.sampled_from(TEXTS + TEXTS + OTHERS),
    st.one_of(st.binary(max_size=80), _words.map(str.encode)),
    st.sampled_from(["base64", "quoted-printable", "base64"]),
    st.sampled_from(["utf-8", "us-ascii", "iso-8859-1", "gb18030", "x-none", "windows-1258", "iso-2022-jp"]),
    st.sampled_from(["", "inline", "attachment"]),
    st.one_of(st.just(""), _names),
)
_trees = st.recursive(
    _leaves,
    lambda children: st.builds(Several, st.sampled_from(KINDS), st.lists(children, max_size=5), st.just(b"")),
    max_leaves=25,
)


@st.composite
def trees(draw: Callable[..., object]) -> tuple[bytes, list[str]]:
    """A mail put together rightly, and the words that must be found in what is read of it."""
    tokens: list[str] = []
    tree = draw(_trees)
    line = draw(st.sampled_from([b"", b"--", b" x", b"'()+_,./:=?", b"x" * 60]))
    head = b"From: Ann <ann@b.example>\nSubject: Hello\nMIME-Version: 1.0\n"
    raw = head + tree.written(tokens, line)  # type: ignore[attr-defined]
    if draw(st.booleans()):
        raw = raw.replace(b"\n", b"\r\n")
    return raw, [token for token in tokens if token]


@st.composite
def damaged(draw: Callable[..., object], mails: list[bytes]) -> bytes:
    """One of these mails with up to eight kinds of damage done to it."""
    raw = draw(st.sampled_from(mails))
    for _blow in range(draw(st.integers(1, 8))):
        raw = draw(st.sampled_from(_BLOWS))(draw, raw, mails)
    return raw


def _at(draw: Callable[..., object], raw: bytes) -> int:
    return draw(st.integers(0, len(raw)))


def _cut(draw: Callable[..., object], raw: bytes, _mails: list[bytes]) -> bytes:
    return raw[: _at(draw, raw)]


def _lose(draw: Callable[..., object], raw: bytes, _mails: list[bytes]) -> bytes:
    at = _at(draw, raw)
    return raw[:at] + raw[at + draw(st.integers(1, 300)) :]


def _insert(draw: Callable[..., object], raw: bytes, _mails: list[bytes]) -> bytes:
    at = _at(draw, raw)
    return raw[:at] + draw(st.one_of(st.binary(max_size=40), st.sampled_from(_SPLINTERS))) + raw[at:]


def _repeat(draw: Callable[..., object], raw: bytes, _mails: list[bytes]) -> bytes:
    at = _at(draw, raw)
    return raw[:at] + raw[at : at + draw(st.integers(1, 200))] * draw(st.integers(2, 50)) + raw[at:]


def _splice(draw: Callable[..., object], raw: bytes, mails: list[bytes]) -> bytes:
    other = draw(st.sampled_from(mails))
    return raw[: _at(draw, raw)] + other[_at(draw, other) :]


def _swap_lines(draw: Callable[..., object], raw: bytes, _mails: list[bytes]) -> bytes:
    lines = raw.split(b"\n")
    one, two = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
    lines[one], lines[two] = lines[two], lines[one]
    return b"\n".join(lines)


def _line_ends(draw: Callable[..., object], raw: bytes, _mails: list[bytes]) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(
        b"\n", draw(st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\r", b"\r\r\n"]))
    )


def _flip(draw: Callable[..., object], raw: bytes, _mails: list[bytes]) -> bytes:
    changed = bytearray(raw)
    for _one in range(draw(st.integers(1, 20))):
        if changed:
            changed[draw(st.integers(0, len(changed) - 1))] = draw(st.integers(0, 255))
    return bytes(changed)


_SPLINTERS = [
    b"\n--b\n", b"\n\n", b"\r", b"\x00", b"=?utf-8?q?=", b"?=", b"=?iso-2022-jp?b?GyRC?=", b'"', b"(" * 60, b"<", b">", b";",
    b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Type: message/rfc822\n", b"Content-Transfer-Encoding: base64\n",
    b"Content-Type: text/plain; charset=utf-7; format=flowed\n", b"From: x@y.example\n", b"filename*0*=utf-8''%C3", b"begin 644 a\n",
    b"end\n", b"\xff\xfe", b"\xed\xa0\x80", b"+2AA-", b"&#xD800;", b"<div>" * 50, b"> ", b"-- \n", b"%", b"\x1b$B",
]  # fmt: skip
_BLOWS = [_cut, _lose, _insert, _insert, _repeat, _splice, _swap_lines, _line_ends, _flip]
