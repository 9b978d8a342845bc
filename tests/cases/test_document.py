"""The document in which a channel's message arrives: read, filled in, or refused with a sentence."""

import json
from datetime import datetime
from typing import Any

import pytest

from cases import intake
from cases.channels.document import BadDocument, TooLarge, parse
from tests.channels import message

NOW = datetime.fromisoformat("2026-03-02T12:00:00Z")


def read(**fields: Any) -> intake.Inbound:
    return parse(json.dumps(message(**fields)).encode(), channel="shop", external_id="evt", received_at=NOW)


def test_a_whole_document_is_read() -> None:
    got = read(id="m1", thread="t1", at="2026-03-02T12:30:00+01:00", auto=True, extra={"unknown": [1, 2]})

    assert (got.external_id, got.thread, got.is_auto, got.priority) == ("m1", "t1", True, "normal")
    assert got.at == datetime.fromisoformat("2026-03-02T11:30:00Z")


def test_what_is_left_out_is_filled_in() -> None:
    raw = b'{"from": {"kind": "phone", "value": "020 7946 0123"}, "text": "  Where is\\nmy parcel?  "}'

    got = parse(raw, channel="shop", external_id="evt", received_at=NOW)

    assert (got.external_id, got.thread, got.at, got.subject) == ("evt", "evt", NOW, "Where is my parcel?")
    assert got.addresses[0].value == "+442079460123"


def test_a_time_in_the_future_is_now() -> None:
    assert read(at="2036-01-01T00:00:00Z").at == NOW


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"text": ""}, "“text” is empty"),
        ({"text": None}, "“text” is empty"),
        ({"text": 7}, "“text” must be a text"),
        ({"text": ["x"]}, "“text” must be a text"),
        ({"text": True}, "“text” must be a text"),
        ({"subject": {}}, "“subject” must be a text"),
        ({"id": 7}, "“id” must be a text"),
        ({"id": "x" * 201}, "“id” has 1 to 200"),
        ({"id": "a\nb"}, "“id” has 1 to 200"),
        ({"thread": "\t"}, "“thread” has 1 to 200"),
        ({"from": None}, "“from” needs an address"),
        ({"from": "mia@example.org"}, "“from” must be an object"),
        ({"from": {"name": "Mia"}}, "“from” needs an address"),
        ({"from": {"kind": "email", "value": "nobody"}}, "“from”: A mail address looks like"),
        ({"from": {"kind": "fax", "value": "1"}}, "“from”: Choose mail"),
        ({"from": {"kind": "email", "value": 7}}, "“value” must be a text"),
        ({"from": {"kind": ["email"], "value": "a@b.example"}}, "“kind” must be a text"),
        ({"from": {"addresses": ["mia@example.org"]}}, "list of objects"),
        ({"from": {"addresses": {}}}, "“addresses” must be a list"),
        ({"from": {"kind": "email", "value": "a@b.example", "verified": "yes"}}, "“verified” must be true or false"),
        ({"language": "<script>"}, "“language” is a tag"),
        ({"priority": "asap"}, "“priority” is one of low"),
        ({"priority": 2**40}, "“priority” must be a text"),
        ({"tags": "router"}, "“tags” must be a list"),
        ({"tags": [1]}, "“tags” is a list of texts"),
        ({"tags": ["x"] * 21}, "at most 20 entries"),
        ({"direction": "outbound"}, "only inbound"),
        ({"auto": "no"}, "“auto” must be true or false"),
        ({"at": "yesterday"}, "“at” is a time"),
        ({"at": "2026-03-02T12:00:00"}, "“at” is a time"),
        ({"at": "9999-12-31T23:59:59-23:59"}, None),
        ({"at": "0001-01-01T00:00:00+23:59"}, "“at” is"),
        ({"at": "2026-02-20T12:00:00Z"}, "more than 7 days ago"),
        ({"attachments": {}}, "“attachments” must be a list"),
        ({"attachments": ["x"]}, "list of objects"),
        ({"attachments": [{"name": "a", "content": "no base64!"}]}, "is base64"),
        ({"attachments": [{"name": 1, "content": ""}]}, "“name” must be a text"),
        ({"attachments": [{"name": "a"}] * 21}, "at most 20 entries"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(fields: dict[str, Any], sentence: str | None) -> None:
    if sentence is None:
        assert read(**fields).at == NOW
        return
    with pytest.raises(BadDocument, match=sentence):
        read(**fields)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "not JSON"),
        (b"null", "JSON object"),
        (b"[]", "JSON object"),
        (b"{", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"\xff\xfe{}", "UTF-8"),
        (b'{"text": NaN}', "NaN is not"),
        (b'{"text": -Infinity}', "Infinity is not"),
        (b'{"n": 1e999}', "too large"),
        (b'{"n": 1180591620717411303424}', "64 bits"),
        (b'{"n": ' + b"9" * 10_000 + b"}", "64 bits"),
        (b'{"text": "a", "text": "b"}', "twice"),
        (b'{"text": "\\ud800"}', "surrogate"),
        (b'{"text": "a\\u0000b"}', "NUL"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested"),
        (b'{"a": ' + b"[" * 50 + b"]" * 50 + b"}", "nested"),
    ],
)
def test_json_no_database_could_hold_is_refused_in_a_sentence(raw: bytes, sentence: str) -> None:
    with pytest.raises(BadDocument, match=sentence):
        parse(raw, channel="shop", external_id="evt", received_at=NOW)


def test_sizes_are_bounded_apart_for_words_and_files(monkeypatch: pytest.MonkeyPatch) -> None:
    megabyte = "QUFB" * 350_000  # 1.05 MB decoded, 1.4 MB of text
    assert len(read(attachments=[{"name": "a.bin", "content": megabyte}] * 5).files) == 5
    with pytest.raises(TooLarge, match="10 MiB"):
        read(attachments=[{"name": "a.bin", "content": megabyte}] * 11)
    with pytest.raises(TooLarge, match="1 MiB"):
        read(text="x" * 1_100_000)


def test_an_attachment_keeps_its_name_and_loses_its_path_and_lies() -> None:
    got = read(
        attachments=[{"name": "../../photo\u202egpj.exe", "type": "text/html\r\nX: y", "content": "AAAA"}]
    ).files[0]

    assert (got.name, got.content_type, got.data) == ("photogpj.exe", "application/octet-stream", b"\0\0\0")
