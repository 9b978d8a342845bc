"""What is new in a mail, by the pairs two widely used projects keep: Discourse's (email, what is new) and the answers
GitHub's tests expect. Whatever pairs of these families lie in the data folder are tried."""

import ast
import re
from pathlib import Path

import pytest

from cases.mail.parsed import ParsedMail, Person
from cases.mail.quoting import folds
from tests.data import find

pytestmark = pytest.mark.realdata

ENOUGH = 0.80
_EXPECTED = re.compile(
    r'join\("(?P<name>\w+\.txt)"\)\.to_s\s+assert_equal (?P<text>"(?:[^"\\]|\\.)*"),\s*EmailReplyParser\.parse_reply',
    re.S,
)


def new_text(text: str) -> str:
    return ParsedMail(Person("", ""), sender_sure=True, subject="", text=text, folds=folds(text)).new_text


def same(text: str) -> str:
    """Line ends and outer empty lines do not count."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def test_of_discourses_pairs_at_least_four_in_five_come_out_exactly(record_property) -> None:
    mails = sorted(find("reply_strip", "discourse", "emails").iterdir())
    wrong = [
        mail.name
        for mail in mails
        if same(new_text(read(mail))) != same(read(mail.parent.parent / "trimmed" / mail.name))
    ]
    record_property("pairs", f"{len(mails) - len(wrong)} of {len(mails)}")

    assert len(mails) - len(wrong) >= ENOUGH * len(mails), wrong


def test_githubs_answers_come_out_as_its_tests_expect() -> None:
    folder = find("reply_strip", "github")
    told = read(folder / "email_reply_parser_test.rb")
    found = [(m["name"], ast.literal_eval(f'"""{m["text"][1:-1]}"""')) for m in _EXPECTED.finditer(told)]

    assert len(found) >= 8
    for name, expected in found:
        assert same(new_text(read(folder / "emails" / name))) == same(expected), name


@pytest.mark.parametrize(
    ("name", "begins", "hides"),
    [
        ("email_1_1", "Hi folks", ["-Abhishek Kona", "mailing list"]),
        ("email_1_3", "Oh thanks.\n\nHaving", ["-Abhishek", "wrote:", "Something like"]),
        ("email_1_4", "Awesome", ["On Aug 22", "Loader"]),
        ("email_1_5", "One: Here's", []),
        ("email_1_6", "I get proper", ["Corey Donohoe", "Was this"]),
        ("email_1_7", ":+1:", ["Chris Wanstrath", "Steps 0-2"]),
        ("email_one_is_not_on", "Thank, this", ["Dave Tapley", "good news"]),
        ("greedy_on", "On your remote host", ["On 9 Jan", "I am having"]),
        ("correct_sig", "this is an email with a correct -- signature.", ["rick"]),
        ("pathological", "I think you're onto", ["John Sullivan", "ATGGAG"]),
    ],
)
def test_what_githubs_tests_say_of_its_other_mails(name: str, begins: str, hides: list[str]) -> None:
    shown = new_text(read(find("reply_strip", "github", "emails", f"{name}.txt")))

    assert shown.startswith(begins)
    assert [hidden for hidden in hides if hidden in shown] == []


def test_answers_between_quotes_are_shown_with_what_they_answer() -> None:
    shown = new_text(read(find("reply_strip", "github", "emails", "email_1_8.txt")))

    for said in ("> And if I write", "I will reply under this one", "> okay?", "and under this."):
        assert said in shown
    assert "-- Tim" not in shown
    assert "Hey there, this is my signature" not in shown


def test_lines_that_only_look_like_signatures_stay() -> None:
    for name in ("email_1_5", "email_sig_delimiter_in_middle_of_line"):
        mail = read(find("reply_strip", "github", "emails", f"{name}.txt"))
        assert same(new_text(mail)) == same(mail)
