"""A model goes live: guesses of the last days are made anew by it, and no old one stays in the place of a new one. And what
the board says of how feelings changed."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from cases.models import Case, GuessedAnew, Message, Queue
from cases.sentiment import change, guessing, lexicon, model, said
from crm.models import Event, Learned, User
from tests.api import Caller
from tests.builders import make_case, make_message
from tests.cases.test_sentiment import SAID, examples

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept() -> Any:
    guessing.forget()
    said.forget()
    yield
    guessing.forget()


@pytest.fixture
def case(billing: Queue, ana: User) -> Case:
    found = make_case(billing)
    make_message(found, "Unacceptable, this is the worst company")
    found.claim(by=ana)
    return found


def live(made: timedelta = timedelta(minutes=2), told: int = 20) -> Learned:
    """A version in use that learned of SAID, as old as this."""
    given = examples(told)
    right = np.array([lexicon.FEELINGS.index(each.feeling) for each in given])
    content = model.fit([each.text for each in given], right).pack()
    return Learned.objects.create(kind="sentiment", in_use=True, content=content, made_at=timezone.now() - made)


def guessed(case: Case, text: str, guess: str, by: int, **fields: Any) -> Message:
    message = make_message(case, text)
    Message.objects.filter(pk=message.pk).update(felt_guess=guess, felt_by=by, **fields)
    return message


def exhausted() -> None:
    while guessing.anew(timezone.now()):
        pass


def told_of(*messages: Message) -> list[tuple[str, int | None]]:
    return [Message.objects.values_list("felt_guess", "felt_by").get(pk=each.pk) for each in messages]


def test_a_model_that_goes_live_guesses_anew_what_others_guessed_lately(
    case: Case, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch at a time, without an event; never a mark, a plugin's guess, an old message or what is still to be guessed."""
    monkeypatch.setattr(guessing, "LOOKED", 2)
    old = guessed(case, SAID["bad"], "good", 0, created_at=timezone.now() - timedelta(days=15))
    listed, plugged = guessed(case, SAID["bad"], "good", 0), guessed(case, SAID["bad"], "good", -1)
    marked_one, strange = guessed(case, SAID["bad"], "good", 0, feeling="good"), guessed(case, "xyzzy", "bad", 0)
    none_yet = case.messages.earliest("pk")
    events = Event.objects.count()
    first = live()
    exhausted()
    wanted = [("bad", first.pk), ("good", -1), ("bad", first.pk), ("", first.pk), ("good", 0), ("", None)]
    assert told_of(listed, plugged, marked_one, strange, old, none_yet) == wanted
    assert Message.objects.get(pk=marked_one.pk).feeling == "good"
    assert (GuessedAnew.objects.get().count, GuessedAnew.objects.get().done_at is None) == (3, False)
    assert Event.objects.count() == events
    second = live()
    exhausted()
    assert told_of(listed, none_yet) == [("bad", second.pk), ("", None)]
    exhausted()
    assert GuessedAnew.objects.count() == 2


def test_guessing_anew_begins_when_who_guessed_by_the_last_version_is_done(case: Case) -> None:
    message = guessed(case, SAID["bad"], "good", 0)
    version = live(made=timedelta(seconds=5))
    exhausted()
    assert told_of(message) == [("good", 0)]
    Learned.objects.filter(pk=version.pk).update(made_at=timezone.now() - timedelta(minutes=2))
    exhausted()
    assert told_of(message) == [("bad", version.pk)]


def test_whoever_dies_between_two_rounds_leaves_it_to_the_next(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guessing, "LOOKED", 1)
    messages = [guessed(case, SAID["bad"], "good", 0) for _n in range(3)]
    version = live()
    guessing.anew(timezone.now())
    assert told_of(*messages) == [("good", 0), ("good", 0), ("bad", version.pk)]
    newest = GuessedAnew.objects.get().before
    GuessedAnew.objects.update(before=newest + 1)  # as who died after the guesses and before the mark leaves it
    guessing.forget()
    exhausted()
    assert told_of(*messages) == [("bad", version.pk)] * 3


def test_what_slept_over_a_new_version_says_nothing(case: Case) -> None:
    """Guessed by the lists, or by the version before, kept only now: the message is guessed at the next look instead."""
    row = case.messages.get()
    slept = guessing.guesses([SAID["bad"]])
    version = live()
    guessing._keep([row], slept, 0)
    assert told_of(row) == [("", None)]
    case.messages.update(text=SAID["bad"])
    assert guessing.sweep(timezone.now()) == 1
    assert told_of(row) == [("bad", version.pk)], "by the newest at once, not by what this process read before"


def test_two_that_guess_anew_at_once_leave_one_guess_and_one_count(case: Case) -> None:
    message = guessed(case, SAID["bad"], "good", 0)
    version = live()
    guessing._walk(version.pk, timezone.now())
    row = Message.objects.get(pk=message.pk)
    guessing.anew(timezone.now())
    guessing._keep([row], [guessing.Guess("good", 0.7, version.pk)], version.pk)  # read before the other was done
    assert told_of(message) == [("bad", version.pk)]


# --- on the board


def test_the_board_tells_leads_how_feelings_changed_or_what_it_takes(
    client: Client, billing: Queue, technical: Queue, root: User, ana: User
) -> None:
    for n in range(30):
        case = make_case(billing)
        make_message(case, "x", feeling="bad")
        make_message(case, "x", at=timezone.now() + timedelta(minutes=1), feeling="good" if n % 2 else "neutral")
    client.force_login(root)
    assert 'hx-get="/board/feelings/"' in client.get("/board/").content.decode()
    page = client.get("/board/feelings/").content.decode()
    (told,) = [
        row for row in Caller(root)("GET", "measures/sentiment/").json()["results"] if row["queue"] == billing.pk
    ]
    assert told["change"] == 1.5
    for figure in ("+1.50", f"+{told['low']:.2f}", f"+{told['high']:.2f}", "From 30 cases", "better"):
        assert figure in page
    assert page.count("Not enough data: 30 cases are needed in which both are known. There are 0.") == 1
    client.force_login(ana)
    assert client.get("/board/feelings/").status_code == 403


def test_a_change_is_called_better_or_worse_only_where_its_interval_says_so(billing: Queue) -> None:
    for low, high, word, figure in (
        (0.1, 0.5, "better", "+0.30"),
        (-0.5, -0.1, "worse", "−0.30"),
        (-0.2, 0.2, "no change", "0.00"),
    ):
        line = said._line(billing, change.Change(billing.pk, 40, round((low + high) / 2, 4), low, high))
        assert line.said.startswith(word)
        assert line.figure == figure
