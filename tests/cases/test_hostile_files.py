"""Files made to escape, to run or to mislead, through the door a mail's parts come in by and the one they leave by (L33)."""

import gzip
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import conversation
from cases.hooks import File
from cases.models import Attachment, Queue
from crm.files import LARGEST, clean_name
from crm.models import StoredFile
from tests.builders import make_case

NAMES = [
    "../../etc/passwd", "..\\..\\windows\\system32\\x.dll", "/etc/passwd", "C:\\boot.ini", "C:boot.ini", "\\\\host\\share\\x", "..%2f..%2fx", "..",
    ".", "...", "", " ", "   .txt", "x/..", "x/", "photo\u202egpj.exe", "\u2066photo\u2069.exe", "a\u200bb.exe", "a\x00.exe", "a\r\nSet-Cookie: x=y",
    "con", "CON.txt", "nul.", "aux.h", "LPT1.log", "com¹.txt", ".htaccess", ".bashrc", "-rf", "--help", "x" * 300 + ".png", "é" * 300 + ".pdf",
    "😀" * 120 + ".jpg", "a.html", "a.svg", "a.xml", "a.pht", "a.phtml", "a.php.jpg", "a.exe ", "a.exe.", "a.jpg                    .exe", "a:b.txt:$DATA",
    "<script>alert(1)</script>.png", '"><img src=x onerror=alert(1)>.png', "'\"`.png", "a;b=c.png", "a\tb.png", "%00.png", "%2e%2e%2f.png", "a\u2028b.png",
    "=cmd|'/c calc'!A1.csv", "\ud83d.png", "\ufeffx.txt", "~root", "$(reboot).png", "`id`.png", "| nc -l.png", "*.png", "a?b.png", "NUL", "\\", "/", "desktop.ini",
]  # fmt: skip


def _zip(*entries: tuple[str, bytes], link: bool = False) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o120777 if link else 0o644) << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return held.getvalue()


_BOMB = _zip(("zeros", b"\0" * 30_000_000))
CONTENTS = {
    "bomb.zip": _BOMB,
    "nested.zip": _zip(*((f"{n}.zip", _BOMB) for n in range(20))),
    "slip.zip": _zip(("../../../tmp/forefront-slipped", b"x"), ("/tmp/forefront-slipped", b"x")),
    "link.zip": _zip(("link", b"/etc/passwd"), link=True),
    "bomb.gz": gzip.compress(b"\0" * 30_000_000),
    "large.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0N \0\0N \x08\x02\0\0\0" + b"\0" * 100,  # says 20,000 by 20,000
    "both.gif": b"GIF89a/*\0\0*/=1;alert(1)//",
    "both.html": b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
    "macro.docm": _zip(
        ("word/vbaProject.bin", b"x"),
        ("[Content_Types].xml", b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>"),
    ),
    "entities.svg": b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script>&b;</svg>",
    "page.html": b"<script>alert(document.cookie)</script>",
    "run.js": b"alert(1)",
    "acts.pdf": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj",
    "eicar.com": b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
    "formula.csv": b"=cmd|'/c calc'!A1,+1,@x,-1\n",
    "empty": b"",
}


def came(queue: Queue, *files: File) -> list[Attachment]:
    case = make_case(queue, channel="mail")
    message = conversation.add_inbound(case, text="x", sender=None, channel="mail", at=timezone.now(), files=files)
    return list(message.attachments.order_by("pk"))


def _is_harmless(name: str) -> bool:
    return (
        0 < len(name.encode()) <= 210
        and not set(name) & set('/\\\0\r\n\t<>:"|?*\u202e\u2066\u200b\u2028')
        and name.strip(" .") == name
        and name[0] not in ".-"
        and Path("/folder", name).resolve().parent == Path("/folder")
    )


@pytest.mark.django_db
def test_no_name_escapes_or_misleads_where_it_is_kept_and_where_it_is_told(billing: Queue, desk: Client) -> None:
    for raw, attachment in zip(NAMES, came(billing, *(File(n, "text/html", b"x") for n in NAMES)), strict=True):
        assert _is_harmless(attachment.name), raw
        header = desk.get(f"/attachments/{attachment.token}/")["content-disposition"]
        assert header.startswith("attachment"), raw
        assert "\n" not in header
        assert "\r" not in header


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=300))
def test_whatever_a_name_is_made_of_it_stays_a_name(raw: str) -> None:
    name = clean_name(raw)

    assert _is_harmless(name)
    assert clean_name(name) == name


@pytest.mark.django_db
@pytest.mark.parametrize(
    "declared", ["text/html", "image/png", "image/svg+xml", "application/x-msdownload", "x" * 500, "a\r\nX: y", ""]
)
def test_what_is_in_a_file_is_only_ever_bytes(billing: Queue, desk: Client, declared: str) -> None:
    """Stored and given back byte for byte, never unpacked, never rendered: a bomb weighs what it weighs closed."""
    kept = came(billing, *(File(name, declared, data) for name, data in CONTENTS.items()))

    for attachment, data in zip(kept, CONTENTS.values(), strict=True):
        answer: Any = desk.get(f"/attachments/{attachment.token}/")
        assert b"".join(answer) == data
        assert answer["content-type"] in {"application/octet-stream", "image/png", "image/gif"}
        assert answer["x-content-type-options"] == "nosniff"
        assert answer["content-security-policy"] == "sandbox; default-src 'none'"
        assert answer["content-disposition"].startswith("inline") is answer["content-type"].startswith("image/")
    assert StoredFile.objects.get(pk=kept[0].file_id).size == len(_BOMB) < 100_000
    assert not os.path.exists("/tmp/forefront-slipped")


@pytest.mark.django_db
def test_a_thousand_files_of_the_same_content_are_kept_once(billing: Queue) -> None:
    kept = came(billing, *(File(f"{n}.txt", "text/plain", b"the same") for n in range(1_000)))

    assert len(kept) == 1_000
    assert len({a.file_id for a in kept}) == 1


@pytest.mark.django_db
def test_what_is_larger_than_a_file_may_be_is_refused_whole(billing: Queue) -> None:
    with pytest.raises(ValueError, match="more than"):
        came(billing, File("large", "", b"\0" * (LARGEST + 1)))
    assert not Attachment.objects.exists()
