"""Texts and HTML made to be slow or large: each is read within what one mail may use, 10 s of CPU and 512 MB (L29)."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
HALF = 512 * 1024
WHOLE = 1024 * 1024
ON = "On Tue, 3 Jan 2023 at 10:15, Ana <ana@example.org> wrote:\n"

HTML: dict[str, str] = {
    "nested blocks": "<div>" * 100_000,
    "nested tables": "<table>" * 70_000,
    "nested cells": "<table><tr><td>" * 35_000,
    "nested quotes": "<blockquote>x" * 40_000,
    "nested styles": "".join(f"<b title={n}>" for n in range(35_000)),
    "styles over blocks": "<p>" + "".join(f"<b title={n}>" for n in range(500)) + "<div>x</div>" * 42_000,
    "unclosed styles in cells": "<td><b title=1></td>" * 26_000,
    "styles in tables": "<table><b>x" * 47_000,
    "one tag of many attributes": "<p " + " ".join(f"a{n}=1" for n in range(59_000)) + ">x",
    "many tags of many attributes": ("<p " + " ".join(f"a{n}=1" for n in range(190)) + ">x") * 400,
    "brackets": "<" * HALF,
    "ampersands": "&" * HALF,
    "a long number": "&#" + "9" * HALF + ";",
    "many long numbers": "&#99999999;" * 47_000,
    "comments that never end": "<!--" * 130_000,
    "tags that never end": '<a b="' * 87_000,
    "closing tags of nothing": "<div>" * 500 + "</span>" * 74_000,
    "up and down": ("<div>" * 400 + "</div>" * 400) * 119,
    "items": "<li>x" * 104_000,
    "lists": "<ul><li>" * 65_000,
    "paragraphs": "<p>x" * 131_000,
    "links": '<a href="http://x.example/">y' * 18_000,
    "links of long words": f'<a href="http://x.example/">{"y" * 500_000}</a>',
    "long addresses": f'<a href="http://{"x." * 250_000}">y</a>',
    "cites": "<div class=moz-cite-prefix>" * 19_000 + ":",
    "signatures": "<div class=gmail_signature>x" * 18_000,
    "raw": "<textarea>" * 52_000,
    "pre": "<pre>" + "\n" * 500_000,
}
TEXTS: dict[str, str] = {
    "empty lines": "\n" * WHOLE,
    "short lines": "a\n" * (WHOLE // 2),
    "colons": "a:\n" * (WHOLE // 3),
    "attributions": ON * (WHOLE // len(ON)),
    "attributions and quotes": f"{ON}> x\ny\n" * 15_000,
    "attributions that break off": "On Tue, 3 Jan 2023\n" * 50_000,
    "wrote": "wrote:\n" * 150_000,
    "heads": "From: a@example.org\nSent: x\nTo: y\nSubject: z\n" * 24_000,
    "heads that break off": "From: a\n" * 130_000,
    "quotes": "> x\n" * 260_000,
    "quotes and words": "> x\ny\n" * 170_000,
    "deep quotes": ">" * WHOLE,
    "rules": "-----\n\n" * 150_000,
    "dashes": "-" * WHOLE,
    "fences": "```\n" * 260_000,
    "telephones": "Sent from my iPhone\n\n" * 49_000,
    "one line": "x" * WHOLE,
    "blanks": " " * WHOLE,
    "at signs": "@" * WHOLE,
    "angles": "<a@b> " * 170_000,
    "digits": "1" * WHOLE + ":",
    "carriage returns": "\r" * WHOLE,
    "unseen": "\u200b" * WHOLE,
    "lines of 299": ("x" * 298 + ":\n") * 3_500,
    "dates of 299": ("On 3 Jan 2023 10:15 " * 14 + "wrote:\n") * 3_500,
    "rounds": f"x\n\n-- \n{ON}> x\n\n-----Original Message-----\nFrom: a@b.c\nTo: d\nSubject: e\n\nSent from my iPhone\n\n"
    * 8_000,
}
READ = """
import resource, sys
from cases.mail.html import as_text, harmless
from cases.mail.quoting import folds
assert resource.getrlimit(resource.RLIMIT_CPU)[0] == 10
given = sys.stdin.buffer.read().decode()
if sys.argv[1] == "html":
    clean, text = harmless(given), as_text(given)
    assert len(clean) <= 512 * 1024 and len(text) <= 1_000_000
    folds(text)
else:
    folds(given)
print("read")
"""


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    resource.setrlimit(resource.RLIMIT_AS, (WHOLE * 512, WHOLE * 512))


def _read(kind: str, monster: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", READ, kind],
        cwd=ROOT,
        input=monster.encode(),
        capture_output=True,
        preexec_fn=_limited,
        check=False,
    )
    return done.stdout.decode().strip() or f"{done.returncode}: {done.stderr.decode()[-500:]}"


@pytest.mark.parametrize("name", HTML)
def test_no_html_uses_more_than_a_mail_may(name: str) -> None:
    assert len(HTML[name]) < HALF + 2_000
    assert _read("html", HTML[name]) == "read"


@pytest.mark.parametrize("name", TEXTS)
def test_no_text_uses_more_than_a_mail_may(name: str) -> None:
    assert _read("text", TEXTS[name]) == "read"
