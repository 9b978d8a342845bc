"""What keeps an offer back: pure functions of the Context, each with its stage and its reason in words.

A gate opens on evidence alone; what is unknown keeps it shut. Order: standing refusals, need met, eligibility, then the
rest; the first that is shut removes a candidate, and all that are shut for the whole talk are told.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext_lazy as _

from customers.models import Consent
from outreach.catalogue import Standing
from outreach.context import TALK, Context
from outreach.hooks import Terms

# Offers in 90 days: with three contacts 88 % of the acceptances come for 73.5 % of the contacts (docs/offers.md).
CAP = 3
IGNORED = 2  # offers without an answer, after which the same one rests for 30 days

REFUSAL, NEED, ELIGIBILITY, GATE = "refusal", "need_met", "eligibility", "gate"
PLUGIN, SENTENCE, SCORE, RANK = "plugin", "sentence", "score", "rank"

STAGES: dict[str, LazyText] = {
    REFUSAL: _("left in peace"),
    NEED: _("need met"),
    ELIGIBILITY: _("for whom"),
    GATE: _("gates"),
    PLUGIN: _("house rules"),
    SENTENCE: _("reason"),
    SCORE: _("worth it"),
    RANK: _("only one"),
}

WORDS: dict[str, LazyText] = {
    "nobody": _("Nobody knows who this is."),
    "erased": _("This customer’s data was erased."),
    "not_a_talk": _("This case is spam or lives on in another one."),
    "hands_off": _("A case of theirs is tagged “%(tag)s”: they are left in peace."),
    "need_unmet": _("The need is not met yet. Serve first."),
    "need_of_earlier_talk": _("The need was met in an earlier conversation. Is this one done?"),
    "not_eligible": _("It is not for this customer."),
    "fact_gone": _("It asks for something that is not known any more."),
    "fact_rests": _("It asks for something that is unknown for now: its plugin does not answer."),
    "no_evidence": _("Nothing this customer said or showed asks for it."),
    "not_yet": _("It begins on %(day)s."),
    "over": _("It ended on %(day)s."),
    "sold_out": _("None is left."),
    "over_talk": _("The conversation is over: the last word is more than a day old."),
    "feeling_unknown": _("Nobody marked how the customer felt with their latest message."),
    "feeling_sounds_bad": _("Nobody marked how the customer felt, and their latest message sounds upset."),
    "feeling_bad": _("The customer is upset."),
    "promise_overdue": _("A promise to this customer is overdue."),
    "other_case": _("Another case of theirs is open: #%(number)s."),
    "problem": _("A known problem touches them."),
    "no_consent": _("They have not agreed to hear about offers."),
    "no_research": _("They have not agreed to be asked questions."),
    "research_withdrawn": _("They asked not to be asked questions."),
    "consent_withdrawn": _("They asked not to hear about offers."),
    "one_a_contact": _("One offer was made in this conversation already."),
    "cap": _("%(count)s offers in 90 days are enough."),
    "accepted": _("They have it already: accepted on %(day)s."),
    "answered": _("They answered it on %(day)s."),
    "no": _("They said no on %(day)s; ask again after %(until)s at the earliest."),
    "not_suited": _("It did not suit them on %(day)s; not before %(until)s."),
    "not_now": _("They said: not before %(until)s."),
    "never": _("They asked never to hear of it again."),
    "ignored": _("Offered twice in 30 days without an answer."),
    "quiet_broken": _("A promise to them was broken on %(day)s: two weeks without offers."),
    "quiet_upset": _("They were upset on %(day)s: two weeks without offers."),
    "plugin": _("%(words)s"),
    "plugin_failed": _("%(plugin)s could not answer, so nothing is offered."),
    "no_sentence": _("We cannot say why this customer."),
    "not_worth_it": _("Silence is worth more."),
    "lower": _("Another one is worth more to them."),
    "held_out": _("They are among the few whom nothing is offered this quarter, so that we know what offers do."),
    "tried": _("By lot something else was tried this time, to learn from."),
}


@dataclass(frozen=True)
class Shut:
    """Why not: stage, reason (a key of WORDS) and what its sentence names."""

    stage: str
    reason: str
    detail: Mapping[str, Any] = field(default_factory=dict)

    def kept(self) -> list[Any]:
        return [self.stage, self.reason, dict(self.detail)]


_NO_YES = {  # nothing was ever said; they took it back
    Consent.Purpose.MARKETING: ("no_consent", "consent_withdrawn"),
    Consent.Purpose.RESEARCH: ("no_research", "research_withdrawn"),
}
Gate = Callable[[Context], Iterator[Shut]]


def agreement(terms: Terms) -> str:
    """The purpose to which a customer must have agreed to be told of this: to be asked is research, anything else marketing."""
    return Consent.Purpose.RESEARCH if terms.question else Consent.Purpose.MARKETING


def whole_talk(context: Context, agreements: Collection[str] = (Consent.Purpose.MARKETING,)) -> list[Shut]:
    """Every gate that is shut for the whole talk, in order; that of consent where nothing they agreed to is on the shelf."""
    consent = partial(_consent, agreements=agreements)
    gates: tuple[Gate, ...] = (_refusals, _need, _talk, _feeling, _trouble, consent, _limits, _quiet)
    return [shut for gate in gates for shut in gate(context)]


def _refusals(c: Context) -> Iterator[Shut]:
    if c.status in {"spam", "merged"}:
        yield Shut(REFUSAL, "not_a_talk")
    if c.customer is None:
        yield Shut(REFUSAL, "nobody")
    if c.erased:
        yield Shut(REFUSAL, "erased")
    for tag in c.hands_off[:1]:
        yield Shut(REFUSAL, "hands_off", {"tag": tag})


def _need(c: Context) -> Iterator[Shut]:
    if c.need_met_event is None:
        yield Shut(NEED, "need_unmet")
    elif not c.of_this_talk:
        yield Shut(NEED, "need_of_earlier_talk")


def _talk(c: Context) -> Iterator[Shut]:
    if c.contact is None or c.talked_at is None or c.at - c.talked_at > TALK or c.status == "closed":
        yield Shut(GATE, "over_talk")


def _feeling(c: Context) -> Iterator[Shut]:
    if c.feeling == "bad":
        yield Shut(GATE, "feeling_bad")
    elif c.feeling not in {"good", "neutral"}:
        yield Shut(GATE, "feeling_sounds_bad" if c.sounds == "bad" else "feeling_unknown")


def _trouble(c: Context) -> Iterator[Shut]:
    if c.overdue:
        yield Shut(GATE, "promise_overdue")
    if c.other_case is not None:
        yield Shut(GATE, "other_case", {"number": c.other_case})
    if c.problem is not None:
        yield Shut(GATE, "problem", {"problem": c.problem})


def _consent(c: Context, agreements: Collection[str]) -> Iterator[Shut]:
    said = {Consent.Purpose.MARKETING: c.consent, Consent.Purpose.RESEARCH: c.research}
    if any(said[Consent.Purpose(purpose)] for purpose in agreements):
        return
    for purpose in agreements:
        never, withdrawn = _NO_YES[Consent.Purpose(purpose)]
        yield Shut(GATE, never if said[Consent.Purpose(purpose)] is None else withdrawn)


def _limits(c: Context) -> Iterator[Shut]:
    if c.shown is not None:
        yield Shut(GATE, "one_a_contact")
    if c.presented >= CAP:
        yield Shut(GATE, "cap", {"count": c.presented})


def _quiet(c: Context) -> Iterator[Shut]:
    if c.broken_at is not None:
        yield Shut(GATE, "quiet_broken", {"day": _day(c.broken_at)})
    if c.upset_at is not None:
        yield Shut(GATE, "quiet_upset", {"day": _day(c.upset_at)})


# --- one candidate


def of_offer(context: Context, offer: Standing) -> Iterator[Shut]:
    """What keeps this one back, whoever it is for."""
    yield from _on_sale(context, offer)
    yield from _declined(context, offer)


def _on_sale(c: Context, offer: Standing) -> Iterator[Shut]:
    terms = offer.terms
    if terms.valid_from and c.at < terms.valid_from:
        yield Shut(GATE, "not_yet", {"day": _day(terms.valid_from)})
    if terms.valid_until and c.at >= terms.valid_until:
        yield Shut(GATE, "over", {"day": _day(terms.valid_until)})
    if terms.stock is not None and c.taken.get(str(offer.offer), 0) >= terms.stock:
        yield Shut(GATE, "sold_out")


def _declined(c: Context, offer: Standing) -> Iterator[Shut]:
    answer = c.answers.get(str(offer.offer))
    if answer:
        yield from _cool_off(c, answer["kind"], answer, offer.terms)
    if c.ignored.get(str(offer.offer), 0) >= IGNORED:
        yield Shut(GATE, "ignored")


def _cool_off(c: Context, kind: str, answer: Mapping[str, str], terms: Terms) -> Iterator[Shut]:
    said = datetime.fromisoformat(answer["at"])
    rest = timedelta(days=terms.cooloff_days)
    until = datetime.fromisoformat(answer["until"]) if answer["until"] else said + rest
    if kind == "never":
        yield Shut(GATE, "never")
    elif kind == "accepted":
        yield Shut(GATE, "answered" if terms.question else "accepted", {"day": _day(said)})
    elif c.at < until:
        yield Shut(GATE, kind, {"day": _day(said), "until": _day(until)})


def _day(at: datetime) -> str:
    return at.date().isoformat()


def words(reason: str, detail: Mapping[str, Any]) -> str:
    """The sentence of a reason, days as the reader writes them."""
    from datetime import date

    from django.utils.formats import date_format

    told = {k: date_format(date.fromisoformat(v), "j M Y") if k in {"day", "until"} else v for k, v in detail.items()}
    return str(WORDS.get(reason, reason)) % told
