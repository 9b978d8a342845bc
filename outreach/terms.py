"""What an offer must be to be kept: every fault in a sentence, before anybody can be shown it."""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from customers import conditions
from customers.folding import clean
from outreach import asking, reasons
from outreach.hooks import Terms

LONGEST = {"what": 300, "benefit": 300, "why": 400}
LONGEST_QUESTION = 300
AMOUNTS = ("price", "gifts", "fees", "value", "gain", "minutes")
_MOST = Decimal(10) ** 10
_EVERYBODY: tuple[dict[str, Any], ...] = ({"all": []},)


class BadTerms(ValueError):
    """Terms that cannot be kept: [(field, sentence)]."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name}: {told}" for name, told in faults))
        self.faults = faults


def checked(terms: Terms, *, at: datetime) -> Terms:
    """The same, tidied. Raises BadTerms with every fault."""
    tags = tuple(sorted({" ".join(clean(t).lower().split())[:60] for t in terms.need_tags} - {""}))
    words = {name: clean(getattr(terms, name)).strip() for name in LONGEST}
    amounts = {name: Decimal(str(getattr(terms, name))) for name in AMOUNTS}
    asked: dict[str, Any] = {"question": clean(terms.question).strip(), "choices": asking.tidy(terms.choices)}
    tidy = Terms(**{**vars(terms), **words, **amounts, **asked, "need_tags": tags, "currency": terms.currency.upper()})
    parts = (_words, _money, _beside, _question, _time_and_stock)
    if faults := [fault for part in parts for fault in part(tidy)] + [*_for_whom(tidy, at)]:
        raise BadTerms(faults)
    return tidy


def _words(terms: Terms) -> Iterator[tuple[str, str]]:
    for name, longest in LONGEST.items():
        if not 0 < len(getattr(terms, name)) <= longest:
            yield name, _("Write between 1 and %(most)d characters.") % {"most": longest}
    if unknown := reasons.unknown(terms.why):
        known = ", ".join(reasons.known())
        yield "why", _("There is no {%(name)s}. Use some of: %(known)s.") % {"name": unknown[0], "known": known}


def _money(terms: Terms) -> Iterator[tuple[str, str]]:
    for name in AMOUNTS:
        amount = getattr(terms, name)
        if not amount.is_finite() or not 0 <= amount < _MOST:
            yield name, _("Give an amount from 0 on.")
    if not re.fullmatch(r"[A-Z]{3}", terms.currency):
        yield "currency", _("A currency has three letters, like GBP.")
    if terms.public_price is not None and not terms.price <= terms.public_price < _MOST:
        yield (
            "price",
            _("Existing customers never pay more than anybody else: at most %(price)s.")
            % {"price": terms.public_price},
        )
    if terms.gain.is_finite() and terms.gain <= 0:
        yield "gain", _("An offer that gives the customer nothing is none: say what it is worth to them.")


def _beside(terms: Terms) -> Iterator[tuple[str, str]]:
    """The term over which gifts and fees are spread, and what there is beside the price."""
    if not 1 <= terms.months <= 120:
        yield "months", _("Give a minimum term from 1 to 120 months.")
    for name, much in terms.extras.items():
        if not re.fullmatch(r"[\w .-]{1,60}", name) or isinstance(much, bool) or not isinstance(much, int | float):
            yield "extras", _("Name each thing it gives beside, with a number: how much of it.")


def _question(terms: Terms) -> Iterator[tuple[str, str]]:
    """What is asked; it costs whoever answers nothing."""
    if len(terms.question) > LONGEST_QUESTION:
        yield "question", _("Write between 1 and %(most)d characters.") % {"most": LONGEST_QUESTION}
    yield from asking.faults(terms)
    if terms.question and (terms.price or terms.fees or terms.public_price is not None):
        yield "price", _("A question costs the customer nothing: it has neither price nor fees.")


def _time_and_stock(terms: Terms) -> Iterator[tuple[str, str]]:
    if terms.valid_from and terms.valid_until and terms.valid_until <= terms.valid_from:
        yield "valid_until", _("It ends before it begins.")
    if terms.stock is not None and not 0 <= terms.stock < 2**31:
        yield "stock", _("Give a number from 0 on, or nothing where there is no limit.")
    if not 0 <= terms.cooloff_days <= 3650:
        yield "cooloff_days", _("Give days from 0 to ten years.")


def _for_whom(terms: Terms, at: datetime) -> Iterator[tuple[str, str]]:
    try:
        conditions.compile(terms.eligibility, at=at, saving=True)
    except conditions.BadCondition as bad:
        yield f"eligibility.{bad.path}".rstrip("."), bad.message
        return
    if not terms.need_tags and terms.eligibility in _EVERYBODY:
        yield "need_tags", _("Say what it answers: words customers use, or who is meant.")
