"""Real mails, and what another parser read in those of the stalwart family: how that is compared with ours."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cases.mail import addresses, headers, parameters, words

Tree = dict[str, Any]


@dataclass(frozen=True)
class Expected:
    """A mail and what the other parser made of it. Its expectations are for one form of line ends."""

    name: str
    raw: bytes
    tree: Tree

    @property
    def subject(self) -> str:
        return str((self._header("subject") or {}).get("Text", ""))

    @property
    def sender(self) -> tuple[str, str]:
        """Name and address of the first From."""
        said = (self._header("from") or {}).get("Address", {})
        listed = said.get("List") or [one for group in said.get("Group", []) for one in group["addresses"]]
        first = listed[0] if listed else {}
        return first.get("name") or "", first.get("address") or ""

    @property
    def text(self) -> str | None:
        """Its plain text; None where it has none, or HTML stands in for it."""
        bodies = [self.tree["parts"][n]["body"] for n in self.tree["text_body"]]
        texts = [body["Text"] for body in bodies if "Text" in body]
        return "\n".join(texts) if texts and not any("Html" in body for body in bodies) else None

    @property
    def html(self) -> str | None:
        bodies = [self.tree["parts"][n]["body"] for n in self.tree["html_body"]]
        return "\n".join(body["Html"] for body in bodies if "Html" in body) or None

    @property
    def attachments(self) -> list[tuple[str, str, bytes | None]]:
        """Name, type and content, and of a nested mail its bytes; None where it came packed: they are not told."""
        found = []
        for n in self.tree["attachments"]:
            part = self.tree["parts"][n]
            if "Multipart" not in part["body"]:
                found.append((_name(part), _type(part, self._parent(n)), self._content(part)))
        return found

    def _header(self, name: str) -> Tree | None:
        return next((h["value"] for h in self.tree["parts"][0]["headers"] if h["name"] == name), None)

    def _parent(self, n: int) -> Tree | None:
        return next((p for p in self.tree["parts"] if n in (p["body"].get("Multipart") or [])), None)

    def _content(self, part: Tree) -> bytes | None:
        kind, value = next(iter(part["body"].items()))
        if kind == "Message":
            packed = any(
                h["name"] == "content_transfer_encoding" and h["value"] == {"Text": "base64"} for h in part["headers"]
            )
            return None if packed else self.raw[part["offset_body"] : part["offset_end"]]
        return value.encode() if isinstance(value, str) else bytes(value)


def expected(root: Path) -> Iterator[Expected]:
    """Every mail with expectations, in each form of line ends."""
    for file in sorted(root.glob("mail/stalwart/*/*.json")):
        mail = file.with_name(f"{file.name.split('.')[0]}.eml")
        if mail.exists():
            raw = mail.read_bytes().replace(b"\r\n", b"\n")
            crlf = file.name.endswith(".crlf.json")
            yield Expected(
                f"{file.parent.name}/{file.name}",
                raw.replace(b"\n", b"\r\n") if crlf else raw,
                json.loads(file.read_text()),
            )


def words_of(text: str) -> str:
    """A text as far as two parsers must agree: its words, whatever broke its lines."""
    return " ".join(text.split())


def is_packed(data: bytes) -> bool:
    """Did the other parser leave it uuencoded? We unpack it."""
    return bool(re.match(rb"\s*begin [0-7]{3} ", data))


def _value(part: Tree, header: str) -> Tree:
    found = next((h["value"] for h in part["headers"] if h["name"] == header), None)
    return (found or {}).get("ContentType", {})


def _name(part: Tree) -> str:
    for header, attribute in (("content_disposition", "filename"), ("content_type", "name")):
        for one in _value(part, header).get("attributes") or []:
            if one["name"] == attribute:
                return str(one["value"])
    return ""


def _type(part: Tree, parent: Tree | None) -> str:
    said = _value(part, "content_type")
    if not said:
        digest = parent is not None and _value(parent, "content_type").get("c_subtype") == "digest"
        return "message/rfc822" if digest else "text/plain"
    return f"{said['c_type']}/{said['c_subtype']}".lower()


def fields(root: Path, name: str) -> list[tuple[str, object, object]]:
    """Single header fields: as written, as we read them, as the other parser did."""
    rows = json.loads((root / f"mail/stalwart/fields/{name}.json").read_text())
    return [(row["header"], _ours(name, _first(row["header"])), _theirs(name, row["expected"])) for row in rows]


def _first(header: str) -> bytes:
    """Up to the line that does not belong to it any more."""
    return re.split(r"\r?\n(?![ \t])", header)[0].encode()


def _ours(name: str, value: bytes) -> object:
    if name == "address":
        return [(one.name.strip(), one.email) for one in addresses.people(value)]
    if name == "content_type":
        said = parameters.parse(value)
        return said.kind.rstrip("/"), said.parameters if said.kind else {}
    if name == "id":
        return list(headers.ids([value]))
    return headers.date([value]) if name == "date" else words_of(words.read(value))


def _theirs(name: str, said: Any) -> object:
    if name == "address":
        groups = said.get("Group") or [{"addresses": said["List"]}]
        listed = [one for group in groups for one in group["addresses"]]
        return [((one["name"] or "").strip(), one["address"] or "") for one in listed]
    if name == "content_type":
        kind = "/".join(one for one in (said["c_type"], said["c_subtype"]) if one).lower() if said else ""
        told = dict((said or {}).get("attributes") or [])
        return kind, {key: value for key, value in told.items() if not key.endswith("-language")}
    if name == "id":
        return said or []
    return _moment(said) if name == "date" else words_of(said)


def _moment(said: Tree | None) -> datetime | None:
    if not said:
        return None
    away = timedelta(hours=said["tz_hour"], minutes=said["tz_minute"]) * (-1 if said["tz_before_gmt"] else 1)
    parts = (said[one] for one in ("year", "month", "day", "hour", "minute", "second"))
    return datetime(*parts, tzinfo=timezone(away))
