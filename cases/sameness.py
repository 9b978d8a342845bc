"""Whether two cases of one customer are about one thing: a pure score of what both say, to propose and never to decide.

The words both say weigh by how rare they are in this customer's own texts: who always writes of their router says little by
it. Weights are set by hand, not learned (docs/issues.md); a person's press decides."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from customers.folding import words

PROBABLE = 0.5  # from here on it is proposed
DAYS = 60  # apart, from which on nothing is proposed
TAGS, PRODUCT, OTHER_PRODUCT, NEAR = 0.15, 0.25, -0.25, 0.1
_STEM = 6  # letters that count of a word: "charge", "charged" and "charges" are one
_SHORT = 3

# What everybody says: no word of these tells what a case is about. Folded as the texts are.
_COMMON_WORDS = """
about after again all also and any are back because been before but can cannot could day days dear did does don even for
from get good got had has have hello help her here him his how into its just know let like made make many more much must
need not now off only our out over please regards same she should since some still than thank thanks that the their them
then there they thing this time too under until very want was way well were what when where which who why will with would
yet you your yours
aber alle als also auch auf aus bei bin bis bitte bitten danke dann das dass dem den der des die dies diese dieser doch
dort durch ein eine einem einen einer eines fur gegen gibt habe haben hallo hat hatte ich ihnen ihr ihre ihren immer ist
jetzt kann kein keine konnen mal mehr mein meine meinem meinen meiner mich mir mit nach nicht noch nur oder ohne schon sehr
seit sie sind uber und uns unser unsere von vor wann war warum was wenn wer werden wie wieder wir wird wurde zum zur
ahora algo antes aqui asi aun como con cuando del desde donde dos ella ellos era eran ese eso esta estan estas este esto
estos fue gracias hace han hasta hay hola las les los mas mis mucho muy nada nos otra otro para pero por porque que quien
saludos ser siempre sin sobre soy sus tambien tengo tiene todo todos una unas uno unos usted ustedes van vez vuelta
"""
_COMMON = frozenset(words(_COMMON_WORDS))


@dataclass(frozen=True)
class Told:
    """What a case says of itself. `texts`: its subject and what the customer wrote first; `products`: by its fields."""

    texts: tuple[str, ...]
    opened_at: datetime
    tags: frozenset[str] = frozenset()
    products: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Rarity:
    """In how many of this customer's cases each word is said."""

    of: int
    said: Counter[str]

    @classmethod
    def among(cls, cases: Iterable[frozenset[str]]) -> "Rarity":
        every = list(cases)
        return cls(len(every), Counter(stem for stems in every for stem in stems))

    def weight(self, stem: str) -> float:
        return math.log1p(self.of / max(self.said[stem], 1))


def stems(texts: Iterable[str]) -> frozenset[str]:
    """What counts of these texts: the folded words that tell something, cut to where their endings begin."""
    said = (word for text in texts for word in words(text))
    return frozenset(word[:_STEM] for word in said if len(word) >= _SHORT and word not in _COMMON)


def scores(case: Told, others: Sequence[Told]) -> list[float]:
    """For each of the others of this customer how probably it is about the same thing as `case`, 0 to 1."""
    mine, theirs = stems(case.texts), [stems(other.texts) for other in others]
    rarity = Rarity.among([mine, *theirs])
    return [score(case, other, _overlap(mine, said, rarity)) for other, said in zip(others, theirs, strict=True)]


def score(case: Told, other: Told, overlap: float) -> float:
    """`overlap`: of their words, 0 to 1. Nothing beside the words can propose by itself: tags and products are of many."""
    apart = abs((case.opened_at - other.opened_at).total_seconds()) / 86_400
    if apart > DAYS or not overlap:
        return 0.0
    points = overlap + NEAR * (1 - apart / DAYS)
    points += TAGS if case.tags & other.tags else 0.0
    if case.products and other.products:
        points += PRODUCT if case.products & other.products else OTHER_PRODUCT
    return min(max(points, 0.0), 1.0)


def _overlap(one: frozenset[str], other: frozenset[str], rarity: Rarity) -> float:
    """Cosine of the two sets of words, each word by its rarity."""
    if not one or not other:
        return 0.0
    shared = sum(rarity.weight(stem) ** 2 for stem in one & other)
    return shared / (_norm(one, rarity) * _norm(other, rarity))


def _norm(said: frozenset[str], rarity: Rarity) -> float:
    return math.sqrt(sum(rarity.weight(stem) ** 2 for stem in said))
