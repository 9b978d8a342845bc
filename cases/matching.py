"""Who gets which waiting case: arithmetic alone (docs/routing.md). What it is told of is read by cases.desks."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

BY_HAND, LEAST_LOADED, ROUND_ROBIN = "by_hand", "least_loaded", "round_robin"
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Need:
    """When cases need a skill: by language, tag or queue."""

    skill: int
    languages: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    queues: frozenset[int] = frozenset()

    def is_for(self, *, queue: int, language: str, tags: Collection[str]) -> bool:
        """A language without a country covers all its countries."""
        speaks = {language.lower(), language.lower().partition("-")[0]}
        return queue in self.queues or bool(self.tags & set(tags)) or bool(self.languages & speaks)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case nobody has. `needs` is empty once it has waited so long that anybody will do (`is_relaxed`)."""

    case: int
    queue: int
    channel: str
    since: datetime
    needs: frozenset[int] = frozenset()
    is_relaxed: bool = False


@dataclass(slots=True)
class Desk:
    """Somebody who may be given cases of `queues`, what they can do, and what they have in hand."""

    user: int
    queues: frozenset[int]
    limits: Mapping[int, int]  # queue → so many cases in all, at which it gives them no more
    skills: frozenset[int] = frozenset()
    channel_limits: Mapping[str, int] = field(default_factory=dict)
    in_hand: Counter[str] = field(default_factory=Counter)  # channel → how many
    routed_at: datetime | None = None

    @property
    def load(self) -> int:
        return self.in_hand.total()

    def has_room(self, queue: int, channel: str) -> bool:
        below = self.load < self.limits.get(queue, 0)
        return below and self.in_hand[channel] < self.channel_limits.get(channel, self.load + 1)

    def has_any_room(self) -> bool:
        return any(self.load < limit for limit in self.limits.values())

    def suits(self, waiting: Waiting) -> bool:
        able = waiting.queue in self.queues and waiting.needs <= self.skills
        return able and self.has_room(waiting.queue, waiting.channel)

    def take(self, waiting: Waiting, at: datetime) -> None:
        """It is theirs from now on."""
        self.in_hand[waiting.channel] += 1
        self.routed_at = at


def needed(rules: Iterable[Need], *, queue: int, language: str, tags: Collection[str]) -> frozenset[int]:
    """The skills such a case needs by itself."""
    return frozenset(rule.skill for rule in rules if rule.is_for(queue=queue, language=language, tags=tags))


def choose(waiting: Waiting, desks: Iterable[Desk], method: str) -> Desk | None:
    """Whose it becomes, or None while nobody who can do it has room."""
    fit = [desk for desk in desks if desk.suits(waiting)]
    return min(fit, key=lambda desk: _rank(desk, waiting.queue, method), default=None)


def _rank(desk: Desk, queue: int, method: str) -> tuple[float, datetime, int]:
    """Least loaded: by how much of what they may have in hand they have; among equals, and round robin among all, who was
    given something longest ago."""
    share = desk.load / desk.limits[queue] if method == LEAST_LOADED else 0
    return share, desk.routed_at or NEVER, desk.user
