"""What answers to offers teach, how arms are tried, and when a model may decide."""

import random
from collections import Counter
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from cases.models import Case, Queue
from crm import learning
from crm.models import Learned, User
from outreach import choosing, deciding, lessons, propensity, responding, teaching
from outreach.choosing import SILENCE, Arm
from outreach.models import Decision, DecisionCandidate, OfferPresentation, OfferResponse
from outreach.propensity import Answer, Belief
from tests.builders import make_customer, make_question
from tests.outreach.conftest import make_offer, open_gates


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Nor is anybody held out, but where that is what is tested."""
    monkeypatch.setattr(lessons, "HELD_OUT", 0.0)
    lessons.forget()
    yield
    lessons.forget()


# --- beliefs, without a database


def said(key: str, yes: int, no: int, **more: float) -> list[Answer]:
    known = {f"offer:{key}": 1.0, **more}
    return [Answer(known, True)] * yes + [Answer(known, False)] * no


def test_before_anybody_answered_a_yes_is_as_likely_as_is_stated() -> None:
    p, spread = Belief().chance({"offer:x": 1.0})
    assert p == pytest.approx(propensity.START, abs=0.03)
    assert 0 < spread < 0.1


def test_answers_move_the_belief_to_what_they_say_and_sharpen_it() -> None:
    belief = Belief().learn(said("x", 300, 700) + said("y", 10, 990))
    x, sharp = belief.chance({"offer:x": 1.0})
    y, _sharp = belief.chance({"offer:y": 1.0})
    assert x == pytest.approx(0.29, abs=0.02)
    assert y == pytest.approx(0.014, abs=0.01)
    assert sharp < Belief().chance({"offer:x": 1.0})[1] / 2


def test_few_answers_move_it_little() -> None:
    after, _spread = Belief().learn(said("x", 1, 0)).chance({"offer:x": 1.0})
    assert propensity.START < after < 2 * propensity.START


def test_the_order_of_answers_makes_no_difference() -> None:
    answers = said("x", 5, 20, refusals=0.4) + said("y", 9, 3)
    mixed = random.Random(1).sample(answers, len(answers))
    one, other = Belief().learn(answers), Belief().learn(mixed)
    assert one.mean == pytest.approx(other.mean, abs=1e-4)


def test_what_comes_from_two_batches_is_near_what_comes_from_one() -> None:
    answers = said("x", 30, 170)
    at_once = Belief().learn(answers).chance({"offer:x": 1.0})[0]
    bit_by_bit = Belief().learn(answers[:100]).learn(answers[100:]).chance({"offer:x": 1.0})[0]
    assert bit_by_bit == pytest.approx(at_once, abs=0.03)


def test_no_answer_yet_is_no_refusal() -> None:
    known = {"offer:x": 1.0}
    young = Belief().learn([Answer(known, False, propensity.share_answered(1, [24.0] * 50, 720))] * 200)
    old = Belief().learn([Answer(known, False, propensity.share_answered(720, [24.0] * 50, 720))] * 200)
    assert old.chance(known)[0] < young.chance(known)[0] / 2


def test_the_share_of_answers_grows_with_age_and_is_whole_in_the_end() -> None:
    shares = [propensity.share_answered(h, [1.0, 2.0, 50.0], 100) for h in (0, 1, 2, 49, 50, 99, 100, 1000)]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


# --- choosing


ARMS = [Arm(1, 3.0, 0.5), Arm(2, 2.5, 0.5)]


def learned(way: str, lot: float = 0.5, **more: Any) -> dict[str, Any]:
    return {"way": way, "floor": 0.02, "lot": lot, **more}


def test_before_anything_was_learned_the_first_is_always_taken() -> None:
    for known in ({}, learned("start")):
        assert choosing.choose(ARMS, known).taken == 1
        assert choosing.choose(ARMS, known).chance == 1.0


def test_the_constant_way_tries_every_other_arm_a_little_silence_too() -> None:
    taken = Counter(choosing.choose(ARMS, learned("constant", n / 1000)).taken for n in range(1000))
    assert taken == {1: 960, 2: 20, SILENCE: 20}
    choice = choosing.choose(ARMS, learned("constant", 0.99))
    assert (choice.taken, choice.chance) == (SILENCE, 0.02)


def test_a_model_takes_each_arm_as_often_as_it_says() -> None:
    chances = choosing.choose(ARMS, learned("model")).chances
    taken = Counter(choosing.choose(ARMS, learned("model", n / 2000)).taken for n in range(2000))
    assert {key: count / 2000 for key, count in taken.items()} == pytest.approx(chances, abs=0.002)
    assert sum(chances.values()) == pytest.approx(1)
    assert chances[1] > chances[2] > chances[SILENCE] >= 0.02


def test_who_is_held_out_is_offered_nothing_and_nothing_is_no_arm() -> None:
    assert choosing.choose(ARMS, learned("model", held_out=True)).taken == SILENCE
    assert choosing.choose([], learned("model")).taken is None


def test_a_few_are_held_out_for_a_quarter_and_others_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons, "HELD_OUT", 0.03)
    now = timezone.now().replace(month=2, day=1)
    held = {n for n in range(5000) if lessons.is_held_out(n, now)}
    later = {n for n in range(5000) if lessons.is_held_out(n, now.replace(month=5))}
    assert 0.02 < len(held) / 5000 < 0.04
    assert len(held & later) < len(held) / 4
    assert held == {n for n in range(5000) if lessons.is_held_out(n, now.replace(month=3, day=31))}


# --- in a talk


def teach(way: str, belief: Belief | None = None) -> Learned:
    return Learned.objects.create(kind="offers", in_use=True, content=lessons.pack(way, belief or Belief()))


def talk(billing: Queue, ana: User, n: int) -> Case:
    case = make_question(billing, make_customer(f"C{n}", email=f"c{n}@example.org"), ana)
    case.messages.update(text="Where is my refund?")
    open_gates(case, ana)
    return case


@pytest.mark.django_db
def test_chances_are_kept_exactly_and_the_decision_comes_again_from_what_was_kept(billing: Queue, ana: User) -> None:
    for n in range(3):
        make_offer(f"offer-{n}")
    teach("model", Belief().learn(said("offer-1", 40, 60)))
    case = talk(billing, ana, 1)
    decision = deciding.decide(case, by=ana)
    rows = DecisionCandidate.objects.filter(decision=decision)
    standing = [row for row in rows if row.stage in ("", "rank")]
    silence = 1 - sum(row.probability for row in standing)
    assert silence >= 0.02 - 1e-9
    assert min(row.probability for row in standing) >= 0.02 - 1e-9
    chosen = next((row.probability for row in rows if row.stage == ""), silence)
    assert decision.probability == pytest.approx(chosen)
    assert deciding.is_replayed(Decision.objects.get(pk=decision.pk))


@pytest.mark.django_db
def test_asking_again_in_a_talk_draws_no_new_lot(billing: Queue, ana: User) -> None:
    for n in range(4):
        make_offer(f"offer-{n}")
    teach("constant")
    case = talk(billing, ana, 1)
    assert len({deciding.decide(case, by=ana).pk for _time in range(5)}) == 1


@pytest.mark.django_db
def test_who_is_held_out_is_left_alone_and_the_reason_is_told(
    billing: Queue, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_offer()
    teach("constant")
    monkeypatch.setattr(lessons, "HELD_OUT", 1.0)
    decision = deciding.decide(talk(billing, ana, 1), by=ana)
    assert decision.outcome == "silence"
    assert decision.candidates.get().reason == "held_out"
    assert deciding.is_replayed(decision)


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["constant", "model"])
def test_nothing_is_tried_where_a_gate_is_shut(billing: Queue, ana: User, way: str, monkeypatch: Any) -> None:
    """No lot ever falls on an offer in a talk whose need is not met, or whose customer is upset."""
    make_offer()
    teach(way)
    monkeypatch.setattr(lessons, "FLOOR", 0.5)
    for n in range(10):
        case = make_question(billing, make_customer(f"U{n}", email=f"u{n}@example.org"), ana)
        case.messages.update(text="Where is my refund?")
        assert deciding.decide(case, by=ana).outcome == "silence"
    assert not OfferPresentation.objects.exists()


@pytest.mark.django_db
def test_training_waits_until_there_is_something_to_learn(case: Case, capsys: Any) -> None:
    call_command("train", "offers")
    assert "not used: 0 offers were presented; from 200 on" in capsys.readouterr().out


@pytest.fixture
def answered(billing: Queue, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty talks decided by lot; of two offers the second is taken by half, the first by nobody."""
    monkeypatch.setattr(lessons, "FIRST", 20)
    monkeypatch.setattr(teaching, "FEWEST", 30)
    monkeypatch.setattr(lessons, "FLOOR", 0.33)
    monkeypatch.setattr(teaching, "WINDOW", 0.0)
    make_offer("bad")
    make_offer("good")
    teach("constant")
    for n in range(60):
        case = talk(billing, ana, n)
        decision = deciding.decide(case, by=ana)
        if decision.outcome == "presented":
            shown = decision.presentation
            yes = shown.candidate.offer_version.offer.key == "good" and n % 2
            kind = OfferResponse.Kind.ACCEPTED if yes else OfferResponse.Kind.NO
            responding.respond(shown, kind, by=ana)


@pytest.mark.django_db
def test_training_learns_the_rates_and_judges_by_decisions_taken_by_lot(answered: None) -> None:
    row = learning.train("offers")
    assert row is not None
    assert row.in_use
    assert row.seen["decisions by lot"] == 60
    assert row.figures["way"] in {"constant", "model"}
    ways = ("model", "silence", "always bad", "always good")
    assert {f"value of {way}" for way in ways} <= row.figures.keys()
    assert all(row.figures[f"value of {way}"].keys() == {"doubly robust", "IPS", "SNIPS"} for way in ways)
    assert row.figures["value of silence"]["SNIPS"].startswith("0.000 [0.000, 0.000]")
    assert row.figures["surely best by chances alone"] in {"none", *ways}
    way, belief = lessons.unpack(bytes(row.content or b""))
    assert way == row.figures["way"]
    good, bad = (
        belief.chance({f"offer:{key}": 1.0, "by:words": 1.0, f"{key}|words": 1.0})[0] for key in ("good", "bad")
    )
    assert good > 2 * bad


@pytest.mark.django_db
def test_a_supervisor_reads_what_other_ways_would_have_brought(answered: None, client: Client, sue: User) -> None:
    """The doubly robust worth that decides, and beside it those that trust no model."""
    row = learning.train("offers")
    assert row is not None
    client.force_login(sue)
    page = client.get(f"/admin/crm/learned/{row.pk}/change/").content.decode()
    assert "worth of always offering good" in page
    assert f"doubly robust {row.figures['value of always good']['doubly robust']}" in page
    assert f"SNIPS {row.figures['value of always good']['SNIPS']}" in page
    assert "surely best by the chances alone" in page


@pytest.mark.django_db
def test_from_few_decisions_by_lot_no_way_is_judged(case: Case) -> None:
    assert teaching.ruled([], []) == ("constant", {"way": "constant", "fewest to judge by": teaching.FEWEST})


@pytest.mark.django_db
def test_what_is_learned_ranks_the_next_talk(answered: None, billing: Queue, ana: User, monkeypatch: Any) -> None:
    learning.train("offers")
    monkeypatch.setattr(lessons, "FLOOR", 0.0)
    decision = deciding.decide(talk(billing, ana, 100), by=ana)
    best = max(decision.candidates.all(), key=lambda row: row.score or 0)
    assert best.offer_version.offer.key == "good"


@pytest.mark.django_db
def test_what_a_rep_did_not_mention_teaches_no_belief_and_is_judged_as_nothing(answered: None, ana: User) -> None:
    before, judged = teaching.answers_given(timezone.now()), list(teaching.decisions())
    shown = OfferPresentation.objects.filter(responses__kind="no").order_by("pk").first()
    assert shown is not None
    responding.respond(shown, "withheld", by=ana, reason="they were in a hurry")
    assert len(teaching.answers_given(timezone.now())) == len(before) - 1
    after = list(teaching.decisions())
    assert len(after) == len(judged)
    changed = [(was.reward, now.reward) for was, now in zip(judged, after, strict=True) if was.reward != now.reward]
    assert len(changed) == 1
    assert changed[0][0] < 0 == changed[0][1]


@pytest.mark.django_db
def test_what_is_learned_from_holds_no_word_of_a_customer_and_none_who_was_erased(answered: None) -> None:
    now = timezone.now()
    answers = teaching.answers_given(now)
    names = {name for _at, answer in answers for name in answer.known}
    assert names <= {"offer:bad", "offer:good", "by:words", "bad|words", "good|words", "queue:Billing", "feeling:good"}
    Decision.objects.filter(presentation__isnull=False).update(context={})
    assert teaching.answers_given(now) == []
