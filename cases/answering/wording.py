"""Which words say something about what is asked."""

from cases.answering.asked import LONGEST
from cases.answering.space import prepared

# Folded words that say nothing about what is asked, in the languages of the house. Rarity alone cannot tell them where
# there are few articles.
EMPTY = frozenset(
    """
    a about after all also am an and any are as at be because been before but by can cannot could did do does doing done
    dont for from get getting got had has have having hello hey hi how i if im in into is isn it its ive just know like
    me more my need no not now of off on one only or other our out please so some still than thank thanks that the their
    them then there these they thing this to too up us use using want was way we were what when where which while who
    why will with without would yes you your
    aber alle als am an auch auf aus bei bin bis bitte da damit danke das dass dem den der des die dies diese doch du ein
    eine einen einer eines er es fur hab habe haben hallo hat ich ihr ihre im in ist ja kann kein keine konnen man mein
    meine meinen mich mir mit nach nicht noch nun nur ob oder ohne schon sehr sein seit sich sie sind so uber um und uns
    vom von vor war warum was wenn wer werden wie wir wird wo zu zum zur
    al algo como con cual cuando de del desde donde el ella en entre era es esta estan estar este esto fue gracias ha
    hacer hasta hay he hola la las le les lo los mas me mi mis muy nada ni no nos o para pero por porque puedo que quien
    quiero se ser si sin sobre son su sus tambien tengo tiene todo tu un una uno y ya yo
    """.split()  # noqa: SIM905 - a list of words is read as words
)


def telling(text: str, longest: int = LONGEST) -> str:
    """The text without the words that say nothing."""
    words = prepared(text, longest).split()
    return " ".join(word for word in words if not is_empty(word.strip(".,;:!?()\"'")))


def is_empty(word: str) -> bool:
    return word.replace("'", "") in EMPTY
