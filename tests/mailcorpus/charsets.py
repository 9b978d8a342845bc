"""B2, 41 and 42: charsets that are unknown, wrong or lie."""

import base64

from tests.mailcorpus.case import contains, plain, put


def text(label: str, body: bytes) -> bytes:
    return plain(
        f"Content-Type: text/plain; charset={label}\nContent-Transfer-Encoding: base64\n".encode(),
        base64.encodebytes(body),
    )


GREEK, RUSSIAN, JAPANESE, CHINESE, KOREAN = "Καλημέρα", "Добрый день", "こんにちは、東京", "你好，世界", "안녕하세요"
VIETNAMESE = "Tiếng Việt"
for label, said in (
    ("windows-1258", "Tiê\u0301ng Viê\u0323t"),
    ("ISO-2022-JP", JAPANESE),
    ("GB18030", CHINESE),
    ("gb2312", CHINESE),
    ("big5", "你好，世界"),
    ("Shift_JIS", JAPANESE),
    ("EUC-JP", JAPANESE),
    ("euc-kr", KOREAN),
    ("ks_c_5601-1987", KOREAN),
    ("koi8-r", RUSSIAN),
    ("windows-1251", RUSSIAN),
    ("iso-8859-7", GREEK),
    ("utf-7", "Grüße £5"),
    ("unicode-1-1-utf-7", "Grüße £5"),
    ("utf-16", "Grüße"),
    ("utf-16le", "Grüße"),
    ("utf-16be", "Grüße"),
    ("utf-32", "Grüße"),
    ("macintosh", "Grüße"),
    ("hz-gb-2312", CHINESE),
):
    codec = {"ks_c_5601-1987": "cp949", "unicode-1-1-utf-7": "utf-7", "macintosh": "mac_roman", "hz-gb-2312": "hz"}.get(
        label, label
    )
    wanted = VIETNAMESE if label == "windows-1258" else said
    put("B2", f"charset_{label}", text(label, said.encode(codec)), text=wanted)

put("B2", "charset_utf16_without_mark", text("utf-16", "Grüße an alle".encode("utf-16-le")), text="Grüße an alle")
put(
    "B2",
    "charset_iso2022jp_with_makers_letters",
    text("iso-2022-jp", b"\x1b$B-!\x1b(B \x1b(I1234\x1b(B"),
    text="① ｱｲｳｴ",
)
put("B2", "charset_iso2022jp_cut", text("iso-2022-jp", b"\x1b$B$3$s$K$A$O\x1b$B$"), text=contains("こんにちは"))
put("B2", "charset_latin1_that_is_windows1252", text("iso-8859-1", b"\x93Hello\x94 \x80 5"), text="“Hello” € 5")
put("B2", "charset_latin1_that_is_utf8", text("iso-8859-1", "Grüße".encode()), text="Grüße")
put("B2", "charset_ascii_that_is_utf8", text("us-ascii", "Grüße".encode()), text="Grüße")
put("B2", "charset_ascii_that_is_latin1", text("us-ascii", b"Gr\xfc\xdfe"), text="Grüße")
put("B2", "charset_utf8_that_is_latin1", text("utf-8", b"Gr\xfc\xdfe"), text="Grüße")
put("B2", "charset_utf8_cut_in_a_letter", text("utf-8", "Grüße ü".encode()[:-1]), text=contains("Grüße"))
put(
    "B2",
    "charset_gb_that_is_utf8",
    text("gb2312", "Grüße, wie geht es Ihnen heute? Übermorgen wäre schön".encode()),
    text=contains("Gr"),
)
put("B2", "charset_none_and_utf8", plain(b"Content-Transfer-Encoding: 8bit\n", "Grüße".encode()), text="Grüße")
put("B2", "charset_none_and_latin1", plain(b"Content-Transfer-Encoding: 8bit\n", b"Gr\xfc\xdfe"), text="Grüße")
for name, label in (
    ("unknown", "x-klingon"),
    ("of_spaces", '"  "'),
    ("a_path", "../../etc/passwd"),
    ("a_codec_that_is_none", "rot13"),
    ("bzip", "bz2"),
    ("zlib", "zlib_codec"),
    ("idna", "idna"),
    ("punycode", "punycode"),
    ("unicode_escape", "unicode_escape"),
    ("undefined", "undefined"),
    ("long", "x" * 5000),
):
    put("B2", f"charset_{name}", text(label, "Grüße".encode()), text="Grüße")
put(
    "B2",
    "charset_utf7_script",
    text("utf-7", b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-"),
    text="<script>alert(1)</script>",
    html="",
)
put("B2", "charset_utf7_half_a_surrogate", text("utf-7", b"+2AA-"), text=lambda t: "\ud800" not in t)
put("B2", "charset_utf16_of_nul", text("utf-16", b"\x00" * 1000), text="")
put("B2", "charset_utf16_odd_length", text("utf-16le", "Grüße".encode("utf-16-le") + b"\x41"), text=contains("Grüße"))
put(
    "B2",
    "charset_in_the_html",
    plain(
        b"Content-Type: text/html\nContent-Transfer-Encoding: 8bit\n",
        b'<meta charset="iso-8859-7"><p>' + GREEK.encode("iso-8859-7"),
    ),
    text=contains(GREEK),
)
put(
    "B2",
    "charset_of_a_header_lies",
    b"From: =?us-ascii?q?J=C3=BCrgen?= <j@b.example>\nSubject: =?x-nobody?q?Gr=FC=DFe?=\n\nHi\n",
    named="Jürgen",
    subject="Grüße",
)
put("B2", "nul_and_controls_in_the_text", plain(body=b"a\x00b\x01c\x1bd\n"), text=lambda t: "\x00" not in t)
