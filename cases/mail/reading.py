"""From a mail's bytes to what it says. Pure: no database, no network, no clock; bounded: every step is linear in what it
is given and clips first. Whatever the bytes are, there is an answer, and `faults` says what was clipped or guessed.

It runs in a child with limits (`cases.mail.child`), for what has no bound after all.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape

from cases.file import File
from cases.mail import addresses, attached, automatic, bodies, charsets, flowed, headers, reports, structure, words
from cases.mail.html import as_text, harmless
from cases.mail.parsed import ParsedMail, Person
from cases.mail.quoting import folds
from cases.mail.structure import Mail, Part

LONGEST_TEXT = 1024 * 1024  # bytes of UTF-8
LONGEST_HTML = 512 * 1024
_LONGEST_HEADERS = 512 * 1024  # of all headers together that are handed on
_ENOUGH = 4 * LONGEST_TEXT  # bytes of a body that are decoded at all: no charset takes more for a character


@dataclass
class _Body:
    """What the body parts hold, gathered part by part: each is unpacked and decoded once."""

    mail: Mail
    files: dict[int, list[File]] = field(default_factory=dict)  # by the start of the part they stood in
    faults: set[str] = field(default_factory=set)
    known: dict[int, str] = field(default_factory=dict)

    def words(self, part: Part) -> str:
        """A body part's text, without files that were uuencoded in it."""
        if part.start not in self.known:
            self.known[part.start] = self._read(part)
        return self.known[part.start]

    def _read(self, part: Part) -> str:
        data, fault = attached.content(self.mail, part)
        self._note(fault)
        files: list[File] = []
        if part.kind == "text/html":
            text, sure = charsets.decode_html(data[:_ENOUGH], part.type.get("charset"))
            whole = _clip(text, LONGEST_HTML)
        else:
            kept, files = attached.cut_out(data)
            text, sure = charsets.decode(kept[:_ENOUGH], part.type.get("charset"))
            whole = _clip(text, LONGEST_TEXT)
        if len(whole) < len(text) or len(data) > _ENOUGH:
            self._note("long_html" if part.kind == "text/html" else "long_text")
            files = [File("", part.kind, data), *files]
        self._note("" if sure else "other_charset")
        self.files[part.start] = files
        return _flowed(whole.replace("\r\n", "\n").replace("\r", "\n"), part)

    def _note(self, fault: str) -> None:
        if fault:
            self.faults.add(fault)


def read(raw: bytes) -> ParsedMail:
    """What a mail says."""
    mail = structure.scan(raw)
    block = mail.root.headers
    choice = bodies.choose(mail.root)
    body = _Body(mail)
    text = _clip(_text(body, choice.text), LONGEST_TEXT)
    html = _clip(_html(body, choice.html), LONGEST_HTML)
    text = text if text.strip() or not html else as_text(html)
    files = _files(body, choice.files)
    sender, sure = _sender(mail)
    subject = words.read(block.first("subject"))
    handed_on = _headers(block.items())
    found = reports.read(mail)
    kind = words.unfold(block.first("content-type"))
    return ParsedMail(
        sender=sender,
        sender_sure=sure,
        subject=subject,
        text=text,
        folds=folds(text),
        html=harmless(html),
        files=files,
        date=headers.date(block.all("date")),
        message_id=headers.message_id(block.all("message-id")),
        in_reply_to=headers.ids(block.all("in-reply-to")),
        references=headers.ids(block.all("references")),
        reply_to=_people(block.all("reply-to")),
        to=_people(block.all("to")),
        cc=_people(block.all("cc")),
        language=headers.language([*block.all("content-language"), *block.all("accept-language")]),
        auto=automatic.kind_of(handed_on, kind, subject, text, tuple(report.action for report in found)),
        reports=found,
        headers=handed_on,
        body_hash=_hash(body, files),
        faults=tuple(sorted(body.faults | set(mail.faults))),
    )


def _sender(mail: Mail) -> tuple[Person, bool]:
    """Nobody is believed where headers were left out: a second From may be among them."""
    values = mail.root.headers.all("from")
    sender, sure = addresses.sender(values)
    whole = "too_many_headers" not in mail.faults and all(len(value) < headers.LONGEST for value in values)
    return sender, sure and whole


def _people(values: list[bytes]) -> tuple[Person, ...]:
    return tuple(person for value in values for person in addresses.people(value))[: addresses.MOST]


def _headers(items: Iterable[tuple[str, bytes]]) -> dict[str, tuple[str, ...]]:
    """What is handed on, and first of it what tells machines from people."""
    found: dict[str, list[str]] = {}
    left = _LONGEST_HEADERS
    for name, value in sorted(items, key=lambda item: item[0] not in automatic.HEADERS):
        left -= len(name) + len(value)
        if left < 0:
            break
        found.setdefault(name, []).append(words.unfold(value))
    return {name: tuple(values) for name, values in found.items()}


def _text(body: _Body, parts: list[Part]) -> str:
    """Parts one below the other; of HTML where no plain text stands for it, its words."""
    said = [as_text(body.words(part)) if part.kind == "text/html" else body.words(part) for part in parts]
    return "".join(piece if piece.endswith("\n") else f"{piece}\n" for piece in said[:-1]) + "".join(said[-1:])


def _html(body: _Body, parts: list[Part]) -> str:
    """HTML parts and plain ones between them, if there is any HTML."""
    if not any(part.kind == "text/html" for part in parts):
        return ""
    return "\n".join(body.words(p) if p.kind == "text/html" else _paragraph(body.words(p)) for p in parts)


def _paragraph(text: str) -> str:
    return f"<p>{escape(text, quote=False).strip()}</p>".replace("\n", "<br>\n") if text.strip() else ""


def _files(body: _Body, parts: list[Part]) -> tuple[File, ...]:
    """All files in the order of the mail: parts, and what stood in a body."""
    found = dict(body.files)
    for part in parts:
        file, fault = attached.file(body.mail, part)
        body.faults.update({fault} - {""})
        found[part.start] = [file] if file.data or file.name or part.disposition.kind == "attachment" else []
    return tuple(file for start in sorted(found) for file in found[start])


def _hash(body: _Body, files: tuple[File, ...]) -> str:
    """Of what is in the mail, however it was packed on the way: texts as text, without a difference in line ends."""
    made = hashlib.sha256()
    for start in sorted(body.known):
        made.update(
            b"\x00text\x00" + "\n".join(line.rstrip() for line in body.known[start].strip().split("\n")).encode()
        )
    for file in files:
        made.update(b"\x00file\x00" + hashlib.sha256(file.data.replace(b"\r\n", b"\n")).digest())
    return made.hexdigest()


def _flowed(text: str, part: Part) -> str:
    if part.type.get("format").lower() != "flowed":
        return text
    return flowed.unwrap(text, delsp=part.type.get("delsp").lower() == "yes")


def _clip(text: str, longest: int) -> str:
    """At most so many bytes of UTF-8."""
    if len(text) * 4 <= longest:
        return text
    return text.encode()[:longest].decode("utf-8", "ignore")
