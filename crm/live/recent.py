"""The last ticks as they were told, so that a short absence costs no query and everybody's return is rendered once."""

from collections import defaultdict, deque
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from crm.live import streams
from crm.live.frames import Feed
from crm.live.streams import Fragment, Happening, Key

MOST_EVENTS = 1000
MOST_BYTES = 8_000_000  # of what was rendered: long messages must not make a short memory a big one


@dataclass
class Tick:
    """A run of events, what they call for, and what of it has been rendered. Planned and rendered in the tick thread."""

    before: int
    events: Sequence[Happening]
    parts: dict[Feed, dict[Key, bytes]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    _planned: dict[str, list[Fragment]] | None = None

    @property
    def after(self) -> int:
        return self.events[-1].pos

    @property
    def weight(self) -> int:
        """Bytes of what is rendered by now."""
        return sum(len(chunk) for chunks in self.parts.values() for chunk in chunks.values())

    def plan(self) -> set[str]:
        """What these events call for; the topics whose readers they may have changed."""
        planned: dict[str, list[Fragment]] = defaultdict(list)
        for fragment in streams.plan(self.events):
            planned[fragment.topic].append(fragment)
        self._planned = dict(planned)
        return streams.moved(self.events)

    def missing(self, feeds: Iterable[Feed]) -> list[Feed]:
        """Those of the feeds that these events change and nobody has rendered yet. Without a plan: all of them."""
        return [f for f in feeds if f not in self.parts and (self._planned is None or f[0] in self._planned)]

    def render(self, feeds: Iterable[Feed]) -> None:
        if self._planned is None:
            self.plan()
        for topic, language in self.missing(feeds):
            chunks, broken = streams.encoded((self._planned or {})[topic], language)
            self.parts[topic, language] = chunks
            if broken:
                self.failed.add(topic)

    def said(self, feeds: Container[Feed]) -> dict[Feed, list[bytes]]:
        return {feed: list(chunks.values()) for feed, chunks in self.parts.items() if chunks and feed in feeds}


class Recent:
    """The last ticks, without a hole."""

    def __init__(self) -> None:
        self._ticks: deque[Tick] = deque()
        self._weights: deque[int] = (
            deque()
        )  # of each as it came: what is rendered later, for one who returns, is little
        self._events = self._bytes = 0

    def add(self, tick: Tick) -> None:
        self._ticks.append(tick)
        self._weights.append(tick.weight)
        self._events += len(tick.events)
        self._bytes += self._weights[-1]
        while (self._events > MOST_EVENTS or self._bytes > MOST_BYTES) and len(self._ticks) > 1:
            self._events -= len(self._ticks.popleft().events)
            self._bytes -= self._weights.popleft()

    def clear(self) -> None:
        self._ticks.clear()
        self._weights.clear()
        self._events = self._bytes = 0

    def first_after(self, pos: int) -> Happening | None:
        """The first event after `pos` that is no imported history, if it is surely here."""
        ticks = self.after(pos) or ()
        return next((e for tick in ticks for e in tick.events if e.pos > pos and e.via != "import"), None)

    def after(self, pos: int) -> list[Tick] | None:
        """The ticks with something after `pos`, or None when the first of it is no longer (or not yet) here."""
        if not self._ticks or pos < self._ticks[0].before:
            return None
        return [tick for tick in self._ticks if tick.after > pos]
