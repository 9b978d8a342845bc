"""What others may add to a case. Filled in `case_hooks.py` of upper apps and plugins (docs/hooks.md)."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from cases.file import File as File
from crm.hooks import Hook
from crm.models import User

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from cases.models import Case, Channel, Dispatch
    from cases.policy.facts import PolicyFact
    from customers.conditions import Fact


@dataclass(frozen=True)
class Panel:
    """A section of the context column, loaded by itself from `url`, so that a slow one cannot hurt the case. A `live` one
    is loaded again with every event of the case, but not under the hands of who fills it in."""

    name: str
    title: str
    url: str
    live: bool = False


@dataclass(frozen=True)
class Banner:
    """A line above the thread: level is calm, amber or red. One with a `name` may be renewed live: a fragment of the part
    `banner` on the case's topic that renders cases/_banner.html with the same name (docs/hooks.md)."""

    text: str
    level: str = "amber"
    url: str = ""
    name: str = ""
    due: datetime | None = None  # by when there is news


@dataclass(frozen=True)
class Action:
    """A button of an open case: it asks for `url` and shows the small form that answers. `key` is its key, if it has
    one; `icon` a name of Lucide's."""

    name: str
    label: str
    url: str
    icon: str = "circle"
    key: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether a message may be sent, and if not, why (an enumerated word). With `until`: not yet, ask again then."""

    allowed: bool
    reason: str = ""
    until: datetime | None = None


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
    status_url: str = ""  # where the customer sees how it stands; mail says so below the text


@dataclass(frozen=True)
class Burning:
    """Something that goes wrong for several customers, as the board shows it: `counts` says how many cases at work are
    about it, by the key of their queue; `cases` are their keys. `name` tells it from others in an address."""

    name: str
    title: str
    url: str
    counts: Mapping[int, int]
    cases: "QuerySet[Any]"
    level: str = "amber"  # calm, amber, red


@dataclass(frozen=True)
class Payout:
    """A remedy to be given. `key` stays the same however often it is asked for: what was given under it is not given
    again. Of a replacement the amount may be 0."""

    key: str
    kind: str  # credit, refund, waiver, replacement
    amount: Decimal
    currency: str
    customer: int
    case: int  # its number
    policy: str


@dataclass(frozen=True)
class Sound:
    """What a customer's words sound like: bad, neutral, good, or empty where nothing can be told; and how probable it is."""

    feeling: str
    p: float = 1.0


class Adapter(Protocol):
    """A way out. `send` returns the provider's id, or raises cases.channels.Failed (will not), Later (try again) or
    Unknown (may have). `honours_key`: the other side notices a repeated key, so that a repeat is safe."""

    kind: str
    honours_key: bool

    def send(self, outgoing: Outgoing, channel: "Channel | None") -> str: ...


class Keeping(Protocol):
    """An adapter that can keep its line to the other side open for a run of messages: `session` gives what sends on it
    (as `Adapter.send` does, each message by itself), and closes it at the end."""

    def session(self) -> "AbstractContextManager[Adapter]": ...


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
# What may be done to an open case, beside what the desk offers.
case_actions: Hook[["Case", User], Action | None] = Hook("case_actions")
# Asked about what goes to many at once (notices, advice, marketing; never answers) in the moment it is claimed for
# sending, a batch at a time and inside that transaction: says of those that must not leave why, or until when. Who
# raises or rests holds the whole batch back for half a minute.
may_leave: Hook[["Sequence[Dispatch]", datetime], Mapping[int, Verdict]] = Hook("may_leave")
# Two cases became one (kept, gone, by whom), inside the merge's transaction and under both locks: what an app holds of
# the one that went, it gives to the other. `cases_parted`: the merge was undone.
cases_joined: Hook[["Case", "Case", User], None] = Hook("cases_joined")
cases_parted: Hook[["Case", "Case", User], None] = Hook("cases_parted")
# What burns at these queues (their keys), the worst first: asked by the board, at most once a second.
burning: Hook[[Sequence[int]], Sequence[Burning]] = Hook("burning")
# What conditions of rules may ask of a case, beside what the desk knows: facts whose `value` reads an Occasion
# (cases.rules.knowledge) and whose `sql` is an expression over Case.
case_facts: Hook[[], "list[Fact]"] = Hook("case_facts")
# Who gives remedies: returns the reference of what was given under the payout's key, None for what is not theirs; raises
# where it did not work, and is asked again with the same key. What nobody takes is left to people.
remedy_handlers: Hook[[Payout], str | None] = Hook("remedy_handlers")
# Facts that service policies may go by, beside what the desk computes (cases.policy.facts).
policy_facts: Hook[[], "Sequence[PolicyFact]"] = Hook("policy_facts")
# Guesses how what customers wrote sounds, one Sound a text and in their order, in place of what the house learned; None:
# not these. Asked by the keeper, a batch at a time and outside any transaction (docs/sentiment.md).
sentiment_models: Hook[[Sequence[str]], Sequence[Sound] | None] = Hook("sentiment_models")
