"""L4: after the events of any command, every screen that was open reads like the page rendered afresh.

Each command of tests/cases/commands.py is done once. Before it, everybody has the case and a list open; afterwards what
the hub would send each of them is applied as the console's scripts do, and compared with a reload.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from cases import conversation
from cases.intake import open_case
from cases.models import Case, Queue
from crm.live import log, streams, topics
from crm.live.recent import Tick
from crm.live.streams import Happening
from crm.models import Event, User
from customers.models import Customer
from tests import event_kinds
from tests.cases.before import World, sent
from tests.cases.clockwork import make_policy
from tests.cases.commands import COMMANDS
from tests.cases.registry import NOT_SHOWN, ROUTES_WITHOUT_EVENTS, Command
from tests.screen import Listed, Room, Screen, parse
from tests.test_routes import LINES

pytestmark = pytest.mark.django_db

# Which view of their queue each has beside the case. Rows are the same for everybody.
VIEWS = {"ana": "mine", "lee": "unassigned", "sue": "promises", "eve": "all", "root": "snoozed", "ben": "all"}


# --- nothing is forgotten


def test_every_kind_of_event_has_a_command_or_a_reason() -> None:
    written = event_kinds.of("cases") | event_kinds.of("customers") | event_kinds.of("outreach")
    covered = {kind for command in COMMANDS.values() for kind in command.kinds}
    assert written - covered - set(NOT_SHOWN) == set(), "add the command to tests/cases/commands.py"
    assert (covered | set(NOT_SHOWN)) - written == set(), "nothing writes these any more"
    assert covered & set(NOT_SHOWN) == set()


def test_every_address_that_changes_something_has_a_command_or_a_reason() -> None:
    changing = {route for route, lines in LINES.items() if any(not line.startswith("GET ") for line in lines)}
    covered = {route for command in COMMANDS.values() for route in command.routes}
    assert changing - covered - set(ROUTES_WITHOUT_EVENTS) == set(), "add the command to tests/cases/commands.py"
    assert (covered | set(ROUTES_WITHOUT_EVENTS)) - changing == set(), "these are no such addresses any more"


# --- the comparison


@pytest.fixture
def world(cast: SimpleNamespace, billing: Queue, technical: Queue, carl: Customer) -> World:
    """A case in the middle of Billing's list, with all its clocks running, watched by everybody."""
    now = timezone.now()
    make_policy(queues=[billing, technical], pause=("waiting_customer", "waiting_internal"), **TARGETS)
    cases = [
        _case(billing, carl, "Charged twice", now - timedelta(hours=1)),
        _case(billing, None, "First", now - timedelta(hours=2)),
        _case(billing, None, "Last", now - timedelta(minutes=1)),
    ]
    sent(SimpleNamespace())  # what acknowledged them has left
    billing.join(cast.eve, mode="watch")
    people = {name: getattr(cast, name) for name in VIEWS}
    clients = {user.pk: _client(user) for user in people.values()}
    return SimpleNamespace(
        now=now,
        case=cases[0],
        carl=carl,
        billing=billing,
        technical=technical,
        people=people,
        clients=clients,
        **people,
    )


TARGETS = {"first_response": 120, "update": 60 * 24, "resolution": 60 * 24 * 3, "next_response": 120}


def _case(queue: Queue, customer: Customer | None, subject: str, at: object) -> Case:
    case = open_case(queue=queue, customer=customer, subject=subject, channel="mail", at=at, via="channel")  # type: ignore[arg-type]
    sender = customer.contact_points.get(kind="email") if customer else None
    conversation.add_inbound(case, text=f"{subject}!", sender=sender, channel="mail", at=at)  # type: ignore[arg-type]
    return case


def _client(user: User) -> Client:
    client = Client(headers={"HX-Request": "true"})
    client.force_login(user)
    return client


def _number() -> None:
    """What the sequencer does, inside the test's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE crm_event e SET pos = n.pos FROM (SELECT id, row_number() OVER (ORDER BY id)"
            " + (SELECT COALESCE(max(pos), 0) FROM crm_event) AS pos FROM crm_event WHERE pos IS NULL) n WHERE e.id = n.id"
        )


def _screen(world: World, name: str) -> Screen:
    """What this person's browser would show now, asked for afresh."""
    user = world.people[name]
    client = world.clients[user.pk]
    page = client.get(f"/cases/{world.case.number}/")
    assert page.status_code in {200, 404}
    room = Room(parse(page.content.decode()) if page.status_code == 200 else None, world.case.number)
    queue = world.technical if name == "ben" else world.billing
    lists = list(_list(client, queue, VIEWS[name], user))
    watched = {f"queue.{queue.pk}", f"case.{world.case.number}", topics.own(user.pk)}
    return Screen(room, lists, topics.allowed(user, watched))


def _list(client: Client, queue: Queue, view: str, user: User) -> Iterator[Listed]:
    page = client.get(f"/queues/{queue.pk}/?view={view}")
    if page.status_code == 200:
        yield Listed(parse(page.content.decode()), me=user.pk, now=timezone.now().timestamp() * 1000)


def _reads(screen: Screen) -> dict[str, object]:
    return {"room": screen.room.seen()} | {f"list {each.view}": each.seen() for each in screen.lists}


# --- how events reach a screen


def _as_one_tick(events: list[Happening], screen: Screen) -> Iterator[bytes]:
    yield from _tick(events, screen)


def _each_in_a_tick_of_its_own(events: list[Happening], screen: Screen) -> Iterator[bytes]:
    for event in events:
        yield from _tick([event], screen)


def _tick(events: list[Happening], screen: Screen) -> Iterator[bytes]:
    tick = Tick(events[0].pos - 1, events)
    tick.plan()
    feeds = [(topic, "en") for topic in sorted(screen.topics)]
    tick.render(feeds)
    assert not tick.failed
    for said in tick.said(feeds).values():
        yield from said


def _caught_up(events: list[Happening], screen: Screen) -> Iterator[bytes]:
    """What somebody who was away is told from the log."""
    for fragment in streams.plan(events, screen.topics):
        if fragment.topic in screen.topics:
            yield streams.encode(fragment, "en")


WAYS = {
    "one tick": _as_one_tick,
    "a tick each": _each_in_a_tick_of_its_own,
    "caught up": _caught_up,
}


def _refused(user: User, screen: Screen, events: list[Happening], *, asked_again: bool) -> set[str]:
    """What the hub takes away: all is asked again when rights changed, else the topics whose readers these events move."""
    asked = screen.topics if asked_again else streams.moved(events) & screen.topics
    return set(asked) - topics.allowed(User.objects.get(pk=user.pk), asked)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_after_the_events_every_screen_reads_as_if_loaded_afresh(command: Command, world: World) -> None:
    for step in command.before:
        step(world)
    _number()
    world.case.refresh_from_db()
    before = {name: _screen(world, name) for name in VIEWS}
    rights = dict(User.objects.values_list("pk", "rights_version"))
    cursor = Event.objects.order_by("-pos").values_list("pos", flat=True)[0] or 0
    answer = command.do(world)
    _number()
    events = log.between(cursor, cursor + 1000, 1000)
    assert {event.kind for event in events} == command.kinds
    for name, user in world.people.items():
        fresh = _reads(_screen(world, name))
        if before[name].room.is_gone:
            fresh["room"] = "gone"  # who had no such page open gets none
        asked_again = User.objects.get(pk=user.pk).rights_version != rights[user.pk]
        for way, screen in _ways(before[name], events, answer if name == "ana" else None, user, asked_again):
            assert _reads(screen) == fresh, f"{name}'s screen, {way}"
            assert not screen.torn, f"{name}'s thread has a hole, {way}"


def _ways(
    before: Screen, events: list[Happening], answer: object, user: User, asked_again: bool
) -> Iterator[tuple[str, Screen]]:
    """The same screen after everything reached it: by each way, and for who gave the command with the HTTP answer
    first or last."""
    for way, frames in WAYS.items():
        for when in ("first", "last") if answer is not None else ("",):
            screen = before.copy()
            if when == "first":
                _answered(screen, answer)
            screen.refuse(_refused(user, screen, events, asked_again=asked_again))
            for frame in frames(events, screen):
                screen.hear(_heard(frame, user))
            if when == "last":
                _answered(screen, answer)
            yield f"{way}, answer {when}" if when else way, screen


def _heard(frame: bytes, user: User) -> dict[str, object]:
    event = json.loads(frame)
    return event | {"topic": topics.inside(event["topic"], user.pk)}


def _answered(screen: Screen, answer: object) -> None:
    assert answer.status_code == 200, answer.content  # type: ignore[attr-defined]
    assert answer["X-Fragments"]  # type: ignore[index]
    screen.place(answer.content.decode())  # type: ignore[attr-defined]


def test_the_counts_are_those_of_the_lists(world: World) -> None:
    world.case.claim(by=world.ana)
    client = world.clients[world.ana.pk]
    counts = client.get(f"/queues/{world.billing.pk}/counts/").json()["counts"]
    rows = {view: len(next(_list(client, world.billing, view, world.ana)).rows) for view in counts}
    assert rows == counts
