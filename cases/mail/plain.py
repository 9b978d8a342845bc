"""The words of an HTML mail, as a person would have typed them: paragraphs, lists, links with their address, and what
was said before behind "> ", so that the rules for quotes know it (cases.mail.quoting)."""

import re
from dataclasses import dataclass

from cases.mail.markup import Piece, pieces

LONGEST = 1_000_000  # characters read and written
DEEPEST_QUOTE = 9
LONGEST_LINK = 300

_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer",
    "form", "head", "header", "html", "li", "main", "nav", "ol", "option", "pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul",
}  # fmt: skip
_PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "pre", "hr"}
_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_UNSEEN = dict.fromkeys([0xAD, 0x200B, 0x200C, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
# Where mail programs put what was said before, and who said it when.
_CITES = re.compile(r"\b(?:moz-cite-prefix|gmail_attr|yahoo_quoted_attr)\b")
_SIGNATURE = re.compile(r"\b(?:gmail_signature|moz-signature|signature_container)\b")
_BEFORE = {
    "divrplyfwdmsg",
    "appendonsend",
    "ms-outlook-mobile-reference-message",
    "mail-editor-reference-message-container",
}
_BEFORE_CLASS = re.compile(r"\b(?:yahoo_quoted|protonmail_quote|tutanota_quote|zmail_extra|outlookmessageheader)\b")


def as_text(html: str) -> str:
    """The text of an HTML mail. Linear in the input, whatever is in it; at most LONGEST characters of it are read."""
    writer = _Writer()
    for piece in pieces(html[:LONGEST]):
        writer.take(piece)
        if writer.length > LONGEST:
            break
    return writer.finish()


@dataclass(slots=True)
class _Line:
    text: str
    quoted: int


@dataclass(slots=True)
class _Open:
    """An open element that means something for its text."""

    name: str
    quotes: int = 0
    cites_from: int = -1  # the first line of "On Tuesday Ana wrote:"
    items: int = -1  # of a numbered list: how many came


class _Writer:
    def __init__(self) -> None:
        self.lines: list[_Line] = []
        self.now: list[str] = []
        self.open: list[_Open] = []
        self.counts: dict[str, int] = {}
        self.quotes = 0
        self.pre = 0
        self.length = 0
        self.link: tuple[str, int] | None = None

    def take(self, piece: Piece) -> None:
        if not piece.name:
            self._text(piece.text)
        elif piece.closes:
            self._closes(piece.name)
        else:
            self._opens(piece)

    def finish(self) -> str:
        self._break()
        while self.lines and not self.lines[-1].text:
            self.lines.pop()
        written = [f"{'> ' * line.quoted}{line.text}".rstrip(" \t") for line in self._spaced()]
        return "\n".join(written)[:LONGEST].strip("\n").rstrip()

    # --- text

    def _text(self, text: str) -> None:
        said = text.translate(_UNSEEN)
        if self.pre:
            *whole, last = said.replace("\r\n", "\n").split("\n")
            for line in whole:
                self._say(line)
                self._break(empty=True)
            said = last
        else:
            said = _SPACE.sub(" ", said)
            said = said.lstrip() if not self.now or self.now[-1].endswith((" ", "\t")) else said
        self._say(said)

    def _say(self, said: str) -> None:
        if said:
            self.now.append(said)
            self.length += len(said)

    def _break(self, *, empty: bool = False) -> None:
        """End the line; an empty one counts only where it was asked for."""
        said = "".join(self.now)
        self.now = []
        if said.strip() or empty:
            self.lines.append(_Line(said.rstrip(" "), self.quotes))
            self.length += 1 + 2 * self.quotes

    def _paragraph(self) -> None:
        self._break()
        if self.lines and self.lines[-1].text:
            self.lines.append(_Line("", self.quotes))

    def _parted(self, name: str) -> None:
        """Begin anew before or after a block; a list within a list needs no empty line."""
        if name not in _PARAGRAPHS or (name in {"ul", "ol"} and self.counts.get("li", 0)):
            self._break()
        else:
            self._paragraph()

    def _spaced(self) -> list[_Line]:
        """An empty line between two depths of quoting belongs to the lesser."""
        for before, here, after in zip(self.lines, self.lines[1:], self.lines[2:], strict=False):
            if not here.text:
                here.quoted = min(before.quoted, after.quoted)
        return self.lines

    # --- tags

    def _opens(self, piece: Piece) -> None:
        name = piece.name
        if name == "br":
            self._break(empty=True)
        elif name in {"td", "th"} and self.now:
            self._say("\t")
        elif name == "img":
            self._image(piece.attributes)
        elif name == "a":
            self._ends_link()
            self.link = (piece.attributes.get("href", "").strip(), len(self.now))
        elif name in _BLOCKS | _PARAGRAPHS:
            self._begins(piece)

    def _begins(self, piece: Piece) -> None:
        name = piece.name
        self._parted(name)
        self._said_before(piece.attributes)
        entry = _Open(name)
        if name == "blockquote" and self.quotes < DEEPEST_QUOTE:
            entry.quotes = 1
        if name == "li":
            self._item()
        if name == "ol":
            entry.items = 0
        if _CITES.search(piece.attributes.get("class", "").lower()):
            entry.cites_from = len(self.lines)
        if name not in {"hr", "p"}:
            self._push(entry)

    def _push(self, entry: _Open) -> None:
        self.open.append(entry)
        self.counts[entry.name] = self.counts.get(entry.name, 0) + 1
        self.quotes += entry.quotes
        self.pre += entry.name == "pre"

    def _said_before(self, attributes: dict[str, str]) -> None:
        """From here to the end of the enclosing element everything is a mail said before; a signature gets its rule."""
        named = attributes.get("class", "").lower()
        marked = attributes.get("id", "").lower().removeprefix("x_") in _BEFORE or _BEFORE_CLASS.search(named)
        if marked and not self.quotes:
            self._paragraph()
            outer = self.open[-1] if self.open else None
            self.quotes += 1
            if outer:
                outer.quotes += 1
        if _SIGNATURE.search(named) and not (self.lines and self.lines[-1].text.startswith("--")):
            self.lines.append(_Line("-- ", self.quotes))

    def _item(self) -> None:
        lists = [entry for entry in self.open[-12:] if entry.name in {"ul", "ol"}]
        mark = "- "
        if lists and lists[-1].items >= 0:
            lists[-1].items += 1
            mark = f"{lists[-1].items}. "
        self._say("  " * max(0, len(lists) - 1) + mark)

    def _image(self, attributes: dict[str, str]) -> None:
        if said := _SPACE.sub(" ", attributes.get("alt", "")).strip():
            self._say(f"[{said[:200]}]")

    def _closes(self, name: str) -> None:
        if name == "a":
            self._ends_link()
        elif name in _BLOCKS | _PARAGRAPHS:
            self._ends(name)

    def _ends(self, name: str) -> None:
        self._parted(name)
        while self.counts.get(name, 0):
            entry = self.open.pop()
            self.counts[entry.name] -= 1
            self.quotes -= entry.quotes
            self.pre -= entry.name == "pre"
            self._cited(entry)
            if entry.name == name:
                return

    def _cited(self, entry: _Open) -> None:
        """ "On Tuesday Ana wrote:" belongs to the quote it announces, whatever its language."""
        told = [line for line in self.lines[entry.cites_from :] if line.text] if entry.cites_from >= 0 else []
        if told and len(told) < 6 and told[-1].text.endswith((":", "：")):
            for line in told:
                line.quoted = max(line.quoted, 1)

    def _ends_link(self) -> None:
        """A link's words are followed by its address, unless they are it, or it is too long to be read."""
        if self.link is None:
            return
        href, start = self.link
        self.link = None
        words = "".join(self.now[start:]).strip()
        if not href.lower().startswith(("http://", "https://")) or len(href) > LONGEST_LINK or not words:
            return
        if words.rstrip("/") not in {href.rstrip("/"), href.partition("://")[2].rstrip("/")}:
            self._say(f" ({href})" if not words.startswith("[") or len(href) < 80 else "")
