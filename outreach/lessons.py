"""What answers to offers teach: how likely a yes is, and whether to decide by it (docs/offers.md, Learning).

Until FIRST offers were presented the first is always taken, and nothing is tried: there is too little to learn from. From then
on every arm that stands keeps a small chance, a few customers are offered nothing for a quarter, and each training asks
whether deciding by what was learned brings more than the best way that is always the same. If that is not sure, that way runs.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from crm.learning import Reader
from customers.sieve import places
from outreach.catalogue import Shelf, Standing
from outreach.context import Context
from outreach.propensity import Belief

FIRST = 200  # presentations
FLOOR = 0.02  # the chance every arm keeps
HELD_OUT = 0.03  # of customers, drawn anew each quarter
WAYS = ("start", "constant", "model")


def features(key: str, by: str, context: Context) -> dict[str, float]:
    """What a belief about this offer reads of the talk: keys and counts, never a word or a fact of the customer."""
    told = {f"offer:{key}": 1.0, f"by:{by}": 1.0, f"{key}|{by}": 1.0, f"queue:{context.queue}": 1.0}
    if context.feeling:
        told[f"feeling:{context.feeling}"] = 1.0
    if context.refusals:
        told["refusals"] = min(context.refusals, 5) / 5
    return told


def told(context: Context, shelf: Shelf) -> Context:
    """The same with what was learned of the offers that are for this talk; as it is before anything was."""
    current = _reader.of(context.lesson)
    if current is None or context.customer is None:
        return context
    way, belief = current[1]
    if way == "start":
        return context
    open_to, _gone = shelf.open_to(context.facts, context.evidence)
    arms = {str(o.version): _arm(o, way, belief, context) for o in map(shelf.offers.__getitem__, places(open_to))}
    learned = {
        "way": way,
        "floor": FLOOR,
        "lot": _lot("talk", context.case, context.contact, context.need_met_event),
        "held_out": is_held_out(context.customer, context.at),
        "arms": arms,
    }
    return replace(context, learned=learned)


def _arm(offer: Standing, way: str, belief: Belief, context: Context) -> list[float]:
    """How likely a yes is and how far that may be off. The constant way knows the offer and nothing of the talk."""
    by = context.evidence.get(str(offer.version), {}).get("by", "facts")
    known = features(offer.key, by, context) if way == "model" else {f"offer:{offer.key}": 1.0}
    return [round(value, 9) for value in belief.chance(known)]


def is_held_out(customer: int, at: datetime) -> bool:
    """The same answer for a quarter, without a row: a customer is not kept from offers for good."""
    return _lot("quarter", at.year, (at.month - 1) // 3, customer) < HELD_OUT


def _lot(*of: object) -> float:
    """A number in [0, 1) that is the same whenever it is asked for."""
    digest = hashlib.blake2b("|".join(map(str, of)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def pack(way: str, belief: Belief) -> bytes:
    held = {"way": way, "mean": dict(belief.mean), "precision": dict(belief.precision), "answers": belief.answers}
    return json.dumps(held).encode()


def unpack(content: bytes) -> tuple[str, Belief]:
    held: Mapping[str, Any] = json.loads(content)
    return held["way"], Belief(held["mean"], held["precision"], held["answers"])


_reader = Reader("offers", unpack)


def forget() -> None:
    """Look anew at the next decision, in this process."""
    _reader.forget()
