"""The files of a mail: every part that is no body, and what was uuencoded into a text."""

import mimetypes

from cases.file import File
from cases.mail import bodies, headers, structure, transfer, words
from cases.mail.structure import Mail, Part
from crm.filenames import clean_name

MOST_IN_TEXT = 50  # uuencoded files of one text; what comes after stays text
_LONGEST_ID = 250
_CALLED = {
    "application/ms-tnef": "winmail.dat",
    "application/pgp-signature": "signature.asc",
    "application/pkcs7-mime": "smime.p7m",
    "application/pkcs7-signature": "smime.p7s",
    "application/x-pkcs7-signature": "smime.p7s",
    "message/delivery-status": "delivery-status.txt",
    "message/rfc822": "message.eml",
    "text/calendar": "invite.ics",
    "text/html": "text.html",
    "text/plain": "text.txt",
}


def file(mail: Mail, part: Part) -> tuple[File, str]:
    """A part as a file, and a fault in a word or "". Its name is what the mail gives, made fit; "" where it gives none."""
    data, fault = content(mail, part)
    kind = "application/octet-stream" if part.kind.startswith("multipart/") else part.kind
    return File(_name(bodies.name(part)), kind, data, _content_id(part)), fault


def content(mail: Mail, part: Part) -> tuple[bytes, str]:
    """A part's bytes, unpacked."""
    return transfer.unpack(mail.content(part), transfer.encoding(part.headers.first("content-transfer-encoding")))


def cut_out(text: bytes) -> tuple[bytes, list[File]]:
    """A text without the files that are uuencoded in it, and these."""
    kept: list[bytes] = []
    files: list[File] = []
    at = 0
    for found in transfer.uuencoded(text):
        if len(files) == MOST_IN_TEXT:
            break
        kept.append(text[at : found.start])
        at = found.end
        files.append(File(_name(found.name), _guess(found.name), found.data))
    return (b"".join([*kept, text[at:]]), files) if files else (text, [])


def shown_name(file: File) -> str:
    """A name to show and save it under, also where the mail gave none: by what it is."""
    if file.name:
        return file.name
    if file.content_type == "message/rfc822":
        subject = words.read(structure.scan(file.data[: headers.LONGEST]).root.headers.first("subject"))
        return clean_name(f"{subject[:100]}.eml") if subject else "message.eml"
    kind, _slash, _subtype = file.content_type.partition("/")
    ending = mimetypes.guess_extension(file.content_type) or ""
    return _CALLED.get(file.content_type) or {"image": "picture"}.get(kind, "file") + ending


def _name(raw: str) -> str:
    return clean_name(raw) if raw.strip() else ""


def _guess(name: str) -> str:
    return mimetypes.guess_type(name, strict=True)[0] or "application/octet-stream"


def _content_id(part: Part) -> str:
    return headers.message_id(part.headers.all("content-id"))[:_LONGEST_ID]
