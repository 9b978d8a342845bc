"""HTML in pieces: a reader that is linear in its input, follows the rules browsers read by, and never nests.

It tells text (entities decoded) and tags; comments, declarations and what only programs read are left out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

MOST_ATTRIBUTES = 200  # read of one tag; `crowded` says that there were more

_TEXT = re.compile(r"(?:[^<]++|<(?![a-zA-Z/!?]))++")
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]{0,60}+)[^\s/>]*+")
_COMMENT = re.compile(r"<!--(?:-?>|.*?(?:--!?>|\Z))", re.DOTALL)
_BOGUS = re.compile(r"<(?:[!?]|/(?![a-zA-Z]))[^>]*+(?:>|\Z)")
_ATTRIBUTE = re.compile(
    r"""[\s/]*+([^\s/>][^\s/>=]*+)(?:\s*+=\s*+("[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|(?!["'])[^\s>]*+))?+"""
)
_CLOSE = re.compile(r"[\s/]*+>")
_LONG_NUMBER = re.compile(r"&#(?:[xX][0-9a-fA-F]{7,}|[0-9]{8,});?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")

# Read by programs alone, up to their closing tag.
_UNREAD = {"script", "style", "title", "iframe", "noembed", "noframes"}
_VERBATIM = {"textarea", "xmp"}  # text up to their closing tag
_ENDS = {name: re.compile(rf"</{name}(?=[\s/>]|\Z)", re.IGNORECASE) for name in _UNREAD | _VERBATIM}


@dataclass(frozen=True, slots=True)
class Piece:
    """Text (`name` is empty), or a tag that opens or closes."""

    name: str = ""
    text: str = ""
    closes: bool = False
    crowded: bool = False
    attributes: dict[str, str] = field(default_factory=dict)


def pieces(html: str) -> Iterator[Piece]:
    """The pieces of an HTML text, in order. An unfinished tag or comment takes the rest with it, as in browsers."""
    at, end = 0, len(html)
    while at < end:
        if found := _TEXT.match(html, at):
            yield Piece(text=decoded(found[0]))
        elif found := _TAG.match(html, at):
            piece, at = _tag(html, found)
            if piece is None:
                return
            text, at = _inside(html, piece, at)
            yield piece
            if text:
                yield Piece(text=text)
            continue
        else:
            found = _COMMENT.match(html, at) or _BOGUS.match(html, at)
        at = found.end() if found else end


def decoded(text: str) -> str:
    """Text with its entities read and without control characters. No number in it is too long to be read."""
    text = unescape(_LONG_NUMBER.sub("\ufffd", text)) if "&" in text else text
    return _CONTROLS.sub("", text)


def _tag(html: str, found: re.Match[str]) -> tuple[Piece | None, int]:
    """The tag that begins here and where it ends; None when the text ends first."""
    attributes: dict[str, str] = {}
    at, count = found.end(), 0
    while not (closed := _CLOSE.match(html, at)):
        attribute = _ATTRIBUTE.match(html, at)
        if attribute is None:
            return None, len(html)
        count += 1
        if count <= MOST_ATTRIBUTES:
            attributes.setdefault(attribute[1].lower(), decoded(_unquoted(attribute[2] or "")))
        at = attribute.end()
    name = found[2].lower()
    return Piece(name, closes=bool(found[1]), crowded=count > MOST_ATTRIBUTES, attributes=attributes), closed.end()


def _unquoted(value: str) -> str:
    if value[:1] in {'"', "'"}:
        return value[1:-1] if len(value) > 1 and value[-1] == value[0] else value[1:]
    return value


def _inside(html: str, piece: Piece, at: int) -> tuple[str, int]:
    """The text of an element that holds no tags, and where reading goes on."""
    if piece.closes or piece.name not in _ENDS:
        return "", at
    found = _ENDS[piece.name].search(html, at)
    until = found.start() if found else len(html)
    return (decoded(html[at:until]) if piece.name in _VERBATIM else ""), until
