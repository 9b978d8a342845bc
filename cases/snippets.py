"""The piece of a case that shows why it was found, with the found words marked. Text is escaped before it is marked."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from django.db import connection
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from cases.models import Case
from customers.folding import fold

AROUND = 60  # characters shown before and after the first found word
LONGEST = 4000  # characters of a message that are looked at
MOST_MESSAGES = 12  # of a case, the newest
_WORD = re.compile(r"\w+")

_NEWEST = """
SELECT held.id, m.text FROM unnest(%s::bigint[]) AS held (id)
 CROSS JOIN LATERAL (
    SELECT left(text, %s) AS text FROM cases_message
     WHERE case_id = held.id AND taken_back_at IS NULL ORDER BY at DESC, id DESC LIMIT %s
 ) m
"""


def snippets(cases: Sequence[Case], wanted: Sequence[str]) -> dict[int, SafeString]:
    """For each case, the newest of its texts that holds a wanted (folded) word, cut around it, as safe HTML; else the
    last message's first words."""
    marked: dict[int, SafeString] = {}
    sought = set(wanted)
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [[case.pk for case in cases], LONGEST, MOST_MESSAGES])
        for case_id, text in cursor.fetchall():
            if case_id not in marked and (found := around(text, sought)):
                marked[case_id] = found
    return {case.pk: marked.get(case.pk) or mark(case.preview, set()) for case in cases}


def around(text: str, sought: set[str]) -> SafeString | None:
    """The text around its first wanted word, every wanted word marked; None when it holds none."""
    plain = unicodedata.normalize("NFC", " ".join(text.split()))
    first = next((match for match in _WORD.finditer(plain) if _is_sought(match[0], sought)), None)
    if first is None:
        return None
    begin, end = max(first.start() - AROUND, 0), min(first.end() + AROUND, len(plain))
    cut = plain[begin:end]
    return mark(f"{'…' if begin else ''}{cut}{'…' if end < len(plain) else ''}", sought)


def mark(text: str, sought: set[str]) -> SafeString:
    """Escaped, with the wanted words in <mark>."""
    parts, last = [], 0
    for match in _WORD.finditer(text):
        if _is_sought(match[0], sought):
            parts += [escape(text[last : match.start()]), f"<mark>{escape(match[0])}</mark>"]
            last = match.end()
    return mark_safe("".join([*parts, escape(text[last:])]))  # noqa: S308 - every piece was escaped above


def _is_sought(word: str, sought: set[str]) -> bool:
    return _folded(word) in sought


@lru_cache(maxsize=20_000)  # few words are most of any text
def _folded(word: str) -> str:
    return fold(word)[:100]
