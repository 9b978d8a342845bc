"""The JSON document in which a message arrives (docs/channels.md), read into an `Inbound` or refused with a sentence."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from cases.hooks import File
from cases.models import Case
from crm import strict_json
from crm.files import clean_name
from customers.addresses import Address, BadAddress, normalise

LARGEST_BODY = 1024 * 1024  # bytes, attachments apart
LARGEST_FILES = 10 * 1024 * 1024  # bytes of all attachments together, decoded
LARGEST_RAW = LARGEST_BODY + LARGEST_FILES * 4 // 3 + 1024
MOST_FILES, MOST_ADDRESSES, MOST_TAGS, MOST_FIELDS = 20, 10, 20, 50
OLDEST = timedelta(days=7)  # providers repeat for three; anything older is history and belongs to the import

_ID = re.compile(r"[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]{0,198}[^\s\x00-\x1f\x7f])?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*")
_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+-]{1,60}")


class BadDocument(ValueError):
    """The sender's mistake; the message says what to change."""


class TooLarge(BadDocument):
    """More than a message may have."""


@dataclass(frozen=True)
class Inbound:
    """A message of a customer as any channel hands it over. `at` is when it was said; `thread` names the conversation
    on their side; `addresses` are where its sender can be reached, the one they wrote from first."""

    channel: str  # a Channel's slug, or "web"
    external_id: str
    thread: str
    addresses: tuple[Address, ...]
    text: str
    at: datetime
    name: str = ""
    subject: str = ""
    verified: tuple[Address, ...] = ()
    language: str = ""
    priority: str = Case.Priority.NORMAL
    tags: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    is_auto: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)  # what is asked of customers, by key
    queue: int | None = None  # only from our own forms: a channel has its queue


def parse(raw: bytes, *, channel: str, external_id: str, received_at: datetime) -> Inbound:
    """Read a document. `external_id` is used where it names none itself. Raises BadDocument (TooLarge) in words."""
    try:
        body = strict_json.loads(raw)
    except ValueError as error:
        raise BadDocument(str(error)) from None
    if not isinstance(body, dict):
        raise BadDocument(_("The body must be a JSON object."))
    files = _files(body, len(raw))
    identity = _identity(body, "id") or external_id
    addresses, verified = _sender(_object(body, "from"))
    text = _text(body, "text")
    if not text.strip() and not files:
        raise BadDocument(_("“text” is empty: send what the customer wrote."))
    if (direction := _text(body, "direction") or "inbound") != "inbound":
        raise BadDocument(_("“direction” is %(got)s: only inbound messages are taken.") % {"got": direction[:20]})
    return Inbound(
        channel=channel,
        external_id=identity,
        thread=_identity(body, "thread") or identity,
        addresses=addresses,
        verified=verified,
        name=_line(_text(_object(body, "from"), "name"), 200),
        subject=_line(_text(body, "subject"), 300) or _line(text, 80) or _line(files[0].name, 80),
        text=text,
        at=_time(body, received_at),
        language=_language(body),
        priority=_priority(body),
        tags=_tags(body),
        files=files,
        is_auto=_flag(body, "auto"),
        fields=_fields(body),
        queue=body.get("queue") if channel == "web" else None,
    )


# --- fields


def _get(body: dict[str, Any], name: str, kind: type, words: str) -> Any:
    """A field of the right type, or None where it is absent or null."""
    value = body.get(name)
    if value is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        raise BadDocument(_("“%(field)s” must be %(kind)s.") % {"field": name, "kind": words})
    return value


def _text(body: dict[str, Any], name: str) -> str:
    return _get(body, name, str, _("a text")) or ""


def _flag(body: dict[str, Any], name: str) -> bool:
    return bool(_get(body, name, bool, _("true or false")))


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    return _get(body, name, dict, _("an object")) or {}


def _list(body: dict[str, Any], name: str, most: int) -> list[Any]:
    values = _get(body, name, list, _("a list")) or []
    if len(values) > most:
        raise TooLarge(_("“%(field)s” has at most %(most)d entries.") % {"field": name, "most": most})
    return list(values)


def _identity(body: dict[str, Any], name: str) -> str:
    value = _text(body, name)
    if value and not _ID.fullmatch(value):
        raise BadDocument(_("“%(field)s” has 1 to 200 printable characters.") % {"field": name})
    return value


def _line(text: str, longest: int) -> str:
    return " ".join(text.split())[:longest]


def _language(body: dict[str, Any]) -> str:
    language = _text(body, "language")
    if language and not (_LANGUAGE.fullmatch(language) and len(language) <= 12):
        raise BadDocument(_("“language” is a tag such as en or pt-BR."))
    return language


def _priority(body: dict[str, Any]) -> str:
    priority = _text(body, "priority") or Case.Priority.NORMAL
    if priority not in Case.Priority.values:
        raise BadDocument(_("“priority” is one of %(words)s.") % {"words": ", ".join(Case.Priority.values)})
    return priority


def _tags(body: dict[str, Any]) -> tuple[str, ...]:
    tags = _list(body, "tags", MOST_TAGS)
    if not all(isinstance(tag, str) for tag in tags):
        raise BadDocument(_("“tags” is a list of texts."))
    return tuple(sorted({_line(tag, 60).lower() for tag in tags if tag.strip()}))


def _fields(body: dict[str, Any]) -> dict[str, Any]:
    """Texts, numbers, yes or no, or a list of texts, by the keys of fields; what fits is for the queue to say."""
    given = _object(body, "fields")
    if len(given) > MOST_FIELDS:
        raise TooLarge(_("“%(field)s” has at most %(most)d entries.") % {"field": "fields", "most": MOST_FIELDS})
    for value in given.values():
        each = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str | int | float | bool) or one is None for one in each):
            raise BadDocument(_("“fields” holds texts, numbers, true or false, and lists of texts."))
    return given


def _time(body: dict[str, Any], received_at: datetime) -> datetime:
    """When it was said: never after it reached us, and not so long ago that clocks would lie."""
    said = _text(body, "at")
    if not said:
        return received_at
    try:
        at = datetime.fromisoformat(said)
        too_old = at < received_at - OLDEST  # also fails for a time without an offset
    except (ValueError, TypeError, OverflowError):
        raise BadDocument(_("“at” is a time with its offset, such as 2026-03-01T09:30:00Z.")) from None
    if too_old:
        raise BadDocument(_("“at” is more than 7 days ago: bring history in by the import."))
    return min(at, received_at)


# --- the sender


def _sender(sender: dict[str, Any]) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """Their addresses in order, and those the channel vouches for."""
    told = [sender] if "value" in sender or "kind" in sender else []
    told += _list(sender, "addresses", MOST_ADDRESSES)
    if not told:
        raise BadDocument(_('“from” needs an address: {"kind": email, phone, handle or external, "value": …}.'))
    read = [(_address(entry), _flag(entry, "verified")) for entry in told if _must_be_object(entry)]
    addresses = tuple(dict.fromkeys(address for address, _sure in read))
    return addresses, tuple(dict.fromkeys(address for address, sure in read if sure))


def _must_be_object(entry: Any) -> bool:
    if not isinstance(entry, dict):
        raise BadDocument(_("“addresses” is a list of objects with “kind” and “value”."))
    return True


def _address(entry: dict[str, Any]) -> Address:
    try:
        return normalise(_text(entry, "kind"), _text(entry, "value"))
    except BadAddress as error:
        raise BadDocument(f"“from”: {error.message}") from None


# --- attachments


def _files(body: dict[str, Any], size: int) -> tuple[File, ...]:
    entries = _list(body, "attachments", MOST_FILES)
    if not all(isinstance(entry, dict) for entry in entries):
        raise BadDocument(_("“attachments” is a list of objects with “name”, “type” and “content”."))
    encoded = sum(len(_text(entry, "content")) for entry in entries)
    if size - encoded > LARGEST_BODY:
        raise TooLarge(_("A message has at most 1 MiB without its attachments."))
    files = tuple(_file(entry) for entry in entries)
    if sum(len(f.data) for f in files) > LARGEST_FILES:
        raise TooLarge(_("All attachments of a message together have at most 10 MiB."))
    return files


def _file(entry: dict[str, Any]) -> File:
    try:
        data = base64.b64decode(_text(entry, "content"), validate=True)
    except (binascii.Error, ValueError):
        raise BadDocument(_("The “content” of an attachment is base64.")) from None
    declared = _text(entry, "type")
    kind = declared.lower() if _TYPE.fullmatch(declared) else "application/octet-stream"
    return File(clean_name(_text(entry, "name")), kind, data)
