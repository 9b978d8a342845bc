"""Encoded words (RFC 2047): how a header says what ASCII cannot. Read wherever they stand, as mailers write them
everywhere: in quoted strings, glued to other text, folded, with a letter split between two of them."""

import binascii
import re
from collections.abc import Iterator
from itertools import groupby

from cases.mail import charsets

# A charset, B or Q, and what is encoded. Either ends at its own "?=": a search through a whole header stays linear,
# because no payload reaches past the next "=?".
_WORD = re.compile(
    r"=\?([^?\s]{1,60})\?(?:([bB])\?([^?]*)|([qQ])\?((?:[^?=]|=(?!\?)|\?(?!=))*=?))\?=",
)
_LINE_END = re.compile(r"[ \t]*\r?\n[ \t]*")
FOLD = re.compile(r"[ \t]*(?:\r\n|\r|\n)[ \t]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_OPENS, _CLOSES = "([{<\"'/-", ")]}>\"'/-,.;:!?"


def text(value: bytes) -> str:
    """A header's bytes as characters that still are those bytes: UTF-8 (RFC 6532) where they are, half surrogates where
    not. `clean` makes these U+FFFD: their charset stands nowhere, and a person's name is not a thing to guess."""
    return value.decode("utf-8", "surrogateescape")


def unfold(value: bytes) -> str:
    """A header's value as one line of text."""
    return clean(FOLD.sub(" ", text(value)))


def clean(said: str) -> str:
    """On one line, without control characters: nothing in a header may start another or hide in a terminal."""
    return _CONTROL.sub(" ", charsets.sound(said)).strip()


def read(value: bytes) -> str:
    """The value with its encoded words decoded, on one line."""
    return decode(text(value))


def decode(said: str) -> str:
    """Text that may hold encoded words and folds, decoded. Space between two encoded words is none; between a word and
    other text there is always some, unless letters or punctuation touch (`St=?…?=rung` is one word)."""
    if "=?" not in said:
        return clean(FOLD.sub(" ", said))
    made, last, after_word = [], "", False
    for is_word, piece in _joined(said):
        if is_word != after_word and _needs_space(last, piece):
            made.append(" ")
        made.append(piece)
        last, after_word = piece or last, is_word
    return clean("".join(made))


def _joined(said: str) -> Iterator[tuple[bool, str]]:
    """Stretches in order, and whether each was encoded. Neighbouring words of one charset are joined as bytes, so that a split letter is whole."""
    for is_word, group in groupby(_pieces(said), key=lambda piece: isinstance(piece, tuple)):
        if not is_word:
            yield False, FOLD.sub(" ", "".join(p for p in group if isinstance(p, str)))
            continue
        words = [p for p in group if isinstance(p, tuple)]
        for label, same in groupby(words, key=lambda word: charsets.codec(word[0]) or word[0]):
            yield True, charsets.decode(b"".join(data for _label, data in same), label)[0]


def _pieces(said: str) -> Iterator[str | tuple[str, bytes]]:
    """Plain stretches and encoded words; blank stretches between two words are left out."""
    at, after_word = 0, False
    for found in _WORD.finditer(said):
        between = said[at : found.start()]
        if between and not (after_word and between.isspace()):
            yield between
        yield found[1], _payload(found)
        at, after_word = found.end(), True
    if said[at:]:
        yield said[at:]


def _payload(word: re.Match[str]) -> bytes:
    if word[2]:
        return _base64(word[3])
    quoted = _LINE_END.sub("", word[5]).encode("utf-8", "surrogateescape")
    return binascii.a2b_qp(quoted, header=True)


def _base64(said: str) -> bytes:
    letters = re.sub(r"[^A-Za-z0-9+/]", "", said)
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + "=" * (-len(letters) % 4))


def _needs_space(before: str, after: str) -> bool:
    """Where an encoded word touches other text."""
    if not before or not after or before[-1].isspace() or after[0].isspace():
        return False
    if before[-1] in _OPENS or after[0] in _CLOSES:
        return False
    return not (before[-1].isalnum() and after[0].isalnum())
