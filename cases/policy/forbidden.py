"""What a policy may not go by. The same failure gets the same remedy: whoever is worth more, sounds angrier or is heard by
more people gets no more. A name or label that speaks of these is refused, whoever gives it: a supervisor or a plugin.

Words are read, not meanings: an input named “importance” passes. That is why what is computed comes from a list of facts
(cases.policy.facts), and why what the rep is asked stands in the decision for everybody to read.
"""

import re

from customers.folding import words

# In the languages of the house, by how the word begins; folded (no accents, lower case).
_BEGIN = (
    # worth
    "value|worth|clv|ltv|lifetime|revenue|turnover|spend|profit|margin|wealth|vip"
    "|kundenwert|umsatz|ertrag|gewinn|wert$|wichtigkeit|valor|ingreso|facturacion|rentab"
    # feeling
    "|sentiment|mood|feeling|emotion|anger|angry|upset|furious|loud$|tone$|rude|polite|satisf|csat|nps"
    "|stimmung|gefuhl|gefuehl|arger|aerger|wut$|wutend|wuetend|zorn|tonfall|laut$|zufrieden"
    "|animo|sentimiento|enfad|enoj|furios|tono$|satisfac"
    # reach
    "|reach|follower|audience|influenc|subscriber|viral|celebrit|social|press$|publicity"
    "|reichweite|zuhorer|zuhoerer|bekanntheit|prominen|presse|alcance|seguidor|audiencia|fama|famos|prensa"
)
_FORBIDDEN = re.compile(f"^(?:{_BEGIN})")


def speaks_of(*texts: str) -> str:
    """The first word in these that speaks of value, sentiment or reach; empty if none does."""
    said = (word for text in texts for word in words(re.sub(r"[_\W]+|(?<=[a-z])(?=[A-Z])", " ", text)))
    return next((word for word in said if _FORBIDDEN.match(word)), "")
