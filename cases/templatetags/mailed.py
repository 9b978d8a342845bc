"""What the thread shows of a mail: its text in pieces, and what a reader is warned of."""

from django import template
from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext_lazy

from cases.models import Message

register = template.Library()

_FOLDED: dict[str, LazyText] = {
    "quote": gettext_lazy("What was said before"),
    "signature": gettext_lazy("Signature"),
}


SHOWN = 100_000  # characters of a message in its thread; all of it is one step away


@register.filter
def is_long(message: Message) -> bool:
    """Whether the thread shows its beginning only."""
    return len(message.text) > SHOWN


@register.filter
def beginning(message: Message) -> str:
    """As much of a message as a thread shows."""
    return message.text[:SHOWN]


@register.filter
def stretches(message: Message) -> list[dict[str, str]]:
    """A message's text in the pieces it is shown in: `text`, and `folded`, the words on what hides it, or nothing."""
    text, at, found = beginning(message), 0, []
    for start, end, kind in message.folds:
        found.append({"text": text[at:start], "folded": ""})
        found.append({"text": text[start:end].strip("\r\n"), "folded": str(_FOLDED.get(kind, kind))})
        at = end
    found.append({"text": text[at:], "folded": ""})
    return [{**piece, "text": piece["text"].strip("\r\n")} for piece in found if piece["text"].strip()]


_FLAGS: dict[str, LazyText] = {
    "sender_unverified": gettext_lazy("the sender is not proven"),
    "message_id_reused": gettext_lazy("this mail uses the id of another one"),
    "clipped": gettext_lazy("very long: not all of it is shown"),
    "guessed": gettext_lazy("some letters are guessed"),
    "own_address": gettext_lazy("the sender uses an address of ours"),
    "staff_address": gettext_lazy("from the address of a colleague, like any customer’s mail"),
    "replies_elsewhere": gettext_lazy("asks for answers to another address; we answer to the sender"),
    "files_left_out": gettext_lazy("a file was too large and is left out"),
    "only_its_header": gettext_lazy("too large to be fetched: only its header is here; ask for the rest another way"),
}


@register.filter
def warned(flag: str) -> str:
    """What a reader is warned of, in words."""
    return str(_FLAGS.get(flag, flag.replace("_", " ")))
