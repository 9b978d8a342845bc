"""How text is made comparable: accents stripped, case folded, in Python, so that every database build agrees."""

import re
import unicodedata

# What NFKD leaves whole though people type it plain.
_PLAIN = str.maketrans({"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i"})
_WORD = re.compile(r"\w+", re.UNICODE)


def clean(text: str) -> str:
    """Text PostgreSQL can hold: no NUL, no lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def fold(text: str) -> str:
    """NFKD, marks stripped, casefolded: 'Ñandú' and 'NANDU' fold alike."""
    decomposed = unicodedata.normalize("NFKD", clean(text))
    if decomposed.isascii():  # nothing to strip, and most texts are
        return decomposed.casefold()
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return bare.casefold().translate(_PLAIN)


def words(text: str) -> list[str]:
    """The folded words of a text, in order, each at most 100 characters."""
    return [w[:100] for w in _WORD.findall(fold(text))]
