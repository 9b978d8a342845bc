"""Imports of files as people have them: other encodings, other forms, members nobody knows."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cases.models import Case, Message
from crm.models import ImportRun
from tests.history import HISTORY, Write, everything, run, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return lambda lines: written(tmp_path, lines)


def errors_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(raw) for raw in Path(f"{path}.errors.jsonl").read_text().splitlines()]


def test_what_is_not_understood_comes_in_with_a_warning(write: Write, capsys: Any) -> None:
    path = write(
        [
            {"type": "product", "external_id": "p1", "name": "Fibre", "colour": "red", "size": 3},
            {
                "type": "case",
                "external_id": "k1",
                "subject": "Slow",
                "status": "open",
                "opened_at": "2024-02-01T09:00:00",
            },
            {"type": "product", "external_id": "p2", "name": "Mobile"},
        ]
    )
    code, out, _err = run(path, capsys)
    assert code == 0
    assert "2 lines came in with a warning" in out
    assert [(e["line"], e["warning"]) for e in errors_of(path)] == [
        (1, "Not known here, and left out: colour, size."),
        (2, "Without a zone, and taken as UTC: opened_at."),
    ]
    assert Case.objects.get().opened_at.isoformat() == "2024-02-01T09:00:00+00:00"


def test_choices_are_named_and_members_that_are_missing_too(write: Write, capsys: Any) -> None:
    path = write(
        [
            {"type": "case", "external_id": "k1", "opened_at": "2024-02-01T09:00:00Z", "status": "done"},
            {"type": "product", "name": "x"},
        ]
    )
    code, _out, err = run(path, capsys)
    assert code == 1
    assert "line 1: status: “done” is none of: new, open," in err
    assert "line 2: external_id: This field is required." in err


def test_marks_and_line_ends_of_other_systems_are_no_matter(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "marked.jsonl"
    lines = [b'{"type": "product", "external_id": "p%d", "name": "Fibre"}' % n for n in range(3)]
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines))
    code, out, _err = run(path, capsys)
    assert (code, out.strip()) == (0, "product: 3 created")


def test_a_line_in_another_encoding_says_how_to_convert_the_file(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "latin.jsonl"
    path.write_bytes('{"type": "product", "external_id": "p1", "name": "Müller"}\n'.encode("latin-1"))
    code, _out, err = run(path, capsys)
    assert code == 1
    assert "line 1: Byte 52 is not UTF-8" in err
    assert "iconv -f latin1 -t utf-8" in err


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("t.csv", b"type,external_id\nproduct,1\n", "is a table"),
        ("t.jsonl", b'[\n {"type": "product"}]', "one JSON list"),
        ("t.jsonl", b'[{"type": "product"}]', "one JSON list"),
        ("t.jsonl", '{"type": "product"}'.encode("utf-16"), "iconv -f utf-16"),
    ],
)
def test_a_file_of_another_form_is_refused_at_once(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CommandError, match=sentence):
        call_command("import", str(path))
    assert not ImportRun.objects.exists()
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_line_too_long_and_a_value_too_long_stay_out_alone(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "huge.jsonl"
    rows = [
        {"type": "product", "external_id": f"p{n}", "name": "x" * size} for n, size in enumerate((9_000_000, 500, 5))
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, out, err = run(path, capsys)
    assert code == 1
    assert "line 1: The line is longer than 8 MB" in err
    assert "line 2: name: Ensure this field has no more than 200 characters." in err
    assert "product: 1 created, 1 failed" in out


def test_what_is_not_a_lines_fault_ends_the_import_and_blames_no_line(
    write: Write, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with tables of another version: every line would be called bad."""
    path = write(HISTORY)
    monkeypatch.setattr(Message._meta.get_field("text"), "column", "words")
    with pytest.raises(CommandError, match="--resume"):
        call_command("import", str(path))
    assert errors_of(path) == []
    assert everything()["Message"] == 0
    monkeypatch.undo()
    code, out, _err = run(path, capsys, "--resume")
    assert code == 0
    assert "message: 3 created" in out
