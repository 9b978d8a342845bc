"""Who has a topic open, looks at it, types in it. Never an event: rows that expire, looked at once a second."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import Any

from django.db import connection

from crm.hooks import Hook
from crm.live import topics
from crm.live.sockets import Socket
from crm.models import User

TTL = 25.0  # three heartbeats of ten seconds, less a little: gone within 30 s of a closed laptop
TYPING_TTL = 6.0
RENEW = 8.0
# User id → seconds since a console of theirs was heard. Told every few seconds by each server, of its own sockets.
people_here: Hook[[Mapping[int, float]], None] = Hook("people_here")
_RANK = {"open": 0, "viewing": 1, "typing": 2}

People = tuple[tuple[int, str, str, str], ...]  # user id, name, role, state
Doing = dict[tuple[str, str], tuple[int, str, float]]  # (socket, topic) → user id, state, seconds left

_WRITE = """
INSERT INTO crm_presence (socket, topic, user_id, state, expires_at)
SELECT socket, topic, user_id, state, now() + make_interval(secs => left_)
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::float8[]) AS t(socket, topic, user_id, state, left_)
ON CONFLICT (socket, topic) DO UPDATE SET state = excluded.state, expires_at = excluded.expires_at
"""
_GONE = """
DELETE FROM crm_presence p USING unnest(%s::text[], %s::text[]) AS t(socket, topic)
WHERE p.socket = t.socket AND p.topic = t.topic
"""
_STALE = "DELETE FROM crm_presence WHERE expires_at < now() - interval '1 minute'"
_READ = """
SELECT p.topic, p.state, u.id, u.first_name, u.last_name, u.username, u.role
FROM crm_presence p JOIN crm_user u ON u.id = p.user_id WHERE p.expires_at > now() ORDER BY p.topic, u.id
"""


def note(socket: Socket, topic: str, state: str) -> None:
    """Somebody looks or types: remember until when that holds without another word."""
    now = monotonic()
    socket.doing[topic, "viewing"] = now + TTL
    if state == "typing":
        socket.doing[topic, "typing"] = now + TYPING_TTL
    else:
        socket.doing.pop((topic, "typing"), None)


def forget(socket: Socket, topic: str) -> None:
    for state in ("viewing", "typing"):
        socket.doing.pop((topic, state), None)


def states(socket: Socket, now: float) -> dict[str, tuple[str, float]]:
    """Topic → strongest present state and the seconds it still holds."""
    found: dict[str, tuple[str, float]] = {}
    heard = TTL - (now - socket.heard_at)
    if heard > 0:
        found = {t: ("open", heard) for t in socket.topics if (k := topics.kind(t)) and k.shows_open}
    for state in ("viewing", "typing"):
        for (topic, doing), until in socket.doing.items():
            if doing == state and until > now and topic in socket.topics:
                found[topic] = (state, until - now)
    return found


def ages(sockets: Iterable[Socket], now: float) -> dict[int, float]:
    """Who has a console open here that is heard, and how long ago each was."""
    found: dict[int, float] = {}
    for socket in sockets:
        age = now - socket.heard_at
        if age < min(TTL, found.get(socket.user_id, TTL)):
            found[socket.user_id] = age
    return found


class Presence:
    """This process's share of presence, and what its sockets were last told."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, str], tuple[str, float]] = {}
        self._swept_at = monotonic()
        self.shown: dict[str, People] = {}
        self.told_of: set[int] = set()  # whom `people_here` last heard of
        self.lists: dict[str, str] = {}  # topic → the list topic that shows it too

    def exchange(self, doing: Doing) -> tuple[dict[str, People], dict[str, str]]:
        """Write what changed here, read what is so everywhere. Runs in a thread, once a second."""
        now = monotonic()
        due = {key: it for key, it in doing.items() if self._is_news(key, it, now)}
        gone = [key for key in self._written if key not in doing]
        with connection.cursor() as cursor:
            if due:
                cursor.execute(_WRITE, _columns([(s, t, *rest) for (s, t), rest in due.items()], 5))
            if gone:
                cursor.execute(_GONE, _columns(gone, 2))
            if now - self._swept_at > 60:
                self._swept_at = now
                cursor.execute(_STALE)
            cursor.execute(_READ)
            people = _in_their_roles(_by_topic(cursor.fetchall()))
        self._written.update({key: (state, now) for key, (_user, state, _left) in due.items()})
        for key in gone:
            self._written.pop(key, None)
        return people, _lists(people)

    def _is_news(self, key: tuple[str, str], it: tuple[int, str, float], now: float) -> bool:
        state, at = self._written.get(key, ("", 0.0))
        return state != it[1] or now - at > RENEW

    def changes(self, people: dict[str, People], lists: dict[str, str]) -> list[str]:
        """The topics whose people are others than last told."""
        was, self.shown, self.lists = self.shown, people, {**self.lists, **lists}
        changed = [topic for topic in {*was, *people} if was.get(topic) != people.get(topic)]
        self.lists = {topic: on for topic, on in self.lists.items() if topic in people or topic in changed}
        return changed

    def seen_on(self, topic: str) -> list[str]:
        """Topics with people that a watcher of `topic` should know of: itself, and for a list its entries."""
        return [t for t in self.shown if t == topic or self.lists.get(t) == topic]

    def message(self, topic: str) -> dict[str, Any]:
        people = [{"id": i, "name": n, "role": r, "state": s} for i, n, r, s in self.shown.get(topic, ())]
        return {"presence": {"topic": topic, "people": people}}


def _columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    table = list(rows)
    return [[row[i] for row in table] for i in range(width)]


def _by_topic(rows: Iterable[tuple[Any, ...]]) -> dict[str, People]:
    """One entry a person, in their strongest state, however many windows they have."""
    found: dict[str, dict[int, tuple[int, str, str, str]]] = defaultdict(dict)
    for topic, state, pk, first, last, username, role in rows:
        held = found[topic].get(pk)
        if held is None or _RANK[state] > _RANK[held[3]]:
            found[topic][pk] = (pk, User(first_name=first, last_name=last, username=username).name, role, state)
    return {topic: tuple(people.values()) for topic, people in found.items()}


def _in_their_roles(people: dict[str, People]) -> dict[str, People]:
    """As what each is there, asked of each kind of topic once."""
    found: dict[tuple[str, int], str] = {}
    for prefix, kind in topics.kinds().items():
        pairs = [(p[0], topics.ident(t)) for t, here in people.items() if t.startswith(f"{prefix}.") for p in here]
        if pairs and kind.roles:
            found |= {(f"{prefix}.{ident}", user): role for (user, ident), role in kind.roles(pairs).items()}
    return {t: tuple((i, n, found.get((t, i), r), s) for i, n, r, s in here) for t, here in people.items()}


def _lists(people: Mapping[str, People]) -> dict[str, str]:
    """Topic → list topic, asked of each kind once."""
    found: dict[str, str] = {}
    for prefix, kind in topics.kinds().items():
        mine = [topics.ident(t) for t in people if t.startswith(f"{prefix}.")]
        if mine and kind.shown_on:
            found.update({f"{prefix}.{ident}": on for ident, on in kind.shown_on(mine).items()})
    return found


def keep_alive(pairs: Iterable[tuple[int, str]]) -> None:
    """Tell each kind of topic who really keeps it open."""
    held = list(pairs)
    for prefix, kind in topics.kinds().items():
        mine = [(user, topics.ident(t)) for user, t in held if t.startswith(f"{prefix}.")]
        if mine and kind.alive:
            kind.alive(mine)
