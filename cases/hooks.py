"""What others may add to a case. Filled in `case_hooks.py` of upper apps and plugins (docs/hooks.md)."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from cases.file import File as File
from crm.hooks import Hook
from crm.models import User

if TYPE_CHECKING:
    from cases.models import Case, Channel, Dispatch


@dataclass(frozen=True)
class Panel:
    """A section of the context column, loaded by itself from `url`, so that a slow one cannot hurt the case."""

    name: str
    title: str
    url: str


@dataclass(frozen=True)
class Banner:
    """A line above the thread: level is calm, amber or red."""

    text: str
    level: str = "amber"
    url: str = ""


@dataclass(frozen=True)
class Outgoing:
    """What a channel is asked to send. `key` is the idempotency key: the same key is the same message."""

    key: str
    to: str
    to_name: str
    subject: str
    text: str
    language: str
    thread: str  # names the conversation on the other side: the case's number or the channel's own thread id
    files: tuple[File, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)


class Adapter(Protocol):
    """A way out. `send` returns the provider's id, or raises cases.channels.Failed (will not), Later (try again) or
    Unknown (may have). `honours_key`: the other side notices a repeated key, so that a repeat is safe."""

    kind: str
    honours_key: bool

    def send(self, outgoing: Outgoing, channel: "Channel | None") -> str: ...


# Sections of the context column, in order.
case_panels: Hook[["Case", User], Panel | None] = Hook("case_panels")
# Lines above the thread.
case_banners: Hook[["Case", User], Banner | None] = Hook("case_banners")
# A sentence each for what forbids resolving this case now; none: it may be resolved.
resolve_checks: Hook[["Case", User], str | None] = Hook("resolve_checks")
# Ways out beside mail and the signed channel.
channels: Hook[[], Adapter] = Hook("channels")
# Who writes a dispatch's content, by its `source`: returns None for a source that is not theirs.
composers: Hook[["Dispatch"], Outgoing | None] = Hook("composers")
# A customer answered a dispatch that belongs to no case (a notice): called with it and the case that was opened or went
# on, inside the transaction that stores the answer.
answered: Hook[["Dispatch", "Case"], None] = Hook("answered")
