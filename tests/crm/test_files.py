"""Files by content: kept once, complete when seen, named safely."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection

from cases.models import Attachment
from crm import files
from crm.models import FileChunk, StoredFile
from tests.builders import make_case, make_message, make_queue


@pytest.mark.django_db
def test_what_is_saved_is_read_back_whole_and_in_chunks() -> None:
    data = bytes(range(256)) * 5000  # 1.28 MB: three chunks

    stored = files.save_bytes(data)

    assert stored.size == len(data)
    assert files.read_bytes(stored) == data
    assert [len(c) for c in files.stream(stored)] == [files.CHUNK, files.CHUNK, len(data) - 2 * files.CHUNK]
    assert files.first_bytes(stored) == data[:16]


@pytest.mark.django_db
@pytest.mark.parametrize("size", [0, 1, files.CHUNK - 1, files.CHUNK, files.CHUNK + 1])
def test_every_size_around_a_chunk_comes_back(size: int) -> None:
    stored = files.save_bytes(b"x" * size)

    assert files.read_bytes(stored) == b"x" * size
    assert stored.chunks.count() == -(-size // files.CHUNK)
    assert files.first_bytes(stored) == b"x" * min(size, 16)


@pytest.mark.django_db
def test_the_same_content_a_thousand_times_is_kept_once() -> None:
    kept = {files.save_bytes(b"the same invoice").pk for _ in range(1000)}

    assert len(kept) == 1
    assert FileChunk.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_ten_who_save_the_same_at_once_keep_it_once_and_whole() -> None:
    data = b"at once" * 200_000
    gate = Barrier(10)

    def save(_n: int) -> int:
        try:
            gate.wait(10)
            return files.save_bytes(data).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        kept = set(pool.map(save, range(10)))

    assert len(kept) == 1
    assert files.read_bytes(StoredFile.objects.get()) == data


@pytest.mark.django_db
def test_a_file_beyond_the_limit_is_refused_and_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 10)

    with pytest.raises(files.TooLarge, match="11 bytes"):
        files.save_bytes(b"x" * 11)

    assert not StoredFile.objects.exists()


@pytest.mark.django_db
def test_the_storage_saves_opens_measures_and_forgets() -> None:
    name = default_storage.save("ignored.txt", ContentFile(b"kept by content"))

    assert default_storage.exists(name)
    assert default_storage.size(name) == 15
    with default_storage.open(name) as file:
        assert file.read() == b"kept by content"
    default_storage.delete(name)
    assert not default_storage.exists(name)
    with pytest.raises(FileNotFoundError):
        default_storage.open(name)
    with pytest.raises(ValueError, match="only read"):
        default_storage.open(name, "wb")


@pytest.mark.django_db
def test_deleting_what_a_message_still_shows_keeps_it() -> None:
    stored = files.save_bytes(b"in use")
    message = make_message(make_case(make_queue()))
    Attachment.objects.create(message=message, file=stored, name="a.txt", content_type="text/plain", size=6)

    default_storage.delete(stored.sha256)

    assert files.read_bytes(stored) == b"in use"


@pytest.mark.django_db
def test_with_another_storage_the_bytes_go_there_and_old_ones_still_open(tmp_path, settings) -> None:
    old = files.save_bytes(b"from before")
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}},
    }

    new = files.save_bytes(b"n" * (files.CHUNK + 5))

    assert not new.chunks.exists()
    assert (tmp_path / new.sha256[:2] / new.sha256).stat().st_size == files.CHUNK + 5
    assert files.read_bytes(new) == b"n" * (files.CHUNK + 5)
    assert files.read_bytes(old) == b"from before"
    assert files.save_bytes(b"n" * (files.CHUNK + 5)) == new


@pytest.mark.django_db(transaction=True)
async def test_under_asgi_the_same_bytes_come_without_holding_a_connection() -> None:
    from asgiref.sync import sync_to_async

    data = b"abc" * files.CHUNK
    stored = await sync_to_async(files.save_bytes)(data)

    got = [chunk async for chunk in files.astream(stored)]

    assert b"".join(got) == data
    assert await sync_to_async(lambda: connection.connection)() is None


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("invoice.pdf", "invoice.pdf"),
        ("Rechnung März – größer.pdf", "Rechnung März – größer.pdf"),
        ("📎 photo.png", "📎 photo.png"),
        ("../../etc/passwd", "passwd"),
        ("/etc/shadow", "shadow"),
        ("C:\\Windows\\system32\\cmd.exe", "cmd.exe"),
        ("..%2f..%2fx", "%2f..%2fx"),
        ("..", "file"),
        ("", "file"),
        ("   ", "file"),
        ("a\x00b.txt", "ab.txt"),
        ("line\r\nSet-Cookie: x.txt", "lineSet-Cookie_ x.txt"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("in\u200bvis\u2066ible.txt", "invisible.txt"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("Lpt1.log", "_Lpt1.log"),
        ("console.txt", "console.txt"),
        (".htaccess", "htaccess"),
        ("-rf", "rf"),
        ("trailing. . ", "trailing"),
        ('a<b>"c|d?*.html', "a_b__c_d__.html"),
        ("half\ud800.txt", "half_.txt"),
    ],
)
def test_names_are_shown_as_they_are_and_lead_nowhere(raw: str, shown: str) -> None:
    assert files.clean_name(raw) == shown


@pytest.mark.parametrize("raw", ["ü" * 300 + ".pdf", "x" * 5000, "a." + "b" * 400, "名" * 200 + ".docx", "📎" * 100])
def test_long_names_are_cut_between_letters_and_keep_their_ending(raw: str) -> None:
    name = files.clean_name(raw)

    assert 100 < len(name.encode()) <= 200
    assert files.clean_name(name) == name
    if raw.endswith((".pdf", ".docx")):
        assert name.rpartition(".")[2] == raw.rpartition(".")[2]


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"GIF89a=1;alert(1)", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"<html><script>", ""),
        (b"<svg xmlns=", ""),
        (b"", ""),
    ],
)
def test_only_what_begins_like_a_picture_is_one(start: bytes, kind: str) -> None:
    assert files.picture_type(start) == kind
