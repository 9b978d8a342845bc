"""Every key of the console and what it does: what the help sheet (?) shows, in its order. A test holds the keys of templates
and scripts to this list, and each to one meaning."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext_lazy as _

SHIFT = "⇧"


@dataclass(frozen=True)
class Key:
    """`caps` are pressed one after the other, or together with Ctrl and ⇧; of `either`, one of them."""

    caps: Sequence[str]
    words: LazyText
    either: bool = False


def key(caps: str, words: LazyText, *, either: bool = False) -> Key:
    return Key(caps.split(), words, either)


IN_LISTS = [
    key("j k", _("next, previous case"), either=True),
    key("Enter", _("open it")),
    key("⇧ N", _("take the next case")),
    key("x", _("choose it, for several at once")),
    key("⇧ j k", _("choose as you go"), either=True),
    key("⇧ F", _("filter this list")),
]
ON_A_CASE = [
    key("i", _("make it mine")),
    key("a", _("assign")),
    key("b", _("whose is it?")),
    key("s", _("status")),
    key("e", _("resolve")),
    key("d", _("need met, or not")),
    key("z", _("snooze")),
    key("o", _("promises: move or keep")),
    key("p", _("priority")),
    key("t", _("tags")),
    key("y", _("fill in fields")),
    key("m", _("macro: several actions in one")),
    key("+", _("add a task")),
    key(".", _("remind me")),
    key("q", _("ask others")),
    key("v", _("move to another queue")),
    key("f", _("merge into another case")),
    key("l", _("link with another case")),
    key("w", _("known problem")),
    key("h", _("follow it, or no longer")),
    key("c", _("customer and answers")),
]
WRITING = [
    key("r", _("reply")),
    key("n", _("note")),
    key("/", _("saved replies, while you write")),
    key("Ctrl Enter", _("send")),
    key("Ctrl ⇧ Enter", _("send, resolve, next")),
]
ANYWHERE = [
    key("Ctrl K", _("every command")),
    key("/", _("search")),
    key("g q", _("queues")),
    key("g c", _("customers")),
    key("g p", _("known problems")),
    key("g n", _("notifications")),
    key("g t", _("my tasks")),
    key("u", _("online, busy, away")),
    key("g r", _("reload, when a new version is ready")),
    key("Esc", _("back")),
    key("?", _("this sheet")),
]
WHO_LEADS = [
    key("g b", _("board (who leads)")),
    key("⇧ W", _("whisper (who leads)")),
    key("⇧ I", _("join a colleague’s case (who leads)")),
]
# As they stand on the sheet: columns, group below group.
COLUMNS: list[list[tuple[LazyText, list[Key]]]] = [
    [(_("On the open case"), ON_A_CASE)],
    [(_("In a list"), IN_LISTS), (_("Writing"), WRITING), (_("Who leads"), WHO_LEADS)],
    [(_("Anywhere"), ANYWHERE)],
]
EVERY = [each for column in COLUMNS for _title, group in column for each in group]
