"""Content-Type and Content-Disposition: a kind and parameters, as RFC 2045 and 2231 write them and as mailers do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from cases.mail import charsets, words

_FOLD = re.compile(r"\r?\n")
_COMMENT = re.compile(r"\([^()]*\)")
_BETWEEN = re.compile(r"[;\s]*+")
_NAME = re.compile(r'([^\s=;"(),]++)\s*+=[ \t]*+')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"?', re.DOTALL)
_TOKEN = re.compile(r"[^\s;]*")
# A file's name is often left without the quotes it needs: it reaches to the next parameter.
_UNQUOTED_NAME = re.compile(r"(?:(?! [\w*-]{1,40}=)[^;])*+")
_ESCAPED = re.compile(r"\\([^\w\s])")  # `C:\new` keeps its backslash
_PARTED = re.compile(r"\**([^*]+)(?:\*(\d{1,6}))?(\*?)")
_EXTENDED = re.compile(r"([\w.:+-]{1,40})'([\w-]{0,20})'(.*)\Z", re.DOTALL)
_NAMES = frozenset({"name", "filename"})


@dataclass(frozen=True)
class Value:
    """What such a header says: its kind in lower case ("" for none), parameters by their names in lower case."""

    kind: str = ""
    parameters: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        return self.parameters.get(name, "")


def parse(value: bytes) -> Value:
    text = _FOLD.sub("", words.text(value))
    head, _semicolon, _rest = text.partition(";")
    kind, parted = _kind(head)
    return Value(kind, _whole(_pairs(text, parted)))


def _kind(head: str) -> tuple[str, int]:
    """The kind without comments and spaces, and where parameters begin: some mailers leave the first semicolon out."""
    bare = head
    for _nested in range(5):
        bare = _COMMENT.sub(" ", bare)
    first = re.search(r"\s[\w*-]{1,40}=", head.rstrip())
    if first and "/" in head[: first.start()]:
        return _joined(bare[: first.start()]), first.start()
    return _joined(bare), len(head)


def _joined(bare: str) -> str:
    kind = "".join(bare.split()).lower()
    return "" if kind.startswith("/") else kind


def _pairs(text: str, at: int) -> Iterator[tuple[str, str]]:
    while (at := _after(_BETWEEN, text, at)) < len(text):
        named = _NAME.match(text, at)
        if not named:
            at = text.find(";", at) + 1 or len(text)
            continue
        name = named[1].lower()
        value, at = _value(text, named.end(), name)
        if value:
            yield name, value


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int, name: str) -> tuple[str, int]:
    if quoted := _QUOTED.match(text, at):
        return _ESCAPED.sub(r"\1", quoted[1]), quoted.end()
    pattern = _UNQUOTED_NAME if name.partition("*")[0] in _NAMES else _TOKEN
    found = pattern.match(text, at)
    return (found[0].strip(), found.end()) if found else ("", len(text))


def _whole(pairs: Iterator[tuple[str, str]]) -> dict[str, str]:
    """Parameters made of their pieces (RFC 2231). The first of a name counts; an extended one beats a plain one."""
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for name, value in pairs:
        parted = _PARTED.match(name)
        if parted and (parted[2] or parted[3]):
            pieces.setdefault(parted[1], {}).setdefault(int(parted[2] or 0), (bool(parted[3]), value))
        else:
            plain.setdefault(name, value)
    whole = {name: _plain(name, value) for name, value in plain.items()}
    whole |= {name: _assembled([found[n] for n in sorted(found)]) for name, found in pieces.items()}
    return {charsets.sound(name): charsets.sound(value) for name, value in whole.items()}


def _plain(name: str, value: str) -> str:
    if name not in _NAMES:
        return value
    extended = _EXTENDED.match(value)
    if extended and "%" in extended[3] and charsets.codec(extended[1]):
        return _assembled([(True, value)])
    return words.decode(value) if "=?" in value else value


def _assembled(pieces: list[tuple[bool, str]]) -> str:
    """Pieces of one value: the first names the charset, any may be percent-encoded, letters may be split."""
    if not any(encoded for encoded, _value in pieces):
        return words.decode("".join(value for _encoded, value in pieces))
    extended = _EXTENDED.match(pieces[0][1])
    label, first = (extended[1], extended[3]) if extended else ("", pieces[0][1])
    data = _bytes(pieces[0][0], first, label)
    for encoded, value in pieces[1:]:
        data += _bytes(encoded, _without_charset(value, label), label)
    return charsets.decode(data, label)[0]


def _without_charset(value: str, label: str) -> str:
    """Some repeat the charset in every piece."""
    return value[len(label) + 1 :] if label and value.lower().startswith(f"{label.lower()}'") else value


def _bytes(encoded: bool, value: str, label: str) -> bytes:
    if encoded:
        return unquote_to_bytes(value.encode("utf-8", "surrogateescape"))
    return charsets.sound(value).encode(charsets.codec(label) or "utf-8", "replace")
