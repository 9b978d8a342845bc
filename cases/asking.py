"""The words of a filter: `queue:billing -tag:x promise:<2h "exact words" free words`, cut into what they mean. Pure.

A filter is a word, a colon and values (`|` between alternatives, quotes around spaces); `-` before it turns it round.
Quoted words stand beside each other in what was said; all else are words.
"""

import re
from dataclasses import dataclass

from customers.folding import words

LONGEST = 400
MOST_TERMS = 20
MOST_VALUES = 20
# A value in quotes, or without spaces; several with bars between.
_VALUE = r'(?:"[^"]*"?|[^\s"|]+)'
_PART = re.compile(
    rf'(?P<term>(?P<minus>-)?(?P<key>[A-Za-z][A-Za-z0-9_]{{1,39}}):(?P<values>{_VALUE}(?:\|{_VALUE})*))|"(?P<phrase>[^"]*)"?|\S+'
)
_EACH = re.compile(_VALUE)


@dataclass(frozen=True)
class Term:
    """One filter as it was typed: `-tag:x|y` is key "tag", values ("x", "y"), negated."""

    key: str
    values: tuple[str, ...]
    negated: bool
    text: str


@dataclass(frozen=True)
class Asked:
    """A text of filters and words. `free` are the words outside of quotes as they were typed."""

    text: str
    terms: tuple[Term, ...] = ()
    phrases: tuple[tuple[str, ...], ...] = ()
    free: str = ""

    @property
    def words(self) -> list[str]:
        """Every folded word that must be somewhere, those in quotes included, each once."""
        quoted = [word for phrase in self.phrases for word in phrase]
        return list(dict.fromkeys([*words(self.free), *quoted]))


def cut(text: str) -> Asked:
    """What a person typed. Everything is something: what is no filter is words."""
    asked = " ".join(text.split())[:LONGEST]
    terms: list[Term] = []
    phrases: list[tuple[str, ...]] = []
    free: list[str] = []
    for part in _PART.finditer(asked):
        if part["term"] and not part["values"].startswith("//"):  # an address of the web is words
            terms.append(_term(part))
        elif part["phrase"] is not None:
            phrases.append(tuple(words(part["phrase"])))
        else:
            free.append(part[0])
    return Asked(asked, tuple(terms), tuple(phrase for phrase in phrases if phrase), " ".join(free))


def _term(part: re.Match[str]) -> Term:
    values = tuple(each[0].strip('"').strip() for each in _EACH.finditer(part["values"]))
    return Term(part["key"].lower(), values, part["minus"] is not None, part[0])


def quoted(value: str) -> str:
    """A value as it is typed: in quotes where it has spaces or signs that mean something."""
    return f'"{value.replace(chr(34), "")}"' if re.search(r'[\s"|]', value) else value
