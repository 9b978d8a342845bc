"""What is learned from: questions of the past, and articles."""

from dataclasses import dataclass

LONGEST = 2_000  # characters of a question that are read
LONGEST_ARTICLE = 8_000
SHOWN = 3  # articles that are offered at once


@dataclass(frozen=True)
class Example:
    """A question of the past: what was asked, in which queue and case, and the article that answered it, if one did."""

    text: str
    article: int | None
    queue: int | None = None
    case: int = 0


@dataclass(frozen=True)
class Document:
    """An article as it is written."""

    article: int
    title: str
    body: str


def question(subject: str, said: str) -> str:
    """A case as the question it asks: its subject, unless what follows says the same, and what the customer wrote."""
    subject, said = subject.strip(), said.strip()
    if said and " ".join(said.split()).casefold().startswith(" ".join(subject.rstrip("….").split()).casefold()):
        return said[:LONGEST]
    return f"{subject}\n{said}".strip()[:LONGEST]
