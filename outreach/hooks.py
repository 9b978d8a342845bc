"""What others may add to offers and to known problems. Filled in `outreach_hooks.py` of plugins (docs/hooks.md).

A gate only removes, a scorer only orders, and one that raises or rests removes what it was asked about: a broken plugin
makes us quieter, never louder, and never breaks a case.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from crm.hooks import Hook


@dataclass(frozen=True)
class Terms:
    """Everything an offer says and asks for: what a version keeps. Checked by `outreach.terms.faults`."""

    what: str  # in words for the rep
    benefit: str  # what it saves or gives this customer
    why: str  # why this customer: a template over their own facts and words (docs/offers.md)
    price: Decimal = Decimal(0)  # for existing customers
    public_price: Decimal | None = None  # what anybody else pays; never less
    currency: str = "GBP"
    months: int = 1  # of minimum term, over which gifts and fees are spread
    gifts: Decimal = Decimal(0)  # cash, vouchers and gifts at face value, in all
    fees: Decimal = Decimal(0)  # in all
    extras: dict[str, Any] = field(default_factory=dict)  # what else it gives: name → how much; more is better
    value: Decimal = Decimal(0)  # what an acceptance is worth to us
    gain: Decimal = Decimal(0)  # what it is worth to the customer
    minutes: Decimal = Decimal(2)  # of talk it takes
    need_tags: tuple[str, ...] = ()  # what a customer says, or a case is tagged, when this is the answer
    eligibility: dict[str, Any] = field(default_factory=lambda: {"all": []})  # docs/conditions.md
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    stock: int | None = None
    cooloff_days: int = 90  # after a no
    question: str = ""  # what is asked, word by word: then it is no offer but a question, and `benefit` its thanks
    answer_kind: str = ""  # outreach.asking.KINDS: text, choice or scale
    choices: tuple[str, ...] = ()  # of a choice, in the order they are read out


@dataclass(frozen=True)
class Offered:
    """An offer from another system: `key` names it there for good."""

    key: str
    name: str
    purpose: str
    terms: Terms
    is_active: bool = True


@dataclass(frozen=True)
class Situation:
    """What a gate or a scorer is told of the talk: keys of rows, and nothing a customer said."""

    case: int
    customer: int
    contact: int
    at: datetime
    need_met_event: int
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """One offer that might be made, as it stands."""

    offer: str  # its key
    version: int  # the key of its version
    terms: Terms
    score: float


@dataclass(frozen=True)
class Acceptance:
    """A customer said yes: what is to be done. The same `key` is the same acceptance, however often it is told."""

    key: str
    offer: str
    version: int
    terms: Terms
    customer: int
    case: int  # its number
    by: int
    at: datetime


@dataclass(frozen=True)
class AtRisk:
    """A customer a known problem is likely to hit: 0 to 1, and why, in a short sentence."""

    customer: int
    score: float
    reason: str


# Offers of other systems, all that stand now. Asked every minute; what changed becomes a new version.
offer_sources: Hook[[], Iterable[Offered]] = Hook("offer_sources")
# A sentence for a candidate that may not be made in this talk, or None. Asked last, when everything else is open.
offer_gates: Hook[[Situation, Candidate], str | None] = Hook("offer_gates")
# How much more (up to 2) or less (down to 0.5) than our own score a candidate is worth; orders, never outweighs silence.
offer_scorers: Hook[[Situation, Candidate], float | None] = Hook("offer_scorers")
# Do what was accepted and return your reference, or None for what is not yours. Asked again with the same key after a
# crash or an exception.
fulfilments: Hook[[Acceptance], str | None] = Hook("fulfilments")
# Who else a known problem (outreach.models.KnownProblem) is likely to hit.
at_risk: Hook[[Any], Sequence[AtRisk]] = Hook("at_risk")
