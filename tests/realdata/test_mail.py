"""Real mails are read as another parser reads them; the rest is read without an exception, soundly."""

from pathlib import Path

import pytest

from cases.mail import reading
from cases.mail.parsed import ParsedMail
from crm.filenames import clean_name
from tests.realdata.mails import Expected, expected, fields, is_packed, words_of

pytestmark = pytest.mark.realdata
ENOUGH = 0.95


@pytest.fixture(scope="module")
def pairs() -> list[tuple[Expected, ParsedMail]]:
    from tests.data import find

    return [(mail, reading.read(mail.raw)) for mail in expected(find("mail").parent)]


def test_all_subjects_and_senders(pairs: list[tuple[Expected, ParsedMail]]) -> None:
    assert len(pairs) >= 60
    for mail, parsed in pairs:
        assert words_of(parsed.subject) == words_of(mail.subject), mail.name
        assert (parsed.sender.name, parsed.sender.email) == mail.sender, mail.name


def test_nearly_all_texts(pairs: list[tuple[Expected, ParsedMail]]) -> None:
    with_text = [(mail, parsed) for mail, parsed in pairs if mail.text is not None]
    right = [mail.name for mail, parsed in with_text if words_of(parsed.text) == words_of(mail.text or "")]
    told = {mail.name for mail, _parsed in with_text}
    print(f"\n{len(right)} of {len(with_text)} texts", end="")
    assert len(right) >= ENOUGH * len(with_text), sorted(told - set(right))


def test_nearly_all_attachments(pairs: list[tuple[Expected, ParsedMail]]) -> None:
    """Name, type and every byte. A uuencoded file counts as right when it is unpacked."""
    wrong, count = [], 0
    for mail, parsed in pairs:
        ours = [(file.name, file.content_type, file.data) for file in parsed.files]
        for name, kind, data in mail.attachments:
            count += 1
            same = [one for one in ours if one[:2] == (clean_name(name) if name else "", kind)]
            if not any(data in {None, one[2]} or (is_packed(data or b"") and not is_packed(one[2])) for one in same):
                wrong.append((mail.name, name, kind, [(n, k, len(d)) for n, k, d in ours]))
    print(f"\n{count - len(wrong)} of {count} attachments", end="")
    assert count - len(wrong) >= ENOUGH * count, wrong


def test_every_real_mail_is_read_soundly(realdata: Path) -> None:
    files = [file for file in sorted(realdata.glob("mail/**/*")) if file.is_file() and file.suffix == ".eml"]
    assert len(files) >= 50
    for file in files:
        parsed = reading.read(file.read_bytes())
        assert parsed.text or parsed.html or parsed.files, file.name
        assert "\x00" not in parsed.text + parsed.subject
        (parsed.text + parsed.html + parsed.subject + parsed.sender.name).encode()


@pytest.mark.parametrize(
    ("field", "enough"),
    # The rest we read otherwise on purpose: no route in an address, no space around its dots, no date made of a list of
    # numbers or out of a Received line, no parameter without a type before it.
    [("address", 0.9), ("content_type", 0.9), ("unstructured", 0.95), ("id", 0.9), ("date", 0.85)],
)
def test_single_fields(realdata: Path, field: str, enough: float) -> None:
    pairs = fields(realdata, field)
    wrong = [(header, said, wanted) for header, said, wanted in pairs if said != wanted]
    print(f"\n{field}: {len(pairs) - len(wrong)} of {len(pairs)}", end="")
    assert len(wrong) <= (1 - enough) * len(pairs), wrong
