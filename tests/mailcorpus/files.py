"""B4: files whose names, types and contents mean harm. None is opened here: they are named, counted and kept as they are."""

import base64
import io
import zipfile

from tests.mailcorpus.case import HEAD, part, parts, put

TEXT = part(b"text/plain", b"Hello")


def file(data: bytes, name: str, kind: bytes = b"application/octet-stream") -> bytes:
    said = base64.b64encode(name.encode("utf-8", "surrogatepass"))
    header = (
        b'Content-Disposition: attachment; filename="=?utf-8?b?' + said + b'?="\nContent-Transfer-Encoding: base64\n'
    )
    return parts(TEXT, part(kind, base64.encodebytes(data), header))


def raw_name(name: bytes) -> bytes:
    return parts(
        TEXT, part(b"application/octet-stream", b"x", b"Content-Disposition: attachment; filename=" + name + b"\n")
    )


for label, name, wanted in (
    ("up_and_away", "../../etc/passwd", "passwd"),
    ("absolute", "/etc/passwd", "passwd"),
    ("of_a_drive", r"C:\Windows\system32\cmd.exe", "cmd.exe"),
    ("with_both_slashes", r"a/b\c.txt", "c.txt"),
    ("of_dots", "..", "file"),
    ("with_nul", "a\x00b.png", "ab.png"),
    ("turned_round", "\u202egpj.exe", "gpj.exe"),
    ("of_zero_width", "in\u200bvoice.pdf", "invoice.pdf"),
    ("hidden", ".htaccess", "htaccess"),
    ("with_a_dash", "-rf", "rf"),
    ("of_a_device", "CON", "_CON"),
    ("of_a_device_with_ending", "nul.txt", "_nul.txt"),
    ("of_emoji", "📎📎.png", "📎📎.png"),
    ("with_line_ends", "a\r\nContent-Type: text/html.png", "html.png"),
    ("with_quotes", 'a"b<c>.png', "a_b_c_.png"),
    ("of_a_stream", "a.txt:evil.exe", "a.txt_evil.exe"),
    ("percent_encoded", "..%2f..%2fpasswd", "%2f..%2fpasswd"),
    ("of_spaces", "   ", ""),
    ("ending_in_dots", "a.exe. . .", "a.exe"),
):
    put("B4", f"name_{label}", file(b"x", name), names=[wanted], data=[b"x"])
put(
    "B4",
    "name_of_three_hundred_bytes",
    file(b"x", "ü" * 300 + ".png"),
    names=lambda ns: len(ns[0].encode()) <= 200 and ns[0].endswith(".png"),
)
put(
    "B4",
    "name_of_fifteen_kilobytes",
    raw_name(b'"' + b"x" * 15_000 + b'.png"'),
    names=lambda ns: len(ns[0].encode()) <= 200,
)
put("B4", "name_without_quotes", raw_name(b"my file (1).pdf"), names=["my file (1).pdf"])
put("B4", "name_in_latin1", raw_name(b'"\xfcber.pdf"'), names=["\ufffdber.pdf"])
put("B4", "name_in_utf8", raw_name('"über.pdf"'.encode()), names=["über.pdf"])
put("B4", "name_extended", raw_name(b"plain.pdf; filename*=utf-8''%C3%BCber.pdf"), names=["über.pdf"])
put(
    "B4",
    "name_extended_in_an_unknown_charset",
    raw_name(b"plain.pdf; filename*=klingon''%C3%BCber.pdf"),
    names=["über.pdf"],
)
put("B4", "name_extended_with_a_path", raw_name(b"x; filename*=utf-8''..%2F..%2Fpasswd"), names=["passwd"])
put(
    "B4",
    "name_of_the_type",
    parts(TEXT, part(b'application/pdf; name="=?iso-8859-1?q?=FCber.pdf?="', b"x")),
    names=["über.pdf"],
)
put("B4", "no_name", parts(TEXT, part(b"application/pdf", b"x")), names=[""], types=["application/pdf"])
for name in ("x.html", "x.svg", "x.xml", "x.pht", "x.php.png", "x.exe", "x.lnk"):
    put("B4", f"file_{name}", file(b"<script>alert(1)</script>", name), names=[name])
put(
    "B4",
    "picture_that_is_html",
    file(b"<html><script>alert(1)</script>", "a.png", b"image/png"),
    types=["image/png"],
    html="",
)
put(
    "B4",
    "html_file_is_no_body",
    parts(TEXT, part(b"text/html; name=x.html", b"<script>alert(1)</script>", b"Content-Disposition: attachment\n")),
    html="",
    names=["x.html"],
    text="Hello",
)
put(
    "B4",
    "named_text_is_a_file",
    parts(TEXT, part(b"text/plain; name=log.txt", b"a log")),
    names=["log.txt"],
    text="Hello",
)
put(
    "B4",
    "gif_that_is_script",
    file(b"GIF89a/*" + b"\x00" * 20 + b"*/=1;alert(1)", "a.gif", b"image/gif"),
    data=lambda d: d[0].startswith(b"GIF89a/*"),
)
put(
    "B4",
    "eicar",
    file(b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*", "eicar.com"),
    count=1,
)
put(
    "B4",
    "macro_document",
    file(b"PK\x03\x04vbaProject.bin", "a.docm", b"application/vnd.ms-word.document.macroEnabled.12"),
    types=["application/vnd.ms-word.document.macroenabled.12"],
)
put(
    "B4",
    "svg_with_entities",
    file(b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><svg>&e;</svg>', "a.svg", b"image/svg+xml"),
    count=1,
)
put(
    "B4",
    "type_with_a_script",
    parts(TEXT, part(b'text/html"><script>alert(1)</script>', b"x", b"Content-Disposition: attachment\n")),
    types=["application/octet-stream"],
)
put(
    "B4",
    "content_id_with_a_script",
    parts(TEXT, part(b"image/png", b"x", b'Content-ID: <"><script>alert(1)</script>>\n')),
    files=lambda fs: all(len(f.content_id) <= 250 for f in fs),
)
put(
    "B4",
    "same_file_a_hundred_times",
    lambda: parts(
        TEXT, *[part(b"image/png", b"x" * 10_000, b"Content-Disposition: attachment; filename=a.png\n")] * 100
    ),
    count=100,
)
put(
    "B4",
    "file_of_26_megabytes",
    lambda: parts(
        TEXT, part(b"video/mp4", base64.encodebytes(bytes(26_000_000)), b"Content-Transfer-Encoding: base64\n")
    ),
    data=lambda d: len(d[0]) == 26_000_000,
    large=True,
)
put(
    "B4",
    "file_of_40_megabytes_raw",
    lambda: parts(TEXT, part(b"video/mp4", bytes(40_000_000), b"Content-Transfer-Encoding: binary\n")),
    data=lambda d: len(d[0]) == 40_000_000,
    large=True,
)
put(
    "B4",
    "file_alone",
    HEAD + b"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nJVBERg==\n",
    text="",
    names=["a.pdf"],
    data=[b"%PDF"],
)
put(
    "B4",
    "text_alone_but_attached",
    HEAD + b"Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nwords\n",
    text="",
    names=["a.txt"],
)


@lambda build: put("B4", "zip_bomb", build, count=1)
def zip_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../slip", bytes(50_000_000))
    return file(packed.getvalue(), "a.zip", b"application/zip")
