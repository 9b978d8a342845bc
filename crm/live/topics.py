"""What can be watched and by whom. A topic is `<prefix>.<ident>`; `me` is each person's own."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from crm.models import User

log = logging.getLogger(__name__)
_SHAPE = re.compile(r"[a-z]{1,20}\.[A-Za-z0-9_-]{1,18}")  # a number of 18 digits fits a bigint


@dataclass(frozen=True)
class Kind:
    """One prefix: who may watch it, where its viewers show too, and what to do while people keep it open."""

    may_watch: Callable[[User, str], bool]
    shown_on: Callable[[Iterable[str]], Mapping[str, str]] | None = None
    alive: Callable[[Iterable[tuple[int, str]]], None] | None = None
    shows_open: bool = False
    roles: Callable[[Iterable[tuple[int, str]]], Mapping[tuple[int, str], str]] | None = None


_kinds: dict[str, Kind] = {}


def register(
    prefix: str,
    *,
    may_watch: Callable[[User, str], bool],
    shown_on: Callable[[Iterable[str]], Mapping[str, str]] | None = None,
    alive: Callable[[Iterable[tuple[int, str]]], None] | None = None,
    shows_open: bool = False,
    roles: Callable[[Iterable[tuple[int, str]]], Mapping[tuple[int, str], str]] | None = None,
) -> None:
    """Make `<prefix>.<ident>` watchable.

    `may_watch(user, ident)` decides on subscribing and on every change of rights. `shown_on(idents)` maps idents to the
    topic of a list that shows their viewers too. `alive([(user id, ident)])` is called every few seconds with who really
    keeps such a topic open. `shows_open`: having the topic open is itself presence. `roles([(user id, ident)])` says as what
    some of them are there, in a word that is shown beside their name; who is not in its answer is there as what they are.
    """
    _kinds[prefix] = Kind(may_watch, shown_on, alive, shows_open, roles)


def kind(topic: str) -> Kind | None:
    return _kinds.get(topic.partition(".")[0])


def ident(topic: str) -> str:
    return topic.partition(".")[2]


def kinds() -> Mapping[str, Kind]:
    return _kinds


def allowed(user: User, wanted: Iterable[str]) -> set[str]:
    """Those of the topics this person may watch now. What is not a topic, or fails to answer, is refused."""
    return {topic for topic in wanted if topic == own(user.pk) or _may(user, topic)}


def _may(user: User, topic: str) -> bool:
    known = kind(topic) if _SHAPE.fullmatch(topic) else None
    if known is None or not user.is_active:
        return False
    return known.may_watch(user, ident(topic))


def own(user_id: int) -> str:
    """The topic behind `me`. No prefix `user` is registered, so nobody can name another's."""
    return f"user.{user_id}"


def inside(topic: str, user_id: int) -> str:
    """From the name on the wire to ours. A client's own `user.…` must stay nonsense."""
    return own(user_id) if topic == "me" else ("?" if topic.startswith("user.") else topic)


def outside(topic: str) -> str:
    return "me" if topic.startswith("user.") else topic
