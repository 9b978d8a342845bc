"""A file on its way in or out. Alone here, because what reads mail may know neither the database nor the hooks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class File:
    """An attachment on its way in or out."""

    name: str
    content_type: str
    data: bytes
    content_id: str = ""  # by which the HTML of the mail it came with shows it in place
