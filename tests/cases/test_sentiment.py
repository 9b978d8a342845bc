"""How words sound: the lists of words, what is learned from marks, what guesses may and may not do.

There is no labelled set of such messages among the shared data: what is learned here is learned from phrases made for it,
so these tests say that the machinery is right, and nothing of how well it does on real mail."""

import random
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from cases import feelings
from cases.hooks import Sound, sentiment_models
from cases.models import Case, Message, Queue
from cases.sentiment import change, gathering, guessing, lexicon, model, training
from cases.sentiment.change import Talk
from cases.sentiment.gathering import Marked
from crm import arrays, learning
from crm.models import Event, Learned, User
from tests.api import Caller
from tests.builders import make_case, make_message

# Words of a trade the lists know nothing of, so that only who learned can tell.
SAID = {
    "bad": "the gherkin wobbles and nobody heeds my kettle flute",
    "neutral": "which shelf holds the quilt of the lantern spoon",
    "good": "the plum pillow rests on my velvet acorn drum",
}


def phrase(feeling: str, chance: random.Random) -> str:
    words = chance.sample(SAID[feeling].split(), 5) + chance.sample(
        ["today", "we", "then", "saw", "some", "more", "paper", "by", "door", "six"], 3
    )
    chance.shuffle(words)
    return " ".join(words)


def examples(count: int, seed: int = 1) -> list[Marked]:
    chance = random.Random(seed)
    return [Marked(phrase(f, chance), n * 3 + k, f) for n in range(count) for k, f in enumerate(lexicon.FEELINGS)]


@pytest.fixture(autouse=True)
def nothing_kept() -> Any:
    guessing.forget()
    yield
    guessing.forget()


# --- lists of words


@pytest.mark.parametrize(
    ("text", "guessed"),
    [
        ("Great service, thank you so much!", "good"),
        ("This is not good at all, I am fed up with you.", "bad"),
        ("I have been waiting for three weeks and nobody answers", "bad"),
        ("Where is my card?", ""),
        ("Hello, I would like to change my address. Kind regards", ""),
        ("Das funktioniert nicht mehr, eine Unverschämtheit!", "bad"),
        ("Vielen Dank, alles bestens", "good"),
        ("Kein Problem, danke", ""),
        ("No funciona, es una vergüenza", "bad"),
        ("Muchas gracias, excelente servicio", "good"),
        ("", ""),
    ],
)
def test_the_lists_tell_what_many_words_say_and_else_nothing(text: str, guessed: str) -> None:
    assert lexicon.guess(text) == guessed


@pytest.mark.parametrize(
    ("plain", "denied"),
    [("The agent was helpful", "The agent was not helpful"), ("Der Service ist gut", "Der Service ist nicht gut"), ("El servicio es bueno", "El servicio no es bueno")],
)  # fmt: skip
def test_a_denial_turns_a_word_and_a_strengthening_makes_it_louder(plain: str, denied: str) -> None:
    assert lexicon.score(plain) > 0 > lexicon.score(denied)
    assert lexicon.score("very helpful") > lexicon.score("helpful") > lexicon.score("somewhat helpful")


def test_every_language_has_a_few_hundred_words_and_no_word_two_weights() -> None:
    for each in lexicon.lexica():
        assert len(each.whole) + len(each.begins) > 200
        assert not {*each.whole} & each.denies


# --- what is learned


def test_what_was_marked_teaches_what_the_lists_cannot_know() -> None:
    told = examples(60)
    logits, right = training.held_back(told)
    given = training.cross_calibrated(logits, right, training._folds(told))
    figures = training.measure(training.Held(given, right), [lexicon.judge(each.text) for each in told])
    assert figures["accuracy"] > 0.9 > 0.6 > figures["accuracy of the word lists"]
    assert figures["macro-F1"] > figures["macro-F1 of the word lists"]
    assert figures["held back"] == 180


def test_figures_are_of_what_was_held_back_and_noise_cannot_flatter_them() -> None:
    """Labels without any sense: a model judged on what it learned from would be right; on the rest it is not."""
    chance = random.Random(3)
    told = [
        Marked(phrase(chance.choice(lexicon.FEELINGS), chance), n, chance.choice(lexicon.FEELINGS)) for n in range(240)
    ]
    logits, right = training.held_back(told)
    given = training.cross_calibrated(logits, right, training._folds(told))
    figures = training.measure(training.Held(given, right), [lexicon.judge(each.text) for each in told])
    assert figures["accuracy"] < 0.45
    assert figures["calibration error"] < 0.12
    seen = model.fit([each.text for each in told], right)
    assert (seen.logits([each.text for each in told]).argmax(axis=1) == right).mean() > 0.8


def test_all_messages_of_a_case_are_held_back_together() -> None:
    told = [Marked("x", n // 4, "bad") for n in range(400)]
    folds = training._folds(told)
    assert all(len({*folds[n : n + 4]}) == 1 for n in range(0, 400, 4))
    assert {*folds.tolist()} == {*range(training.FOLDS)}


def test_a_calibration_makes_too_sure_a_model_as_sure_as_it_is_right() -> None:
    chance = np.random.default_rng(1)
    sure = chance.normal(size=(4000, 3))
    right = np.array([chance.choice(3, p=np.exp(row) / np.exp(row).sum()) for row in sure])
    made = model.calibrate(sure * 4, right)
    assert made.warmth == pytest.approx(4, rel=0.15)
    assert training.calibration_error(made.probabilities(sure * 4), right) < 0.03
    assert training.calibration_error(model.Calibration().probabilities(sure * 4), right) > 0.1


def test_macro_f1_and_calibration_error_by_hand() -> None:
    assert training.macro_f1(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])) == pytest.approx(
        (2 / 3 + 2 / 3 + 1) / 3, abs=1e-4
    )
    given = np.array([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0]])
    assert training.calibration_error(given, np.array([0, 1])) == pytest.approx(0.4)


def test_what_is_kept_is_read_back_as_it_was_and_another_form_is_refused() -> None:
    told = examples(20)
    made = model.fit([each.text for each in told], np.array([lexicon.FEELINGS.index(each.feeling) for each in told]))
    again = model.unpack(made.pack())
    assert np.allclose(made.probabilities([told[0].text]), again.probabilities([told[0].text]))
    with pytest.raises(ValueError, match="another version"):
        model.unpack(arrays.pack({"form": 0}))


def test_a_feeling_nobody_marked_is_never_told() -> None:
    told = [each for each in examples(20) if each.feeling != "neutral"]
    made = model.fit([each.text for each in told], np.array([lexicon.FEELINGS.index(each.feeling) for each in told]))
    given = made.probabilities([each.text for each in told])
    assert given[:, 1].max() < 0.01
    assert {lexicon.FEELINGS[n] for n in given.argmax(axis=1)} == {"bad", "good"}


# --- from the database to a version that runs


def marked(queue: Queue, by: User, told: list[Marked]) -> None:
    case = make_case(queue)
    rows = [make_message(make_case(queue) if n % 20 == 0 else case, each.text) for n, each in enumerate(told)]
    for row, each in zip(rows, told, strict=True):
        Message.objects.filter(pk=row.pk).update(feeling=each.feeling)


def test_too_few_marks_teach_nothing_and_it_says_so(billing: Queue, ana: User) -> None:
    marked(billing, ana, examples(10))
    row = learning.train("sentiment")
    assert row is not None
    assert not row.in_use
    assert "30 messages are marked (10 bad, 10 neutral, 10 good)" in row.why
    assert not gathering.worth_learning()


def test_training_goes_live_guesses_and_leaves_what_was_marked(
    billing: Queue, ana: User, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training, "LEAST", 90)
    monkeypatch.setattr(training, "LEAST_OF_ONE", 20)
    for n in range(6):
        marked(billing, ana, examples(10, seed=n))
    assert gathering.worth_learning()
    call_command("train", "sentiment")
    assert "in use as version" in capsys.readouterr().out
    row = Learned.objects.get(kind="sentiment")
    assert row.seen == {"marked messages": 180, "bad": 60, "neutral": 60, "good": 60}
    assert row.figures["macro-F1"] > row.figures["macro-F1 of the word lists"]
    Message.objects.all().delete()
    guessing.forget()
    case = make_case(billing)
    upset, strange = make_message(case, SAID["bad"]), make_message(case, "xyzzy")
    assert guessing.sweep(timezone.now()) == 2
    upset.refresh_from_db()
    strange.refresh_from_db()
    assert (upset.felt_guess, upset.felt_by, upset.feeling) == ("bad", row.pk, "")
    assert upset.felt_p is not None
    assert upset.felt_p > guessing.TOLD
    assert strange.felt_guess == ""


def test_what_does_no_better_than_the_lists_is_kept_and_not_used() -> None:
    from collections import Counter

    figures = {"macro-F1": 0.5, "macro-F1 of the word lists": 0.5}
    enough = Counter(bad=200, neutral=200, good=200)
    assert "no better" in training.why_not(enough, figures)
    assert training.why_not(enough, {**figures, "macro-F1": 0.51}) == ""
    assert "it takes 300" in training.why_not(Counter(bad=299), figures)
    assert "it takes 300" in training.why_not(Counter(bad=900, neutral=300, good=29), {**figures, "macro-F1": 0.9})


# --- guesses


@pytest.fixture
def case(billing: Queue, ana: User) -> Case:
    found = make_case(billing)
    make_message(found, "Unacceptable, this is the worst company")
    found.claim(by=ana)
    return found


def test_a_guess_is_kept_apart_without_an_event_and_made_once(case: Case) -> None:
    before = Event.objects.count()
    case.refresh_from_db()
    version = case.version
    assert guessing.sweep(timezone.now()) == 1
    assert guessing.sweep(timezone.now()) == 0
    message = case.messages.get()
    assert (message.felt_guess, message.felt_p, message.felt_by, message.feeling) == ("bad", None, 0, "")
    case.refresh_from_db()
    assert (Event.objects.count(), case.version) == (before, version)
    assert feelings.course(case) == feelings.Course("", "")


def test_only_the_customers_own_new_words_are_guessed(case: Case, ana: User) -> None:
    case.messages.update(felt_by=0)
    make_message(case, "Terrible, the worst", is_auto=True)
    make_message(case, "Terrible, the worst", direction="note")
    old = make_message(case, "Terrible, the worst")
    Message.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=40))
    assert guessing.sweep(timezone.now()) == 0
    assert not Message.objects.filter(felt_guess="bad").exists()


def test_two_sweeps_at_once_keep_one_guess(case: Case) -> None:
    row = case.messages.get()
    guessing._keep([row], [guessing.Guess("bad", 0.8, 3)], 3)
    guessing._keep([row], [guessing.Guess("good", 0.9, 4)], 4)
    row.refresh_from_db()
    assert (row.felt_guess, row.felt_by) == ("bad", 3)


def test_a_plugin_takes_the_place_of_the_model_and_a_broken_one_does_not(case: Case) -> None:
    def broken(texts: Any) -> Any:
        raise RuntimeError

    with sentiment_models.registered(lambda texts: [Sound("good", 0.9) for _t in texts]):
        assert guessing.guesses(["terrible, the worst"]) == [guessing.Guess("good", 0.9, -1)]
    for wrong in (
        broken,
        lambda texts: [],
        lambda texts: [Sound("furious", 0.9)],
        lambda texts: [Sound("bad", 7)],
        lambda t: None,
    ):
        with sentiment_models.registered(wrong):
            assert guessing.guesses(["terrible, the worst"]) == [guessing.Guess("bad", None, 0)], wrong
    with sentiment_models.registered(lambda texts: [Sound("bad", 0.4)]):
        assert guessing.guesses(["x"]) == [guessing.Guess("", 0.4, -1)]


def test_marks_before_guesses_and_a_guess_says_that_it_is_one(case: Case, ana: User) -> None:
    call = Caller(ana)
    later = make_message(case, "Thank you", at=timezone.now() + timedelta(minutes=1))
    assert call("GET", f"cases/{case.number}/").json()["sentiment"] == {"first": None, "last": None}
    guessing.sweep(timezone.now())
    assert call("GET", f"cases/{case.number}/").json()["sentiment"] == {"first": -1.0, "last": None, "guessed": True}
    first = case.messages.earliest("at")
    for message, feeling in ((first, "neutral"), (later, "good")):
        feelings.mark(message, feeling, by=ana)
    assert call("GET", f"cases/{case.number}/").json()["sentiment"] == {"first": 0.0, "last": 1.0}
    told = call("GET", f"cases/{case.number}/messages/{first.pk}/").json()
    assert (told["feeling"], told["guess"]) == ("neutral", {"feeling": "bad", "p": None, "version": 0})


def test_the_page_offers_the_guess_and_one_press_makes_it_a_mark(client: Client, case: Case, ana: User) -> None:
    client.force_login(ana)
    pk = case.messages.get().pk
    place = f"/cases/{case.number}/messages/{pk}/feeling/"
    assert 'hx-trigger="load delay' in client.get(place).content.decode()
    Message.objects.filter(pk=pk).update(felt_guess="bad", felt_p=0.83, felt_by=7)
    for page in (client.get(place), client.get(f"/cases/{case.number}/")):
        html = page.content.decode()
        assert "seems upset, 83 %" in html
        assert 'hx-trigger="load delay' not in html
    client.post(place, {"feeling": "bad"})
    html = client.get(place).content.decode()
    assert "seems upset" not in html
    assert html.count('aria-pressed="true"') == 1
    assert feelings.course(case) == feelings.Course("bad", "bad")


def test_a_model_card_tells_what_was_learned_and_its_limits(client: Client, sue: User, billing: Queue) -> None:
    row = Learned.objects.create(
        kind="sentiment",
        in_use=True,
        seen={"marked messages": 900},
        figures={"accuracy": 0.8123, "calibration error": 0.02},
    )
    gone = Learned.objects.create(kind="sentiment", why="it does no better than the lists")
    client.force_login(sue)
    page = client.get(f"/admin/crm/learned/{row.pk}/change/").content.decode()
    for words in (
        "How words sound",
        "marked messages: <b>900</b>",
        "right: <b>0.812</b>",
        "irony",
        "in use since then",
    ):
        assert words in page, words
    assert "not used: it does no better" in client.get(f"/admin/crm/learned/{gone.pk}/change/").content.decode()
    assert "How words sound" in client.get("/admin/crm/learned/").content.decode()


# --- from the first to the last


def test_who_begins_upset_can_only_rise_and_that_is_nobodys_doing() -> None:
    """Two queues that do nothing; one has the upset customers. Raw changes differ by much, adjusted ones do not."""
    chance = np.random.default_rng(7)
    talks = []
    for queue, mean in ((1, -0.6), (2, 0.6)):
        for _n in range(2000):
            temper = mean + chance.normal(0, 0.3)
            first = temper + chance.normal(0, 0.5)
            talks.append(Talk(queue, first, 0.2 * first + chance.normal(0, 0.5)))
    raw = {q: np.mean([t.last - t.first for t in talks if t.queue == q]) for q in (1, 2)}
    assert raw[1] - raw[2] > 0.8
    one, two = change.changes(talks)
    assert abs((one.change or 0) - (two.change or 0)) < 0.1
    assert one.low is not None
    assert one.high is not None
    assert one.low < (one.change or 0) < one.high


def test_an_effect_is_found_within_its_interval_about_as_often_as_it_says() -> None:
    inside = 0
    for seed in range(200):
        chance = np.random.default_rng(seed)
        firsts = chance.choice([-1.0, 0.0, 1.0], size=(2, 60))
        talks = [Talk(q, f, 0.5 * f + 0.3 * q + chance.normal(0, 0.6)) for q in (0, 1) for f in firsts[q]]
        found = change.changes(talks)[1]
        truth = 0.3 - 0.5 * firsts.mean()
        inside += (found.low or 9) <= truth <= (found.high or -9)
    assert 180 <= inside <= 199


def test_under_thirty_cases_nothing_is_said_and_one_feeling_alone_is_no_trap() -> None:
    assert change.changes([Talk(1, -1, 1)] * 29) == [change.Change(1, 29)]
    (all_alike,) = change.changes([Talk(1, -1, 1)] * 40)
    assert all_alike.change == pytest.approx(2)
    assert change.changes([]) == []


def test_the_measure_reads_marks_and_guesses_of_two_messages(billing: Queue, root: User) -> None:
    for n in range(30):
        case = make_case(billing)
        make_message(case, "x", feeling="bad", felt_guess="good")
        make_message(case, "x", at=timezone.now() + timedelta(minutes=1), felt_guess="good" if n % 2 else "neutral")
    alone = make_case(billing)
    make_message(alone, "x", feeling="bad")
    (told,) = [
        row for row in Caller(root)("GET", "measures/sentiment/").json()["results"] if row["queue"] == billing.pk
    ]
    assert (told["cases"], told["change"], told["note"]) == (30, 1.5, "")
    assert told["low"] < 1.5 < told["high"]
    bad = Caller(root)("GET", "measures/sentiment/?from=yesterday")
    assert (bad.status_code, "from" in str(bad.json())) == (400, True)
