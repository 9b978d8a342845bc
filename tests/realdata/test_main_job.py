"""The main job on real input: questions and dialogues of real customers, two reps, a server killed in the middle.

Each question and each dialogue arrives through the signed channel as its customer wrote it; a dialogue's next turn
comes when the one before has been taken, its last is the agent's answer that names a page. What agents say is said by
the two reps, who have the queue open in Chromium all the time: some of it is typed into the console (`Size.typed`),
the rest goes through the REST API with the same reps' tokens. Answers leave by mail or by the signed call-back,
whichever way their customer wrote.

Short: 60 questions, 25 dialogues. Full (`--faults=full`): 1,000 questions and all 525 dialogues at 5 a second.
"""

import json
import os
import random
import re
import signal
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.db.models import Count
from playwright.sync_api import Browser, Page
from standardwebhooks.webhooks import Webhook

from cases.models import Case, Channel, Dispatch, InboundItem, Message, Queue
from crm import tokens
from crm.models import Event, User
from customers.folding import clean
from tests import processes
from tests.channels import Callback, callback, make_channel
from tests.processes import Running, wait_until
from tests.realdata import figures
from tests.realdata.outside import Post, World, post_office
from tests.realdata.reps import Rep, flat, in_order
from tests.realdata.stories import Story, dialogues, questions

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.e2e,
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


@dataclass(frozen=True)
class Size:
    """How much of it: arrivals a second, and how many answers are typed, threads are looked at."""

    questions: int
    dialogues: int
    rate: float
    typed: int
    looked_at: int


SHORT = Size(questions=60, dialogues=25, rate=14, typed=10, looked_at=6)
FULL = Size(questions=1000, dialogues=525, rate=5, typed=100, looked_at=60)


@pytest.fixture
def size(full: bool) -> Size:
    return FULL if full else SHORT


@pytest.fixture
def stories(realdata: Path, size: Size) -> list[Story]:
    """In the short size half of the dialogues are long ones; all in one shuffled order."""
    told = dialogues(realdata)
    longest = sorted(told, key=lambda story: -len(story.turns))[: size.dialogues // 2]
    rest = [story for story in told if story not in longest]
    chosen = questions(realdata, size.questions) + longest + rest[: size.dialogues - len(longest)]
    random.Random(1).shuffle(chosen)
    return chosen


def test_every_question_is_a_case_and_every_answer_leaves_once_while_a_server_dies(
    browser: Browser, billing: Queue, ana: User, lee: User, stories: list[Story], size: Size
) -> None:
    Queue.objects.update(acknowledges=False)  # what leaves is what people wrote, to the letter
    channel = make_channel(billing, "social")
    with ExitStack() as stack:
        other_side, office = stack.enter_context(callback()), stack.enter_context(post_office())
        channel.callback_url = other_side.url
        channel.save(update_fields=["callback_url"])
        server = stack.enter_context(_serve(office))
        reps = [Rep.sits_down(browser, server.url, user, billing) for user in (ana, lee)]
        world = World(
            url=server.url,
            slug=channel.slug,
            secret=channel.active_secrets()[0],
            tokens=[tokens.issue(user)[0] for user in (ana, lee)],
            stories=stories,
            rate=size.rate,
            typed=_typed(stories, size.typed),
            halfway=lambda: _kill_web(server),
        )
        longest = max(stories, key=lambda story: len(story.turns))
        with world.turning():
            open_thread = _work(world, reps, longest)
        assert world.error is None, world.error
        _settle()
        _stored(world, channel)
        _left_once(world, channel, other_side, office)
        _shown(world, reps, size)
        said = reps[1].reads(open_thread, _words(longest))
        assert [text for _id, text in said] == _words(longest)
        assert [complaint for rep in reps for complaint in rep.complaints] == []
        print(figures.told(world, reps, len(other_side.got), len(office.mails)))


def _serve(office: Post) -> "processes.AbstractContextManager[Running]":
    env = {"DJANGO_SETTINGS_MODULE": "tests.realdata.settings", "SMTP_PORT": str(office.port)}
    return processes.serve("--no-demo", "--no-migrate", seconds=120, SEND_UNDO_SECONDS="1", **env)


def _typed(stories: Sequence[Story], how_many: int) -> frozenset[str]:
    """Answers spread over the whole run."""
    answers = [turn.id for story in stories for turn in story.turns if not turn.who]
    return frozenset(answers[:: max(1, len(answers) // how_many)])


def _kill_web(server: Running) -> None:
    """kill -9 to the web process; the supervisor starts another."""
    web = [pid for pid, line in processes.children(server.pid).items() if "uvicorn" in line]
    assert web
    for pid in web:
        os.kill(pid, signal.SIGKILL)


def _work(world: World, reps: Sequence[Rep], longest: Story) -> Page:
    """Both reps type what is theirs to type until all stories are told; one also leaves the longest thread open."""
    page = reps[1].list.context.new_page()
    opened, turn = False, 0
    while not world.over:
        number = world.cases.get((longest.name, longest.customer))
        if number and not opened:
            reps[1].open(number, page)
            opened = True
        if world.jobs.empty():
            reps[turn % 2].work.wait_for_timeout(50)
            continue
        job = world.jobs.get()
        reps[turn % 2].answer(job)
        turn += 1
        job.done.set_result(None)
    return page


def _settle() -> None:
    """Nothing is on its way any more, and everything that happened has its number."""
    ended = [Dispatch.State.SENT, Dispatch.State.UNDONE]
    wait_until(lambda: not Dispatch.objects.exclude(state__in=ended).exists(), 180, "every answer to leave")
    wait_until(lambda: not InboundItem.objects.filter(state="stored").exists(), 180, "every item to be in a case")
    wait_until(lambda: not Event.objects.filter(pos=None).exists(), 60, "every event's number")


# --- counts in = counts stored


def _stored(world: World, channel: Channel) -> None:
    """Every utterance is one message, in its own case, in the order in which it was said."""
    items = dict(InboundItem.objects.filter(channel=channel.slug).values_list("state").annotate(n=Count("pk")))
    assert items == {"done": world.arrivals}
    assert Message.objects.filter(direction="inbound").count() == world.arrivals
    assert Message.objects.filter(direction="outbound").count() == len(_answers(world))
    assert Case.objects.count() == len(world.cases) == sum(len(story.people) for story in world.stories)
    threads: dict[int, list[str]] = defaultdict(list)
    for number, text in Message.objects.order_by("at", "id").values_list("case__number", "text"):
        threads[number].append(text)
    assert threads == {
        world.cases[case]: [clean(turn.text) for turn in story.said_in(case)]
        for story in world.stories
        for case in [(story.name, person) for person in story.people]
    }
    versions = Event.objects.filter(stream="case").values_list("stream_id").annotate(n=Count("pk"))
    assert dict(versions) == dict(Case.objects.values_list("pk", "version")), "one event for each version"


def _answers(world: World) -> list[tuple[tuple[str, str], str]]:
    """Story and person, and what we said to them."""
    return [(story.case_of(turn), turn.text) for story in world.stories for turn in story.turns if not turn.who]


# --- each answer leaves once


def _left_once(world: World, channel: Channel, other_side: Callback, office: Post) -> None:
    """Every answer reached the other side once, in order, by mail or by the signed call-back as its customer wrote."""
    told: dict[int, list[str]] = defaultdict(list)
    for case, text in _answers(world):
        told[world.cases[case]].append(text)
    left: dict[int, list[str]] = defaultdict(list)
    threads = {story.name: world.cases[story.name, story.customer] for story in world.stories}
    for headers, body in other_side.got:
        assert _is_signed(headers, body, channel.active_secrets()[0])
        document = json.loads(body)
        left[threads[document["thread"]]].append(document["text"])
    for mail in office.mails:
        number = re.search(r"\[#(\d+)\]", mail["subject"])
        assert number
        left[int(number[1])].append(_text(mail))
    assert left == told
    keys = [headers["webhook-id"] for headers, _body in other_side.got] + [mail["message-id"] for mail in office.mails]
    assert len(keys) == len(set(keys)) == Dispatch.objects.filter(state="sent").count()
    by_mail = {t.who for s in world.stories for t in s.turns[:1] if t.address["kind"] == "email" and len(s.turns) > 1}
    assert {mail["to"].addresses[0].addr_spec.partition("@")[0] for mail in office.mails} == {
        w.lower() for w in by_mail
    }


def _text(mail: EmailMessage) -> str:
    """What the rep said; in mail a line ends with two characters, the last one too, and the customer's page stands below."""
    text = str(mail.get_content()).replace("\r\n", "\n").removesuffix("\n")
    said, link = re.subn(r"\n\n[^\n]+: http://[^\s/]+/status/[\w:.-]+/\Z", "", text)
    assert link == 1
    return said


def _is_signed(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """By our secret over id, time and body, whenever that was: a full run takes longer than a signature is fresh."""
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    return Webhook(secret).sign(headers["webhook-id"], at, body.decode()) == headers["webhook-signature"]


# --- counts stored = counts shown


def _shown(world: World, reps: Sequence[Rep], size: Size) -> None:
    """The lists that were open all the time hold what a new page holds: every case, once, as it now is, in order."""
    for rep in reps:
        rows = rep.sees(_versions)
        assert {row["id"]: row["version"] for row in rows} == _versions()
        assert len(rows) == len(_versions())
        assert in_order(rows)
        rep.counts(len(rows))
        assert rep.fresh_rows() == list(Case.objects.in_order().values_list("pk", flat=True))
    told = [story for story in world.stories if len(story.turns) > 1]
    for n, story in enumerate(random.Random(2).sample(told, min(size.looked_at, len(told)))):
        rep = reps[n % 2]
        number = world.cases[story.name, story.customer]
        thread = rep.reads(rep.open(number), _words(story))
        assert [text for _id, text in thread] == _words(story)
        ids = Message.objects.filter(case__number=number).order_by("at", "id").values_list("pk", flat=True)
        assert [pk for pk, _text in thread] == list(ids)


def _versions() -> dict[int, int]:
    return dict(Case.objects.values_list("pk", "version"))


def _words(story: Story) -> list[str]:
    """What stands in the thread of the one who began it."""
    return [flat(clean(turn.text)) for turn in story.said_in((story.name, story.customer))]
