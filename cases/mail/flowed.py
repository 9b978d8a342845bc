"""text/plain; format=flowed (RFC 3676): lines that a mailer broke are whole again, quotes keep their marks."""

import re

_QUOTED = re.compile(r">*")
_SIGNATURE = "-- "


def unwrap(text: str, *, delsp: bool = False) -> str:
    """The text with its paragraphs as they were written. A line that ends in a space goes on in the next of the same
    quote depth; with `delsp` that space is no part of it."""
    made: list[str] = []
    open_depth = -1  # of the paragraph that goes on; -1 for none
    for line in text.split("\n"):
        depth = len(_QUOTED.match(line)[0])  # type: ignore[index]  # matches always
        words = line[depth:].removeprefix(" ")
        flows = words.endswith(" ") and words != _SIGNATURE
        kept = words[:-1] if flows and delsp else words
        if depth == open_depth and words != _SIGNATURE:
            made.append(kept)
        else:
            made.append(("\n" if made else "") + (">" * depth + " " if depth else "") + kept)
        open_depth = depth if flows else -1
    return "".join(made)
