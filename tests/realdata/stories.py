"""Real customers' questions and dialogues as stories: who says what, in order."""

import csv
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Turn:
    """One utterance; `who` is a customer's name, or empty where a rep speaks."""

    id: str
    who: str
    text: str

    @property
    def address(self) -> dict[str, str]:
        """How this person writes: every second one by mail, the others under a name of the channel's own."""
        if zlib.crc32(self.who.lower().encode()) % 2:
            return {"kind": "email", "value": f"{self.who}@customers.example.org"}
        return {"kind": "handle", "value": self.who}


@dataclass(frozen=True)
class Story:
    """One conversation, by the name the channel has for it."""

    name: str
    turns: tuple[Turn, ...]

    @property
    def customer(self) -> str:
        return self.turns[0].who.lower()

    @property
    def people(self) -> list[str]:
        """Everybody who writes in it, ours apart: each has a case of their own."""
        return list(dict.fromkeys(turn.who.lower() for turn in self.turns if turn.who))

    def case_of(self, turn: Turn) -> tuple[str, str]:
        """Story and person; we answer the one who began."""
        return self.name, turn.who.lower() or self.customer

    def said_in(self, case: tuple[str, str]) -> list[Turn]:
        return [turn for turn in self.turns if self.case_of(turn) == case]


def questions(data: Path, how_many: int) -> list[Story]:
    """The first questions of banking77, each from a customer of its own."""
    with (data / "banking77" / "train.csv").open(newline="", encoding="utf-8") as file:
        texts = [row["text"] for _n, row in zip(range(how_many), csv.DictReader(file), strict=False)]
    return [Story(f"q{n}", (Turn(f"q{n}", f"asker{n}", text),)) for n, text in enumerate(texts)]


def dialogues(data: Path) -> list[Story]:
    """All of ibm_cdp, each ending with the agent's answer that names a page."""
    read = json.loads((data / "ibm_cdp" / "dev.json").read_text(encoding="utf-8"))
    return [Story(f"d{n}", tuple(_turns(f"d{n}", dialogue))) for n, dialogue in enumerate(read)]


def _turns(name: str, dialogue: dict[str, Any]) -> Iterator[Turn]:
    said = dialogue["dialogContent"]
    for n, entry in enumerate(said):
        yield Turn(f"{name}.{n}", entry.get("client") or entry.get("client1") or "", entry["message"])
    yield Turn(f"{name}.{len(said)}", "", dialogue["agentURL"]["url_utterance"])
