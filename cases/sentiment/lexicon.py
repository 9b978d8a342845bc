"""What a customer's words sound like by lists of words alone: before anything was learned, and to measure against.

Lists of words are poor at this: of airline tweets the best known one told 49 % right, where a small linear model that
learned from labelled ones told 80 % (docs/sentiment.md). So a guess is only given where many words speak one way."""

import re
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from cases.answering.asked import LONGEST
from cases.sentiment import words_de, words_en, words_es
from customers.folding import fold

FEELINGS = ("bad", "neutral", "good")
SURE = 1.5  # weight of words from which a guess is worth being shown
SOME = 0.75  # from which words are not neutral
BEFORE, AFTER = 3, 1  # words a denial reaches: forwards, and (as in "funktioniert nicht") back
_FLIP = -0.75
_TOKEN = re.compile(r"[\w'-]+|[!?]+|[\U0001f300-\U0001faff\u2639\u263a\u2764]|[:;]-?[()]", re.UNICODE)
_FACES = dict.fromkeys("😀😃😄😁😊🙂😍🥰😘👍🙏🎉❤☺👏💚💙🤩", 1.0) | dict.fromkeys("😡😠🤬😤👎😞😢😭☹🙁😩😫🤮💩", -1.5)
_FACES |= {":)": 1.0, ":-)": 1.0, ";)": 0.5, ";-)": 0.5, ":(": -1.0, ":-(": -1.0}


@dataclass(frozen=True)
class Lexicon:
    """One language: what whole words and beginnings of words weigh, and what stands alone."""

    common: frozenset[str]
    denies: frozenset[str]
    turns: dict[str, float]  # what makes the next word stronger or weaker
    whole: dict[str, float]
    begins: dict[str, float]
    phrases: dict[tuple[str, ...], float]
    longest: int

    def weight(self, word: str) -> float:
        if word in self.whole:
            return self.whole[word]
        ends = range(len(word), 2, -1)
        return next((self.begins[word[:end]] for end in ends if word[:end] in self.begins), 0.0)


def score(text: str) -> float:
    """How much speaks for somebody who is pleased (above 0) or upset (below): the sum of what its words weigh, over the
    root of how many weigh anything, so that long letters are no louder than short ones."""
    tokens = _TOKEN.findall(fold(text[:LONGEST]))
    found = _weights(tokens, language(tokens))
    if not found:
        return 0.0
    loud = 1.25 if any("!" in token for token in tokens) else 1.0
    return float(loud * sum(found) / len(found) ** 0.5)


def judge(text: str) -> str:
    """One of FEELINGS, whatever there is to go by: for measuring."""
    told = score(text)
    return "bad" if told <= -SOME else "good" if told >= SOME else "neutral"


def guess(text: str) -> str:
    """The feeling, where many words speak one way; else empty. That nothing speaks does not say that all is well."""
    told = score(text)
    return "bad" if told <= -SURE else "good" if told >= SURE else ""


def language(tokens: list[str]) -> Lexicon:
    """The lexicon that knows most of these words, the common ones and those that weigh something; English where none
    does."""
    said = {*tokens}
    return max(lexica(), key=lambda each: sum(word in each.common or each.weight(word) != 0 for word in said))


def _weights(tokens: list[str], words: Lexicon) -> list[float]:
    """What each word or phrase of a text weighs, those that weigh nothing left out. A phrase is one word of its own: what
    denies in it denies nothing else."""
    left, found = _phrases(tokens, words)
    for at, token in enumerate(left):
        if weight := _FACES.get(token) or words.weight(token):
            weight *= words.turns.get(left[at - 1], 1.0) if at else 1.0
            found.append(weight * (_FLIP if _is_denied(left, at, words) else 1.0))
    return found


def _phrases(tokens: list[str], words: Lexicon) -> tuple[list[str], list[float]]:
    """The tokens that belong to no phrase, and what the phrases weigh; the longest that begins somewhere counts."""
    left: list[str] = []
    found: list[float] = []
    at = 0
    while at < len(tokens):
        sizes = range(words.longest, 1, -1)
        size = next((n for n in sizes if tuple(tokens[at : at + n]) in words.phrases), 1)
        weight = words.phrases.get(tuple(tokens[at : at + size]), 0.0)
        left.append(tokens[at] if size == 1 else "")
        found += [weight] if weight else []
        at += size
    return left, found


def _is_denied(tokens: list[str], at: int, words: Lexicon) -> bool:
    near = tokens[max(0, at - BEFORE) : at] + tokens[at + 1 : at + 1 + AFTER]
    return bool(words.denies.intersection(near))


@cache
def lexica() -> tuple[Lexicon, ...]:
    return tuple(_read(words) for words in (words_en, words_de, words_es))


def _read(words: ModuleType) -> Lexicon:
    whole: dict[str, float] = {}
    begins: dict[str, float] = {}
    for listed, weight in ((words.GOOD, 1.0), (words.GREAT, 2.0), (words.BAD, -1.0), (words.AWFUL, -2.0)):
        for word in _list(listed):
            (begins if word.endswith("*") else whole)[word.rstrip("*")] = weight
    phrases = {tuple(_TOKEN.findall(fold(phrase))): weight for phrase, weight in words.PHRASES.items()}
    turns = dict.fromkeys(_list(words.STRONGER), 1.5) | dict.fromkeys(_list(words.WEAKER), 0.5)
    return Lexicon(
        common=frozenset(_list(words.COMMON)),
        denies=frozenset(_list(words.DENIES)),
        turns=turns,
        whole=whole,
        begins=begins,
        phrases=phrases,
        longest=max(len(phrase) for phrase in phrases),
    )


def _list(words: str) -> list[str]:
    return fold(words).split()
