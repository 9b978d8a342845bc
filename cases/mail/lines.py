"""The lines of a mail's text, each told for what it is: said, quoted, a mail program's words about a mail, a rule."""

import re
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from cases.mail import phrases

MOST_LINES = 50_000
LONGEST_LINE = 300  # characters; what is longer is somebody's words
LONGEST_SPAN = 400
MOST_SPANS = 1_000  # places in one text where an attribution is looked for
_SPAN = 6  # lines one attribution may be broken into


class Kind(Enum):
    """What a line is to the reader."""

    EMPTY = "empty"
    TEXT = "text"
    QUOTE = "quote"
    WROTE = "wrote"  # "On Tuesday Ana wrote:", all its lines
    HEAD = "head"  # "Original message", a repeated head, "reply above this line"
    FORWARD = "forward"  # the same, of a mail passed on
    DASHES = "dashes"  # the signature's own "-- "
    RULE = "rule"  # a line of any other signs
    SENT = "sent"  # "Sent from my telephone"
    FOOT = "foot"  # the beginning of a list's or a law department's words


@dataclass(slots=True)
class Line:
    """One line: where it stands in the text, and its words without the marks and signs around them."""

    start: int
    end: int
    raw: str
    bare: str
    kind: Kind = Kind.TEXT


_BREAK = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_BLANK = " \t\f\v\xa0\u2002\u2003\u2009\u3000"
_UNSEEN = dict.fromkeys(
    [0x200B, 0x200C, 0x200E, 0x200F, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
_SIGNS = "-_=*~#—–+|" + _BLANK
_DASHES = re.compile(r"-- ?|—|⸺|ᐧ|__")
_RULE = re.compile(r"[-_=*~#—–+,]{2,}|(?:[-_=*~#—–] ){2,}[-_=*~#—–]|[-_=~]")
_QUOTED = re.compile(r"[ \t\xa0]*>")
_FENCE = re.compile(r"[ \t]{0,3}(?:```|~~~)")
_LABEL = re.compile(r"[*_]{0,2}([^:：*_<>@\d]{1,30}?)[ \xa0]?[*_]{0,2}[:：][*_]{0,2}")
_ADDRESS = re.compile(r"[^\s<>@]@[^\s<>@]")
_TIME = re.compile(r"\d{1,2}\s?[:.h時点시]\s?\d{2}|\d{1,2}\s?(?:a\.?m|p\.?m|uhr)\b")
_DAY = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
# A few words and then a number: how "On Tue, 5 …" begins, in any language.
_DATED = re.compile(r"[^\w<]{0,3}(?:[^\W\d]\S{0,14}[ ,.]{1,3}){0,4}[^\W\d]{0,12}\d")
_BRACKETED = re.compile(r"[<(\[]\s*(?:mailto:)?[^\s<>@]+@[^\s<>@]+")
# "2013/6/20 Ana Torres <ana@example.org>", with nothing after it.
_ISO_SENDER = re.compile(r"(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}\b[^<]{1,80}<[^<>\s@]+@[^<>\s@]+>$")
_COMMA_WROTE = re.compile(r"[^,]{1,25},?[^,]{1,25}(?:19|20)\d\d(?: г\.?)?,(?:\s\S+){1,6}[:：]$")
_UNFINISHED = re.compile(r"(?:\d|\b\w{1,4})\.$")


def lines(text: str) -> list[Line]:
    """The first MOST_LINES lines of a text. Bounded: a line is looked at for at most LONGEST_LINE characters."""
    found = []
    for match in islice(_BREAK.finditer(text), MOST_LINES):
        if match.end() == match.start():
            break
        start, end = match.span()
        raw = text[start : min(end, start + LONGEST_LINE + 1)].rstrip("\r\n")
        found.append(Line(start, end, raw, raw.translate(_UNSEEN).strip(_BLANK).lower()))
    return found


def told(given: list[Line]) -> list[Line]:
    """The lines, each told anew for its kind."""
    known = list(given)
    for line in known:
        line.kind = _kind(line)
    _fences(known)
    _heads(known)
    _attributions(known)
    _quoted_attributions(known)
    _sent(known)
    return known


def _kind(line: Line) -> Kind:
    bare = line.bare
    if not bare:
        return Kind.EMPTY
    if len(line.raw) > LONGEST_LINE:
        return Kind.QUOTE if _QUOTED.match(line.raw) else Kind.TEXT
    if _QUOTED.match(line.raw):
        return Kind.QUOTE
    if _DASHES.fullmatch(bare):
        return Kind.DASHES
    if _RULE.fullmatch(bare):
        return Kind.RULE
    return _phrase(bare)


def _phrase(bare: str) -> Kind:
    words = bare.strip(_SIGNS).rstrip(":： ").strip(_SIGNS)
    if words in phrases.ABOVE:
        return Kind.HEAD
    begins = words.startswith(
        (
            "begin",
            "anfang",
            "début",
            "inici",
            "inizio",
            "start",
            "poč",
            "zač",
            "нача",
            "поча",
            "έναρξη",
            "开始",
            "開始",
            "بدء",
        )
    )
    if (bare[0] in _SIGNS and words != bare) or begins:
        if words in phrases.FORWARDED:
            return Kind.FORWARD
        if words in phrases.ORIGINAL:
            return Kind.HEAD
    return Kind.FOOT if len(bare) > 11 and phrases.FOOT.match(bare.lstrip(_SIGNS + "[(")) else Kind.TEXT


def _fences(known: list[Line]) -> None:
    """What stands between two fences is code, whatever it looks like."""
    opened = None
    for at, line in enumerate(known):
        if not _FENCE.match(line.raw):
            continue
        if opened is None:
            opened = at
            continue
        for inside in known[opened : at + 1]:
            inside.kind = Kind.TEXT if inside.bare else Kind.EMPTY
        opened = None


# --- repeated heads


def _heads(known: list[Line]) -> None:
    roles = [_role(line) for line in known]
    at = 0
    while at < len(known):
        if roles[at] is not None and (end := _head_end(known, roles, at)):
            for line in known[at:end]:
                line.kind = Kind.HEAD
            at = end
        else:
            at += 1


def _head_end(known: list[Line], every: list[str | None], at: int) -> int:
    """Where the repeated head beginning at a line ends; 0 where there is none. A head names a sender, and a subject or a
    time of sending, or an address: a traveller's "From: London To: Paris" is none."""
    roles: list[str] = []
    addressed, end = False, at
    for here in range(at, min(at + 24, len(known))):
        role = every[here]
        if role is None and not _goes_on(known, every, here):
            break
        if role is not None:
            roles.append(role)
            end = here + 1
        addressed = addressed or bool(_ADDRESS.search(known[here].bare))
    return end if _is_head(roles, addressed=addressed) else 0


def _is_head(roles: list[str], *, addressed: bool) -> bool:
    named = set(roles)
    return len(roles) >= 3 and len(named - {""}) >= 3 and "from" in named and ("subject" in named or addressed)


def _role(line: Line) -> str | None:
    """Which field of a head the line repeats; "" for one we do not know, None where it repeats none."""
    if line.kind not in {Kind.TEXT, Kind.FOOT} or not (match := _LABEL.match(line.bare)):
        return None
    return phrases.LABELS.get(match[1].strip(), "")


def _goes_on(known: list[Line], every: list[str | None], here: int) -> bool:
    """A line within a head that is no field: the rest of a long field, or one empty line between two fields."""
    if known[here].kind is Kind.EMPTY:
        return here + 1 < len(known) and bool(every[here + 1])
    for line, role in zip(known[here : here + 4], every[here : here + 4], strict=True):
        if line.kind is not Kind.TEXT:
            return False
        if role:
            return True
    return False


# --- attributions


def _attributions(known: list[Line]) -> None:
    budget = MOST_SPANS
    for at, line in enumerate(known):
        if budget and _may_end(line, known[at - 1] if at else None):
            budget -= 1
            if begins := _beginning(known, at):
                for part in known[begins - 1 : at + 1]:
                    part.kind = Kind.WROTE


def _quoted_attributions(known: list[Line]) -> None:
    """Where "On Tuesday Ana wrote:" was quoted along with what she wrote: the first lines of a quote."""
    for at, line in enumerate(known):
        before = known[at - 1].kind if at else Kind.EMPTY
        if line.kind is not Kind.QUOTE or before in {Kind.QUOTE, Kind.WROTE}:
            continue
        joined = ""
        for here in range(at, min(at + 3, len(known) - 1)):
            joined = f"{joined} {known[here].bare.lstrip('> ')}".strip(_SIGNS)
            if known[here].kind is not Kind.QUOTE or len(joined) > LONGEST_SPAN:
                break
            follows = known[here + 1].kind is Kind.QUOTE
            first = here == at or "<" in known[at].bare
            if follows and joined.endswith((":", "：")) and _is_quoted_attribution(joined, first=first):
                for part in known[at : here + 1]:
                    part.kind = Kind.WROTE
                break


def _is_quoted_attribution(joined: str, *, first: bool) -> bool:
    return (first or bool(_DATED.match(joined))) and _is_attribution(joined, quoted=True)


def _may_end(line: Line, before: Line | None) -> bool:
    if line.kind is Kind.QUOTE:  # "<ana@example.org", and on a line of its own "> wrote:"
        broken = before is not None and before.kind is Kind.TEXT and "@" in before.bare
        return broken and line.bare.startswith("> ") and line.bare.endswith(":") and len(line.bare) < 20
    if line.kind not in {Kind.TEXT, Kind.RULE} or len(line.raw) > LONGEST_LINE:
        return False
    ending = line.bare.rstrip("*_ ")
    if ending.endswith((":", "：")) or (ending.endswith("--") and len(ending) > 6):
        return True
    return ending.endswith(">") and bool(_ISO_SENDER.match(ending))


def _beginning(known: list[Line], at: int) -> int:
    """The number (from 1) of the line where the attribution that ends at `at` begins; 0 where it is none."""
    shortest, joined = 0, ""
    quoted = _quote_follows(known, at)
    for here in range(at, max(-1, at - _SPAN), -1):
        joined = f"{known[here].bare} {joined}".strip(_SIGNS)
        if len(joined) > LONGEST_SPAN or not _may_hold(known, here, at):
            break
        if _is_attribution(joined, quoted=quoted and (here == at or bool(_DATED.match(joined)))):
            if _DATED.match(joined):
                return here + 1
            shortest = shortest or here + 1
    return shortest


def _may_hold(known: list[Line], here: int, at: int) -> bool:
    """May the line be an inner one of an attribution? A finished sentence, and what is told already, may not."""
    line = known[here]
    if here == at:
        return True
    if line.kind is Kind.EMPTY:
        return known[here + 1].bare.startswith("<")
    if line.kind is not Kind.TEXT:
        return False
    return (
        not line.bare.endswith((".", "!", "?", ":", ";"))
        or bool(_UNFINISHED.search(line.bare))
        or "mailto:" in line.bare
    )


def _is_attribution(joined: str, *, quoted: bool) -> bool:
    """Does it say who wrote when? Where no quote follows it must say so as only programs do."""
    wrote, address = bool(phrases.WROTE.search(joined)), bool(_ADDRESS.search(joined))
    time = bool(_TIME.search(joined))
    if quoted:
        return len(joined) < 250 and (address or (wrote and (len(joined) < 120 or bool(_DATED.match(joined)))))
    if address and _BRACKETED.search(joined):
        return wrote or (time and len(joined) < 250)
    if wrote and _DATED.match(joined) and _DAY.search(joined):
        return time or bool(_COMMA_WROTE.match(joined))
    return False


def _quote_follows(known: list[Line], at: int) -> bool:
    follows = next((line for line in known[at + 1 : at + 9] if line.kind is not Kind.EMPTY), None)
    return follows is not None and follows.kind is Kind.QUOTE


# --- "Sent from my telephone"


def _sent(known: list[Line]) -> None:
    for at, line in enumerate(known):
        if line.kind is Kind.TEXT and len(line.bare) <= 90 and _stands_alone(known, at) and _is_sent(line.bare):
            line.kind = Kind.SENT


def _is_sent(bare: str) -> bool:
    words = bare.strip(_SIGNS + "[]()<>.!")
    if len(words) > 90 or "," in words or len(words.split()) > 10:
        return False
    if "outlook" in words and ("ios" in words or "android" in words):
        return True
    return bool(phrases.SENT.match(words) and phrases.DEVICE.search(words))


def _stands_alone(known: list[Line], at: int) -> bool:
    before = known[at - 1].kind if at else Kind.EMPTY
    after = known[at + 1].kind if at + 1 < len(known) else Kind.EMPTY
    return before is not Kind.TEXT and after is not Kind.TEXT
