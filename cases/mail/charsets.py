"""From bytes to text, believing as little as possible of what a mail says about its own charset.

Labels mean what browsers take them to mean (https://encoding.spec.whatwg.org/#names-and-labels): latin-1 is windows-1252,
gb2312 is gb18030, and so on. Bytes that are UTF-8 are UTF-8 whatever single-byte charset they are labelled with: text
of another charset practically never is by chance.
"""

import codecs
import re
import unicodedata
from functools import lru_cache

# Labels that mean another codec than the one Python has under their name.
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
}
# Labels Python does not know, or knows as something that is no charset of text.
_OTHER_NAMES = {
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "iso-8859-6-i": "iso8859-6",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "unicode": "utf-16",
    "iso-10646-ucs-2": "utf-16",
    "ucs-2": "utf-16",
    "csunicode": "utf-16",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "windows-949": "cp949",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "x-gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "euc-cn": "gb18030",
    "x-euc-jp": "euc_jp",
    "cp50220": "iso2022_jp",
    "cp50221": "iso2022_jp",
    "mac": "mac_roman",
    "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-ce": "mac_latin2",
    "windows-874": "cp874",
    "dos-862": "cp862",
    "dos-720": "cp720",
}
_SINGLE_BYTE = re.compile(
    r"(cp(125\d|437|720|737|775|85\d|86\d|874|1006|1125)|iso8859-\d+|koi8-[rtu]|mac-\w+|kz1048|ptcp154)\Z"
)
_SEVERAL_BYTES = frozenset(
    {"utf-8", "utf-7", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "gb18030", "hz"}
    | {"big5hkscs", "cp949", "johab", "cp932", "euc_jp", "iso2022_jp", "iso2022_jp_1", "iso2022_jp_2"}
    | {"iso2022_jp_2004", "iso2022_jp_3", "iso2022_jp_ext", "iso2022_kr"}
)
_LABEL = re.compile(r"[\w.:+-]{1,40}\Z", re.ASCII)
_META = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_LOOKED_AT = 2048  # bytes in which an HTML text may name its charset
_SURROGATES = re.compile("[\ud800-\udfff]")
_JAPANESE_STRETCH = re.compile(rb"\x1b(\$[@B]|\$\(D|\(J|\(I|\(B)")


def decode(data: bytes, label: str = "") -> tuple[str, bool]:
    """The text, and whether the label could be believed. Never fails; what no charset explains becomes U+FFFD."""
    name = codec(label)
    if not name or name == "cp1252" or _SINGLE_BYTE.match(name):
        return _single_byte(data, name)
    if name.startswith("utf-16"):
        return _utf16(data, name)
    try:
        return sound(data.decode(name)), True
    except (UnicodeError, ValueError):
        return _despite_errors(data, name)


def decode_html(data: bytes, label: str = "") -> tuple[str, bool]:
    """As `decode`; where the mail names no charset, the HTML may."""
    if not codec(label) and (named := _META.search(data[:_LOOKED_AT])):
        label = named[1].decode("ascii", "replace")
    return decode(data, label)


@lru_cache(maxsize=256)
def codec(label: str) -> str:
    """The codec that a label means, or "" for one that means none we trust with a stranger's bytes."""
    label = label.strip(" \t\r\n\"';,").lower().partition("*")[0]
    if not _LABEL.match(label):
        return ""
    try:
        name = codecs.lookup(_OTHER_NAMES.get(label, label)).name
    except (LookupError, ValueError):
        return ""
    name = _MEANT.get(name, name)
    return name if name in _SEVERAL_BYTES or _SINGLE_BYTE.match(name) else ""


def sound(text: str) -> str:
    """Without NUL and half surrogate pairs, which no database or client takes."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return _SURROGATES.sub("\ufffd", text)


def _single_byte(data: bytes, name: str) -> tuple[str, bool]:
    if data.isascii():
        return sound(data.decode("ascii")), True
    try:
        return sound(data.decode("utf-8")), False
    except UnicodeDecodeError:
        text = data.decode(name or "cp1252", "replace")
    if name == "cp1258":  # writes Vietnamese tones as marks of their own
        text = unicodedata.normalize("NFC", text)
    return sound(text), bool(name)


def _utf16(data: bytes, name: str) -> tuple[str, bool]:
    """The byte order mark decides; without one, the side on which ASCII's zero bytes are."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        name = "utf-16"
    elif name == "utf-16":
        name = "utf-16-le" if data[1::2].count(0) > data[0::2].count(0) else "utf-16-be"
    if data.isascii() and b"\x00" not in data:
        return data.decode("ascii"), False
    return sound(data.decode(name, "replace")), True


def _despite_errors(data: bytes, name: str) -> tuple[str, bool]:
    """What the label cannot explain whole: UTF-8 if that can, else the label's charset with holes; and bytes called
    UTF-8 of which not one letter is are windows-1252."""
    if name.startswith("iso2022_jp"):
        return _japanese(data), False
    if name != "utf-8":
        try:
            return sound(data.decode("utf-8")), False
        except UnicodeDecodeError:
            return sound(data.decode(name, "replace")), False
    text = data.decode("utf-8", "replace")
    understood = any("\x80" <= c != "\ufffd" for c in text)
    return sound(text if understood else data.decode("cp1252", "replace")), False


def _japanese(data: bytes) -> str:
    """ISO-2022-JP as it is really written: with half-width kana and the makers' own characters (codepage 50221). Each
    stretch between two escape sequences is read for itself, two-byte ones by way of Shift-JIS, which has those."""
    pieces = _JAPANESE_STRETCH.split(data)
    text = [pieces[0].decode("ascii", "replace")]
    for escape, stretch in zip(pieces[1::2], pieces[2::2], strict=True):
        text.append(_stretch(escape, stretch))
    return sound("".join(text))


def _stretch(escape: bytes, stretch: bytes) -> str:
    if escape in {b"$@", b"$B"}:
        return bytes(_shift_jis(stretch)).decode("cp932", "replace")
    if escape == b"(I":
        return bytes(b | 0x80 if 0x21 <= b <= 0x5F else b for b in stretch).decode("cp932", "replace")
    if escape == b"$(D":
        return (b"\x1b$(D" + stretch + b"\x1b(B").decode("iso2022_jp_1", "replace")
    return stretch.decode("ascii", "replace")


def _shift_jis(stretch: bytes) -> bytearray:
    """JIS X 0208 pairs as Shift-JIS; line ends and the like, which belong to neither, stay."""
    made, at = bytearray(), 0
    while at < len(stretch):
        pair = stretch[at : at + 2]
        if len(pair) == 2 and all(0x21 <= b <= 0x7E for b in pair):
            row, cell = pair
            made.append((row + 1) // 2 + (0x70 if row < 0x5F else 0xB0))
            made.append(cell + (0x7E if row % 2 == 0 else 0x20 if cell >= 0x60 else 0x1F))
            at += 2
        else:
            made.append(stretch[at])
            at += 1
    return made
