"""Nothing of a mail is cut from what is stored: its words, its quotes, its Message-ID."""

import pytest

from cases.models import Queue
from tests.mails import letter, taken

pytestmark = pytest.mark.django_db


def test_the_words_of_a_long_mail_are_stored_whole_and_its_quote_folded(billing: Queue) -> None:
    new, quoted = "Wörter und mehr. " * 40_000, "> Did you restart it?"
    said = taken(letter(f"{new}\n\nOn Monday Ana wrote:\n{quoted}"))

    assert len(said.text) > 600_000
    assert said.text.startswith(new.strip())
    assert said.text.rstrip().endswith(quoted)
    assert "clipped" not in said.flags
    assert said.folds
    assert said.new_text == new.strip()


LONG_ID = "x" * 600


def test_a_long_message_id_is_told_apart_to_its_end_and_found_again(billing: Queue) -> None:
    first = taken(letter(message_id=f"<{LONG_ID}1@mail.example.org>"))
    other = taken(letter("Another thing.", message_id=f"<{LONG_ID}2@mail.example.org>"))
    answer = taken(letter("And?", sender="ceo@example.net", in_reply_to=f"<{LONG_ID}1@mail.example.org>"))

    assert first.mail_id == f"{LONG_ID}1@mail.example.org"
    assert "message_id_reused" not in other.flags
    assert [link.other for link in answer.case.links.all()] == [first.case]


def test_an_id_longer_than_any_may_be_and_in_any_letters_is_stored(billing: Queue) -> None:
    said = taken(letter(message_id=f"<{'ü€𝔞' * 700}@mail.example.org>"))
    assert len(said.mail_id) == 998
