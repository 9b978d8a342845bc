"""HTML of strangers made harmless, and its words (docs/mail.md, "Made harmless").

`harmless` writes the mail anew from what it understood (cases.mail.markup): tags and attributes of a short list, each
closed, in an order no browser repairs. nh3 then cleans that, by the same list. So nothing a reader of HTML might read
differently than we did reaches the second, and nothing the first overlooked gets past it.
"""

import re
from html import escape
from urllib.parse import SplitResult, urlsplit

import nh3

from cases.mail.markup import Piece, pieces
from cases.mail.plain import as_text

__all__ = ["as_text", "harmless"]

LARGEST = 512 * 1024  # bytes
DEEPEST = 512  # elements within each other
MOST_LINKS = 5_000
MOST_STEPS = 2_000_000  # over closing tags that close nothing
MOST_STYLES = 16  # bold in italic in …: more at once changes nothing anybody sees

_VOID = {"br", "hr", "img", "col", "wbr"}
_STYLES = {
    "a",
    "b",
    "big",
    "code",
    "em",
    "font",
    "i",
    "s",
    "small",
    "strike",
    "strong",
    "tt",
    "u",
    "span",
    "sub",
    "sup",
}
_STYLES |= {"abbr", "cite", "del", "ins", "kbd", "mark", "q", "samp", "var", "bdi"}
_BLOCKS = {
    "address",
    "article",
    "blockquote",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figure",
    "figcaption",
    "footer",
}
_BLOCKS |= {
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "ul",
}
# Of a table, what holds rows and cells but no words of its own.
_FRAMES = {"table", "tbody", "thead", "tfoot", "tr", "colgroup"}
_CELLS = {"caption", "colgroup", "tbody", "td", "tfoot", "th", "thead", "tr"}
TAGS = _VOID | _STYLES | _BLOCKS | _CELLS
_PARTS = {"caption", "colgroup", "tbody", "thead", "tfoot", "tr"}
# What an opening tag ends before it begins, and which elements it does not look beyond.
_ENDS: dict[str, tuple[set[str], set[str]]] = {
    "li": ({"li"}, {"ul", "ol", "table"}),
    "dt": ({"dt", "dd"}, {"dl", "table"}),
    "dd": ({"dt", "dd"}, {"dl", "table"}),
    "td": ({"td", "th", "caption", "colgroup"}, {"table"}),
    "th": ({"td", "th", "caption", "colgroup"}, {"table"}),
    "tr": ({"tr", "caption", "colgroup"}, {"table"}),
    "tbody": (_PARTS, {"table"}),
    "thead": (_PARTS, {"table"}),
    "tfoot": (_PARTS, {"table"}),
    "caption": (_PARTS, {"table"}),
    "colgroup": (_PARTS, {"table"}),
    "col": (_PARTS - {"colgroup"}, {"table"}),
    "a": ({"a"}, {"table"}),
}
_EVERYWHERE = {"dir", "lang", "title"}
ATTRIBUTES = {
    "a": {"href", "data-elsewhere"},
    "img": {"data-cid", "data-remote", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign", "scope"},
    "tr": {"align", "valign"},
    "col": {"span"},
    "table": {"align", "cellpadding", "border"},
    "ol": {"start", "type", "reversed"},
    "p": {"align"},
    "div": {"align"},
}
_SHORT = re.compile(r"[\w .,%#+-]{0,40}")  # of every attribute that is not a text or an address
_LONG_VALUES = {"alt", "title", "href", "data-cid", "data-remote"}
LONGEST_ADDRESS = 2_000
SCHEMES = {"http", "https", "mailto", "tel"}

# Characters that turn the direction of what follows: a name or an address can lie with them.
_TURNS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_UNSEEN = _TURNS | dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF])
_JUNK = re.compile(r"[\x00-\x20\x7f-\xa0]+")
_SHOWN_HOST = re.compile(
    r"(?:https?://|//|www\.)?((?:[^\s/@:<>()]+\.)+[^\s/@:<>().,]{2,24})(?:[/:?#\s]|$)", re.IGNORECASE
)
_SHOWS_SCHEME = re.compile(r"\s*(?:https?:|www\.)", re.IGNORECASE)


_SAYS = re.compile(r"(?:^|>)\s*+[^<\s]")  # a word between tags


class TooMuch(ValueError):
    """More than a mail that is meant to be read has; its words are shown instead."""


def harmless(html: str) -> str:
    """The mail's HTML with nothing in it that runs, loads or calls; empty where its words must do (or it has none).

    Remote pictures wait in `data-remote`, pictures of the mail itself are named by `data-cid`. Linear in the input;
    what is larger, deeper or fuller than a mail ever is gives "". Made harmless again it stays the same.
    """
    if len(html) > LARGEST or len(html.encode("utf-8", "replace")) > LARGEST:
        return ""
    writer = _Writer()
    try:
        for piece in pieces(html):
            writer.take(piece)
        written = writer.finish()
    except TooMuch:
        return ""
    cleaned = nh3.clean(
        written,
        tags=TAGS,
        attributes={"*": _EVERYWHERE} | ATTRIBUTES,
        url_schemes=SCHEMES,
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        strip_comments=True,
    )
    return cleaned if len(cleaned) <= LARGEST and (_SAYS.search(cleaned) or "<img" in cleaned) else ""


class _Writer:
    """Writes pieces as HTML in which everything is closed in its order."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.size = 0
        self.open: list[str] = []
        self.styles = 0  # of the open ones
        self.steps = 0  # taken in search of what a tag closes
        self.links = 0
        self.link: tuple[int, dict[str, str], list[str]] | None = None  # where it stands, what it has, its words

    def take(self, piece: Piece) -> None:
        if piece.crowded:
            raise TooMuch
        if not piece.name:
            self._text(piece.text)
        elif piece.name == "image":
            self.take(Piece("img", attributes=piece.attributes))
        elif piece.name in TAGS:
            (self._close if piece.closes else self._begin)(piece)

    def finish(self) -> str:
        self._pop_to(0)
        return "".join(self.out)

    def _text(self, text: str) -> None:
        said = text.translate(_TURNS)
        if not text.isspace():
            self._into_a_cell()
        self._write(escape(said, quote=False))
        if self.link:
            self.link[2].append(said)

    def _write(self, written: str) -> None:
        self.out.append(written)
        self.size += len(written)
        if self.size > LARGEST:
            raise TooMuch

    def _begin(self, piece: Piece) -> None:
        name = piece.name
        if name in _BLOCKS:
            self._end_nearest({"p"}, {"table", "td", "th", "caption"})
        self._end_nearest(*_ENDS.get(name, (set(), set())))
        if name in _STYLES and self.styles >= MOST_STYLES:
            return
        if name not in _CELLS and name != "col":
            self._into_a_cell()
        kept = _kept(name, piece.attributes)
        self._write(_written(name, kept))
        if name not in _VOID:
            self._push(name)
        if name == "a":
            self._begin_link(kept)

    def _into_a_cell(self) -> None:
        """What stands in a table beside its cells gets one: a browser would move it out, each reader in another way."""
        if self.open[-1:] == ["colgroup"]:
            self._pop_to(len(self.open) - 1)
        if not self.open or self.open[-1] not in _FRAMES:
            return
        for name in ("td",) if self.open[-1] == "tr" else ("tr", "td"):
            self._write(f"<{name}>")
            self._push(name)

    def _push(self, name: str) -> None:
        self.open.append(name)
        self.styles += name in _STYLES
        if len(self.open) > DEEPEST:
            raise TooMuch

    def _begin_link(self, kept: dict[str, str]) -> None:
        leads = bool(kept.get("href"))
        self.links += leads
        if self.links > MOST_LINKS:
            raise TooMuch
        self.link = (len(self.out) - 1, kept, []) if leads else None

    def _close(self, piece: Piece) -> None:
        bounds = {"table"} if piece.name in _CELLS else {"table", "td", "th", "caption"}
        self._end_nearest({piece.name}, set() if piece.name == "table" else bounds)

    def _end_nearest(self, names: set[str], bounds: set[str]) -> None:
        """Close the innermost of these elements and all within it, unless one of the bounds lies between."""
        if not names:
            return
        for at in range(len(self.open) - 1, -1, -1):
            self.steps += 1
            if self.open[at] in names:
                self._pop_to(at)
                return
            if self.open[at] in bounds:
                return
        if self.steps > MOST_STEPS:
            raise TooMuch

    def _pop_to(self, depth: int) -> None:
        while len(self.open) > depth:
            name = self.open.pop()
            self.styles -= name in _STYLES
            self._write(f"</{name}>")
            if name == "a" and self.link:
                place, kept, words = self.link
                if host := elsewhere("".join(words), kept["href"]):
                    self.out[place] = _written("a", kept | {"data-elsewhere": host})
                self.link = None


def _written(name: str, kept: dict[str, str]) -> str:
    return "".join(
        [f"<{name}", *(f' {key}="{escape(value)}"' for key, value in kept.items() if value or key == "alt"), ">"]
    )


def _kept(name: str, given: dict[str, str]) -> dict[str, str]:
    """The attributes an element keeps. Never data-elsewhere: only we say so."""
    if name == "img":
        given = {key: value for key, value in given.items() if key != "src"} | _picture(given)
    allowed = (_EVERYWHERE | ATTRIBUTES.get(name, set())) - {"data-elsewhere"}
    kept = {key: value.translate(_TURNS) for key, value in given.items() if key in allowed}
    kept = {key: value for key, value in kept.items() if key in _LONG_VALUES or _SHORT.fullmatch(value)}
    return kept | {"href": _address(kept["href"], SCHEMES)} if "href" in kept else kept


def _picture(given: dict[str, str]) -> dict[str, str]:
    """Where a picture is to be had: in the mail itself, or far away. An empty value takes a name away that lies."""
    source = _JUNK.sub("", given.get("src", ""))
    if source[:4].lower() == "cid:":
        return {"data-cid": source[4:][:250]} if source[4:] else {}
    remote = _address(source or given.get("data-remote", ""), {"http", "https"})
    found = {"data-remote": remote} if remote else {}
    return found or ({"data-cid": given["data-cid"][:250]} if given.get("data-cid") and not source else {})


def _address(raw: str, schemes: set[str]) -> str:
    """An absolute address of one of these schemes, as browsers would read it; else empty."""
    address = _JUNK.sub("", raw) if not raw[:7].lower().startswith(("mailto:", "tel:")) else raw.strip()
    scheme = address.partition(":")[0].lower()
    if scheme not in schemes or len(address) > LONGEST_ADDRESS:
        return ""
    return address if scheme in {"mailto", "tel"} or _split(address) else ""


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address.replace("\\", "/"))
        return parts if parts.hostname and (parts.port is None or parts.port) else None
    except ValueError:
        return None


def elsewhere(words: str, href: str) -> str:
    """The host a link leads to, where its words show another one, or where the host can be mistaken; else empty."""
    parts = _split(href)
    if parts is None or not parts.hostname:
        return ""
    host = _ascii(parts.hostname)
    shown = _SHOWN_HOST.match(words.translate(_UNSEEN).strip())
    if parts.username is not None or (shown is None and _SHOWS_SCHEME.match(words) and host not in words):
        return host
    if shown is None:
        return ""
    said = _ascii(shown[1].lower())
    return host if _bare(said) != _bare(host) or not shown[1].isascii() else ""


def _ascii(host: str) -> str:
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host.encode("ascii", "replace").decode()


def _bare(host: str) -> str:
    return host.rstrip(".").removeprefix("www.")
