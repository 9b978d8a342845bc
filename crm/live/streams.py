"""What a stream's events change on screens. Apps register per stream; the hub renders and delivers."""

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from time import monotonic
from typing import Any

from django.db import Error as DatabaseTrouble
from django.utils import translation

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Happening:
    """A numbered event as the hub reads it."""

    id: int
    pos: int
    stream: str
    stream_id: int
    version: int
    kind: str
    actor_id: int | None
    via: str
    reason: str
    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fragment:
    """One change of one part of what a topic shows. It is the same for every reader, so it must show nothing that some
    reader of the topic may not see, and no time or "mine" that depends on who looks.

    `subject` is what the version belongs to: a case's number, else the row's id. `html` is called once per language in
    use; a fragment without it is a poke. A client applies a fragment when its version is newer than the one it has for
    (topic, stream, subject, part).
    """

    topic: str
    stream: str
    subject: int
    part: str  # row, header, thread, timeline, people, ...
    version: int
    kind: str
    html: Callable[[], str] | None = None
    gone: bool = False
    every: bool = False  # one an event: not superseded by a later version of the same part
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> "Key":
        """What a later fragment with the same key makes superfluous."""
        return self.topic, self.stream, self.subject, self.part, self.version if self.every else 0


Key = tuple[str, str, int, str, int]
# Called with events of one stream in order and the topics anybody wants (None: all); returns fragments in order.
Handler = Callable[[Sequence[Happening], Collection[str] | None], Iterable[Fragment]]
# Which topics' readers these events may have changed (a case moved to another queue).
Readers = Callable[[Sequence[Happening]], Iterable[str]]

_handlers: dict[str, list[Handler]] = {}
_readers: dict[str, Readers] = {}


def register(name: str, *, fragments: Handler, readers: Readers | None = None) -> None:
    """Say what the stream `name` shows. Several apps may add to one stream; registering twice changes nothing."""
    held = _handlers.setdefault(name, [])
    if fragments not in held:
        held.append(fragments)
    if readers is not None:
        _readers[name] = readers


def plan(events: Sequence[Happening], only: Collection[str] | None = None) -> list[Fragment]:
    """The fragments these events call for, not yet rendered. Runs in a thread with a database connection."""
    planned: list[Fragment] = []
    for stream, group in groupby(sorted(events, key=lambda e: e.stream), key=lambda e: e.stream):
        happened = list(group)
        for handler in _handlers.get(stream, ()):
            planned.extend(handler(happened, only))
    return planned


def moved(events: Sequence[Happening]) -> set[str]:
    """Topics whose readers must be asked again before anything of these events is shown to them."""
    return {
        topic
        for stream, readers in _readers.items()
        for topic in readers([event for event in events if event.stream == stream])
    }


class _Rendered:
    """HTML of state at a version, kept a few seconds: a storm of returning sockets asks for the same again and again."""

    def __init__(self, size: int = 4000, seconds: float = 5.0) -> None:
        self._kept: OrderedDict[tuple[Any, ...], tuple[float, bytes]] = OrderedDict()
        self._size, self._seconds = size, seconds

    def get(self, key: tuple[Any, ...]) -> bytes | None:
        found = self._kept.get(key)
        return found[1] if found and monotonic() - found[0] < self._seconds else None

    def put(self, key: tuple[Any, ...], value: bytes) -> None:
        self._kept[key] = (monotonic(), value)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)


_rendered = _Rendered()


def encode(fragment: Fragment, language: str) -> bytes:
    """The fragment as JSON in one language, rendered once however many sockets get it."""
    key = (
        fragment.topic,
        fragment.stream,
        fragment.subject,
        fragment.part,
        fragment.version,
        fragment.kind,
        fragment.gone,
        language,
    )
    if (kept := _rendered.get(key)) is not None:
        return kept
    fresh = _encode(fragment, language)
    _rendered.put(key, fresh)
    return fresh


def encoded(fragments: Iterable[Fragment], language: str) -> tuple[dict[Key, bytes], bool]:
    """All of them in order, and whether any could not be rendered (its readers must fetch the topic afresh)."""
    chunks: dict[Key, bytes] = {}
    broken = False
    for fragment in fragments:
        try:
            chunks[fragment.key] = encode(fragment, language)
        except DatabaseTrouble:
            raise
        except Exception:
            log.exception("live: %s of %s cannot be shown", fragment.part, fragment.topic)
            broken = True
    return chunks, broken


def as_json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _encode(fragment: Fragment, language: str) -> bytes:
    content: dict[str, Any] = {
        "topic": "me" if fragment.topic.startswith("user.") else fragment.topic,
        "stream": fragment.stream,
        fragment.stream: fragment.subject,
        "version": fragment.version,
        "kind": fragment.kind,
        "part": fragment.part,
        **fragment.extra,
    }
    if fragment.gone:
        content["gone"] = True
    elif fragment.html is not None:
        with translation.override(language):
            content["html"] = fragment.html()
    return as_json(content)
