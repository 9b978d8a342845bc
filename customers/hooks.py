"""What others may add to a customer. Filled in `customer_hooks.py` of upper apps and plugins (docs/hooks.md)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crm.hooks import Hook
from crm.models import Event, User

if TYPE_CHECKING:
    from customers.conditions import Collection, Fact
    from customers.models import Customer


@dataclass(frozen=True)
class Panel:
    """A section of the customer page, loaded by itself from `url`, so that a slow one cannot hurt the page."""

    name: str
    title: str
    url: str


@dataclass(frozen=True)
class Entry:
    """One line of the timeline. `kind` is the filter it falls under: message, case, note, promise, order, consent, …"""

    at: datetime
    kind: str
    title: str
    text: str = ""
    url: str = ""
    icon: str = "circle"


@dataclass(frozen=True)
class Moved:
    """Why rows changed hands: from whom, to whom, by whom, and whether by a merge, its undoing, or gathering after it."""

    was: int
    customer: int
    by: User | None
    via: str
    at: datetime
    reason: str  # merged, merge_undone, merge_gathered


@dataclass(frozen=True)
class Moves:
    """A column that points at customers and moves when two are merged: the model (key `id`) and its field's name.

    `tell` gets the keys of the rows that moved, in the merge's own transaction and with their rows locked by it: rows
    that have a stream of events write what happened to them there. `apart`: a column of which each customer has one row
    a value; a row whose like the other has already stays where it is."""

    model: Any
    field: str
    tell: Callable[[list[int], Moved], None] | None = None
    apart: str = ""


# Sections of the customer page.
customer_panels: Hook[["Customer", User], Panel | None] = Hook("customer_panels")
# Up to `limit` newest entries strictly before `before` that `user` may see, newest first: (customer, user, before,
# limit, kind). An empty kind means every kind; a fill whose kinds are others returns nothing and asks nothing.
timeline: Hook[["Customer", User, datetime, int, str], list[Entry]] = Hook("timeline")
# The kinds a fill's entries may have, with the words of their filter: [("message", _("Messages")), …].
timeline_kinds: Hook[[], list[tuple[str, Any]]] = Hook("timeline_kinds")
# A short sentence a person should know before they speak: "Last promise kept." (product D9)
cues: Hook[["Customer", User], str | None] = Hook("cues")
# When we last spoke with this customer, as far as this user may see.
last_spoken: Hook[["Customer", User], datetime | None] = Hook("last_spoken")
# The columns of other apps that a merge moves.
customer_merging: Hook[[], list[Moves]] = Hook("customer_merging")
# Facts for conditions (name, type, Python getter and SQL expression), and collections of rows that can be counted.
facts: Hook[[], "Sequence[Fact | Collection]"] = Hook("facts")
# Whom events of the log are about, in streams of other apps: what changed for these customers is looked at for segments.
touched_by: Hook[[Sequence[Event]], Iterable[int]] = Hook("touched_by")
# A segment means something else from now on (asked in that transaction): who keeps conditions in memory forgets them.
segment_turned: Hook[[], None] = Hook("segment_turned")
# The columns that hold something about a person: (model, field, how it is emptied), for export and erasure.
personal_data: Hook[[], list[tuple[Any, str, str]]] = Hook("personal_data")
# Filters that decide which customers a person may open: returns a Q over Customer, or None for "no say".
customer_access: Hook[[User], Any] = Hook("customer_access")
