"""The places in a text that a case fills in: `{customer.first_name}`. One list, looked up and never run. Pure."""

import re
from collections.abc import Mapping

from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

LONGEST_TEXT = 20_000  # characters of one language
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
# Every variable there is, and what it stands for (docs/macros.md).
KNOWN: dict[str, LazyText] = {
    "customer.name": gettext_lazy("the customer’s name"),
    "customer.first_name": gettext_lazy("the customer’s first name"),
    "customer.organization": gettext_lazy("the company they belong to"),
    "case.number": gettext_lazy("the number of the case"),
    "case.subject": gettext_lazy("what the case is about"),
    "case.opened": gettext_lazy("the day the case was opened"),
    "queue.name": gettext_lazy("the queue the case is in"),
    "rep.name": gettext_lazy("your name"),
    "rep.first_name": gettext_lazy("your first name"),
    "promise.what": gettext_lazy("what is promised next"),
    "promise.due": gettext_lazy("by when it is promised, in the customer’s time"),
    "company.name": gettext_lazy("our company"),
}
# What looks like one, so that a misspelt one is found while it is still being written.
_PLACE = re.compile(r"\{([A-Za-z_]+(?:\.[A-Za-z_]+)*)\}")


def written(name: str) -> str:
    """A variable as it stands in a text."""
    return "{" + name + "}"


def places(text: str) -> list[str]:
    """The variables of a text, each once, in the order they are read."""
    return [name for name in dict.fromkeys(_PLACE.findall(text)) if name in KNOWN]


def all_written() -> str:
    """Every variable there is, as they are written."""
    return ", ".join(map(written, KNOWN))


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with every value that is known; what is missing stays to be seen. One pass: a value is only ever text."""

    def value(place: re.Match[str]) -> str:
        return (values.get(place[1]) or place[0]) if place[1] in KNOWN else place[0]

    return _PLACE.sub(value, text)


def pieces(text: str) -> list[tuple[str, bool]]:
    """The text in pieces, and of each whether it is a place that nothing has filled."""
    found, last = [], 0
    for place in _PLACE.finditer(text):
        if place[1] in KNOWN:
            found += [(text[last : place.start()], False), (place[0], True)]
            last = place.end()
    return [(piece, is_empty) for piece, is_empty in [*found, (text[last:], False)] if piece]


def faults(text: str) -> list[str]:
    """A sentence for each variable that there is not."""
    return [
        _("There is no variable %(name)s. Known: %(known)s.") % {"name": written(name), "known": all_written()}
        for name in dict.fromkeys(_PLACE.findall(text))
        if name not in KNOWN
    ]


def unfilled(*texts: str) -> str:
    """The sentence for what must be filled in before this may reach a customer; empty when nothing is."""
    missing = list(dict.fromkeys(name for text in texts for name in places(text)))
    if not missing:
        return ""
    return _("Fill in first: %(places)s.") % {"places": ", ".join(f"{written(n)} ({KNOWN[n]})" for n in missing)}


def text_faults(texts: Mapping[str, str]) -> list[str]:
    """What is wrong with texts by language, in sentences."""
    if not texts:
        return [str(_("Write the text in at least one language."))]
    found = [str(_("“%s” is no language.") % code[:20]) for code in texts if not _LANGUAGE.fullmatch(code)]
    if any(len(text) > LONGEST_TEXT for text in texts.values()):
        found.append(str(_("A text has at most 20,000 characters.")))
    return found + [fault for text in texts.values() for fault in faults(text)]
