"""Files by content: bytes live in PostgreSQL under their sha256, in 512 kB chunks, behind Django's storage API.

The same content is kept once, and a file one can see is complete: its row and chunks commit together. With another
storage set as default (a folder, S3) the bytes go there under the same name and the row alone stays here; what was
written before the switch is still read from the database.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, default_storage
from django.db import connection, models, transaction
from django.utils.deconstruct import deconstructible

from crm.database.prepared import Prepared, kept
from crm.filenames import clean_name as clean_name
from crm.models import FileChunk, StoredFile

CHUNK = 512 * 1024
LARGEST = 25 * 1024 * 1024  # bytes of one file

# What a browser may show in place, and how such a file really begins.
PICTURES = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}


class TooLarge(ValueError):
    """A file above LARGEST bytes."""


def save_bytes(data: bytes) -> StoredFile:
    """Keep `data`, or find it kept already. Two at once: the unique sha256 makes the second wait and reuse."""
    if len(data) > LARGEST:
        raise TooLarge(f"{len(data)} bytes are more than the {LARGEST} a file may have")
    sha256 = hashlib.sha256(data).hexdigest()
    if not is_in_database() and not default_storage.exists(_path(sha256)):
        default_storage.save(_path(sha256), ContentFile(data))  # before the row: a row never names missing bytes
    return _known(sha256) or _kept(sha256, data)


def _known(sha256: str) -> StoredFile | None:
    return _FOUND.first(sha256)


_FOUND = Prepared(lambda sha256: StoredFile.objects.filter(sha256=sha256), str)

# The row and its only chunk, where one holds it all. No row: somebody else was quicker, and theirs is committed.
_KEEP = """
WITH fresh AS (
    INSERT INTO crm_storedfile (sha256, size, created_at) VALUES (%(sha256)s, %(size)s, clock_timestamp())
    ON CONFLICT (sha256) DO NOTHING RETURNING id, sha256, size, created_at
), written AS (INSERT INTO crm_filechunk (file_id, position, data) SELECT id, 0, %(data)s FROM fresh)
SELECT id, sha256, size, created_at FROM fresh
"""
_COLUMNS = ("id", "sha256", "size", "created_at")


def _kept(sha256: str, data: bytes) -> StoredFile:
    if 0 < len(data) <= CHUNK and is_in_database():
        values = {"sha256": sha256, "size": len(data), "data": data}
        with kept() as cursor:
            cursor.execute(_KEEP, values)
            row = cursor.fetchone()
        return StoredFile.from_db(connection.alias, _COLUMNS, row) if row else StoredFile.objects.get(sha256=sha256)
    with transaction.atomic():
        stored, is_fresh = StoredFile.objects.get_or_create(sha256=sha256, defaults={"size": len(data)})
        if is_fresh and is_in_database():
            _write(stored, data)
    return stored


def read_bytes(stored: StoredFile) -> bytes:
    """The whole content; for what is small or must be whole. Everything else streams."""
    return b"".join(stream(stored))


def stream(stored: StoredFile) -> Iterator[bytes]:
    """The content a chunk at a time, one short query each."""
    for position in range(_count(stored)):
        yield _chunk(stored, position)


async def astream(stored: StoredFile) -> AsyncIterator[bytes]:
    """As `stream`, for responses under ASGI. A slow reader holds no database connection between two chunks."""
    for position in range(_count(stored)):
        yield await sync_to_async(_chunk_and_release)(stored, position)


def picture_type(start: bytes) -> str:
    """The picture type a file's first bytes prove, else an empty string. Names and declared types prove nothing."""
    return next((kind for kind, magic in PICTURES.items() if magic.match(start)), "")


def first_bytes(stored: StoredFile, length: int = 16) -> bytes:
    return _chunk(stored, 0)[:length] if stored.size else b""


@deconstructible
class DatabaseStorage(Storage):
    """Django's storage API over the same rows. A saved file's name is its sha256; `delete` keeps what is still used."""

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        if mode != "rb":
            raise ValueError("stored files are never changed, only read")
        try:
            return ContentFile(read_bytes(StoredFile.objects.get(sha256=name)), name=name)
        except StoredFile.DoesNotExist as missing:
            raise FileNotFoundError(name) from missing

    def _save(self, _name: str, content: "File[bytes]") -> str:
        return save_bytes(content.read(LARGEST + 1)).sha256

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def exists(self, name: str) -> bool:
        return StoredFile.objects.filter(sha256=name).exists()

    def size(self, name: str) -> int:
        return int(StoredFile.objects.values_list("size", flat=True).get(sha256=name))

    def delete(self, name: str) -> None:
        try:
            with transaction.atomic():
                StoredFile.objects.filter(sha256=name).delete()
        except models.ProtectedError:
            return


def is_in_database() -> bool:
    return isinstance(default_storage, DatabaseStorage) or isinstance(
        getattr(default_storage, "_wrapped", None), DatabaseStorage
    )


def _path(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


def _write(stored: StoredFile, data: bytes) -> None:
    for position, start in enumerate(range(0, len(data), CHUNK)):
        FileChunk.objects.create(file=stored, position=position, data=data[start : start + CHUNK])


def _count(stored: StoredFile) -> int:
    return -(-stored.size // CHUNK)


def _chunk(stored: StoredFile, position: int) -> bytes:
    held = FileChunk.objects.filter(file=stored, position=position).values_list("data", flat=True).first()
    if held is not None:
        return bytes(held)
    with default_storage.open(_path(stored.sha256)) as file:
        file.seek(position * CHUNK)
        return bytes(file.read(CHUNK))


def _chunk_and_release(stored: StoredFile, position: int) -> bytes:
    try:
        return _chunk(stored, position)
    finally:
        if not connection.in_atomic_block:
            connection.close()
