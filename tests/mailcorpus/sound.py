"""What is true of every mail that was read, whatever it was."""

import re
from dataclasses import asdict
from typing import Any

from cases.mail import headers, reading, structure
from cases.mail.parsed import ParsedMail
from crm.filenames import clean_name

KINDS = {"", "bounce", "receipt", "auto_reply", "list", "robot"}
MOST_FILES = structure.MOST + 200  # parts, and what is cut out of texts or too long for them
_KIND = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+/-]{1,150}", re.ASCII)
_WORD = re.compile(r"[a-z_0-9]{1,30}")
_ONE_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def wrongs(parsed: ParsedMail) -> list[str]:
    """Everything that is not sound, in words; none for a mail that is."""
    found = [f"unsound text: {text[:80]!r}" for text in _texts(asdict(parsed)) if not _is_sound(text)]
    found += [f"more than a line: {text[:80]!r}" for text in _lines(parsed) if _ONE_LINE.search(text)]
    found += [f"file name {file.name!r}" for file in parsed.files if file.name and clean_name(file.name) != file.name]
    found += [f"file type {file.content_type!r}" for file in parsed.files if not _KIND.fullmatch(file.content_type)]
    found += [f"fault {fault!r}" for fault in parsed.faults if not _WORD.fullmatch(fault)]
    return found + [name for name, is_so in _LIMITS.items() if not is_so(parsed)]


def _folds_are_apart(parsed: ParsedMail) -> bool:
    at = 0
    for fold in parsed.folds:
        if not at <= fold.start <= fold.end <= len(parsed.text):
            return False
        at = fold.end
    return True


_LIMITS = {
    "long text": lambda p: len(p.text.encode()) <= reading.LONGEST_TEXT + 1,
    "carriage returns": lambda p: "\r" not in p.text,
    "long html": lambda p: len(p.html) <= 8 * reading.LONGEST_HTML,
    "long subject": lambda p: len(p.subject) <= headers.LONGEST,
    "long id": lambda p: all(len(i) <= headers.LONGEST_ID for i in (p.message_id, *p.references, *p.in_reply_to)),
    "many ids": lambda p: len(p.references) <= headers.MOST_IDS,
    "many people": lambda p: max(len(p.to), len(p.cc), len(p.reply_to)) <= 200,
    "long address": lambda p: all(len(one.email) <= 320 for one in (p.sender, *p.to, *p.cc, *p.reply_to)),
    "long name": lambda p: all(len(one.name) <= 200 for one in (p.sender, *p.to, *p.cc, *p.reply_to)),
    "many files": lambda p: len(p.files) <= MOST_FILES,
    "long headers": lambda p: sum(len(v) for vs in p.headers.values() for v in vs) <= 600_000,
    "odd folds": _folds_are_apart,
    "no zone": lambda p: p.date is None or p.date.tzinfo is not None,
    "kind": lambda p: p.auto in KINDS,
    "hash": lambda p: re.fullmatch(r"[0-9a-f]{64}", p.body_hash) is not None,
    "sure of nobody": lambda p: not p.sender_sure or p.sender.email.count("@") >= 1,
}


def _lines(parsed: ParsedMail) -> list[str]:
    people = (parsed.sender, *parsed.to, *parsed.cc, *parsed.reply_to)
    said = [
        parsed.subject,
        parsed.message_id,
        parsed.language,
        *(text for one in people for text in (one.name, one.email)),
    ]
    return said + [file.content_id for file in parsed.files] + [v for vs in parsed.headers.values() for v in vs]


def _texts(value: Any) -> list[str]:
    """Every text in it, however deep."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in _texts(one)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in _texts(one)]
    return []


def _is_sound(text: str) -> bool:
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False
