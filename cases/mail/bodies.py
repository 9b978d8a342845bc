"""Which parts of a mail are its body and which are files: the algorithm of RFC 8621, 4.1.4, which every JMAP server
follows, so that what a customer meant to be read is read. One thing differs: a picture, sound or film inside the body is
a file here as well, for there it would be lost to whoever reads plain text."""

from dataclasses import dataclass, field

from cases.mail.structure import Part

_TEXTS = frozenset({"text/plain", "text/html"})


@dataclass
class Choice:
    """Parts in the order of the mail: what is read as plain text, what as HTML, and what is a file."""

    text: list[Part] = field(default_factory=list)
    html: list[Part] = field(default_factory=list)
    files: list[Part] = field(default_factory=list)


def choose(root: Part) -> Choice:
    choice = Choice()
    if root.is_multipart:
        _within(root, choice, choice.text, choice.html, in_alternative=False)
    elif _is_body(root) or (root.kind.startswith("multipart/") and not _is_attachment(root)):
        choice.text.append(root)
        choice.html.append(root)
    else:
        choice.files.append(root)
    return choice


def name(part: Part) -> str:
    """The file name a part gives itself, as written."""
    return part.disposition.get("filename") or part.type.get("name") or part.disposition.get("name")


def _within(
    multipart: Part, choice: Choice, text: list[Part] | None, html: list[Part] | None, *, in_alternative: bool
) -> None:
    """Sort the children of a multipart. Inside an alternative a list that is None takes nothing: the other one tells
    the same in its own form."""
    alternative = multipart.kind == "multipart/alternative"
    before = (len(text or ()), len(html or ()))
    for part in multipart.children:
        if part.is_multipart:
            _within(part, choice, text, html, in_alternative=in_alternative or alternative)
        elif not _is_body(part):
            choice.files.append(part)
        elif alternative:
            _alternative(part, choice, text, html)
        else:
            text, html = _one_form(part, text, html) if in_alternative else (text, html)
            bodies = [body for body in (text, html) if body is not None]
            for body in bodies or [choice.files]:  # neither form is open any more: kept all the same
                body.append(part)
    if alternative and text is not None and html is not None:
        _fill_in(text, html, before)


def _alternative(part: Part, choice: Choice, text: list[Part] | None, html: list[Part] | None) -> None:
    body = text if part.kind == "text/plain" else html
    if body is None:
        choice.files.append(part)
    else:
        body.append(part)


def _one_form(
    part: Part, text: list[Part] | None, html: list[Part] | None
) -> tuple[list[Part] | None, list[Part] | None]:
    """In a multipart inside an alternative, the first text says which form all of it is."""
    if part.kind == "text/plain":
        return text, None
    return None, html


def _fill_in(text: list[Part], html: list[Part], before: tuple[int, int]) -> None:
    """An alternative with one form only is read in that form by everybody."""
    plain, rich = text[before[0] :], html[before[1] :]
    if not plain:
        text.extend(rich)
    if not rich:
        html.extend(plain)


def _is_body(part: Part) -> bool:
    """Is it text to be read, rather than a file? In a related multipart only what comes first; a text with a name only
    where it comes first."""
    if part.kind not in _TEXTS or _is_attachment(part):
        return False
    return part.first or (part.parent != "multipart/related" and not name(part))


def _is_attachment(part: Part) -> bool:
    return part.disposition.kind == "attachment"
