"""Twelve offers of Brightwave, and a question. Two of the offers must never surface: one gives less than the talk about it costs, one is gone."""

from decimal import Decimal
from typing import Any

from crm.models import User
from outreach.hooks import Terms
from outreach.models import Offer

Purpose = Offer.Purpose


def _has(plan: str) -> dict[str, Any]:
    return {"fact": "plans", "op": "has", "value": plan}


def _kind(kind: str) -> dict[str, Any]:
    return {"fact": "products", "op": "has", "value": kind}


def _for_years(years: int) -> dict[str, Any]:
    return {"fact": "since", "op": "before", "value": {"days_ago": 365 * years}}


def _without(condition: dict[str, Any]) -> dict[str, Any]:
    return {"not": condition}


def _terms(
    what: str, benefit: str, why: str, *, price: str, public: str | None, value: int, gain: int, tags: str, who: list[Any],
    minutes: int = 2, stock: int | None = None, **more: Any,
) -> Terms:  # fmt: skip
    return Terms(
        what=what, benefit=benefit, why=why, price=Decimal(price), public_price=None if public is None else Decimal(public), value=Decimal(value),
        gain=Decimal(gain), minutes=Decimal(minutes), need_tags=tuple(tags.split("; ")) if tags else (),
        eligibility={"all": who}, stock=stock, **more,
    )  # fmt: skip


OFFERS: dict[str, tuple[str, str, Terms]] = {
    "fibre-300-up": ("Fibre 300 for the price of a coffee more", Purpose.UPGRADE, _terms(
        "Move from Fibre 100 to Fibre 300, no new contract.",
        "Three times the speed for 4.00 a month more; new customers pay 7.00 more.",
        "You wrote: “{words}”, and your line is a {plan}.",
        price="33.90", public="36.90", value=48, gain=36, tags="slow; buffering; video calls; work from home", who=[_has("Fibre 100")],
    )),
    "fibre-900-up": ("Fibre 900, first six months at the old price", Purpose.UPGRADE, _terms(
        "Move from Fibre 300 to Fibre 900; the first six months cost what Fibre 300 does.",
        "Saves 78.00 in the first half year against what new customers pay.",
        "You wrote: “{words}”; with {plan} you have the second fastest line.",
        price="36.90", public="49.90", value=90, gain=78, tags="slow; video calls; uploads", who=[_has("Fibre 300")],
    )),
    "mesh-point": ("A mesh point at half price", Purpose.ADDITION, _terms(
        "A second mesh point for rooms the hub does not reach.",
        "29.50 instead of 59.00, sent tomorrow, back within 30 days if it does not help.",
        "You wrote: “{words}”, and one {device} has to reach every room.",
        price="29.50", public="59.00", value=20, gain=30, tags="slow; upstairs; wi-fi; wlan; bedroom", who=[_kind("broadband")],
    )),
    "second-sim": ("A second SIM for whoever travels", Purpose.ADDITION, _terms(
        "A second SIM on the same plan that roams in the EU without a daily fee.",
        "Saves 2.50 for each day abroad; the first month is free.",
        "You wrote: “{words}”.",
        price="4.90", public="6.90", value=30, gain=25, tags="roaming; abroad; travel; ausland", who=[_kind("mobile")],
    )),
    "unlimited-sim": ("SIM Unlimited for two years at 12.90", Purpose.SAVING, _terms(
        "Move from 10 GB to unlimited data at a price that stays for two years.",
        "12.90 instead of 17.90; no more bills for data beyond the plan.",
        "You wrote: “{words}”, on a plan with 10 GB.",
        price="12.90", public="17.90", value=40, gain=60, tags="data; bill; price rise; expensive", who=[_has("SIM 10 GB")],
    )),
    "bundle": ("Line and SIM on one bill", Purpose.SAVING, _terms(
        "Put the mobile plan and the line on one bill.",
        "Saves 3.00 each month, from the next bill on.",
        "You wrote: “{words}”, and you pay two bills now.",
        price="0", public="0", value=18, gain=36, tags="bill; payment date; two bills; debit", who=[_kind("broadband"), _kind("mobile")],
    )),
    "moving-engineer": ("The engineer on moving day, free", Purpose.RETENTION, _terms(
        "An engineer connects the new home on the day you move in.",
        "Free instead of 49.00, and the line is up that evening.",
        "You wrote: “{words}”, and you have been with us since {since}.",
        price="0", public="49.00", value=60, gain=49, tags="moving; move; umzug", who=[_kind("broadband"), _for_years(1)],
    )),
    "backup-line": ("A backup line over mobile", Purpose.ADDITION, _terms(
        "If the line fails, the hub goes on over mobile by itself.",
        "Half a day of work saved each time; 3.00 a month instead of 6.00.",
        "You wrote: “{words}”.",
        price="3.00", public="6.00", value=36, gain=45, tags="work from home; home office; no connection; lost half a day", who=[_kind("broadband")],
    )),
    "hub-6-swap": ("Hub 6 in exchange for the Hub 5", Purpose.UPGRADE, _terms(
        "Send the Hub 5 back and get a Hub 6.",
        "Free for customers of more than two years; new customers pay 39.00.",
        "You wrote: “{words}”, and your hub is a {device}.",
        price="0", public="39.00", value=25, gain=39, tags="firmware; drops; restart; neustart", who=[
            _for_years(2), {"exists": "subscriptions", "where": {"all": [{"fact": "device", "op": "is", "value": "Hub 5"}]}},
        ],
    )),
    "beta-hub": ("First to try the Hub 7", Purpose.BETA, _terms(
        "Try the Hub 7 two months before anybody can buy it, and tell us what is wrong with it.",
        "It stays yours, free, for an hour of your time.",
        "With us since {since}, {tier} customer, and you know what a good line is.",
        price="0", public="89.00", value=15, gain=60, tags="", who=[_for_years(5), {"fact": "tier", "op": "known", "value": True}, _kind("broadband")],
        stock=40,
    )),
    "moving-question": ("What held you up when you moved?", Purpose.QUESTION, _terms(
        "One question about the move, and 5.00 off the next bill for the answer.",
        "5.00 off the next bill, whatever you say.",
        "You wrote: “{words}”, and we want the next move to be easier.",
        price="0", public=None, value=8, gain=5, tags="moving; move; umzug", who=[_kind("broadband")], minutes=1, gifts=Decimal(5),
        question="What held you up most when you moved your line?", answer_kind="choice",
        choices=("Waiting for a date", "The engineer", "The new hub", "Telling you in time", "Nothing"),
    )),
    # --- these two never surface
    "handset-insurance": ("Insurance for the handset", Purpose.ADDITION, _terms(
        "Insure the phone against breaking.",
        "A little peace of mind.",
        "You have a {plan}.",
        price="7.90", public="7.90", value=30, gain=1, tags="", who=[_kind("mobile")], minutes=25,
    )),
    "summer-tablet": ("The tablet of last summer", Purpose.ADDITION, _terms(
        "A tablet for 1.00 with Fibre 900.",
        "199.00 less than in the shop.",
        "Your line is a {plan}.",
        price="1.00", public="199.00", value=80, gain=150, tags="", who=[_has("Fibre 900")], stock=0,
    )),
}  # fmt: skip
NEVER = ("handset-insurance", "summer-tablet")


def publish(by: User) -> None:
    for key, (name, purpose, terms) in OFFERS.items():
        offer = Offer.objects.create(key=key, name=name, purpose=purpose, owner=by)
        offer.publish(terms, by=by)
