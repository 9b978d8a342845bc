"""Who a mail is from and to. One reader of our own, linear and tolerant, and beside it the library's: a sender counts
as sure only where every way of reading finds the same single address (what one program shows and another trusts is how
people are deceived; CVE-2023-27043)."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import getaddresses, parseaddr

from cases.mail import words
from cases.mail.parsed import Person

MOST = 200  # people read from one header
LONGEST_NAME = 200
LONGEST_ADDRESS = 320  # 64 before the @, 255 after (RFC 5321)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[(),;:<>\\]|[^"(),;:<>\\]++', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MOST_BRACKETS = 20
_STRAY = frozenset({")", ">", "\\"})
_ROUTE = re.compile(r"@[^:]*:")
_AROUND = re.compile(r"\s*([.@])\s*")
_SURE = re.compile(
    r"""(?:[^\x00-\x20\x7f()<>@,;:\\"\[\]\s]+|"(?:[^"\\\x00-\x1f]|\\[\x20-\x7e])+")   # before the @
        @(?:\[[0-9A-Fa-f:.]+\]|(?:[^\W_](?:[\w-]*[^\W_])?)(?:\.[^\W_](?:[\w-]*[^\W_])?)*)""",
    re.VERBOSE,
)
_LOOKS_LIKE = re.compile(r"[^\s()<>,;:\"\[\]@]{1,64}@[^\s()<>,;:\"\[\]@]{1,255}")


@dataclass
class _Mailbox:
    """One entry of a list while it is read. `odd`: grammar allows it nowhere, or not for a sender."""

    phrase: list[str] = field(default_factory=list)  # tokens as they stand, quoted strings with their quotes
    comments: list[str] = field(default_factory=list)
    angles: list[str] = field(default_factory=list)
    odd: bool = False

    def __bool__(self) -> bool:
        return bool(self.phrase or self.comments or self.angles)

    def person(self) -> Person:
        name, email = self._parts()
        said = " ".join(words.decode(comment) for comment in self.comments if comment.strip())
        return Person((f"{name} ({said})" if name and said else name or said)[:LONGEST_NAME], email)

    def is_bare(self) -> bool:
        """Is it an address without angle brackets?"""
        return any("@" in token for token in self.phrase if not token.startswith('"'))

    def _parts(self) -> tuple[str, str]:
        """Name and address: the address stands in angle brackets, or it is all there is, at worst in quotes."""
        name = words.decode(" ".join(_unquoted(token) for token in self.phrase))
        if self.angles:
            return name, _address(self.angles[0])
        if self.is_bare():
            return "", _address("".join(self.phrase))
        return ("", name) if _LOOKS_LIKE.fullmatch(name) else (name, "")


def people(value: bytes) -> list[Person]:
    """Everybody a header names, groups dissolved; at most MOST."""
    found = []
    for mailbox in _mailboxes(_text(value)):
        found.append(mailbox.person())
        if len(found) == MOST:
            break
    return found


def sender(values: list[bytes]) -> tuple[Person, bool]:
    """Who a mail is from, and whether that is beyond doubt: one From, one address, the same for every reader."""
    boxes = [box for value in values for box in _mailboxes(_text(value))]
    persons = [box.person() for box in boxes]
    best = next((p for p in persons if p.email), persons[0] if persons else Person("", ""))
    if not best.email and values:
        best = _hidden(values[0]) or best
    alone = len(values) == 1 and len(boxes) == 1 and not boxes[0].odd
    clear = alone and (len(boxes[0].angles) == 1 or (not boxes[0].angles and boxes[0].is_bare()))
    return best, clear and is_sound(best.email) and _all_read(values[0], best.email)


def is_sound(email: str) -> bool:
    """Is it an address that can only be read one way?"""
    if len(email) > LONGEST_ADDRESS or not _SURE.fullmatch(email):
        return False
    return email.isascii() or all(unicodedata.category(c)[0] in "LNM" for c in email if not c.isascii())


def _all_read(value: bytes, email: str) -> bool:
    """Do the library's two readers find this address, and no other? And does it stand there in one piece?"""
    text = _text(value)
    if email not in text or text.count("(") > _MOST_BRACKETS:  # the library nests a call for each bracket
        return False
    single = parseaddr(text)[1]
    several = [address for _name, address in getaddresses([text])]
    return {single.lower(), *(a.lower() for a in several)} == {email.lower()}


def _text(value: bytes) -> str:
    return words.FOLD.sub(" ", words.text(value)).strip()


def _hidden(value: bytes) -> Person | None:
    """An address that was encoded together with its name, where nobody may put it."""
    text = words.read(value)
    found = _LOOKS_LIKE.search(text)
    return Person(text[: found.start()].strip(' <"')[:LONGEST_NAME], found[0]) if found else None


def _mailboxes(text: str) -> Iterator[_Mailbox]:
    """The entries of a list, one after the other; what is between < and > and in (nested) brackets as it stands."""
    box, tokens = _Mailbox(), _Tokens(text)
    for mark in tokens:
        if mark in {",", ";", ":"}:
            if box and mark != ":":  # before a colon stands a group's name
                yield box
            box = _Mailbox(odd=mark != ",")
        else:
            _take(mark, box, tokens)
            box.odd = box.odd or tokens.broken or mark in _STRAY
    if box:
        yield box


def _take(mark: str, box: _Mailbox, tokens: "_Tokens") -> None:
    if mark == "(":
        box.comments.append(tokens.comment())
    elif mark == "<":
        box.angles.append(tokens.angle(box.comments))
    elif mark.strip() and mark not in _STRAY:
        box.phrase.append(mark.strip())


def _unquoted(token: str) -> str:
    return _ESCAPED.sub(r"\1", token[1:].removesuffix('"')) if token.startswith('"') else token


class _Tokens:
    """A header's tokens in order, read once from front to back. `broken`: something in it never ended."""

    def __init__(self, text: str) -> None:
        self._found = _TOKEN.finditer(text)
        self.broken = False

    def __iter__(self) -> Iterator[str]:
        for found in self._found:
            mark = found[0]
            self.broken = self.broken or (mark.startswith('"') and (len(mark) == 1 or mark[-1] != '"'))
            yield mark

    def comment(self) -> str:
        """What is in brackets, from after the first to its own end, however deep; quotes mean nothing in there."""
        depth, escaped, said = 1, False, list[str]()
        for found in self._found:
            mark = found[0]
            depth += (mark == "(") - (mark == ")") if not escaped else 0
            if depth == 0:
                return "".join(said)
            escaped = mark == "\\" and not escaped
            if not escaped:
                said.append(mark)
        self.broken = True
        return "".join(said)

    def angle(self, comments: list[str]) -> str:
        """What is between angle brackets; comments in there are told apart, quoted strings stay whole."""
        said: list[str] = []
        for found in self._found:
            if found[0] == ">":
                return "".join(said)
            if found[0] == "(":
                comments.append(self.comment())
            else:
                said.append(found[0])
        self.broken = True
        return "".join(said)


def _address(text: str) -> str:
    """An address as it can be written to: without route and stray space, at most LONGEST_ADDRESS characters."""
    text = words.clean(text).strip("<> ")
    text = _ROUTE.sub("", text, count=1) if text.startswith("@") else text
    if not text.startswith('"'):
        text = _AROUND.sub(r"\1", text)
    return text[:LONGEST_ADDRESS]
