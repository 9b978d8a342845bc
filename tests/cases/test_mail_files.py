"""`manage.py intake`: mail from files by the way a mailbox's takes, on an empty database too, told line by line."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cases.mail.mailfiles import mails
from cases.models import Case, InboundItem, Message, Queue
from tests.mails import answer_to, answered, letter, parcel

pytestmark = pytest.mark.django_db

FIELDS = {
    *("file", "n", "status", "case", "message_id", "from_email", "from_name", "subject", "text", "new_text", "html"),
    *("attachments", "auto", "kind", "error"),
}


def intake(*args: Any) -> list[dict[str, Any]]:
    out = io.StringIO()
    call_command("intake", *map(str, args), "--json", stdout=out, stderr=io.StringIO())
    return [json.loads(line) for line in out.getvalue().splitlines()]


def written(path: Path, raw: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


def test_on_an_empty_database_a_mail_opens_a_case_and_everything_is_told(tmp_path: Path) -> None:
    text = "It blinks.\n\n-- \nMia"
    raw = parcel(("bill.pdf", "application/pdf", b"%PDF-"), text=text)
    file = written(tmp_path / "one.eml", raw)

    (told,) = intake(file)

    assert set(told) == FIELDS
    case = Case.objects.get()
    assert (case.queue.name, Queue.objects.count()) == ("Inbox", 1)
    assert (told["file"], told["n"], told["status"], told["case"]) == (str(file), 0, "created", case.number)
    assert (told["from_email"], told["from_name"], told["subject"]) == ("mia@example.org", "Mia Wolff", "Files")
    assert told["message_id"] == Message.objects.get().mail_id != ""
    assert told["text"].startswith("It blinks.")
    assert "Mia" not in told["new_text"]
    assert told["attachments"] == [{"name": "bill.pdf", "type": "application/pdf", "size": 5}]
    assert (told["html"], told["auto"], told["kind"], told["error"]) == ("", False, "", None)


def test_a_repeat_tells_its_fields_too(tmp_path: Path) -> None:
    raw = letter()
    again = written(tmp_path / "again.eml", b"Received: by c\r\n" + raw)

    first, same, other = intake(written(tmp_path / "one.eml", raw), tmp_path / "one.eml", again)

    assert [told["status"] for told in (first, same, other)] == ["created", "duplicate", "duplicate"]
    for field in FIELDS - {"file", "status"}:
        assert first[field] == same[field] == other[field]
    assert Message.objects.count() == 1


def test_what_becomes_of_each(tmp_path: Path, billing: Queue, ana: Any) -> None:
    first = intake(written(tmp_path / "1.eml", letter()), "--queue", "billing")[0]
    case = Case.objects.get()
    assert case.queue == billing
    dispatch = answered(case, ana)
    answer = written(tmp_path / "2.eml", answer_to(dispatch))
    away = written(tmp_path / "3.eml", letter("Away.", auto_submitted="auto-replied"))

    appended, ignored = intake(answer, away)

    assert (first["status"], appended["status"], appended["case"]) == ("created", "appended", case.number)
    assert (ignored["status"], ignored["case"], ignored["auto"]) == ("ignored", None, True)
    assert (ignored["kind"], ignored["error"]) == ("auto_reply", "auto_reply_to_nothing")
    assert ignored["text"].strip() == "Away."


def test_an_mbox_and_a_maildir_are_many_mails(tmp_path: Path) -> None:
    begin = b"From mia@example.org Mon Mar  2 10:00:00 2026\n"
    raws = [letter(f"Mail {n}\n>From here on", subject=f"S{n}").replace(b"\r\n", b"\n") for n in range(3)]
    mbox = written(tmp_path / "a.mbox", b"".join(begin + raw.replace(b"\n>From", b"\n>>From") + b"\n" for raw in raws))
    for n in range(2):
        written(tmp_path / "maildir" / ("new" if n else "cur") / f"{n}.host", letter(subject=f"D{n}"))
    (tmp_path / "maildir" / "tmp").mkdir()

    told = intake(mbox, tmp_path / "maildir")

    assert [(line["n"], line["subject"], line["status"]) for line in told] == [
        *((n, f"S{n}", "created") for n in range(3)),
        *((n, f"D{n}", "created") for n in range(2)),
    ]
    assert [raw for _name, _n, raw in mails(mbox)] == raws


def test_a_mail_that_begins_like_an_mbox_is_one_mail(tmp_path: Path) -> None:
    raw = b"From mia@example.org Mon Mar  2 10:00:00 2026\n" + letter("A\n\nFrom here on 2026 it blinks")

    assert [n for _name, n, _raw in mails(written(tmp_path / "a.eml", raw))] == [0]


def test_a_sentence_that_begins_with_from_does_not_end_a_mail(tmp_path: Path) -> None:
    begin = b"From mia@example.org Mon Mar  2 10:00:00 2026\n"
    raw = letter("A\nFrom 2026 on it blinks").replace(b"\r\n", b"\n")

    assert [r for _name, _n, r in mails(written(tmp_path / "a", begin + raw + b"\n"))] == [raw]


def test_a_folder_is_what_mails_are_in_it(tmp_path: Path) -> None:
    written(tmp_path / "box" / "a.eml", letter(subject="A"))
    written(tmp_path / "box" / "deep" / "b.EML", letter(subject="B"))
    written(tmp_path / "box" / "LICENSE", b"no mail")

    assert [line["subject"] for line in intake(tmp_path / "box")] == ["A", "B"]


@pytest.mark.parametrize(
    "raw", [b"", b"\n\n\n", b"\x00\xff" * 50, b"From: \r\n\r\n", b"Subject: =?utf-8?b?" + b"x" * 9000]
)
def test_a_bad_mail_stops_nothing(tmp_path: Path, raw: bytes) -> None:
    bad, good = intake(written(tmp_path / "bad.eml", raw), written(tmp_path / "good.eml", letter()))

    assert bad["status"] in {"created", "kept"}
    assert good["status"] == "created"
    assert InboundItem.objects.count() == 2


def test_a_file_that_is_not_there_stops_nothing_and_is_told_at_the_end(tmp_path: Path) -> None:
    good = written(tmp_path / "good.eml", letter())
    out = io.StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("intake", str(tmp_path / "none.eml"), str(good), stdout=out, stderr=io.StringIO())

    assert ended.value.code == 1
    assert Message.objects.count() == 1
    assert "1 created, 1 unreadable" in out.getvalue()


def test_a_queue_that_is_not_there_is_refused_in_words(tmp_path: Path, billing: Queue) -> None:
    with pytest.raises(CommandError, match="There are: Billing"):
        intake(written(tmp_path / "a.eml", letter()), "--queue", "Nowhere")
    assert not InboundItem.objects.exists()
