"""Names of files as strangers give them, made fit to be shown and stored."""

import re
import unicodedata

_WINDOWS = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)
_UNSAFE = re.compile(r'[<>:"|?*]')


def clean_name(raw: str) -> str:
    """A file name as people read it, that names no folder, hides nothing and suits every file system.

    Only the last part of a path, without control and direction characters, at most 200 bytes; "file" if nothing stays.
    """
    name = re.split(r"[/\\]", raw)[-1].encode("utf-8", "replace").decode()
    name = "".join(
        c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c) not in {"Cc", "Cf", "Zl", "Zp"}
    )
    name = _UNSAFE.sub("_", name).lstrip(" .-").rstrip(" .")
    name = _shortened(name) or "file"
    return f"_{name}" if _WINDOWS.match(name) else name


def _shortened(name: str, limit: int = 200) -> str:
    """At most `limit` bytes of UTF-8, the ending kept."""
    if len(name.encode()) <= limit:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending.encode()) > 20:
        stem, ending = name, ""
    tail = f".{ending}" if ending else ""
    return stem.encode()[: limit - len(tail.encode())].decode("utf-8", "ignore").rstrip(" .") + tail
